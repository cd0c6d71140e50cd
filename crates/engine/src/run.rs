//! A run: the effective workflow, what has become of it, and what is under way.
//! Not here: how it changes (see `turn`).

use std::sync::Arc;

use indexmap::IndexMap;
use model::{
    RunId,
    argo::{NodeId, NodeStatus, Workflow, WorkflowStatus},
};

use crate::{
    Command, LockRequest, RunOptions, TimerId,
    live::{Body, Live, Stage},
    plan::Plan,
};

/// A run: the effective workflow and what has become of it.
#[derive(Debug, Clone)]
pub struct Run {
    pub(crate) workflow: Arc<Workflow>,
    pub(crate) id: RunId,
    pub(crate) options: Arc<RunOptions>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) status: WorkflowStatus,
    pub(crate) live: Live,
}

impl Run {
    /// Returns the run of `workflow` (effective: every reference to a WorkflowTemplate resolved) before its first event.
    pub fn new(workflow: Workflow, id: RunId, options: RunOptions) -> Self {
        let plan = Arc::new(Plan::new(&workflow));
        Self {
            workflow: Arc::new(workflow),
            id,
            options: Arc::new(options),
            plan,
            status: WorkflowStatus::default(),
            live: Live::default(),
        }
    }
    /// Returns the workflow as it was given.
    pub fn workflow(&self) -> &Workflow {
        &self.workflow
    }
    /// Returns what has become of it, as Argo shows it.
    pub const fn status(&self) -> &WorkflowStatus {
        &self.status
    }
    /// Returns the nodes.
    pub const fn nodes(&self) -> &IndexMap<NodeId, NodeStatus> {
        &self.status.nodes
    }
    /// Whether no new node starts until [`crate::EventKind::Unsuspended`].
    pub const fn is_suspended(&self) -> bool {
        self.live.suspended
    }
    /// Returns every command that is still to be carried out or awaited: what a restart must repeat, in the
    /// order the nodes were made.
    pub fn outstanding(&self) -> Vec<Command> {
        let mut commands = Vec::new();
        match self.live.stage {
            Stage::New => return commands,
            Stage::Ended => return vec![Command::Complete { phase: self.status.phase }],
            Stage::Main => {
                if let Some(at) = self.live.deadline.filter(|_| !self.live.deadline_passed) {
                    commands.push(Command::SetTimer { timer: TimerId::WorkflowDeadline, at });
                }
            }
            Stage::Locks | Stage::Hooks(..) | Stage::Exit(..) => {}
        }
        let asked = self.live.asked.iter().map(|asked| asked.question.clone());
        commands.extend(asked.map(|question| Command::Ask { node: None, question }));
        for at in &self.live.active {
            let (Some((id, _)), Some(slot)) = (self.status.nodes.get_index(*at), self.live.slots.get(*at))
            else {
                continue;
            };
            self.outstanding_of(id, &slot.body, slot.hooked, &mut commands);
        }
        for (at, timeout) in &self.live.timeouts {
            let Some((id, _)) = self.status.nodes.get_index(*at) else { continue };
            if timeout.over.is_some() {
                commands.push(Command::KillPod { node: id.clone() });
                continue;
            }
            let timer = |timer, at| Command::SetTimer { timer, at };
            commands.extend(timeout.deadline.map(|at| timer(TimerId::NodeDeadline(id.clone()), at)));
            commands.extend(timeout.pending.map(|at| timer(TimerId::PendingTimeout(id.clone()), at)));
        }
        let wanted = self.live.locks.values().filter(|locks| !locks.held);
        commands.extend(wanted.map(|locks| Command::Lock(Arc::clone(&locks.request))));
        commands
    }

    /// Returns the locks that the run and its nodes hold: what a restart must give back to them before anybody else
    /// gets any.
    pub fn held_locks(&self) -> Vec<Arc<LockRequest>> {
        let held = self.live.locks.values().filter(|locks| locks.held);
        held.map(|locks| Arc::clone(&locks.request)).collect()
    }

    fn outstanding_of(&self, id: &NodeId, body: &Body, hooked: bool, commands: &mut Vec<Command>) {
        let timer = |timer, at| Command::SetTimer { timer, at };
        match body {
            Body::Pod(pod) => {
                commands.push(Command::StartPod(Arc::clone(pod)));
                if self.doom(hooked).is_some() {
                    commands.push(Command::KillPod { node: id.clone() });
                }
            }
            Body::Suspend(suspend) => {
                if let Some((gate, at)) = &suspend.gate {
                    commands.push(Command::OpenGate { node: id.clone(), gate: gate.clone() });
                    commands.push(timer(TimerId::GateExpired(id.clone()), *at));
                }
                commands.extend(suspend.over_at.map(|at| timer(TimerId::SuspendOver(id.clone()), at)));
                commands.extend(suspend.deadline_at.map(|at| timer(TimerId::NodeDeadline(id.clone()), at)));
            }
            Body::Retry(retry) => {
                commands.extend(retry.waits_until.map(|at| timer(TimerId::Backoff(id.clone()), at)))
            }
            Body::Daemon(pod) => commands.push(Command::StartPod(Arc::clone(pod))),
            Body::Dying(pod) => {
                commands.push(Command::StartPod(Arc::clone(pod)));
                commands.push(Command::KillPod { node: id.clone() });
            }
            Body::Task(task) => commands.push(Command::StartTask(Arc::clone(task))),
            Body::Waits(waits) => {
                if let Some(question) = &waits.question {
                    commands.push(Command::Ask { node: Some(id.clone()), question: question.clone() });
                }
            }
            Body::Ended
            | Body::Queued
            | Body::Steps(_)
            | Body::Group(_)
            | Body::Dag(_)
            | Body::TaskGroup(_) => {}
        }
    }

    /// Returns why no node (of an exit handler, if `hooked`) may go on, if so, in Argo's words.
    pub(crate) fn doom(&self, hooked: bool) -> Option<String> {
        use crate::ShutdownStrategy::{Stop, Terminate};
        match &self.live.shutdown {
            Some((strategy, message)) if *strategy == Terminate || !hooked => {
                let name = if *strategy == Stop { "Stop" } else { "Terminate" };
                Some(message.clone().unwrap_or_else(|| format!("Stopped with strategy '{name}'")))
            }
            _ => (self.live.deadline_passed && !hooked).then(|| "Step exceeded its deadline".to_owned()),
        }
    }
}
