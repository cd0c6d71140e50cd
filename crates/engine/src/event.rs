//! What can happen to a run: the closed set of events. Not here: who or what sends them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::argo::{Location, NodeId, NodeOutputs, NodePhase, NodeStatus, Template};

use crate::Question;

/// What happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When it happened; the only clock the engine knows.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// The run begins.
    Started,
    /// The run begins, with nodes of an earlier run that are not run again (a memoized resubmit).
    Resubmitted {
        /// What is taken over, under this run's names.
        nodes: Vec<NodeStatus>,
    },
    /// The run may not begin yet.
    Postponed {
        /// Why, in Argo's words.
        message: String,
    },
    /// The run has ended and begins again; what is not named is not run again.
    Restarted {
        /// The nodes that run again, with all that followed from them.
        again: Vec<NodeId>,
        /// Arguments that take the place of the workflow's own.
        parameters: BTreeMap<String, String>,
    },
    /// A pod's process runs.
    PodRunning {
        /// Whose.
        node: NodeId,
    },
    /// A pod ended.
    PodFinished {
        /// Whose.
        node: NodeId,
        /// How.
        outcome: PodOutcome,
    },
    /// A pod's containers are ready; a daemon counts as done from now on.
    PodReady {
        /// Whose.
        node: NodeId,
        /// The address others reach it at; empty if there is none.
        ip: String,
    },
    /// A pod or task says how far it is.
    Progress {
        /// Whose.
        node: NodeId,
        /// `done/all`.
        progress: String,
    },
    /// A task ended.
    TaskFinished {
        /// Whose.
        node: NodeId,
        /// How.
        outcome: TaskOutcome,
    },
    /// What was asked by [`Command::Ask`] is known.
    Answered {
        /// Who asked; the run itself if none.
        node: Option<NodeId>,
        /// What was asked.
        question: Question,
        /// The answer.
        answer: Answer,
    },
    /// The holder has its locks.
    Locked {
        /// Whose; the run's own if none.
        holder: Option<NodeId>,
    },
    /// The holder waits for its locks.
    LockWaits {
        /// Whose; the run's own if none.
        holder: Option<NodeId>,
        /// The lock it waits for, as Argo names it.
        lock: String,
        /// Why, in Argo's words.
        message: String,
        /// Who has it, as Argo names them: `<namespace>/<workflow>[/<node id>]`.
        holders: Vec<String>,
    },
    /// The holder can never have its locks.
    LockRefused {
        /// Whose; the run's own if none.
        holder: Option<NodeId>,
        /// Why, in Argo's words.
        message: String,
    },
    /// A timer set by [`Command::SetTimer`] went off.
    TimerFired {
        /// Which.
        timer: TimerId,
    },
    /// A suspend node was resumed (`None`: all that wait and have no gate).
    Resumed {
        /// Which.
        node: Option<NodeId>,
        /// The message it gets.
        message: String,
        /// Supplied output parameters.
        parameters: BTreeMap<String, String>,
    },
    /// A suspend node was failed from outside (stop with a selector, a gate's expiry).
    NodeFailed {
        /// Which.
        node: NodeId,
        /// Failed or Error.
        phase: NodePhase,
        /// The message it gets.
        message: String,
    },
    /// A waiting suspend node is changed from outside.
    NodeSet {
        /// Which.
        node: NodeId,
        /// Its phase, if it is to change.
        phase: Option<NodePhase>,
        /// Its message, if it is to change.
        message: Option<String>,
        /// Supplied output parameters.
        parameters: BTreeMap<String, String>,
    },
    /// No new node starts until [`EventKind::Unsuspended`].
    Suspended,
    /// New nodes start again.
    Unsuspended,
    /// The run is being shut down.
    ShutdownRequested {
        /// How.
        strategy: ShutdownStrategy,
        /// The message it gets, if not Argo's own.
        message: Option<String>,
    },
}

/// How a run is shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownStrategy {
    /// Pods are killed, exit handlers run.
    Stop,
    /// Pods are killed, exit handlers do not run.
    Terminate,
}

/// How a pod ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PodOutcome {
    /// Its end: that of the main container.
    pub end: PodEnd,
    /// How containers ended, by name: each of a container set, init containers, sidecars; the main one if it could not start.
    pub containers: BTreeMap<String, ContainerEnd>,
    /// What was collected: parameters by name, artifacts by name, result.
    pub outputs: CollectedOutputs,
}

impl PodOutcome {
    /// Returns the outcome of a pod that has only its main container.
    pub const fn new(end: PodEnd, outputs: CollectedOutputs) -> Self {
        Self { end, containers: BTreeMap::new(), outputs }
    }
}

/// How one container of a pod ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEnd {
    /// The exit code; none if it never started.
    pub exit_code: Option<i32>,
    /// Why, if there is more to say, in Argo's words.
    pub message: String,
    /// When it started, if it did.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// How a task ended: the phase is Succeeded, Failed or Error.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOutcome {
    /// How.
    pub phase: NodePhase,
    /// Why, in Argo's words.
    pub message: String,
    /// What it gave.
    pub outputs: NodeOutputs,
}

/// What is known of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The text of a ConfigMap's key.
    Text(String),
    /// The `spec.templates` of a WorkflowTemplate.
    Templates(Vec<Template>),
    /// A memoized entry.
    Memo {
        /// The node that gave it.
        node: String,
        /// When it was made.
        created_at: Timestamp,
        /// The outputs.
        outputs: NodeOutputs,
    },
    /// There is none: the object or the key is missing. The message says which, in Argo's words.
    NotFound(String),
    /// It cannot be used. The message says why, in Argo's words.
    Refused(String),
}

/// The end of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodEnd {
    /// The main process ended with this exit code (128 + signal when killed by one).
    Exited(i32),
    /// The deadline passed and it was killed.
    DeadlineExceeded,
    /// It was killed by [`Command::KillPod`].
    Killed,
    /// It could not be run, its outputs could not be collected, or it was lost.
    Error(String),
}

/// Where an output artifact was stored.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredArtifact {
    /// In this machine's own artifact store, under this key.
    Key(String),
    /// Somewhere else. A location that has only a key (`s3`) is one of the namespace's in this machine's own store; its
    /// key never looks like one of [`StoredArtifact::Key`].
    Located(Box<Location>),
}

impl StoredArtifact {
    /// Returns the key in this machine's own artifact store; none if it lies somewhere else.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Located(_) => None,
        }
    }
}

/// What was collected from a pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CollectedOutputs {
    /// The contents of `valueFrom.path` files, one trailing newline removed; missing files are absent.
    pub parameters: BTreeMap<String, String>,
    /// Where the artifacts were stored, by name (`main-logs` is the log); missing files are absent.
    pub artifacts: BTreeMap<String, StoredArtifact>,
    /// The end of standard output (256 KiB), one trailing newline removed; only if asked for.
    pub result: Option<String>,
}

/// Names a timer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerId {
    /// The workflow's deadline.
    WorkflowDeadline,
    /// The end of a suspend node's duration.
    SuspendOver(NodeId),
    /// A gate's expiry.
    GateExpired(NodeId),
    /// The end of a retry's wait.
    Backoff(NodeId),
    /// A node's own deadline.
    NodeDeadline(NodeId),
    /// The longest time a pod may wait to start.
    PendingTimeout(NodeId),
}
