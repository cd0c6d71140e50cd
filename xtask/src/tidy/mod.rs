//! The house, as a test: what no compiler checks. Each rule is a function that gives its complaints.
//! Not here: formatting and lints, which have tools of their own.

mod arrows;
mod errors;
mod source;
mod text;

use std::{fs, path::PathBuf};

use crate::run::{output, root};

/// A file of the project.
pub(crate) struct File {
    /// Its path from the root.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
    /// Whether the file is test code as a whole.
    fn is_test(&self) -> bool {
        let path = &self.path;
        path.contains("/tests/")
            || path.contains("/benches/")
            || path.contains("/examples/")
            || path.ends_with("tests.rs")
    }
    /// Returns the crate's name, for a file of a crate.
    fn room(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }
}

/// Checks the house.
///
/// # Errors
/// Every complaint, a line each.
pub(crate) fn tidy() -> Result<(), String> {
    let files = files()?;
    let mut complaints = Vec::new();
    complaints.extend(arrows::check(&files));
    complaints.extend(errors::check(&files));
    complaints.extend(source::check(&files));
    complaints.extend(text::check(&files));
    if complaints.is_empty() {
        println!("tidy: {} files, nothing to complain about", files.len());
        return Ok(());
    }
    complaints.sort();
    Err(format!("{}\ntidy: {} complaints", complaints.join("\n"), complaints.len()))
}

/// Returns every text file that git tracks or would track.
fn files() -> Result<Vec<File>, String> {
    let listed = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    let mut files = Vec::new();
    for path in listed.lines() {
        let full: PathBuf = root().join(path);
        if let Ok(text) = fs::read_to_string(&full) {
            files.push(File { path: path.to_owned(), text });
        }
    }
    Ok(files)
}
