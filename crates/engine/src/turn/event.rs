//! Each event, applied. That it fits is known.

use jiff::SignedDuration;
use model::argo::{NodeId, NodePhase, WorkflowPhase};

use super::{Turn, fit, hooks, variables};
use crate::{
    Command, EventKind, TimerId,
    live::{Args, Parent, Stage, Start},
    plan,
};

impl Turn {
    pub(super) fn apply(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Started => self.begin(),
            EventKind::PodRunning { node } => self.pod_runs(node),
            EventKind::PodFinished { node, outcome } => self.pod_finished(node, outcome),
            EventKind::PodReady { .. }
            | EventKind::Progress { .. }
            | EventKind::TaskFinished { .. }
            | EventKind::Locked { .. }
            | EventKind::LockWaits { .. }
            | EventKind::LockRefused { .. }
            | EventKind::Postponed { .. }
            | EventKind::Resubmitted { .. }
            | EventKind::Restarted { .. }
            | EventKind::NodeSet { .. } => {}
            EventKind::Answered { question, answer, .. } => self.answered(question, answer),
            EventKind::TimerFired { timer } => self.timer_fired(timer),
            EventKind::Resumed { node, message, parameters } => {
                let nodes = match node {
                    Some(node) => self.at(node).into_iter().collect(),
                    None => fit::ungated(&self.run),
                };
                for at in nodes {
                    self.resume(at, message, parameters);
                }
            }
            EventKind::NodeFailed { node, phase, message } => {
                if let Some(at) = self.at(node) {
                    self.end_suspend(at, *phase, message.clone());
                }
            }
            EventKind::Suspended => self.run.live.suspended = true,
            EventKind::Unsuspended => {
                self.run.live.suspended = false;
                self.release_held();
            }
            EventKind::ShutdownRequested { strategy, message } => self.shut_down(*strategy, message.clone()),
        }
    }

    /// Returns the place of a node.
    pub(super) fn at(&self, node: &NodeId) -> Option<usize> {
        self.run.status.nodes.get_index_of(node)
    }

    fn begin(&mut self) {
        self.run.status.phase = WorkflowPhase::Running;
        self.run.status.started_at = Some(self.now);
        self.run.status.progress = "0/0".to_owned();
        self.run.live.stage = Stage::Main;
        let arguments = &self.run.workflow.spec.arguments;
        let refused = self.run.plan.refused.clone().or_else(|| plan::refused_arguments(arguments));
        if let Some(reason) = refused {
            return self.finish(WorkflowPhase::Error, reason);
        }
        self.begin_entry();
    }

    /// Starts the entry node, once everything it needs from outside is known.
    pub(super) fn begin_entry(&mut self) {
        if !self.run.status.nodes.is_empty() || self.run.live.stage != Stage::Main {
            return;
        }
        if let Some(question) = variables::question(&self.run, self.now) {
            return self.ask(question, None);
        }
        let known = variables::of_workflow(&self.run, self.now)
            .and_then(|variables| variables::arguments(&self.run, &variables).map(|args| (variables, args)));
        let (variables, args) = match known {
            Ok(known) => known,
            Err(reason) => return self.finish(WorkflowPhase::Failed, reason),
        };
        let spec = &self.run.workflow.spec;
        let deadline = spec
            .active_deadline_seconds
            .and_then(|seconds| self.now.checked_add(SignedDuration::from_secs(seconds)).ok());
        self.run.live.suspended = spec.suspend == Some(true);
        let strategy = match spec.shutdown.as_str() {
            "Stop" => Some(crate::ShutdownStrategy::Stop),
            "Terminate" => Some(crate::ShutdownStrategy::Terminate),
            _ => None,
        };
        let entrypoint = spec.entrypoint.clone();
        self.run.live.hooks = hooks::of_run(spec);
        self.run.live.variables = variables.into();
        self.run.live.deadline = deadline;
        if let Some(at) = deadline {
            self.commands.push(Command::SetTimer { timer: TimerId::WorkflowDeadline, at });
        }
        let name = self.run.workflow.metadata.name.clone();
        self.then_start(entry(name, entrypoint, args, Parent::Root));
        if let Some(strategy) = strategy {
            self.shut_down(strategy, None);
        }
    }

    fn timer_fired(&mut self, timer: &TimerId) {
        match timer {
            TimerId::WorkflowDeadline => self.deadline_passed(),
            TimerId::SuspendOver(node) => self.with(node, Self::suspend_over),
            TimerId::GateExpired(node) => {
                self.with(node, |turn, at| {
                    turn.end_suspend(at, NodePhase::Failed, "approval expired".to_owned())
                });
            }
            TimerId::NodeDeadline(node) => {
                self.with(node, |turn, at| {
                    turn.end_suspend(at, NodePhase::Failed, "Step exceeded its deadline".to_owned())
                });
            }
            TimerId::PendingTimeout(_) => {}
            TimerId::Backoff(node) => self.with(node, Self::backoff_over),
        }
    }

    fn with(&mut self, node: &NodeId, act: impl FnOnce(&mut Self, usize)) {
        if let Some(at) = self.at(node) {
            act(self, at);
        }
    }
}

/// Returns the start of the entry node or of the exit handler.
pub(super) fn entry(name: String, template_name: String, args: Args, parent: Parent) -> Start {
    Start {
        name,
        call: String::new(),
        template_name,
        reference: None,
        home: None,
        inline: None,
        args: args.into(),
        boundary: None,
        hooked: parent == Parent::Exit,
        parent,
        depth: 0,
        counted: false,
        attempt: None,
        hooks: None,
        known: Vec::new(),
        shown_as: None,
    }
}
