//! The door for tokens: text of a bearer token, and a provider's keys.

use std::sync::LazyLock;

use identity::{IssuerConfig, IssuerSettings, Jwks, peek_issuer, strict_object, verify_access_token};
use jiff::Timestamp;

const ISSUER: &str = "https://issuer.example";
/// The public key of RFC 8037, appendix A: its private half is printed there, and no token below is signed with it.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

static ISSUER_AND_KEYS: LazyLock<Option<(IssuerConfig, Jwks)>> = LazyLock::new(|| {
    let issuer = IssuerConfig::new(IssuerSettings::new("issuer", ISSUER, "marque")).ok()?;
    Some((issuer, Jwks::parse(KEYS.as_bytes()).ok()?))
});

/// Nobody is let in, and what is read strictly is JSON.
pub(crate) fn token(bytes: &[u8]) {
    if let Some(object) = strict_object(bytes) {
        assert_eq!(serde_json::from_slice(bytes).ok(), Some(serde_json::Value::Object(object)));
    }
    let _ = Jwks::parse(bytes);
    let Some(text) = super::text(bytes) else { return };
    let _ = peek_issuer(text);
    let Some((issuer, keys)) = ISSUER_AND_KEYS.as_ref() else { return };
    let caller = verify_access_token(text, &[(issuer, keys)], Timestamp::UNIX_EPOCH);
    assert!(caller.is_err(), "nobody has signed this");
}
