//! Steps: groups in sequence, the steps of a group side by side. Source: Argo `steps.go`.

use std::sync::Arc;

use model::argo::{Call, NodeFlag, NodePhase, NodeType, WorkflowStep};

use super::{Turn, Work, dag::item_index, hooks, inputs::Ready, lookup::Asker, node::NewNode, resolve};
use crate::{
    live::{self, Body, Child, Expanded, Group, Parent, Start, Steps},
    plan::Compiled,
};

/// The steps of a group, resolved and expanded: by step, its name and what it stands for.
type Opened = Vec<(String, Option<Vec<Expanded>>, Call)>;

impl Turn {
    pub(super) fn start_steps(&mut self, start: &Start, compiled: Arc<Compiled>, ready: Ready) {
        let shown = ready.inputs();
        let frame = ready.frame(compiled, start);
        let body = Body::Steps(Box::new(Steps { frame, current: None, begun: 0 }));
        let at = self.make(self.new_node(start, NodeType::Steps, NodePhase::Running), body);
        if let Some(node) = self.node_mut(at) {
            node.inputs = shown;
        }
        self.work.push_back(Work::Group(at));
    }

    /// Begins the next group of the steps node at `steps`, or ends the node.
    pub(super) fn next_group(&mut self, steps: usize) {
        let Some(state) = self.run.live.steps_mut(steps) else { return };
        let written = state.frame.compiled.template.steps.as_ref();
        let Some(group) = written.and_then(|groups| groups.get(state.begun)).cloned() else {
            return self.steps_done(steps);
        };
        let (index, before) = (state.begun, state.current);
        state.begun = state.begun.saturating_add(1);
        let Some(slot) = self.run.live.slots.get(steps) else { return };
        let hooked = slot.hooked;
        let Some(name) = self.node(steps).map(|node| format!("{}[{index}]", node.name)) else { return };
        let new = NewNode {
            name,
            node_type: NodeType::StepGroup,
            template_name: String::new(),
            reference: None,
            phase: NodePhase::Running,
            message: String::new(),
            flag: Some(NodeFlag::default()),
            boundary: Some(steps),
            parent: Parent::Steps(steps),
            hooked,
            counted: false,
            hooks: None,
            shown_as: None,
            at: None,
        };
        let at = self.make(new, Body::Group(Box::default()));
        self.connect_group(steps, before, at);
        if let Some(state) = self.run.live.steps_mut(steps) {
            state.current = Some(at);
        }
        let asker = Asker { boundary: steps, task: None, hooked, about: None };
        match self.open_group(asker, group.0) {
            Ok(opened) => self.fill_group(asker, at, opened),
            Err(reason) => self.end(at, NodePhase::Error, reason),
        }
    }

    /// The first group follows from the steps node, each other one from the last nodes of the one before.
    fn connect_group(&mut self, steps: usize, before: Option<usize>, at: usize) {
        let Some(id) = self.node(at).map(|node| node.id.clone()) else { return };
        let Some(before) = before else { return self.add_child(steps, &id) };
        for last in self.last_of_group(before) {
            self.add_child(last, &id);
        }
    }

    /// Returns the last nodes of a group: the group itself if it is empty.
    fn last_of_group(&self, group: usize) -> Vec<usize> {
        let children = self.node(group).map(|node| node.children.clone()).unwrap_or_default();
        if children.is_empty() {
            return vec![group];
        }
        children.iter().filter_map(|id| self.at(id)).flat_map(|at| self.outbound(at)).collect()
    }

    /// Resolves all steps of a group, then expands them; nothing of the group starts if one cannot be.
    fn open_group(&mut self, asker: Asker, steps: Vec<WorkflowStep>) -> Result<Opened, String> {
        let mut opened = Vec::with_capacity(steps.len());
        for mut step in steps {
            self.resolve(asker, &mut step.call)?;
            opened.push((step.name, None, step.call));
        }
        for (name, expanded, call) in &mut opened {
            if resolve::expands(call) {
                *expanded = Some(self.expand(asker, name, call)?);
            }
        }
        Ok(opened)
    }

