//! Shows the authenticator providers that are slow, huge, wrong, or lead elsewhere; and floods of tokens.
//! Not here: a provider that behaves (see `oidc.rs`).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use connector::{Bearers, LoginClient};
use identity::{IssuerConfig, IssuerSettings};
use jiff::Timestamp;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A provider that answers each path with the bytes it is given; a path without any hangs.
struct Server {
    issuer: String,
    answers: Arc<Mutex<BTreeMap<&'static str, Vec<u8>>>>,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { issuer, answers: Arc::default(), asked: Arc::default() };
        let document = json!({ "issuer": server.issuer, "jwks_uri": format!("{}/jwks", server.issuer) });
        server.answer(DISCOVERY, http("200 OK", "", document.to_string().as_bytes()));
        let (answers, asked) = (Arc::clone(&server.answers), Arc::clone(&server.asked));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                tokio::spawn(async move {
                    let mut head = vec![0; 4096];
                    let read = stream.read(&mut head).await.unwrap();
                    let path = String::from_utf8_lossy(&head[..read])
                        .split(' ')
                        .nth(1)
                        .unwrap_or_default()
                        .to_owned();
                    *asked.lock().unwrap().entry(path.clone()).or_default() += 1;
                    let answer = answers.lock().unwrap().get(path.as_str()).cloned();
                    match answer {
                        Some(answer) => drop(stream.write_all(&answer).await),
                        None => std::future::pending().await,
                    }
                });
            }
        });
        server
    }

    fn answer(&self, path: &'static str, bytes: Vec<u8>) {
        self.answers.lock().unwrap().insert(path, bytes);
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().get(path).copied().unwrap_or_default()
    }

    fn bearers(&self) -> Bearers {
        Bearers::new(vec![IssuerConfig::new(IssuerSettings::new("hostile", &self.issuer, "api")).unwrap()])
            .unwrap()
    }
}

/// A signing key of the provider.
struct Key {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(), kid }
    }

    fn jwks(&self) -> Vec<u8> {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let key = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "use": "sig" });
        http("200 OK", "cache-control: max-age=3600\r\n", json!({ "keys": [key] }).to_string().as_bytes())
    }

    #[expect(clippy::disallowed_methods, reason = "a test key needs no door")]
    fn token(&self, issuer: &str, kid: &str) -> String {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid });
        let claims = json!({ "iss": issuer, "sub": "alice", "aud": "api", "iat": 1_000_000_000, "exp": 1_000_086_400 });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000_000 + seconds).unwrap()
}

