//! A node has ended: who waits for it is told; at the top, the exit handler and the end of the run.
//! Source: Argo `operator.go` operate; `exit_handler.go`.

use model::argo::{NodePhase, NodeStatus, WorkflowPhase, pod_name};
use serde_json::{Map, Value, json};

use super::Turn;
use crate::{
    Command, TimerId, garbage,
    live::{Body, Parent, Stage},
};

impl Turn {
    pub(super) fn ended(&mut self, at: usize) {
        let Some(parent) = self.run.live.slots.get(at).map(|slot| slot.parent) else { return };
        self.settled(at);
        self.recall_times(at);
        self.give_place_back(at);
        if !self.hooks_are_done(at) {
            return;
        }
        match parent {
            Parent::Root => self.main_ended(at),
            Parent::Exit => self.exit_ended(at),
            Parent::Steps(steps) => self.group_ended(steps, at),
            Parent::Group(group) => self.step_ended(group),
            Parent::Task(dag, task) => self.task_ended(dag, task, at),
            Parent::Item(group) => self.item_ended(group),
            Parent::Attempt(retry) => self.attempt_ended(retry, at),
            Parent::Container(_) => {}
            Parent::Hook(owner) => self.hook_ended(owner),
            Parent::RunHook => self.run_hook_ended(),
        }
    }

    fn main_ended(&mut self, at: usize) {
        if self.run.live.stage != Stage::Main {
            return;
        }
        let Some(node) = self.node(at) else { return };
        let phase = workflow_phase(node.phase);
        let shut_down = self.run.live.shutdown.is_some() && node.phase.is_failed_or_error();
        let message = match self.run.doom(false).filter(|_| shut_down) {
            Some(message) => message,
            None if phase == WorkflowPhase::Succeeded => String::new(),
            None => node.message.clone(),
        };
        if self.run.live.deadline.is_some() && !self.run.live.deadline_passed {
            self.commands.push(Command::CancelTimer { timer: TimerId::WorkflowDeadline });
        }
        self.run.live.stage = Stage::Hooks(phase, message);
        self.look_at_run_hooks();
        self.hooks_may_be_done();
    }

    /// Starts the exit handler, or ends the run if there is none.
    pub(super) fn start_exit(&mut self, phase: WorkflowPhase, message: String) {
        let exit = self.run.live.hooks.exit.take().filter(|_| self.run.doom(true).is_none());
        let Some(exit) = exit else { return self.finish(phase, message) };
        self.note_exit_variables(phase);
        self.run.live.stage = Stage::Exit(phase, message.clone());
        let name = format!("{}.onExit", self.run.workflow.metadata.name);
        let holds =
            if exit.expression.is_empty() { Ok(true) } else { self.holds_for_run(&exit.expression, true) };
        match holds {
            Ok(true) => self.start_run_hook(name, exit, Parent::Exit),
            Ok(false) => self.finish(phase, message),
            Err(reason) => self.run_hook_fails(name, &exit, Parent::Exit, reason),
        }
    }

    /// Notes what an exit handler knows: how the workflow ended, and which nodes failed, as JSON quoted once more.
    fn note_exit_variables(&mut self, phase: WorkflowPhase) {
        let workflow = &self.run.workflow.metadata.name;
        let failed = self.run.status.nodes.values().filter(|node| node.phase.is_failed_or_error());
        let failures: Vec<Value> = failed.map(|node| failure(workflow, node)).collect();
        let failures = if failures.is_empty() { Value::Null } else { Value::Array(failures) };
        let quoted = Value::String(failures.to_string()).to_string();
        let known = &mut self.run.live.exit_variables;
        known.insert("workflow.status".to_owned(), phase.as_str().to_owned());
        known.insert("workflow.failures".to_owned(), quoted);
    }

    fn exit_ended(&mut self, at: usize) {
        let Stage::Exit(phase, message) = &self.run.live.stage else { return };
        let (phase, message) = (*phase, message.clone());
        let Some(node) = self.node(at) else { return };
        // how the entry node ended counts first
        if phase != WorkflowPhase::Succeeded || !node.phase.is_failed_or_error() {
            return self.finish(phase, message);
        }
        let (exit, exit_message) = (workflow_phase(node.phase), node.message.clone());
        self.finish(exit, exit_message);
    }

    /// Ends the run.
    pub(super) fn finish(&mut self, phase: WorkflowPhase, message: String) {
        let left: Vec<usize> = self.run.live.active.iter().copied().collect();
        for at in left {
            if let (Some(Body::Pod(_) | Body::Task(_)), Some((id, _))) =
                (self.run.live.slots.get(at).map(|slot| &slot.body), self.run.status.nodes.get_index(at))
            {
                self.commands.push(Command::KillPod { node: id.clone() });
            }
        }
        for boundary in self.run.live.daemons.keys().copied().collect::<Vec<_>>() {
            self.kill_daemons(boundary);
        }
        self.unlock_all();
        self.run.live.previous.clear();
        let status = &mut self.run.status;
        status.phase = phase;
        status.message = message;
        // one that never came to its start has begun as it ends (Argo `operator.go` markWorkflowPhase)
        status.started_at.get_or_insert(self.now);
        status.finished_at = Some(self.now);
        if garbage::takes_claims(&self.run.workflow, phase) {
            status.rest.shift_remove("persistentVolumeClaims");
        }
        self.measure_run(Some(phase.as_str()));
        self.condition("PodRunning", false, None);
        self.condition("Completed", true, None);
        self.run.live.stage = Stage::Ended;
        self.run.live.held.clear();
        self.run.live.asked.clear();
        self.run.live.waiting.clear();
        self.work.clear();
        self.starts.clear();
        self.commands.push(Command::Complete { phase });
    }
}

const fn workflow_phase(phase: NodePhase) -> WorkflowPhase {
    match phase {
        NodePhase::Failed => WorkflowPhase::Failed,
        NodePhase::Error => WorkflowPhase::Error,
        _ => WorkflowPhase::Succeeded,
    }
}

fn failure(workflow: &str, node: &NodeStatus) -> Value {
    let template = node.template_ref.as_ref().map_or(&node.template_name, |reference| &reference.template);
    let finished = node.finished_at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let fields = [
        ("displayName", json!(node.display_name)),
        ("message", json!(node.message)),
        ("templateName", json!(template)),
        ("phase", json!(node.phase.as_str())),
        ("podName", json!(pod_name(workflow, &node.name, template))),
        ("finishedAt", json!(finished)),
    ];
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
