//! Each event, applied. That it fits is known.

use std::collections::HashMap;

use expr::{Unresolved, substitute_json};
use jiff::SignedDuration;
use model::argo::{NodeId, NodePhase, Volume, Workflow, WorkflowPhase};
use serde_json::json;

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
            EventKind::PodReady { node, ip } => self.pod_ready(node, ip),
            EventKind::Progress { node, progress } => self.progressed(node, progress),
            EventKind::TaskFinished { node, outcome } => self.task_finished(node, outcome),
            EventKind::Answered { node, question, answer } => match node {
                Some(node) => self.memo_answered(node, question, answer),
                None => self.answered(question, answer),
            },
            EventKind::Locked { holder } => self.locked(holder.as_ref()),
            EventKind::LockWaits { holder, lock, message, holders } => {
                self.lock_waits(holder.as_ref(), lock, message, holders);
            }
            EventKind::LockRefused { holder, message } => self.lock_refused(holder.as_ref(), message),
            EventKind::Postponed { message } => {
                self.run.status.phase = WorkflowPhase::Pending;
                message.clone_into(&mut self.run.status.message);
            }
            EventKind::Resubmitted { nodes } => self.begin_with(nodes),
            EventKind::Restarted { again, parameters } => self.begin_again(again, parameters),
            EventKind::NodeSet { node, phase, message, parameters } => {
                self.set(node, *phase, message.as_deref(), parameters);
            }
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

    /// The run begins, or waits for its own locks first.
    pub(super) fn begin(&mut self) {
        self.run.status.message = String::new();
        match self.run_must_wait() {
            Ok(true) => {}
            Ok(false) => self.begin_main(),
            Err(reason) => {
                self.begin_status();
                self.finish(
                    WorkflowPhase::Failed,
                    format!("Failed to acquire the synchronization lock. {reason}"),
                );
            }
        }
    }

    fn begin_status(&mut self) {
        let status = &mut self.run.status;
        status.phase = WorkflowPhase::Running;
        status.message = String::new();
        status.started_at = Some(self.now);
        status.progress = "0/0".to_owned();
        if let Some(seconds) = self.run.options.estimated_duration {
            status.rest.insert("estimatedDuration".to_owned(), json!(seconds));
        }
        self.run.live.stage = Stage::Main;
    }

    /// The run begins.
    pub(super) fn begin_main(&mut self) {
        self.begin_status();
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
        let since = self.run.status.started_at.unwrap_or(self.now);
        let deadline = spec
            .active_deadline_seconds
            .and_then(|seconds| since.checked_add(SignedDuration::from_secs(seconds)).ok());
        self.run.live.suspended |= spec.suspend == Some(true);
        let strategy = match spec.shutdown.as_str() {
            "Stop" => Some(crate::ShutdownStrategy::Stop),
            "Terminate" => Some(crate::ShutdownStrategy::Terminate),
            _ => None,
        };
        let entrypoint = spec.entrypoint.clone();
        self.run.live.hooks = hooks::of_run(spec);
        self.run.live.volumes = match volumes_of(&self.run.workflow, &variables) {
            Ok(volumes) => volumes,
            Err(reason) => return self.finish(WorkflowPhase::Error, reason),
        };
        self.note_claims();
        self.run.live.variables = variables.into();
        self.run.live.deadline = deadline;
        match deadline {
            // No time is given at all: it has passed.
            Some(at) if at <= self.now => self.run.live.deadline_passed = true,
            Some(at) => self.commands.push(Command::SetTimer { timer: TimerId::WorkflowDeadline, at }),
            None => {}
        }
        self.measure_run(None);
        let name = self.run.workflow.metadata.name.clone();
        self.then_start(entry(name, entrypoint, args, Parent::Root));
        if let Some(strategy) = strategy {
            self.shut_down(strategy, None);
        }
    }

    /// Notes the claims that are made for the run. Source: Argo `operator.go` createPVCs.
    fn note_claims(&mut self) {
        let made = self.run.workflow.spec.volume_claim_templates.len();
        let volumes = &self.run.live.volumes;
        if made > 0 {
            let claims = json!(volumes.get(volumes.len().saturating_sub(made)..).unwrap_or_default());
            self.run.status.rest.insert("persistentVolumeClaims".to_owned(), claims);
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
                    turn.end_suspend(at, NodePhase::Failed, "Step exceeded its deadline".to_owned());
                    turn.time_over(at);
                });
            }
            TimerId::PendingTimeout(node) => self.pending_too_long(node),
            TimerId::Backoff(node) => self.with(node, Self::backoff_over),
        }
    }

    /// A pod or task says how far it is.
    fn progressed(&mut self, node: &NodeId, progress: &str) {
        if let (Some(at), Some((done, of))) = (self.at(node), parsed_progress(progress)) {
            self.set_progress(at, done, of);
        }
    }

    fn with(&mut self, node: &NodeId, act: impl FnOnce(&mut Self, usize)) {
        if let Some(at) = self.at(node) {
            act(self, at);
        }
    }
}

/// Returns what is done and what there is to do, if `text` says so. Source: Argo `progress.go` ParseProgress.
pub(super) fn parsed_progress(text: &str) -> Option<(u32, u32)> {
    let (done, of) = text.split_once('/')?;
    let (done, of) = (done.parse().ok()?, of.parse().ok()?);
    (of > 0 && done <= of).then_some((done, of))
}

/// Returns the volumes of the workflow: its own, then one for each claim that is made for it.
///
/// # Errors
/// Which tag cannot be read.
fn volumes_of(workflow: &Workflow, variables: &HashMap<String, String>) -> Result<Vec<Volume>, String> {
    let spec = &workflow.spec;
    if spec.volumes.is_empty() && spec.volume_claim_templates.is_empty() {
        return Ok(Vec::new());
    }
    let mut json = serde_json::to_value(&spec.volumes).unwrap_or_default();
    substitute_json(&mut json, &mut |name| variables.get(name).cloned().into(), Unresolved::Keep)
        .map_err(|error| format!("volumes global param substitution error: {error}"))?;
    let mut volumes: Vec<Volume> = serde_json::from_value(json).map_err(|error| error.to_string())?;
    for claim in &spec.volume_claim_templates {
        let Some(name) = claim.pointer("/metadata/name").and_then(serde_json::Value::as_str) else {
            continue;
        };
        let claim = json!({ "claimName": format!("{}-{name}", workflow.metadata.name) });
        let source = [("persistentVolumeClaim".to_owned(), claim)].into_iter().collect();
        volumes.push(Volume { name: name.to_owned(), source });
    }
    Ok(volumes)
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
        been: crate::live::Been::default(),
    }
}
