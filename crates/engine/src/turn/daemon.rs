//! Daemons: pods that count as done once they are ready, go on beside what follows, and are killed when the steps or
//! DAG node they belong to ends; then they have Succeeded. One that ends by itself ended as its exit code says.
//! Source: Argo `operator.go` killDaemonedChildren, assessNodeStatus; `docs/walk-through/daemon-containers.md`.

use std::sync::Arc;

use model::argo::{NodeId, NodePhase};

use super::{Turn, Work, pod::HOST};
use crate::{
    Command, TimerId,
    live::{self, Body, Parent},
};

impl Turn {
    /// A pod's containers are ready.
    pub(super) fn pod_ready(&mut self, node: &NodeId, ip: &str) {
        let Some(at) = self.at(node) else { return };
        let Some(slot) = self.run.live.slots.get_mut(at) else { return };
        let Body::Pod(pod) = &slot.body else { return };
        let is_daemon = pod.template.daemon == Some(true);
        let boundary = slot.boundary;
        if is_daemon {
            slot.body = Body::Daemon(Arc::clone(pod));
        }
        let Some(node) = self.node_mut(at) else { return };
        node.phase = NodePhase::Running;
        ip.clone_into(&mut node.pod_ip);
        HOST.clone_into(&mut node.host_node_name);
        self.no_longer_pending(at);
        if !is_daemon {
            return self.goes_on(at);
        }
        if let Some(node) = self.node_mut(at) {
            node.daemoned = Some(true);
        }
        self.run.live.daemons.entry(boundary).or_default().push(at);
        self.work.push_back(Work::Ended(at));
        self.give_pod_back();
    }

    /// Kills the daemons of a steps or DAG node that has ended, or of the run.
    pub(super) fn kill_daemons(&mut self, boundary: Option<usize>) {
        let mut daemons = self.run.live.daemons.remove(&boundary).unwrap_or_default();
        daemons.extend(self.attempts_under_way(boundary));
        for at in daemons {
            let Some(slot) = self.run.live.slots.get_mut(at) else { continue };
            let parent = slot.parent;
            let was_ready = matches!(slot.body, Body::Daemon(_));
            let (Body::Daemon(pod) | Body::Pod(pod)) = &slot.body else { continue };
            slot.body = Body::Dying(Arc::clone(pod));
            let now = self.now;
            let Some(node) = self.node_mut(at) else { continue };
            node.phase = NodePhase::Succeeded;
            node.daemoned = None;
            node.finished_at = Some(now);
            let id = node.id.clone();
            self.commands.push(Command::KillPod { node: id });
            self.count_pod(at, 1, 0);
            self.settled(at);
            if !was_ready {
                self.give_pod_back();
            }
            if let Parent::Attempt(retry) = parent
                && let Some(node) = self.node_mut(retry)
            {
                node.daemoned = None;
            }
        }
    }

    /// Gives up the further attempts at daemons of a boundary; returns the pods of those that have begun.
    fn attempts_under_way(&mut self, boundary: Option<usize>) -> Vec<usize> {
        let mut begun = Vec::new();
        for at in self.run.live.lasting.keys().copied().collect::<Vec<_>>() {
            let Some(slot) = self.run.live.slots.get_mut(at).filter(|slot| slot.boundary == boundary) else {
                continue;
            };
            if let Body::Retry(retry) = std::mem::take(&mut slot.body) {
                begun.extend(slot.latest);
                let now = self.now;
                if let Some(node) = self.node_mut(at) {
                    (node.phase, node.finished_at) = (NodePhase::Succeeded, Some(now));
                    let timer = TimerId::Backoff(node.id.clone());
                    if retry.waits_until.is_some() {
                        self.commands.push(Command::CancelTimer { timer });
                    }
                }
            }
            self.run.live.active.remove(&at);
            self.run.live.lasting.remove(&at);
        }
        begun
    }

    /// The attempt of the retry node at `at` is a daemon that is ready; returns whether those above know it as done already.
    pub(super) fn lasts(&mut self, at: usize) -> bool {
        let Some(retry) = self.run.live.retry_mut(at).cloned() else { return false };
        if self.run.live.lasting.insert(at, Box::new(retry)).is_none() {
            return false;
        }
        self.run.live.active.remove(&at);
        if let Some(slot) = self.run.live.slots.get_mut(at) {
            slot.body = Body::Ended;
        }
        let now = self.now;
        if let Some(node) = self.node_mut(at) {
            (node.phase, node.finished_at) = (NodePhase::Succeeded, Some(now));
        }
        true
    }

    /// A daemon has failed: it is tried once more if its retry node, which is done, says so and is still needed.
    fn tried_again(&mut self, at: usize, retry: usize) -> bool {
        let Some(known) = self.run.live.lasting.get(&retry).cloned() else { return false };
        let Some(slot) = self.run.live.slots.get_mut(retry) else { return false };
        slot.body = Body::Retry(known);
        if let Some(node) = self.node_mut(retry) {
            (node.phase, node.finished_at, node.daemoned) = (NodePhase::Running, None, None);
        }
        self.attempt_ended(retry, at);
        true
    }

    /// A daemon has ended by itself: it may be tried again; else that is told to a DAG that is still under way.
    pub(super) fn daemon_ended(&mut self, at: usize, phase: NodePhase, message: String) {
        let now = self.now;
        if let Some(node) = self.node_mut(at) {
            node.phase = phase;
            node.message = message;
            node.daemoned = None;
            node.finished_at = Some(now);
        }
        self.run.live.active.remove(&at);
        let Some(slot) = self.run.live.slots.get_mut(at) else { return };
        slot.body = Body::Ended;
        let parent = slot.parent;
        self.settled(at);
        if let (Parent::Attempt(retry), true) = (parent, phase.is_failed_or_error())
            && self.tried_again(at, retry)
        {
            return;
        }
        self.tell_of_loss(parent, phase);
    }

    /// The last attempt at a daemon has failed.
    pub(super) fn daemon_lost(&mut self, at: usize, phase: NodePhase, message: String) {
        let now = self.now;
        if let Some(node) = self.node_mut(at) {
            (node.phase, node.message, node.finished_at) = (phase, message, Some(now));
        }
        self.run.live.active.remove(&at);
        let Some(slot) = self.run.live.slots.get_mut(at) else { return };
        slot.body = Body::Ended;
        let parent = slot.parent;
        self.tell_of_loss(parent, phase);
    }

    fn tell_of_loss(&mut self, parent: Parent, phase: NodePhase) {
        if let Parent::Task(dag, task) = parent
            && let Some(state) = self.run.live.dag_mut(dag)
            && let Some(this) = state.tasks.get_mut(task)
        {
            this.phase = Some(phase);
            this.branch = phase;
            this.daemoned = false;
            let fails = phase.is_failed_or_error() && !live::tolerates(this.continue_on, phase);
            state.stopped |= this.is_target && fails && state.stops_on_failure;
        }
    }
}
