//! Names inside archives: what may become a path, and where a link may lead.
//! Not here: any file. Source: Argo `workflow/executor/executor.go` untar, and its advisories on archives.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
};

use crate::{ArtifactError, Limits, limits::ARCHIVE_NAME_BYTES};

/// Returns the relative path that an entry called `name` has; empty for the artifact itself. A leading slash means
/// nothing, as in Argo.
///
/// # Errors
/// [`ArtifactError::IllegalPath`] if it leads out or cannot be a path, [`ArtifactError::TooLarge`].
pub(crate) fn entry_path(name: &[u8], limits: &Limits) -> Result<PathBuf, ArtifactError> {
    if name.len() > ARCHIVE_NAME_BYTES {
        return Err(ArtifactError::TooLarge { what: "bytes in a name", limit: ARCHIVE_NAME_BYTES as u64 });
    }
    let illegal = || ArtifactError::IllegalPath(String::from_utf8_lossy(name).into_owned());
    if name.contains(&0) {
        return Err(illegal());
    }
    let mut path = PathBuf::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                if !path.pop() {
                    return Err(illegal());
                }
            }
            part => path.push(OsStr::from_bytes(part)),
        }
    }
    if path.components().count() > limits.depth {
        let limit = u64::try_from(limits.depth).unwrap_or(u64::MAX);
        return Err(ArtifactError::TooLarge { what: "folders inside one another", limit });
    }
    Ok(path)
}

/// Returns the target of the link at `path` (relative to the artifact) if following it stays inside the artifact whatever
/// other links there are: it goes up first, at most to the artifact, and then only down. The folders above a link are
/// real ones, so going up is what it looks like; after a step down, which may be a link itself, there is no going up.
pub(crate) fn link_target<'a>(path: &Path, target: &'a Path) -> Option<&'a Path> {
    let mut above = path.components().count().checked_sub(1)?;
    let mut down = false;
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if !down => above = above.checked_sub(1)?,
            Component::Normal(_) => down = true,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let bytes = target.as_os_str().as_bytes();
    (!bytes.is_empty() && bytes.len() <= ARCHIVE_NAME_BYTES && !bytes.contains(&0)).then_some(target)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{entry_path, link_target};
    use crate::Limits;

    #[test]
    fn names_become_paths_inside_or_nothing() {
        let limits = Limits { depth: 3, ..Limits::default() };
        let path = |name: &str| entry_path(name.as_bytes(), &limits).map(|path| path.display().to_string());
        for (name, wanted) in [
            ("a/b", "a/b"),
            ("/etc/x", "etc/x"),
            ("./a//b/", "a/b"),
            ("a/../b", "b"),
            ("./", ""),
            ("a\\b", "a\\b"),
        ] {
            assert_eq!(path(name).unwrap(), wanted, "{name}");
        }
        for name in ["..", "../x", "a/../../x", "/../x", "a\0b", "a/b/c/d"] {
            assert!(path(name).is_err(), "{name}");
        }
    }

    #[test]
    fn links_go_up_first_and_stay_inside() {
        let stays = |path: &str, target: &str| link_target(Path::new(path), Path::new(target)).is_some();
        for (path, target) in [
            ("l", "a"),
            ("l", "a/b"),
            ("d/l", "../a"),
            ("d/e/l", "../../a"),
            ("d/l", ".."),
            ("l", "./a"),
            ("l", "."),
        ] {
            assert!(stays(path, target), "{path} -> {target}");
        }
        for (path, target) in
            [("l", ".."), ("d/l", "../.."), ("l", "/etc"), ("l", "a/.."), ("d/l", "../a/../../x"), ("l", "")]
        {
            assert!(!stays(path, target), "{path} -> {target}");
        }
    }
}
