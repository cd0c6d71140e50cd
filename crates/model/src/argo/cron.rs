//! Workflows on a schedule. Source: Argo `cron_workflow_types.go` (v4.1.2).
//! Not here: what a schedule says (see `cron`), when it is due (see `engine`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ObjectMeta, WorkflowSpec};

/// Starts a Workflow at every time of its schedules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronWorkflow {
    /// `argoproj.io/v1alpha1`.
    pub api_version: String,
    /// `CronWorkflow`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: CronWorkflowSpec,
    /// What has become of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<CronWorkflowStatus>,
}

/// Which workflow runs, and when.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronWorkflowSpec {
    /// The spec of the Workflows that are started.
    pub workflow_spec: WorkflowSpec,
    /// The schedules, as cron writes them; a time that several name counts once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<String>,
    /// Argo 3's spelling of one schedule; it hides the others.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub schedule: String,
    /// `Allow` (default), `Forbid` or `Replace`: what happens when the run before has not ended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub concurrency_policy: String,
    /// No run starts while true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Seconds after its time within which a missed run is still started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_deadline_seconds: Option<i64>,
    /// How many runs that succeeded are kept; 3 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successful_jobs_history_limit: Option<i32>,
    /// How many runs that failed are kept; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_jobs_history_limit: Option<i32>,
    /// The IANA name of the time zone the schedules are read in; the server's when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timezone: String,
    /// Labels, annotations and finalizers of the Workflows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_metadata: Option<ObjectMeta>,
    /// When it stops for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_strategy: Option<StopStrategy>,
    /// A condition over `cronworkflow`; false skips the run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
}

impl CronWorkflowSpec {
    /// Returns the schedules that count: the old spelling's if it is there, otherwise all (Argo
    /// `workflow/convert/legacy_types.go`).
    pub fn all_schedules(&self) -> Vec<&str> {
        if self.schedule.is_empty() {
            self.schedules.iter().map(String::as_str).collect()
        } else {
            vec![&self.schedule]
        }
    }
}

/// When a CronWorkflow stops for good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StopStrategy {
    /// An expr-lang condition over `cronworkflow`; true stops it.
    pub expression: String,
}

/// What has become of a CronWorkflow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronWorkflowStatus {
    /// References to the Workflows that run (Kubernetes ObjectReference, verbatim).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<Value>,
    /// When a run was last due, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scheduled_time: Option<String>,
    /// Conditions, verbatim.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Value>,
    /// How many runs have succeeded.
    pub succeeded: i64,
    /// How many runs have failed.
    pub failed: i64,
    /// `Active` or `Stopped`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
}
