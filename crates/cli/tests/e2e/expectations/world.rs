//! One server for one of Argo's tests: empty, with one person who may do everything in the namespace `argo`, and the
//! command line in that person's name. Not here: what a test does with them (`play`).

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use identity::{Caller, Principal, PrincipalKey, PrincipalKind, SessionToken};
use model::{SessionId, oam::Subject};
use policy::LogIn;
use reqwest::{Client, Method};
use runner::random;
use serde_json::{Value, json};
use server::{
    App, Config,
    config::{ArtifactDriver, Artifacts, LocalDirectory},
};
use store::Session;
use tokio::{net::TcpListener, sync::oneshot};

use crate::support::{
    marque,
    plugin::{self, Plugin},
    service::Services,
};

/// The namespace that Argo's tests use.
pub(super) const NAMESPACE: &str = "argo";
/// How long a command or a request may take.
const TOO_LONG: Duration = Duration::from_secs(60);
/// The namespace of what takes the only place for pods in a slow world until it is let go.
const BUSY: &str = "busy";
/// The longest pause before another look: not every change is announced.
pub(super) const GLANCE: Duration = Duration::from_millis(200);
const GROUP: &str = "argo";
const PERSON: &str = "tester";
/// A hash nobody has the password of, in the form the directory wants.
const NO_PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A server of one test.
pub(super) struct World {
    pub(super) app: App,
    folder: tempfile::TempDir,
    /// Where the files are that commands name.
    corpus: PathBuf,
    url: String,
    token: String,
    http: Client,
    end: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<()>,
    schedules: Vec<String>,
    slow: bool,
    busy: bool,
    services: Arc<Services>,
}

/// What a command said.
pub(super) struct Said {
    pub(super) ok: bool,
    pub(super) text: String,
}

impl World {
    /// Returns an empty server; of a `slow` one pods start only when they are let, as they need their time on a cluster.
    pub(super) async fn new(
        corpus: &Path,
        (plugin, services): (&Plugin, &Arc<Services>),
        slow: bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = config(folder.path(), address, plugin, slow);
        let program = PathBuf::from(env!("CARGO_BIN_EXE_marque"));
        let app = App::assemble(config, Some(program)).await.unwrap();
        let token = session(&app).await;
        let (end, ended) = oneshot::channel();
        let served = app.clone();
        let serving = tokio::spawn(async move {
            let end = async move { drop(ended.await) };
            server::serve(served, listener, end).await.unwrap();
        });
        let http = Client::builder().no_proxy().timeout(TOO_LONG).build().unwrap();
        let url = format!("http://{address}");
        let corpus = corpus.to_owned();
        let mut world = Self {
            app,
            folder,
            corpus,
            url,
            token,
            http,
            end: Some(end),
            serving,
            schedules: Vec::new(),
            slow,
            busy: false,
            services: Arc::clone(services),
        };
        world.let_start(None).await;
        world.apply(&[repositories(services)]).await.unwrap();
        world.apply(&services.secrets(NAMESPACE)).await.unwrap();
        world
    }

    /// Lets the schedule of this name start runs, besides the person and the schedules before.
    pub(super) async fn let_start(&mut self, schedule: Option<&str>) {
        self.schedules.extend(schedule.map(|name| format!("workload:cron/{NAMESPACE}/{name}")));
        let root = root(NAMESPACE, &self.schedules);
        self.apply(&[root]).await.unwrap();
    }

    /// Limits how many workflows of the namespace run at once, as the label of a Namespace does.
    pub(super) async fn limit(&self, most: &str) -> Result<(), String> {
        let mut root = root(NAMESPACE, &self.schedules);
        root["metadata"]["labels"] = json!({"workflows.argoproj.io/parallelism-limit": most});
        self.apply(&[root]).await
    }

    /// Applies objects together, as `kubectl apply` would: what one refers to may be another.
    pub(super) async fn apply(&self, objects: &[Value]) -> Result<(), String> {
        let file = |object: &Value| json!({"name": "object.yaml", "text": object.to_string()});
        let files: Vec<Value> = objects.iter().map(file).collect();
        let body = json!({"namespace": NAMESPACE, "files": files});
        self.call(Method::POST, "/api/marque/v1/apply", Some(body)).await.map(drop)
    }

