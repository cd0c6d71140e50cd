//! A node starts: it waits for its turn if it must, its template is resolved, its inputs are put in.
//! Source: Argo `operator.go` executeTemplate.

use std::sync::Arc;

use model::{
    argo::{NodeFlag, NodePhase, NodeType, TemplateKind, TemplateRef, WorkflowPhase},
    limits,
};

use super::{Turn, deadline, inputs::Ready, node::NewNode, reference::Found};
use crate::{
    live::{Body, Home, Parent, Start},
    plan::Compiled,
};

/// The annotation of a template by which its nodes are shown.
const DISPLAY_NAME: &str = "workflows.argoproj.io/display-name";
/// What a node says that would be too deep. Source: Argo `operator.go` ErrMaxDepthExceeded.
const TOO_DEEP: &str =
    "Maximum recursion depth exceeded. See https://argo-workflows.readthedocs.io/en/latest/scaling/";

impl Turn {
    pub(super) fn start(&mut self, start: Start) {
        if let Parent::Group(group) = start.parent
            && self.run.live.group_mut(group).is_none_or(|state| state.error.is_some())
        {
            return self.step_ended(group);
        }
        let Some(mut start) = self.may_start(start) else { return };
        let compiled = match self.template_of(&start) {
            Ok(Found::Known(compiled)) => compiled,
            Ok(Found::Unknown(question)) => match self.run.doom(start.hooked) {
                Some(message) => return self.doomed(&start, NodeType::Pod, message),
                None => return self.ask(question, Some(start)),
            },
            Err(message) => return self.cannot_start(start, message),
        };
        self.settle_home(&mut start, &compiled);
        let Some(unknown) = self.unless_known(start, &compiled) else { return };
        start = unknown;
        let kind = compiled.kind;
        if needs_pod(kind) && !self.has_pod_to_spare(start.hooked) {
            self.queued(&start);
            self.run.live.waiting.push_back(start);
            return;
        }
        if let Some(message) = self.run.doom(start.hooked) {
            return self.doomed(&start, type_of(kind), message);
        }
        if let Some(question) = self.question_of(&compiled, &start) {
            return self.ask(question, Some(start));
        }
        let ready = match self.make_ready(&compiled, &start) {
            Ok(ready) => ready,
            Err(message) => return self.cannot_start(start, message),
        };
        let annotations = ready.template.rest.get("annotations");
        let shown_as = annotations.and_then(|all| all.get(DISPLAY_NAME)?.as_str());
        start.shown_as = shown_as.filter(|name| !name.is_empty()).map(str::to_owned);
        if let Some(reason) = deadline::refused(&ready.template) {
            return self.cannot_start(start, reason);
        }
        let Some(mut start) = self.unless_held_up(start, &ready, type_of(kind)) else { return };
        if start.attempt.is_none() {
            match self.strategy_of(&ready.template) {
                Ok(None) => {}
                Ok(Some(strategy)) => {
                    let at = self.start_retry(start, &ready, strategy);
                    return self.measure_start(at, &compiled);
                }
                Err(message) => return self.cannot_start(start, message),
            }
        }
        start.depth = start.depth.saturating_add(1);
        self.start_kind(start, compiled, ready);
    }

    fn doomed(&mut self, start: &Start, node_type: NodeType, message: String) {
        let new = self.new_node(start, node_type, NodePhase::Failed).because(NodePhase::Failed, message);
        self.make_ended(new);
    }

    /// The names in a template of another WorkflowTemplate are looked up there.
    fn settle_home(&mut self, start: &mut Start, compiled: &Compiled) {
        let (_, reference, scope) =
            self.shown_template(start.boundary, &start.template_name, start.reference.as_ref());
        if start.inline.is_none() && (reference.is_some() || !scope.starts_with("local/")) {
            self.note_stored(&scope, reference.as_ref(), &compiled.template);
        }
        if let Some(TemplateRef { name, cluster_scope, .. }) = &start.reference {
            start.home = Some(Arc::new(Home { name: name.clone(), cluster_scope: *cluster_scope }));
        }
    }

    fn start_kind(&mut self, start: Start, compiled: Arc<Compiled>, ready: Ready) {
        let next = self.run.status.nodes.len();
        let at = start.been.node.unwrap_or(next);
        let measured = Arc::clone(&compiled);
        self.start_of_kind(start, compiled, ready);
        if self.node(at).is_some_and(|node| !node.phase.is_fulfilled()) {
            self.measure_start(at, &measured);
        }
    }

