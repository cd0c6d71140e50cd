//! Where tests find the reference data that lies beside the project, and how lists of known gaps are kept:
//! a gap that is closed fails the test until it is taken off the list.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Returns the folder or file `path` of the reference data, or says plainly that it is absent.
pub(crate) fn find(path: &str) -> Option<PathBuf> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if full.exists() {
        return Some(full);
    }
    println!("the reference data is absent, so nothing was tested: {}", full.display());
    None
}

/// Returns every YAML file below `folder` with its path below it, in order.
pub(crate) fn yaml_files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no files in {}", folder.display());
    files
}

/// Compares the cases that failed with the list of known gaps, which may only shrink.
#[track_caller]
pub(crate) fn compare_gaps(failed: &[(String, String)], known: &[&str]) {
    let names: BTreeSet<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    let known: BTreeSet<&str> = known.iter().copied().collect();
    let new: Vec<_> = failed.iter().filter(|(name, _)| !known.contains(name.as_str())).collect();
    let closed: Vec<_> = known.difference(&names).collect();
    assert!(new.is_empty(), "{} cases fail that are not known gaps:\n{}", new.len(), lines(&new));
    assert!(closed.is_empty(), "these gaps are closed, take them off the list: {closed:#?}");
}

fn lines(failed: &[&(String, String)]) -> String {
    failed.iter().map(|(name, why)| format!("  {name}: {why}\n")).collect()
}
