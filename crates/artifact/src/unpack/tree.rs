//! The folder an archive is unpacked into. Files are written while there is not a single link below it; links are made at
//! the end. Not here: any archive format.
//! Invariant: nothing is written, read or changed outside the folder.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use crate::{
    ArtifactError, Limits,
    name::{entry_path, link_target},
};

/// What is being unpacked.
pub(super) struct Tree<'a> {
    root: &'a Path,
    limits: &'a Limits,
    bytes: u64,
    entries: u32,
    links: BTreeMap<PathBuf, PathBuf>,
}

impl<'a> Tree<'a> {
    /// Creates the folder.
    pub(super) fn below(root: &'a Path, limits: &'a Limits) -> Result<Self, ArtifactError> {
        let created = DirBuilder::new().mode(0o700).create(root);
        created.map_err(ArtifactError::io(root))?;
        Ok(Self { root, limits, bytes: 0, entries: 0, links: BTreeMap::new() })
    }
    /// Refuses an archive that says by itself that it has too many entries.
    pub(super) fn expect(&self, entries: usize) -> Result<(), ArtifactError> {
        let allowed = usize::try_from(self.limits.entries).unwrap_or(usize::MAX);
        if entries > allowed { Err(self.too_many()) } else { Ok(()) }
    }
    /// Counts an entry, also one that becomes nothing.
    pub(super) fn count(&mut self) -> Result<(), ArtifactError> {
        self.entries = self.entries.saturating_add(1);
        if self.entries > self.limits.entries { Err(self.too_many()) } else { Ok(()) }
    }
    fn too_many(&self) -> ArtifactError {
        ArtifactError::TooLarge { what: "entries", limit: u64::from(self.limits.entries) }
    }
    /// Counts bytes that are read only to get past them.
    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), ArtifactError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.bytes { Err(self.too_large()) } else { Ok(()) }
    }
    fn too_large(&self) -> ArtifactError {
        ArtifactError::TooLarge { what: "bytes", limit: self.limits.bytes }
    }
    /// Makes a folder and those above it.
    pub(super) fn folder(&mut self, name: &[u8]) -> Result<(), ArtifactError> {
        let path = entry_path(name, self.limits)?;
        if let Some(parent) = path.parent() {
            self.make_parents(parent)?;
            self.make_folder(&path)?;
        }
        Ok(())
    }
    /// Makes folders that have no entry of their own, and counts them.
    fn make_parents(&mut self, path: &Path) -> Result<(), ArtifactError> {
        let mut reached = PathBuf::new();
        for part in path.components() {
            reached.push(part);
            if self.make_folder(&reached)? {
                self.count()?;
            }
        }
        Ok(())
    }
    /// Whether the folder was not there before. A folder is never made of a file.
    fn make_folder(&self, path: &Path) -> Result<bool, ArtifactError> {
        let at = self.root.join(path);
        match DirBuilder::new().mode(0o755).create(&at) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && at.is_dir() => Ok(false),
            Err(error) => Err(ArtifactError::io(&at)(error)),
        }
    }
    /// Writes a file; one of that name that came before is replaced.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        mode: u32,
        content: &mut impl Read,
    ) -> Result<(), ArtifactError> {
        let path = self.place(name)?;
        self.write(&path, mode, content)
    }
    fn write(&mut self, path: &Path, mode: u32, content: &mut impl Read) -> Result<(), ArtifactError> {
        let at = self.root.join(path);
        self.links.remove(path);
        // this user can always read and change it again, others at most read it
        let mode = 0o600 | (mode & 0o755);
        let open = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&at);
        let mut file = open.map_err(ArtifactError::io(&at))?;
        file.set_permissions(fs::Permissions::from_mode(mode)).map_err(ArtifactError::io(&at))?;
        let left = self.limits.bytes.saturating_sub(self.bytes);
        let mut content = Content { inner: content, fault: None };
        let copied = io::copy(&mut (&mut content).take(left.saturating_add(1)), &mut file);
        let copied = copied.map_err(|error| match content.fault.take() {
            Some(fault) => ArtifactError::BadArchive(fault),
            None => ArtifactError::io(&at)(error),
        })?;
        self.bytes = self.bytes.saturating_add(copied);
        if copied > left {
            return Err(self.too_large());
        }
        Ok(())
    }
    /// Copies a file that came before: what a hard link would be.
    pub(super) fn copy(&mut self, name: &[u8], of: &[u8]) -> Result<(), ArtifactError> {
        let path = self.place(name)?;
        let from = entry_path(of, self.limits)?;
        let illegal = || ArtifactError::IllegalLink {
            name: String::from_utf8_lossy(name).into_owned(),
            target: String::from_utf8_lossy(of).into_owned(),
        };
        if from == path {
            return Ok(());
        }
        let source = self.root.join(&from);
        let data = source.symlink_metadata().map_err(|_| illegal())?;
        if !data.is_file() {
            return Err(illegal());
        }
        let mut file = File::open(&source).map_err(ArtifactError::io(&source))?;
        self.write(&path, data.permissions().mode(), &mut file)
    }
    /// Remembers a link for the end.
    pub(super) fn link(&mut self, name: &[u8], target: &[u8]) -> Result<(), ArtifactError> {
        let path = self.place(name)?;
        let to = Path::new(std::ffi::OsStr::from_bytes(target));
        let Some(to) = link_target(&path, to) else {
            return Err(ArtifactError::IllegalLink {
                name: String::from_utf8_lossy(name).into_owned(),
                target: String::from_utf8_lossy(target).into_owned(),
            });
        };
        self.links.insert(path, to.to_path_buf());
        Ok(())
    }
    /// Returns the path of something that is no folder, and makes those above it.
    fn place(&mut self, name: &[u8]) -> Result<PathBuf, ArtifactError> {
        let path = entry_path(name, self.limits)?;
        match path.parent() {
            Some(parent) => self.make_parents(parent)?,
            None => return Err(ArtifactError::IllegalPath(String::from_utf8_lossy(name).into_owned())),
        }
        Ok(path)
    }
    /// Makes the links: nothing is written any more, so nothing is written through them. Then moves the only thing that
    /// was unpacked, else all of it, to `target`.
    pub(super) fn finish(self, target: &Path) -> Result<(), ArtifactError> {
        for (path, to) in &self.links {
            let at = self.root.join(path);
            match fs::remove_file(&at) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ArtifactError::io(&at)(error));
                }
                _ => {}
            }
            std::os::unix::fs::symlink(to, &at).map_err(ArtifactError::io(&at))?;
        }
        match self.only()? {
            Some(only) => {
                fs::rename(&only, target).map_err(ArtifactError::io(target))?;
                fs::remove_dir(self.root).map_err(ArtifactError::io(self.root))
            }
            None => fs::rename(self.root, target).map_err(ArtifactError::io(target)),
        }
    }
    /// Returns the only thing that was unpacked, if there is one and it is a file or folder. It becomes the artifact, so
    /// its links must not lead out of it.
    fn only(&self) -> Result<Option<PathBuf>, ArtifactError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.root).map_err(ArtifactError::io(self.root))?.take(2) {
            found.push(entry.map_err(ArtifactError::io(self.root))?);
        }
        let [only] = found.as_slice() else { return Ok(None) };
        if only.file_type().map_err(ArtifactError::io(self.root))?.is_symlink() {
            return Ok(None);
        }
        for (path, target) in &self.links {
            let inside: PathBuf = path.components().skip(1).collect();
            if link_target(&inside, target).is_none() {
                return Err(ArtifactError::IllegalLink {
                    name: path.display().to_string(),
                    target: target.display().to_string(),
                });
            }
        }
        Ok(Some(only.path()))
    }
}

/// Remembers that it was the archive that failed and not the disk.
struct Content<'a, R> {
    inner: &'a mut R,
    fault: Option<String>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.fault = Some(error.to_string());
            }
        })
    }
}
