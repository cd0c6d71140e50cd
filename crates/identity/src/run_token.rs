//! The key that signs run tokens (ES256), and the documents by which others verify them.
//! Not here: what the tokens say (see `run_claims`), keeping the key in a file (see `runner`).
//! Invariant: the private key never leaves a [`RunTokenKey`].

use std::fmt;

use aws_lc_rs::{
    digest,
    rand::SecureRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{error::AuthError, run_claims::RunClaims, secret::Secret};

/// The bytes of one coordinate of a point on P-256.
const COORDINATE_BYTES: usize = 32;

/// The key pair that signs run tokens.
pub struct RunTokenKey {
    pair: EcdsaKeyPair,
    x: String,
    y: String,
    kid: String,
}

impl fmt::Debug for RunTokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunTokenKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl RunTokenKey {
    /// The path of the key set below the issuer, as [`discovery_document`] names it.
    pub const JWKS_PATH: &'static str = "/.well-known/jwks.json";
    /// The path of [`discovery_document`] below the issuer (OpenID Connect Discovery §4).
    pub const DISCOVERY_PATH: &'static str = "/.well-known/openid-configuration";

    /// Returns a new P-256 private key as PKCS#8 DER, to be kept where only the server reads it.
    ///
    /// # Errors
    /// [`AuthError::BadRunTokenKey`] if there is no randomness.
    pub fn generate_pkcs8(random: &dyn SecureRandom) -> Result<Zeroizing<Vec<u8>>, AuthError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random);
        let document = document.map_err(|_| AuthError::BadRunTokenKey { problem: "could not be made" })?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Reads the P-256 private key from PKCS#8 DER.
    ///
    /// # Errors
    /// [`AuthError::BadRunTokenKey`] if it is not one.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, AuthError> {
        let bad = || AuthError::BadRunTokenKey { problem: "is not a P-256 private key in PKCS#8" };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| bad())?;
        let point = pair.public_key().as_ref();
        let coordinates = point.strip_prefix(&[4]).and_then(|both| both.split_at_checked(COORDINATE_BYTES));
        let (x, y) = coordinates.filter(|(_, y)| y.len() == COORDINATE_BYTES).ok_or_else(bad)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // RFC 7638 §3: these members, in this order, without white space.
        let thumbprint = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, thumbprint.as_bytes()));
        Ok(Self { pair, x, y, kid })
    }

    /// Returns the key's id: its RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the key set with this key alone.
    pub fn jwks_json(&self) -> Value {
        jwks_json(&[self])
    }

    /// Returns the signed token of these claims (ES256, RFC 7515 compact serialization).
    ///
    /// # Errors
    /// [`AuthError::BadRunClaim`] if a claim would not be accepted, [`AuthError::BadRunTokenKey`] if signing fails.
    pub fn mint(&self, claims: &RunClaims, random: &dyn SecureRandom) -> Result<Secret, AuthError> {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut token = format!("{}.{}", part(&header), part(&Value::Object(claims.members()?)));
        let signature = self.pair.sign(random, token.as_bytes());
        let signature = signature.map_err(|_| AuthError::BadRunTokenKey { problem: "could not sign" })?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(Secret::new(token))
    }

    fn jwk(&self) -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "x": self.x, "y": self.y,
            "kid": self.kid, "use": "sig", "alg": "ES256",
        })
    }
}

/// Returns the key set of these keys; an old key stays in it for as long as its tokens live.
pub fn jwks_json(keys: &[&RunTokenKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
}

/// Returns the discovery document of this server as the issuer of run tokens (OpenID Connect Discovery §3).
pub fn discovery_document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{}{}", issuer.trim_end_matches('/'), RunTokenKey::JWKS_PATH),
        "response_types_supported": ["id_token"],
        "response_modes_supported": [],
        "grant_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "run_id", "run_attempt", "node_id", "step",
            "scope_id", "env", "app", "component", "template_ref", "template_digest", "params_digest", "trigger",
            "sub_user", "act", "approvals", "decision_id", "policy_version",
        ],
    })
}
