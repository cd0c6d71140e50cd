//! What pods have besides their main container: volumes, mounts, further containers, keys of ConfigMaps and Secrets.
//! Source: Kubernetes core/v1; Argo `workflow_types.go` UserContainer. Not here: what Kubernetes alone looks into
//! (probes, security contexts …), which is kept verbatim.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Container;

type Rest = serde_json::Map<String, Value>;

/// A key of a ConfigMap or Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeySelector {
    /// The object's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Whether it may be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

/// Where an environment variable's value comes from: one of the fields is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvVarSource {
    /// A key of a ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<KeySelector>,
    /// A key of a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeySelector>,
    /// Every other source, verbatim (`fieldRef`, `resourceFieldRef`).
    #[serde(flatten)]
    pub rest: Rest,
}

/// All keys of a ConfigMap or Secret as environment variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvFromSource {
    /// Put in front of each name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<ObjectSelector>,
    /// The Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<ObjectSelector>,
}

/// A ConfigMap or Secret as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectSelector {
    /// The object's name.
    pub name: String,
    /// Whether it may be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

/// A volume of a pod; its source (`emptyDir`, `configMap`, `secret`, `persistentVolumeClaim` …) is kept verbatim.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// The source, by its kind.
    #[serde(flatten)]
    pub source: Rest,
}

/// Where a container sees a volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeMount {
    /// The volume's name.
    pub name: String,
    /// The path in the container.
    pub mount_path: String,
    /// The part of the volume that is seen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sub_path: String,
    /// Whether the container may not write.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// An init container or a sidecar.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "ReadUserContainer")]
pub struct UserContainer {
    /// The container.
    #[serde(flatten)]
    pub container: Container,
    /// Whether it has the main container's mounts, input artifacts among them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mirror_volume_mounts: bool,
}

/// A further container as it is read: `mirrorVolumeMounts` is among the container's other fields then.
#[derive(Deserialize)]
#[serde(transparent)]
struct ReadUserContainer(Container);

impl From<ReadUserContainer> for UserContainer {
    fn from(ReadUserContainer(mut container): ReadUserContainer) -> Self {
        let mirror = container.rest.shift_remove("mirrorVolumeMounts");
        Self { container, mirror_volume_mounts: mirror == Some(Value::Bool(true)) }
    }
}
