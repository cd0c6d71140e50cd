//! Gzipped tarballs. Entries are taken as they lie in the file, so that long names and extended headers, which the `tar`
//! crate would read whole, meet a limit first. Not here: sparse files, which are refused.

use std::{fs::File, io::BufReader, io::Read, path::Path};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::tree::Tree;
use crate::{ArtifactError, limits::ARCHIVE_NAME_BYTES};

type Unzipped = MultiGzDecoder<BufReader<File>>;

/// Whether a file is a gzipped tarball: gzip, and a first entry that tar can read. Source: Argo isTarball.
///
/// # Errors
/// [`ArtifactError::Io`] if it cannot be opened.
pub fn is_tarball(path: &Path) -> Result<bool, ArtifactError> {
    let mut archive = open(path)?;
    let found = archive.entries().is_ok_and(|entries| matches!(entries.raw(true).next(), Some(Ok(_))));
    Ok(found)
}

fn open(path: &Path) -> Result<Archive<Unzipped>, ArtifactError> {
    let file = File::open(path).map_err(ArtifactError::io(path))?;
    Ok(Archive::new(MultiGzDecoder::new(BufReader::new(file))))
}

/// Unpacks the tarball at `source`.
pub(super) fn unpack(source: &Path, tree: &mut Tree<'_>) -> Result<(), ArtifactError> {
    let mut archive = open(source)?;
    let mut said = Said::default();
    for entry in archive.entries().map_err(bad)?.raw(true) {
        let mut entry = entry.map_err(bad)?;
        tree.count()?;
        if said.take(&mut entry)? {
            continue;
        }
        let about = std::mem::take(&mut said);
        unpack_entry(&mut entry, about, tree)?;
    }
    Ok(())
}

fn unpack_entry(
    entry: &mut Entry<'_, Unzipped>,
    about: Said,
    tree: &mut Tree<'_>,
) -> Result<(), ArtifactError> {
    let header = entry.header();
    let name = about.name.unwrap_or_else(|| header.path_bytes().into_owned());
    let link = about.link.or_else(|| header.link_name_bytes().map(|link| link.into_owned()));
    let kind = header.entry_type();
    if about.size.is_some_and(|size| Ok(size) != header.entry_size().map_err(drop)) {
        return Err(ArtifactError::BadArchive("tar: two sizes for one file".to_owned()));
    }
    let mode = header.mode().map_err(bad)?;
    if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
        tree.skip(entry.size())?;
    }
    match kind {
        EntryType::Directory => tree.folder(&name),
        // old archives have folders that are files with a slash
        EntryType::Regular if name.ends_with(b"/") => tree.folder(&name),
        EntryType::Regular | EntryType::Continuous => tree.file(&name, mode, entry),
        EntryType::Symlink => tree.link(&name, link.as_deref().unwrap_or_default()),
        EntryType::Link => tree.copy(&name, link.as_deref().unwrap_or_default()),
        EntryType::GNUSparse => {
            Err(ArtifactError::BadArchive("tar: sparse files are not supported".to_owned()))
        }
        // devices, pipes and whatever else are left out, as Argo does
        _ => Ok(()),
    }
}

/// What extended headers said about the entry that comes after them.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Said {
    /// Whether the entry is an extended header; what it says is remembered then.
    fn take(&mut self, entry: &mut Entry<'_, Unzipped>) -> Result<bool, ArtifactError> {
        match entry.header().entry_type() {
            EntryType::GNULongName => self.name = Some(up_to_nul(read(entry)?)),
            EntryType::GNULongLink => self.link = Some(up_to_nul(read(entry)?)),
            EntryType::XHeader => self.take_pax(&read(entry)?)?,
            // what is said for all entries is not said of names
            EntryType::XGlobalHeader => drop(read(entry)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
    fn take_pax(&mut self, text: &[u8]) -> Result<(), ArtifactError> {
        for record in PaxExtensions::new(text) {
            let record = record.map_err(bad)?;
            let value = record.value_bytes();
            match record.key_bytes() {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok());
                    let fault = || ArtifactError::BadArchive("tar: a size that is no number".to_owned());
                    self.size = Some(size.ok_or_else(fault)?);
                }
                key if key.starts_with(b"GNU.sparse") => {
                    return Err(ArtifactError::BadArchive("tar: sparse files are not supported".to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Extended headers hold names and small facts.
const EXTENDED_HEADER_BYTES: usize = 16 * ARCHIVE_NAME_BYTES;

fn read(entry: &mut Entry<'_, Unzipped>) -> Result<Vec<u8>, ArtifactError> {
    let limit = u64::try_from(EXTENDED_HEADER_BYTES).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    entry.take(limit + 1).read_to_end(&mut text).map_err(bad)?;
    if text.len() > EXTENDED_HEADER_BYTES {
        return Err(ArtifactError::TooLarge { what: "bytes in an extended header", limit });
    }
    Ok(text)
}

fn up_to_nul(mut name: Vec<u8>) -> Vec<u8> {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    name.truncate(end);
    name
}

fn bad(error: std::io::Error) -> ArtifactError {
    ArtifactError::BadArchive(format!("tar: {error}"))
}
