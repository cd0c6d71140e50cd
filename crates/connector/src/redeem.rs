//! The exchange of an authorization code for tokens (RFC 6749 §4.1.3), and the check of who has logged in.
//! Not here: keeping the tokens (see `cli`).

use identity::{AuthError, IdTokenExpectation, Principal, Secret, strict_object, verify_id_token};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::{
    callback::AuthorizationCode,
    error::ConnectorError,
    fetch::{Answer, bad_answer, post},
    login::LoginClient,
};

/// How long an access token is taken to live if the provider does not say, in seconds.
const DEFAULT_SECONDS: i64 = 300;
/// The longest an access token is taken to live, in seconds.
const MAX_SECONDS: i64 = 86_400;

/// A finished login.
#[derive(Debug)]
pub struct Login {
    /// The token for the API.
    pub access_token: Secret,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The token for getting the next one, if one was asked for and given.
    pub refresh_token: Option<Secret>,
    /// Who logged in, for display; the API decides by the access token alone.
    pub principal: Principal,
}

impl LoginClient {
    /// Exchanges the code, and checks that the ID token answers this very attempt.
    ///
    /// # Errors
    /// [`ConnectorError::LoginRefused`] if the provider does not take the code, [`ConnectorError::Refused`] if its
    /// ID token is not good, or another [`ConnectorError`].
    pub async fn redeem(&self, code: AuthorizationCode, now: Timestamp) -> Result<Login, ConnectorError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", self.client_id.as_str()),
            ("code", code.code.expose()),
            ("redirect_uri", code.redirect_uri.as_str()),
            ("code_verifier", code.secrets.verifier.expose()),
        ];
        if let Some(resource) = &code.resource {
            form.push(("resource", resource));
        }
        let answer = post(self.keys.client(), &self.token_endpoint, &form).await?;
        let members = self.members(&answer)?;
        let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let missing = |name: &str| bad_answer(&self.token_endpoint, format!("it has no `{name}`"));
        if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(bad_answer(&self.token_endpoint, "its token is not a bearer token"));
        }
        let access_token = Secret::new(text("access_token").ok_or_else(|| missing("access_token"))?);
        let id_token = Secret::new(text("id_token").ok_or_else(|| missing("id_token"))?);
        let expected = IdTokenExpectation {
            nonce: &code.secrets.nonce,
            access_token: Some(&access_token),
            max_age_seconds: None,
        };
        let principal = self.identify(&id_token, &expected, now).await?;
        let seconds = members.get("expires_in").and_then(Value::as_i64).unwrap_or(DEFAULT_SECONDS);
        let lifetime = SignedDuration::from_secs(seconds.clamp(0, MAX_SECONDS));
        Ok(Login {
            expires_at: now.saturating_add(lifetime).unwrap_or(now),
            refresh_token: text("refresh_token").map(Secret::new),
            access_token,
            principal,
        })
    }

    fn members(&self, answer: &Answer) -> Result<Map<String, Value>, ConnectorError> {
        let members = strict_object(&answer.body);
        if answer.status == 200 {
            return members.ok_or_else(|| bad_answer(&self.token_endpoint, "it is not a JSON object"));
        }
        let Some(members) = members.filter(|members| members.contains_key("error")) else {
            return Err(bad_answer(&self.token_endpoint, format!("status {}", answer.status)));
        };
        let shown = |name: &str| {
            let text = members.get(name).and_then(Value::as_str).unwrap_or_default();
            text.chars().filter(|c| !c.is_control()).take(200).collect()
        };
        Err(ConnectorError::LoginRefused { error: shown("error"), description: shown("error_description") })
    }

    async fn identify(
        &self,
        id_token: &Secret,
        expected: &IdTokenExpectation<'_>,
        now: Timestamp,
    ) -> Result<Principal, ConnectorError> {
        let config = self.keys.config();
        let first = verify_id_token(id_token.expose(), config, &self.fetched.jwks, expected, now);
        let token = match first {
            Err(unknown @ AuthError::UnknownKey { .. }) => {
                let newer = self.keys.newer(&self.fetched, now).await?.ok_or(unknown)?;
                verify_id_token(id_token.expose(), config, &newer.jwks, expected, now)?
            }
            outcome => outcome?,
        };
        Ok(token.principal)
    }
}
