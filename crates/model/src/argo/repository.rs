//! Artifact repositories: where outputs go that do not say so themselves. Source: Argo `workflow_types.go`
//! ArtifactRepositoryRef, `config/artifact_repository.go` ToArtifactLocation.
//! Not here: finding the ConfigMap that holds one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ArtifactFault, Location};

/// The key of an output that gets no other: Argo's default, before the file's name is appended.
pub const DEFAULT_KEY_FORMAT: &str = "{{workflow.name}}/{{pod.name}}";
/// The ConfigMap of a namespace that holds repositories if no other is named.
pub const REPOSITORIES: &str = "artifact-repositories";
/// The annotation by which that ConfigMap names the key that counts if no other is named.
pub const DEFAULT_REPOSITORY: &str = "workflows.argoproj.io/default-artifact-repository";

/// Which repository a workflow wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactRepositoryRef {
    /// The ConfigMap; [`REPOSITORIES`] when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config_map: String,
    /// The key in it; the one its annotation names when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
}

/// A repository.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArtifactRepository {
    /// Where it is; the key is the key format and may hold tags.
    pub location: Option<Location>,
    /// Whether logs are stored, too.
    pub archive_logs: bool,
}

impl ArtifactRepository {
    /// Returns the repository that fields as Argo's configuration writes them say.
    ///
    /// # Errors
    /// [`ArtifactFault`] if the driver's fields are not what they should be.
    pub fn of(fields: &Map<String, Value>) -> Result<Self, ArtifactFault> {
        let archive_logs = fields.get("archiveLogs").and_then(Value::as_bool) == Some(true);
        let set = |driver: &&str| fields.get(*driver).is_some_and(Value::is_object);
        let Some(driver) = DRIVERS.into_iter().find(set) else {
            return Ok(Self { location: None, archive_logs });
        };
        let mut own = fields.get(driver).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut text = |name: &str| {
            own.shift_remove(name)
                .and_then(|value| value.as_str().map(str::to_owned))
                .filter(|text| !text.is_empty())
        };
        let format = match driver {
            "azure" => text("blobNameFormat"),
            "hdfs" => text("pathFormat"),
            _ => text("keyFormat"),
        };
        // the older spelling
        let prefix = text("keyPrefix");
        let url = text("repoURL").or_else(|| text("repoUrl"));
        let key = match (format, prefix) {
            (Some(format), _) => format,
            (None, Some(prefix)) => format!("{prefix}/{DEFAULT_KEY_FORMAT}"),
            (None, None) => DEFAULT_KEY_FORMAT.to_owned(),
        };
        if let Some(url) = url {
            own.insert("url".to_owned(), json!(format!("{}/{key}", url.trim_end_matches('/'))));
            return Ok(Self {
                location: Some(Location::of_driver(driver, &Value::Object(own))?),
                archive_logs,
            });
        }
        let mut location = Location::of_driver(driver, &Value::Object(own))?;
        location.set_key(&key)?;
        Ok(Self { location: Some(location), archive_logs })
    }
}

/// The drivers a repository may have, in the order in which Argo looks (`ArtifactRepository.Get`).
const DRIVERS: [&str; 7] = ["artifactory", "azure", "gcs", "hdfs", "oss", "s3", "plugin"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ArtifactRepository;

    #[test]
    fn the_key_format_becomes_the_key() {
        let format = "{{workflow.name}}/{{pod.name}}";
        for (fields, expected) in [
            (
                json!({"s3": {"bucket": "b", "endpoint": "e"}}),
                json!({"s3": {"bucket": "b", "endpoint": "e", "key": format}}),
            ),
            (
                json!({"s3": {"bucket": "b", "keyFormat": "x/{{node.name}}"}}),
                json!({"s3": {"bucket": "b", "key": "x/{{node.name}}"}}),
            ),
            (json!({"s3": {"keyPrefix": "old"}}), json!({"s3": {"key": format!("old/{format}")}})),
            (json!({"gcs": {"bucket": "b", "keyFormat": "k"}}), json!({"gcs": {"bucket": "b", "key": "k"}})),
            (json!({"oss": {"bucket": "b", "keyFormat": "k"}}), json!({"oss": {"bucket": "b", "key": "k"}})),
            (
                json!({"azure": {"endpoint": "e", "container": "c", "blobNameFormat": "n"}}),
                json!({"azure": {"endpoint": "e", "container": "c", "blob": "n"}}),
            ),
            (
                json!({"artifactory": {"repoURL": "http://h/r/", "usernameSecret": {"name": "n", "key": "k"}}}),
                json!({"artifactory": {"url": format!("http://h/r/{format}"), "usernameSecret": {"name": "n", "key": "k"}}}),
            ),
        ] {
            let found = ArtifactRepository::of(fields.as_object().unwrap()).unwrap().location.unwrap();
            assert_eq!(json!({found.driver(): found.fields()}), expected, "{fields}");
        }
    }

    #[test]
    fn a_repository_may_say_only_that_logs_are_stored() {
        let fields = json!({"archiveLogs": true});
        let found = ArtifactRepository::of(fields.as_object().unwrap()).unwrap();
        assert!(found.archive_logs && found.location.is_none());
        assert!(ArtifactRepository::of(json!({"s3": {"bucket": 1}}).as_object().unwrap()).is_err());
    }
}
