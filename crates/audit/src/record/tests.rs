//! Lines of the log: what they hold, what they never hold, how long they may be, and lines of older releases.

use std::sync::Arc;

use model::{Place, RunId};
use policy::RuleRef;

use super::*;

fn at() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn decision(verdict: Verdict) -> Decision {
    Decision {
        verdict,
        action: "submit",
        resource: "namespace default".to_owned(),
        rules: vec![RuleRef {
            id: "scope finance triggerers".to_owned(),
            says: "not written down".to_owned(),
            place: Some(Place { file: Arc::from("scope.yaml"), line: 3, column: 7 }),
        }],
        missing: vec!["mfa".to_owned()],
        advice: vec!["not written down either".to_owned()],
        errors: Vec::new(),
        rules_version: Arc::from("ab12"),
        request_digest: "cd34".to_owned(),
    }
}

fn caller() -> Caller {
    let mut principal = Caller::local_user("me").principal().clone();
    principal.email = Some("me@corp.example".to_owned());
    principal.groups = vec!["group-a".to_owned()];
    principal.amr = vec!["otp".to_owned()];
    Caller::for_run(principal, RunId::from_uuid(uuid::Uuid::from_u128(5)))
}

/// Attempts as the first release wrote them; they must be readable for ever.
const ATTEMPT_V1: &str = r#"{"action":"submit","at":"2026-01-02T03:04:05Z","decision":"deny","details":{"digest":"ee"},"kind":"attempt","missing":["mfa"],"onBehalfRun":"run_00000000-0000-0000-0000-000000000005","principal":{"amr":["otp"],"groupsDigest":"be597db9cf8e9d2848ece2381acd77c6faef17744b3c94fc69a301bad279f7d0","iss":"os","kind":"user","name":"me","provider":"os","sub":"me"},"requestDigest":"cd34","resource":"namespace default","rules":[{"id":"scope finance triggerers","place":"scope.yaml:3:7"}],"rulesVersion":"ab12","v":1}"#;
const OUTCOME_V1: &str =
    r#"{"at":"2026-01-02T03:04:05Z","attempt":7,"error":"no room","kind":"outcome","v":1}"#;
const STORED_V1: &str = r#"{"attempt":7,"digest":"ab","kind":"stored","rows":2,"v":1}"#;
const UNAUTHENTICATED_V1: &str = r#"{"at":"2026-01-02T03:04:05Z","code":"IDN0001","kind":"unauthenticated","reason":"no token","request":"GET /api","v":1}"#;

fn attempt() -> Entry {
    Attempt::new(&caller(), &decision(Verdict::Deny), json!({ "digest": "ee" }), at()).into()
}

#[test]
fn lines_of_version_1_are_read_and_written_as_they_were() {
    for (entry, line) in [
        (attempt(), ATTEMPT_V1),
        (Entry::Outcome(Outcome::new(7, at(), Some("no room".to_owned()))), OUTCOME_V1),
        (Entry::Stored(Stored::new(7, 2, "ab".to_owned())), STORED_V1),
        (
            Entry::Unauthenticated(Unauthenticated::new(at(), "IDN0001", "no token", "GET /api?x=1")),
            UNAUTHENTICATED_V1,
        ),
    ] {
        assert_eq!(String::from_utf8(entry.to_body().unwrap()).unwrap(), line);
        assert_eq!(Entry::from_body(line.as_bytes()).unwrap(), entry);
    }
}

#[test]
fn what_is_personal_and_not_needed_is_not_written() {
    let line = String::from_utf8(attempt().to_body().unwrap()).unwrap();
    for absent in ["corp.example", "group-a", "not written down"] {
        assert!(!line.contains(absent), "{absent} is in {line}");
    }
}

