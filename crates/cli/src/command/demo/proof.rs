//! The last act: the store as it lies there verifies, and a copy with one changed byte does not.
//! Not here: verifying (see `command::audit`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{super::local::make_private, stage::Stage};
use crate::{error::CliError, exit::Exit};

/// What is looked for in the store, to have a byte of it changed: the record of an approval.
const RECORD: &[u8] = br#""action":"approve""#;

/// Plays the act; the server has ended.
pub(super) async fn play(stage: &mut Stage<'_, '_>, data: &Path) -> Result<(), CliError> {
    stage.act("The proof: the store as it lies there, and a copy with one byte flipped")?;
    let key = stage.folder.join("log.pub");
    let public = runner::keys::log_key(&data.join("keys"))
        .map_err(|error| CliError::local("the log's key cannot be read", error))?;
    fs::write(&key, format!("{}\n", public.public())).map_err(|error| CliError::write(&key, error))?;
    let (key, original) = (key.display().to_string(), data.display().to_string());
    stage.plays("ida", &["audit", "verify", "--data", &original, "--key", &key], Exit::OK).await?;
    let copy = stage.folder.join("copy");
    copy_files(data, &copy)?;
    let at = flip(&copy.join(store::DATABASE))?;
    stage.say(&format!(
        "one byte of the copy is flipped, at offset {at}: an approval is no longer what it was"
    ))?;
    let copy = copy.display().to_string();
    stage.plays("ida", &["audit", "verify", "--data", &copy, "--key", &key], Exit::FAILED).await?;
    Ok(())
}

/// Copies the files of the store, not the folders in it: neither keys nor logs belong to the proof.
fn copy_files(from: &Path, to: &Path) -> Result<(), CliError> {
    make_private(to)?;
    for entry in fs::read_dir(from).map_err(|error| CliError::read(from, error))? {
        let path: PathBuf = entry.map_err(|error| CliError::read(from, error))?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            fs::copy(&path, to.join(name)).map_err(|error| CliError::write(to.join(name), error))?;
        }
    }
    Ok(())
}

/// Flips the lowest bit of the record's last letter, and returns where it is.
fn flip(file: &Path) -> Result<usize, CliError> {
    let mut bytes = fs::read(file).map_err(|error| CliError::read(file, error))?;
    let found = bytes.windows(RECORD.len()).rposition(|window| window == RECORD);
    let at = found.map(|begin| begin.saturating_add(RECORD.len().saturating_sub(2)));
    let Some((at, byte)) = at.and_then(|at| bytes.get_mut(at).map(|byte| (at, byte))) else {
        return Err(CliError::local("the story went wrong", "the store holds no record of the approval"));
    };
    *byte ^= 1;
    fs::write(file, bytes).map_err(|error| CliError::write(file, error))?;
    Ok(at)
}
