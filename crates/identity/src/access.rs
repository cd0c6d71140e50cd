//! Access tokens (RFC 9068): from the text of a bearer token to a [`Caller`].
//! Not here: ID tokens, which are never accepted as a bearer token (see `id_token`).

use jiff::Timestamp;

use crate::{
    claims::{Claims, bad},
    error::{AuthError, quoted},
    issuer::IssuerConfig,
    jwk::Jwks,
    jws::Jws,
    principal::Caller,
};

/// Claims that only an ID token or a logout token has (OpenID Connect Core §3.1.3.6, Back-Channel Logout §2.4).
const NOT_IN_ACCESS_TOKENS: [&str; 4] = ["nonce", "at_hash", "c_hash", "events"];

/// Returns the `iss` that a token claims, unverified: fit for choosing whose keys to fetch and nothing else.
///
/// # Errors
/// [`AuthError`] if the token could not be accepted whatever the keys.
pub fn peek_issuer(token: &str) -> Result<String, AuthError> {
    let jws = Jws::parse(token)?;
    Claims::new(&jws.claims).issuer().map(ToOwned::to_owned)
}

/// Returns whom an access token vouches for, with `issuers` as the ones accepted and their keys.
///
/// # Errors
/// [`AuthError`]; [`AuthError::UnknownKey`] is the one that newer keys may mend.
pub fn verify_access_token(
    token: &str,
    issuers: &[(&IssuerConfig, &Jwks)],
    now: Timestamp,
) -> Result<Caller, AuthError> {
    let jws = Jws::parse(token)?;
    let claims = Claims::new(&jws.claims);
    let issuer = claims.issuer()?;
    let known = issuers.iter().find(|(config, _)| config.issuer() == issuer);
    let (config, jwks) = known.ok_or_else(|| AuthError::UnknownIssuer { issuer: quoted(issuer) })?;
    if !config.allows(jws.algorithm) {
        return Err(AuthError::Algorithm { alg: jws.algorithm.name().to_owned() });
    }
    jwks.verify(&jws, issuer)?;
    let settings = config.settings();
    if !settings.accept_typ.iter().any(|typ| jws.has_type(typ)) {
        return Err(jws.wrong_type());
    }
    if let Some(claim) = NOT_IN_ACCESS_TOKENS.into_iter().find(|claim| claims.has(claim)) {
        return Err(bad(claim, "shows that this is not an access token"));
    }
    claims.check_times(config, now)?;
    let audiences: Vec<&str> = settings.audiences.iter().map(String::as_str).collect();
    claims.check_audience(&audiences, settings.client_id.as_deref())?;
    claims.principal(config).map(Caller::vouched)
}
