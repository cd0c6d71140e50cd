//! Writes a commit's files and the index that goes with them.
//! Invariant: nothing is written outside the folder: names come from an index that refuses `..` and `.git`, links are made
//! when all files are there, and only those that stay inside.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Component, Path, PathBuf},
};

use gix::{ObjectId, Repository, bstr::ByteSlice as _, index::entry::Mode};

use super::Cloning;
use crate::{DriverError, limits::Budget};

impl Cloning {
    /// Writes the files of a commit into the folder and returns its index.
    pub(super) fn check_out(
        &self,
        repo: &Repository,
        folder: &Path,
        commit: ObjectId,
    ) -> Result<gix::index::File, DriverError> {
        let failed = |error: gix::Error| self.failed("checking out", &error);
        let tree = repo.find_commit(commit).map_err(failed)?.tree_id().map_err(failed)?;
        let mut index = repo.index_from_tree(&tree).map_err(failed)?;
        let mut budget = Budget::of(self.limits);
        let mut links = Vec::new();
        for entry in index.entries() {
            let name = gix::path::from_bstr(entry.path(&index)).map_err(failed)?.into_owned();
            let path = inside(folder, &name)?;
            budget.file()?;
            if entry.mode == Mode::COMMIT {
                fs::create_dir_all(&path).map_err(DriverError::io(&path))?;
                continue;
            }
            let object = repo.find_object(entry.id).map_err(|error| self.failed("checking out", &error))?;
            budget.bytes(object.data.len())?;
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(DriverError::io(parent))?;
            }
            if entry.mode == Mode::SYMLINK {
                let target = PathBuf::from(object.data.to_os_str_lossy().into_owned());
                links.push((name, path, target));
                continue;
            }
            let mode = if entry.mode == Mode::FILE_EXECUTABLE { 0o755 } else { 0o644 };
            let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
            file.and_then(|mut file| file.write_all(&object.data)).map_err(DriverError::io(&path))?;
        }
        for (name, path, target) in links {
            if stays(&name, &target) {
                std::os::unix::fs::symlink(target, &path).map_err(DriverError::io(&path))?;
            }
        }
        index
            .write(gix::index::write::Options::default())
            .map_err(|error| self.failed("writing the index", &error))?;
        Ok(index)
    }
}

/// Returns the path of an entry; every part of its name is a plain one.
fn inside(folder: &Path, name: &Path) -> Result<PathBuf, DriverError> {
    let plain = name.components().all(|part| matches!(part, Component::Normal(part) if part != ".git"));
    if plain && name.components().next().is_some() {
        return Ok(folder.join(name));
    }
    Err(DriverError::BadArtifact(format!("the repository holds a file `{}`", name.display())))
}

/// Whether a link's target is inside the repository.
fn stays(name: &Path, target: &Path) -> bool {
    let mut depth = name.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{inside, stays};

    #[test]
    fn names_and_links_stay_inside() {
        for name in ["..", "a/../b", "/a", ".git/hooks/x", "a/.git", ""] {
            assert!(inside(Path::new("/t"), Path::new(name)).is_err(), "{name}");
        }
        for (name, target, expected) in [
            ("a/l", "../b", true),
            ("a/l", "../../b", false),
            ("l", "/etc", false),
            ("l", "a/../b", true),
            ("l", "..", false),
        ] {
            assert_eq!(stays(Path::new(name), Path::new(target)), expected, "{name} -> {target}");
        }
    }
}
