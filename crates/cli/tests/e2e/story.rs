//! The story, end to end, against a real OpenID provider: people log in with a scripted browser, the payroll is applied,
//! refused, submitted, approved by somebody else, seen by those who may, and proved. Not here: each refusal's wording.

#[path = "../../../connector/tests/browser/mod.rs"]
mod browser;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::support::{Server, marque, namespace_root, peer, until};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use browser::{Browser, Provider};
use connector::{LoginClient, LoginOptions, LoginSecrets};
use identity::{IssuerConfig, IssuerSettings};
use reqwest::{Method, Url};
use serde_json::{Value, json};

const AUDIENCE: &str = "https://marque.test/api";
const ACCOUNTS: &[(&str, &[&str])] = &[
    ("pat", &["platform"]),
    ("alice", &["finance", "payroll", "payroll-operators"]),
    ("bob", &["finance", "payroll-approvers"]),
    ("carol", &["finance", "contractors"]),
    ("dave", &["finance", "payroll"]),
    ("erin", &["internal-audit"]),
    ("eve", &["marketing"]),
];

/// Somebody at a terminal, with a home of their own.
struct Person<'a> {
    name: &'static str,
    home: PathBuf,
    server: &'a Server,
}

impl<'a> Person<'a> {
    async fn logged_in(name: &'static str, server: &'a Server) -> Self {
        let person = Self { name, home: server.folder.join("homes").join(name), server };
        fs::create_dir_all(&person.home).unwrap();
        person.log_in().await;
        person
    }

    /// Runs `marque login`, and walks the provider's pages as a browser would.
    async fn log_in(&self) {
        let mut login = self
            .command(&["login", &self.server.url, "--provider", "corp", "--no-browser"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (login.stdout.take().unwrap(), login.stderr.take().unwrap());
        let (tell, told) = std::sync::mpsc::channel();
        for reader in [Box::new(out) as Box<dyn std::io::Read + Send>, Box::new(err)] {
            let tell = tell.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    let _ = tell.send(line);
                }
            });
        }
        drop(tell);
        let mut printed = Vec::new();
        let start = loop {
            let line = told.recv().unwrap_or_else(|_| panic!("no address was printed: {printed:?}"));
            let found = line
                .split_whitespace()
                .find(|word| word.starts_with("http") && word.contains("code_challenge="));
            if let Some(url) = found {
                break Url::parse(url).unwrap();
            }
            printed.push(line);
        };
        let query: Vec<String> = start.query_pairs().map(|(name, _)| name.into_owned()).collect();
        for needed in ["code_challenge", "state", "nonce"] {
            assert!(query.iter().any(|name| name == needed), "{needed}: {start}");
        }
        assert!(start.query_pairs().any(|(name, value)| name == "code_challenge_method" && value == "S256"));
        let mut browser = Browser::new();
        let back = browser.log_in(&start, self.name).await;
        let page = browser.visit(back).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert!(login.wait().unwrap().success(), "{:?}", told.iter().collect::<Vec<_>>());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = marque();
        command.args(arguments).env("HOME", &self.home).env("XDG_CONFIG_HOME", self.home.join("config"));
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must end with `code`, and returns what it said.
    #[track_caller]
    fn says(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{}: marque {}\n{said}\nserver:\n{}",
            self.name,
            arguments.join(" "),
            self.server.log()
        );
        said
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: {said}{}", self.name, String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Returns the bearer token that the login left behind.
    fn token(&self) -> String {
        let file = self.home.join("config/marque/credentials.json");
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "credentials are for their owner alone");
        let kept: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        kept["servers"].as_object().unwrap().values().next().unwrap()["token"].as_str().unwrap().to_owned()
    }
}

fn accounts(folder: &Path) -> PathBuf {
    let person = |(name, groups): &(&str, &[&str])| {
        ((*name).to_owned(), json!({"name": format!("{name} of the story"), "groups": groups}))
    };
    let file = folder.join("accounts.json");
    fs::write(&file, Value::Object(ACCOUNTS.iter().map(person).collect()).to_string()).unwrap();
    file
}

