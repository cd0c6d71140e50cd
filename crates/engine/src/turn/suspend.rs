//! Suspend nodes: they wait to be resumed, for a duration, or for a gate.
//! A gated node's own `duration` is not set as a timer: it would open the gate without an approval.
//! Source: Argo `operator.go` executeSuspend; `util.go` ResumeWorkflow.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use model::argo::{AnyString, NodeId, NodeOutputs, NodePhase, NodeType, Parameter};

use super::{Turn, inputs::Ready};
use crate::{
    Command, TimerId, duration,
    live::{Body, Start, Suspend},
};

/// Returns the value a suspend node's output has if none is supplied.
pub(super) fn default_of(parameter: &Parameter) -> Option<AnyString> {
    let from = parameter.value_from.as_ref().and_then(|from| from.default.clone());
    parameter.value.clone().or(from).or_else(|| parameter.default.clone())
}

impl Turn {
    pub(super) fn start_suspend(&mut self, start: &Start, ready: Ready) {
        let text =
            ready.template.suspend.as_ref().map(|suspend| suspend.duration.clone()).unwrap_or_default();
        let wait = if text.is_empty() { None } else { Some(duration::parse(&text)) };
        if wait == Some(None) {
            return self.cannot_start(start.clone(), format!("unable to parse {text} as a duration"));
        }
        let deadline =
            ready.template.active_deadline_seconds.as_ref().map(|text| text.0.trim().parse::<i64>());
        let deadline = match deadline.transpose() {
            Ok(seconds) => seconds.map(SignedDuration::from_secs),
            Err(_) => {
                return self.cannot_start(start.clone(), "activeDeadlineSeconds is not a number".to_owned());
            }
        };
        let gate = self.gate_of(start);
        let after = |wait: SignedDuration| self.now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let suspend = Suspend {
            over_at: wait.flatten().filter(|_| gate.is_none()).map(after),
            deadline_at: deadline.map(after),
            gate,
        };
        let new = self.new_node(start, NodeType::Suspend, NodePhase::Running);
        let at = self.make(new, Body::Suspend(Box::new(suspend.clone())));
        self.run.live.active.insert(at);
        let Some(node) = self.node_mut(at) else { return };
        node.inputs = ready.inputs();
        let parameters = ready.template.outputs.parameters;
        node.outputs = (!parameters.is_empty()).then(|| NodeOutputs { parameters, ..NodeOutputs::default() });
        let id = node.id.clone();
        if let Some((gate, at)) = suspend.gate {
            self.commands.push(Command::OpenGate { node: id.clone(), gate });
            self.commands.push(Command::SetTimer { timer: TimerId::GateExpired(id.clone()), at });
        }
        if let Some(at) = suspend.over_at {
            self.commands.push(Command::SetTimer { timer: TimerId::SuspendOver(id.clone()), at });
        }
        if let Some(at) = suspend.deadline_at {
            self.commands.push(Command::SetTimer { timer: TimerId::NodeDeadline(id), at });
        }
    }

    /// Returns the gate of a suspend node, by its step's, task's or template's name, and when it expires.
    fn gate_of(&self, start: &Start) -> Option<(String, Timestamp)> {
        let named = |name: &str| self.run.options.gates.iter().find(|gate| gate.node == name);
        let gate = named(&start.call).or_else(|| named(&start.template_name))?;
        let open = SignedDuration::from_millis(i64::try_from(gate.expires_after_ms).unwrap_or(i64::MAX));
        Some((gate.node.clone(), self.now.checked_add(open).unwrap_or(Timestamp::MAX)))
    }

    pub(super) fn resume(&mut self, at: usize, message: &str, given: &BTreeMap<String, String>) {
        if let Some(outputs) = self.node_mut(at).and_then(|node| node.outputs.as_mut()) {
            for parameter in &mut outputs.parameters {
                let supplied = given.get(&parameter.name).map(|value| AnyString::from(value.as_str()));
                parameter.value = supplied.or_else(|| default_of(parameter));
            }
        }
        self.end_suspend(at, NodePhase::Succeeded, message.to_owned());
    }

    /// A suspend node that waits is changed from outside. Source: Argo `util.go` updateSuspendedNode.
    pub(super) fn set(
        &mut self,
        node: &NodeId,
        phase: Option<NodePhase>,
        message: Option<&str>,
        given: &BTreeMap<String, String>,
    ) {
        let Some(at) = self.at(node) else { return };
        let Some(node) = self.node_mut(at) else { return };
        for parameter in node.outputs.iter_mut().flat_map(|outputs| &mut outputs.parameters) {
            if let Some(value) = given.get(&parameter.name) {
                parameter.value = Some(AnyString::from(value.as_str()));
                parameter.value_from = None;
            }
        }
        if let Some(message) = message {
            message.clone_into(&mut node.message);
        }
        match phase {
            Some(phase) if phase.is_fulfilled() => {
                let message = self.node(at).map(|node| node.message.clone()).unwrap_or_default();
                self.end_suspend(at, phase, message);
            }
            Some(phase) => node.phase = phase,
            None => {}
        }
    }

    /// The duration is over: every output takes its default, or the node fails.
    pub(super) fn suspend_over(&mut self, at: usize) {
        let outputs = self.node_mut(at).and_then(|node| node.outputs.as_mut());
        let mut missing = None;
        for parameter in outputs.into_iter().flat_map(|outputs| &mut outputs.parameters) {
            parameter.value = default_of(parameter);
            if parameter.value.is_none() {
                missing.get_or_insert(parameter.name.clone());
            }
        }
        match missing {
            None => self.end_suspend(at, NodePhase::Succeeded, String::new()),
            Some(name) => {
                let message = format!(
                    "raw output parameter '{name}' has not been set and does not have a default value"
                );
                self.end_suspend(at, NodePhase::Failed, message);
            }
        }
    }

    /// Ends a suspend node and forgets its timers.
    pub(super) fn end_suspend(&mut self, at: usize, phase: NodePhase, message: String) {
        let Some(Body::Suspend(suspend)) = self.run.live.slots.get(at).map(|slot| &slot.body) else { return };
        let suspend = suspend.clone();
        let Some(id) = self.node(at).map(|node| node.id.clone()) else { return };
        let timers = [
            suspend.gate.map(|_| TimerId::GateExpired(id.clone())),
            suspend.over_at.map(|_| TimerId::SuspendOver(id.clone())),
            suspend.deadline_at.map(|_| TimerId::NodeDeadline(id)),
        ];
        self.commands.extend(timers.into_iter().flatten().map(|timer| Command::CancelTimer { timer }));
        if phase == NodePhase::Succeeded
            && let Some(outputs) = self.node(at).and_then(|node| node.outputs.clone())
        {
            let declared =
                model::argo::Outputs { parameters: outputs.parameters.clone(), artifacts: Vec::new() };
            self.publish(&declared, &outputs);
        }
        self.end(at, phase, message);
    }
}
