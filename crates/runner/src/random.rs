//! The one door to randomness. Not here: what is made of it.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// The operating system gave no randomness.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// Returns the system's generator, for signing.
#[expect(clippy::disallowed_methods, reason = "this is the one door to randomness")]
pub fn system() -> SystemRandom {
    SystemRandom::new()
}

/// Returns `N` random bytes.
///
/// # Errors
/// [`NoRandomness`].
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    system().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// Returns a new UUID v7 of the time `now`.
///
/// # Errors
/// [`NoRandomness`].
pub fn uuid(now: Timestamp) -> Result<Uuid, NoRandomness> {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    Ok(Builder::from_unix_timestamp_millis(millis, &bytes()?).into_uuid())
}

/// The length of what Kubernetes appends to `generateName`, in bytes.
pub(crate) const SUFFIX_BYTES: usize = 5;

/// Returns random lower-case letters and digits, [`SUFFIX_BYTES`] of them, as Kubernetes appends to `generateName`.
///
/// # Errors
/// [`NoRandomness`].
pub fn name_suffix() -> Result<String, NoRandomness> {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut suffix = String::with_capacity(SUFFIX_BYTES);
    while suffix.len() < SUFFIX_BYTES {
        // 243 is the largest multiple of 27 below 256: bytes from there on would favour some letters
        let bytes: [u8; 8] = bytes()?;
        let chars = bytes.iter().filter(|byte| **byte < 243);
        suffix.extend(chars.filter_map(|byte| ALPHABET.get(usize::from(byte % 27)).map(|c| char::from(*c))));
    }
    suffix.truncate(SUFFIX_BYTES);
    Ok(suffix)
}
