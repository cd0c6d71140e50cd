//! Does it: runs a node's pod as a process, in a sandbox where there is one, under a supervisor that outlives the server.
//! Comes in: the proof that a pod may be started, and the pod. Goes out: how it ended, its log, its outputs.
//! Not here: what to run next (`engine`), whether it may (`policy`), remembering (`store`), images and networks: a pod
//! runs this machine's programs, and a sandboxed one has only a loopback of its own.
//!
//! Without a sandbox ([`Isolation::None`]) a pod is a process of the server's user: Argo paths are this machine's paths,
//! shared by all pods and cleaned by nobody, and a pod can do whatever that user can.
//!
//! Invariant: nothing is started, killed or read without the proof for that very node.
//! Invariant: a pod's process is started at most once, whatever dies at whatever moment.
//! Invariant: a secret that the server handed to a pod does not reach the disk in its log, result or parameters.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use audit::Audited;
use engine::{Pod, PodOutcome};
use model::{RunId, argo::NodeId};
use policy::{KillPod, Permit, StartPod, ViewLog, ViewOutput};
use tokio::sync::oneshot;

mod argosay;
mod clock;
mod contained;
mod downward;
mod environment;
mod error;
mod folder;
mod garbage;
mod image;
mod launch;
pub mod limits;
mod logfile;
mod mask;
mod materials;
mod outcome;
mod plan;
mod private;
mod probe;
mod progress;
mod readiness;
mod reexec;
mod sandbox;
mod spec;
mod stage;
mod supervise;
mod supervisors;
#[cfg(test)]
mod tests;
mod volumes;

pub use contained::container_settings;
pub use container::Settings as ContainerSettings;
pub use error::BackendError;
use folder::{PodFolder, artifact_path};
pub use mask::masked;
pub use materials::{Materials, Needs, SecretValues};
pub use stage::Scratch;
use supervisors::Supervisors;

/// How pods are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// User, mount, pid, ipc, uts, cgroup and network namespaces.
    Namespaces,
    /// Real containers, made of the images that templates name.
    Containers,
    /// None: pods are plain processes of the server's user. Only on request.
    None,
}

/// What the process backend needs to know.
#[derive(Debug, Clone)]
pub struct ProcessConfig {
    /// Where pods, logs and artifacts live.
    pub folder: PathBuf,
    /// How pods are kept apart.
    pub isolation: Isolation,
    /// Entry point and command by image, as Argo's controller's `images`.
    pub images: BTreeMap<String, Image>,
    /// Folders of this machine that every pod sees: host path, path in the pod, writable. Set by the server's owner only.
    pub mounts: Vec<Mount>,
    /// How containers are run; needed for [`Isolation::Containers`] alone.
    pub containers: Option<ContainerSettings>,
    /// The program that is re-executed as supervisor and sandbox: this program, which must call [`reexec`] first in `main`.
    pub program: PathBuf,
}

/// The entry point of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// The entry point.
    pub entrypoint: Vec<String>,
    /// The default arguments.
    pub cmd: Vec<String>,
}

/// A folder of this machine that every pod sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// On this machine.
    pub host: PathBuf,
    /// In the pod.
    pub path: PathBuf,
    /// Whether pods may write.
    pub writable: bool,
}

/// One line of a pod's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Without the newline; secrets masked.
    pub content: String,
    /// When it was written, milliseconds since 1970.
    pub at_ms: i64,
    /// Whether it came from standard error.
    pub stderr: bool,
}

/// The process backend; cheap to clone.
#[derive(Debug, Clone)]
pub struct ProcessBackend {
    config: Arc<ProcessConfig>,
    supervisors: Arc<Supervisors>,
}

/// Turns into a supervisor, a sandbox or a built-in command if the arguments say so, and then never returns;
/// call it first thing in `main`.
pub fn reexec() {
    if let Some(code) = reexec::become_it(std::env::args_os()) {
        std::process::exit(code);
    }
}

