//! What holds nodes up, repeats, remembers or follows them: retries, hooks, memoization, locks, metrics, retention.
//! Source: Argo `workflow_types.go`. Not here: what any of it does (see `engine`).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Arguments, IntOrString, KeySelector, TemplateRef};

type Rest = serde_json::Map<String, Value>;

/// How often a failed attempt is repeated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RetryStrategy {
    /// Attempts after the first; for ever when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<IntOrString>,
    /// `Always`, `OnFailure` (default), `OnError` or `OnTransientError`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub retry_policy: String,
    /// How long to wait between attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// A condition over `lastRetry`; no further attempt when false.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expression: String,
    /// Every other field, verbatim (`affinity`).
    #[serde(flatten)]
    pub rest: Rest,
}

/// How long to wait between attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backoff {
    /// Before the second attempt: seconds as digits, or a Go duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<IntOrString>,
    /// What each further wait is multiplied with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<IntOrString>,
    /// The longest wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<IntOrString>,
    /// The longest time from the first attempt's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<IntOrString>,
}

/// A template that runs at an event of a node's or workflow's life.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LifecycleHook {
    /// The template's name in this workflow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// What is handed over.
    #[serde(skip_serializing_if = "Arguments::is_empty")]
    pub arguments: Arguments,
    /// A template of a WorkflowTemplate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_ref: Option<TemplateRef>,
    /// When it runs; at the end (`exit`) when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expression: String,
}

/// Hooks by name; `exit` runs at the end, the others when their expression becomes true.
pub type LifecycleHooks = IndexMap<String, LifecycleHook>;

/// Whether an earlier node's outputs are taken instead of running.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memoize {
    /// The key of the entry.
    pub key: String,
    /// Where entries are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<MemoizeCache>,
    /// How old an entry may be: a Go duration.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub max_age: String,
}

/// Where outputs are remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoizeCache {
    /// A ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map: Option<KeySelector>,
}

/// The locks that are held while a workflow or a template runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Synchronization {
    /// Locks that a number of holders may share.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub semaphores: Vec<SemaphoreRef>,
    /// Locks that one holder has at a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mutexes: Vec<Mutex>,
    /// Argo 3's spelling of one semaphore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semaphore: Option<SemaphoreRef>,
    /// Argo 3's spelling of one mutex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutex: Option<Mutex>,
}

impl Synchronization {
    /// Returns all mutexes, however they are spelled.
    pub fn all_mutexes(&self) -> impl Iterator<Item = &Mutex> {
        self.mutexes.iter().chain(&self.mutex)
    }
    /// Returns all semaphores, however they are spelled.
    pub fn all_semaphores(&self) -> impl Iterator<Item = &SemaphoreRef> {
        self.semaphores.iter().chain(&self.semaphore)
    }
}

/// A lock that one holder has at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mutex {
    /// Its name.
    pub name: String,
    /// Its namespace; the workflow's when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Whether it is shared through the database.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub database: bool,
}

/// A lock that a number of holders may share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SemaphoreRef {
    /// The ConfigMap's key that holds the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<KeySelector>,
    /// The database's key that holds the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<SyncDatabaseRef>,
    /// Its namespace; the workflow's when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// A limit that is kept in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncDatabaseRef {
    /// The key.
    pub key: String,
}

/// The metrics of a workflow or template.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metrics {
    /// Prometheus metrics.
    pub prometheus: Vec<Prometheus>,
}

/// One Prometheus metric: exactly one of its kinds is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Prometheus {
    /// The name; `argo_workflows_` is put in front.
    pub name: String,
    /// Labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<MetricLabel>,
    /// What it means.
    pub help: String,
    /// A condition; false emits nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// A value that goes up and down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gauge: Option<Gauge>,
    /// Counts observations by size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
    /// Only goes up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<Counter>,
}

/// A label of a metric.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricLabel {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A value that goes up and down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gauge {
    /// A number as text, usually a tag.
    pub value: String,
    /// Whether it is kept up to date while the node runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realtime: Option<bool>,
    /// `Set` (default), `Add` or `Sub`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operation: String,
}

/// Counts observations by size.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// A number as text, usually a tag.
    pub value: String,
    /// The upper bounds.
    pub buckets: Vec<serde_json::Number>,
}

/// Only goes up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counter {
    /// A number as text, usually `1`.
    pub value: String,
}

/// When a workflow that has ended is deleted; seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TtlStrategy {
    /// After any end for which no other field is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_completion: Option<i64>,
    /// After phase Succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_success: Option<i64>,
    /// After phase Failed, not Error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_failure: Option<i64>,
}

/// When pods are deleted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodGc {
    /// `OnPodCompletion`, `OnPodSuccess`, `OnWorkflowCompletion` or `OnWorkflowSuccess`; never when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strategy: String,
    /// Which pods, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<Value>,
    /// How long they are kept after that: a Go duration.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub delete_delay_duration: String,
}
