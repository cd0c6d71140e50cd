//! Stop, terminate and the workflow's deadline: pods are killed, waiting nodes fail, nothing new starts.
//! Source: Argo `operator.go` failNodesWithoutCreatedPodsAfterDeadlineOrShutdown; `exec_control.go`.

use model::argo::{NodePhase, WorkflowPhase};

use super::Turn;
use crate::{
    Command, ShutdownStrategy,
    live::{Body, Stage, Start},
};

impl Turn {
    pub(super) fn shut_down(&mut self, strategy: ShutdownStrategy, message: Option<String>) {
        self.run.live.shutdown = Some((strategy, message));
        if matches!(self.run.live.stage, Stage::Locks | Stage::New) {
            // Nothing has begun: it ends as it waits.
            let message = self.run.doom(false).unwrap_or_default();
            return self.finish(WorkflowPhase::Failed, message);
        }
        self.end_what_waits();
    }

    pub(super) fn deadline_passed(&mut self) {
        self.run.live.deadline_passed = true;
        self.end_what_waits();
    }

    fn end_what_waits(&mut self) {
        let active: Vec<usize> = self.run.live.active.iter().copied().collect();
        for at in active {
            let Some(slot) = self.run.live.slots.get(at) else { continue };
            let Some(message) = self.run.doom(slot.hooked) else { continue };
            match &slot.body {
                Body::Pod(_) => {
                    let id = self.node(at).map(|node| node.id.clone());
                    self.commands.extend(id.map(|node| Command::KillPod { node }));
                }
                Body::Suspend(_) => self.end_suspend(at, NodePhase::Failed, message),
                Body::Retry(_) => self.end_backoff(at, message),
                Body::Task(_) => {
                    let id = self.node(at).map(|node| node.id.clone());
                    self.commands.extend(id.map(|node| Command::KillPod { node }));
                    self.give_up_task(at, NodePhase::Failed, message);
                }
                Body::Waits(_) => self.end(at, NodePhase::Failed, message),
                _ => {}
            }
        }
        self.release_all();
    }

    /// Lets everything start that waited for its turn, so that it ends at once.
    fn release_all(&mut self) {
        let mut freed: Vec<Start> = Vec::new();
        for at in 0..self.run.live.slots.len() {
            if let Some(frame) = self.run.live.frame_mut(at) {
                freed.extend(frame.waiting.drain(..));
            }
        }
        freed.extend(self.run.live.waiting.drain(..));
        freed.extend(self.run.live.held.drain(..));
        let asked = std::mem::take(&mut self.run.live.asked);
        if asked.iter().any(|asked| asked.of_run) {
            let message = self.run.doom(false).unwrap_or_default();
            return self.finish(WorkflowPhase::Failed, message);
        }
        freed.extend(asked.into_iter().flat_map(|asked| asked.waiting));
        for start in freed {
            self.then_start(start);
        }
    }
}