    fn start_of_kind(&mut self, start: Start, compiled: Arc<Compiled>, ready: Ready) {
        match compiled.kind {
            Some(TemplateKind::Container | TemplateKind::Script | TemplateKind::ContainerSet) => {
                self.start_pod(start, ready);
            }
            Some(
                kind @ (TemplateKind::Http
                | TemplateKind::Plugin
                | TemplateKind::Data
                | TemplateKind::Resource),
            ) => {
                self.start_task_node(start, ready, type_of(Some(kind)));
            }
            Some(TemplateKind::Suspend) => self.start_suspend(&start, ready),
            Some(TemplateKind::Steps) => self.start_steps(&start, compiled, ready),
            Some(TemplateKind::Dag) => self.start_dag(&start, compiled, ready),
            _ => self.cannot_start(start, "the template has no kind that can be run".to_owned()),
        }
    }

    /// Notes that a node that exists already waits for its turn.
    fn queued(&mut self, start: &Start) {
        if let Some(slot) = start.been.node.and_then(|at| self.run.live.slots.get_mut(at)) {
            slot.body = Body::Queued;
        }
    }

    /// Returns the start if nothing holds it up, with its place taken; else keeps it for later.
    fn may_start(&mut self, mut start: Start) -> Option<Start> {
        // It ended while it waited.
        if start.been.node.and_then(|at| self.node(at)).is_some_and(|node| node.phase.is_fulfilled()) {
            return None;
        }
        let doomed = self.run.doom(start.hooked).is_some();
        if self.run.live.suspended && !doomed && !self.is_known(&start.name) {
            self.run.live.held.push_back(start);
            return None;
        }
        if let (false, Some(boundary)) = (start.counted, start.boundary) {
            let frame = self.run.live.frame_mut(boundary)?;
            if frame.is_full() && !doomed {
                frame.waiting.push_back(start);
                return None;
            }
            frame.active = frame.active.saturating_add(1);
            start.counted = true;
        }
        Some(start)
    }

    pub(super) fn has_pod_to_spare(&self, hooked: bool) -> bool {
        let limit = self
            .run
            .workflow
            .spec
            .parallelism
            .and_then(|limit| usize::try_from(limit).ok())
            .filter(|limit| *limit > 0);
        limit.is_none_or(|limit| self.run.live.active_pods < limit) || self.run.doom(hooked).is_some()
    }

    pub(super) fn template_of(&self, start: &Start) -> Result<Found, String> {
        if start.depth >= limits::MAX_RECURSION {
            return Err(TOO_DEEP.to_owned());
        }
        if self.run.status.nodes.len() >= limits::MAX_NODES {
            return Err(format!("the workflow has more than {} nodes", limits::MAX_NODES));
        }
        let compiled = match &start.inline {
            Some(inline) => Arc::clone(inline),
            None => match self.find_template(start)? {
                Found::Known(found) => found,
                unknown @ Found::Unknown(_) => return Ok(unknown),
            },
        };
        match &compiled.refused {
            Some(reason) => Err(reason.clone()),
            None => Ok(Found::Known(compiled)),
        }
    }

    /// Returns a new node for `start`.
    pub(super) fn new_node(&self, start: &Start, node_type: NodeType, phase: NodePhase) -> NewNode {
        let retry = match start.parent {
            Parent::Attempt(retry) => self.run.live.slots.get(retry),
            _ => None,
        };
        let hooked = retry.map_or(start.parent, |retry| retry.parent).is_hook();
        // Argo's retry node of a hook has the flag of its attempts
        let retried = retry.is_some() || (hooked && node_type == NodeType::Retry);
        NewNode {
            name: start.name.clone(),
            node_type,
            template_name: start.template_name.clone(),
            reference: start.reference.clone(),
            phase,
            message: String::new(),
            flag: (retried || hooked).then_some(NodeFlag { hooked, retried }),
            boundary: start.boundary,
            parent: start.parent,
            hooked: start.hooked,
            // the place of an attempt is its retry node's, which gives it back
            counted: start.counted && retry.is_none(),
            hooks: start.hooks.clone(),
            shown_as: start.shown_as.clone(),
            at: start.been.node,
        }
    }

    /// Makes the node of something that cannot start: type Skipped, phase Error.
    pub(super) fn cannot_start(&mut self, start: Start, message: String) {
        self.errs(&start, NodeType::Skipped, message);
    }

    /// Makes the node of something that errs before it began, and tells where it belongs what that means there: at the
    /// top it ends the run. Source: Argo `operator.go` operate, `steps.go` executeStepGroup, `dag.go` executeDAGTask.
    pub(super) fn errs(&mut self, start: &Start, node_type: NodeType, message: String) {
        let shown = shown_error(start.parent, &start.name, &message);
        let new = self.new_node(start, node_type, NodePhase::Error).because(NodePhase::Error, shown);
        if matches!(start.parent, Parent::Root | Parent::Exit) {
            self.make(new, Body::Ended);
        } else {
            self.make_ended(new);
        }
        self.tell_of_error(start.parent, &start.name, &message);
    }

