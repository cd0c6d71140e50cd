//! Logs people in at a real, certified OpenID provider, and shows its tokens to the authenticator, good and bad.
//! Not here: providers that misbehave (see `hostile.rs`).
#![expect(clippy::unwrap_used, reason = "this is a test")]

#[cfg(test)]
mod browser;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use browser::{Browser, Provider};
use connector::{Bearers, ConnectorError, Login, LoginAttempt, LoginClient, LoginOptions, LoginSecrets};
use identity::{AuthError, IssuerConfig, IssuerSettings, PrincipalKind};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

const AUDIENCE: &str = "https://marque.test/api";
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "the provider's clock is the machine's")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn settings(issuer: &str) -> IssuerSettings {
    let mut settings = IssuerSettings::new("company", issuer, AUDIENCE);
    settings.client_id = Some("marque-cli".to_owned());
    settings.groups_claim = Some("groups".to_owned());
    settings
}

fn config(issuer: &str) -> IssuerConfig {
    IssuerConfig::new(settings(issuer)).unwrap()
}

fn bearers(issuer: &str) -> Bearers {
    Bearers::new(vec![config(issuer)]).unwrap()
}

fn options() -> LoginOptions {
    LoginOptions { resource: Some(AUDIENCE.to_owned()), scopes: vec!["groups".to_owned()], offline: false }
}

fn secrets() -> LoginSecrets {
    LoginSecrets::from_random([1; 32], [2; 32], [3; 32])
}

async fn attempt(issuer: &str) -> (LoginClient, LoginAttempt) {
    let client = LoginClient::discover(config(issuer), now()).await.unwrap();
    let attempt = client.begin(&options(), secrets()).await.unwrap();
    (client, attempt)
}

/// Logs `user` in; `question` and `answer` may change the addresses the browser is sent to.
async fn log_in_with(
    issuer: &str,
    user: &str,
    question: impl Fn(&mut Url),
    answer: impl Fn(&mut Url),
) -> Result<Login, ConnectorError> {
    let (client, attempt) = attempt(issuer).await;
    let mut start = attempt.authorization_url().clone();
    question(&mut start);
    let mut browser = Browser::new();
    let mut back = browser.log_in(&start, user).await;
    answer(&mut back);
    let waiting = tokio::spawn(attempt.wait(PATIENCE));
    let page = browser.visit(back).await;
    assert!(page.body.contains("Marque"), "{page:?}");
    client.redeem(waiting.await.unwrap()?, now()).await
}

async fn log_in(issuer: &str, user: &str) -> Login {
    log_in_with(issuer, user, |_| (), |_| ()).await.unwrap()
}

fn set(url: &mut Url, name: &str, value: Option<&str>) {
    let pairs: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).extend_pairs(value.map(|value| (name, value)));
}

fn header_of(token: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

/// Returns the token with another header, signature and all else as they were.
fn with_header(token: &str, header: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), token.split_once('.').unwrap().1)
}

#[tokio::test]
async fn people_log_in_and_their_tokens_are_accepted_with_the_groups_the_provider_gives() {
    let provider = Provider::start(&[]);
    let bearers = bearers(&provider.issuer);
    for (user, groups) in [
        ("alice", vec!["finance", "payroll", "payroll-operators"]),
        ("bob", vec!["payroll-approvers"]),
        ("carol", vec!["contractors", "finance"]),
        ("dave", vec!["internal-audit"]),
    ] {
        let login = log_in(&provider.issuer, user).await;
        assert_eq!(login.principal.key.subject, user);
        assert_eq!(login.principal.groups, groups);
        assert!(login.expires_at > now() && login.refresh_token.is_none());
        let caller = bearers.authenticate_bearer(login.access_token.expose(), now()).await.unwrap();
        let principal = caller.principal();
        assert_eq!(
            (principal.key.issuer.as_str(), principal.key.subject.as_str()),
            (provider.issuer.as_str(), user)
        );
        assert_eq!((principal.provider.as_str(), principal.kind), ("company", PrincipalKind::User));
        assert_eq!(principal.groups, groups);
        assert_eq!(caller.run(), None);
    }
}

