//! ID tokens, good and bad.

use aws_lc_rs::digest;
use identity::{AuthError, IdToken, IdTokenExpectation, IssuerConfig, Nonce, Secret, verify_id_token};
use serde_json::{Value, json};

use crate::mint::{AUDIENCE, By, NOW, access_token, b64, claims, config, jwks, now, settings, sign};

const HEADER: &str = r#"{"alg":"ES256","kid":"ec"}"#;

fn nonce() -> Nonce {
    Nonce::from_random([7; 32])
}

fn verify_text(token: &str, access: Option<&Secret>, max_age: Option<u32>) -> Result<IdToken, AuthError> {
    let nonce = nonce();
    let expected = IdTokenExpectation { nonce: &nonce, access_token: access, max_age_seconds: max_age };
    verify_id_token(token, &config(), &jwks(), &expected, now())
}

fn token(changes: Value) -> String {
    let mut all = json!({ "aud": "marque-cli", "nonce": nonce().expose(), "client_id": null });
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    sign(HEADER, claims(all), By::Ec)
}

fn verify(changes: Value) -> Result<IdToken, AuthError> {
    verify_text(&token(changes), None, None)
}

#[test]
fn a_good_id_token_says_who_logged_in() {
    let who = verify(json!({})).unwrap();
    assert_eq!(who.principal.key.subject, "alice");
    assert_eq!(who.expires_at.as_second(), NOW + 300);
    verify(json!({ "aud": ["marque-cli", "other"], "azp": "marque-cli" })).unwrap();
    let body = claims(json!({ "aud": "marque-cli", "nonce": nonce().expose() }));
    let typed = sign(r#"{"alg":"ES256","kid":"ec","typ":"JWT"}"#, body, By::Ec);
    verify_text(&typed, None, None).expect("`JWT` is the type some providers write");
}

#[test]
fn bad_id_tokens_are_refused() {
    for (case, code, changes) in [
        ("nonce missing", "IDN0016", json!({ "nonce": null })),
        ("nonce of another attempt", "IDN0016", json!({ "nonce": Nonce::from_random([8; 32]).expose() })),
        ("nonce a prefix", "IDN0016", json!({ "nonce": &nonce().expose()[..42] })),
        ("nonce empty", "IDN0016", json!({ "nonce": "" })),
        ("nonce no text", "IDN0014", json!({ "nonce": 7 })),
        ("for the API", "IDN0012", json!({ "aud": AUDIENCE })),
        ("two audiences, no azp", "IDN0013", json!({ "aud": ["marque-cli", "other"] })),
        ("two audiences, wrong azp", "IDN0013", json!({ "aud": ["marque-cli", "other"], "azp": "other" })),
        ("one audience, wrong azp", "IDN0013", json!({ "azp": "other" })),
        ("another issuer", "IDN0006", json!({ "iss": "https://other.example.com" })),
        ("expired", "IDN0009", json!({ "exp": NOW - 60 })),
        ("issued six minutes ago", "IDN0011", json!({ "iat": NOW - 361 })),
        ("issued in the future", "IDN0010", json!({ "iat": NOW + 61 })),
        ("a logout token", "IDN0014", json!({ "events": {} })),
        ("no subject", "IDN0014", json!({ "sub": null })),
    ] {
        let error = verify(changes).expect_err(case);
        assert_eq!(error.code().0, code, "{case}: {error}");
    }
}

#[test]
fn case_25_an_access_token_is_no_id_token() {
    let changes = json!({ "aud": "marque-cli", "nonce": nonce().expose() });
    let error = verify_text(&access_token(changes), None, None).unwrap_err();
    assert_eq!(error.code().0, "IDN0005", "{error}");
    let logout = sign(
        r#"{"alg":"ES256","kid":"ec","typ":"logout+jwt"}"#,
        claims(json!({ "aud": "marque-cli" })),
        By::Ec,
    );
    assert_eq!(verify_text(&logout, None, None).unwrap_err().code().0, "IDN0005");
}

#[test]
fn the_access_token_must_be_the_one_that_came_along() {
    let half = |algorithm, text: &str| {
        let full = digest::digest(algorithm, text.as_bytes());
        b64(&full.as_ref()[..full.as_ref().len() / 2])
    };
    let (access, other) = (Secret::new("access"), Secret::new("other"));
    let with_hash = token(json!({ "at_hash": half(&digest::SHA256, "access") }));
    verify_text(&with_hash, Some(&access), None).unwrap();
    assert_eq!(verify_text(&with_hash, Some(&other), None).unwrap_err().code().0, "IDN0017");
    verify_text(&token(json!({})), Some(&access), None).expect("at_hash is optional in the code flow");
    let body = json!({
        "aud": "marque-cli", "nonce": nonce().expose(), "at_hash": half(&digest::SHA512, "access"),
    });
    let ed = sign(r#"{"alg":"EdDSA","kid":"ed"}"#, claims(body), By::Ed);
    verify_text(&ed, Some(&access), None).expect("Ed25519 goes with SHA-512");
    let known = token(json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" }));
    let published = Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    verify_text(&known, Some(&published), None).expect("the pair published in OpenID Connect Core A.3");
}

#[test]
fn the_last_authentication_may_be_asked_to_be_recent() {
    let at = |seconds: i64| token(json!({ "auth_time": NOW - seconds }));
    verify_text(&at(360), None, Some(300)).expect("within the skew");
    assert_eq!(verify_text(&at(361), None, Some(300)).unwrap_err().code().0, "IDN0018");
    assert_eq!(verify_text(&token(json!({})), None, Some(300)).unwrap_err().code().0, "IDN0014", "missing");
    verify_text(&at(86_400), None, None).expect("nobody asked");
}

#[test]
fn without_a_client_no_id_token_is_accepted() {
    let mut settings = settings();
    settings.client_id = None;
    let nonce = nonce();
    let expected = IdTokenExpectation { nonce: &nonce, access_token: None, max_age_seconds: None };
    let config = IssuerConfig::new(settings).unwrap();
    let error = verify_id_token(&token(json!({})), &config, &jwks(), &expected, now()).unwrap_err();
    assert_eq!(error.code().0, "IDN0021");
}
