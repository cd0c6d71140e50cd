//! Bearer tokens of configured issuers: from the text to a [`Caller`].
//! Not here: login sessions and passwords, which need no provider (see `identity`).

use std::sync::Arc;

use identity::{AuthError, Caller, IssuerConfig, peek_issuer, verify_access_token};
use jiff::Timestamp;

use crate::{error::ConnectorError, keys::IssuerKeys};

/// The configured issuers with their keys; cheap to clone.
#[derive(Debug, Clone)]
pub struct Bearers {
    issuers: Arc<[IssuerKeys]>,
}

impl Bearers {
    /// Returns the authenticator for these issuers. Nothing is fetched before the first token.
    ///
    /// # Errors
    /// [`ConnectorError::Refused`] if two issuers share a name or an address, [`ConnectorError::NoClient`].
    pub fn new(issuers: Vec<IssuerConfig>) -> Result<Self, ConnectorError> {
        for (at, one) in issuers.iter().enumerate() {
            let clash = issuers
                .iter()
                .skip(at + 1)
                .find(|other| one.name() == other.name() || one.issuer() == other.issuer());
            if let Some(other) = clash {
                let problem = format!("is configured twice: `{}`", other.name());
                return Err(AuthError::BadIssuer { setting: "issuer", problem }.into());
            }
        }
        let issuers: Result<Vec<_>, _> = issuers.into_iter().map(IssuerKeys::new).collect();
        Ok(Self { issuers: issuers?.into() })
    }

    /// Returns whom a bearer token vouches for at `now`.
    ///
    /// # Errors
    /// [`ConnectorError::Refused`] if the token is to blame; another error if the provider is.
    pub async fn authenticate_bearer(&self, token: &str, now: Timestamp) -> Result<Caller, ConnectorError> {
        let issuer = peek_issuer(token)?;
        let Some(keys) = self.issuers.iter().find(|keys| keys.config().issuer() == issuer) else {
            // The same check again, with nothing known, words the refusal.
            return verify_access_token(token, &[], now).map_err(ConnectorError::from);
        };
        let fetched = keys.get(now).await?;
        match verify_access_token(token, &[(keys.config(), &fetched.jwks)], now) {
            Err(unknown @ AuthError::UnknownKey { .. }) => {
                let newer = keys.newer(&fetched, now).await?.ok_or(unknown)?;
                Ok(verify_access_token(token, &[(keys.config(), &newer.jwks)], now)?)
            }
            outcome => Ok(outcome?),
        }
    }
}
