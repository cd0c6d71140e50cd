//! Kubernetes' objects that workflows read: ConfigMap, Secret, PersistentVolumeClaim. Source: Kubernetes core/v1.
//! Not here: who may read them (see `policy`), where they are kept (see `store`), how a Secret is sealed (see `runner`).
//!
//! Invariant: the values of a Secret are never in its `Debug` form; they are in its JSON form only as long as it is not
//! sealed, which is before it is kept.

mod secret;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use secret::{Secret, SecretValue};

use crate::argo::{AnyString, ObjectMeta};

/// The API version of these objects.
pub const API_VERSION: &str = "v1";
/// The label by which Argo tells what a ConfigMap is for.
pub const CONFIG_MAP_TYPE_LABEL: &str = "workflows.argoproj.io/configmap-type";

/// Texts by key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigMap {
    /// `v1`.
    pub api_version: String,
    /// `ConfigMap`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// The texts.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub data: IndexMap<String, AnyString>,
    /// Bytes, base64.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub binary_data: IndexMap<String, String>,
    /// Whether it may not change any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
}

/// A folder that outlives the workflows that use it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PersistentVolumeClaim {
    /// `v1`.
    pub api_version: String,
    /// `PersistentVolumeClaim`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// What is asked of the volume, verbatim: on one machine every claim is a folder.
    pub spec: Value,
    /// What has become of it, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
}
