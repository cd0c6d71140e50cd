//! Shows the room tokens, keys, passwords and settings, good and bad; each bad one is named and must be refused.
//! The numbers are those of the table of negative tests in the identity reference.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is a test, and a test's keys need no door"
)]

mod access;
mod directory;
mod id_token;
mod issuer;
mod jwks;
mod login;
mod mint;
mod random;
mod run_token;
mod session;