fn configuration(provider: &Provider) -> String {
    format!(
        "administrators: ['group:platform']\nauditors: ['group:internal-audit']\n\
         mounts: [{{host: outside, path: /outside, writable: true}}]\n\
         issuers:\n  - name: corp\n    issuer: {}\n    audiences: [{AUDIENCE}]\n    clientId: marque-cli\n    \
         scopes: [openid, profile, email, groups]\n    groupsClaim: groups\n    clockSkewSeconds: 0\n",
        provider.issuer
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_payroll_is_applied_refused_submitted_approved_seen_and_proved() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::outside(folder.path());
    let accounts = accounts(folder.path());
    let provider = Provider::start(&["--accounts", accounts.to_str().unwrap()]);
    let mut server = Server::start(folder.path(), &[], &configuration(&provider)).await;
    let name = {
        let pat = Person::logged_in("pat", &server).await;
        let alice = Person::logged_in("alice", &server).await;
        applied(&pat, &alice);
        let carol = Person::logged_in("carol", &server).await;
        refused(&carol);
        let bob = Person::logged_in("bob", &server).await;
        let name = approved(&alice, &bob).await;
        let dave = Person::logged_in("dave", &server).await;
        let eve = Person::logged_in("eve", &server).await;
        seen(&name, &dave, &carol, &eve);
        token_verifies_elsewhere(&pat, &server).await;
        provider.rotate(false).await;
        alice.log_in().await;
        assert!(alice.says(0, &["whoami"]).contains("alice"), "a rotation of keys is survived");
        recorded(&Person::logged_in("erin", &server).await, &alice, &name);
        name
    };
    server.stop();
    proved(&server, &name);
}

fn applied(pat: &Person<'_>, alice: &Person<'_>) {
    assert!(pat.says(0, &["whoami"]).contains("platform"));
    let plan = pat.says(0, &["apply", "-f", "examples/payroll", "--dry-run"]);
    assert!(plan.contains("created"), "{plan}");
    // who is no administrator applies nothing
    alice.says(3, &["apply", "-f", "examples/payroll"]);
    pat.says(0, &["apply", "-f", "examples/payroll"]);
    let again = pat.says(0, &["apply", "-f", "examples/payroll"]);
    assert!(again.contains("unchanged") && !again.contains("created"), "{again}");
}

fn refused(carol: &Person<'_>) {
    let said = carol
        .says(3, &["submit", "--from", "payroll/payroll-export", "-n", "finance", "--reason", "curious"]);
    for needed in ["contractors", "application.yaml:", "payroll-operators"] {
        assert!(said.contains(needed), "`{needed}` is not in:\n{said}");
    }
    let explained = carol
        .says(0, &["explain", "submit", "payroll/payroll-export", "-n", "finance", "--reason", "curious"]);
    assert!(explained.contains("application.yaml:") && explained.contains("scopes.yaml:"), "{explained}");
    // without a namespace the only component so called is meant
    let unnamed = carol.says(0, &["explain", "submit", "payroll/payroll-export", "--reason", "curious"]);
    assert_eq!(unnamed, explained);
    // asking about others is a right of its own
    carol.says(
        3,
        &["explain", "submit", "payroll/payroll-export", "-n", "finance", "--as", "group:payroll-operators"],
    );
}

async fn approved(alice: &Person<'_>, bob: &Person<'_>) -> String {
    let from = ["submit", "--from", "payroll/payroll-export", "-n", "finance"];
    let without_reason = alice.says(3, &from);
    assert!(without_reason.contains("reason"), "{without_reason}");
    let mut words = from.to_vec();
    words.extend(["--reason", "month end", "-o", "name"]);
    let name = alice.says(0, &words).trim().rsplit('/').next().unwrap().to_owned();
    let gates = until("the gate to open", async || {
        let gates = alice.json(&["gates", &name, "-n", "finance", "-o", "json"]);
        gates.as_array().or(gates["gates"].as_array()).filter(|gates| !gates.is_empty()).cloned()
    })
    .await;
    let digest = gates[0]["digest"].as_str().unwrap();
    let own = alice.says(3, &["approve", &name, "-n", "finance"]);
    assert!(own.contains("submi"), "{own}");
    // Argo's own resume is no way around
    alice.says(3, &["resume", &name, "-n", "finance"]);
    let stale = "0".repeat(64);
    bob.says(6, &["approve", &name, "-n", "finance", "--digest", &stale]);
    bob.says(0, &["approve", &name, "-n", "finance", "--digest", digest, "--reason", "checked"]);
    alice.says(0, &["wait", &name, "-n", "finance"]);
    name
}

fn seen(name: &str, dave: &Person<'_>, carol: &Person<'_>, eve: &Person<'_>) {
    let logs = dave.says(0, &["logs", name, "-n", "finance"]);
    assert!(
        logs.contains("uploading 3 rows to payroll-prod") && logs.contains("payroll 2026-11: Succeeded"),
        "{logs}"
    );
    let workflow = dave.json(&["get", name, "-n", "finance", "-o", "json"]);
    assert_eq!(workflow["status"]["phase"], "Succeeded");
    assert!(workflow.to_string().contains("\"rows\""), "{workflow}");
    let approve = workflow["status"]["nodes"]
        .as_object()
        .unwrap()
        .values()
        .find(|node| node["displayName"] == "approve")
        .unwrap();
    assert!(approve["message"].as_str().unwrap().contains("bob"), "{approve}");
    // carol may see how it went, and neither what it said nor what it made
    let less = carol.json(&["get", name, "-n", "finance", "-o", "json"]);
    assert_eq!(less["status"]["phase"], "Succeeded");
    assert!(!less.to_string().contains("payroll-prod\""), "{less}");
    carol.says(3, &["logs", name, "-n", "finance"]);
    // eve may not even know
    eve.says(4, &["get", name, "-n", "finance"]);
    eve.says(4, &["logs", name, "-n", "finance"]);
    eve.says(4, &["explain", "submit", "payroll/payroll-export"]);
    let (hidden, missing) =
        (eve.says(4, &["get", name, "-n", "finance"]), eve.says(4, &["get", "no-such-run", "-n", "finance"]));
    assert_eq!(hidden.replace(name, "NAME"), missing.replace("no-such-run", "NAME"), "a refusal that tells");
}

async fn token_verifies_elsewhere(pat: &Person<'_>, server: &Server) {
    let token = pat.token();
    let (status, plan) = server.apply(&token, &[namespace_root("lab", "platform")]).await;
    assert_eq!(status, 200, "{plan}");
    let workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"name": "token", "namespace": "lab", "annotations": {"marque.dev/reason": "the story"}},
        "spec": {"entrypoint": "hand-over", "templates": [{
            "name": "hand-over",
            "script": {
                "image": "busybox", "command": ["sh"],
                "source": "cp \"$MARQUE_RUN_TOKEN_FILE\" /outside/token; cat \"$MARQUE_RUN_TOKEN_FILE\"",
            },
        }]},
    });
    let (status, answer) =
        server.call(Method::POST, "/api/v1/workflows/lab", &token, Some(json!({"workflow": workflow}))).await;
    assert_eq!(status, 200, "{answer}");
    let ended = server.ended(&token, "lab", "token").await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended}");
    let run_token = fs::read_to_string(server.folder.join("outside/token")).unwrap();
    let (_, log) = server.call(Method::GET, "/api/v1/workflows/lab/token/log", &token, None).await;
    assert!(!log.to_string().contains(run_token.trim()), "a token in a log: {log}");
    assert!(log.to_string().contains("***"), "{log}");
    let hera = peer("MARQUE_PEER_HERA");
    let output = Command::new(hera.join("venv/bin/python"))
        .arg(hera.join("verify_token.py"))
        .env("TOKEN_FILE", server.folder.join("outside/token"))
        .env("ISSUER", &server.url)
        .env("AUDIENCE", "marque-runs")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let claims: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(claims["sub_user"]["sub"], "pat", "{claims}");
    assert_eq!(
        claims["run_id"].as_str().unwrap().trim_start_matches("run_"),
        ended["metadata"]["uid"],
        "{claims}"
    );
    // a run's token is no way into the API
    let (status, _) = server.call(Method::GET, "/api/v1/workflows/lab", run_token.trim(), None).await;
    assert_eq!(status, 401);
}

