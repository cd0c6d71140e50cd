//! [`engine::Event`], version 1.

use std::collections::BTreeMap;

use engine::{CollectedOutputs, Event, EventKind, PodEnd, PodOutcome, ShutdownStrategy, TimerId};
use jiff::Timestamp;
use model::argo::{NodeId, NodePhase, NodeStatus};
use serde::{Deserialize, Serialize};

use super::{
    answer::{StoredAnswer, StoredContainerEnd, StoredQuestion, StoredTaskEnd},
    place::StoredPlace,
};
use crate::StoreError;

const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEvent {
    v: u32,
    at: Timestamp,
    #[serde(rename = "is")]
    kind: StoredKind,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum StoredKind {
    Started,
    Resubmitted {
        nodes: Vec<NodeStatus>,
    },
    Postponed {
        message: String,
    },
    Restarted {
        again: Vec<NodeId>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, String>,
    },
    PodRunning {
        node: NodeId,
    },
    PodFinished {
        node: NodeId,
        end: StoredEnd,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        artifacts: BTreeMap<String, StoredPlace>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        containers: BTreeMap<String, StoredContainerEnd>,
    },
    PodReady {
        node: NodeId,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        ip: String,
    },
    Progress {
        node: NodeId,
        progress: String,
    },
    TaskFinished {
        node: NodeId,
        end: StoredTaskEnd,
    },
    Answered {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        question: StoredQuestion,
        answer: StoredAnswer,
    },
    Locked {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<NodeId>,
    },
    LockWaits {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<NodeId>,
        lock: String,
        message: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        holders: Vec<String>,
    },
    LockRefused {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<NodeId>,
        message: String,
    },
    TimerFired {
        timer: StoredTimer,
    },
    Resumed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        message: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, String>,
    },
    NodeFailed {
        node: NodeId,
        phase: NodePhase,
        message: String,
    },
    NodeSet {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<NodePhase>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, String>,
    },
    Suspended,
    Unsuspended,
    ShutdownRequested {
        strategy: StoredStrategy,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredEnd {
    Exited(i32),
    DeadlineExceeded,
    Killed,
    Error(String),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredTimer {
    WorkflowDeadline,
    SuspendOver(NodeId),
    GateExpired(NodeId),
    Backoff(NodeId),
    NodeDeadline(NodeId),
    PendingTimeout(NodeId),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredStrategy {
    Stop,
    Terminate,
}

/// Returns the event as it is kept.
///
/// # Errors
/// [`StoreError::Damaged`] if it has no JSON form, which every event has.
pub(crate) fn event_to_text(event: &Event) -> Result<String, StoreError> {
    let stored = StoredEvent { v: VERSION, at: event.at, kind: kind_to_stored(&event.kind) };
    Ok(serde_json::to_string(&stored)?)
}

/// Reads an event back.
///
/// # Errors
/// [`StoreError::Damaged`].
pub(crate) fn event_from_text(text: &str) -> Result<Event, StoreError> {
    let stored: StoredEvent = serde_json::from_str(text)?;
    if stored.v != VERSION {
        return Err(StoreError::Damaged(format!(
            "an event of version {}, which this release does not know",
            stored.v
        )));
    }
    Ok(Event { at: stored.at, kind: stored_to_kind(stored.kind) })
}

fn kind_to_stored(kind: &EventKind) -> StoredKind {
    match kind.clone() {
        EventKind::Started => StoredKind::Started,
        EventKind::Resubmitted { nodes } => StoredKind::Resubmitted { nodes },
        EventKind::Postponed { message } => StoredKind::Postponed { message },
        EventKind::Restarted { again, parameters } => StoredKind::Restarted { again, parameters },
        EventKind::NodeSet { node, phase, message, parameters } => {
            StoredKind::NodeSet { node, phase, message, parameters }
        }
        EventKind::PodRunning { node } => StoredKind::PodRunning { node },
        EventKind::PodFinished { node, outcome } => StoredKind::PodFinished {
            node,
            end: end_to_stored(outcome.end),
            parameters: outcome.outputs.parameters,
            artifacts: outcome.outputs.artifacts.into_iter().map(|(name, at)| (name, at.into())).collect(),
            result: outcome.outputs.result,
            containers: outcome.containers.into_iter().map(|(name, end)| (name, end.into())).collect(),
        },
        EventKind::PodReady { node, ip } => StoredKind::PodReady { node, ip },
        EventKind::Progress { node, progress } => StoredKind::Progress { node, progress },
        EventKind::TaskFinished { node, outcome } => StoredKind::TaskFinished { node, end: outcome.into() },
        EventKind::Answered { node, question, answer } => {
            StoredKind::Answered { node, question: question.into(), answer: answer.into() }
        }
        EventKind::Locked { holder } => StoredKind::Locked { holder },
        EventKind::LockWaits { holder, lock, message, holders } => {
            StoredKind::LockWaits { holder, lock, message, holders }
        }
        EventKind::LockRefused { holder, message } => StoredKind::LockRefused { holder, message },
        EventKind::TimerFired { timer } => StoredKind::TimerFired { timer: timer_to_stored(timer) },
        EventKind::Resumed { node, message, parameters } => StoredKind::Resumed { node, message, parameters },
        EventKind::NodeFailed { node, phase, message } => StoredKind::NodeFailed { node, phase, message },
        EventKind::Suspended => StoredKind::Suspended,
        EventKind::Unsuspended => StoredKind::Unsuspended,
        EventKind::ShutdownRequested { strategy, message } => {
            let strategy = match strategy {
                ShutdownStrategy::Stop => StoredStrategy::Stop,
                ShutdownStrategy::Terminate => StoredStrategy::Terminate,
            };
            StoredKind::ShutdownRequested { strategy, message }
        }
    }
}

fn stored_to_kind(kind: StoredKind) -> EventKind {
    match kind {
        StoredKind::Started => EventKind::Started,
        StoredKind::Resubmitted { nodes } => EventKind::Resubmitted { nodes },
        StoredKind::Postponed { message } => EventKind::Postponed { message },
        StoredKind::Restarted { again, parameters } => EventKind::Restarted { again, parameters },
        StoredKind::NodeSet { node, phase, message, parameters } => {
            EventKind::NodeSet { node, phase, message, parameters }
        }
        StoredKind::PodRunning { node } => EventKind::PodRunning { node },
        StoredKind::PodFinished { node, end, parameters, artifacts, result, containers } => {
            let artifacts = artifacts.into_iter().map(|(name, at)| (name, at.into())).collect();
            let outputs = CollectedOutputs { parameters, artifacts, result };
            let containers = containers.into_iter().map(|(name, end)| (name, end.into())).collect();
            EventKind::PodFinished {
                node,
                outcome: PodOutcome { end: stored_to_end(end), containers, outputs },
            }
        }
        StoredKind::PodReady { node, ip } => EventKind::PodReady { node, ip },
        StoredKind::Progress { node, progress } => EventKind::Progress { node, progress },
        StoredKind::TaskFinished { node, end } => EventKind::TaskFinished { node, outcome: end.into() },
        StoredKind::Answered { node, question, answer } => {
            EventKind::Answered { node, question: question.into(), answer: answer.into() }
        }
        StoredKind::Locked { holder } => EventKind::Locked { holder },
        StoredKind::LockWaits { holder, lock, message, holders } => {
            EventKind::LockWaits { holder, lock, message, holders }
        }
        StoredKind::LockRefused { holder, message } => EventKind::LockRefused { holder, message },
        StoredKind::TimerFired { timer } => EventKind::TimerFired { timer: stored_to_timer(timer) },
        StoredKind::Resumed { node, message, parameters } => EventKind::Resumed { node, message, parameters },
        StoredKind::NodeFailed { node, phase, message } => EventKind::NodeFailed { node, phase, message },
        StoredKind::Suspended => EventKind::Suspended,
        StoredKind::Unsuspended => EventKind::Unsuspended,
        StoredKind::ShutdownRequested { strategy, message } => {
            let strategy = match strategy {
                StoredStrategy::Stop => ShutdownStrategy::Stop,
                StoredStrategy::Terminate => ShutdownStrategy::Terminate,
            };
            EventKind::ShutdownRequested { strategy, message }
        }
    }
}

fn end_to_stored(end: PodEnd) -> StoredEnd {
    match end {
        PodEnd::Exited(code) => StoredEnd::Exited(code),
        PodEnd::DeadlineExceeded => StoredEnd::DeadlineExceeded,
        PodEnd::Killed => StoredEnd::Killed,
        PodEnd::Error(message) => StoredEnd::Error(message),
    }
}

fn stored_to_end(end: StoredEnd) -> PodEnd {
    match end {
        StoredEnd::Exited(code) => PodEnd::Exited(code),
        StoredEnd::DeadlineExceeded => PodEnd::DeadlineExceeded,
        StoredEnd::Killed => PodEnd::Killed,
        StoredEnd::Error(message) => PodEnd::Error(message),
    }
}

fn timer_to_stored(timer: TimerId) -> StoredTimer {
    match timer {
        TimerId::WorkflowDeadline => StoredTimer::WorkflowDeadline,
        TimerId::SuspendOver(node) => StoredTimer::SuspendOver(node),
        TimerId::GateExpired(node) => StoredTimer::GateExpired(node),
        TimerId::Backoff(node) => StoredTimer::Backoff(node),
        TimerId::NodeDeadline(node) => StoredTimer::NodeDeadline(node),
        TimerId::PendingTimeout(node) => StoredTimer::PendingTimeout(node),
    }
}

fn stored_to_timer(timer: StoredTimer) -> TimerId {
    match timer {
        StoredTimer::WorkflowDeadline => TimerId::WorkflowDeadline,
        StoredTimer::SuspendOver(node) => TimerId::SuspendOver(node),
        StoredTimer::GateExpired(node) => TimerId::GateExpired(node),
        StoredTimer::Backoff(node) => TimerId::Backoff(node),
        StoredTimer::NodeDeadline(node) => TimerId::NodeDeadline(node),
        StoredTimer::PendingTimeout(node) => TimerId::PendingTimeout(node),
    }
}
