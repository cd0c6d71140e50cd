//! Key sets, good and bad (case 12).

use identity::{Jwks, verify_access_token};
use serde_json::{Value, json};

use crate::mint::{
    By, access_token, b64, claims, config, ec_jwk, jwks, jwks_json, now, rsa_jwk, rsa_modulus, sign,
};

fn parse(set: &Value) -> Result<Jwks, identity::AuthError> {
    Jwks::parse(set.to_string().as_bytes())
}

#[test]
fn a_good_set_is_taken_whole() {
    let jwks = jwks();
    assert_eq!((jwks.len(), jwks.is_empty()), (4, false));
    assert!(jwks.left_out().is_empty(), "{:?}", jwks.left_out());
    let empty = parse(&json!({ "keys": [] })).unwrap();
    assert!(empty.is_empty());
    let error = verify_access_token(&access_token(json!({})), &[(&config(), &empty)], now()).unwrap_err();
    assert_eq!(error.code().0, "IDN0007");
}

#[test]
fn keys_that_are_not_fit_are_left_out_and_the_others_stay() {
    let with = |base: Value, changes: Value| {
        let mut key = base;
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    };
    let mut even = rsa_modulus();
    *even.last_mut().unwrap() &= 0xfe;
    let mut odd_511 = vec![0x7f; 64];
    odd_511[63] = 1;
    for (case, key) in [
        ("use enc", with(ec_jwk("bad"), json!({ "use": "enc" }))),
        ("use no text", with(ec_jwk("bad"), json!({ "use": ["sig"] }))),
        ("key_ops sign", with(ec_jwk("bad"), json!({ "key_ops": ["sign"] }))),
        ("key_ops no list", with(ec_jwk("bad"), json!({ "key_ops": "verify" }))),
        ("alg of another type", with(ec_jwk("bad"), json!({ "alg": "RS256" }))),
        ("alg ES384 on P-256", with(ec_jwk("bad"), json!({ "alg": "ES384" }))),
        ("alg HS256", with(rsa_jwk("bad"), json!({ "alg": "HS256" }))),
        ("alg RSA-OAEP", with(rsa_jwk("bad"), json!({ "alg": "RSA-OAEP" }))),
        ("RSA of 512 bits", with(rsa_jwk("bad"), json!({ "n": b64(&odd_511) }))),
        ("RSA of 2040 bits", with(rsa_jwk("bad"), json!({ "n": b64(&rsa_modulus()[1..]) }))),
        (
            "RSA of zeros and 512 bits",
            with(rsa_jwk("bad"), json!({ "n": b64([vec![0; 256], odd_511.clone()].concat()) })),
        ),
        ("RSA of 16384 bits", with(rsa_jwk("bad"), json!({ "n": b64(vec![0xff; 2048]) }))),
        ("RSA even", with(rsa_jwk("bad"), json!({ "n": b64(even) }))),
        ("exponent 1", with(rsa_jwk("bad"), json!({ "e": "AQ" }))),
        ("exponent 3", with(rsa_jwk("bad"), json!({ "e": "Aw" }))),
        ("exponent 65536", with(rsa_jwk("bad"), json!({ "e": "AQAA" }))),
        ("exponent huge", with(rsa_jwk("bad"), json!({ "e": b64([0xff; 64]) }))),
        ("exponent empty", with(rsa_jwk("bad"), json!({ "e": "" }))),
        ("modulus no text", with(rsa_jwk("bad"), json!({ "n": 7 }))),
        ("modulus padded", with(rsa_jwk("bad"), json!({ "n": format!("{}==", b64(rsa_modulus())) }))),
        ("secp256k1", with(ec_jwk("bad"), json!({ "crv": "secp256k1" }))),
        ("short coordinate", with(ec_jwk("bad"), json!({ "x": b64([1; 31]) }))),
        ("long coordinate", with(ec_jwk("bad"), json!({ "y": b64([1; 33]) }))),
        ("private part", with(ec_jwk("bad"), json!({ "d": b64([1; 32]) }))),
        ("symmetric", json!({ "kty": "oct", "k": b64([1; 32]), "kid": "bad" })),
        ("no kty", json!({ "kid": "bad" })),
        ("Ed448", json!({ "kty": "OKP", "crv": "Ed448", "x": b64([1; 57]), "kid": "bad" })),
        ("short Ed25519", json!({ "kty": "OKP", "crv": "Ed25519", "x": b64([1; 31]), "kid": "bad" })),
        ("not an object", json!("key")),
        ("kid a number", with(ec_jwk("bad"), json!({ "kid": 7 }))),
    ] {
        let jwks =
            parse(&json!({ "keys": [key, ec_jwk("ec")] })).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!((jwks.len(), jwks.left_out().len()), (1, 1), "{case}: {jwks:?}");
        verify_access_token(&access_token(json!({})), &[(&config(), &jwks)], now())
            .expect("the good key stays");
        let bad = sign(r#"{"alg":"ES256","typ":"at+jwt","kid":"bad"}"#, claims(json!({})), By::Ec);
        let error = verify_access_token(&bad, &[(&config(), &jwks)], now()).expect_err(case);
        assert_eq!(error.code().0, "IDN0007", "{case}");
    }
}

#[test]
fn a_point_off_the_curve_verifies_nothing() {
    let mut key = ec_jwk("ec");
    key["x"] = json!(b64([1; 32]));
    let jwks = parse(&json!({ "keys": [key] })).unwrap();
    let error = verify_access_token(&access_token(json!({})), &[(&config(), &jwks)], now()).unwrap_err();
    assert_eq!(error.code().0, "IDN0008");
}

#[test]
fn sets_that_are_none_or_contradict_themselves_are_refused() {
    let many: Vec<_> = (0..65).map(|n| ec_jwk(&n.to_string())).collect();
    for (case, text) in [
        ("one kid, two types", json!({ "keys": [ec_jwk("k"), rsa_jwk("k")] }).to_string()),
        (
            "one kid, two curves",
            json!({ "keys": [ec_jwk("k"), { "kty": "EC", "crv": "P-384", "kid": "k" }] }).to_string(),
        ),
        ("65 keys", json!({ "keys": many }).to_string()),
        ("no keys", json!({}).to_string()),
        ("keys an object", json!({ "keys": {} }).to_string()),
        ("a list", jwks_json()["keys"].to_string()),
        ("keys twice", r#"{"keys":[],"keys":[]}"#.to_owned()),
        ("a member of a key twice", r#"{"keys":[{"kid":"a","kid":"b"}]}"#.to_owned()),
        ("HTML", "<html>".to_owned()),
        ("nothing", String::new()),
        ("300 KB", format!(r#"{{"x":"{}","keys":[]}}"#, "x".repeat(300 * 1024))),
        ("deep", "[".repeat(100_000)),
    ] {
        let error = Jwks::parse(text.as_bytes()).expect_err(case);
        assert_eq!(error.code().0, "IDN0020", "{case}");
    }
    parse(&json!({ "keys": [rsa_jwk("k"), rsa_jwk("k")] }))
        .expect("one kid for one type, as some providers have it");
}
