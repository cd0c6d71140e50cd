//! Run tokens: what they say, and that another library verifies them with the published key.

use aws_lc_rs::rand::SystemRandom;
use identity::{
    ApprovalClaim, Caller, PrincipalKey, RunClaims, RunTokenKey, RunTokenSeconds, discovery_document,
    jwks_json,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use model::{ComponentRef, NamespacedName, RunId, TokenId, oam::Via};
use serde_json::{Value, json};

use crate::mint::{NOW, now};

const ISSUER: &str = "https://marque.example.com";

fn key() -> RunTokenKey {
    RunTokenKey::from_pkcs8(&RunTokenKey::generate_pkcs8(&SystemRandom::new()).unwrap()).unwrap()
}

fn person(subject: &str) -> PrincipalKey {
    PrincipalKey { issuer: "https://id.example.com".to_owned(), subject: subject.to_owned() }
}

fn claims() -> RunClaims {
    RunClaims {
        issuer: ISSUER.to_owned(),
        audience: "sts.example.com".to_owned(),
        issued_at: now(),
        lifetime: RunTokenSeconds::new(600).unwrap(),
        token: "tok_018f0000-0000-7000-8000-000000000001".parse::<TokenId>().unwrap(),
        run: "run_018f0000-0000-7000-8000-000000000002".parse::<RunId>().unwrap(),
        attempt: 1,
        node_id: "payroll-export-abc12-123".to_owned(),
        step: "export".to_owned(),
        scope: Some(NamespacedName::new("payroll", "payroll-prod")),
        environment: Some("prod".to_owned()),
        component: Some(ComponentRef {
            namespace: "payroll".to_owned(),
            application: "payroll".to_owned(),
            component: "payroll-export".to_owned(),
        }),
        template: NamespacedName::new("payroll", "payroll-export"),
        template_digest: "aa".repeat(32),
        params_digest: "bb".repeat(32),
        trigger: Via::Manual,
        submitter: person("alice"),
        actors: vec![person("server"), person("gateway")],
        approvals: vec![ApprovalClaim { by: person("bob"), at: now(), digest: "cc".repeat(32) }],
        decision_id: "att_1".to_owned(),
        policy_version: "7".to_owned(),
    }
}

#[test]
fn another_library_verifies_it_with_the_published_key() {
    let (key, other) = (key(), key());
    let token = key.mint(&claims(), &SystemRandom::new()).unwrap();
    let published: JwkSet = serde_json::from_value(jwks_json(&[&other, &key])).unwrap();
    let header = jsonwebtoken::decode_header(token.expose()).unwrap();
    assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::ES256, Some(key.kid())));
    let jwk = published.find(key.kid()).unwrap();
    assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), key.kid(), "RFC 7638");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&["sts.example.com"]);
    validation.validate_exp = false;
    let verified = |token: &str, jwk| {
        jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation)
            .map(|data| data.claims)
    };
    verified(token.expose(), published.find(other.kid()).unwrap()).expect_err("another key");
    let person = |subject: &str| json!({ "iss": "https://id.example.com", "sub": subject });
    let expected = json!({
        "iss": ISSUER, "sub": "scope:payroll/payroll-prod:env:prod:wf:payroll-export", "aud": "sts.example.com",
        "exp": NOW + 600, "nbf": NOW, "iat": NOW, "jti": "tok_018f0000-0000-7000-8000-000000000001",
        "run_id": "run_018f0000-0000-7000-8000-000000000002", "run_attempt": 1,
        "node_id": "payroll-export-abc12-123", "step": "export", "scope_id": "payroll/payroll-prod", "env": "prod",
        "app": "payroll/payroll", "component": "payroll-export", "template_ref": "payroll/payroll-export",
        "template_digest": "aa".repeat(32), "params_digest": "bb".repeat(32), "trigger": "user",
        "sub_user": person("alice"),
        "act": { "iss": "https://id.example.com", "sub": "server", "act": person("gateway") },
        "approvals": [{ "iss": "https://id.example.com", "sub": "bob", "at": NOW, "digest": "cc".repeat(32) }],
        "decision_id": "att_1", "policy_version": "7",
    });
    assert_eq!(verified(token.expose(), jwk).unwrap(), expected);
}

#[test]
fn the_subject_is_the_same_for_every_run_of_a_template_and_cannot_be_forged_by_a_name() {
    let mut claims = claims();
    claims.template.name = "x:env:prod%3A".to_owned();
    assert_eq!(claims.subject().unwrap(), "scope:payroll/payroll-prod:env:prod:wf:x%3Aenv%3Aprod%253A");
    (claims.scope, claims.environment) = (None, None);
    claims.template.name = "hello".to_owned();
    assert_eq!(claims.subject().unwrap(), "scope:-:env:-:wf:hello");
    for (case, name) in
        [("long", "t".repeat(250)), ("not ASCII", "caf\u{e9}".to_owned()), ("blank", "a b".to_owned())]
    {
        claims.template.name = name;
        assert_eq!(claims.subject().expect_err(case).code().0, "IDN0025");
        assert_eq!(key().mint(&claims, &SystemRandom::new()).expect_err(case).code().0, "IDN0025");
    }
}

#[test]
fn a_token_lives_for_ten_minutes_at_most() {
    for (seconds, lives) in [(0, false), (1, true), (600, true), (601, false), (u32::MAX, false)] {
        assert_eq!(RunTokenSeconds::new(seconds).is_some(), lives, "{seconds}");
    }
}

#[test]
fn a_token_without_issuer_or_audience_is_not_minted() {
    for blank in
        [|claims: &mut RunClaims| claims.audience.clear(), |claims: &mut RunClaims| claims.issuer.clear()]
    {
        let mut claims = claims();
        blank(&mut claims);
        assert_eq!(key().mint(&claims, &SystemRandom::new()).unwrap_err().code().0, "IDN0025");
    }
}

#[test]
fn the_key_comes_back_from_its_file_and_is_never_printed() {
    let der = RunTokenKey::generate_pkcs8(&SystemRandom::new()).unwrap();
    let (one, two) = (RunTokenKey::from_pkcs8(&der).unwrap(), RunTokenKey::from_pkcs8(&der).unwrap());
    assert_eq!(one.kid(), two.kid());
    assert_eq!(one.kid().len(), 43);
    assert_eq!(format!("{one:?}"), format!("RunTokenKey {{ kid: \"{}\", .. }}", one.kid()));
    let published = one.jwks_json().to_string();
    assert!(!published.contains("\"d\""), "{published}");
    for bad in [&[][..], b"key", &der[..der.len() - 1]] {
        assert_eq!(RunTokenKey::from_pkcs8(bad).unwrap_err().code().0, "IDN0024");
    }
}

#[test]
fn the_discovery_document_leads_to_the_key_set() {
    let document = discovery_document("https://marque.example.com");
    assert_eq!(document["issuer"], "https://marque.example.com");
    assert_eq!(document["jwks_uri"], "https://marque.example.com/.well-known/jwks.json");
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256"]));
}

#[test]
fn a_run_acts_for_its_submitter_and_a_session_for_its_principal() {
    let principal = Caller::local_user("alice").principal().clone();
    assert_eq!(Caller::for_run(principal.clone(), claims().run).run(), Some(claims().run));
    let session = Caller::from_session(principal.clone());
    assert_eq!((session.principal(), session.run()), (&principal, None));
}
