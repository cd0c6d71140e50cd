//! A real server for end-to-end tests: the binary, a data folder, people, and HTTP. Not here: what the tests assert.

#![expect(clippy::disallowed_methods, reason = "tests wait for other processes, under a bound")]

pub(crate) mod plugin;
pub(crate) mod service;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use identity::{Secret, hash_password};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two looks at another process.
const GLANCE: Duration = Duration::from_millis(20);

/// The binary under test.
pub(crate) fn marque() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marque"));
    command.env_remove("MARQUE_SERVER").env_remove("MARQUE_TOKEN").env("NO_COLOR", "1");
    command
}

/// Returns where a peer is installed.
pub(crate) fn peer(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(folder) => PathBuf::from(folder),
        None => panic!("{variable} is not set: run `cargo xtask test`, which installs the peers"),
    }
}

/// Looks again and again until `look` gives something; panics with `what` when patience ends.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(GLANCE).await;
    }
}

/// Returns a port nobody listens on, and that the kernel will not give to an outgoing connection while the test's server
/// is down: one below the range it takes those from.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // processes that test at the same time begin at different places
    let start = u16::try_from(std::process::id() % 97).unwrap() * 100;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A server of its own for one test, on a port of its own.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
    child: Option<Child>,
    http: Client,
}

/// Makes the folder `outside`, which pods may write to whoever they are: a root server gives each pod a user of its own.
pub(crate) fn outside(folder: &Path) -> PathBuf {
    let outside = folder.join("outside");
    std::fs::create_dir(&outside).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&outside, everybody).unwrap();
    outside
}

/// Somebody of the local directory: name and groups. The password is the name with `-password` behind.
pub(crate) type Person<'a> = (&'a str, &'a [&'a str]);

impl Server {
    /// Starts a server in `folder` with these people and further configuration (YAML lines at the top level).
    pub(crate) async fn start(folder: &Path, people: &[Person<'_>], more: &str) -> Self {
        let port = free_port();
        let users: Vec<Value> = people.iter().map(|(name, groups)| {
            let hash = hash_password(&Secret::new(password(name)), [7; 16]).unwrap();
            json!({"name": name, "passwordHash": hash.expose(), "groups": groups, "displayName": format!("{name} of the test")})
        }).collect();
        std::fs::write(folder.join("directory.yaml"), json!({"users": users}).to_string()).unwrap();
        let directory = if people.is_empty() { "" } else { "localDirectory: {file: directory.yaml}\n" };
        let config = format!("listen: 127.0.0.1:{port}\ndata: data\n{directory}{more}\n");
        std::fs::write(folder.join("marque.yaml"), config).unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        let mut server =
            Self { url: format!("http://127.0.0.1:{port}"), folder: folder.to_owned(), child: None, http };
        server.spawn().await;
        server
    }

    /// Starts the server again, with what is there.
    pub(crate) async fn spawn(&mut self) {
        let log =
            std::fs::File::options().create(true).append(true).open(self.folder.join("server.log")).unwrap();
        let child = marque()
            .args(["serve", "--config", "marque.yaml"])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let url = format!("{}/healthz", self.url);
        let begun = Instant::now();
        loop {
            if self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "the server does not answer ({ended:?}):\n{}",
                self.log()
            );
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Kills the server and nothing else, as a power cut of the process would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
            assert!(asked.success());
            child.wait().unwrap();
        }
    }

    /// Returns what the server printed.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    /// Logs somebody of the local directory in and returns the token.
    pub(crate) async fn log_in(&self, name: &str) -> String {
        let body = json!({"user": name, "password": password(name)});
        let (status, answer) = self.call(Method::POST, "/api/marque/v1/login/local", "", Some(body)).await;
        assert_eq!(status, 200, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    /// Calls the server; returns the status and the body (as a string when it is no JSON).
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let answer = self.request(method, path, token, body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Returns the request, not yet sent.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    /// Returns the workflow once it has ended.
    pub(crate) async fn ended(&self, token: &str, namespace: &str, name: &str) -> Value {
        let path = format!("/api/v1/workflows/{namespace}/{name}");
        until(&format!("{name} to end"), async || {
            let (status, workflow) = self.call(Method::GET, &path, token, None).await;
            assert_eq!(status, 200, "{workflow}");
            let phase = workflow["status"]["phase"].as_str().unwrap_or_default();
            matches!(phase, "Succeeded" | "Failed" | "Error").then_some(workflow)
        })
        .await
    }

    /// Verifies the log of the data folder with the binary.
    pub(crate) fn verify(&self) -> Output {
        marque().args(["audit", "verify", "--data", "data"]).current_dir(&self.folder).output().unwrap()
    }

    /// Returns the data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the password of somebody of the local directory.
pub(crate) fn password(name: &str) -> String {
    format!("{name}-password")
}

/// A namespace for workflows without component: who may start, see and stop them.
pub(crate) fn namespace_root(namespace: &str, group: &str) -> Value {
    json!({
        "apiVersion": "marque.dev/v1alpha1",
        "kind": "IdentityScope",
        "metadata": {"name": "root", "namespace": namespace},
        "spec": {
            "namespaceRoot": true,
            "owners": [format!("group:{group}")],
            "viewers": [format!("group:{group}")],
            "triggerers": [{"subject": format!("group:{group}"), "via": ["manual", "api"]}],
        },
    })
}

impl Server {
    /// Applies objects; each is a file of its own.
    pub(crate) async fn apply(&self, token: &str, objects: &[Value]) -> (u16, Value) {
        let files: Vec<Value> = objects
            .iter()
            .enumerate()
            .map(|(at, object)| json!({"name": format!("object-{at}.yaml"), "text": object.to_string()}))
            .collect();
        self.call(Method::POST, "/api/marque/v1/apply", token, Some(json!({"files": files}))).await
    }
}
