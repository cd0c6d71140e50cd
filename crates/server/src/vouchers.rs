//! Whoever vouches for callers: the configured issuers, the local directory, sessions made from it.
//! Not here: verifying (`identity`), fetching keys (`connector`), recording who could not be identified (`authn`).

use std::sync::Arc;

use connector::Bearers;
use identity::{AuthError, Caller, IssuerConfig, Principal, Secret};
use jiff::Timestamp;
use store::Session;

use crate::{
    Config, ServerError,
    app::chain,
    authn::Unvouched,
    config::{People, issuer_settings, people},
};

/// The name of the built-in directory as a provider.
pub(crate) const LOCAL: &str = "local";

/// Whoever vouches for callers.
#[derive(Debug)]
pub(crate) struct Vouchers {
    bearers: Bearers,
    people: Option<Arc<People>>,
}

impl Vouchers {
    /// Reads the directory and sets the issuers up; fetches nothing yet.
    ///
    /// # Errors
    /// [`ServerError`].
    pub(crate) fn from_config(config: &Config) -> Result<Self, ServerError> {
        let directory = config.local_directory.as_ref();
        let people = directory.map(|directory| people(&directory.file, &config.issuer_url())).transpose()?;
        let issuers = config.issuers.iter().map(|issuer| issuer_settings(issuer).and_then(IssuerConfig::new));
        let issuers = issuers.collect::<Result<Vec<_>, _>>().map_err(|error| assembly(&error))?;
        let bearers = Bearers::new(issuers).map_err(|error| assembly(&error))?;
        Ok(Self { bearers, people: people.map(Arc::new) })
    }

    /// Returns the caller whom the issuer of `token` vouches for.
    pub(crate) async fn bearer(&self, token: &str, now: Timestamp) -> Result<Caller, Unvouched> {
        let caller = self.bearers.authenticate_bearer(token, now).await;
        caller.map_err(|error| Unvouched::new(error.code().0, chain(&error)).elsewhere(!error.is_refusal()))
    }

    /// Returns the caller whose password this is. Takes tens of milliseconds of a thread of its own.
    pub(crate) async fn password(
        &self,
        name: String,
        password: Secret,
        now: Timestamp,
    ) -> Result<Caller, Unvouched> {
        let people = self.people.clone().ok_or_else(|| unvouched(&AuthError::BadCredentials))?;
        let checked =
            tokio::task::spawn_blocking(move || people.directory.verify_password(&name, &password, now));
        let checked = checked.await.map_err(|error| Unvouched::new("SRV0118", error.to_string()))?;
        checked.map_err(|error| unvouched(&error))
    }

    /// Returns the caller of a session: as the directory describes them now, not as it did when they logged in.
    /// Whoever is no longer in it, or disabled, is nobody.
    pub(crate) fn session(&self, session: Session) -> Option<Caller> {
        let people = self.people.as_ref().filter(|_| session.principal.provider == LOCAL)?;
        let subject = session.principal.key.subject.as_str();
        let now = people.directory.principal(subject).filter(|now| now.key == session.principal.key)?;
        if people.disabled.contains(subject) {
            return None;
        }
        Some(Caller::from_session(Principal { auth_time: session.principal.auth_time, ..now.clone() }))
    }

    /// Returns what the local directory says about somebody, for `explain`.
    pub(crate) fn describe(&self, name: &str) -> Option<Principal> {
        self.people.as_ref().and_then(|people| people.directory.principal(name)).cloned()
    }

    /// Whether there is somebody of this name: their name may be written down, anything else typed there may not.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.describe(name).is_some()
    }
}

/// Returns why nobody is vouched for, as it is recorded.
pub(crate) fn unvouched(error: &AuthError) -> Unvouched {
    Unvouched::new(error.code().0, error.to_string())
}

fn assembly(error: &dyn std::error::Error) -> ServerError {
    ServerError::Assembly { reason: format!("issuers: {}", chain(error)) }
}
