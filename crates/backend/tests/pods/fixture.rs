//! A backend in a folder of its own, and pods in few words.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use backend::{BackendError, Image, Isolation, LogLine, Materials, Mount, ProcessBackend, ProcessConfig};
use engine::{InputSource, Pod, PodEnd, PodInput, PodOutcome};
use model::{
    RunId,
    argo::{AnyString, Artifact, Container, NodeId, Parameter, ScriptTemplate, Template, ValueFrom},
};
use policy::{KillPod, MintRunToken, StartPod, ViewLog, ViewOutput};
use tempfile::TempDir;

use crate::{PATIENCE, door::House};

/// Returns the isolations this machine has, saying so when one is missing.
pub(crate) fn isolations() -> Vec<Isolation> {
    let folder = TempDir::new().unwrap();
    match ProcessBackend::new(config(folder.path().into(), Isolation::Namespaces)) {
        Ok(_) => vec![Isolation::None, Isolation::Namespaces],
        Err(error) => {
            println!("NOT TESTED: the sandbox: {error}");
            vec![Isolation::None]
        }
    }
}

/// Returns a sandboxing world, or `None` with a word about it.
pub(crate) fn sandbox() -> Option<World> {
    isolations().contains(&Isolation::Namespaces).then(|| World::new(Isolation::Namespaces))
}

/// Returns the run with this number.
pub(crate) fn run_id(number: u64) -> RunId {
    format!("run_00000000-0000-7000-8000-{number:012}").parse().unwrap()
}

/// Returns a configuration.
pub(crate) fn config(folder: PathBuf, isolation: Isolation) -> ProcessConfig {
    ProcessConfig {
        folder,
        isolation,
        images: BTreeMap::from([(
            "tool".to_owned(),
            Image {
                entrypoint: vec!["sh".to_owned(), "-c".to_owned()],
                cmd: vec!["echo default".to_owned()],
            },
        )]),
        mounts: Vec::new(),
        containers: None,
        program: env!("CARGO_BIN_EXE_backend-probe").into(),
    }
}

/// A backend, a house and a folder of their own.
pub(crate) struct World {
    /// The folder; gone with the world.
    pub(crate) folder: TempDir,
    /// The backend.
    pub(crate) backend: ProcessBackend,
    /// The door.
    pub(crate) house: Arc<House>,
    pub(crate) next: AtomicU64,
}

impl World {
    pub(crate) fn new(isolation: Isolation) -> Self {
        Self::with_mounts(isolation, Vec::new())
    }
    pub(crate) fn with_mounts(isolation: Isolation, mounts: Vec<Mount>) -> Self {
        let folder = TempDir::new().unwrap();
        let config = ProcessConfig { mounts, ..config(folder.path().join("data"), isolation) };
        let backend = ProcessBackend::new(config).unwrap();
        Self { folder, backend, house: Arc::new(House::of_local_user().unwrap()), next: AtomicU64::new(1) }
    }
    /// Returns another server over the same folder.
    pub(crate) fn second_server(&self, isolation: Isolation) -> ProcessBackend {
        ProcessBackend::new(config(self.folder.path().join("data"), isolation)).unwrap()
    }
    /// Returns a node id nobody has had.
    pub(crate) fn fresh(&self) -> String {
        format!("node-{}", self.next.fetch_add(1, Ordering::Relaxed))
    }
    /// The pod's folder.
    pub(crate) fn pod_folder(&self, run: RunId, node: &NodeId) -> PathBuf {
        self.folder.path().join("data/runs").join(run.uuid().to_string()).join(node.as_str())
    }
    pub(crate) async fn start(&self, run: RunId, pod: &Pod, token: Option<&str>) -> Result<(), BackendError> {
        self.start_with(run, pod, Materials::with_token(token.map(identity::Secret::new))).await
    }
    pub(crate) async fn start_with(
        &self,
        run: RunId,
        pod: &Pod,
        materials: Materials,
    ) -> Result<(), BackendError> {
        let action = StartPod { run: self.house.facts(run), node: pod.node.clone() };
        let done = self
            .house
            .act_for_run(run, action, async |go| Ok(self.backend.start(go, pod, materials).await))
            .await;
        done.expect("the local user may")
    }
    pub(crate) async fn kill(&self, run: RunId, node: &NodeId) {
        let action = KillPod { run: self.house.facts(run), node: node.clone() };
        self.house.act_for_run(run, action, async |go| self.backend.kill(go).await).await.unwrap();
    }
    pub(crate) async fn renew(&self, run: RunId, node: &NodeId, token: &str) {
        let action = MintRunToken { run: self.house.facts(run), node: node.clone(), jti: "j".to_owned() };
        self.house
            .act_for_run(run, action, async |go| self.backend.renew_token(go, token).await)
            .await
            .unwrap();
    }
    pub(crate) async fn wait(&self, run: RunId, node: &NodeId) -> Result<PodOutcome, BackendError> {
        tokio::time::timeout(PATIENCE, self.backend.wait(run, node)).await.expect("the pod never ended")
    }
    /// Runs a pod to its end.
    pub(crate) async fn run(&self, pod: &Pod) -> PodOutcome {
        self.run_with_token(pod, None).await
    }
    pub(crate) async fn run_with_token(&self, pod: &Pod, token: Option<&str>) -> PodOutcome {
        self.start(run_id(1), pod, token).await.unwrap();
        self.wait(run_id(1), &pod.node).await.unwrap()
    }
    pub(crate) async fn run_with(&self, pod: &Pod, materials: Materials) -> PodOutcome {
        self.start_with(run_id(1), pod, materials).await.unwrap();
        self.wait(run_id(1), &pod.node).await.unwrap()
    }
    /// Runs a shell text and returns its end and everything it wrote.
    pub(crate) async fn shell(&self, text: &str) -> (PodEnd, String) {
        let pod = shell(&self.fresh(), text);
        let outcome = self.run(&pod).await;
        (outcome.end, self.text(run_id(1), &pod.node).await)
    }
    pub(crate) async fn log(&self, run: RunId, node: &NodeId, from: u64) -> (Vec<LogLine>, u64) {
        self.log_of(run, (node, "main"), from).await
    }
    pub(crate) async fn log_of(
        &self,
        run: RunId,
        container: (&NodeId, &str),
        from: u64,
    ) -> (Vec<LogLine>, u64) {
        let permit = self
            .house
            .rules
            .check(&self.house.caller, ViewLog { run: self.house.facts(run) }, EPOCH)
            .unwrap();
        self.backend.log(&permit, container, from).await.unwrap()
    }
    /// Returns the whole log as text.
    pub(crate) async fn text(&self, run: RunId, node: &NodeId) -> String {
        self.text_of(run, node, "main").await
    }
    /// Returns the whole log of a container as text.
    pub(crate) async fn text_of(&self, run: RunId, node: &NodeId, container: &str) -> String {
        let (mut text, mut from) = (String::new(), 0);
        loop {
            let (lines, next) = self.log_of(run, (node, container), from).await;
            if next == from {
                return text;
            }
            from = next;
            lines.iter().for_each(|line| text.extend([line.content.as_str(), "\n"]));
        }
    }
    pub(crate) async fn artifact(&self, run: RunId, key: &str) -> Result<PathBuf, BackendError> {
        let act = ViewOutput { run: self.house.facts(run) };
        let permit = self.house.rules.check(&self.house.caller, act, EPOCH).unwrap();
        self.backend.artifact(&permit, key).await
    }
}