#[tokio::test]
async fn every_signature_algorithm_of_the_provider_verifies() {
    for algorithm in ["ES256", "RS256", "EdDSA"] {
        let provider = Provider::start(&["--alg", algorithm]);
        let login = log_in(&provider.issuer, "alice").await;
        assert!(header_of(login.access_token.expose()).contains(algorithm));
        bearers(&provider.issuer).authenticate_bearer(login.access_token.expose(), now()).await.unwrap();
    }
}

#[tokio::test]
async fn a_refresh_token_is_given_to_those_who_ask_for_one() {
    let provider = Provider::start(&[]);
    let client = LoginClient::discover(config(&provider.issuer), now()).await.unwrap();
    let options = LoginOptions { offline: true, ..options() };
    let attempt = client.begin(&options, secrets()).await.unwrap();
    let mut browser = Browser::new();
    let back = browser.log_in(attempt.authorization_url(), "alice").await;
    let waiting = tokio::spawn(attempt.wait(PATIENCE));
    browser.visit(back).await;
    let login = client.redeem(waiting.await.unwrap().unwrap(), now()).await.unwrap();
    assert!(login.refresh_token.is_some());
    assert!(!format!("{login:?}").contains(login.access_token.expose()), "a token is printed");
}

#[tokio::test]
async fn a_real_token_changed_in_any_way_or_shown_elsewhere_is_refused() {
    let provider = Provider::start(&[]);
    let issuer = provider.issuer.as_str();
    let login = log_in(issuer, "alice").await;
    let token = login.access_token.expose();
    let bearers = bearers(issuer);
    bearers.authenticate_bearer(token, now()).await.unwrap();
    let check = async |what: &str, code: &str, token: &str, at: Timestamp| {
        let error = bearers.authenticate_bearer(token, at).await.expect_err(what);
        assert_eq!(error.code().0, code, "{what}: {error}");
        assert!(error.is_refusal(), "{what}");
    };
    let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let body = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let promoted = body.replace("payroll-operators", "payroll-approvers");
    assert_ne!(body, promoted);
    let promoted = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(promoted));
    check("another group", "IDN0008", &promoted, now()).await;
    let unsigned = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#));
    check("alg none", "IDN0004", &unsigned, now()).await;
    let hmac = with_header(token, &header_of(token).replace("ES256", "HS256"));
    check("alg HS256", "IDN0004", &hmac, now()).await;
    let other_algorithm = with_header(token, &header_of(token).replace("ES256", "RS256"));
    check("the algorithm of another key", "IDN0004", &other_algorithm, now()).await;
    check("expired", "IDN0009", token, later(600 + 61)).await;
    check("from the future", "IDN0010", token, later(-3600)).await;
    let elsewhere =
        token.replace(claims, &URL_SAFE_NO_PAD.encode(body.replace(issuer, "https://evil.example")));
    check("an unknown issuer", "IDN0006", &elsewhere, now()).await;

    let mut others = settings(issuer);
    others.audiences = vec![format!("{AUDIENCE}/")];
    let others = Bearers::new(vec![IssuerConfig::new(others).unwrap()]).unwrap();
    let error = others.authenticate_bearer(token, now()).await.unwrap_err();
    assert_eq!(error.code().0, "IDN0012", "an audience that differs by a slash: {error}");
}

/// Exchanges a code by hand, and returns the status and the members of the answer.
async fn exchange(
    issuer: &str,
    back: &Url,
    attempt: &LoginAttempt,
    verifier: &str,
) -> (u16, serde_json::Value) {
    let question = attempt.authorization_url();
    let find = |url: &Url, name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let form = [
        ("grant_type", "authorization_code".to_owned()),
        ("client_id", "marque-cli".to_owned()),
        ("code", find(back, "code")),
        ("redirect_uri", find(question, "redirect_uri")),
        ("code_verifier", verifier.to_owned()),
    ];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.post(format!("{issuer}/token")).form(&form).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let provider = Provider::start(&[]);
    let (_, attempt) = attempt(&provider.issuer).await;
    let back = Browser::new().log_in(attempt.authorization_url(), "alice").await;
    let (status, answer) = exchange(&provider.issuer, &back, &attempt, secrets().verifier.expose()).await;
    assert_eq!(status, 200, "{answer}");
    let id_token = answer["id_token"].as_str().unwrap();
    let error = bearers(&provider.issuer).authenticate_bearer(id_token, now()).await.unwrap_err();
    assert_eq!(error.code().0, "IDN0005", "{error}");
    let mut lax = settings(&provider.issuer);
    lax.accept_typ.push("JWT".to_owned());
    let lax = Bearers::new(vec![IssuerConfig::new(lax).unwrap()]).unwrap();
    lax.authenticate_bearer(answer["access_token"].as_str().unwrap(), now()).await.unwrap();
    lax.authenticate_bearer(id_token, now()).await.expect_err("an ID token where `JWT` is accepted");
}

