//! Files on this machine that artifacts are read from and written to. Not here: where they come from and go to.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::{fs::OpenOptions, io::AsyncWriteExt as _};

use crate::{DriverError, limits::Budget};

/// Writes a new file, no further than the budget reaches.
pub(crate) async fn write<E>(
    target: &Path,
    mut content: impl Stream<Item = Result<Bytes, E>> + Unpin,
    budget: &mut Budget,
    failed: impl Fn(E) -> DriverError,
) -> Result<(), DriverError> {
    budget.file()?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target).await;
    let mut file = file.map_err(DriverError::io(target))?;
    while let Some(bytes) = content.next().await {
        let bytes = bytes.map_err(&failed)?;
        budget.bytes(bytes.len())?;
        file.write_all(&bytes).await.map_err(DriverError::io(target))?;
    }
    file.flush().await.map_err(DriverError::io(target))
}

/// Returns the files below a folder and their names relative to it, in order; links and whatever else are left out.
pub(crate) async fn below(folder: &Path) -> Result<Vec<(PathBuf, String)>, DriverError> {
    let mut found = Vec::new();
    let mut waiting = vec![(folder.to_path_buf(), String::new())];
    while let Some((path, name)) = waiting.pop() {
        let mut entries = tokio::fs::read_dir(&path).await.map_err(DriverError::io(&path))?;
        while let Some(entry) = entries.next_entry().await.map_err(DriverError::io(&path))? {
            let Ok(own) = entry.file_name().into_string() else {
                let problem = format!("`{}` is not UTF-8, so no key can name it", entry.path().display());
                return Err(DriverError::BadArtifact(problem));
            };
            let inner = if name.is_empty() { own } else { format!("{name}/{own}") };
            let kind = entry.file_type().await.map_err(DriverError::io(entry.path()))?;
            if kind.is_dir() {
                waiting.push((entry.path(), inner));
            } else if kind.is_file() {
                found.push((entry.path(), inner));
            }
        }
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(found)
}

/// Whether something is a folder.
pub(crate) async fn is_folder(path: &Path) -> Result<bool, DriverError> {
    Ok(tokio::fs::symlink_metadata(path).await.map_err(DriverError::io(path))?.is_dir())
}
