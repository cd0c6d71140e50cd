//! Reading what people wrote: files, folders and standard input, within the limits of untrusted text.
//! Not here: understanding it (see `model::manifest`).

use std::{
    fs,
    io::{self, BufRead, Read as _},
    path::{Path, PathBuf},
};

use model::{Fault, limits, manifest::Manifest};

use crate::{
    error::{CliError, SourceText},
    render::fault::Drawable,
};

/// How manifests' file names end.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Returns the texts of files, of the manifests of folders (not of folders within them), and of standard input (`-`).
///
/// # Errors
/// [`CliError::File`], [`CliError::Usage`] for a folder without manifests.
pub(crate) fn read_all(paths: &[PathBuf], input: &mut dyn BufRead) -> Result<Vec<SourceText>, CliError> {
    let mut texts = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            texts.push(SourceText { file: "-".to_owned(), text: limited(path, input)? });
        } else if path.is_dir() {
            let files = manifests_of(path)?;
            if files.is_empty() {
                let why = format!(
                    "the folder `{}` holds no manifest: no file that ends in .yaml, .yml or .json",
                    path.display()
                );
                return Err(CliError::Usage(why));
            }
            for file in files {
                texts.push(read(&file)?);
            }
        } else {
            texts.push(read(path)?);
        }
    }
    Ok(texts)
}

/// Returns the text of a file.
///
/// # Errors
/// [`CliError::File`].
pub(crate) fn read(path: &Path) -> Result<SourceText, CliError> {
    let mut file = fs::File::open(path).map_err(|error| CliError::read(path, error))?;
    Ok(SourceText { file: path.display().to_string(), text: limited(path, &mut file)? })
}

/// Reads no more than a byte over the limit, whatever the file claims to be; the parser refuses it then at its place.
fn limited(path: &Path, from: &mut dyn io::Read) -> Result<String, CliError> {
    let failed = |error| CliError::read(path, error);
    let most = u64::try_from(limits::MAX_TEXT_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limits::MAX_TEXT_BYTES {
        // the cut may have gone through a character
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes)
        .map_err(|_| failed(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")))
}

fn manifests_of(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed = |error| CliError::read(folder, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Returns every manifest of the texts.
///
/// # Errors
/// [`CliError::Faults`] with every fault of every text.
pub(crate) fn parse_all(texts: &[SourceText]) -> Result<Vec<Manifest>, CliError> {
    let mut manifests = Vec::new();
    let mut faults = Vec::new();
    for source in texts {
        match model::manifest::parse(&source.file, &source.text) {
            Ok(found) => manifests.extend(found),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(manifests) } else { Err(faulty(faults, texts)) }
}

/// Returns the error for faults found in these texts.
pub(crate) fn faulty(faults: Vec<Fault>, texts: &[SourceText]) -> CliError {
    CliError::Faults { faults: faults.into_iter().map(Drawable::from).collect(), sources: texts.to_vec() }
}

/// Returns the error for a file that does not hold what the command takes.
pub(crate) fn unfit(message: String, place: Option<(String, u32, u32)>, texts: &[SourceText]) -> CliError {
    let first = || texts.first().map(|text| (text.file.clone(), 1, 1));
    let fault =
        Drawable { code: "CLI0019".to_owned(), message, place: place.or_else(first), span: None, help: None };
    CliError::Faults { faults: vec![fault], sources: texts.to_vec() }
}

/// Returns the place of a manifest, for [`unfit`].
pub(crate) fn place_of(manifest: &Manifest) -> Option<(String, u32, u32)> {
    manifest.place().map(|place| (place.file.to_string(), place.line, place.column))
}
