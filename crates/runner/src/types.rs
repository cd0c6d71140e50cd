//! What goes in and out of the runner: plain values. Not here: doing anything with them.

use std::{collections::BTreeMap, sync::Arc};

use backend::LogLine;
use jiff::Timestamp;
use model::{
    NamespacedName, RunId,
    argo::{NodeId, NodePhase, Workflow, WorkflowPhase},
    lower::Binding,
    oam::Via,
};
use policy::{RunFacts, ServerPolicy};
use store::Approval;

/// How runs are driven.
#[derive(Debug, Clone)]
pub struct RunnerConfig {
    /// This server's issuer URL: `iss` of run tokens, and of the local directory's people.
    pub issuer: String,
    /// The `aud` of run tokens.
    pub run_token_audience: String,
    /// Seconds a run token lives; 600 at most.
    pub run_token_seconds: u32,
    /// Pods that may run at once on this machine.
    pub parallel_pods: usize,
    /// How many runs may be under way at once.
    pub parallelism: Parallelism,
    /// What every workflow leaves open is filled in from this one; nothing when absent.
    pub workflow_defaults: Option<Arc<Workflow>>,
    /// How many ended runs are kept.
    pub retention: engine::retention::RetentionPolicy,
    /// What the server allows outside every scope.
    pub policy: ServerPolicy,
    /// How artifacts are moved, and what `http` templates reach.
    pub artifacts: crate::ArtifactSettings,
    /// The executor plugins, in the order they are asked.
    pub executor_plugins: Vec<crate::ExecutorPlugin>,
}

/// How many runs may be under way at once; zero is no limit. Source: Argo `config.go` Parallelism, NamespaceParallelism.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parallelism {
    /// In all.
    pub all: usize,
    /// In one namespace.
    pub in_namespace: usize,
}

/// What somebody wants to start.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The Workflow as it came in; its namespace is set.
    pub workflow: Workflow,
    /// By which path.
    pub via: Via,
    /// The reason given.
    pub reason: Option<String>,
    /// The ticket given.
    pub ticket: Option<String>,
    /// Only check and decide; start nothing.
    pub dry_run: bool,
}

/// What a waiting suspend node is set to.
#[derive(Debug, Clone, Default)]
pub struct NodeValues {
    /// Its phase; it goes on waiting without.
    pub phase: Option<NodePhase>,
    /// Its message.
    pub message: Option<String>,
    /// Its output parameters.
    pub parameters: BTreeMap<String, String>,
}

/// A gate that is open, and what an approval of it binds to.
#[derive(Debug, Clone)]
pub struct OpenGate {
    /// The run.
    pub run: RunFacts,
    /// The suspend node.
    pub node: NodeId,
    /// The node's display name.
    pub display_name: String,
    /// The gate's name as the trait spells it.
    pub gate: String,
    /// The digest over template, parameters, revision, component and gate, hexadecimal.
    pub digest: String,
    /// The parameters that are approved.
    pub parameters: BTreeMap<String, String>,
    /// Distinct people needed.
    pub needed: u32,
    /// Approvals given.
    pub given: Vec<Approval>,
    /// When it closes.
    pub expires_at: Timestamp,
}

/// A run as somebody may see it.
#[derive(Debug, Clone)]
pub struct RunView {
    /// The run.
    pub facts: RunFacts,
    /// The workflow with status; outputs and parameters are left out when the viewer may not see outputs.
    pub workflow: Workflow,
    /// What it is bound to.
    pub binding: Binding,
}

/// An answer to a gate.
#[derive(Debug, Clone, Default)]
pub struct GateAnswer {
    /// The gate's node by display name or id; the only open gate when none.
    pub node: Option<String>,
    /// The digest the approver looked at.
    pub digest: Option<String>,
    /// The reason given.
    pub reason: Option<String>,
}

/// Which logs are wanted.
#[derive(Debug, Clone, Default)]
pub struct LogSelection {
    /// Of the pod with this name or node id only.
    pub pod: Option<String>,
    /// Of the container with this name only; without it, of the main one, or of all of a container set.
    pub container: Option<String>,
    /// Whether to go on until the pods have ended.
    pub follow: bool,
    /// Only the last lines of each pod.
    pub tail: Option<usize>,
}

/// One line of a pod's log.
#[derive(Debug, Clone)]
pub struct PodLine {
    /// The node.
    pub node: NodeId,
    /// The node's display name.
    pub display_name: String,
    /// The pod's name.
    pub pod_name: String,
    /// The line.
    pub line: LogLine,
}

/// A run changed.
#[derive(Debug, Clone)]
pub struct RunChange {
    /// Which.
    pub name: NamespacedName,
    /// Its id.
    pub id: RunId,
    /// What happened to the object.
    pub kind: ChangeKind,
    /// The phase after it.
    pub phase: WorkflowPhase,
}

/// What happened to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is different.
    Modified,
    /// It is gone.
    Deleted,
}
