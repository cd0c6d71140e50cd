//! An issuer's public keys (RFC 7517), read under limits, and the check of a signature by one of them.
//! Not here: fetching and keeping them (see `connector`).
//! Invariant: a key in a [`Jwks`] is a public signature key of a strength we accept.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use crate::{
    error::{AuthError, quoted},
    json::strict_object,
    jws::{Jws, SigningAlgorithm},
};

/// The largest key set, in bytes.
const MAX_JWKS_BYTES: usize = 256 * 1024;
/// The most keys of a set.
const MAX_KEYS: usize = 64;
/// The most keys tried for one token; a set may hold one `kid` for several algorithms.
const MAX_CANDIDATES: usize = 4;
/// The weakest and the strongest RSA modulus, in bits (NIST SP 800-131A; what the crypto library takes).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyType {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl KeyType {
    const fn fits(self, algorithm: SigningAlgorithm) -> bool {
        use SigningAlgorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        match algorithm {
            Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512 => matches!(self, Self::Rsa),
            Es256 => matches!(self, Self::P256),
            Es384 => matches!(self, Self::P384),
            EdDsa => matches!(self, Self::Ed25519),
        }
    }
}

#[derive(Clone)]
struct Key {
    kid: Option<String>,
    algorithm: Option<SigningAlgorithm>,
    key_type: KeyType,
    decoding: DecodingKey,
}

impl Key {
    fn fits(&self, algorithm: SigningAlgorithm) -> bool {
        self.key_type.fits(algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

/// The public keys of one issuer.
#[derive(Clone)]
pub struct Jwks {
    keys: Vec<Key>,
    left_out: Vec<String>,
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids: Vec<_> = self.keys.iter().map(|key| key.kid.as_deref().unwrap_or_default()).collect();
        f.debug_struct("Jwks").field("kids", &kids).field("left_out", &self.left_out).finish()
    }
}

impl Jwks {
    /// Reads a key set. Keys that are not for signatures, of unknown type, too weak, or that give away their
    /// private part are left out, as RFC 7517 §5 wants of keys one does not use.
    ///
    /// # Errors
    /// [`AuthError::BadJwks`] if it is too large, not a key set, or has one `kid` for two types of key.
    pub fn parse(json: &[u8]) -> Result<Self, AuthError> {
        let bad = |reason: &str| AuthError::BadJwks { reason: reason.to_owned() };
        if json.len() > MAX_JWKS_BYTES {
            return Err(bad("it is too large"));
        }
        let set = strict_object(json).ok_or_else(|| bad("it is not a JSON object with distinct members"))?;
        let Some(Value::Array(entries)) = set.get("keys") else {
            return Err(bad("it has no array `keys`"));
        };
        if entries.len() > MAX_KEYS {
            return Err(bad("it has too many keys"));
        }
        check_kids(entries)?;
        let mut jwks = Self { keys: Vec::new(), left_out: Vec::new() };
        for entry in entries {
            match entry.as_object().ok_or("not an object").and_then(key) {
                Ok(key) => jwks.keys.push(key),
                Err(reason) => {
                    let kid = entry.get("kid").and_then(Value::as_str).unwrap_or_default();
                    jwks.left_out.push(format!("`{}`: {reason}", quoted(kid)));
                }
            }
        }
        Ok(jwks)
    }

    /// Returns which keys were left out and why, for the log of whoever runs the server.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Returns how many keys there are to verify with.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there is no key to verify with.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Checks a token's signature.
    ///
    /// # Errors
    /// [`AuthError::UnknownKey`] if no key of this set could have signed it; [`AuthError::Algorithm`] if the named
    /// key is for another algorithm; [`AuthError::BadSignature`].
    pub(crate) fn verify(&self, jws: &Jws<'_>, issuer: &str) -> Result<(), AuthError> {
        let mut candidates: Vec<&Key> = match &jws.kid {
            Some(kid) => self.keys.iter().filter(|key| key.kid.as_ref() == Some(kid)).collect(),
            // Without a `kid` the key must be beyond doubt (OpenID Connect Core §10.1).
            None => {
                let fitting: Vec<_> = self.keys.iter().filter(|key| key.fits(jws.algorithm)).collect();
                if fitting.len() == 1 { fitting } else { Vec::new() }
            }
        };
        if candidates.is_empty() {
            let kid = quoted(jws.kid.as_deref().unwrap_or_default());
            return Err(AuthError::UnknownKey { issuer: quoted(issuer), kid });
        }
        candidates.retain(|key| key.fits(jws.algorithm));
        if candidates.is_empty() {
            return Err(AuthError::Algorithm { alg: jws.algorithm.name().to_owned() });
        }
        let verified = candidates.into_iter().take(MAX_CANDIDATES).any(|key| {
            let outcome = jsonwebtoken::crypto::verify(
                jws.signature,
                jws.signed.as_bytes(),
                &key.decoding,
                jws.algorithm.jsonwebtoken(),
            );
            matches!(outcome, Ok(true))
        });
        if verified { Ok(()) } else { Err(AuthError::BadSignature) }
    }
}

/// Refuses a set in which one `kid` names keys of two types: which one is meant would be up to the token.
fn check_kids(entries: &[Value]) -> Result<(), AuthError> {
    let named = |entry: &Value| {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        text("kid").map(|kid| (kid, text("kty"), text("crv")))
    };
    let mut named: Vec<_> = entries.iter().filter_map(named).collect();
    named.sort();
    named.dedup();
    let clash = named.iter().zip(named.iter().skip(1)).find(|(one, next)| one.0 == next.0);
    clash.map_or(Ok(()), |((kid, ..), _)| {
        Err(AuthError::BadJwks { reason: format!("the key id `{}` names keys of two types", quoted(kid)) })
    })
}

fn text<'a>(entry: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    entry.get(name).and_then(Value::as_str)
}

fn bytes(entry: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    text(entry, name).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok())
}