#[tokio::test]
async fn a_wrong_answer_is_refused_and_blames_the_provider() {
    let key = Key::new("one");
    let large = vec![b' '; 10 * 1024 * 1024];
    let many: Vec<_> = (0..65).map(|n| json!({ "kty": "EC", "kid": format!("{n}") })).collect();
    let clash = json!({ "keys": [
        { "kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB" }, { "kty": "EC", "crv": "P-256", "kid": "one" }
    ] });
    for (what, path, answer, code) in [
        ("html", "/jwks", http("200 OK", "", b"<html>sign in</html>"), "CON0002"),
        ("ten megabytes", "/jwks", http("200 OK", "", &large), "CON0002"),
        ("an error", "/jwks", http("500 Oops", "", b"{\"keys\":[]}"), "CON0002"),
        (
            "to the clouds",
            "/jwks",
            http("302 Found", "location: http://169.254.169.254/\r\n", b""),
            "CON0002",
        ),
        ("to itself", "/jwks", http("302 Found", "location: /other\r\n", b""), "CON0002"),
        ("no keys", "/jwks", http("200 OK", "", b"{}"), "CON0002"),
        ("65 keys", "/jwks", http("200 OK", "", json!({ "keys": many }).to_string().as_bytes()), "CON0002"),
        ("one kid, two types", "/jwks", http("200 OK", "", clash.to_string().as_bytes()), "CON0002"),
        ("duplicate members", "/jwks", http("200 OK", "", b"{\"keys\":[],\"keys\":[]}"), "CON0002"),
        ("byte order mark", "/jwks", http("200 OK", "", b"\xef\xbb\xbf{\"keys\":[]}"), "CON0002"),
        ("not utf-8", "/jwks", http("200 OK", "", b"{\"keys\":[\"\xff\"]}"), "CON0002"),
        ("too deep", "/jwks", http("200 OK", "", "[".repeat(100_000).as_bytes()), "CON0002"),
        ("cut short", "/jwks", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec(), "CON0001"),
        ("not http", "/jwks", b"hello".to_vec(), "CON0001"),
        ("no document", DISCOVERY, http("404 Not Found", "", b"{}"), "CON0002"),
        (
            "another issuer",
            DISCOVERY,
            http("200 OK", "", b"{\"issuer\":\"https://evil.example\"}"),
            "CON0003",
        ),
    ] {
        let server = Server::start().await;
        server.answer("/jwks", key.jwks());
        server.answer("/other", key.jwks());
        let token = key.token(&server.issuer, "one");
        server.bearers().authenticate_bearer(&token, at(0)).await.expect("a provider that behaves");
        server.answer(path, answer);
        let error = server.bearers().authenticate_bearer(&token, at(0)).await.expect_err(what);
        assert_eq!(error.code().0, code, "{what}: {error}");
        assert!(!error.is_refusal(), "{what}");
        assert_eq!(server.asked("/other"), 0, "{what}: a redirect was followed");
    }
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up_in_bounded_time() {
    let server = Server::start().await;
    let key = Key::new("one");
    let token = key.token(&server.issuer, "one");
    let bearers = server.bearers();
    let outcome =
        tokio::time::timeout(Duration::from_secs(30), bearers.authenticate_bearer(&token, at(0))).await;
    assert_eq!(outcome.expect("it is given up").unwrap_err().code().0, "CON0001");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_the_provider_one_request_in_five_minutes() {
    let server = Server::start().await;
    let key = Key::new("one");
    server.answer("/jwks", key.jwks());
    let bearers = server.bearers();
    bearers.authenticate_bearer(&key.token(&server.issuer, "one"), at(0)).await.unwrap();
    let flood = async |seconds: i64| {
        for n in 0..50 {
            let token = key.token(&server.issuer, &format!("unknown-{n}"));
            let error = bearers.authenticate_bearer(&token, at(seconds)).await.unwrap_err();
            assert_eq!(error.code().0, "IDN0007");
        }
        server.asked("/jwks")
    };
    assert_eq!(flood(0).await, 2);
    assert_eq!(flood(299).await, 2);
    assert_eq!(flood(-299).await, 3, "a clock that went back makes the keys old, once");
    assert_eq!(flood(301).await, 4);
    bearers
        .authenticate_bearer(&key.token(&server.issuer, "one"), at(302))
        .await
        .expect("good tokens still pass");
}

#[tokio::test]
async fn a_crowd_waits_for_one_fetch() {
    let server = Server::start().await;
    let key = Key::new("one");
    server.answer("/jwks", key.jwks());
    let (bearers, token) = (server.bearers(), key.token(&server.issuer, "one"));
    let crowd: Vec<_> = (0..40)
        .map(|_| {
            let (bearers, token) = (bearers.clone(), token.clone());
            tokio::spawn(async move { bearers.authenticate_bearer(&token, at(0)).await })
        })
        .collect();
    for one in crowd {
        one.await.unwrap().unwrap();
    }
    assert_eq!((server.asked(DISCOVERY), server.asked("/jwks")), (1, 1));
}

#[tokio::test]
async fn keys_are_asked_for_again_when_cache_control_says_so() {
    let server = Server::start().await;
    let key = Key::new("one");
    server.answer("/jwks", key.jwks());
    let (bearers, token) = (server.bearers(), key.token(&server.issuer, "one"));
    for (seconds, asked) in [(0, 1), (3599, 1), (3600, 2), (7199, 2), (7200, 3), (7100, 4)] {
        bearers.authenticate_bearer(&token, at(seconds)).await.unwrap();
        assert_eq!(server.asked("/jwks"), asked, "at {seconds} s");
    }
}

#[tokio::test]
async fn one_waits_for_a_provider_that_hangs_and_the_others_go_on_with_the_keys_they_have() {
    let server = Server::start().await;
    let key = Key::new("one");
    server.answer("/jwks", key.jwks());
    let (bearers, token) = (server.bearers(), key.token(&server.issuer, "one"));
    bearers.authenticate_bearer(&token, at(0)).await.unwrap();
    server.answers.lock().unwrap().clear();
    let patient = tokio::spawn({
        let (bearers, token) = (bearers.clone(), token.clone());
        async move { bearers.authenticate_bearer(&token, at(4000)).await }
    });
    while server.asked(DISCOVERY) < 2 {
        tokio::task::yield_now().await;
    }
    let other =
        tokio::time::timeout(Duration::from_secs(5), bearers.authenticate_bearer(&token, at(4000))).await;
    other.expect("it does not wait").unwrap();
    patient.await.unwrap().expect("keys of an hour ago are good enough when the provider hangs");
}

#[tokio::test]
async fn two_issuers_may_not_share_a_name_or_an_address() {
    let config = |name, issuer| IssuerConfig::new(IssuerSettings::new(name, issuer, "api")).unwrap();
    let (one, two) = ("https://one.example", "https://two.example");
    Bearers::new(vec![config("one", one), config("two", two)]).unwrap();
    Bearers::new(vec![config("one", one), config("one", two)]).expect_err("one name");
    Bearers::new(vec![config("one", one), config("two", one)]).expect_err("one address");
}

#[tokio::test]
async fn a_token_for_one_issuer_signed_by_another_is_refused() {
    let (one, two) = (Server::start().await, Server::start().await);
    let (key_one, key_two) = (Key::new("same-kid"), Key::new("same-kid"));
    one.answer("/jwks", key_one.jwks());
    two.answer("/jwks", key_two.jwks());
    let config =
        |name, server: &Server| IssuerConfig::new(IssuerSettings::new(name, &server.issuer, "api")).unwrap();
    let bearers = Bearers::new(vec![config("one", &one), config("two", &two)]).unwrap();
    let good = bearers.authenticate_bearer(&key_two.token(&two.issuer, "same-kid"), at(0)).await.unwrap();
    assert_eq!(good.principal().provider, "two");
    let mixed =
        bearers.authenticate_bearer(&key_two.token(&one.issuer, "same-kid"), at(0)).await.unwrap_err();
    assert_eq!(mixed.code().0, "IDN0008", "{mixed}");
}

#[tokio::test]
async fn nobody_logs_in_at_a_provider_that_cannot_do_it() {
    let server = Server::start().await;
    server.answer("/jwks", Key::new("one").jwks());
    let mut settings = IssuerSettings::new("hostile", &server.issuer, "api");
    let no_client =
        LoginClient::discover(IssuerConfig::new(settings.clone()).unwrap(), at(0)).await.unwrap_err();
    assert_eq!(no_client.code().0, "IDN0021", "{no_client}");
    settings.client_id = Some("cli".to_owned());
    let no_endpoint = LoginClient::discover(IssuerConfig::new(settings).unwrap(), at(0)).await.unwrap_err();
    assert_eq!(no_endpoint.code().0, "CON0002", "{no_endpoint}");
}
