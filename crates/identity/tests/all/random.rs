//! Nothing that strangers send makes the room panic, and no token is accepted that was not signed as it is.

use identity::{
    Jwks, LocalDirectory, SessionToken, check_endpoint, peek_issuer, strict_object, verify_access_token,
};
use proptest::{collection::vec, prelude::*};
use serde_json::json;

use crate::mint::{By, HEADER, access_token, b64, claims, config, jwks, now, sign};

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| value.to_string()),
        ".{0,12}".prop_map(|value| json!(value).to_string()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec(("[a-c]{1,2}", inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn random_text_is_refused(text in ".{0,400}") {
        prop_assert!(verify_access_token(&text, &[(&config(), &jwks())], now()).is_err());
        prop_assert!(peek_issuer(&text).is_err());
        prop_assert!(SessionToken::parse(&text).is_none());
        let _ = check_endpoint("issuer", &text);
    }

    #[test]
    fn random_parts_are_refused(parts in vec(vec(any::<u8>(), 0..80), 3..4)) {
        let token = parts.iter().map(b64).collect::<Vec<_>>().join(".");
        prop_assert!(verify_access_token(&token, &[(&config(), &jwks())], now()).is_err());
    }

    #[test]
    fn a_claim_of_any_shape_is_accepted_or_refused_but_never_fatal(
        name in prop::sample::select(vec![
            "iss", "sub", "aud", "exp", "nbf", "iat", "azp", "client_id", "groups", "amr", "acr", "auth_time", "name",
            "email", "hasgroups", "_claim_names", "nonce",
        ]),
        value in json_text(),
    ) {
        let other = claims(json!({ name: "REPLACE" })).replace("\"REPLACE\"", &value);
        if let Ok(caller) = verify_access_token(&sign(HEADER, other, By::Ec), &[(&config(), &jwks())], now()) {
            let principal = caller.principal();
            prop_assert!(!principal.key.subject.is_empty() && principal.key.subject.len() <= 255);
            prop_assert!(principal.groups.is_sorted() && principal.groups.iter().all(|group| !group.is_empty()));
        }
    }

    #[test]
    fn a_header_member_of_any_shape_is_never_fatal(
        name in prop::sample::select(vec!["alg", "kid", "typ", "crit", "x"]), value in json_text(),
    ) {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "ec" });
        let mut header = header.as_object().unwrap().clone();
        header.insert(name.to_owned(), json!("REPLACE"));
        let header = json!(header).to_string().replace("\"REPLACE\"", &value);
        let outcome = verify_access_token(&sign(header, claims(json!({})), By::Ec), &[(&config(), &jwks())], now());
        prop_assert!(outcome.is_err() || name == "x");
    }

    #[test]
    fn any_changed_byte_of_a_good_token_is_noticed(at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let mut token = access_token(json!({})).into_bytes();
        let at = at.index(token.len());
        prop_assume!(token[at] != byte);
        token[at] = byte;
        let token = String::from_utf8(token).unwrap();
        prop_assert!(verify_access_token(&token, &[(&config(), &jwks())], now()).is_err());
    }

    #[test]
    fn a_key_set_of_any_shape_is_never_fatal(text in json_text(), bytes in vec(any::<u8>(), 0..100)) {
        let _ = Jwks::parse(bytes.as_slice());
        let _ = Jwks::parse(format!("{{\"keys\":[{text}]}}").as_bytes());
        let with = format!("{{\"keys\":[{{\"kty\":\"RSA\",\"n\":{text},\"e\":{text}}}]}}");
        if let Ok(jwks) = Jwks::parse(with.as_bytes()) {
            prop_assert!(jwks.is_empty());
        }
    }

    #[test]
    fn strict_reading_agrees_with_any_reader_where_it_reads_at_all(text in json_text()) {
        let any: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        if let Some(strict) = strict_object(text.as_bytes()) {
            prop_assert_eq!(Some(serde_json::Value::Object(strict)), any);
        }
    }

    #[test]
    fn hashes_of_any_text_are_refused_or_parsed_but_never_fatal(text in "\\$argon2id\\$v=19\\$.{0,60}") {
        let user = identity::LocalUser {
            name: "x".to_owned(), password_hash: identity::Secret::new(text), groups: vec![], display_name: None,
            email: None, disabled: false,
        };
        let _ = LocalDirectory::parse(vec![user], "https://marque.example.com");
    }
}