const EPOCH: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

fn texts(list: &[&str]) -> Vec<AnyString> {
    list.iter().map(|text| AnyString((*text).to_owned())).collect()
}

/// Returns a pod that runs this command.
pub(crate) fn command(node: &str, argv: &[&str]) -> Pod {
    container(node, Container { command: Some(texts(argv)), image: "any".to_owned(), ..Container::default() })
}

/// Returns a pod of this image with these arguments and no command.
pub(crate) fn image(node: &str, image: &str, args: &[&str]) -> Pod {
    container(node, Container { image: image.to_owned(), args: texts(args), ..Container::default() })
}

pub(crate) fn container(node: &str, container: Container) -> Pod {
    Pod {
        node: NodeId::from_text(node),
        node_name: node.to_owned(),
        display_name: node.to_owned(),
        pod_name: format!("pod-{node}"),
        template: Template { container: Some(container), ..Template::default() },
        volumes: Vec::new(),
        archive: model::argo::ArchiveLocation::default(),
        inputs: Vec::new(),
        wants_result: false,
        deadline_seconds: None,
    }
}

/// Returns a pod that runs this shell text; `$$` is doubled, for Kubernetes makes one `$` of two in a command.
pub(crate) fn shell(node: &str, text: &str) -> Pod {
    command(node, &["bash", "-c", &text.replace("$$", "$$$$")])
}

pub(crate) fn script(node: &str, source: &str) -> Pod {
    let mut pod = command(node, &["sh"]);
    let container = pod.template.container.take().unwrap();
    pod.template.script = Some(Box::new(ScriptTemplate { container, source: source.to_owned() }));
    pod
}

pub(crate) fn with_artifact(mut pod: Pod, name: &str, path: &str, optional: bool) -> Pod {
    let artifact = Artifact { name: name.to_owned(), path: path.to_owned(), optional, ..Artifact::default() };
    pod.template.outputs.artifacts.push(artifact);
    pod
}

pub(crate) fn with_parameter(mut pod: Pod, name: &str, path: &str) -> Pod {
    let value_from = Some(Box::new(ValueFrom { path: path.to_owned(), ..ValueFrom::default() }));
    pod.template.outputs.parameters.push(Parameter {
        name: name.to_owned(),
        value_from,
        ..Parameter::default()
    });
    pod
}

pub(crate) fn with_input(mut pod: Pod, name: &str, path: &str, source: InputSource) -> Pod {
    pod.inputs.push(PodInput {
        name: name.to_owned(),
        path: path.to_owned(),
        source,
        mode: None,
        recurse_mode: false,
        optional: false,
        archive: None,
    });
    pod
}
