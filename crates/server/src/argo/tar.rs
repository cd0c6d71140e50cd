//! Folders as tar (POSIX ustar, with GNU long names): regular files and folders only, in order of name.
//! Not here: links and devices, which are left out: what they point to is not the run's.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::mpsc;

const BLOCK: usize = 512;
const CHUNK: usize = 64 * 1024;
/// The largest file whose size fits a ustar header (eleven octal digits), in bytes.
const MAX_FILE_BYTES: u64 = (1 << 33) - 1;
/// The deepest folder that is sent.
const MAX_DEPTH: usize = 64;

/// Returns the folder as a tar stream; `kept` lives as long as it is read. A failure breaks the stream off, so that nobody takes half for the whole.
pub(super) fn archive(folder: PathBuf, kept: impl Send + 'static) -> Body {
    let (sink, chunks) = mpsc::channel::<io::Result<Bytes>>(8);
    tokio::task::spawn_blocking(move || {
        let _kept = kept;
        let mut write = |bytes: Bytes| {
            sink.blocking_send(Ok(bytes)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
        };
        let written =
            add_folder(&folder, "", 0, &mut write).and_then(|()| write(Bytes::from(vec![0; 2 * BLOCK])));
        if let Err(error) = written {
            let _ = sink.blocking_send(Err(error));
        }
    });
    Body::from_stream(futures_util::stream::unfold(chunks, async |mut chunks| {
        chunks.recv().await.map(|chunk| (chunk, chunks))
    }))
}

type Write<'a> = &'a mut dyn FnMut(Bytes) -> io::Result<()>;

fn add_folder(folder: &Path, inside: &str, depth: usize, write: Write<'_>) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(io::Error::other("the folder is too deep"));
    }
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{inside}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let name = format!("{name}/");
            add_header(&name, 0, b'5', 0o755, write)?;
            add_folder(&entry.path(), &name, depth + 1, write)?;
        } else if kind.is_file() {
            add_file(&entry.path(), &name, write)?;
        }
    }
    Ok(())
}

fn add_file(path: &Path, name: &str, write: Write<'_>) -> io::Result<()> {
    let mut file = fs::File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_FILE_BYTES {
        return Err(io::Error::other("a file is too large for a tar header"));
    }
    add_header(name, size, b'0', 0o644, write)?;
    let mut left = size;
    while left > 0 {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = (&mut file).take(left.min(CHUNK as u64)).read_to_end(&mut chunk)?;
        if read == 0 {
            return Err(io::Error::other("a file became shorter while it was sent"));
        }
        left -= read as u64;
        write(Bytes::from(chunk))?;
    }
    write(Bytes::from(vec![0; padding(size)]))
}

fn padding(size: u64) -> usize {
    usize::try_from((BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64).unwrap_or_default()
}

fn add_header(name: &str, size: u64, kind: u8, mode: u32, write: Write<'_>) -> io::Result<()> {
    let bytes = name.as_bytes();
    if bytes.len() > 100 {
        write(header("././@LongLink", bytes.len() as u64 + 1, b'L', 0o644))?;
        let mut long = bytes.to_vec();
        long.push(0);
        long.resize(long.len() + padding(long.len() as u64), 0);
        write(Bytes::from(long))?;
    }
    write(header(name, size, kind, mode))
}

fn header(name: &str, size: u64, kind: u8, mode: u32) -> Bytes {
    let mut fields: Vec<u8> = Vec::with_capacity(BLOCK);
    let mut put = |text: &str, width: usize| {
        fields.extend(text.bytes().take(width));
        fields.resize(fields.len() + width - text.len().min(width), 0);
    };
    put(name, 100);
    put(&format!("{mode:07o}"), 8);
    put("0000000", 8);
    put("0000000", 8);
    put(&format!("{size:011o}"), 12);
    put("00000000000", 12);
    put("        ", 8);
    put(&char::from(kind).to_string(), 1);
    put("", 100);
    put("ustar", 6);
    put("00", 2);
    fields.resize(BLOCK, 0);
    let sum: u32 = fields.iter().map(|byte| u32::from(*byte)).sum();
    fields.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
    Bytes::from(fields)
}
