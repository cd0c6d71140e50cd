//! Artifacts as nodes show them: a key of the store is shown as Argo shows one of its default repository.
//! Only the engine writes these, from what a pod's outputs were stored as, so a key read back from a node is
//! never a key a user wrote.

use model::argo::{Artifact, Location, RawArtifact, is_own_artifact_key};
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
        Source::Located(at) => {
            if let Ok(Some(written)) = declared.location() {
                artifact.rest.shift_remove(written.driver());
            }
            artifact.rest.insert(at.driver().to_owned(), at.fields());
        }
    }
    artifact
}

/// Returns the key in this machine's own artifact store of an output artifact of a node, if it is stored there.
pub fn artifact_key(artifact: &Artifact) -> Option<String> {
    match source_of(artifact)? {
        Source::Stored(key) => Some(key),
        Source::Raw(_) | Source::Located(_) => None,
    }
}

/// Returns where an artifact of an ended node is.
pub(super) fn source_of(artifact: &Artifact) -> Option<Source> {
    match artifact.location().ok()?? {
        Location::Raw(raw) => Some(Source::Raw(raw.data)),
        Location::S3(at) if at.bucket.is_empty() && is_own_artifact_key(&at.key) => {
            Some(Source::Stored(at.key))
        }
        other => Some(Source::Located(Box::new(other))),
    }
}
