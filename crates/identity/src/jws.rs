//! A JWS in compact serialization (RFC 7515), read strictly before anything in it is believed.
//! Not here: whose key it is (see `jwk`), what it says (see `claims`).
//! Invariant: [`SigningAlgorithm`] has no `none` and no HMAC, so neither can be configured or chosen by a token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use crate::{
    error::{AuthError, quoted},
    json::strict_object,
};

/// The longest token, in bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// The longest header, in bytes before decoding.
const MAX_HEADER_BYTES: usize = 2 * 1024;
/// The longest `kid`, in bytes.
const MAX_KID_BYTES: usize = 255;
/// Header members that rename the rules (`crit`, `b64`, `zip`), nest or encrypt (`cty`, `enc`), or bring a key
/// along (RFC 8725 §3.10). None has a place in a token of an OpenID provider.
const REFUSED_MEMBERS: [&str; 9] = ["crit", "b64", "zip", "enc", "cty", "jku", "jwk", "x5u", "x5c"];

/// A signature algorithm that may be configured (RFC 7518 §3.1, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// Every algorithm there is, which is also what an issuer accepts unless it is configured otherwise.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Returns the name of the `alg` header (RFC 7518 §3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Returns the algorithm of this name, if it is one that may be used. The name is case-sensitive.
    pub fn from_name(name: &str) -> Option<Self> {
        // RFC 9864 gives `EdDSA` with Ed25519 the name `Ed25519`.
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(crate) const fn jsonwebtoken(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// A token taken apart; nothing in it is believed yet.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    /// `alg`.
    pub(crate) algorithm: SigningAlgorithm,
    /// `kid`, if there is one.
    pub(crate) kid: Option<String>,
    /// `typ`, if there is one.
    pub(crate) typ: Option<String>,
    /// The claims, unverified.
    pub(crate) claims: Map<String, Value>,
    /// What is signed.
    pub(crate) signed: &'a str,
    /// The signature, base64url.
    pub(crate) signature: &'a str,
}

const fn malformed(reason: &'static str) -> AuthError {
    AuthError::Malformed { reason }
}

/// Returns the members of one base64url part.
fn part(text: &str, reason: &'static str) -> Result<Map<String, Value>, AuthError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed(reason))?;
    strict_object(&bytes).ok_or_else(|| malformed(reason))
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`AuthError::TooLarge`], [`AuthError::Malformed`], [`AuthError::HeaderMember`], [`AuthError::Algorithm`].
    pub(crate) fn parse(token: &'a str) -> Result<Self, AuthError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::TooLarge { limit: MAX_TOKEN_BYTES });
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed("it has no parts"))?;
        let (header, payload) = signed.split_once('.').ok_or(malformed("it does not have three parts"))?;
        if payload.contains('.') {
            return Err(malformed("it does not have three parts"));
        }
        if header.len() > MAX_HEADER_BYTES {
            return Err(malformed("its header is too long"));
        }
        let members = part(header, "its header is not a JSON object in base64url")?;
        if let Some(member) = REFUSED_MEMBERS.into_iter().find(|name| members.contains_key(*name)) {
            return Err(AuthError::HeaderMember { member: member.to_owned() });
        }
        let algorithm = algorithm_of(&members)?;
        let kid = header_text(&members, "kid")?;
        let typ = header_text(&members, "typ")?;
        let claims = part(payload, "its claims are not a JSON object in base64url")?;
        if signature.is_empty() {
            return Err(AuthError::BadSignature);
        }
        Ok(Self { algorithm, kid, typ, claims, signed, signature })
    }

    /// Returns whether `typ` is `expected`, with or without the `application/` that RFC 7515 §4.1.9 lets one omit.
    pub(crate) fn has_type(&self, expected: &str) -> bool {
        let bare = |typ: &str| {
            let lower = typ.to_ascii_lowercase();
            lower.strip_prefix("application/").map(ToOwned::to_owned).unwrap_or(lower)
        };
        self.typ.as_deref().is_some_and(|typ| bare(typ) == bare(expected))
    }

    /// Returns the error that says this type is the wrong one.
    pub(crate) fn wrong_type(&self) -> AuthError {
        AuthError::WrongType { typ: quoted(self.typ.as_deref().unwrap_or_default()) }
    }
}

fn algorithm_of(header: &Map<String, Value>) -> Result<SigningAlgorithm, AuthError> {
    let name = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    SigningAlgorithm::from_name(name).ok_or_else(|| AuthError::Algorithm { alg: quoted(name) })
}

fn header_text(header: &Map<String, Value>, name: &'static str) -> Result<Option<String>, AuthError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_KID_BYTES && !text.chars().any(char::is_control) => {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(AuthError::HeaderMember { member: name.to_owned() }),
    }
}
