//! Login sessions: an opaque bearer token, of which only the SHA-256 is kept.
//! Not here: keeping sessions (see `store`), making random bytes up (they arrive as values).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::secret::Secret;

/// What session tokens start with, so that scanners for leaked secrets know them.
const PREFIX: &str = "mqs_";

/// The bearer token of a login session: `mqs_` and 32 random bytes in base64url.
#[derive(Debug, Clone)]
pub struct SessionToken(Secret);

impl SessionToken {
    /// Makes a token from fresh random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Returns the token if the text of a bearer token is one of ours; others are for [`crate::peek_issuer`].
    pub fn parse(bearer: &str) -> Option<Self> {
        let random = bearer.strip_prefix(PREFIX).filter(|random| random.len() == 43)?;
        let bytes = URL_SAFE_NO_PAD.decode(random).ok()?;
        (bytes.len() == 32).then(|| Self(Secret::new(bearer)))
    }

    /// Returns the text, to be handed to whoever logged in.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Returns the SHA-256 of the whole text, under which the session is kept.
    pub fn sha256(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, self.expose().as_bytes()).as_ref());
        out
    }
}
