//! What has become of a workflow and of each of its nodes. Source: Argo `workflow_types.go` WorkflowStatus,
//! NodeStatus. Times are RFC 3339 with whole seconds, as Kubernetes writes them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Artifact, Inputs, NodeId, Parameter, TemplateRef};

/// The phase of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NodePhase {
    /// Waits to start.
    Pending,
    /// Is under way.
    Running,
    /// Ended well.
    Succeeded,
    /// Its condition was false.
    Skipped,
    /// Ended badly by its own doing.
    Failed,
    /// Ended badly by no doing of its own.
    Error,
    /// Its dependencies ruled it out.
    Omitted,
}

impl NodePhase {
    /// Whether the node has ended.
    pub const fn is_fulfilled(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
    /// Whether the node ended badly.
    pub const fn is_failed_or_error(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
    /// Returns the phase as Argo spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Skipped => "Skipped",
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Omitted => "Omitted",
        }
    }
}

/// The phase of a workflow; `Unknown` (not yet looked at) is spelled as an empty text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WorkflowPhase {
    /// Not yet looked at.
    #[default]
    #[serde(rename = "")]
    Unknown,
    /// Waits to start.
    Pending,
    /// Is under way.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly by its own doing.
    Failed,
    /// Ended badly by no doing of its own.
    Error,
}

impl WorkflowPhase {
    /// Whether the workflow has ended.
    pub const fn is_completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }
    /// Returns the phase as Argo spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Error => "Error",
        }
    }
}

/// The type of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NodeType {
    /// A pod (container or script).
    Pod,
    /// One container of a containerSet.
    Container,
    /// A steps template.
    Steps,
    /// One group of a steps template.
    StepGroup,
    /// A dag template.
    #[serde(rename = "DAG")]
    Dag,
    /// The items of a looped task.
    TaskGroup,
    /// The attempts of a node.
    Retry,
    /// A node that never ran.
    Skipped,
    /// A node that waits.
    Suspend,
    /// An HTTP request.
    #[serde(rename = "HTTP")]
    Http,
    /// An executor plugin.
    Plugin,
}

/// What a node is besides its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeFlag {
    /// It belongs to a hook or an exit handler.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hooked: bool,
    /// It is an attempt of a Retry node.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retried: bool,
}

/// What a node gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeOutputs {
    /// Parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// The end of standard output, if somebody refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The exit code in decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<String>,
}

/// What has become of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// The id.
    pub id: NodeId,
    /// The full name, from the root.
    pub name: String,
    /// The name within its boundary.
    pub display_name: String,
    /// The type.
    #[serde(rename = "type")]
    pub node_type: NodeType,
    /// The template's name; empty for groups and inline templates.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub template_name: String,
    /// What names the template if it is another WorkflowTemplate's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_ref: Option<TemplateRef>,
    /// Where the template that calls it was written: `local/<workflow>`, `namespaced/<template>` or `cluster/<template>`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub template_scope: String,
    /// The phase.
    pub phase: NodePhase,
    /// The steps or dag node it belongs to.
    #[serde(rename = "boundaryID", default, skip_serializing_if = "Option::is_none")]
    pub boundary_id: Option<NodeId>,
    /// Why it is in its phase.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it started.
    #[serde(with = "seconds", default)]
    pub started_at: Option<Timestamp>,
    /// When it ended; null before.
    #[serde(with = "seconds", default)]
    pub finished_at: Option<Timestamp>,
    /// `done/all` pods below it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub progress: String,
    /// What it is besides its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_flag: Option<NodeFlag>,
    /// What it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// What it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<NodeOutputs>,
    /// The nodes it led to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<NodeId>,
    /// The last nodes of a steps, dag or retry node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outbound_nodes: Vec<NodeId>,
    /// Where it ran.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_node_name: String,
    /// The address others reach it at, once its containers are ready.
    #[serde(rename = "podIP", default, skip_serializing_if = "String::is_empty")]
    pub pod_ip: String,
    /// Whether it is a daemon that counts as done and goes on until its boundary ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemoned: Option<bool>,
    /// Whether its outputs were taken from a memoized entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memoization_status: Option<Box<MemoizationStatus>>,
    /// The lock it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synchronization_status: Option<Box<NodeSynchronizationStatus>>,
    /// What it used: seconds of each resource's base amount.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources_duration: BTreeMap<String, i64>,
    /// Seconds it took in an earlier run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_duration: Option<i64>,
}

impl NodeStatus {
    /// Whether what follows may go on: it has ended, or it is a daemon that is ready.
    /// Source: Argo `workflow_types.go` Fulfilled.
    pub fn is_fulfilled(&self) -> bool {
        self.phase.is_fulfilled() || (self.daemoned == Some(true) && self.phase != NodePhase::Pending)
    }
}

/// What became of the question for a memoized entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoizationStatus {
    /// Whether there was one.
    pub hit: bool,
    /// The key.
    pub key: String,
    /// The cache's name.
    pub cache_name: String,
}

/// The lock a node waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeSynchronizationStatus {
    /// As Argo names it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub waiting: String,
}

/// What has become of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowStatus {
    /// The phase.
    pub phase: WorkflowPhase,
    /// When it started.
    #[serde(with = "seconds")]
    pub started_at: Option<Timestamp>,
    /// When it ended; null before.
    #[serde(with = "seconds")]
    pub finished_at: Option<Timestamp>,
    /// Why it is in its phase.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// `done/all` pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub progress: String,
    /// The nodes by id.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub nodes: IndexMap<NodeId, NodeStatus>,
    /// Global outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<NodeOutputs>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

/// RFC 3339 with whole seconds, or null.
mod seconds {
    use jiff::{Timestamp, Unit};
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde's `with` hands over a reference to the field")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => {
                let whole =
                    at.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc));
                serializer.collect_str(&whole.unwrap_or(*at))
            }
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Option::<Timestamp>::deserialize(deserializer)
    }
}
