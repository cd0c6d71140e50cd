//! What a run asks for: commands as data. Not here: carrying them out (see `backend`, `runner`).

use std::sync::Arc;

use jiff::Timestamp;
use model::argo::{Archive, ArchiveLocation, Location, NodeId, NodeOutputs, Template, Volume, WorkflowPhase};

use crate::TimerId;

/// What must now be done. Repeating a command is harmless.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start a pod.
    StartPod(Arc<Pod>),
    /// Do a task that needs no process of the workflow's own; answered by [`EventKind::TaskFinished`].
    StartTask(Arc<Task>),
    /// Look something up that is kept outside the run; answered by [`EventKind::Answered`].
    Ask {
        /// Who waits for it; the run itself if none.
        node: Option<NodeId>,
        /// What.
        question: Question,
    },
    /// Take locks, all or none; answered by [`EventKind::Locked`] once they are held, and by
    /// [`EventKind::LockWaits`] as long as they are not. Released locks that were never held are no failure.
    Lock(Arc<LockRequest>),
    /// Give the holder's locks back, or its place in the queue.
    Unlock {
        /// Whose; the run's own if none.
        holder: Option<NodeId>,
    },
    /// Remember a node's outputs for others.
    Memoize(Box<MemoEntry>),
    /// Add to or set a metric.
    Measure(Box<Measurement>),
    /// Kill a pod, or give up a task.
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

/// A task that needs no process of the workflow's own: `http`, `plugin`, `data` or `resource` is set in the template.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Whose.
    pub node: NodeId,
    /// The node's full name.
    pub node_name: String,
    /// The template after substitution.
    pub template: Template,
    /// The input artifacts.
    pub inputs: Vec<PodInput>,
    /// Seconds after which it is given up, counted from its start.
    pub deadline_seconds: Option<u64>,
}

/// What is kept outside the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A key of a ConfigMap that has the label `workflows.argoproj.io/configmap-type: Parameter`.
    ConfigMapKey {
        /// The ConfigMap's name.
        name: String,
        /// The key.
        key: String,
    },
    /// The templates of a WorkflowTemplate of the run's namespace, or of a ClusterWorkflowTemplate, asked for by a
    /// `templateRef` that was not resolved before the run began (its name holds variables); answered by
    /// [`crate::Answer::Templates`], so that the run's own events pin what it resolved.
    Templates {
        /// The WorkflowTemplate's or ClusterWorkflowTemplate's name.
        name: String,
        /// Whether it is a ClusterWorkflowTemplate.
        cluster_scope: bool,
    },
    /// A memoized entry.
    Memo {
        /// The cache's ConfigMap.
        cache: String,
        /// The entry's key.
        key: String,
    },
}

/// Locks that are wanted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockRequest {
    /// Who will hold them; the run itself if none.
    pub holder: Option<NodeId>,
    /// The locks, as Argo names them.
    pub locks: Vec<LockName>,
    /// The higher, the earlier.
    pub priority: i64,
    /// Among equals the older workflow comes first.
    pub since: Timestamp,
}

/// A lock. Source: Argo `workflow/sync/lock_name.go`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockName {
    /// `<namespace>/Mutex/<name>`
    Mutex {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
        /// Whether it is shared through the database.
        database: bool,
    },
    /// `<namespace>/ConfigMap/<name>/<key>`
    ConfigMap {
        /// The namespace.
        namespace: String,
        /// The ConfigMap's name.
        name: String,
        /// The key that holds the number of holders.
        key: String,
    },
    /// `<namespace>/Database/<key>`
    Database {
        /// The namespace.
        namespace: String,
        /// The key that holds the number of holders.
        key: String,
    },
}

impl LockName {
    /// Whether it is a mutex.
    pub const fn is_mutex(&self) -> bool {
        matches!(self, Self::Mutex { .. })
    }
}

impl std::fmt::Display for LockName {
    /// Writes it as Argo does.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mutex { namespace, name, database: false } => write!(f, "{namespace}/Mutex/{name}"),
            Self::Mutex { namespace, name, database: true } => write!(f, "{namespace}/Database/{name}"),
            Self::ConfigMap { namespace, name, key } => write!(f, "{namespace}/ConfigMap/{name}/{key}"),
            Self::Database { namespace, key } => write!(f, "{namespace}/Database/{key}"),
        }
    }
}

/// A node's outputs to be remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoEntry {
    /// The cache's ConfigMap.
    pub cache: String,
    /// The entry's key.
    pub key: String,
    /// The node that gave them.
    pub node: NodeId,
    /// The outputs.
    pub outputs: NodeOutputs,
}

/// One observation of a metric; name, labels and value have no tags left.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The name as written, without Argo's prefix.
    pub name: String,
    /// What it means.
    pub help: String,
    /// Labels in order.
    pub labels: Vec<(String, String)>,
    /// The observation.
    pub observed: Observed,
}

/// What a metric is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// A gauge becomes this.
    GaugeSet(f64),
    /// A gauge shows the seconds since then, until it is set.
    GaugeSince(Timestamp),
    /// A gauge grows by this.
    GaugeAdd(f64),
    /// A counter grows by this.
    CounterAdd(f64),
    /// A histogram with these upper bounds sees this.
    Histogram(f64, Vec<f64>),
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
    /// The template after substitution; `container`, `script` or `containerSet` is set.
    pub template: Template,
    /// The volumes of the workflow and of the template, by the order they are written in.
    pub volumes: Vec<Volume>,
    /// The input artifacts with a place in the pod.
    pub inputs: Vec<PodInput>,
    /// Where outputs go that do not say so themselves, and whether the log does.
    pub archive: ArchiveLocation,
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
    /// Whether `mode` is for all files of a folder.
    pub recurse_mode: bool,
    /// Whether nothing may be there.
    pub optional: bool,
    /// How it is packed, if that is said; found out otherwise.
    pub archive: Option<Archive>,
}

/// What is put at an input artifact's place.
#[derive(Debug, Clone, PartialEq)]
pub enum InputSource {
    /// A key in this machine's own artifact store, as an outcome gave it: never one that a user wrote. A part of the
    /// artifact (`subPath`) is appended with a slash.
    Stored(String),
    /// A literal text.
    Raw(String),
    /// Somewhere else; what is missing of it is filled in from [`Pod::archive`]. A part of the artifact is appended
    /// with [`Location::append_to_key`].
    Located(Box<Location>),
}
