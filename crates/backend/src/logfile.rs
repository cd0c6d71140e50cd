//! A pod's log on disk: one record a line, `<milliseconds since 1970> <o|e> <content>`; readable while it grows.
//! Not here: masking; what reaches [`LogWriter`] has been masked.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    LogLine,
    limits::{LOG_BYTES, LOG_READ_BYTES},
};

/// Appends lines to a log; the file appears with the first line.
#[derive(Debug)]
pub(crate) struct LogWriter {
    path: PathBuf,
    file: Option<File>,
    pending: Vec<u8>,
    written: u64,
    limit: u64,
    full: bool,
}

impl LogWriter {
    /// Returns a writer of the log at `path`.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, file: None, pending: Vec::new(), written: 0, limit: LOG_BYTES, full: false }
    }
    /// Returns it with another limit.
    #[cfg(test)]
    pub(crate) const fn with_limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }
    /// Takes a line without its newline.
    pub(crate) fn line(&mut self, at_ms: i64, stderr: bool, content: &[u8]) {
        if self.full {
            return;
        }
        let stream = if stderr { 'e' } else { 'o' };
        let start = self.pending.len();
        self.pending.extend_from_slice(format!("{at_ms} {stream} ").as_bytes());
        // a carriage return or NUL is content, a newline can only be a fault of the splitter
        self.pending.extend(content.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        self.pending.push(b'\n');
        self.written += (self.pending.len() - start) as u64;
        if self.written > self.limit {
            self.full = true;
            self.pending.truncate(start);
            let note = format!("{at_ms} e the log is cut off here: it is longer than {} bytes\n", self.limit);
            self.pending.extend_from_slice(note.as_bytes());
        }
    }
    /// Writes what was taken.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?),
        };
        file.write_all(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
}

/// Returns the whole records of the log at `path` from byte `from` on, and the offset after them.
pub(crate) fn read(path: &Path, from: u64) -> io::Result<(Vec<LogLine>, u64)> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), from)),
        Err(error) => return Err(error),
    };
    // an offset inside a record begins with the next one
    let before = from.saturating_sub(1);
    file.seek(SeekFrom::Start(before))?;
    let mut bytes = Vec::new();
    file.take(LOG_READ_BYTES).read_to_end(&mut bytes)?;
    let mut offset = before;
    let mut rest = bytes.as_slice();
    if from > 0 {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return Ok((Vec::new(), from)) };
        offset += end as u64 + 1;
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    let mut lines = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (record, after) = rest.split_at(end);
        lines.extend(record_line(record));
        offset += end as u64 + 1;
        rest = after.get(1..).unwrap_or_default();
    }
    Ok((lines, offset))
}

fn record_line(record: &[u8]) -> Option<LogLine> {
    let mut parts = record.splitn(3, |byte| *byte == b' ');
    let at_ms = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let stderr = parts.next()? == b"e";
    let content = String::from_utf8_lossy(parts.next()?).into_owned();
    Some(LogLine { content, at_ms, stderr })
}
