//! Tasks: HTTP requests, executor plugins, data transformations and acts on Kubernetes objects. They need no process of
//! the workflow's own; whoever does them answers with how they ended.
//! Source: Argo `http_template.go`, `plugins.go`, `operator.go` executeData, executeResource; `taskset.go`.

use std::sync::Arc;

use model::argo::{NodeId, NodeOutputs, NodePhase, NodeType, Parameter, Template};

use super::{Turn, inputs::Ready, pod};
use crate::{
    Command, Task, TaskOutcome,
    live::{Body, Start},
};

impl Turn {
    pub(super) fn start_task_node(&mut self, start: Start, ready: Ready, node_type: NodeType) {
        let deadline_seconds = match self.pod_deadline(&start, &ready) {
            Ok(seconds) => seconds,
            Err(message) => return self.cannot_start(start, message),
        };
        let shown = ready.inputs();
        let inputs = pod::pod_inputs(&ready);
        let at = self.make(self.new_node(&start, node_type, NodePhase::Pending), Body::Ended);
        self.limit_time(at, &ready.template, false);
        let Some((id, node)) = self.run.status.nodes.get_index_mut(at) else { return };
        node.inputs = shown;
        let task = Arc::new(Task {
            node: id.clone(),
            node_name: node.name.clone(),
            template: ready.template,
            inputs,
            deadline_seconds,
        });
        self.count_pod(at, 0, 1);
        if node_type == NodeType::Pod {
            self.run.live.active_pods = self.run.live.active_pods.saturating_add(1);
        }
        self.run.live.active.insert(at);
        if let Some(slot) = self.run.live.slots.get_mut(at) {
            slot.body = Body::Task(Arc::clone(&task));
        }
        self.commands.push(Command::StartTask(task));
    }

    pub(super) fn task_finished(&mut self, node: &NodeId, outcome: &TaskOutcome) {
        let Some(at) = self.at(node) else { return };
        let Some(Body::Task(task)) = self.run.live.slots.get(at).map(|slot| &slot.body) else { return };
        let template = task.template.clone();
        let outputs = with_defaults(&template, outcome.outputs.clone());
        if let Some(node) = self.node_mut(at) {
            node.outputs = (outputs != NodeOutputs::default()).then(|| outputs.clone());
        }
        self.publish(&template.outputs, &outputs);
        self.give_up_task(at, outcome.phase, outcome.message.clone());
    }

    /// Ends the node of a task.
    pub(super) fn give_up_task(&mut self, at: usize, phase: NodePhase, message: String) {
        self.count_pod(at, 1, 0);
        let is_pod = self.node(at).is_some_and(|node| node.node_type == NodeType::Pod);
        self.end(at, phase, message);
        if is_pod {
            self.give_pod_back();
        }
    }
}

/// Returns the outputs as declared, those that were not given by their default.
fn with_defaults(template: &Template, mut outputs: NodeOutputs) -> NodeOutputs {
    for declared in &template.outputs.parameters {
        if outputs.parameters.iter().any(|given| given.name == declared.name) {
            continue;
        }
        let default = declared.value_from.as_ref().and_then(|from| from.default.clone());
        if let Some(value) = default.or_else(|| declared.value.clone()) {
            outputs.parameters.push(Parameter { value: Some(value), ..declared.clone() });
        }
    }
    outputs
}
