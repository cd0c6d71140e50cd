//! What a template of each kind says: container sets, resources, data, HTTP requests. Source: Argo
//! `workflow_types.go`, `container_set_template_types.go`, `data_types.go`, `http_types.go`.
//! Not here: containers and scripts (see `template`), what any of it does (see `engine`, `backend`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Artifact, Container, IntOrString, KeySelector, VolumeMount};

type Rest = serde_json::Map<String, Value>;

/// Several containers of one pod, started in the order of their dependencies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerSetTemplate {
    /// The containers; one is called `main` if there are inputs or outputs.
    pub containers: Vec<ContainerNode>,
    /// Mounts that every container has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<VolumeMount>,
    /// How often a container is run again in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<ContainerSetRetryStrategy>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// How often a container of a set is run again in place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerSetRetryStrategy {
    /// Go duration between attempts; none when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub duration: String,
    /// Attempts in all, whatever Argo's documentation says (`argoexec` counts the first one too).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<IntOrString>,
}

/// One container of a set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "ReadContainerNode")]
pub struct ContainerNode {
    /// The container.
    #[serde(flatten)]
    pub container: Container,
    /// The containers that must have ended well before it starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
}

/// A container of a set as it is read: `dependencies` is among the container's other fields then.
#[derive(Deserialize)]
#[serde(transparent)]
struct ReadContainerNode(Container);

impl From<ReadContainerNode> for ContainerNode {
    fn from(ReadContainerNode(mut container): ReadContainerNode) -> Self {
        let names = container.rest.shift_remove("dependencies");
        let dependencies = names.and_then(|names| serde_json::from_value(names).ok()).unwrap_or_default();
        Self { container, dependencies }
    }
}

/// An act on a Kubernetes object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceTemplate {
    /// `get`, `create`, `apply`, `delete`, `replace` or `patch`.
    pub action: String,
    /// `strategic` (default), `merge` or `json`, for `patch`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub merge_strategy: String,
    /// The object as YAML or JSON.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// Where the object comes from instead, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_from: Option<Value>,
    /// Whether the workflow becomes the object's owner.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub set_owner_reference: bool,
    /// Label selector over the object's fields that means success.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub success_condition: String,
    /// Label selector over the object's fields that means failure; looked at first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure_condition: String,
    /// Further arguments of `kubectl`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

/// A transformation of a list of files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataTemplate {
    /// Where the list comes from.
    pub source: DataSource,
    /// Expressions over `data`, each on the value of the one before.
    pub transformation: Vec<TransformationStep>,
}

/// Where a list of files comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataSource {
    /// An artifact whose keys are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_paths: Option<Artifact>,
}

/// One step of a transformation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TransformationStep {
    /// An expr-lang expression over `data`.
    pub expression: String,
}

/// An HTTP request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpTemplate {
    /// The method; `GET` when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The address.
    pub url: String,
    /// Headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HttpHeader>,
    /// Seconds the request may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// An expr-lang condition over `request` and `response`; a status of 2xx when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub success_condition: String,
    /// The body as text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The body as bytes, verbatim (base64).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_from: Option<Value>,
    /// Whether the server's certificate is left unchecked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

/// A header of an HTTP request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Where its value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<HttpHeaderSource>,
}

/// Where a header's value comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpHeaderSource {
    /// A key of a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeySelector>,
}
