//! What the server tells the supervisor about one pod, in JSON in the pod's folder.
//! Not here: how it is derived from a template (`plan`), what may hold a secret (`private`). Written and read by the same
//! program only.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Isolation;

/// A pod's specification, everything resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodSpec {
    /// How it is kept apart.
    pub(crate) isolation: Isolation,
    /// How containers are run, if it is in some.
    pub(crate) containers_by: Option<container::Settings>,
    /// The host name in the sandbox.
    pub(crate) host_name: String,
    /// The user it runs as, if the supervisor is root; see [`crate::sandbox::pod_user`].
    pub(crate) user: Option<u32>,
    /// Whether others of its run may reach it, and wait until it is ready.
    pub(crate) is_daemon: bool,
    /// Whether it is a container set: how each main container ended is told then.
    pub(crate) is_set: bool,
    /// The containers in the order they are written in: first those of the beginning, then the main ones, then those
    /// beside them.
    pub(crate) containers: Vec<ContainerSpec>,
    /// The script's text; the main container's.
    pub(crate) script: Option<String>,
    /// What is put in place first.
    pub(crate) inputs: Vec<InputSpec>,
    /// Output parameters: name and path.
    pub(crate) parameters: Vec<(String, String)>,
    /// Output artifacts.
    pub(crate) artifacts: Vec<OutputSpec>,
    /// Whether the end of the main container's standard output is kept.
    pub(crate) wants_result: bool,
    /// Seconds after which it is killed.
    pub(crate) deadline_seconds: Option<u64>,
    /// Folders for its volumes, relative to the backend's folder; made before anything starts.
    pub(crate) folders: Vec<String>,
}

impl PodSpec {
    /// Returns the index of the container whose outputs count, if there is one.
    pub(crate) fn main(&self) -> Option<usize> {
        self.containers.iter().position(|container| container.role.is_main() && container.name == MAIN)
    }
}

/// The name of the container whose outputs count.
pub(crate) const MAIN: &str = "main";

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerSpec {
    /// Its name, unique in the pod.
    pub(crate) name: String,
    /// When it runs.
    pub(crate) role: Role,
    /// What is wanted of an engine or runtime, but for arguments and environment.
    pub(crate) wanted: Option<container::Wanted>,
    /// How many words of its arguments are its own command rather than arguments of the image's.
    pub(crate) command_words: usize,
    /// Whether the programs built into this one have to be there.
    pub(crate) built_in: bool,
    /// The working directory; the default when empty.
    pub(crate) working_dir: String,
    /// Folders that it sees, the outer ones first.
    pub(crate) mounts: Vec<MountSpec>,
    /// Whether the script and the input artifacts are put in place for it.
    pub(crate) has_inputs: bool,
    /// How often it is tried, at least once.
    pub(crate) attempts: u32,
    /// Milliseconds between two attempts.
    pub(crate) pause_ms: u64,
}

/// When a container runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Role {
    /// Before all others, one after the other.
    Init,
    /// The pod is done when all of these are; each begins when those named have ended well.
    Main(Vec<String>),
    /// Beside the main ones; it is ended when they have.
    Sidecar,
}

impl Role {
    /// Whether the pod is done when it is.
    pub(crate) const fn is_main(&self) -> bool {
        matches!(self, Self::Main(_))
    }
}

/// One input artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InputSpec {
    /// Its name.
    pub(crate) name: String,
    /// Where in the pod.
    pub(crate) path: String,
    /// A key in the artifact store.
    pub(crate) key: Option<String>,
    /// A path of this machine where it was fetched to; without it and a key it is `text`.
    pub(crate) file: Option<std::path::PathBuf>,
    /// The literal text.
    pub(crate) text: String,
    /// The file mode.
    pub(crate) mode: Option<u32>,
    /// Whether the mode is for all files of a folder.
    pub(crate) recurse_mode: bool,
}

/// One output artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutputSpec {
    /// Its name.
    pub(crate) name: String,
    /// Where in the pod.
    pub(crate) path: String,
    /// Whether it may be missing.
    pub(crate) optional: bool,
}

/// A folder that a container sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MountSpec {
    /// An absolute path of this machine, or a volume's folder relative to the backend's.
    pub(crate) host: String,
    /// The part of the volume that is seen, made if it is not there; all of it when empty.
    pub(crate) sub_path: String,
    /// In the pod.
    pub(crate) path: String,
    /// Whether the container may write.
    pub(crate) writable: bool,
}

/// Returns the text of a field.
pub(crate) fn text(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key)?.as_str().map(str::to_owned)
}

/// Returns the truth of a field.
pub(crate) fn flag(map: &Map<String, Value>, key: &str) -> Option<bool> {
    map.get(key)?.as_bool()
}

/// Returns the texts of a list.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect()
}

/// Returns the pairs of a list.
pub(crate) fn pairs(value: &Value) -> Option<Vec<(String, String)>> {
    let pair = |v: &Value| match v.as_array()?.as_slice() {
        [first, second] => Some((first.as_str()?.to_owned(), second.as_str()?.to_owned())),
        _ => None,
    };
    value.as_array()?.iter().map(pair).collect()
}
