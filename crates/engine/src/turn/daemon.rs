//! Daemons: pods that count as done once they are ready, go on beside what follows, and are killed when the steps or
//! DAG node they belong to ends; then they have Succeeded. One that ends by itself ended as its exit code says.
//! Source: Argo `operator.go` killDaemonedChildren, assessNodeStatus; `docs/walk-through/daemon-containers.md`.

use std::sync::Arc;

use model::argo::{NodeId, NodePhase};

use super::{Turn, Work};
use crate::{
    Command,
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
        for at in self.run.live.daemons.remove(&boundary).unwrap_or_default() {
            let Some(slot) = self.run.live.slots.get_mut(at) else { continue };
            let parent = slot.parent;
            let Body::Daemon(pod) = &slot.body else { continue };
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
            if let Parent::Attempt(retry) = parent
                && let Some(node) = self.node_mut(retry)
            {
                node.daemoned = None;
            }
        }
    }

    /// A daemon has ended by itself: that is told to a DAG that is still under way.
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