    /// Lets a run elsewhere take the only place for pods, if this world is slow.
    pub(super) async fn be_busy(&mut self) -> Result<(), String> {
        if !self.slow || self.busy {
            return Ok(());
        }
        self.busy = true;
        let root = root(BUSY, &[]);
        let container = json!({"image": "argoproj/argosay:v2", "args": ["sleep", "1h"]});
        let spec = json!({"entrypoint": "main", "templates": [{"name": "main", "container": container}]});
        let workflow = json!({"metadata": {"name": "first"}, "spec": spec});
        self.apply(&[root]).await?;
        let path = format!("/api/v1/workflows/{BUSY}");
        self.call(Method::POST, &path, Some(json!({"workflow": workflow}))).await?;
        let mut changes = self.app.runner().changes();
        while self.call(Method::GET, &format!("{path}/first"), None).await?["status"]["progress"] != "0/1" {
            changes.recv().await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Frees the only place for pods, if it is taken, for good.
    pub(super) async fn let_go(&mut self) -> Result<(), String> {
        if !std::mem::take(&mut self.busy) {
            return Ok(());
        }
        self.slow = false;
        let path = format!("/api/v1/workflows/{BUSY}/first/terminate");
        self.call(Method::PUT, &path, None).await.map(drop)
    }

    /// Calls the API; returns the body of the answer, or what is wrong.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let text = self.read(method, path, body).await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn read(&self, method: Method, path: &str, body: Option<Value>) -> Result<String, String> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if status.is_success() { Ok(text) } else { Err(format!("{status}: {text}")) }
    }

    /// Runs the command line as `argo` would be, in the corpus' folder.
    pub(super) async fn command(&self, args: &[String], token: Option<&str>) -> Result<Said, String> {
        let mut command = tokio::process::Command::from(marque());
        command
            .args(args)
            .current_dir(&self.corpus)
            .env("MARQUE_SERVER", &self.url)
            .env("MARQUE_TOKEN", token.unwrap_or(&self.token))
            .env("MARQUE_NAMESPACE", NAMESPACE)
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(TOO_LONG, command.output()).await;
        let output = output.map_err(|_| format!("`{args:?}` does not end"))?.map_err(|e| e.to_string())?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ok(Said { ok: output.status.success(), text: format!("{out}{err}") })
    }

    /// Returns the workflows of the namespace, newest first.
    pub(super) async fn list(&self, selector: &str) -> Result<Vec<Value>, String> {
        let selector: String = url::form_urlencoded::byte_serialize(selector.as_bytes()).collect();
        let path = format!("/api/v1/workflows/{NAMESPACE}?listOptions.labelSelector={selector}");
        let list = self.call(Method::GET, &path, None).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Returns the file of the corpus, with the services of this machine.
    pub(super) fn file(&self, name: &str) -> Result<String, String> {
        let text = std::fs::read_to_string(self.corpus.join(name));
        text.map(|text| self.services.here(&text)).map_err(|error| format!("`{name}`: {error}"))
    }

    /// Returns the folder of the volumes that are claimed in the namespace.
    pub(super) fn claims(&self) -> PathBuf {
        self.folder.path().join("data/volumes").join(NAMESPACE)
    }

    /// Ends what still runs, which would outlive the server, then the server, and waits until it has.
    pub(super) async fn close(mut self) {
        let mut changes = self.app.runner().changes();
        let is_over = async |world: &Self| {
            let mut over = true;
            for namespace in [NAMESPACE, BUSY] {
                let path = format!("/api/v1/workflows/{namespace}");
                let list = world.call(Method::GET, &path, None).await.unwrap_or_default();
                for workflow in list["items"].as_array().into_iter().flatten() {
                    if workflow["status"]["finishedAt"].is_null() {
                        over = false;
                        let name = workflow["metadata"]["name"].as_str().unwrap_or_default();
                        // it may end at this moment
                        let _ = world.call(Method::PUT, &format!("{path}/{name}/terminate"), None).await;
                    }
                }
            }
            over
        };
        let ending = async {
            while !is_over(&self).await {
                let _ = tokio::time::timeout(GLANCE, changes.recv()).await;
            }
        };
        let _ = tokio::time::timeout(TOO_LONG, ending).await;
        drop(self.end.take());
        let _ = tokio::time::timeout(TOO_LONG, self.serving).await;
    }
}

/// Returns the scope of a namespace in which the person may do everything, and schedules may start runs.
fn root(namespace: &str, schedules: &[String]) -> Value {
    let mut triggerers = vec![json!({"subject": format!("group:{GROUP}"), "via": ["manual", "api"]})];
    triggerers.extend(schedules.iter().map(|subject| json!({"subject": subject, "via": ["cron"]})));
    let group = [format!("group:{GROUP}")];
    json!({
        "apiVersion": "marque.dev/v1alpha1",
        "kind": "IdentityScope",
        "metadata": {"name": "root", "namespace": namespace},
        "spec": {"namespaceRoot": true, "owners": group, "viewers": group, "triggerers": triggerers},
    })
}

/// Returns the artifact repositories that Argo's tests set up in their namespace: this machine's store where theirs is an
/// object store unless it is asked for by name, and what the plugin keeps.
fn repositories(services: &Services) -> Value {
    let key = "{{workflow.name}}/{{pod.name}}";
    let default = json!({"archiveLogs": true});
    let plugin = json!({"archiveLogs": true, "plugin": {"name": plugin::NAME, "keyFormat": key}});
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "artifact-repositories",
            "namespace": NAMESPACE,
            "annotations": {"workflows.argoproj.io/default-artifact-repository": "default-v1"},
        },
        "data": {
            "default-v1": default.to_string(),
            "plugin-v1": plugin.to_string(),
            "my-key": services.repository(),
            "empty": "",
        },
    })
}

