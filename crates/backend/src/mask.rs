//! Takes secrets out of what a pod writes: the secret itself and the spellings a shell makes of it by accident.
//! Not here: a pod that hides its secret on purpose (reversed, encrypted); nothing can find that.
//! Invariant: after [`Masker::mask`] none of the spellings is in the text.

use std::{
    fmt::{self, Write as _},
    sync::OnceLock,
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

use crate::{
    limits::{MASKED_BYTES, MASKED_LINES},
    private::Masks,
};

/// What stands in a secret's place.
pub(crate) const MASK: &[u8] = b"***";
/// The shortest secret that is masked; shorter ones would blank out ordinary text.
const SHORTEST: usize = 4;
/// The shortest part of a secret that is masked.
const SHORTEST_PART: usize = 8;

/// Returns a text in which these secrets are masked as they are in the output of a pod.
pub fn masked(text: &[u8], secrets: &[Zeroizing<Vec<u8>>]) -> Vec<u8> {
    Masker::new(secrets.to_vec()).mask(text).unwrap_or_else(|| text.to_vec())
}

/// Masks secrets. What it takes to find them is made when the first text comes: many pods never write any.
#[derive(Default)]
pub(crate) struct Masker {
    secrets: Masks,
    finder: OnceLock<Finder>,
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masker(…)")
    }
}

#[derive(Default)]
struct Finder {
    automaton: Option<AhoCorasick>,
    longest: usize,
}

impl Masker {
    /// Returns a masker of these secrets.
    pub(crate) const fn new(secrets: Masks) -> Self {
        Self { secrets, finder: OnceLock::new() }
    }
    fn finder(&self) -> &Finder {
        self.finder.get_or_init(|| {
            let patterns: Vec<Vec<u8>> = self.secrets.iter().flat_map(|secret| spellings(secret)).collect();
            let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::ContiguousNFA));
            let automaton = if patterns.is_empty() { None } else { builder.build(&patterns).ok() };
            Finder { automaton, longest }
        })
    }
    /// Returns the length of the longest spelling.
    pub(crate) fn longest(&self) -> usize {
        self.finder().longest
    }
    /// Returns `text` without secrets; `None` if there was none in it.
    pub(crate) fn mask(&self, text: &[u8]) -> Option<Vec<u8>> {
        let automaton = self.finder().automaton.as_ref()?;
        automaton.is_match(text).then(|| {
            let mut out = Vec::with_capacity(text.len());
            automaton.replace_all_with_bytes(text, &mut out, |_, _, out| {
                out.extend_from_slice(MASK);
                true
            });
            out
        })
    }
    /// Returns `text` without secrets.
    pub(crate) fn mask_text(&self, text: String) -> String {
        match self.mask(text.as_bytes()) {
            Some(masked) => String::from_utf8_lossy(&masked).into_owned(),
            None => text,
        }
    }
    /// Returns how many of the first bytes of an unfinished line may be written although more is to come: no spelling
    /// begins before that place and ends behind it.
    pub(crate) fn safe_prefix(&self, text: &[u8]) -> usize {
        let mut cut = text.len().saturating_sub(self.longest().saturating_sub(1));
        if let Some(automaton) = &self.finder().automaton {
            for found in automaton.find_iter(text) {
                if found.start() < cut && found.end() > cut {
                    cut = found.end();
                }
            }
        }
        cut
    }
}

/// Returns the spellings of a secret that are masked: of all of it, and, since a log is written by lines, of its lines.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let whole = secret.trim_ascii();
    let lines = whole.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| line.len() >= SHORTEST_PART && line.len() < whole.len());
    let mut found: Vec<Vec<u8>> = lines.take(MASKED_LINES).flat_map(of_one).collect();
    found.extend(of_one(whole));
    found.sort_unstable();
    found.dedup();
    found
}

fn of_one(bytes: &[u8]) -> Vec<Vec<u8>> {
    if bytes.len() < SHORTEST || bytes.len() > MASKED_BYTES {
        return Vec::new();
    }
    let mut found = vec![
        bytes.to_vec(),
        hex(bytes, false),
        hex(bytes, true),
        url_encoded(bytes, false),
        url_encoded(bytes, true),
    ];
    found.extend(in_json(bytes));
    for url_safe in [false, true] {
        for shift in 0..3 {
            found.push(base64_core(bytes, shift, url_safe));
        }
    }
    found.retain(|spelling| spelling.len() >= SHORTEST);
    // base64(1) and openssl wrap their output; every whole line gives the secret away in part
    for ending in [&b""[..], b"\n"] {
        let whole = base64(&[bytes, ending].concat(), false);
        for width in [64, 76] {
            found.extend(whole.chunks(width).filter(|part| part.len() >= SHORTEST_PART).map(<[u8]>::to_vec));
        }
    }
    // the signature of a JWT is worth as much as the rest of it is public
    if bytes.split(|byte| *byte == b'.').count() == 3 {
        let signature = bytes.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        found.extend((signature.len() >= SHORTEST_PART).then(|| signature.to_vec()));
    }
    found
}

/// Returns a text as it stands between the quotes of JSON, if that is different.
fn in_json(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let quoted = serde_json::to_string(text).ok()?;
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (inner != text).then(|| inner.as_bytes().to_vec())
}

/// Returns the part of the base64 of anything that holds `bytes` at an offset of `shift` modulo 3 and does not depend
/// on what stands before or after.
fn base64_core(bytes: &[u8], shift: usize, url_safe: bool) -> Vec<u8> {
    let mut padded = vec![0; shift];
    padded.extend_from_slice(bytes);
    let whole = base64(&padded, url_safe);
    let start = [0, 2, 3].get(shift).copied().unwrap_or(0);
    let end = padded.len() * 8 / 6;
    whole.get(start..end).unwrap_or_default().to_vec()
}

fn base64(bytes: &[u8], url_safe: bool) -> Vec<u8> {
    if url_safe { URL_SAFE_NO_PAD.encode(bytes) } else { STANDARD_NO_PAD.encode(bytes) }.into_bytes()
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // writing to a String cannot fail
        let _ = if upper { write!(out, "{byte:02X}") } else { write!(out, "{byte:02x}") };
    }
    out.into_bytes()
}

fn url_encoded(bytes: &[u8], upper: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) {
            out.push(*byte);
        } else {
            out.push(b'%');
            out.extend(hex(&[*byte], upper));
        }
    }
    out
}
