//! The client that a person logs in with (authorization code, PKCE S256; RFC 6749, 7636, 8252, 9700).
//! Not here: the answer of the browser (see `callback`), the exchange of the code (see `redeem`), opening a
//! browser (see `cli`). There is no implicit flow, no password flow and no `plain` challenge.

use std::sync::Arc;

use identity::{IssuerConfig, Nonce, PkceVerifier, State};
use jiff::Timestamp;
use reqwest::Url;

use crate::{
    callback::LoginAttempt,
    error::ConnectorError,
    fetch::bad_answer,
    keys::{Fetched, IssuerKeys},
};

/// The random values of one login attempt; never used twice.
#[derive(Debug, Clone)]
pub struct LoginSecrets {
    /// The PKCE verifier.
    pub verifier: PkceVerifier,
    /// The `state`.
    pub state: State,
    /// The `nonce`.
    pub nonce: Nonce,
}

impl LoginSecrets {
    /// Makes the values from fresh random bytes.
    pub fn from_random(verifier: [u8; 32], state: [u8; 32], nonce: [u8; 32]) -> Self {
        Self {
            verifier: PkceVerifier::from_random(verifier),
            state: State::from_random(state),
            nonce: Nonce::from_random(nonce),
        }
    }
}

/// What is asked of the provider.
#[derive(Debug, Clone, Default)]
pub struct LoginOptions {
    /// The API the access token is for (RFC 8707), if the provider wants to be told.
    pub resource: Option<String>,
    /// Scopes beside `openid profile`, such as `groups`.
    pub scopes: Vec<String>,
    /// Whether a refresh token is wanted (`offline_access`).
    pub offline: bool,
}

/// A provider that people log in to.
#[derive(Debug)]
pub struct LoginClient {
    pub(crate) keys: IssuerKeys,
    pub(crate) client_id: String,
    pub(crate) authorization_endpoint: Url,
    pub(crate) token_endpoint: Url,
    pub(crate) names_issuer: bool,
    pub(crate) fetched: Arc<Fetched>,
}

impl LoginClient {
    /// Fetches what the provider says about itself, and its keys.
    ///
    /// # Errors
    /// [`ConnectorError`]; [`ConnectorError::Refused`] if `config` names no client.
    pub async fn discover(config: IssuerConfig, now: Timestamp) -> Result<Self, ConnectorError> {
        let client_id = config.settings().client_id.clone();
        let no_client =
            || identity::AuthError::BadIssuer { setting: "client_id", problem: "is not set".to_owned() };
        let client_id = client_id.ok_or_else(no_client)?;
        let keys = IssuerKeys::new(config)?;
        let fetched = keys.get(now).await?;
        let metadata = &fetched.metadata;
        let missing = |name: &str| bad_answer(&metadata.address, format!("it has no `{name}`"));
        let authorization_endpoint = metadata.authorization_endpoint.clone();
        let authorization_endpoint =
            authorization_endpoint.ok_or_else(|| missing("authorization_endpoint"))?;
        let token_endpoint = metadata.token_endpoint.clone().ok_or_else(|| missing("token_endpoint"))?;
        let names_issuer = metadata.names_issuer;
        Ok(Self { keys, client_id, authorization_endpoint, token_endpoint, names_issuer, fetched })
    }

    /// Opens a port of this machine for the answer, and words the question.
    ///
    /// # Errors
    /// [`ConnectorError::NoListener`].
    pub async fn begin(
        &self,
        options: &LoginOptions,
        secrets: LoginSecrets,
    ) -> Result<LoginAttempt, ConnectorError> {
        LoginAttempt::open(self, options, secrets).await
    }

    /// Returns the address the browser is sent to.
    pub(crate) fn authorization_url(
        &self,
        options: &LoginOptions,
        secrets: &LoginSecrets,
        redirect_uri: &str,
    ) -> Url {
        let mut scopes = vec!["openid", "profile"];
        scopes.extend(options.scopes.iter().map(String::as_str));
        let mut url = self.authorization_endpoint.clone();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("response_type", "code");
            query.append_pair("client_id", &self.client_id);
            query.append_pair("redirect_uri", redirect_uri);
            query.append_pair("state", secrets.state.expose());
            query.append_pair("nonce", secrets.nonce.expose());
            query.append_pair("code_challenge", &secrets.verifier.challenge());
            query.append_pair("code_challenge_method", "S256");
            if let Some(resource) = &options.resource {
                query.append_pair("resource", resource);
            }
            if options.offline {
                // A refresh token is only given with the person's consent (OpenID Connect Core §11).
                scopes.push("offline_access");
                query.append_pair("prompt", "consent");
            }
            query.append_pair("scope", &scopes.join(" "));
        }
        url
    }
}