#[tokio::test]
async fn a_code_is_good_for_one_exchange_by_the_one_who_asked() {
    let provider = Provider::start(&[]);
    let issuer = provider.issuer.as_str();
    let (client, attempt) = attempt(issuer).await;
    let mut browser = Browser::new();
    let back = browser.log_in(attempt.authorization_url(), "alice").await;
    let (status, answer) = exchange(issuer, &back, &attempt, secrets().verifier.expose()).await;
    assert_eq!(status, 200, "{answer}");
    let waiting = tokio::spawn(attempt.wait(PATIENCE));
    browser.visit(back).await;
    let replayed = client.redeem(waiting.await.unwrap().unwrap(), now()).await.unwrap_err();
    assert!(
        matches!(&replayed, ConnectorError::LoginRefused { error, .. } if error == "invalid_grant"),
        "{replayed}"
    );

    let other = LoginSecrets::from_random([9; 32], [2; 32], [3; 32]).verifier;
    let stolen =
        log_in_with(issuer, "alice", |url| set(url, "code_challenge", Some(&other.challenge())), |_| ())
            .await;
    let stolen = stolen.expect_err("the verifier of another attempt");
    assert!(
        matches!(&stolen, ConnectorError::LoginRefused { error, .. } if error == "invalid_grant"),
        "{stolen}"
    );
}

#[tokio::test]
async fn an_answer_to_another_question_is_refused() {
    let provider = Provider::start(&[]);
    let issuer = provider.issuer.as_str();
    let injected =
        log_in_with(issuer, "alice", |url| set(url, "nonce", Some("of another attempt")), |_| ()).await;
    let injected = injected.expect_err("the nonce of another attempt");
    assert!(matches!(injected, ConnectorError::Refused(AuthError::WrongNonce)), "{injected}");
    let absent = log_in_with(issuer, "alice", |url| set(url, "nonce", None), |_| ()).await;
    let absent = absent.expect_err("no nonce");
    assert!(matches!(absent, ConnectorError::Refused(AuthError::WrongNonce)), "{absent}");
    let mix_up =
        log_in_with(issuer, "alice", |_| (), |url| set(url, "iss", Some("https://evil.example"))).await;
    assert!(matches!(mix_up, Err(ConnectorError::MixUp)));
    let dropped = log_in_with(issuer, "alice", |_| (), |url| set(url, "iss", None)).await;
    assert!(matches!(dropped, Err(ConnectorError::MixUp)));
    let no_code = log_in_with(issuer, "alice", |_| (), |url| set(url, "code", None)).await;
    assert!(matches!(no_code, Err(ConnectorError::BadAnswer { .. })));
    let twice = |url: &mut Url| {
        url.query_pairs_mut().append_pair("code", "second");
    };
    let twice = log_in_with(issuer, "alice", |_| (), twice).await;
    assert!(matches!(twice, Err(ConnectorError::BadAnswer { .. })));
}

