//! A run begins with nodes of before: a retry keeps what need not run again, a memoized resubmit takes over what has
//! Succeeded elsewhere. Everything is walked through as in a first run; a node that is known already ends at once, as
//! it ended before, and nothing is asked of the world for it.
//! Source: Argo `workflow/util/util.go` FormulateRetryWorkflow, FormulateResubmitWorkflow.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use model::argo::{NodeId, NodeStatus, NodeType, WorkflowStatus};

use super::{Turn, Work};
use crate::{
    live::{Body, Live, Start},
    operate,
    plan::Compiled,
};

/// Whether a node stands for others and has no doing of its own.
const fn is_composite(node_type: NodeType) -> bool {
    matches!(
        node_type,
        NodeType::Steps | NodeType::StepGroup | NodeType::Dag | NodeType::TaskGroup | NodeType::Retry
    )
}

impl Turn {
    /// The run begins with nodes of an earlier one.
    pub(super) fn begin_with(&mut self, nodes: &[NodeStatus]) {
        self.run.live.previous =
            nodes.iter().map(|node| (node.name.clone(), Box::new(node.clone()))).collect();
        self.begin();
    }

    /// The run begins again; the nodes named run again.
    pub(super) fn begin_again(&mut self, again: &[NodeId], parameters: &BTreeMap<String, String>) {
        let before = std::mem::take(&mut self.run.status);
        let again: HashSet<&NodeId> = again.iter().collect();
        let exit = format!("{}.onExit", self.run.workflow.metadata.name);
        let kept = before.nodes.into_values().filter(|node| {
            node.phase.is_fulfilled() && !again.contains(&node.id) && !node.name.starts_with(&exit)
        });
        let previous: HashMap<String, Box<NodeStatus>> =
            kept.map(|node| (node.name.clone(), Box::new(node))).collect();
        let mut workflow = (*self.run.workflow).clone();
        operate::override_parameters(&mut workflow, parameters);
        operate::not_ended_by_hand(&mut workflow);
        self.run.workflow = Arc::new(workflow);
        self.run.status = WorkflowStatus::default();
        self.run.live = Live { previous, ..Live::default() };
        self.condition("Completed", false, None);
        self.begin();
    }

    /// Returns the start, unless its node is known from before: that ends as it did then.
    pub(super) fn unless_known(&mut self, start: Start, compiled: &Arc<Compiled>) -> Option<Start> {
        let known = self.run.live.previous.get(&start.name);
        if known.is_none_or(|known| is_composite(known.node_type)) || start.been.node.is_some() {
            return Some(start);
        }
        let Some(known) = self.run.live.previous.remove(&start.name) else { return Some(start) };
        let new =
            self.new_node(&start, known.node_type, known.phase).because(known.phase, known.message.clone());
        let at = self.make(new, Body::Ended);
        if let Some(set) = &compiled.template.container_set {
            self.make_containers(at, &start, set);
            for (_, container) in self.run.live.containers.get(&at).cloned().unwrap_or_default() {
                self.recall(container, None);
            }
        }
        if let Some(outputs) = &known.outputs {
            self.publish(&compiled.template.outputs, outputs);
        }
        let is_pod = matches!(known.node_type, NodeType::Pod | NodeType::Http | NodeType::Plugin);
        self.recall(at, Some(known));
        if is_pod {
            self.count_pod(at, 0, 1);
            self.count_pod(at, 1, 0);
        }
        self.work.push_back(Work::Ended(at));
        None
    }

    /// Makes the node at `at` what it was before.
    fn recall(&mut self, at: usize, known: Option<Box<NodeStatus>>) {
        let name = self.node(at).map(|node| node.name.clone()).unwrap_or_default();
        let Some(known) = known.or_else(|| self.run.live.previous.remove(&name)) else { return };
        let Some(node) = self.node_mut(at) else { return };
        let known = *known;
        node.phase = known.phase;
        node.message = known.message;
        node.started_at = known.started_at.or(node.started_at);
        node.finished_at = known.finished_at.or(node.finished_at);
        node.inputs = known.inputs;
        node.outputs = known.outputs;
        node.host_node_name = known.host_node_name;
        node.pod_ip = known.pod_ip;
        node.memoization_status = known.memoization_status;
        node.resources_duration = known.resources_duration;
        node.estimated_duration = known.estimated_duration;
    }

    /// A steps, DAG, group or retry node has ended as it did before: then it was no longer under way, either.
    pub(super) fn recall_times(&mut self, at: usize) {
        if self.run.live.previous.is_empty() {
            return;
        }
        let Some((name, phase)) = self.node(at).map(|node| (node.name.clone(), node.phase)) else { return };
        let Some(known) = self.run.live.previous.remove(&name).filter(|known| known.phase == phase) else {
            return;
        };
        if let Some(node) = self.node_mut(at) {
            node.started_at = known.started_at.or(node.started_at);
            node.finished_at = known.finished_at.or(node.finished_at);
        }
    }

    /// Returns the first attempt of the node called `name` that is known from before; zero if none is.
    pub(super) fn first_known_attempt(&self, name: &str) -> usize {
        let known = &self.run.live.previous;
        if known.is_empty() {
            return 0;
        }
        (0..=known.len()).find(|number| known.contains_key(&format!("{name}({number})"))).unwrap_or(0)
    }

    /// Whether the node called `name` is known from before.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.run.live.previous.contains_key(name)
    }
}
