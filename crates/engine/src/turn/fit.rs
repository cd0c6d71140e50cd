//! Whether an event fits the run: new, a harmless repetition, or refused. Changes nothing.

use std::collections::BTreeMap;

use model::argo::{NodeId, NodePhase, Parameter};

use super::event::parsed_progress;
use crate::{
    EventKind, Question, Run, ShutdownStrategy, StepError, TimerId,
    live::{Body, Locks, Stage},
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
    match kind {
        EventKind::Started | EventKind::Resubmitted { .. } => return new_if(run.live.stage == Stage::New),
        EventKind::Postponed { message } => {
            return new_if(run.live.stage == Stage::New && run.status.message != *message);
        }
        _ => {}
    }
    if run.live.stage == Stage::New {
        // one that waits for others can be given up or held up meanwhile
        match kind {
            EventKind::ShutdownRequested { .. } => return Ok(Fit::New),
            EventKind::Suspended => return new_if(!run.live.suspended),
            EventKind::Unsuspended => return new_if(run.live.suspended),
            _ => {}
        }
        return Err(StepError::NotStarted { event });
    }
    let under_way = run.live.stage != Stage::Ended;
    match kind {
        EventKind::Started => Ok(Fit::Repeated),
        EventKind::PodRunning { node } => {
            let running =
                |body: &Body| matches!(body, Body::Pod(_) | Body::Task(_) | Body::Daemon(_) | Body::Dying(_));
            let (phase, waits) = body(run, node, event, "Pod", running)?;
            new_if(waits && phase == NodePhase::Pending)
        }
        EventKind::PodFinished { node, .. } => {
            let pod = |body: &Body| matches!(body, Body::Pod(_) | Body::Daemon(_) | Body::Dying(_));
            body(run, node, event, "Pod", pod).and_then(|(_, waits)| new_if(waits))
        }
        EventKind::PodReady { node, ip } => {
            let pod = |body: &Body| matches!(body, Body::Pod(_) | Body::Daemon(_) | Body::Dying(_));
            body(run, node, event, "Pod", pod)?;
            new_if(ready_is_new(run, node, ip))
        }
        EventKind::Progress { node, progress } => {
            let running =
                |body: &Body| matches!(body, Body::Pod(_) | Body::Task(_) | Body::Daemon(_) | Body::Dying(_));
            let (_, waits) = body(run, node, event, "Pod", running)?;
            let known = run.status.nodes.get(node).map(|node| node.progress.as_str());
            new_if(waits && known != Some(progress.as_str()) && parsed_progress(progress).is_some())
        }
        EventKind::TaskFinished { node, outcome } => {
            let (now, waits) = body(run, node, event, "task", |body| matches!(body, Body::Task(_)))?;
            if waits && !outcome.phase.is_fulfilled() {
                return Err(StepError::DoesNotFit { phase: now.as_str(), event });
            }
            new_if(waits)
        }
        EventKind::Answered { node: Some(node), question, .. } => new_if(asks(run, node, question)),
        EventKind::Answered { node: None, question, .. } => {
            new_if(run.live.asked.iter().any(|asked| asked.question == *question))
        }
        EventKind::Locked { holder } | EventKind::LockRefused { holder, .. } => {
            new_if(locks_of(run, holder.as_ref()).is_some_and(|locks| !locks.held))
        }
        EventKind::LockWaits { holder, lock, message, .. } => {
            let known = match holder {
                Some(node) => run.status.nodes.get(node).map(|node| &node.message),
                None => Some(&run.status.message),
            };
            new_if(locks_of(run, holder.as_ref()).is_some_and(|locks| {
                !locks.held && (locks.waits_for.as_ref() != Some(lock) || known != Some(message))
            }))
        }
        EventKind::Postponed { .. } | EventKind::Resubmitted { .. } => Ok(Fit::Repeated),
        EventKind::Restarted { .. } => new_if(!under_way),
        EventKind::NodeSet { node, phase, message, parameters } => {
            let (now, waits) = body(run, node, event, "Suspend", |body| matches!(body, Body::Suspend(_)))?;
            if waits && phase.is_some_and(|phase| matches!(phase, NodePhase::Pending)) {
                return Err(StepError::DoesNotFit { phase: now.as_str(), event });
            }
            new_if(waits && set_fits(run, node, *phase, message.as_deref(), parameters)?)
        }
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

/// Whether a pod that says it is ready has not said so before.
fn ready_is_new(run: &Run, node: &NodeId, ip: &str) -> bool {
    let Some((at, _, status)) = run.status.nodes.get_full(node) else { return false };
    match run.live.slots.get(at).map(|slot| &slot.body) {
        Some(Body::Pod(_)) => status.phase == NodePhase::Pending || status.pod_ip != ip || is_daemon(run, at),
        _ => false,
    }
}

fn is_daemon(run: &Run, at: usize) -> bool {
    matches!(run.live.slots.get(at).map(|slot| &slot.body), Some(Body::Pod(pod)) if pod.template.daemon == Some(true))
}

/// Whether the node waits for the answer to `question`.
fn asks(run: &Run, node: &NodeId, question: &Question) -> bool {
    let slot = run.status.nodes.get_index_of(node).and_then(|at| run.live.slots.get(at));
    matches!(slot.map(|slot| &slot.body), Some(Body::Waits(waits)) if waits.question.as_ref() == Some(question))
}

fn locks_of<'r>(run: &'r Run, holder: Option<&NodeId>) -> Option<&'r Locks> {
    let at = match holder {
        Some(node) => Some(run.status.nodes.get_index_of(node)?),
        None => None,
    };
    run.live.locks.get(&at)
}

