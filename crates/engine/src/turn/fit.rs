//! Whether an event fits the run: new, a harmless repetition, or refused. Changes nothing.

use std::collections::BTreeMap;

use model::argo::{NodeId, NodePhase, Parameter};

use super::ask;
use crate::{
    EventKind, Run, ShutdownStrategy, StepError, TimerId,
    live::{Body, Stage},
};

/// How an event fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is to be carried out.
    New,
    /// It changes nothing.
    Repeated,
}

const fn name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Started => "Started",
        EventKind::PodRunning { .. } => "PodRunning",
        EventKind::PodFinished { .. } => "PodFinished",
        EventKind::PodReady { .. } => "PodReady",
        EventKind::Progress { .. } => "Progress",
        EventKind::TaskFinished { .. } => "TaskFinished",
        EventKind::Answered { .. } => "Answered",
        EventKind::Locked { .. } => "Locked",
        EventKind::LockWaits { .. } => "LockWaits",
        EventKind::LockRefused { .. } => "LockRefused",
        EventKind::Postponed { .. } => "Postponed",
        EventKind::Resubmitted { .. } => "Resubmitted",
        EventKind::Restarted { .. } => "Restarted",
        EventKind::NodeSet { .. } => "NodeSet",
        EventKind::TimerFired { .. } => "TimerFired",
        EventKind::Resumed { .. } => "Resumed",
        EventKind::NodeFailed { .. } => "NodeFailed",
        EventKind::Suspended => "Suspended",
        EventKind::Unsuspended => "Unsuspended",
        EventKind::ShutdownRequested { .. } => "ShutdownRequested",
    }
}

fn new_if(new: bool) -> Result<Fit, StepError> {
    Ok(if new { Fit::New } else { Fit::Repeated })
}

/// Decides how `kind` fits `run`.
pub(super) fn check(run: &Run, kind: &EventKind) -> Result<Fit, StepError> {
    let event = name(kind);
    if let EventKind::Started = kind {
        return new_if(run.live.stage == Stage::New);
    }
    if run.live.stage == Stage::New {
        return Err(StepError::NotStarted { event });
    }
    let under_way = run.live.stage != Stage::Ended;
    match kind {
        EventKind::Started => Ok(Fit::Repeated),
        EventKind::PodRunning { node } => {
            let (phase, waits) = body(run, node, event, "Pod", |body| matches!(body, Body::Pod(_)))?;
            new_if(waits && phase == NodePhase::Pending)
        }
        EventKind::PodFinished { node, .. } => {
            body(run, node, event, "Pod", |body| matches!(body, Body::Pod(_)))
                .and_then(|(_, waits)| new_if(waits))
        }
        EventKind::Answered { question, .. } if ask::comes_first(question) => {
            new_if(run.live.asked.iter().any(|asked| asked.question == *question))
        }
        EventKind::Answered { .. } => Ok(Fit::Repeated),
        // nothing asks for these yet
        EventKind::PodReady { .. }
        | EventKind::Progress { .. }
        | EventKind::TaskFinished { .. }
        | EventKind::Locked { .. }
        | EventKind::LockWaits { .. }
        | EventKind::LockRefused { .. }
        | EventKind::Postponed { .. }
        | EventKind::Resubmitted { .. }
        | EventKind::Restarted { .. }
        | EventKind::NodeSet { .. } => Ok(Fit::Repeated),
        EventKind::TimerFired { timer } => timer_fits(run, timer, event),
        EventKind::Resumed { node, parameters, .. } => resumed_fits(run, node.as_ref(), parameters, event),
        EventKind::NodeFailed { node, phase, .. } => {
            let (now, waits) = body(run, node, event, "Suspend", |body| matches!(body, Body::Suspend(_)))?;
            if waits && !phase.is_failed_or_error() {
                return Err(StepError::DoesNotFit { phase: now.as_str(), event });
            }
            new_if(waits)
        }
        EventKind::Suspended => new_if(under_way && !run.live.suspended),
        EventKind::Unsuspended => new_if(under_way && run.live.suspended),
        EventKind::ShutdownRequested { strategy, .. } => new_if(
            under_way
                && match &run.live.shutdown {
                    None => true,
                    Some((known, _)) => {
                        *known == ShutdownStrategy::Stop && *strategy == ShutdownStrategy::Terminate
                    }
                },
        ),
    }
}

