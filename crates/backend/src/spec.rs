//! What the server tells the supervisor about one pod, in JSON in the pod's folder.
//! Not here: how it is derived from a template (`plan`), what may hold a secret (`private`). Written and read by the same
//! program only.

use serde_json::{Map, Value, json};

use crate::Isolation;

/// A pod's specification, everything resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodSpec {
    /// How it is kept apart.
    pub(crate) isolation: Isolation,
    /// Whether the programs built into this one have to be there.
    pub(crate) built_in: bool,
    /// The working directory; the default when empty.
    pub(crate) working_dir: String,
    /// The host name in the sandbox.
    pub(crate) host_name: String,
    /// The script's text.
    pub(crate) script: Option<String>,
    /// What is put in place first.
    pub(crate) inputs: Vec<InputSpec>,
    /// Output parameters: name and path.
    pub(crate) parameters: Vec<(String, String)>,
    /// Output artifacts.
    pub(crate) artifacts: Vec<OutputSpec>,
    /// Whether the end of standard output is kept.
    pub(crate) wants_result: bool,
    /// Seconds after which it is killed.
    pub(crate) deadline_seconds: Option<u64>,
    /// Folders of this machine.
    pub(crate) mounts: Vec<MountSpec>,
}

/// One input artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputSpec {
    /// Its name.
    pub(crate) name: String,
    /// Where in the pod.
    pub(crate) path: String,
    /// A key in the artifact store; `None` means `text`.
    pub(crate) key: Option<String>,
    /// The literal text.
    pub(crate) text: String,
    /// The file mode.
    pub(crate) mode: Option<u32>,
}

/// One output artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputSpec {
    /// Its name.
    pub(crate) name: String,
    /// Where in the pod.
    pub(crate) path: String,
    /// Whether it may be missing.
    pub(crate) optional: bool,
}

/// A folder of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MountSpec {
    /// On this machine.
    pub(crate) host: String,
    /// In the pod.
    pub(crate) path: String,
    /// Whether the pod may write.
    pub(crate) writable: bool,
}

impl PodSpec {
    /// Returns it as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let inputs: Vec<Value> = self
            .inputs
            .iter()
            .map(|i| json!({"name": i.name, "path": i.path, "key": i.key, "text": i.text, "mode": i.mode}))
            .collect();
        let artifacts: Vec<Value> = self
            .artifacts
            .iter()
            .map(|a| json!({"name": a.name, "path": a.path, "optional": a.optional}))
            .collect();
        json!({
            "sandbox": self.isolation == Isolation::Namespaces,
            "builtIn": self.built_in,
            "workingDir": self.working_dir,
            "hostName": self.host_name,
            "script": self.script,
            "inputs": inputs,
            "parameters": self.parameters,
            "artifacts": artifacts,
            "wantsResult": self.wants_result,
            "deadlineSeconds": self.deadline_seconds,
            "mounts": mounts_to_json(&self.mounts),
        })
    }
    /// Returns the specification that `value` is; `None` if it is not one.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let map = value.as_object()?;
        Some(Self {
            isolation: if flag(map, "sandbox")? { Isolation::Namespaces } else { Isolation::None },
            built_in: flag(map, "builtIn")?,
            working_dir: text(map, "workingDir")?,
            host_name: text(map, "hostName")?,
            script: map.get("script")?.as_str().map(str::to_owned),
            inputs: list(map.get("inputs")?, input)?,
            parameters: pairs(map.get("parameters")?)?,
            artifacts: list(map.get("artifacts")?, output)?,
            wants_result: flag(map, "wantsResult")?,
            deadline_seconds: map.get("deadlineSeconds")?.as_u64(),
            mounts: mounts_from_json(map.get("mounts")?)?,
        })
    }
}

/// Returns mounts as JSON.
pub(crate) fn mounts_to_json(mounts: &[MountSpec]) -> Value {
    mounts.iter().map(|m| json!({"host": m.host, "path": m.path, "writable": m.writable})).collect()
}

/// Returns the mounts that `value` lists.
pub(crate) fn mounts_from_json(value: &Value) -> Option<Vec<MountSpec>> {
    list(value, |map| {
        Some(MountSpec {
            host: text(map, "host")?,
            path: text(map, "path")?,
            writable: flag(map, "writable")?,
        })
    })
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

fn list<T>(value: &Value, one: impl Fn(&Map<String, Value>) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(|v| one(v.as_object()?)).collect()
}

fn input(map: &Map<String, Value>) -> Option<InputSpec> {
    Some(InputSpec {
        name: text(map, "name")?,
        path: text(map, "path")?,
        key: map.get("key")?.as_str().map(str::to_owned),
        text: text(map, "text")?,
        mode: map.get("mode")?.as_u64().and_then(|mode| u32::try_from(mode).ok()),
    })
}

fn output(map: &Map<String, Value>) -> Option<OutputSpec> {
    Some(OutputSpec { name: text(map, "name")?, path: text(map, "path")?, optional: flag(map, "optional")? })
}