    fn fill_group(&mut self, asker: Asker, group: usize, opened: Opened) {
        for (name, expanded, call) in opened {
            let on = call.continue_on.unwrap_or_default();
            if let Some(state) = self.run.live.group_mut(group) {
                state.tolerated.insert(name.clone(), on);
            }
            let Some(expanded) = expanded else {
                let one = Expanded { name: name.clone(), call };
                self.start_step(asker, group, &name, one);
                continue;
            };
            if expanded.is_empty() {
                let new = self
                    .step_that_ends(asker, group, &name, &call)
                    .because(NodePhase::Skipped, "Skipped, empty params");
                self.make_ended(new);
            }
            self.make_room(expanded.len());
            for one in expanded {
                self.start_step(asker, group, &name, one);
            }
        }
        // Nothing in it: the group has ended as it began.
        if self.run.live.group_mut(group).is_some_and(|state| state.open == 0 && state.children.is_empty()) {
            self.group_done(group);
        }
    }

    fn step_that_ends(&mut self, asker: Asker, group: usize, name: &str, call: &Call) -> NewNode {
        if let Some(state) = self.run.live.group_mut(group) {
            state.open = state.open.saturating_add(1);
        }
        let full = self.node(group).map(|node| format!("{}.{name}", node.name)).unwrap_or_default();
        NewNode::ended(full, call.template.clone(), Some(asker.boundary), Parent::Group(group))
            .calling(call.template_ref.clone())
    }

    fn start_step(&mut self, asker: Asker, group: usize, call_name: &str, one: Expanded) {
        // A sibling could not start, so no further one does.
        if self.run.live.group_mut(group).is_none_or(|state| state.error.is_some()) {
            return;
        }
        let outcome = match resolve::decide(&one.call.when) {
            Ok(true) => self.call_args(asker, &one.call),
            Ok(false) => {
                let message = format!("when '{}' evaluated false", one.call.when);
                let new = self
                    .step_that_ends(asker, group, &one.name, &one.call)
                    .because(NodePhase::Skipped, message);
                self.make_ended(new);
                return;
            }
            Err(reason) => Err(reason),
        };
        let (args, inline) = match outcome {
            Ok(found) => found,
            Err(reason) => {
                let new = self
                    .step_that_ends(asker, group, &one.name, &one.call)
                    .because(NodePhase::Error, reason.clone());
                self.make_ended(new);
                if let Some(state) = self.run.live.group_mut(group) {
                    state.error.get_or_insert(reason);
                }
                return;
            }
        };
        let Some(name) = self.node(group).map(|node| format!("{}.{}", node.name, one.name)) else { return };
        let depth = self.run.live.frame(asker.boundary).map_or(0, |frame| frame.depth);
        if let Some(state) = self.run.live.group_mut(group) {
            state.open = state.open.saturating_add(1);
        }
        let hooks = hooks::of_call(&one.call, call_name, None, &self.run.workflow.spec.arguments);
        self.then_start(Start {
            name,
            call: call_name.to_owned(),
            template_name: one.call.template,
            reference: one.call.template_ref,
            home: self.home_for(Some(asker.boundary)),
            inline,
            args: Arc::new(args),
            boundary: Some(asker.boundary),
            parent: Parent::Group(group),
            depth,
            hooked: asker.hooked,
            counted: false,
            attempt: None,
            hooks,
            known: Vec::new(),
            shown_as: None,
            been: crate::live::Been::default(),
        });
    }

    /// A step of the group at `group` has ended.
    pub(super) fn step_ended(&mut self, group: usize) {
        let Some(state) = self.run.live.group_mut(group) else { return };
        state.open = state.open.saturating_sub(1);
        if state.open == 0 {
            self.group_done(group);
        }
    }

    fn group_done(&mut self, group: usize) {
        let Some(state) = self.run.live.group_mut(group).map(std::mem::take) else { return };
        self.note_children(group, &state);
        if let Some(reason) = state.error {
            return self.end(group, NodePhase::Error, reason);
        }
        let prefix = self.node(group).map_or(0, |node| node.name.len().saturating_add(1));
        let failed = state.children.iter().find_map(|(at, _)| {
            let node = self.node(*at)?;
            let call = node.name.get(prefix..).map(step_name).unwrap_or_default();
            let on = state.tolerated.get(call).copied().unwrap_or_default();
            (node.phase.is_failed_or_error() && !live::tolerates(on, node.phase)).then(|| node.id.clone())
        });
        match failed {
            Some(id) => self.end(group, NodePhase::Failed, format!("child '{id}' failed")),
            None => self.end(group, NodePhase::Succeeded, String::new()),
        }
    }

