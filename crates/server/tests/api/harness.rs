//! A server in a folder of its own, with people, and requests in their names.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use identity::{Caller, Principal, PrincipalKey, PrincipalKind, SessionToken};
use model::{SessionId, oam::Subject};
use policy::LogIn;
use runner::random;
use serde_json::{Value, json};
use server::{
    App, Config,
    config::{Isolation, Link, LocalDirectory},
};
use store::Session;
use tower::ServiceExt as _;

/// Nothing takes this long; a test that waits longer has failed.
pub(crate) const TOO_LONG: Duration = Duration::from_secs(120);

/// Who there is, and their groups.
pub(crate) const PEOPLE: [(&str, &[&str]); 8] = [
    ("admin", &["admins"]),
    ("olga", &["finance", "payroll", "payroll-operators"]),
    ("anna", &["finance", "payroll", "payroll-approvers"]),
    ("carl", &["finance", "payroll-operators", "contractors"]),
    ("vera", &["finance", "payroll"]),
    ("audrey", &["auditors"]),
    ("otto", &["somewhere-else"]),
    ("ops", &["argo"]),
];

/// A hash nobody has the password of, in the form the directory wants.
const NO_PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The root scope of namespace `argo`: whoever is in group `argo` may do anything.
pub(crate) const ARGO_SCOPE: &str = r#"
apiVersion: marque.dev/v1alpha1
kind: IdentityScope
metadata: {name: root, namespace: argo}
spec:
  namespaceRoot: true
  owners: ["group:argo"]
  viewers: ["group:argo"]
  triggerers: [{subject: "group:argo", via: [manual, api]}]
"#;

pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) tokens: BTreeMap<&'static str, String>,
    pub(crate) folder: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(crate) fn config(folder: &std::path::Path) -> Config {
    let users: Vec<Value> = PEOPLE
        .iter()
        .map(|(name, groups)| json!({"name": name, "passwordHash": NO_PASSWORD, "groups": groups}))
        .collect();
    let file = folder.join("people.yaml");
    std::fs::write(&file, json!({ "users": users }).to_string()).unwrap();
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        issuer: Some("https://marque.test".to_owned()),
        data: folder.join("data"),
        isolation: Isolation::None,
        parallel_pods: 2,
        administrators: vec![Subject::Group("admins".to_owned())],
        auditors: vec![Subject::Group("auditors".to_owned())],
        local_directory: Some(LocalDirectory { file, session_minutes: 60 }),
        managed_namespace: Some("argo".to_owned()),
        links: vec![Link {
            name: "Workflow Link".to_owned(),
            scope: "workflow".to_owned(),
            url: "http://logging-facility?namespace=${metadata.namespace}&workflowName=${metadata.name}\
                  &startedAt=${status.startedAt}&finishedAt=${status.finishedAt}"
                .to_owned(),
            target: String::new(),
        }],
        ..Config::default()
    }
}