fn config(folder: &Path, address: SocketAddr, plugin: &Plugin, slow: bool) -> Config {
    let users = json!({"users": [{"name": PERSON, "passwordHash": NO_PASSWORD, "groups": [GROUP]}]});
    let file = folder.join("people.yaml");
    std::fs::write(&file, users.to_string()).unwrap();
    Config {
        listen: address,
        data: folder.join("data"),
        administrators: vec![Subject::Group(GROUP.to_owned())],
        auditors: vec![Subject::Group(GROUP.to_owned())],
        local_directory: Some(LocalDirectory { file, session_minutes: 60 }),
        parallel_pods: if slow { 1 } else { 8 },
        // as Argo's tests configure their server
        artifacts: Artifacts {
            repository: serde_json::Map::from_iter([("archiveLogs".to_owned(), true.into())]),
            networks: vec!["127.0.0.0/8".to_owned()],
            ..Artifacts::default()
        },
        artifact_drivers: vec![ArtifactDriver {
            name: plugin::NAME.to_owned(),
            socket: plugin.socket(),
            connection_timeout_seconds: 5,
        }],
        managed_namespace: Some(NAMESPACE.to_owned()),
        ..Config::default()
    }
}

/// Begins a session as a login would.
async fn session(app: &App) -> String {
    let end = jiff::Timestamp::from_second(4_000_000_000).unwrap();
    let key = PrincipalKey { issuer: app.config().issuer_url(), subject: PERSON.to_owned() };
    let principal = Principal {
        key,
        provider: "local".to_owned(),
        kind: PrincipalKind::User,
        name: None,
        email: None,
        groups: [GROUP.to_owned()].into(),
        amr: Vec::new(),
        acr: None,
        auth_time: None,
    };
    let token = SessionToken::from_random(random::bytes().unwrap());
    let id = SessionId::from_uuid(random::uuid(end).unwrap());
    let session = Session { id, principal: principal.clone(), expires_at: end };
    let action = LogIn { session: id.to_string() };
    let store = app.runner().store();
    let caller = Caller::from_session(principal);
    let begun =
        app.runner().act(&caller, action, async |go| store.create_session(go, token.sha256(), session).await);
    begun.await.unwrap();
    token.expose().to_owned()
}
