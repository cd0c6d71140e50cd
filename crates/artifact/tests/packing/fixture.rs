//! Archives written byte by byte, and a world to look for damage in.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use artifact::{ArtifactError, Limits, unpack};
use flate2::{Compression, write::GzEncoder};
use model::argo::Archive;
use tar::EntryType;
use tempfile::TempDir;

/// A folder with a canary beside the place that archives are unpacked in.
pub(crate) struct World {
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("private")).unwrap();
        fs::write(folder.path().join("canary"), "alive").unwrap();
        Self { folder }
    }
    pub(crate) fn source(&self) -> PathBuf {
        self.folder.path().join("private/a.tmp")
    }
    pub(crate) fn target(&self) -> PathBuf {
        self.folder.path().join("private/a")
    }
    /// Unpacks `bytes`, and makes sure that nothing but the target has changed.
    pub(crate) fn unpack(
        &self,
        bytes: &[u8],
        archive: Option<Archive>,
        limits: &Limits,
    ) -> Result<Vec<String>, ArtifactError> {
        fs::write(self.source(), bytes).unwrap();
        let unpacked = unpack(&self.source(), archive, &self.target(), limits);
        let names = |path: &Path| {
            let mut names: Vec<_> =
                fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names(self.folder.path()), ["canary", "private"]);
        assert_eq!(fs::read_to_string(self.folder.path().join("canary")).unwrap(), "alive");
        let left = if unpacked.is_ok() { vec!["a"] } else { vec!["a.tmp"] };
        assert_eq!(names(&self.folder.path().join("private")), left);
        unpacked.map(|()| listing(&self.target()))
    }
    pub(crate) fn tarball(&self, bytes: &[u8]) -> Result<Vec<String>, ArtifactError> {
        self.unpack(bytes, Some(TAR), &Limits::default())
    }
}

pub(crate) const TAR: Archive = Archive::Tar { level: None };

/// Returns what is at a path, a line each: `name = content`, `name/`, `name -> target`, an `*` after what may be executed.
pub(crate) fn listing(path: &Path) -> Vec<String> {
    fn walk(path: &Path, name: &str, lines: &mut Vec<String>) {
        use std::os::unix::fs::PermissionsExt;
        let data = path.symlink_metadata().unwrap();
        if data.is_symlink() {
            lines.push(format!("{name} -> {}", fs::read_link(path).unwrap().display()));
        } else if data.is_dir() {
            lines.push(format!("{name}/"));
            let mut inner: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
            inner.sort();
            for path in inner {
                let inner = path.file_name().unwrap().to_string_lossy().into_owned();
                walk(&path, &format!("{name}/{inner}"), lines);
            }
        } else {
            let star = if data.permissions().mode() & 0o100 == 0 { "" } else { "*" };
            let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
            lines.push(format!("{name}{star} = {text}"));
        }
    }
    let mut lines = Vec::new();
    walk(path, "", &mut lines);
    lines
}

/// One entry of a tarball, exactly as written.
pub(crate) fn entry(kind: EntryType, name: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    let raw = header.as_gnu_mut().unwrap();
    raw.name[..name.len()].copy_from_slice(name.as_bytes());
    raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn file(name: &str, content: &str) -> Vec<u8> {
    entry(EntryType::Regular, name, "", content.as_bytes())
}

pub(crate) fn symlink(name: &str, target: &str) -> Vec<u8> {
    entry(EntryType::Symlink, name, target, b"")
}

pub(crate) fn hardlink(name: &str, target: &str) -> Vec<u8> {
    entry(EntryType::Link, name, target, b"")
}

/// Returns entries as a gzipped tarball.
pub(crate) fn tgz(entries: &[Vec<u8>]) -> Vec<u8> {
    gz(&[entries.concat(), vec![0; 1024]].concat())
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// Returns a ZIP archive of files; names are written as they are.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
