//! ZIP archives. Not here: encrypted ones.
//! A link is written as a file that holds its target, as Argo does.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
};

use zip::{ZipArchive, result::ZipError};

use super::tree::Tree;
use crate::{ArtifactError, limits::ZIP_INDEX_BYTES};

/// Unpacks the ZIP archive at `source`.
pub(super) fn unpack(source: &Path, tree: &mut Tree<'_>) -> Result<(), ArtifactError> {
    let file = File::open(source).map_err(ArtifactError::io(source))?;
    let left = Rc::new(Cell::new(ZIP_INDEX_BYTES));
    let mut zip = ZipArchive::new(Bounded { inner: BufReader::new(file), left: Rc::clone(&left) })
        .map_err(|error| if left.get() == 0 { index_too_large() } else { bad(error) })?;
    // the index is in memory: from here on the tree bounds what is read
    left.set(u64::MAX);
    tree.expect(zip.len())?;
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).map_err(bad)?;
        tree.count()?;
        let name = file.name_raw().to_vec();
        if file.is_dir() {
            tree.folder(&name)?;
        } else {
            let mode = file.unix_mode().unwrap_or(0o644);
            tree.file(&name, mode, &mut file)?;
        }
    }
    Ok(())
}

/// Reads no more than is left.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.get().saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        self.left.set(left);
        if left == 0 { Err(io::Error::other("the index is too large")) } else { Ok(read) }
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

fn index_too_large() -> ArtifactError {
    ArtifactError::TooLarge { what: "bytes in its index", limit: ZIP_INDEX_BYTES }
}

fn bad(error: ZipError) -> ArtifactError {
    ArtifactError::BadArchive(format!("zip: {error}"))
}
