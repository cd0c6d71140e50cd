//! Splits what a pod writes into lines, masks them, and hands them to the log and to the result.
//! Not here: reading pipes (`watch`).
//! Invariant: nothing leaves unmasked, wherever the pod's writes and our reads cut a secret.

use crate::{
    limits::{LOG_LINE_BYTES, RESULT_BYTES},
    logfile::LogWriter,
    mask::Masker,
};

/// One of the two streams of a pod.
#[derive(Debug)]
pub(crate) struct Stream {
    stderr: bool,
    partial: Vec<u8>,
    tail: Option<Tail>,
}

impl Stream {
    /// Returns a stream; `keep` keeps its end for the result.
    pub(crate) fn new(stderr: bool, keep: bool) -> Self {
        Self { stderr, partial: Vec::new(), tail: keep.then(Tail::default) }
    }
    /// Takes what was read at `at_ms`.
    pub(crate) fn take(&mut self, bytes: &[u8], at_ms: i64, masker: &Masker, log: &mut LogWriter) {
        let mut searched = self.partial.len();
        self.partial.extend_from_slice(bytes);
        let mut partial = std::mem::take(&mut self.partial);
        let mut start = 0;
        while let Some(end) =
            partial.iter().skip(searched).position(|byte| *byte == b'\n').map(|at| searched + at)
        {
            self.emit(partial.get(start..end).unwrap_or_default(), true, at_ms, masker, log);
            start = end + 1;
            searched = start;
        }
        partial.drain(..start);
        while partial.len() > LOG_LINE_BYTES + masker.longest() {
            let cut = masker.safe_prefix(&partial).min(partial.len());
            self.emit(partial.get(..cut).unwrap_or_default(), false, at_ms, masker, log);
            partial.drain(..cut);
        }
        self.partial = partial;
    }
    /// Takes the last line, which has no newline.
    pub(crate) fn finish(&mut self, at_ms: i64, masker: &Masker, log: &mut LogWriter) {
        let partial = std::mem::take(&mut self.partial);
        if !partial.is_empty() {
            self.emit(&partial, false, at_ms, masker, log);
        }
    }
    /// Returns the end of what was written, one newline removed, if it was kept.
    pub(crate) fn result(self) -> Option<String> {
        self.tail.map(Tail::into_text)
    }

    fn emit(&mut self, line: &[u8], newline: bool, at_ms: i64, masker: &Masker, log: &mut LogWriter) {
        let masked = masker.mask(line);
        let line = masked.as_deref().unwrap_or(line);
        if let Some(tail) = &mut self.tail {
            tail.push(line);
            if newline {
                tail.push(b"\n");
            }
        }
        if line.is_empty() {
            log.line(at_ms, self.stderr, b"");
        }
        for piece in line.chunks(LOG_LINE_BYTES) {
            log.line(at_ms, self.stderr, piece);
        }
    }
}

/// The end of a text of any length.
#[derive(Debug, Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * RESULT_BYTES {
            self.0.drain(..self.0.len() - RESULT_BYTES);
        }
    }
    fn into_text(self) -> String {
        let Self(bytes) = self;
        let last = bytes.get(bytes.len().saturating_sub(RESULT_BYTES)..).unwrap_or_default();
        let last = last.strip_suffix(b"\n").unwrap_or(last);
        String::from_utf8_lossy(last).into_owned()
    }
}