/// Whether setting a suspend node changes anything.
fn set_fits(
    run: &Run,
    node: &NodeId,
    phase: Option<NodePhase>,
    message: Option<&str>,
    given: &BTreeMap<String, String>,
) -> Result<bool, StepError> {
    let Some(status) = run.status.nodes.get(node) else { return Ok(false) };
    let asked: Vec<&Parameter> = status.outputs.iter().flat_map(|outputs| &outputs.parameters).collect();
    let mut changes = phase.is_some_and(|phase| phase != status.phase);
    changes |= message.is_some_and(|message| message != status.message);
    for (name, value) in given {
        let known = asked.iter().find(|parameter| parameter.name == *name);
        if known.is_some_and(|known| known.value.as_ref().is_some_and(|known| known.0 == *value)) {
            continue;
        }
        let supplied =
            known.filter(|known| known.value_from.as_ref().is_some_and(|from| from.supplied.is_some()));
        let Some(supplied) = supplied else {
            return Err(StepError::NotAskedFor { parameter: name.clone(), node: node.to_string() });
        };
        if supplied.enumeration.as_ref().is_some_and(|list| !list.iter().any(|one| one.0 == *value)) {
            return Err(StepError::NotInEnum { parameter: name.clone() });
        }
        changes = true;
    }
    Ok(changes)
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
        TimerId::NodeDeadline(node) => {
            let limited = |body: &Body| match body {
                Body::Suspend(suspend) => suspend.deadline_at.is_some(),
                // it was for the time that the node waited for its locks
                Body::Retry(_) | Body::Steps(_) | Body::Dag(_) => {
                    run.status.nodes.get_index_of(node).is_some_and(|at| run.live.timeouts.contains_key(&at))
                }
                Body::Group(_) | Body::TaskGroup(_) => false,
                _ => true,
            };
            let (_, waits) = body(run, node, event, "Suspend", limited)?;
            let at = run.status.nodes.get_index_of(node);
            let slot = at.and_then(|at| run.live.slots.get(at));
            if slot.is_some_and(|slot| matches!(slot.body, Body::Retry(_) | Body::Steps(_) | Body::Dag(_))) {
                return Ok(Fit::Repeated);
            }
            let is_suspend = slot.is_some_and(|slot| matches!(slot.body, Body::Suspend(_)));
            let timeout = at.and_then(|at| run.live.timeouts.get(&at));
            new_if(
                waits
                    && (is_suspend
                        || timeout
                            .is_some_and(|timeout| timeout.deadline.is_some() && timeout.over.is_none())),
            )
        }
        TimerId::PendingTimeout(node) => {
            let (_, waits) = body(run, node, event, "Pod", |body| matches!(body, Body::Pod(_)))?;
            let timeout = run.status.nodes.get_index_of(node).and_then(|at| run.live.timeouts.get(&at));
            new_if(waits && timeout.is_some_and(|timeout| timeout.pending.is_some()))
        }
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
