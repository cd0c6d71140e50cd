//! Artifacts as nodes show them: a key of this machine's own store is shown as Argo shows one of its default
//! repository. Only the engine writes those, from what a pod's outputs were stored as; one that a user writes is
//! refused, so that a key read back from a node is never a user's word.

use model::argo::{Artifact, Location, RawArtifact, is_own_artifact_key};
use serde_json::json;

use crate::live::{Given, Source};

/// Returns `declared` with the place it was resolved to.
pub(super) fn shown(declared: &Artifact, given: &Given) -> Artifact {
    let mut artifact = Artifact {
        from: String::new(),
        from_expression: String::new(),
        sub_path: String::new(),
        raw: None,
        archive: given.archive.clone(),
        ..declared.clone()
    };
    if let Ok(Some(written)) = declared.location() {
        artifact.rest.shift_remove(written.driver());
    }
    match &given.source {
        Source::Stored(key) => {
            artifact.rest.insert("s3".to_owned(), json!({ "key": key }));
        }
        Source::Raw(data) => artifact.raw = Some(RawArtifact { data: data.clone() }),
        Source::Located(at) => {
            artifact.rest.insert(at.driver().to_owned(), at.fields());
        }
    }
    artifact
}

/// Returns the key in this machine's own artifact store of an output artifact of a node, if it is stored there.
pub fn artifact_key(artifact: &Artifact) -> Option<String> {
    match given_by(artifact)?.source {
        Source::Stored(key) => Some(key),
        Source::Raw(_) | Source::Located(_) => None,
    }
}

/// Returns where an artifact of an ended node is.
pub(super) fn given_by(artifact: &Artifact) -> Option<Given> {
    let source = match artifact.location().ok()?? {
        Location::Raw(raw) => Source::Raw(raw.data),
        Location::S3(at) if at.bucket.is_empty() && is_own_artifact_key(&at.key) => Source::Stored(at.key),
        other => Source::Located(Box::new(other)),
    };
    Some(Given { source, archive: artifact.archive.clone() })
}

/// Returns where an artifact is that a user has written the place of; `None` if none is written.
///
/// # Errors
/// What is wrong with the place.
pub(super) fn written(artifact: &Artifact) -> Result<Option<Given>, String> {
    let source = match artifact.location().map_err(|fault| fault.to_string())? {
        None => return Ok(None),
        Some(Location::Raw(raw)) => Source::Raw(raw.data),
        Some(Location::S3(at)) if at.bucket.is_empty() && is_own_artifact_key(&at.key) => {
            return Err(format!(
                "the key `{}` of artifact `{}` is one of another run's",
                at.key, artifact.name
            ));
        }
        Some(other) => Source::Located(Box::new(other)),
    };
    let mut given = Given { source, archive: artifact.archive.clone() };
    part_of(&mut given, &artifact.sub_path)?;
    Ok(Some(given))
}

/// Narrows an artifact to the part at `sub_path`.
///
/// # Errors
/// Why there is no such part.
pub(super) fn part_of(given: &mut Given, sub_path: &str) -> Result<(), String> {
    if sub_path.is_empty() {
        return Ok(());
    }
    match &mut given.source {
        Source::Stored(key) => {
            if sub_path.split('/').any(|part| part == "..") {
                return Err(format!("subPath `{sub_path}` holds `..`"));
            }
            *key = format!("{}/{}", key.trim_end_matches('/'), sub_path.trim_matches('/'));
            Ok(())
        }
        Source::Raw(_) => Err("key unsupported: cannot get key for artifact type raw".to_owned()),
        Source::Located(at) => at.append_to_key(sub_path).map_err(|fault| fault.to_string()),
    }
}
