//! Takes a pod's outputs out of it, after all its processes have ended.
//! Not here: which outputs are missed (`engine` knows defaults), how paths are resolved (`files`).
//! Invariant: the artifact store gets regular files and folders only.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use engine::StoredArtifact;
use rustix::fs::FileType;

use super::files::{Found, PodFiles, entry_type, names};
use crate::{
    folder::{PodFolder, artifact_path, create_private},
    limits::{ARTIFACT_BYTES, ARTIFACT_DEPTH, ARTIFACT_ENTRIES, PARAMETER_BYTES},
    mask::Masker,
    spec::{OutputSpec, PodSpec},
};

/// What was collected, and what was left out of it.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Parameters by name.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Places by artifact name.
    pub(crate) artifacts: BTreeMap<String, StoredArtifact>,
    /// What was left out, a sentence each.
    pub(crate) notes: Vec<String>,
    /// The first thing that went wrong, for the node's message.
    pub(crate) fault: Option<String>,
}

/// Collects the outputs of a pod that has ended.
pub(crate) fn collect(files: &PodFiles, folder: &PodFolder, spec: &PodSpec, masker: &Masker) -> Collected {
    let mut collected = Collected::default();
    for (name, path) in &spec.parameters {
        match parameter(files, path, masker) {
            Ok(Some(value)) => {
                collected.parameters.insert(name.clone(), value);
            }
            Ok(None) => {}
            Err(error) => {
                collected.blame(format!("failed to save output parameter `{name}` from `{path}`: {error}"))
            }
        }
    }
    for artifact in &spec.artifacts {
        let mut notes = Vec::new();
        match store(files, folder, artifact, &mut notes) {
            Ok(Some(key)) => {
                collected.artifacts.insert(artifact.name.clone(), StoredArtifact::Key(key));
            }
            Ok(None) if artifact.optional => {}
            Ok(None) => collected.blame(format!(
                "failed to save outputs: stat {}: no such file or directory (artifact `{}`)",
                artifact.path, artifact.name
            )),
            Err(error) => {
                collected.blame(format!(
                    "failed to save artifact `{}` from `{}`: {error}",
                    artifact.name, artifact.path
                ));
            }
        }
        collected.notes.extend(notes.into_iter().map(|note| format!("artifact `{}`: {note}", artifact.name)));
    }
    collected
}

impl Collected {
    fn blame(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

fn parameter(files: &PodFiles, path: &str, masker: &Masker) -> io::Result<Option<String>> {
    let file = match files.open(path)? {
        None => return Ok(None),
        Some(Found::Folder(_)) => return Err(io::Error::other("it is a folder")),
        Some(Found::File(file)) => file,
    };
    let mut bytes = Vec::new();
    file.take(PARAMETER_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > PARAMETER_BYTES {
        return Err(io::Error::other(format!("it is larger than {PARAMETER_BYTES} bytes")));
    }
    let bytes = masker.mask(&bytes).unwrap_or(bytes);
    let value = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok(Some(String::from_utf8_lossy(value).into_owned()))
}

fn store(
    files: &PodFiles,
    folder: &PodFolder,
    artifact: &OutputSpec,
    notes: &mut Vec<String>,
) -> io::Result<Option<String>> {
    let Some(found) = files.open(&artifact.path)? else { return Ok(None) };
    let key = folder.artifact_key(&artifact.name).map_err(io::Error::other)?;
    let target = artifact_path(&folder.artifacts_root(), &key).map_err(io::Error::other)?;
    create_private(target.parent().unwrap_or(&target)).map_err(io::Error::other)?;
    let mut copying = Copying { files, notes, bytes: 0, entries: 0, top: None };
    match found {
        Found::File(file) => copying.file(file, &target)?,
        Found::Folder(source) => {
            copying.top = Some(source.try_clone()?);
            let device = rustix::fs::fstat(&source)?.st_dev;
            copying.folder(source, &target, Path::new(""), device)?;
        }
    }
    File::open(target.parent().unwrap_or(&target))?.sync_all()?;
    Ok(Some(key))
}

/// One artifact being copied into the store.
struct Copying<'a> {
    files: &'a PodFiles,
    notes: &'a mut Vec<String>,
    bytes: u64,
    entries: u32,
    top: Option<OwnedFd>,
}

impl Copying<'_> {
    fn file(&mut self, source: File, target: &Path) -> io::Result<()> {
        let mode = 0o600 | (source.metadata()?.permissions().mode() & 0o111);
        let left = ARTIFACT_BYTES.saturating_sub(self.bytes);
        if source.metadata()?.len() > left {
            return Err(too_large());
        }
        let mut copy = OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?;
        let copied = io::copy(&mut source.take(left + 1), &mut copy)?;
        self.bytes += copied;
        if copied > left {
            return Err(too_large());
        }
        copy.sync_data()
    }
    fn folder(&mut self, source: OwnedFd, target: &Path, inside: &Path, device: u64) -> io::Result<()> {
        if inside.components().count() > ARTIFACT_DEPTH as usize {
            return Err(io::Error::other(format!("it is deeper than {ARTIFACT_DEPTH} folders")));
        }
        DirBuilder::new().mode(0o700).create(target)?;
        for name in names(&source)? {
            self.entries += 1;
            if self.entries > ARTIFACT_ENTRIES {
                return Err(io::Error::other(format!("it has more than {ARTIFACT_ENTRIES} files")));
            }
            let name = Path::new(&name);
            let inner = inside.join(name);
            let (kind, entry_device) = entry_type(source.as_fd(), name)?;
            match kind {
                FileType::RegularFile | FileType::Directory if entry_device == device => {
                    match self.files.open_entry(source.as_fd(), name)? {
                        Found::File(file) => self.file(file, &target.join(name))?,
                        Found::Folder(folder) => self.folder(folder, &target.join(name), &inner, device)?,
                    }
                }
                FileType::Symlink => self.link(&inner, &target.join(name))?,
                _ => self.leave_out(&inner, "it is neither a file nor a folder of the pod"),
            }
        }
        File::open(target)?.sync_all()
    }
    /// Stores the file a link leads to; the store holds no links, so that nobody who reads it can be led astray.
    fn link(&mut self, inner: &Path, target: &Path) -> io::Result<()> {
        match self.top.as_ref().and_then(|top| self.files.open_link(top.as_fd(), inner)) {
            Some(file) => self.file(file, target),
            None => {
                self.leave_out(inner, "it is a link that leads to no file of the artifact");
                Ok(())
            }
        }
    }
    fn leave_out(&mut self, inner: &Path, why: &str) {
        const MOST_NOTES: usize = 100;
        if self.notes.len() < MOST_NOTES {
            self.notes.push(format!("`{}` was left out: {why}", PathBuf::from(inner).display()));
        }
    }
}

fn too_large() -> io::Error {
    io::Error::other(format!("it is larger than {ARTIFACT_BYTES} bytes"))
}
