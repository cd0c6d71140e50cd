//! Access tokens, good and bad.

use identity::{
    AuthError, Caller, ClaimEquals, IssuerConfig, IssuerSettings, PrincipalKind, SigningAlgorithm,
    peek_issuer, verify_access_token,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::mint::{
    AUDIENCE, By, HEADER, ISSUER, NOW, access_token, b64, claims, config, jwks, now, rsa_public_pem,
    settings, sign,
};

fn verify_with(
    token: &str,
    change: impl Fn(&mut IssuerSettings),
    now: Timestamp,
) -> Result<Caller, AuthError> {
    let mut settings = settings();
    change(&mut settings);
    verify_access_token(token, &[(&IssuerConfig::new(settings).unwrap(), &jwks())], now)
}

fn verify(token: &str) -> Result<Caller, AuthError> {
    verify_with(token, |_| (), now())
}

/// Checks that a token is refused for the reason with this code.
#[track_caller]
fn refused(case: &str, code: &str, token: &str) {
    match verify(token) {
        Ok(caller) => panic!("{case}: accepted as {caller:?}"),
        Err(error) => assert_eq!(error.code().0, code, "{case}: {error}"),
    }
}

#[track_caller]
fn refused_header(case: &str, code: &str, header: &str) {
    refused(case, code, &sign(header, claims(json!({})), By::Ec));
}

#[track_caller]
fn refused_claims(case: &str, code: &str, changes: Value) {
    refused(case, code, &access_token(changes));
}

#[test]
fn a_good_token_says_who_it_is() {
    let caller = verify(&access_token(json!({
        "email": "alice@example.com", "amr": ["pwd", "otp"], "acr": "high", "auth_time": NOW - 60,
    })));
    let caller = caller.unwrap();
    let principal = caller.principal();
    assert_eq!((principal.key.issuer.as_str(), principal.key.subject.as_str()), (ISSUER, "alice"));
    assert_eq!((principal.provider.as_str(), principal.kind), ("company", PrincipalKind::User));
    assert_eq!(principal.groups, ["a", "b"], "sorted and unique");
    assert_eq!(principal.name.as_deref(), Some("Alice"));
    assert_eq!(principal.email.as_deref(), Some("alice@example.com"));
    assert_eq!(principal.amr, ["pwd", "otp"]);
    assert_eq!(principal.acr.as_deref(), Some("high"));
    assert_eq!(principal.auth_time, Timestamp::from_second(NOW - 60).ok());
    assert_eq!(caller.run(), None);
    assert_eq!(peek_issuer(&access_token(json!({}))).unwrap(), ISSUER);
}

#[test]
fn every_accepted_algorithm_verifies_with_its_own_key() {
    for (alg, kid, by) in [
        ("ES256", "ec", By::Ec),
        ("ES384", "ec384", By::Ec384),
        ("EdDSA", "ed", By::Ed),
        ("Ed25519", "ed", By::Ed),
        ("RS256", "rsa", By::Rsa),
        ("PS256", "rsa", By::RsaPss),
    ] {
        let header = |kid: &str| format!(r#"{{"alg":"{alg}","typ":"application/AT+JWT","kid":"{kid}"}}"#);
        verify(&sign(header(kid), claims(json!({})), by)).unwrap_or_else(|error| panic!("{alg}: {error}"));
        let wrong = if kid == "rsa" { "ec" } else { "rsa" };
        refused("a key of another type", "IDN0004", &sign(header(wrong), claims(json!({})), by));
        let only_rs512 = |settings: &mut IssuerSettings| settings.algorithms = vec![SigningAlgorithm::Rs512];
        let outcome = verify_with(&sign(header(kid), claims(json!({})), by), only_rs512, now());
        assert_eq!(outcome.unwrap_err().code().0, "IDN0004", "{alg} is not configured");
    }
}

#[test]
fn a_key_that_names_its_algorithm_serves_no_other() {
    let mut key = crate::mint::rsa_jwk("rsa");
    key["alg"] = json!("RS256");
    let jwks = identity::Jwks::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
    let verify = |alg: &str, by| {
        let token = sign(format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"rsa"}}"#), claims(json!({})), by);
        verify_access_token(&token, &[(&config(), &jwks)], now())
    };
    verify("RS256", By::Rsa).unwrap();
    assert_eq!(verify("PS256", By::RsaPss).unwrap_err().code().0, "IDN0004");
}

#[test]
fn case_2_an_issuer_that_is_not_the_configured_one_to_the_letter() {
    for iss in
        ["https://id.example.com/", "https://ID.example.com", "http://id.example.com", "https://evil", ""]
    {
        refused_claims(iss, "IDN0006", json!({ "iss": iss }));
    }
    refused_claims("missing", "IDN0014", json!({ "iss": null }));
    refused_claims("a list", "IDN0014", json!({ "iss": [ISSUER] }));
}

#[test]
fn cases_3_and_5_no_algorithm_or_one_that_is_not_accepted() {
    for alg in
        ["none", "None", "nOnE", "NONE", "", "RS1", "ES256K", "HS256", "HS384", "HS512", "es256", "ES256 "]
    {
        refused_header(alg, "IDN0004", &format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"ec"}}"#));
        let unsigned =
            format!("{}.{}.", b64(format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#)), b64(claims(json!({}))));
        refused(alg, "IDN0004", &unsigned);
    }
    refused_header("absent", "IDN0004", r#"{"typ":"at+jwt","kid":"ec"}"#);
    refused_header("null", "IDN0004", r#"{"alg":null,"typ":"at+jwt","kid":"ec"}"#);
    refused_header("a list", "IDN0004", r#"{"alg":["ES256"],"typ":"at+jwt","kid":"ec"}"#);
}

#[test]
fn case_4_an_hmac_made_with_the_public_key() {
    let header = r#"{"alg":"HS256","typ":"at+jwt","kid":"rsa"}"#;
    refused("HS256", "IDN0004", &sign(header, claims(json!({})), By::Hmac(rsa_public_pem().as_bytes())));
    let header = r#"{"alg":"RS256","typ":"at+jwt","kid":"rsa"}"#;
    refused("said RS256", "IDN0008", &sign(header, claims(json!({})), By::Hmac(rsa_public_pem().as_bytes())));
}

#[test]
fn case_6_signatures_in_another_form_or_of_nothing() {
    let mut zero_r = [0; 64];
    zero_r[63] = 1;
    let mut zero_s = [0; 64];
    zero_s[0] = 1;
    for (case, by) in [
        ("DER", By::EcDer),
        ("r and s are 0", By::These(&[0; 64])),
        ("r is 0", By::These(&zero_r)),
        ("s is 0", By::These(&zero_s)),
        ("empty", By::These(&[])),
        ("short", By::These(&[1; 63])),
        ("long", By::These(&[1; 65])),
        ("another key", By::Ed),
    ] {
        refused(case, "IDN0008", &sign(HEADER, claims(json!({})), by));
    }
    let good = access_token(json!({}));
    refused("padded", "IDN0008", &format!("{good}=="));
    refused("with a newline", "IDN0008", &format!("{good}\n"));
}

#[test]
fn case_7_key_ids_meant_for_another_parser() {
    let with_kid = |kid: &Value| json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid }).to_string();
    for kid in ["../../ec", "ec' OR '1'='1", "EC", "ec ", ""] {
        refused_header(kid, "IDN0007", &with_kid(&json!(kid)));
    }
    for (case, kid) in [
        ("NUL", json!("ec\0")),
        ("newline", json!("ec\n")),
        ("a number", json!(1)),
        ("null", json!(null)),
        ("256 bytes", json!("k".repeat(256))),
    ] {
        refused_header(case, "IDN0003", &with_kid(&kid));
    }
    refused_header("100 KB", "IDN0002", &with_kid(&json!("k".repeat(100 * 1024))));
    refused_header("3 KB", "IDN0001", &with_kid(&json!("k".repeat(3 * 1024))));
    refused_header("nobody's key", "IDN0007", r#"{"alg":"RS256","typ":"at+jwt","kid":"nobody"}"#);
}

#[test]
fn a_token_without_a_key_id_needs_a_key_beyond_doubt() {
    verify(&sign(r#"{"alg":"ES256","typ":"at+jwt"}"#, claims(json!({})), By::Ec)).expect("one key fits");
    let twice = json!({ "keys": [crate::mint::ec_jwk("one"), crate::mint::ec_jwk("two")] });
    let twice = identity::Jwks::parse(twice.to_string().as_bytes()).unwrap();
    let token = sign(r#"{"alg":"ES256","typ":"at+jwt"}"#, claims(json!({})), By::Ec);
    let error = verify_access_token(&token, &[(&config(), &twice)], now()).unwrap_err();
    assert_eq!(error.code().0, "IDN0007", "two keys fit: {error}");
}

#[test]
fn cases_9_and_10_headers_that_bring_a_key_or_change_the_rules() {
    for (member, value) in [
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", crate::mint::ec_jwk("ec")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!(["unknown"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
    ] {
        let mut header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "ec" });
        header[member] = value;
        refused_header(member, "IDN0003", &header.to_string());
    }
}

#[test]
fn case_11_another_serialization() {
    let good = access_token(json!({}));
    let parts: Vec<_> = good.split('.').collect();
    let flattened = json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string();
    for (case, token) in [
        ("JWE", format!("{}.{}.{}.{}.{}", parts[0], parts[1], parts[2], parts[1], parts[2])),
        ("four parts", format!("{good}.x")),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("JSON", flattened),
        ("empty", String::new()),
        ("dots", "..".to_owned()),
        ("with `Bearer`", format!("Bearer {good}")),
        ("standard base64", good.replace('.', "=.")),
        ("nested", sign(HEADER, good.as_bytes(), By::Ec)),
    ] {
        refused(case, "IDN0001", &token);
    }
    refused("16 KB", "IDN0002", &access_token(json!({ "extra": "x".repeat(16 * 1024) })));
}

#[test]
fn cases_13_and_14_times() {
    for (case, code, changes) in [
        ("exp just past the skew", "IDN0009", json!({ "exp": NOW - 60 })),
        ("exp missing", "IDN0014", json!({ "exp": null })),
        ("exp as text", "IDN0014", json!({ "exp": "1900000000" })),
        ("exp 1e300", "IDN0014", json!({ "exp": 1e300 })),
        ("exp a fraction", "IDN0014", json!({ "exp": 1_900_000_000.5 })),
        ("exp a whole float", "IDN0014", json!({ "exp": 1_900_000_000.0 })),
        ("exp negative", "IDN0014", json!({ "exp": -1 })),
        ("exp beyond time", "IDN0014", json!({ "exp": i64::MAX })),
        ("exp beyond integers", "IDN0014", json!({ "exp": u64::MAX })),
        ("exp true", "IDN0014", json!({ "exp": true })),
        ("exp a list", "IDN0014", json!({ "exp": [NOW + 300] })),
        ("nbf in the future", "IDN0010", json!({ "nbf": NOW + 61 })),
        ("nbf as text", "IDN0014", json!({ "nbf": "0" })),
        ("iat in the future", "IDN0010", json!({ "iat": NOW + 61 })),
        ("iat missing", "IDN0014", json!({ "iat": null })),
        ("older than a day", "IDN0011", json!({ "iat": NOW - 86_400 - 61, "nbf": 0 })),
    ] {
        refused_claims(case, code, changes);
    }
    let null = claims(json!({})).replacen(&format!("\"exp\":{}", NOW + 300), "\"exp\":null", 1);
    refused("exp null", "IDN0014", &sign(HEADER, null, By::Ec));
    let huge = claims(json!({})).replacen(&format!("\"exp\":{}", NOW + 300), "\"exp\":1e999", 1);
    refused("exp infinite", "IDN0001", &sign(HEADER, huge, By::Ec));
    for (case, changes) in [
        ("exp within the skew", json!({ "exp": NOW - 59 })),
        ("nbf within the skew", json!({ "nbf": NOW + 60 })),
        ("iat within the skew", json!({ "iat": NOW + 60 })),
        ("nbf missing", json!({ "nbf": null })),
        ("a day old", json!({ "iat": NOW - 86_400 })),
    ] {
        verify(&access_token(changes)).unwrap_or_else(|error| panic!("{case}: {error}"));
    }
    let exact = |settings: &mut IssuerSettings| settings.clock_skew_seconds = 0;
    verify_with(&access_token(json!({ "exp": NOW + 1 })), exact, now()).unwrap();
    let outcome = verify_with(&access_token(json!({ "exp": NOW })), exact, now());
    assert_eq!(outcome.unwrap_err().code().0, "IDN0009", "no skew configured");
}

#[test]
fn cases_45_and_46_a_clock_that_jumps() {
    let token = access_token(json!({}));
    for seconds in [0, 1, NOW - 10_000, NOW + 10_000, 253_402_207_200] {
        let outcome = verify_with(&token, |_| (), Timestamp::from_second(seconds).unwrap());
        assert!(outcome.is_err(), "accepted at {seconds}");
    }
    verify_with(&token, |_| (), Timestamp::MIN).unwrap_err();
    verify_with(&token, |_| (), Timestamp::MAX).unwrap_err();
}

#[test]
fn cases_15_and_16_audiences_and_parties() {
    let slash = format!("{AUDIENCE}/");
    let upper = AUDIENCE.to_uppercase();
    for (case, code, changes) in [
        ("missing", "IDN0014", json!({ "aud": null })),
        ("empty list", "IDN0014", json!({ "aud": [] })),
        ("a number", "IDN0014", json!({ "aud": 7 })),
        ("a list with a number", "IDN0014", json!({ "aud": [AUDIENCE, 7] })),
        ("a nested list", "IDN0014", json!({ "aud": [[AUDIENCE]] })),
        ("33 audiences", "IDN0014", json!({ "aud": vec![AUDIENCE; 33] })),
        ("other client", "IDN0012", json!({ "aud": "other" })),
        ("the login client", "IDN0012", json!({ "aud": "marque-cli" })),
        ("a slash more", "IDN0012", json!({ "aud": slash })),
        ("other case", "IDN0012", json!({ "aud": upper })),
        ("empty", "IDN0012", json!({ "aud": "" })),
        ("right azp, wrong aud", "IDN0012", json!({ "aud": "other", "azp": "marque-cli" })),
        ("two and a wrong azp", "IDN0013", json!({ "aud": [AUDIENCE, "other"], "azp": "other" })),
        ("two and no party", "IDN0013", json!({ "aud": [AUDIENCE, "other"], "client_id": null })),
        ("two and a wrong client_id", "IDN0013", json!({ "aud": [AUDIENCE, "other"], "client_id": "other" })),
        ("azp is no text", "IDN0014", json!({ "azp": ["marque-cli"] })),
    ] {
        refused_claims(case, code, changes);
    }
    verify(&access_token(json!({ "aud": [AUDIENCE], "azp": "another-client" })))
        .expect("one audience, any client");
    let no_client = |settings: &mut IssuerSettings| settings.client_id = None;
    let token = access_token(json!({ "aud": [AUDIENCE, "other"], "client_id": null }));
    let outcome = verify_with(&token, no_client, now());
    assert_eq!(outcome.unwrap_err().code().0, "IDN0013", "no party, and no client configured either");
    verify(&access_token(json!({ "aud": [AUDIENCE, "other"], "azp": "marque-cli" })))
        .expect("two and the right azp");
}

#[test]
fn cases_25_and_26_other_kinds_of_token() {
    for typ in ["JWT", "id+jwt", "logout+jwt", "txntoken+jwt", "at+jwt ", "application/jwt", ""] {
        refused_header(typ, "IDN0005", &format!(r#"{{"alg":"ES256","kid":"ec","typ":"{typ}"}}"#));
    }
    refused_header("absent", "IDN0005", r#"{"alg":"ES256","kid":"ec"}"#);
    refused_header("a list", "IDN0003", r#"{"alg":"ES256","kid":"ec","typ":["at+jwt"]}"#);
    let lax = |settings: &mut IssuerSettings| settings.accept_typ.push("JWT".to_owned());
    let typ_jwt = |changes| sign(r#"{"alg":"ES256","kid":"ec","typ":"JWT"}"#, claims(changes), By::Ec);
    verify_with(&typ_jwt(json!({})), lax, now()).expect("`JWT` is configured");
    for claim in ["nonce", "at_hash", "c_hash", "events"] {
        let outcome = verify_with(&typ_jwt(json!({ claim: "x" })), lax, now());
        assert_eq!(outcome.unwrap_err().code().0, "IDN0014", "{claim}");
    }
}

#[test]
fn cases_33_to_36_subjects_and_groups() {
    for (case, code, changes) in [
        ("no subject", "IDN0014", json!({ "sub": null })),
        ("empty subject", "IDN0014", json!({ "sub": "" })),
        ("blank subject", "IDN0014", json!({ "sub": " \u{2003}" })),
        ("long subject", "IDN0014", json!({ "sub": "s".repeat(256) })),
        ("subject with newline", "IDN0014", json!({ "sub": "alice\nadmin" })),
        ("subject a number", "IDN0014", json!({ "sub": 7 })),
        ("groups an object", "IDN0014", json!({ "groups": { "a": true } })),
        ("groups nested", "IDN0014", json!({ "groups": [["a"]] })),
        ("groups with null", "IDN0014", json!({ "groups": ["a", null] })),
        ("groups with number", "IDN0014", json!({ "groups": ["a", 1] })),
        ("groups a bool", "IDN0014", json!({ "groups": true })),
        ("group empty", "IDN0014", json!({ "groups": ["a", ""] })),
        ("group with newline", "IDN0014", json!({ "groups": ["a\nadmin"] })),
        ("group with NUL", "IDN0014", json!({ "groups": ["a\u{0}"] })),
        ("group of 64 KB", "IDN0002", json!({ "groups": ["g".repeat(64 * 1024)] })),
        ("group of 256 bytes", "IDN0014", json!({ "groups": ["g".repeat(256)] })),
        ("1001 groups", "IDN0014", json!({ "groups": vec!["g"; 1001] })),
        ("overage", "IDN0015", json!({ "_claim_names": { "groups": "src1" } })),
        ("overage beside groups", "IDN0015", json!({ "_claim_names": {}, "groups": ["a"] })),
        ("hasgroups", "IDN0015", json!({ "hasgroups": true })),
        ("hasgroups as text", "IDN0015", json!({ "hasgroups": "true" })),
        ("amr no list", "IDN0014", json!({ "amr": "pwd" })),
        ("acr no text", "IDN0014", json!({ "acr": 1 })),
        ("auth_time no time", "IDN0014", json!({ "auth_time": "now" })),
    ] {
        refused_claims(case, code, changes);
    }
    let null = claims(json!({ "groups": "x" })).replace("\"groups\":\"x\"", "\"groups\":null");
    refused("groups null", "IDN0014", &sign(HEADER, null, By::Ec));
    let groups = |changes| verify(&access_token(changes)).unwrap().principal().groups.clone();
    assert_eq!(groups(json!({ "groups": "one" })), ["one"]);
    assert!(groups(json!({ "groups": null })).is_empty() && groups(json!({ "groups": [] })).is_empty());
    let odd = ["*", "Admin", "a,b", "admin", "а", "ａｄｍｉｎ"];
    assert_eq!(groups(json!({ "groups": odd })), odd, "kept apart, as they are");
}

#[test]
fn case_36_a_provider_that_stops_at_a_number_of_groups() {
    let limit = |settings: &mut IssuerSettings| settings.groups_truncated_at = Some(100);
    let groups = |count: usize| {
        access_token(json!({ "groups": (0..count).map(|n| n.to_string()).collect::<Vec<_>>() }))
    };
    verify_with(&groups(99), limit, now()).unwrap();
    assert_eq!(verify_with(&groups(100), limit, now()).unwrap_err().code().0, "IDN0015");
}

#[test]
fn groups_are_found_where_the_configuration_says() {
    let groups = |claim: &str, changes: Value| {
        let at = |settings: &mut IssuerSettings| settings.groups_claim = Some(claim.to_owned());
        verify_with(&access_token(changes), at, now()).map(|caller| caller.principal().groups.clone())
    };
    let nested =
        json!({ "realm_access": { "roles": ["r"] }, "https://x.example/groups": ["n"], "a.b": ["flat"] });
    assert_eq!(groups("realm_access.roles", nested.clone()).unwrap(), ["r"]);
    assert_eq!(groups("https://x.example/groups", nested.clone()).unwrap(), ["n"]);
    assert!(groups("a.b", nested.clone()).unwrap().is_empty(), "a path does not find a name with a dot");
    assert!(groups("realm_access.groups", nested.clone()).unwrap().is_empty());
    assert_eq!(groups("realm_access", nested).unwrap_err().code().0, "IDN0014");
    let none = |settings: &mut IssuerSettings| settings.groups_claim = None;
    let caller = verify_with(&access_token(json!({ "_claim_names": {} })), none, now()).unwrap();
    assert!(caller.principal().groups.is_empty(), "nobody asked for groups");
}

#[test]
fn machines_are_told_from_people_by_the_configured_claim() {
    let kind = |changes: Value| {
        let rule = |settings: &mut IssuerSettings| {
            settings.workload =
                Some(ClaimEquals { claim: "gty".to_owned(), value: "client-credentials".to_owned() });
        };
        verify_with(&access_token(changes), rule, now()).unwrap().principal().kind
    };
    assert_eq!(kind(json!({ "gty": "client-credentials" })), PrincipalKind::Workload);
    assert_eq!(kind(json!({ "gty": ["x", "client-credentials"] })), PrincipalKind::Workload);
    assert_eq!(kind(json!({ "gty": "password" })), PrincipalKind::User);
    assert_eq!(kind(json!({})), PrincipalKind::User);
}

#[test]
fn what_is_only_displayed_is_left_out_rather_than_trusted() {
    let caller =
        verify(&access_token(json!({ "name": "a\u{1b}[31m", "email": 7, "preferred_username": "al" })))
            .unwrap();
    assert_eq!(caller.principal().name.as_deref(), Some("al"));
    assert_eq!(caller.principal().email, None);
}

#[test]
fn case_44_json_with_more_than_one_reading() {
    let good = claims(json!({}));
    let twice = |name: &str, value: &str| good.replacen('{', &format!("{{\"{name}\":{value},"), 1);
    for (case, token) in [
        ("iss twice", sign(HEADER, twice("iss", "\"https://evil\""), By::Ec)),
        ("aud twice", sign(HEADER, twice("aud", "\"other\""), By::Ec)),
        ("escaped name twice", sign(HEADER, twice("\\u0073ub", "\"bob\""), By::Ec)),
        ("nested twice", sign(HEADER, twice("x", "{\"a\":1,\"a\":2}"), By::Ec)),
        ("alg twice", sign(HEADER.replacen('{', "{\"alg\":\"none\",", 1), &good, By::Ec)),
        ("BOM in claims", sign(HEADER, format!("\u{feff}{good}"), By::Ec)),
        ("BOM in header", sign(format!("\u{feff}{HEADER}"), &good, By::Ec)),
        (
            "depth bomb",
            sign(HEADER, twice("x", &format!("{}{}", "[".repeat(2000), "]".repeat(2000))), By::Ec),
        ),
        ("17 levels", sign(HEADER, twice("x", &format!("{}{}", "[".repeat(16), "]".repeat(16))), By::Ec)),
        ("not UTF-8", sign(HEADER, b"{\"iss\":\"\xff\"}", By::Ec)),
        ("more after the end", sign(HEADER, format!("{good}{good}"), By::Ec)),
        ("a list", sign(HEADER, format!("[{good}]"), By::Ec)),
        ("nothing", sign(HEADER, "", By::Ec)),
        ("comment", sign(HEADER, format!("{good}//"), By::Ec)),
    ] {
        refused(case, "IDN0001", &token);
    }
    verify(&sign(HEADER, twice("x", &format!("{}{}", "[".repeat(15), "]".repeat(15))), By::Ec))
        .expect("16 levels");
}

#[test]
fn the_unknown_issuer_and_key_are_named_safely() {
    let error =
        verify(&access_token(json!({ "iss": format!("`\n{}", "x".repeat(500)) }))).unwrap_err().to_string();
    assert!(error.len() < 300 && !error.contains('\n') && error.matches('`').count() == 2, "{error}");
}
