//! Who is asking: takes tokens, keys and `now`, gives a [`Caller`]; or the reason why not.
//!
//! Stages: `json` and `jws` (what was sent, under limits) → `jwk` (which key) → `claims` (what is said, checked)
//! → `access` or `id_token` (who it is). Beside them the local directory, sessions, senders of webhooks, and the run
//! tokens this server mints itself.
//!
//! Not here: fetching keys or asking directories (see `connector`), who may what (see `policy`), clock and
//! randomness (both arrive as values).
//!
//! Invariant: a [`Caller`] exists only if a configured issuer, the local directory, a session made from one of
//! these, a signature with a kept secret, a schedule or a stored run vouches for it.
//!
//! Invariant: no `Debug` or `Display` of this room prints a password, a token, a private key or a hash of one.

mod access;
mod claims;
mod directory;
mod error;
mod id_token;
mod issuer;
mod json;
mod jwk;
mod jws;
mod pkce;
mod principal;
mod run_claims;
mod run_token;
mod secret;
mod session;
mod webhook;

pub use access::{peek_issuer, verify_access_token};
pub use directory::{LocalDirectory, LocalUser, hash_password};
pub use error::AuthError;
pub use id_token::{IdToken, IdTokenExpectation, verify_id_token};
pub use issuer::{ClaimEquals, IssuerConfig, IssuerSettings, check_endpoint};
pub use json::strict_object;
pub use jwk::Jwks;
pub use jws::SigningAlgorithm;
pub use pkce::{Nonce, PkceVerifier, State};
pub use principal::{Caller, Principal, PrincipalKey, PrincipalKind};
pub use run_claims::{ApprovalClaim, RunClaims, RunTokenSeconds};
pub use run_token::{RunTokenKey, discovery_document, jwks_json};
pub use secret::Secret;
pub use session::SessionToken;
pub use webhook::{Delivery, WEBHOOK_CLIENTS, verify_webhook};