fn recorded(erin: &Person<'_>, alice: &Person<'_>, name: &str) {
    let log = erin.says(0, &["audit", "log", "--first", "0", "--limit", "100000", "-o", "json"]);
    for needed in [
        "\"submit\"",
        "\"deny\"",
        "\"allow\"",
        "\"approve\"",
        "\"viewLog\"",
        "\"viewRun\"",
        "\"mintCredential\"",
        "carol",
        "eve",
        name,
    ] {
        assert!(log.contains(needed), "{needed} is not in the record");
    }
    alice.says(3, &["audit", "log"]);
}

fn proved(server: &Server, name: &str) {
    let verified = server.verify();
    assert!(
        verified.status.success(),
        "{}{}",
        String::from_utf8_lossy(&verified.stdout),
        String::from_utf8_lossy(&verified.stderr)
    );
    let copy = server.folder.join("copy");
    copy_tree(&server.data(), &copy);
    let file = copy.join("marque.db");
    let mut bytes = fs::read(&file).unwrap();
    // the name of the run, wherever it stands; a page may also hold what was there before and counts no more
    let places: Vec<usize> =
        (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name.as_bytes())).collect();
    let mut found = 0;
    for at in places.iter().step_by(places.len().div_ceil(24)) {
        bytes[*at] ^= 1;
        fs::write(&file, &bytes).unwrap();
        bytes[*at] ^= 1;
        let output = marque().args(["audit", "verify", "--data"]).arg(&copy).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.code() == Some(1) {
            found += 1;
            assert!(said.contains("entry ") || said.contains("run "), "the record is not named: {said}");
        } else {
            assert!(output.status.success(), "{said}");
        }
    }
    assert!(found * 2 > places.len().min(24), "only {found} of {} flipped bytes were found", places.len());
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy_tree(&entry.path(), &target),
            kind if kind.is_file() => drop(fs::copy(entry.path(), target).unwrap()),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_token_is_refused_recorded_and_has_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::outside(folder.path());
    let accounts = accounts(folder.path());
    let accounts = accounts.to_str().unwrap();
    let provider = Provider::start(&["--accounts", accounts, "--token-seconds", "600"]);
    let server = Server::start(folder.path(), &[], &configuration(&provider)).await;
    let pat = Person::logged_in("pat", &server).await;
    let good = pat.token();
    let (status, _) = server.apply(&good, &[namespace_root("lab", "platform")]).await;
    assert_eq!(status, 200);

    let [header, claims, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let decoded =
        |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let changed = |part: &str, name: &str, value: Value| {
        let mut object = decoded(part);
        object[name] = value;
        encoded(&object)
    };
    let public = public_key_pem(&provider, decoded(header)["kid"].as_str().unwrap()).await;
    let confused = changed(header, "alg", json!("HS256"));
    let mac = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes()),
        format!("{confused}.{claims}").as_bytes(),
    );
    let stranger = Provider::start(&["--accounts", accounts]);
    let cases = vec![
        ("no token", String::new()),
        ("no token at all", "nothing".to_owned()),
        ("alg none", format!("{}.{claims}.", changed(header, "alg", json!("none")))),
        (
            "HS256 with the public key",
            format!("{confused}.{claims}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref())),
        ),
        ("an unknown kid", format!("{}.{claims}.{signature}", changed(header, "kid", json!("nobody")))),
        ("another subject", format!("{header}.{}.{signature}", changed(claims, "sub", json!("bob")))),
        (
            "another audience, signed by the provider",
            foreign_token(&provider, "https://other.test/api").await,
        ),
        ("an unknown issuer", foreign_token(&stranger, AUDIENCE).await),
        ("cut short", good[..good.len() - 3].to_owned()),
        ("a session that never was", format!("mqs_{}", URL_SAFE_NO_PAD.encode([7; 32]))),
    ];
    for (case, token) in &cases {
        for (method, path, body) in [
            (Method::GET, "/api/v1/workflows/lab", None),
            (Method::POST, "/api/v1/workflows/lab", Some(json!({"workflow": {"metadata": {"name": "x"}}}))),
            (Method::POST, "/api/marque/v1/apply", Some(json!({"files": []}))),
        ] {
            let (status, answer) = server.call(method, path, token, body).await;
            assert_eq!(status, 401, "{case}: {answer}");
            assert!(!answer.to_string().contains(token.as_str()) || token.len() < 10, "{case}: {answer}");
        }
    }
    let (_, list) = server.call(Method::GET, "/api/v1/workflows/lab", &good, None).await;
    assert_eq!(list["items"], Value::Null, "{list}");
    let erin = Person::logged_in("erin", &server).await;
    let log = erin.says(0, &["audit", "log", "--first", "0", "--limit", "100000", "-o", "json"]);
    let refused = log.matches("unauthenticated").count();
    assert!(refused >= cases.len() * 3, "{refused} refusals are on record, of {}", cases.len() * 3);
    assert!(
        !log.contains(&good[..40]) && !server.log().contains(&good[..40]),
        "a token in a record or a log"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_has_expired_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::outside(folder.path());
    let accounts = accounts(folder.path());
    let provider = Provider::start(&["--accounts", accounts.to_str().unwrap(), "--token-seconds", "3"]);
    let server = Server::start(folder.path(), &[], &configuration(&provider)).await;
    let token = Person::logged_in("pat", &server).await.token();
    until("the token to expire", async || {
        let (status, answer) = server.call(Method::GET, "/api/marque/v1/whoami", &token, None).await;
        assert!(matches!(status, 200 | 401), "{answer}");
        (status == 401).then_some(())
    })
    .await;
}

/// Returns a token of `provider` for `audience`, as pat.
async fn foreign_token(provider: &Provider, audience: &str) -> String {
    let settings = IssuerSettings {
        client_id: Some("marque-cli".to_owned()),
        ..IssuerSettings::new("elsewhere", &provider.issuer, audience)
    };
    #[expect(clippy::disallowed_methods, reason = "the provider is real, and so is its clock")]
    let now = jiff::Timestamp::now;
    let client = LoginClient::discover(IssuerConfig::new(settings).unwrap(), now()).await.unwrap();
    let options = LoginOptions {
        resource: Some(audience.to_owned()),
        scopes: vec!["groups".to_owned()],
        offline: false,
    };
    let attempt = client.begin(&options, LoginSecrets::from_random([1; 32], [2; 32], [3; 32])).await.unwrap();
    let mut browser = Browser::new();
    let back = browser.log_in(attempt.authorization_url(), "pat").await;
    let waiting = tokio::spawn(attempt.wait(crate::support::PATIENCE));
    browser.visit(back).await;
    let login = client.redeem(waiting.await.unwrap().unwrap(), now()).await.unwrap();
    login.access_token.expose().to_owned()
}

/// Returns a P-256 key of the provider as PEM (RFC 5480 SubjectPublicKeyInfo).
async fn public_key_pem(provider: &Provider, kid: &str) -> String {
    const PREFIX: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let keys: Value = reqwest::get(format!("{}/jwks", provider.issuer)).await.unwrap().json().await.unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap();
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let der = [PREFIX, &coordinate("x"), &coordinate("y")].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
