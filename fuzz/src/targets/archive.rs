//! Archives that nobody vouches for, unpacked into a folder of their own.

use std::{
    fs, io,
    path::{Component, Path},
};

use artifact::{ArtifactError, Limits, unpack};
use model::argo::Archive;

/// Small, so that a limit is met now and then.
const LIMITS: Limits = Limits { bytes: 256 * 1024, entries: 200, depth: 8 };

/// A tarball, compressed or not.
pub(crate) fn tar(bytes: &[u8]) {
    unpacked(bytes, Some(Archive::Tar { level: None }));
    unpacked(bytes, None);
}

/// A ZIP archive.
pub(crate) fn zip(bytes: &[u8]) {
    unpacked(bytes, Some(Archive::Zip));
}

/// Nothing is made outside the target, no link leads out of it, and after a refusal there is nothing.
fn unpacked(bytes: &[u8], archive: Option<Archive>) {
    // a folder that cannot be made is no fault of what is attacked
    let Ok(folder) = tempfile::tempdir() else { return };
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    if fs::write(&source, bytes).is_err() {
        return;
    }
    let result = unpack(&source, archive, &target, &LIMITS);
    let there = names(folder.path()).unwrap_or_default();
    match result {
        Ok(()) => {
            assert_eq!(there, ["target"], "nothing is beside the target");
            let mut bytes = 0;
            look_through(&target, &target, &mut bytes);
        }
        Err(error) => {
            assert!(!error.to_string().is_empty(), "a refusal has a reason");
            if !matches!(error, ArtifactError::Io { .. }) {
                assert!(!there.iter().any(|name| name != "source"), "{there:?} is left of {error}");
            }
        }
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn look_through(path: &Path, root: &Path, bytes: &mut u64) {
    let Ok(data) = path.symlink_metadata() else { return };
    if data.is_symlink() {
        let leads = fs::read_link(path).unwrap_or_default();
        assert!(leads.is_relative(), "{} leads to {}", path.display(), leads.display());
        let mut depth =
            path.strip_prefix(root).map_or(0, |below| below.components().count()).saturating_sub(1);
        for part in leads.components() {
            match part {
                Component::ParentDir => {
                    assert!(depth > 0, "{} leads out: {}", path.display(), leads.display());
                    depth -= 1;
                }
                Component::Normal(_) => depth += 1,
                _ => {}
            }
        }
    } else if data.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            look_through(&entry.path(), root, bytes);
        }
    } else {
        assert!(data.is_file(), "{} is neither file, folder nor link", path.display());
        *bytes += data.len();
        assert!(*bytes <= LIMITS.bytes.max(super::MAX_INPUT as u64), "more than allowed");
    }
}