/// Returns the phase of `node` and whether it waits in a body of the right kind.
fn body(
    run: &Run,
    node: &NodeId,
    event: &'static str,
    expected: &'static str,
    right: impl Fn(&Body) -> bool,
) -> Result<(NodePhase, bool), StepError> {
    let missing = || StepError::NoSuchNode { node: node.to_string(), event };
    let (at, _, status) = run.status.nodes.get_full(node).ok_or_else(missing)?;
    let body = &run.live.slots.get(at).ok_or_else(missing)?.body;
    match body {
        Body::Ended => Ok((status.phase, false)),
        body if right(body) => Ok((status.phase, true)),
        _ => Err(StepError::WrongNode { node: node.to_string(), event, expected }),
    }
}

fn timer_fits(run: &Run, timer: &TimerId, event: &'static str) -> Result<Fit, StepError> {
    let suspend = |node: &NodeId, set: fn(&crate::live::Suspend) -> bool| {
        let (_, waits) =
            body(run, node, event, "Suspend", |body| matches!(body, Body::Suspend(suspend) if set(suspend)))?;
        new_if(waits)
    };
    match timer {
        TimerId::WorkflowDeadline => {
            new_if(run.live.stage == Stage::Main && run.live.deadline.is_some() && !run.live.deadline_passed)
        }
        TimerId::SuspendOver(node) => suspend(node, |suspend| suspend.over_at.is_some()),
        TimerId::GateExpired(node) => suspend(node, |suspend| suspend.gate.is_some()),
        TimerId::NodeDeadline(node) => suspend(node, |suspend| suspend.deadline_at.is_some()),
        TimerId::PendingTimeout(_) => Ok(Fit::Repeated),
        TimerId::Backoff(node) => {
            let (_, retries) = body(run, node, event, "Retry", |body| matches!(body, Body::Retry(_)))?;
            let waits = run.status.nodes.get_index_of(node).is_some_and(|at| run.live.active.contains(&at));
            new_if(retries && waits)
        }
    }
}

fn resumed_fits(
    run: &Run,
    node: Option<&NodeId>,
    given: &BTreeMap<String, String>,
    event: &'static str,
) -> Result<Fit, StepError> {
    let Some(node) = node else {
        let waiting = ungated(run);
        for at in &waiting {
            supplied_fits(run, *at, given)?;
        }
        return new_if(!waiting.is_empty());
    };
    let (_, waits) = body(run, node, event, "Suspend", |body| matches!(body, Body::Suspend(_)))?;
    if waits && let Some(at) = run.status.nodes.get_index_of(node) {
        supplied_fits(run, at, given)?;
    }
    new_if(waits)
}

/// Returns the suspend nodes that wait and have no gate.
pub(super) fn ungated(run: &Run) -> Vec<usize> {
    let waits = |at: &&usize| matches!(run.live.slots.get(**at).map(|slot| &slot.body), Some(Body::Suspend(suspend)) if suspend.gate.is_none());
    run.live.active.iter().filter(waits).copied().collect()
}

fn supplied_fits(run: &Run, at: usize, given: &BTreeMap<String, String>) -> Result<(), StepError> {
    let Some((id, status)) = run.status.nodes.get_index(at) else { return Ok(()) };
    let asked: Vec<&Parameter> = status.outputs.iter().flat_map(|outputs| &outputs.parameters).collect();
    let supplied =
        |parameter: &Parameter| parameter.value_from.as_ref().is_some_and(|from| from.supplied.is_some());
    for name in given.keys() {
        if !asked.iter().any(|parameter| parameter.name == *name && supplied(parameter)) {
            return Err(StepError::NotAskedFor { parameter: name.clone(), node: id.to_string() });
        }
    }
    for parameter in asked.into_iter().filter(|parameter| supplied(parameter)) {
        let allowed = |value: &String| {
            parameter.enumeration.as_ref().is_none_or(|list| list.iter().any(|one| one.0 == *value))
        };
        match given.get(&parameter.name) {
            Some(value) if !allowed(value) => {
                return Err(StepError::NotInEnum { parameter: parameter.name.clone() });
            }
            None if super::suspend::default_of(parameter).is_none() => {
                return Err(StepError::NotSupplied { parameter: parameter.name.clone() });
            }
            _ => {}
        }
    }
    Ok(())
}
