//! The HTTP edge: takes requests, finds out who asks, calls the `runner`, shows what came of it: Argo's API at
//! Argo's paths and in Argo's words, Marque's own under `/api/marque/v1`.
//!
//! Not here: deciding (`policy`), doing (`runner`), verifying tokens (`identity`), fetching keys (`connector`), TLS
//! (a proxy's business), cookies and CORS (there are none).
//!
//! Invariant: every endpoint is in the table of `endpoint`, with the acts it does or the reason why it is public, and
//! one that is not public is not reached without a [`identity::Caller`].

mod answer;
mod app;
mod argo;
mod authn;
pub mod config;
mod endpoint;
mod error;
mod headers;
mod json;
mod limits;
mod listen;
mod marque;
#[cfg(test)]
mod tests;
mod throttle;
mod trace;
mod vouchers;

pub use app::App;
pub use config::Config;
pub use endpoint::endpoints;
pub use error::ServerError;
pub use listen::serve;
