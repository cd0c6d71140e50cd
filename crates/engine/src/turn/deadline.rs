//! A node's time: the template's `timeout` counts from when its node was made, waiting included; `pendingTimeout` until
//! its pod runs. Source: Argo `operator.go` checkTemplateTimeout, `docs/fields.md` Template.
//! Not here: `activeDeadlineSeconds`, which the pod itself keeps (see `pod`), and the run's own (see `shutdown`).

use model::{
    argo::{NodeId, NodePhase, Template},
    duration::go_duration_ms,
};

use super::Turn;
use crate::{
    Command, TimerId,
    live::{Body, Timeout},
};

/// What Argo says of a pod that ran too long.
pub(super) const TOO_LONG: &str = "Pod was active on the node longer than the specified deadline";

/// Returns why the template's limits cannot be read, if so.
pub(super) fn refused(template: &Template) -> Option<String> {
    let bad = |text: &str| !text.is_empty() && go_duration_ms(text).is_err();
    [&template.timeout, &template.pending_timeout]
        .into_iter()
        .find(|text| bad(text))
        .map(|text| format!("invalid timeout format. time: invalid duration \"{text}\""))
}

impl Turn {
    /// Sets the timers of a node that has just been made; `waits` if its pod is not asked for yet.
    pub(super) fn limit_time(&mut self, at: usize, template: &Template, waits: bool) {
        let after = |text: &str| {
            let ms = go_duration_ms(text).ok().and_then(|ms| i64::try_from(ms).ok())?;
            self.now.checked_add(jiff::SignedDuration::from_millis(ms)).ok()
        };
        let known = self.run.live.timeouts.get(&at).cloned().unwrap_or_default();
        let deadline = if known.deadline.is_some() { known.deadline } else { after(&template.timeout) };
        let pending = if waits { None } else { after(&template.pending_timeout) };
        let Some(id) = self.node(at).map(|node| node.id.clone()) else { return };
        if let (Some(at), None) = (deadline, known.deadline) {
            self.commands.push(Command::SetTimer { timer: TimerId::NodeDeadline(id.clone()), at });
        }
        if let Some(at) = pending {
            self.commands.push(Command::SetTimer { timer: TimerId::PendingTimeout(id), at });
        }
        if deadline.is_some() || pending.is_some() {
            self.run.live.timeouts.insert(at, Timeout { deadline, pending, over: None });
        }
    }

    /// A pod runs: it waits no longer.
    pub(super) fn no_longer_pending(&mut self, at: usize) {
        let Some(timeout) = self.run.live.timeouts.get_mut(&at) else { return };
        if timeout.pending.take().is_some()
            && let Some(id) = self.node(at).map(|node| node.id.clone())
        {
            self.commands.push(Command::CancelTimer { timer: TimerId::PendingTimeout(id) });
        }
    }

    /// Forgets the timers of a node that has ended; returns what was said of it if its time was over.
    pub(super) fn forget_time(&mut self, at: usize) -> Option<String> {
        let timeout = self.run.live.timeouts.remove(&at)?;
        let id = self.node(at).map(|node| node.id.clone())?;
        if timeout.deadline.is_some() && timeout.over.is_none() {
            self.commands.push(Command::CancelTimer { timer: TimerId::NodeDeadline(id.clone()) });
        }
        if timeout.pending.is_some() {
            self.commands.push(Command::CancelTimer { timer: TimerId::PendingTimeout(id) });
        }
        timeout.over
    }

    /// A node's time is over: what waits fails at once, what runs is killed and fails with its end.
    pub(super) fn time_over(&mut self, at: usize) {
        let Some(node) = self.node(at) else { return };
        let (id, pending) = (node.id.clone(), node.phase == NodePhase::Pending);
        self.over(at, &id, if pending { "timeout" } else { TOO_LONG });
    }

    /// A pod did not start in time.
    pub(super) fn pending_too_long(&mut self, node: &NodeId) {
        let Some(at) = self.at(node) else { return };
        if let Some(timeout) = self.run.live.timeouts.get_mut(&at) {
            timeout.pending = None;
        }
        self.over(at, node, "Pod was pending longer than the specified pendingTimeout");
    }

    fn over(&mut self, at: usize, id: &NodeId, message: &str) {
        if let Some(timeout) = self.run.live.timeouts.get_mut(&at) {
            timeout.over = Some(message.to_owned());
        }
        match self.run.live.slots.get(at).map(|slot| &slot.body) {
            Some(Body::Pod(_)) => self.commands.push(Command::KillPod { node: id.clone() }),
            Some(Body::Task(_)) => {
                self.commands.push(Command::KillPod { node: id.clone() });
                self.give_up_task(at, NodePhase::Failed, message.to_owned());
            }
            Some(Body::Waits(_) | Body::Queued) => self.end(at, NodePhase::Failed, message.to_owned()),
            _ => {}
        }
    }
}
