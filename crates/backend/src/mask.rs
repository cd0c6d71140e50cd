//! Takes secrets out of what a pod writes: the secret itself and the spellings a shell makes of it by accident.
//! Not here: a pod that hides its secret on purpose (reversed, encrypted); nothing can find that.
//! Invariant: after [`Masker::mask`] none of the spellings is in the text.

use std::{fmt::Write as _, sync::OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// What stands in a secret's place.
pub(crate) const MASK: &[u8] = b"***";
/// The shortest secret or part of one that is masked; shorter ones would blank out ordinary text.
const SHORTEST: usize = 8;

/// Masks secrets. What it takes to find them is made when the first text comes: many pods never write any.
#[derive(Debug, Default)]
pub(crate) struct Masker {
    secrets: Vec<String>,
    finder: OnceLock<Finder>,
}

#[derive(Debug, Default)]
struct Finder {
    automaton: Option<AhoCorasick>,
    longest: usize,
}

impl Masker {
    /// Returns a masker of these secrets.
    pub(crate) fn new(secrets: &[String]) -> Self {
        Self { secrets: secrets.to_vec(), finder: OnceLock::new() }
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

/// Returns the spellings of a secret that are masked.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.trim().as_bytes();
    if bytes.len() < SHORTEST {
        return Vec::new();
    }
    let mut found = vec![
        bytes.to_vec(),
        hex(bytes, false),
        hex(bytes, true),
        url_encoded(bytes, false),
        url_encoded(bytes, true),
    ];
    for url_safe in [false, true] {
        for shift in 0..3 {
            found.push(base64_core(bytes, shift, url_safe));
        }
    }
    // base64(1) and openssl wrap their output; every whole line gives the secret away in part
    for ending in [&b""[..], b"\n"] {
        let whole = base64(&[bytes, ending].concat(), false);
        for width in [64, 76] {
            found.extend(whole.chunks(width).map(<[u8]>::to_vec));
        }
    }
    // the signature of a JWT is worth as much as the rest of it is public
    if secret.split('.').count() == 3 {
        found.extend(secret.trim().rsplit('.').take(1).map(|part| part.as_bytes().to_vec()));
    }
    found.retain(|spelling| spelling.len() >= SHORTEST);
    found.sort_unstable();
    found.dedup();
    found
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
    let alphabet: &[u8; 64] = if url_safe {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    } else {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    };
    let mut out = Vec::with_capacity(bytes.len() * 4 / 3 + 2);
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .chain(std::iter::repeat(&0))
            .take(3)
            .fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        for index in 0..=group.len() {
            out.extend(alphabet.get(word >> (18 - 6 * index) & 63));
        }
    }
    out
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
