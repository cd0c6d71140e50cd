//! What a run asks for: commands as data. Not here: carrying them out (see `backend`, `runner`).

use std::sync::Arc;

use jiff::Timestamp;
use model::argo::{NodeId, Template, WorkflowPhase};

use crate::TimerId;

/// What must now be done. Repeating a command is harmless.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start a pod.
    StartPod(Arc<Pod>),
    /// Kill a pod.
    KillPod {
        /// Whose.
        node: NodeId,
    },
    /// Send [`EventKind::TimerFired`] at `at`.
    SetTimer {
        /// Which.
        timer: TimerId,
        /// When.
        at: Timestamp,
    },
    /// Forget a timer.
    CancelTimer {
        /// Which.
        timer: TimerId,
    },
    /// A gate waits for approvals from now on.
    OpenGate {
        /// The suspend node.
        node: NodeId,
        /// The gate's name as the trait spells it.
        gate: String,
    },
    /// The run has ended.
    Complete {
        /// How.
        phase: WorkflowPhase,
    },
}

/// A pod to run: everything resolved, no tags left.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// Whose.
    pub node: NodeId,
    /// The node's full name.
    pub node_name: String,
    /// The name within its boundary, for log prefixes.
    pub display_name: String,
    /// The pod's name.
    pub pod_name: String,
    /// The template after substitution; `container` or `script` is set.
    pub template: Template,
    /// The input artifacts with a place in the pod.
    pub inputs: Vec<PodInput>,
    /// Whether standard output is to be collected as the result.
    pub wants_result: bool,
    /// Seconds after which the pod is killed, counted from its start.
    pub deadline_seconds: Option<u64>,
}

/// One input artifact of a pod.
#[derive(Debug, Clone, PartialEq)]
pub struct PodInput {
    /// Its name.
    pub name: String,
    /// Where in the pod.
    pub path: String,
    /// What is put there.
    pub source: InputSource,
    /// The file mode.
    pub mode: Option<i32>,
}

/// What is put at an input artifact's place.
#[derive(Debug, Clone, PartialEq)]
pub enum InputSource {
    /// A key in the artifact store.
    Stored(String),
    /// A literal text.
    Raw(String),
}