    /// Ends a steps or DAG node that errs when its children are done, and tells where it belongs what that means there.
    pub(super) fn errs_in_the_end(&mut self, at: usize, message: String) {
        let Some(parent) = self.run.live.slots.get(at).map(|slot| slot.parent) else { return };
        let name = self.node(at).map(|node| node.name.clone()).unwrap_or_default();
        if matches!(parent, Parent::Group(_)) {
            self.tell_of_error(parent, &name, &message);
        }
        self.end(at, NodePhase::Error, shown_error(parent, &name, &message));
        if matches!(parent, Parent::Root | Parent::Exit) {
            self.tell_of_error(parent, &name, &message);
        }
    }

    fn tell_of_error(&mut self, parent: Parent, name: &str, message: &str) {
        match parent {
            Parent::Root => {
                self.finish(WorkflowPhase::Error, format!("error in entry template execution: {message}"));
            }
            Parent::Exit => {
                self.finish(WorkflowPhase::Error, format!("error in exit template execution : {message}"));
            }
            Parent::Group(group) if message != TOO_DEEP => {
                if let Some(group) = self.run.live.group_mut(group) {
                    let why = format!("step group deemed errored due to child {name} error: {message}");
                    group.error.get_or_insert(why);
                }
            }
            _ => {}
        }
    }

    /// Lets those start that waited for the run to be unsuspended.
    pub(super) fn release_held(&mut self) {
        for start in std::mem::take(&mut self.run.live.held) {
            self.then_start(start);
        }
    }
}

/// Returns what a node says that errs: a task says whose error it is. Source: Argo `dag.go` executeDAGTask.
fn shown_error(parent: Parent, name: &str, message: &str) -> String {
    match parent {
        Parent::Task(..) | Parent::Item(_) if message != TOO_DEEP => {
            format!("task '{name}' errored: {message}")
        }
        _ => message.to_owned(),
    }
}

/// Whether a template of this kind has a pod.
const fn needs_pod(kind: Option<TemplateKind>) -> bool {
    matches!(
        kind,
        Some(
            TemplateKind::Container
                | TemplateKind::Script
                | TemplateKind::ContainerSet
                | TemplateKind::Data
                | TemplateKind::Resource
        )
    )
}

const fn type_of(kind: Option<TemplateKind>) -> NodeType {
    match kind {
        Some(TemplateKind::Steps) => NodeType::Steps,
        Some(TemplateKind::Dag) => NodeType::Dag,
        Some(TemplateKind::Suspend) => NodeType::Suspend,
        Some(TemplateKind::Http) => NodeType::Http,
        Some(TemplateKind::Plugin) => NodeType::Plugin,
        _ => NodeType::Pod,
    }
}

impl Turn {
    /// Gives back the place of an ended node and lets the next start that waited for it.
    pub(super) fn give_place_back(&mut self, at: usize) {
        let Some(slot) = self.run.live.slots.get_mut(at) else { return };
        let Some(boundary) = slot.boundary.filter(|_| std::mem::take(&mut slot.counted)) else { return };
        let failed = self.node(at).is_some_and(|node| node.phase.is_failed_or_error());
        let Some(frame) = self.run.live.frame_mut(boundary) else { return };
        frame.active = frame.active.saturating_sub(1);
        frame.unsuccessful = frame.unsuccessful.saturating_add(usize::from(failed));
        let freed = if frame.is_full() { None } else { frame.waiting.pop_front() };
        let stuck = frame.fail_fast && frame.unsuccessful > 0 && frame.active == 0;
        if let Some(next) = freed {
            self.then_start(next);
        }
        if stuck {
            self.fail_fast(boundary);
        }
    }

    /// Ends a steps or DAG node whose own `failFast` stopped it.
    fn fail_fast(&mut self, boundary: usize) {
        const MESSAGE: &str = "template has failed or errored children and failFast enabled";
        let inner: Vec<usize> = match self.run.live.slots.get(boundary).map(|slot| &slot.body) {
            Some(Body::Steps(steps)) => steps.current.into_iter().collect(),
            Some(Body::Dag(dag)) => dag.tasks.iter().filter_map(|task| task.node).collect(),
            _ => return,
        };
        self.note_outbound(boundary);
        for at in inner {
            self.end(at, NodePhase::Failed, MESSAGE.to_owned());
        }
        self.end(boundary, NodePhase::Failed, MESSAGE.to_owned());
    }
}