impl ProcessBackend {
    /// Returns the backend, after trying whether the isolation asked for is to be had.
    ///
    /// # Errors
    /// [`BackendError::NoNamespaces`]; [`BackendError::Unsupported`] for a mount that cannot be; [`BackendError::Io`].
    pub fn new(config: ProcessConfig) -> Result<Self, BackendError> {
        folder::create_private(&config.folder)?;
        let absolute = config.folder.canonicalize().map_err(BackendError::io(&config.folder))?;
        let config = ProcessConfig { folder: absolute, ..config };
        let mounts = plan::mounts(&config)?;
        if config.isolation == Isolation::Namespaces {
            sandbox::probe(&config.program, mounts)
                .map_err(|reason| BackendError::NoNamespaces { reason })?;
        }
        if config.isolation == Isolation::Containers && config.containers.is_none() {
            return Err(plan::unsupported("there is nothing to run containers with".to_owned()));
        }
        Ok(Self { config: Arc::new(config), supervisors: Arc::default() })
    }
    /// Starts the pod's supervisor, or finds it running or ended: repeating is harmless, and the pod's process is started
    /// at most once. The materials' secrets are written where only the pod can read them, and masked in logs.
    ///
    /// A pod that cannot be run as it is (no command known for its image, a path with `..`) is no error: its outcome
    /// says so.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn start(
        &self,
        go: &Audited<StartPod>,
        pod: &Pod,
        materials: Materials,
    ) -> Result<(), BackendError> {
        let action = go.action();
        if pod.node != action.node {
            return Err(BackendError::BadName { name: pod.node.to_string() });
        }
        let folder = PodFolder::of(&self.config.folder, action.run.id, &pod.node)?;
        let (this, run, pod) = (self.clone(), action.run.clone(), pod.clone());
        off_the_loop(move || {
            launch::start(&this.config, &this.supervisors, &folder, (&run, &pod), &materials)
        })
        .await
    }
    /// Waits for the end of a pod that was started, by this server or an earlier one. A pod whose supervisor is gone
    /// without a result ends as `PodEnd::Error`.
    ///
    /// # Errors
    /// [`BackendError::NotStarted`] if its process never was, also because the supervisor was lost before: starting it is
    /// safe then. [`BackendError::Io`].
    pub async fn wait(&self, run: RunId, node: &NodeId) -> Result<PodOutcome, BackendError> {
        let folder = PodFolder::of(&self.config.folder, run, node)?;
        if let Some(mut end) = self.supervisors.end_of(folder.path()) {
            // an error means that nobody is left to tell: it has ended
            while end.changed().await.is_ok() {}
        } else {
            wait_for_stranger(folder.clone()).await?;
        }
        let name = node.to_string();
        off_the_loop(move || launch::ended(&folder, &name)).await
    }
    /// Waits until the containers of a daemon are ready, and returns the address that other pods of its run reach it at.
    /// Waits for ever if they never are, or if the pod is no daemon: to be given up when the pod ends.
    ///
    /// # Errors
    /// [`BackendError::Io`].
    pub async fn ready(&self, run: RunId, node: &NodeId) -> Result<String, BackendError> {
        let folder = PodFolder::of(&self.config.folder, run, node)?;
        readiness::wait(&folder).await
    }
    /// Replaces the run token of a pod that is running; one that has ended gets none.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn renew_token(
        &self,
        go: &Audited<policy::MintRunToken>,
        token: &str,
    ) -> Result<(), BackendError> {
        let action = go.action();
        let folder = PodFolder::of(&self.config.folder, action.run.id, &action.node)?;
        let token = token.to_owned();
        off_the_loop(move || launch::renew_token(&folder, &token)).await
    }
    /// Kills a pod: TERM, and KILL after the grace period ([`limits::KILL_GRACE_MS`]). A pod that has ended, or was never
    /// started, is left alone.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn kill(&self, go: &Audited<KillPod>) -> Result<(), BackendError> {
        let action = go.action();
        self.kill_pod(action.run.id, &action.node).await
    }
    async fn kill_pod(&self, run: RunId, node: &NodeId) -> Result<(), BackendError> {
        let folder = PodFolder::of(&self.config.folder, run, node)?;
        off_the_loop(move || launch::kill(&folder)).await
    }
    /// Returns the lines of the log of a pod's container from byte offset `from` on, and the offset after them; empty when there are none
    /// yet. At most [`limits::LOG_READ_BYTES`] at once: ask again until the offset stays.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn log(
        &self,
        go: &Permit<ViewLog>,
        (node, container): (&NodeId, &str),
        from: u64,
    ) -> Result<(Vec<LogLine>, u64), BackendError> {
        self.read_log(go.action().run.id, (node, container), from).await
    }
    async fn read_log(
        &self,
        run: RunId,
        (node, container): (&NodeId, &str),
        from: u64,
    ) -> Result<(Vec<LogLine>, u64), BackendError> {
        let folder = PodFolder::of(&self.config.folder, run, node)?;
        let path = folder.log(folder::checked_name(container)?);
        off_the_loop(move || logfile::read(&path, from).map_err(BackendError::io(path))).await
    }
    /// Returns the path of a stored artifact of the run the proof is for: a file, or a folder of files and folders.
    ///
    /// # Errors
    /// [`BackendError::NoArtifact`] also for another run's artifact; [`BackendError::BadName`].
    pub async fn artifact(&self, go: &Permit<ViewOutput>, key: &str) -> Result<PathBuf, BackendError> {
        self.find_artifact(go.action().run.id, key).await
    }
    async fn find_artifact(&self, run: RunId, key: &str) -> Result<PathBuf, BackendError> {
        let path = artifact_path(&self.config.folder.join("artifacts"), key)?;
        let own = key.split('/').next() == Some(run.uuid().to_string().as_str());
        let key = key.to_owned();
        off_the_loop(move || {
            let kind = path.symlink_metadata().map(|data| data.file_type());
            match kind {
                Ok(kind) if own && (kind.is_file() || kind.is_dir()) => Ok(path),
                _ => Err(BackendError::NoArtifact { key }),
            }
        })
        .await
    }
}

/// Waits for a supervisor that another server started. A thread of its own, for it may take days, and the runtime waits
/// for its blocking threads when it stops.
async fn wait_for_stranger(folder: PodFolder) -> Result<(), BackendError> {
    let (tell, told) = oneshot::channel();
    let path = folder.lock();
    let wait = move || {
        // nobody may be waiting any more
        let _ = tell.send(launch::wait_for_lock(&folder));
    };
    std::thread::Builder::new().name("pod-wait".to_owned()).spawn(wait).map_err(BackendError::io(&path))?;
    told.await.unwrap_or_else(|_| Err(BackendError::io(path)(std::io::ErrorKind::BrokenPipe.into())))
}

/// Does file work where it holds up nobody.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
) -> Result<T, BackendError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(BackendError::io("pod")(std::io::Error::other(error))),
    }
}
