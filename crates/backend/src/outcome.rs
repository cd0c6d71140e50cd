//! How a pod ended, on disk: written once, durable before the supervisor lets go of its lock.
//! Not here: how it is found out (`supervise`).

use std::{collections::BTreeMap, fs, io};

use engine::{CollectedOutputs, ContainerEnd, PodEnd, PodOutcome, StoredArtifact};
use jiff::Timestamp;
use model::argo::Location;
use serde_json::{Map, Value, json};

use crate::folder::{PodFolder, replace};

/// Writes the outcome, all or nothing for readers, and durably: one sync after the renaming carries content and name to
/// the disk on every journaling file system. A power cut before it may leave an empty file, which counts as none.
pub(crate) fn write(folder: &PodFolder, outcome: &PodOutcome) -> io::Result<()> {
    let text = to_json(outcome).to_string();
    replace(&folder.result(), text.as_bytes())?.sync_all()
}

/// Reads the outcome; `None` if there is none yet, or none that was finished.
pub(crate) fn read(folder: &PodFolder) -> io::Result<Option<PodOutcome>> {
    match fs::read(folder.result()) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok().as_ref().and_then(from_json)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the outcome of a pod that collected nothing.
pub(crate) fn bare(end: PodEnd) -> PodOutcome {
    PodOutcome::new(end, CollectedOutputs::default())
}

fn to_json(outcome: &PodOutcome) -> Value {
    let end = match &outcome.end {
        PodEnd::Exited(code) => json!({"exited": code}),
        PodEnd::DeadlineExceeded => json!("deadlineExceeded"),
        PodEnd::Killed => json!("killed"),
        PodEnd::Error(message) => json!({"error": message}),
    };
    let place = |at: &StoredArtifact| match at {
        StoredArtifact::Key(key) => json!(key),
        StoredArtifact::Located(at) => json!({ at.driver(): at.fields() }),
    };
    let artifacts: serde_json::Map<String, Value> =
        outcome.outputs.artifacts.iter().map(|(name, at)| (name.clone(), place(at))).collect();
    json!({
        "end": end,
        "parameters": outcome.outputs.parameters,
        "artifacts": artifacts,
        "result": outcome.outputs.result,
        "containers": outcome.containers.iter().map(|(name, end)| (name.clone(), container(end))).collect::<Map<_, _>>(),
    })
}

fn container(end: &ContainerEnd) -> Value {
    json!({
        "exitCode": end.exit_code,
        "message": end.message,
        "startedMs": end.started_at.map(Timestamp::as_millisecond),
        "finishedMs": end.finished_at.as_millisecond(),
    })
}

fn container_from(value: &Value) -> Option<ContainerEnd> {
    let time = |key: &str| Timestamp::from_millisecond(value.get(key)?.as_i64()?).ok();
    Some(ContainerEnd {
        exit_code: value.get("exitCode")?.as_i64().and_then(|code| i32::try_from(code).ok()),
        message: value.get("message")?.as_str()?.to_owned(),
        started_at: time("startedMs"),
        finished_at: time("finishedMs")?,
    })
}

fn from_json(value: &Value) -> Option<PodOutcome> {
    let end = value.get("end")?;
    let end = match end.as_str() {
        Some("deadlineExceeded") => PodEnd::DeadlineExceeded,
        Some("killed") => PodEnd::Killed,
        Some(_) => return None,
        None => match (end.get("exited"), end.get("error")) {
            (Some(code), None) => PodEnd::Exited(i32::try_from(code.as_i64()?).ok()?),
            (None, Some(message)) => PodEnd::Error(message.as_str()?.to_owned()),
            _ => return None,
        },
    };
    let texts = |key: &str| -> Option<BTreeMap<String, String>> {
        value.get(key)?.as_object()?.iter().map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
    };
    let place = |at: &Value| match at {
        Value::String(key) => Some(StoredArtifact::Key(key.clone())),
        Value::Object(fields) => Some(StoredArtifact::Located(Box::new(Location::of(fields).ok()??))),
        _ => None,
    };
    let artifacts = value.get("artifacts")?.as_object()?;
    let artifacts: Option<BTreeMap<String, StoredArtifact>> =
        artifacts.iter().map(|(name, at)| Some((name.clone(), place(at)?))).collect();
    let artifacts = artifacts?;
    let result = match value.get("result")? {
        Value::Null => None,
        text => Some(text.as_str()?.to_owned()),
    };
    let outputs = CollectedOutputs { parameters: texts("parameters")?, artifacts, result };
    let containers = value.get("containers").and_then(Value::as_object).into_iter().flatten();
    let containers = containers.map(|(name, end)| Some((name.clone(), container_from(end)?)));
    Some(PodOutcome { containers: containers.collect::<Option<_>>()?, ..PodOutcome::new(end, outputs) })
}
