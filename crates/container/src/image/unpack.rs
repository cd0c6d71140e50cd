//! A layer becomes files. Source: OCI image-spec `layer.md` (whiteouts, opaque folders).
//! Not here: where it comes from. Devices and FIFOs of a layer are left out: a container has devices of its own.
//! Invariant: a layer whose digests differ from what was promised is refused, and nothing leaves the folder (`tree`).

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use super::{Layer, sha256_of};
use crate::tree::{Meta, Tree, bytes, clean};

/// What is left of an image's limits.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Bytes.
    pub(crate) bytes: u64,
    /// Entries.
    pub(crate) entries: u64,
}

/// Unpacks a layer's blob on top of what is in `folder`.
pub(super) fn layer(
    mut blob: File,
    layer: &Layer,
    diff_id: &str,
    folder: &Path,
    budget: &mut Budget,
) -> Result<(), String> {
    let said = |error: io::Error| format!("layer {}: {error}", layer.digest);
    blob.seek(SeekFrom::Start(0)).map_err(said)?;
    let mut counted = Hashing::new(&mut blob);
    io::copy(&mut counted, &mut io::sink()).map_err(said)?;
    counted.check(&layer.digest)?;
    blob.seek(SeekFrom::Start(0)).map_err(said)?;
    let kind = layer.media_type.rsplit(['.', '+']).next().unwrap_or_default();
    let plain: Box<dyn Read> = match kind {
        "gzip" => Box::new(MultiGzDecoder::new(BufReader::new(blob))),
        "tar" => Box::new(BufReader::new(blob)),
        _ => {
            return Err(format!("layer {}: its kind `{}` is not known here", layer.digest, layer.media_type));
        }
    };
    // what follows the archive's end is hashed as well, and counts
    let most = budget.bytes.saturating_mul(2);
    let mut plain = Hashing::new(plain.take(most));
    apply(&mut plain, folder, budget).map_err(said)?;
    io::copy(&mut plain, &mut io::sink()).map_err(said)?;
    plain.check(diff_id)
}

/// Applies a layer's archive.
pub(crate) fn apply(archive: impl Read, folder: &Path, budget: &mut Budget) -> io::Result<()> {
    let tree = Tree::open(folder, nix::unistd::Uid::effective().is_root())?;
    let mut made: HashSet<PathBuf> = HashSet::new();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        budget.entries =
            budget.entries.checked_sub(1).ok_or_else(|| io::Error::other("it has too many files"))?;
        let path = entry.path()?.into_owned();
        let named = |error: io::Error| io::Error::other(format!("`{}`: {error}", path.display()));
        let name = path.file_name().unwrap_or_default().to_owned();
        if bytes(&name) == OPAQUE {
            tree.empty(path.parent().unwrap_or(Path::new("")), &made).map_err(named)?;
            continue;
        }
        if let Some(hidden) = bytes(&name).strip_prefix(WHITEOUT) {
            if hidden.is_empty() || hidden == b"." || hidden == b".." {
                return Err(named(io::Error::other("it hides nothing")));
            }
            let hidden: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(hidden);
            tree.remove(&path.with_file_name(hidden), &made).map_err(named)?;
            continue;
        }
        place(&tree, &path, &mut entry, budget).map_err(named)?;
        note(&mut made, clean(&path)?);
    }
    Ok(())
}

/// Remembers that this layer made `path`, and with it the folders above.
fn note(made: &mut HashSet<PathBuf>, path: PathBuf) {
    let mut above = path.parent();
    while let Some(folder) = above {
        if folder.as_os_str().is_empty() || !made.insert(folder.to_owned()) {
            break;
        }
        above = folder.parent();
    }
    made.insert(path);
}

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Puts one entry of an archive in place.
pub(crate) fn place(
    tree: &Tree,
    path: &Path,
    entry: &mut tar::Entry<'_, impl Read>,
    budget: &mut Budget,
) -> io::Result<()> {
    let header = entry.header();
    let id = |id: u64| u32::try_from(id).map_err(io::Error::other);
    let meta = Meta {
        mode: header.mode()?,
        owner: (id(header.uid()?)?, id(header.gid()?)?),
        mtime: header.mtime().ok().and_then(|time| i64::try_from(time).ok()).unwrap_or_default(),
    };
    let link = |entry: &tar::Entry<'_, _>| -> io::Result<PathBuf> {
        Ok(entry.link_name()?.ok_or(io::ErrorKind::InvalidData)?.into_owned())
    };
    match header.entry_type() {
        EntryType::Directory => tree.folder(path, meta),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let written = tree.file(path, entry, budget.bytes, meta)?;
            budget.bytes = budget.bytes.saturating_sub(written);
            Ok(())
        }
        EntryType::Symlink => tree.symlink(path, &link(entry)?, meta),
        EntryType::Link => tree.hard_link(path, &link(entry)?),
        _ => Ok(()),
    }
}

/// Hashes what passes.
struct Hashing<R> {
    from: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    fn new(from: R) -> Self {
        Self { from, hash: Sha256::new() }
    }
    fn check(self, digest: &str) -> Result<(), String> {
        let found: String = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if sha256_of(digest)? == found {
            Ok(())
        } else {
            Err(format!("a layer's digest is sha256:{found}, not {digest}"))
        }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// Unpacks an archive in which no name has a meaning of its own; owners are not kept.
pub(super) fn plain(archive: impl Read, folder: &Path, budget: &mut Budget) -> io::Result<()> {
    let tree = Tree::open(folder, false)?;
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        budget.entries =
            budget.entries.checked_sub(1).ok_or_else(|| io::Error::other("it has too many files"))?;
        let path = entry.path()?.into_owned();
        place(&tree, &path, &mut entry, budget)?;
    }
    Ok(())
}