fn key(entry: &Map<String, Value>) -> Result<Key, &'static str> {
    if entry.contains_key("d") {
        return Err("its private part is public");
    }
    if entry.get("use").is_some_and(|usage| usage.as_str() != Some("sig")) {
        return Err("its use is not `sig`");
    }
    if let Some(ops) = entry.get("key_ops") {
        let verifies = ops.as_array().is_some_and(|ops| ops.iter().any(|op| op.as_str() == Some("verify")));
        if !verifies {
            return Err("its key_ops lack `verify`");
        }
    }
    let algorithm = match entry.get("alg") {
        None => None,
        Some(name) => {
            let known = name.as_str().and_then(SigningAlgorithm::from_name);
            Some(known.ok_or("its alg is not a signature algorithm we accept")?)
        }
    };
    let kid = match entry.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str().ok_or("its kid is not text")?.to_owned()),
    };
    let (key_type, decoding) = match text(entry, "kty") {
        Some("RSA") => (KeyType::Rsa, rsa(entry)?),
        Some("EC") => ec(entry)?,
        Some("OKP") => (KeyType::Ed25519, ed25519(entry)?),
        _ => return Err("its kty is not RSA, EC or OKP"),
    };
    if algorithm.is_some_and(|algorithm| !key_type.fits(algorithm)) {
        return Err("its alg does not fit its kty");
    }
    Ok(Key { kid, algorithm, key_type, decoding })
}

fn rsa(entry: &Map<String, Value>) -> Result<DecodingKey, &'static str> {
    let n = bytes(entry, "n").ok_or("it has no n")?;
    let e = bytes(entry, "e").ok_or("it has no e")?;
    let modulus = n.iter().position(|byte| *byte != 0).and_then(|first| n.get(first..)).unwrap_or_default();
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = modulus.len().saturating_mul(8).saturating_sub(leading);
    if !RSA_BITS.contains(&bits) || modulus.last().is_none_or(|byte| byte % 2 == 0) {
        return Err("its modulus is not odd and of 2048 to 8192 bits");
    }
    let exponent = e
        .iter()
        .try_fold(0_u64, |sum, byte| sum.checked_mul(256).and_then(|sum| sum.checked_add(u64::from(*byte))));
    // FIPS 186-5 §5.1: odd and above 2^16; the crypto library takes 33 bits at most.
    if !exponent.is_some_and(|e| e % 2 == 1 && e > 1 << 16 && e < 1 << 33) {
        return Err("its exponent is not odd and between 2^16 and 2^33");
    }
    Ok(DecodingKey::from_rsa_raw_components(modulus, &e))
}

fn ec(entry: &Map<String, Value>) -> Result<(KeyType, DecodingKey), &'static str> {
    let (key_type, len) = match text(entry, "crv") {
        Some("P-256") => (KeyType::P256, 32),
        Some("P-384") => (KeyType::P384, 48),
        _ => return Err("its crv is not P-256 or P-384"),
    };
    let coordinate =
        |name| bytes(entry, name).filter(|value| value.len() == len).ok_or("its point is malformed");
    let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    Ok((key_type, DecodingKey::from_ec_der(&point)))
}

fn ed25519(entry: &Map<String, Value>) -> Result<DecodingKey, &'static str> {
    if text(entry, "crv") != Some("Ed25519") {
        return Err("its crv is not Ed25519");
    }
    let x = bytes(entry, "x").filter(|x| x.len() == 32).ok_or("its point is malformed")?;
    Ok(DecodingKey::from_ed_der(&x))
}
