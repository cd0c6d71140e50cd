//! The three values that bind a login's answer to its attempt: PKCE verifier (RFC 7636), state, and nonce.
//! Not here: making random bytes up (they arrive as values). There is no `plain` challenge.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::secret::Secret;

macro_rules! random_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Secret);

        impl $name {
            /// Makes the value from fresh random bytes; 43 characters of base64url.
            pub fn from_random(bytes: [u8; 32]) -> Self {
                Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
            }
            /// Returns the text, to be sent to the provider.
            pub fn expose(&self) -> &str {
                self.0.expose()
            }
            /// Returns whether `other` is the same text; takes the same time wherever they differ.
            pub fn matches(&self, other: &str) -> bool {
                self.0.matches(other)
            }
        }
    };
}

random_text! {
    /// The code verifier of one login attempt (RFC 7636 §4.1).
    PkceVerifier
}
random_text! {
    /// The `state` of one login attempt (RFC 6749 §10.12).
    State
}
random_text! {
    /// The `nonce` of one login attempt (OpenID Connect Core §3.1.2.1).
    Nonce
}

impl PkceVerifier {
    /// Returns the `S256` code challenge (RFC 7636 §4.2).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.expose().as_bytes()))
    }
}