impl Server {
    /// An empty server.
    pub(crate) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        Self::with(folder, config).await
    }

    pub(crate) async fn with(folder: tempfile::TempDir, config: Config) -> Self {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_server-pod"));
        let app = App::assemble(config, Some(program)).await.unwrap();
        Self::of(folder, app).await
    }

    /// A server of what was put together in `folder`.
    pub(crate) async fn of(folder: tempfile::TempDir, app: App) -> Self {
        let mut tokens = BTreeMap::new();
        for (name, groups) in PEOPLE {
            tokens.insert(name, session(&app, name, groups).await);
        }
        Self { app, tokens, folder }
    }

    /// A server with a namespace `argo` and the payroll example.
    pub(crate) async fn new() -> Self {
        Self::empty().await.with_examples().await
    }

    /// It with a namespace `argo` and the payroll example.
    pub(crate) async fn with_examples(self) -> Self {
        let server = self;
        let mut files = vec![json!({"name": "argo.yaml", "text": ARGO_SCOPE})];
        files.extend(payroll());
        server.post("admin", "/api/marque/v1/apply", json!({ "files": files })).await.ok();
        server
    }

    /// Stops the server and starts another one over the same data.
    pub(crate) async fn again(self) -> Self {
        let config = config(self.folder.path());
        self.again_with(config).await
    }

    /// Stops the server and starts another one over the same data, with this configuration.
    pub(crate) async fn again_with(self, config: Config) -> Self {
        self.app.runner().shut_down().await;
        let Self { folder, app, .. } = self;
        drop(app);
        let program = PathBuf::from(env!("CARGO_BIN_EXE_server-pod"));
        let opening = async {
            // the database is let go of when the last task of the old server has ended
            loop {
                match App::assemble(config.clone(), Some(program.clone())).await {
                    Ok(app) => return app,
                    Err(error) => {
                        assert!(error.to_string().contains("another process uses this database"), "{error}");
                        tokio::task::yield_now().await;
                    }
                }
            }
        };
        let app = tokio::time::timeout(TOO_LONG, opening).await;
        Self::of(folder, app.expect("the old server lets go of its database")).await
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.call(who, Method::GET, path, None).await
    }
    pub(crate) async fn put(&self, who: &str, path: &str, body: Value) -> Answer {
        self.call(who, Method::PUT, path, Some(body)).await
    }
    pub(crate) async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.call(who, Method::POST, path, Some(body)).await
    }
    pub(crate) async fn delete(&self, who: &str, path: &str) -> Answer {
        self.call(who, Method::DELETE, path, None).await
    }

    pub(crate) async fn call(&self, who: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        self.send(request(method, path, self.tokens.get(who).map(String::as_str), body)).await
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.open(request).await;
        let (parts, body) = answer.into_parts();
        let read = axum::body::to_bytes(body, usize::MAX);
        let body = tokio::time::timeout(TOO_LONG, read).await.expect("the answer ends").unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request and leaves the body of the answer alone.
    pub(crate) async fn open(&self, request: Request<Body>) -> Response {
        let answer = self.app.router().oneshot(request);
        tokio::time::timeout(TOO_LONG, answer).await.expect("there is an answer").unwrap()
    }

    /// Waits until the run is as `reached` wants it, and returns it.
    pub(crate) async fn until(
        &self,
        who: &str,
        namespace: &str,
        name: &str,
        reached: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut changes = self.app.runner().changes();
        let path = format!("/api/v1/workflows/{namespace}/{name}");
        let waiting = async {
            loop {
                let workflow = self.get(who, &path).await.ok();
                if reached(&workflow) {
                    return workflow;
                }
                changes.recv().await.unwrap();
            }
        };
        match tokio::time::timeout(TOO_LONG, waiting).await {
            Ok(workflow) => workflow,
            Err(_) => panic!("never reached: {}", self.get(who, &path).await.text()),
        }
    }

    pub(crate) async fn until_ended(&self, who: &str, namespace: &str, name: &str) -> Value {
        self.until(who, namespace, name, ended).await
    }

    /// Returns every entry of the audit log.
    pub(crate) async fn record(&self) -> Vec<Value> {
        let answer = self.get("audrey", "/api/marque/v1/audit/entries?first=0&limit=1000").await.ok();
        answer["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].clone()).collect()
    }
}

pub(crate) fn ended(workflow: &Value) -> bool {
    matches!(workflow["status"]["phase"].as_str(), Some("Succeeded" | "Failed" | "Error"))
}

/// Returns the files of the payroll example as an apply wants them.
pub(crate) fn payroll() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/payroll");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.retain(|file| !file.file_name().is_some_and(|name| name == "marque.yaml" || name == "people.yaml"));
    files.sort();
    files
        .iter()
        .map(|file| {
            let name = file.file_name().unwrap().to_string_lossy();
            json!({"name": name, "text": std::fs::read_to_string(file).unwrap()})
        })
        .collect()
}

pub(crate) fn request(
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<String>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    match body {
        Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body)),
        None => request.body(Body::empty()),
    }
    .unwrap()
}

/// Begins a session as a login would.
pub(crate) async fn session(app: &App, name: &str, groups: &[&str]) -> String {
    let now = jiff::Timestamp::from_second(4_000_000_000).unwrap();
    let key = PrincipalKey { issuer: app.config().issuer_url(), subject: name.to_owned() };
    let principal = Principal {
        key,
        provider: "local".to_owned(),
        kind: PrincipalKind::User,
        name: None,
        email: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        amr: Vec::new(),
        acr: None,
        auth_time: None,
    };
    let token = SessionToken::from_random(random::bytes().unwrap());
    let id = SessionId::from_uuid(random::uuid(now).unwrap());
    let session = Session { id, principal: principal.clone(), expires_at: now };
    let action = LogIn { session: id.to_string() };
    let store = app.runner().store();
    app.runner()
        .act(&Caller::from_session(principal), action, async |go| {
            store.create_session(go, token.sha256(), session).await
        })
        .await
        .unwrap();
    token.expose().to_owned()
}

/// A workflow of one pod that says something.
pub(crate) fn saying(name: &str, command: &[&str]) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "main",
            "templates": [{"name": "main", "container": {"image": "busybox", "command": command}}],
        },
    })
}
