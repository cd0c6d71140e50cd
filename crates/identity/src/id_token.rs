//! ID tokens (OpenID Connect Core §3.1.3.7), which tell a login client who has just logged in.
//! Not here: access tokens (see `access`); an [`IdToken`] gives no [`crate::Caller`].

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use crate::{
    claims::{Claims, bad},
    error::{AuthError, quoted},
    issuer::IssuerConfig,
    jwk::Jwks,
    jws::{Jws, SigningAlgorithm},
    pkce::Nonce,
    principal::Principal,
    secret::Secret,
};

/// How long before the answer an ID token may have been issued, in seconds: it is made for this very answer.
const MAX_ID_TOKEN_AGE_SECONDS: i64 = 300;

/// What the login attempt knows about the ID token it waits for.
#[derive(Debug)]
pub struct IdTokenExpectation<'a> {
    /// The nonce sent with the attempt.
    pub nonce: &'a Nonce,
    /// The access token that came along.
    pub access_token: Option<&'a Secret>,
    /// How long ago the person may have authenticated, in seconds, if that was asked for.
    pub max_age_seconds: Option<u32>,
}

/// Who has just logged in, for display.
#[derive(Debug, Clone)]
pub struct IdToken {
    /// Who.
    pub principal: Principal,
    /// When the ID token expires.
    pub expires_at: Timestamp,
}

/// Returns who an ID token says has logged in.
///
/// # Errors
/// [`AuthError`]; [`AuthError::UnknownKey`] is the one that newer keys may mend.
pub fn verify_id_token(
    token: &str,
    config: &IssuerConfig,
    jwks: &Jwks,
    expected: &IdTokenExpectation<'_>,
    now: Timestamp,
) -> Result<IdToken, AuthError> {
    let settings = config.settings();
    let no_client = || AuthError::BadIssuer { setting: "client_id", problem: "is not set".to_owned() };
    let client = settings.client_id.as_deref().ok_or_else(no_client)?;
    let jws = Jws::parse(token)?;
    let claims = Claims::new(&jws.claims);
    let issuer = claims.issuer()?;
    if issuer != config.issuer() {
        return Err(AuthError::UnknownIssuer { issuer: quoted(issuer) });
    }
    if !config.allows(jws.algorithm) {
        return Err(AuthError::Algorithm { alg: jws.algorithm.name().to_owned() });
    }
    jwks.verify(&jws, issuer)?;
    if jws.typ.is_some() && !jws.has_type("JWT") {
        return Err(jws.wrong_type());
    }
    if claims.has("events") {
        return Err(bad("events", "shows that this is not an ID token"));
    }
    let expires_at = claims.check_times(config, now)?;
    let window = config.skew() + SignedDuration::from_secs(MAX_ID_TOKEN_AGE_SECONDS);
    if now.duration_since(claims.required_time("iat")?) > window {
        return Err(AuthError::TooOld);
    }
    claims.check_audience(&[client], Some(client))?;
    if claims.text("azp")?.is_some_and(|azp| azp != client) {
        return Err(AuthError::WrongParty);
    }
    if !claims.text("nonce")?.is_some_and(|nonce| expected.nonce.matches(nonce)) {
        return Err(AuthError::WrongNonce);
    }
    check_at_hash(&claims, jws.algorithm, expected)?;
    check_auth_time(&claims, config, expected, now)?;
    Ok(IdToken { principal: claims.principal(config)?, expires_at })
}

fn check_at_hash(
    claims: &Claims<'_>,
    algorithm: SigningAlgorithm,
    expected: &IdTokenExpectation<'_>,
) -> Result<(), AuthError> {
    let (Some(hash), Some(access_token)) = (claims.text("at_hash")?, expected.access_token) else {
        return Ok(());
    };
    let matches = Secret::new(half_hash(algorithm, access_token.expose())).matches(hash);
    if matches { Ok(()) } else { Err(AuthError::WrongTokenHash) }
}

/// Returns the left half of a token's hash, base64url (OpenID Connect Core §3.1.3.6).
pub(crate) fn half_hash(algorithm: SigningAlgorithm, token: &str) -> String {
    use SigningAlgorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    let hash = match algorithm {
        Rs256 | Ps256 | Es256 => &digest::SHA256,
        Rs384 | Ps384 | Es384 => &digest::SHA384,
        Rs512 | Ps512 | EdDsa => &digest::SHA512,
    };
    let full = digest::digest(hash, token.as_bytes());
    let bytes = full.as_ref();
    URL_SAFE_NO_PAD.encode(bytes.get(..bytes.len() / 2).unwrap_or_default())
}

fn check_auth_time(
    claims: &Claims<'_>,
    config: &IssuerConfig,
    expected: &IdTokenExpectation<'_>,
    now: Timestamp,
) -> Result<(), AuthError> {
    let Some(max_age) = expected.max_age_seconds else { return Ok(()) };
    let authenticated = claims.required_time("auth_time")?;
    let allowed = SignedDuration::from_secs(i64::from(max_age)) + config.skew();
    if now.duration_since(authenticated) > allowed { Err(AuthError::StaleAuthentication) } else { Ok(()) }
}
