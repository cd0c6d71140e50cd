//! Mints tokens of a provider of our own, to the letter, so that each fault can be made on purpose.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::{IssuerConfig, IssuerSettings, Jwks};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const AUDIENCE: &str = "https://marque.example.com/api";
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The provider's keys, made once.
pub(crate) struct Keys {
    pub(crate) ec: EcdsaKeyPair,
    pub(crate) ec_der: EcdsaKeyPair,
    pub(crate) ec384: EcdsaKeyPair,
    pub(crate) ed: Ed25519KeyPair,
    pub(crate) rsa: RsaKeyPair,
}

pub(crate) fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Keys {
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap(),
            ec_der: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap(),
            ec384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
            ed: Ed25519KeyPair::generate().unwrap(),
            rsa: RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap(),
        }
    })
}

/// Returns the modulus of the RSA key: bytes 33 to 288 of the 294 of its SubjectPublicKeyInfo.
pub(crate) fn rsa_modulus() -> Vec<u8> {
    rsa_public_der()[33..289].to_vec()
}

fn rsa_public_der() -> Vec<u8> {
    let der: PublicKeyX509Der<'_> = keys().rsa.public_key().as_der().unwrap();
    der.as_ref().to_vec()
}

/// Returns the RSA public key in PEM, as everybody may have it.
pub(crate) fn rsa_public_pem() -> String {
    let text = STANDARD.encode(rsa_public_der());
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

pub(crate) fn ec_jwk(kid: &str) -> Value {
    let (x, y) = keys().ec.public_key().as_ref()[1..].split_at(32);
    json!({ "kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y), "kid": kid, "use": "sig", "alg": "ES256" })
}

pub(crate) fn rsa_jwk(kid: &str) -> Value {
    json!({ "kty": "RSA", "n": b64(rsa_modulus()), "e": "AQAB", "kid": kid, "use": "sig" })
}

pub(crate) fn jwks_json() -> Value {
    let (x, y) = keys().ec384.public_key().as_ref()[1..].split_at(48);
    json!({ "keys": [
        ec_jwk("ec"),
        { "kty": "EC", "crv": "P-384", "x": b64(x), "y": b64(y), "kid": "ec384", "key_ops": ["verify"] },
        { "kty": "OKP", "crv": "Ed25519", "x": b64(keys().ed.public_key()), "kid": "ed" },
        rsa_jwk("rsa"),
    ] })
}

pub(crate) fn jwks() -> Jwks {
    Jwks::parse(jwks_json().to_string().as_bytes()).unwrap()
}

pub(crate) fn settings() -> IssuerSettings {
    let mut settings = IssuerSettings::new("company", ISSUER, AUDIENCE);
    settings.client_id = Some("marque-cli".to_owned());
    settings.groups_claim = Some("groups".to_owned());
    settings
}

pub(crate) fn config() -> IssuerConfig {
    IssuerConfig::new(settings()).unwrap()
}

/// By what a token is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<'a> {
    Ec,
    EcDer,
    Ec384,
    Ed,
    Rsa,
    RsaPss,
    Hmac(&'a [u8]),
    These(&'a [u8]),
}

/// Returns the token of this header and these claims, both to the letter.
pub(crate) fn sign(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>, by: By<'_>) -> String {
    let signed = format!("{}.{}", b64(header), b64(claims));
    let (message, random) = (signed.as_bytes(), SystemRandom::new());
    let rsa = |padding| {
        let mut signature = vec![0; 256];
        keys().rsa.sign(padding, &random, message, &mut signature).unwrap();
        signature
    };
    let signature = match by {
        By::Ec => keys().ec.sign(&random, message).unwrap().as_ref().to_vec(),
        By::EcDer => keys().ec_der.sign(&random, message).unwrap().as_ref().to_vec(),
        By::Ec384 => keys().ec384.sign(&random, message).unwrap().as_ref().to_vec(),
        By::Ed => keys().ed.sign(message).as_ref().to_vec(),
        By::Rsa => rsa(&RSA_PKCS1_SHA256),
        By::RsaPss => rsa(&RSA_PSS_SHA256),
        By::Hmac(key) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec(),
        By::These(bytes) => bytes.to_vec(),
    };
    format!("{signed}.{}", b64(signature))
}

pub(crate) const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt","kid":"ec"}"#;

/// Returns good claims with some changed; `Value::Null` takes a claim away.
pub(crate) fn claims(changes: Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 300, "iat": NOW - 10, "nbf": NOW - 10,
        "client_id": "marque-cli", "jti": "1", "groups": ["b", "a", "b"], "name": "Alice",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().shift_remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims.to_string()
}

/// Returns a good access token with some claims changed.
pub(crate) fn access_token(changes: Value) -> String {
    sign(HEADER, claims(changes), By::Ec)
}
