//! Unpacks what was fetched, as Argo's executor does: what is said to be an archive or found to be a tarball is unpacked,
//! anything else stays as it is; an archive of a single file or folder becomes that. Not here: any other archive format.
//! Source: Argo `workflow/executor/executor.go` loadArtifact, isTarball, unpack.

mod tarball;
mod tree;
mod zipped;

use std::{fs, path::Path};

use model::argo::Archive;

pub use self::tarball::is_tarball;
use self::tree::Tree;
use crate::{ArtifactError, Limits};

/// Makes of `source`, a file or folder that was fetched, the artifact at `target`, and removes `source`. Both lie in one
/// folder that only this process writes to; an earlier, interrupted attempt is replaced. `archive` is what the input
/// artifact says: without it a tarball is recognized, a ZIP archive is not, as in Argo.
///
/// # Errors
/// [`ArtifactError`]; nothing is at `target` then.
pub fn unpack(
    source: &Path,
    archive: Option<Archive>,
    target: &Path,
    limits: &Limits,
) -> Result<(), ArtifactError> {
    remove(target)?;
    let tar = match archive {
        Some(Archive::None) => false,
        Some(Archive::Tar { .. }) => true,
        Some(Archive::Zip) => false,
        None => is_tarball(source)?,
    };
    if !tar && archive != Some(Archive::Zip) {
        return fs::rename(source, target).map_err(ArtifactError::io(target));
    }
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".tmpdir");
    let folder = target.with_file_name(name);
    remove(&folder)?;
    let unpacked = Tree::below(&folder, limits).and_then(|mut tree| {
        if tar {
            tarball::unpack(source, &mut tree)?;
        } else {
            zipped::unpack(source, &mut tree)?;
        }
        tree.finish(target)
    });
    match unpacked {
        Ok(()) => remove(source),
        Err(error) => {
            remove(&folder)?;
            Err(error)
        }
    }
}

/// Removes a file or folder, if there is one.
fn remove(path: &Path) -> Result<(), ArtifactError> {
    let removed = match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.map_err(ArtifactError::io(path))
}