    /// Makes the steps of an ended group known to later ones.
    fn note_children(&mut self, group: usize, state: &Group) {
        let Some(boundary) = self.run.live.slots.get(group).and_then(|slot| slot.boundary) else { return };
        let prefix = self.node(group).map(|node| format!("{}.", node.name)).unwrap_or_default();
        let mut found: Vec<(String, usize, Option<usize>)> = Vec::with_capacity(state.children.len());
        for (at, _) in &state.children {
            let Some(name) = self.node(*at).and_then(|node| node.name.strip_prefix(&prefix)) else {
                continue;
            };
            let call = step_name(name);
            found.push((call.to_owned(), *at, item_index(name)));
        }
        let mut items: std::collections::HashMap<String, Vec<(usize, usize)>> =
            std::collections::HashMap::new();
        let Some(frame) = self.run.live.frame_mut(boundary) else { return };
        for (call, at, index) in found {
            if let Some(index) = index {
                items.entry(call).or_default().push((index, at));
            } else {
                frame.children.insert(call, Child { node: Some(at), items: None });
            }
        }
        for (call, mut items) in items {
            items.sort_unstable();
            let items = items.into_iter().map(|(_, at)| at).collect();
            frame.children.insert(call, Child { node: None, items: Some(items) });
        }
    }

    /// The group of the steps node at `steps` has ended.
    pub(super) fn group_ended(&mut self, steps: usize, group: usize) {
        let Some((phase, message)) = self.node(group).map(|node| (node.phase, node.message.clone())) else {
            return;
        };
        if self.run.live.steps_mut(steps).is_none() {
            return;
        }
        if !phase.is_failed_or_error() {
            return self.work.push_back(Work::Group(steps));
        }
        self.note_outbound(steps);
        self.end(steps, NodePhase::Failed, message);
    }

    fn steps_done(&mut self, steps: usize) {
        self.note_outbound(steps);
        self.composite_done(steps);
    }

    /// Gives a steps or DAG node its outputs and ends it well; or in error, if one cannot be found.
    pub(super) fn composite_done(&mut self, at: usize) {
        let Some(declared) = self.run.live.frame(at).map(|frame| frame.outputs.clone()) else { return };
        let hooked = self.run.live.slots.get(at).is_some_and(|slot| slot.hooked);
        match self.composite_outputs(Asker { boundary: at, task: None, hooked, about: None }, &declared) {
            Err(reason) => self.errs_in_the_end(at, reason),
            Ok(outputs) => {
                self.note_outbound(at);
                if let Some(outputs) = &outputs {
                    self.publish(&declared, outputs);
                }
                if let Some(node) = self.node_mut(at) {
                    node.outputs = outputs;
                }
                self.end(at, NodePhase::Succeeded, String::new());
            }
        }
    }

    /// Notes the last nodes of a steps or DAG node.
    pub(super) fn note_outbound(&mut self, at: usize) {
        let last = match self.run.live.slots.get(at).map(|slot| &slot.body) {
            Some(Body::Steps(steps)) => {
                let last = |group: usize| {
                    let empty = self.node(group).is_none_or(|group| group.children.is_empty());
                    if empty { Vec::new() } else { self.last_of_group(group) }
                };
                steps.current.map(last).unwrap_or_default()
            }
            Some(Body::Dag(dag)) => {
                let nodes = dag.targets.iter().filter_map(|target| dag.tasks.get(*target)?.node);
                nodes.flat_map(|node| self.outbound(node)).collect()
            }
            _ => return,
        };
        let ids = self.ids(&last);
        if let Some(node) = self.node_mut(at) {
            node.outbound_nodes = ids;
        }
    }
}

/// Returns the name of a step without its item; names of steps hold no parenthesis.
fn step_name(name: &str) -> &str {
    name.split_once('(').map_or(name, |(call, _)| call)
}
