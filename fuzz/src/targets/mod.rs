//! What is done with the bytes, by kind of door. Not here: where they come from.

pub(crate) mod archive;
pub(crate) mod language;
pub(crate) mod manifest;
pub(crate) mod token;

/// The longest input, in bytes: what is longer finds nothing new, and slowly.
const MAX_INPUT: usize = 64 * 1024;

/// Returns the bytes as text, if they are.
fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > MAX_INPUT { None } else { std::str::from_utf8(bytes).ok() }
}
