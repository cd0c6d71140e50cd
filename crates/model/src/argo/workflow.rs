//! Workflow and WorkflowTemplate. Source: Argo `workflow_types.go`, `workflow_template_types.go`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AnyString, Arguments, LifecycleHooks, Metrics, PodGc, RetryStrategy, Synchronization, Template,
    TtlStrategy, Volume, WorkflowStatus,
};

/// The API version of Argo's objects.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";

type Rest = serde_json::Map<String, Value>;

/// A Kubernetes object's metadata, as far as Argo and OAM use it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectMeta {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The prefix of a name to be made.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub generate_name: String,
    /// The namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The UUID of this very object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// The version of this object, for optimistic updates.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<String>,
    /// Labels.
    #[serde(skip_serializing_if = "IndexMap::is_empty", deserialize_with = "null_is_empty")]
    pub labels: IndexMap<String, AnyString>,
    /// Annotations.
    #[serde(skip_serializing_if = "IndexMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: IndexMap<String, AnyString>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(d: D) -> Result<IndexMap<String, AnyString>, D::Error> {
    Option::<IndexMap<String, AnyString>>::deserialize(d).map(Option::unwrap_or_default)
}

/// An execution, asked for or under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Workflow {
    /// `argoproj.io/v1alpha1`.
    pub api_version: String,
    /// `Workflow`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: WorkflowSpec,
    /// What has become of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<WorkflowStatus>,
}

/// A workflow at rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowTemplate {
    /// `argoproj.io/v1alpha1`.
    pub api_version: String,
    /// `WorkflowTemplate` or `ClusterWorkflowTemplate`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// What it does.
    pub spec: WorkflowSpec,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowSpec {
    /// The template to begin with.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub entrypoint: String,
    /// The workflow's own parameters and artifacts.
    #[serde(skip_serializing_if = "Arguments::is_empty")]
    pub arguments: Arguments,
    /// The templates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Template>,
    /// The template that runs at the end, whatever happened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub on_exit: String,
    /// Seconds the workflow may run, counted from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_deadline_seconds: Option<i64>,
    /// How many pods may be active at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i64>,
    /// Applies to every template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    /// Templates that run at events of the workflow's life.
    #[serde(skip_serializing_if = "LifecycleHooks::is_empty")]
    pub hooks: LifecycleHooks,
    /// Lies under every template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_defaults: Option<Box<Template>>,
    /// The locks that are held while the workflow runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization: Option<Synchronization>,
    /// What is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// Volumes that every template may mount.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Volumes that are made for this workflow, verbatim (PersistentVolumeClaim).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_claim_templates: Vec<Value>,
    /// When the workflow is deleted after its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_strategy: Option<TtlStrategy>,
    /// When its pods are deleted.
    #[serde(rename = "podGC", skip_serializing_if = "Option::is_none")]
    pub pod_gc: Option<PodGc>,
    /// Orders the queues of waiting workflows and locks; the higher, the earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// The service account of its pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// No new node starts while true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// `Stop` or `Terminate`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shutdown: String,
    /// The WorkflowTemplate whose whole spec is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_template_ref: Option<WorkflowTemplateRef>,
    /// Labels and annotations of the runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_metadata: Option<Value>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// Refers to a WorkflowTemplate as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowTemplateRef {
    /// The WorkflowTemplate's name.
    pub name: String,
    /// Whether it is a ClusterWorkflowTemplate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cluster_scope: bool,
}
