//! Reaches identity sources: finds a provider's documents and keys, keeps the keys, and logs people in.
//!
//! `discovery` (what the provider says about itself) → `keys` (its key set, kept fresh) → `bearer` (a token to a
//! [`identity::Caller`]); beside it `login` with `callback` and `redeem` for a person with a browser.
//!
//! Not here: what makes a token good (see `identity`), clock and randomness (both arrive as values), keeping
//! tokens anywhere.
//!
//! Invariant: nothing is fetched but from a configured issuer and the addresses its own document names; redirects
//! are never followed; every answer is bounded in size and time.

mod bearer;
mod callback;
mod discovery;
mod error;
mod fetch;
mod keys;
mod login;
mod redeem;

pub use bearer::Bearers;
pub use callback::{AuthorizationCode, LoginAttempt};
pub use error::ConnectorError;
pub use login::{LoginClient, LoginOptions, LoginSecrets};
pub use redeem::Login;
