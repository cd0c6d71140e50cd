//! Artifacts as nodes show them: a key of the store is shown as Argo shows one of its default repository.
//! Only the engine writes these, from what a pod's outputs were stored as, so a key read back from a node is
//! never a key a user wrote.

use model::argo::{Artifact, RawArtifact};
use serde_json::json;

use crate::live::Source;

/// Returns `declared` with the place it was resolved to.
pub(super) fn shown(declared: &Artifact, source: &Source) -> Artifact {
    let mut artifact = Artifact { from: String::new(), raw: None, ..declared.clone() };
    match source {
        Source::Stored(key) => {
            artifact.rest.insert("s3".to_owned(), json!({ "key": key }));
        }
        Source::Raw(data) => artifact.raw = Some(RawArtifact { data: data.clone() }),
    }
    artifact
}

/// Returns the key in the artifact store of an output artifact of a node, if it is stored there.
pub fn artifact_key(artifact: &Artifact) -> Option<String> {
    match source_of(artifact)? {
        Source::Stored(key) => Some(key),
        Source::Raw(_) => None,
    }
}

/// Returns where an artifact of an ended node is.
pub(super) fn source_of(artifact: &Artifact) -> Option<Source> {
    if let Some(raw) = &artifact.raw {
        return Some(Source::Raw(raw.data.clone()));
    }
    let key = artifact.rest.get("s3")?.get("key")?.as_str()?;
    Some(Source::Stored(key.to_owned()))
}