#[tokio::test]
async fn the_provider_refuses_a_question_without_pkce_and_the_login_says_so() {
    let provider = Provider::start(&[]);
    let without = |url: &mut Url| {
        set(url, "code_challenge", None);
        set(url, "code_challenge_method", None);
    };
    let refused = log_in_with(&provider.issuer, "alice", without, |_| ()).await.unwrap_err();
    assert!(
        matches!(&refused, ConnectorError::LoginRefused { error, .. } if error == "invalid_request"),
        "{refused}"
    );
    let plain = |url: &mut Url| set(url, "code_challenge_method", Some("plain"));
    let refused = log_in_with(&provider.issuer, "alice", plain, |_| ()).await.unwrap_err();
    assert!(
        matches!(&refused, ConnectorError::LoginRefused { error, .. } if error == "invalid_request"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_request_that_is_not_the_answer_does_not_end_the_wait() {
    let provider = Provider::start(&[]);
    let (client, attempt) = attempt(&provider.issuer).await;
    let mut browser = Browser::new();
    let back = browser.log_in(attempt.authorization_url(), "alice").await;
    let waiting = tokio::spawn(attempt.wait(PATIENCE));
    let mut forged = back.clone();
    set(&mut forged, "state", Some("forged"));
    let mut stateless = back.clone();
    set(&mut stateless, "state", None);
    let mut doubled = back.clone();
    doubled.query_pairs_mut().append_pair("state", "forged");
    for bad in [forged, stateless, doubled] {
        assert_eq!(browser.visit(bad).await.status, 400);
    }
    assert_eq!(browser.visit(back.join("/favicon.ico").unwrap()).await.status, 404);
    let mut rebound = back.clone();
    rebound.set_host(Some("localhost")).unwrap();
    assert_eq!(browser.visit(rebound).await.status, 400, "another name for this machine");
    let page = browser.visit(back.clone()).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("alice") && !page.body.contains(back.query().unwrap()));
    client.redeem(waiting.await.unwrap().unwrap(), now()).await.unwrap();
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let provider = Provider::start(&[]);
    let (_, attempt) = attempt(&provider.issuer).await;
    let outcome = attempt.wait(Duration::from_millis(10)).await;
    assert!(matches!(outcome, Err(ConnectorError::TimedOut { seconds: 0 })));
}

#[tokio::test]
async fn a_rotation_of_keys_is_survived_and_a_withdrawn_key_is_not() {
    let provider = Provider::start(&["--token-seconds", "3600"]);
    let issuer = provider.issuer.as_str();
    let bearers = bearers(issuer);
    let before = log_in(issuer, "alice").await;
    bearers.authenticate_bearer(before.access_token.expose(), now()).await.unwrap();

    provider.rotate(false).await;
    let after = log_in(issuer, "alice").await;
    assert_ne!(header_of(before.access_token.expose()), header_of(after.access_token.expose()));
    bearers
        .authenticate_bearer(after.access_token.expose(), now())
        .await
        .expect("a key new since the last fetch");
    bearers
        .authenticate_bearer(before.access_token.expose(), now())
        .await
        .expect("an old key still published");

    provider.rotate(true).await;
    let last = log_in(issuer, "alice").await;
    let early = bearers.authenticate_bearer(last.access_token.expose(), now()).await.unwrap_err();
    assert_eq!(early.code().0, "IDN0007", "asked again within five minutes: {early}");
    let six_minutes = later(360);
    bearers
        .authenticate_bearer(last.access_token.expose(), six_minutes)
        .await
        .expect("asked again after five minutes");
    let withdrawn = bearers.authenticate_bearer(after.access_token.expose(), six_minutes).await.unwrap_err();
    assert_eq!(withdrawn.code().0, "IDN0007", "{withdrawn}");
}

#[tokio::test]
async fn keys_outlive_the_provider_for_a_day_and_no_longer() {
    let provider = Provider::start(&["--token-seconds", "172800"]);
    let mut settings = settings(&provider.issuer);
    settings.max_token_age_seconds = 172_800;
    let config = IssuerConfig::new(settings).unwrap();
    let bearers = Bearers::new(vec![config.clone()]).unwrap();
    let login = log_in(&provider.issuer, "alice").await;
    let token = login.access_token.expose();
    bearers.authenticate_bearer(token, now()).await.unwrap();
    drop(provider);
    bearers.authenticate_bearer(token, later(3600)).await.expect("an hour later");
    bearers.authenticate_bearer(token, later(86_000)).await.expect("nearly a day later");
    let error = bearers.authenticate_bearer(token, later(86_500)).await.unwrap_err();
    assert!(!error.is_refusal() && error.code().0 == "CON0001", "the provider is to blame: {error}");
    let unfetched = Bearers::new(vec![config]).unwrap();
    let error = unfetched.authenticate_bearer(token, now()).await.unwrap_err();
    assert_eq!(error.code().0, "CON0001");
    let error = unfetched.authenticate_bearer(token, now()).await.unwrap_err();
    assert_eq!(error.code().0, "CON0004", "asked again too soon: {error}");
}