#[test]
fn the_query_and_fragment_of_a_request_are_left_out() {
    for (request, kept) in [
        ("GET /login?token=secret", "GET /login"),
        ("GET /login#token=secret", "GET /login"),
        ("GET /a?b#c?d", "GET /a"),
        ("GET /plain", "GET /plain"),
    ] {
        assert_eq!(Unauthenticated::new(at(), "IDN0001", "", request).request, kept);
    }
}

#[test]
fn no_entry_is_too_long_whatever_it_is_made_of() {
    for piece in ["a", "\u{1}", "\"", "\\", "\n", "\u{2028}", "\u{7f}", "🦀"] {
        let long = piece.repeat(100_000);
        let mut principal = caller().principal().clone();
        principal.key.issuer = long.clone();
        principal.key.subject = long.clone();
        principal.provider = long.clone();
        principal.name = Some(long.clone());
        principal.acr = Some(long.clone());
        principal.amr = vec![long.clone(); 1_000];
        let place = Place { file: Arc::from(long.as_str()), line: u32::MAX, column: u32::MAX };
        let decision = Decision {
            resource: long.clone(),
            rules: vec![RuleRef { id: long.clone(), says: long.clone(), place: Some(place) }; 1_000],
            missing: vec![long.clone(); 1_000],
            errors: vec![long.clone(); 1_000],
            rules_version: Arc::from(long.as_str()),
            request_digest: long.clone(),
            ..decision(Verdict::Deny)
        };
        let caller = Caller::for_run(principal, RunId::from_uuid(uuid::Uuid::from_u128(5)));
        let attempt: Entry = Attempt::new(&caller, &decision, json!({ "long": long.clone() }), at()).into();
        let outcome = Entry::Outcome(Outcome::new(u64::MAX >> 11, at(), Some(long.clone())));
        let nobody = Entry::Unauthenticated(Unauthenticated::new(at(), &long, &long, &long));
        for entry in [attempt, outcome, nobody] {
            let body = entry.to_body().unwrap();
            assert!(body.len() <= MAX_ENTRY_BYTES);
            assert_eq!(Entry::from_body(&body).unwrap(), entry);
        }
    }
}

#[test]
fn two_subjects_that_begin_alike_stay_two() {
    let subject = |end: &str| {
        let mut principal = caller().principal().clone();
        principal.key.subject = "x".repeat(10_000) + end;
        RecordedPrincipal::of(&Caller::for_run(principal, RunId::from_uuid(uuid::Uuid::nil()))).sub
    };
    assert_ne!(subject("a"), subject("b"));
    assert_eq!(subject("a"), subject("a"));
}

#[test]
fn long_details_are_replaced_by_their_digest() {
    let long = json!({ "scopes": vec!["finance/payroll"; 10_000] });
    let cut = Attempt::new(&caller(), &decision(Verdict::Allow), long.clone(), at()).details;
    assert_eq!(cut, json!({ "cut": true, "sha256": model::canonical::digest(&long) }));
}

#[test]
fn what_is_not_exactly_an_entry_is_refused() {
    for (line, why) in [
        ("", "EOF"),
        ("{}", "version"),
        (&STORED_V1.replace("\"v\":1", "\"v\":2"), "version"),
        (&STORED_V1.replace("{\"attempt\"", "{ \"attempt\""), "canonical"),
        (&STORED_V1.replace("\"attempt\":7,", ""), "attempt"),
        (&STORED_V1.replace("stored", "hoarded"), "hoarded"),
        (&format!("{STORED_V1}\n"), "canonical"),
        (&format!("{STORED_V1}{STORED_V1}"), "trailing"),
        ("{\"kind\":\"stored\",\"kind\":\"stored\",\"v\":1}", "canonical"),
        ("[1]", "version"),
        (&"[".repeat(10_000), "recursion"),
    ] {
        let error = Entry::from_body(line.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{line}: {error}");
    }
    assert_eq!(Entry::from_body(&[b' '; MAX_ENTRY_BYTES + 1]), Err(AuditError::TooLong(MAX_ENTRY_BYTES + 1)));
}
