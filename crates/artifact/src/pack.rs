//! Packs a file or folder as Argo does, the same bytes each time: entries in the order of their names, no times, no owners.
//! Not here: where the archive goes. Source: Argo `util/archive/archive.go`.

use std::{
    fs::{File, Metadata},
    io::{self, BufWriter, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use model::argo::Archive;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{ArtifactError, name::link_target};

/// Returns the last part of the key that an output artifact gets if none is written for it: Argo's names.
pub fn stored_name(artifact: &str, path: &str, archive: Archive) -> String {
    match archive {
        Archive::Tar { .. } => format!("{artifact}.tgz"),
        Archive::Zip => format!("{artifact}.zip"),
        Archive::None => {
            path.rsplit('/').find(|part| !part.is_empty() && *part != ".").unwrap_or(artifact).to_owned()
        }
    }
}

/// Packs `source`, a file or folder that only this process changes, into a new file at `target`; `name` is what it is
/// called in the archive. With [`Archive::None`] a file is copied.
///
/// # Errors
/// [`ArtifactError::Unpackable`] for a level gzip does not have, and for a folder that is not to be packed;
/// [`ArtifactError::Io`].
pub fn pack(source: &Path, name: &str, archive: Archive, target: &Path) -> Result<(), ArtifactError> {
    let data = source.symlink_metadata().map_err(ArtifactError::io(source))?;
    if !data.is_file() && !data.is_dir() {
        let problem = format!("{} is not a regular file or directory", source.display());
        return Err(ArtifactError::Unpackable(problem));
    }
    let mut options = File::options();
    let file = options.write(true).create_new(true).mode(0o600).open(target);
    let file = BufWriter::new(file.map_err(ArtifactError::io(target))?);
    let at = Entry { path: source.to_path_buf(), name: PathBuf::from(name), data };
    let packed = match archive {
        Archive::Tar { level } => tar(&at, file, compression(level)?),
        Archive::Zip => zipped(&at, file),
        Archive::None if at.data.is_dir() => {
            let problem = format!("{} is a folder, which has no bytes of its own", source.display());
            return Err(ArtifactError::Unpackable(problem));
        }
        Archive::None => copy(&at, file),
    };
    packed.map_err(ArtifactError::io(source))
}

/// Returns gzip's level: Go's, of which `-1` is the default and `-2` stands for the fastest.
fn compression(level: Option<i32>) -> Result<Compression, ArtifactError> {
    match level {
        None | Some(-1) => Ok(Compression::default()),
        Some(-2) => Ok(Compression::fast()),
        Some(level @ 0..=9) => Ok(Compression::new(level.unsigned_abs())),
        Some(level) => Err(ArtifactError::Unpackable(format!("gzip: invalid compression level: {level}"))),
    }
}

/// Something to be packed.
struct Entry {
    path: PathBuf,
    name: PathBuf,
    data: Metadata,
}

impl Entry {
    fn mode(&self) -> u32 {
        if self.data.is_dir() { 0o755 } else { 0o644 | (self.data.permissions().mode() & 0o111) }
    }
    fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
    /// Returns what is in the folder, by name.
    fn inner(&self) -> io::Result<Vec<Self>> {
        let mut inner = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let (path, name) = (entry.path(), self.name.join(entry.file_name()));
            inner.push(Self { data: path.symlink_metadata()?, path, name });
        }
        inner.sort_by(|a, b| a.name.as_os_str().as_bytes().cmp(b.name.as_os_str().as_bytes()));
        Ok(inner)
    }
    /// Does something with it and all that is in it, a folder before its content.
    fn walk(&self, each: &mut impl FnMut(&Self) -> io::Result<()>) -> io::Result<()> {
        each(self)?;
        if self.data.is_dir() {
            self.inner()?.iter().try_for_each(|entry| entry.walk(each))?;
        }
        Ok(())
    }
    /// Returns where a link leads, if unpacking would accept it.
    fn link(&self) -> io::Result<Option<PathBuf>> {
        let target = std::fs::read_link(&self.path)?;
        let inside: PathBuf = self.name.components().skip(1).collect();
        Ok(link_target(&inside, &target).map(Path::to_path_buf))
    }
}

fn tar(at: &Entry, to: impl Write, level: Compression) -> io::Result<()> {
    let mut tar = tar::Builder::new(GzEncoder::new(to, level));
    at.walk(&mut |entry| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(entry.mode());
        header.set_mtime(0);
        header.set_size(0);
        if entry.data.is_dir() {
            header.set_entry_type(tar::EntryType::Directory);
            tar.append_data(&mut header, &entry.name, io::empty())
        } else if entry.data.is_file() {
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(entry.data.len());
            tar.append_data(&mut header, &entry.name, Exactly { file: entry.open()?, left: entry.data.len() })
        } else if let Some(target) = entry.data.is_symlink().then(|| entry.link()).transpose()?.flatten() {
            header.set_entry_type(tar::EntryType::Symlink);
            tar.append_link(&mut header, &entry.name, target)
        } else {
            Ok(())
        }
    })?;
    tar.into_inner()?.finish()?.flush()
}

/// Reads a file that must have the length it had when it was looked at.
struct Exactly {
    file: File,
    left: u64,
}

impl io::Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read(buffer.get_mut(..most).unwrap_or_default())?;
        if read == 0 && most > 0 {
            return Err(io::Error::other("it became shorter while it was packed"));
        }
        self.left -= u64::try_from(read).unwrap_or(self.left);
        Ok(read)
    }
}

/// Links are left out, as Argo's unpacking would make files of them.
fn zipped(at: &Entry, to: impl Write) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(to);
    at.walk(&mut |entry| {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(entry.mode())
            .large_file(entry.data.len() >= u64::from(u32::MAX));
        let Some(name) = entry.name.to_str() else {
            let name = entry.name.display();
            return Err(io::Error::other(format!("`{name}` is not UTF-8, so a ZIP archive can't name it")));
        };
        if entry.data.is_dir() {
            zip.add_directory(name, options)?;
        } else if entry.data.is_file() {
            zip.start_file(name, options)?;
            io::copy(&mut Exactly { file: entry.open()?, left: entry.data.len() }, &mut zip)?;
        }
        Ok(())
    })?;
    zip.finish()?.into_inner().flush()
}

fn copy(at: &Entry, mut to: impl Write) -> io::Result<()> {
    io::copy(&mut at.open()?, &mut to)?;
    to.flush()
}
