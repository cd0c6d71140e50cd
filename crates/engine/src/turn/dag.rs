//! DAGs: a task is looked at once, when the last of its dependencies is decided.
//! Source: Argo `dag.go`, `docs/enhanced-depends-logic.md`.
//! `failFast` (true unless said otherwise): once a target's branch has failed, no further task starts, but for
//! those that handle a failure: whose dependencies did not all succeed, and what follows from them.

use std::sync::Arc;

use expr::TaskResult;
use model::argo::{Call, NodeFlag, NodePhase, NodeType};

use super::{Turn, Work, hooks, inputs::Ready, lookup::Asker, node::NewNode, resolve};
use crate::{
    live::{self, Body, Child, Dag, Expanded, Parent, Start, Task, TaskGroup},
    plan::Compiled,
};

impl Turn {
    pub(super) fn start_dag(&mut self, start: &Start, compiled: Arc<Compiled>, mut ready: Ready) {
        let written = Arc::clone(&compiled);
        let (Some(plan), Some(dag), Some(written)) =
            (compiled.dag.clone(), ready.template.dag.take(), written.template.dag.as_ref())
        else {
            return self.cannot_start(start.clone(), "the template has no dag".to_owned());
        };
        let targets = match plan.targets(&dag.target) {
            Ok(targets) => targets,
            Err(reason) => return self.cannot_start(start.clone(), reason),
        };
        let needed = plan.needed(&targets);
        let free: Vec<usize> = (0..needed.len())
            .filter(|at| {
                needed.get(*at) == Some(&true) && plan.dependencies.get(*at).is_some_and(Vec::is_empty)
            })
            .collect();
        let tasks = written.tasks.iter().enumerate().map(|(at, task)| Task {
            waits_for: plan.dependencies.get(at).map_or(0, Vec::len),
            needed: needed.get(at) == Some(&true),
            is_target: false,
            continue_on: task.call.continue_on.unwrap_or_default(),
            begun: false,
            phase: None,
            branch: NodePhase::Succeeded,
            handles_failure: false,
            any_succeeded: false,
            all_failed: false,
            daemoned: false,
            node: None,
        });
        let mut tasks: Vec<Task> = tasks.collect();
        for target in &targets {
            if let Some(task) = tasks.get_mut(*target) {
                task.is_target = true;
            }
        }
        let shown = ready.inputs();
        let state = Dag {
            frame: ready.frame(compiled, start),
            tasks,
            targets,
            stops_on_failure: dag.fail_fast != Some(false),
            stopped: false,
            open: free.len(),
            error: None,
            plan,
        };
        let at =
            self.make(self.new_node(start, NodeType::Dag, NodePhase::Running), Body::Dag(Box::new(state)));
        if let Some(node) = self.node_mut(at) {
            node.inputs = shown;
        }
        self.make_room(needed.iter().filter(|needed| **needed).count());
        if free.is_empty() {
            return self.dag_may_be_done(at);
        }
        self.work.extend(free.into_iter().map(|task| Work::Task(at, task)));
    }

    /// All dependencies of a task are decided: it is omitted, started, or left alone.
    pub(super) fn task_is_free(&mut self, dag: usize, task: usize) {
        let Some(state) = self.run.live.dag_mut(dag) else { return };
        let dependencies = state.plan.dependencies.get(task).map_or(&[][..], Vec::as_slice);
        let known = |other: &usize| state.tasks.get(*other);
        let runs = match state.plan.logic.get(task) {
            Some(Some(logic)) => {
                logic.holds(&mut |other, result| known(other).is_some_and(|other| has(other, result)))
            }
            _ => true,
        };
        let handles_failure = dependencies
            .iter()
            .filter_map(known)
            .any(|other| other.phase != Some(NodePhase::Succeeded) || other.handles_failure);
        let failed = dependencies
            .iter()
            .filter_map(known)
            .map(|other| other.branch)
            .find(|branch| branch.is_failed_or_error());
        let left_alone = runs && state.stopped && !handles_failure;
        let Some(this) = state.tasks.get_mut(task) else { return };
        this.handles_failure = handles_failure && runs;
        this.branch = failed.unwrap_or(NodePhase::Succeeded);
        if std::mem::replace(&mut this.begun, true) {
            return;
        }
        let written = state.frame.compiled.template.dag.as_ref().and_then(|dag| dag.tasks.get(task));
        let Some(call) = written.cloned() else { return };
        if left_alone {
            state.open = state.open.saturating_sub(1);
            return self.dag_may_be_done(dag);
        }
        if !runs {
            let new = self.task_node(dag, task, &call.name, &call.call);
            self.end_task(dag, task, new.because(NodePhase::Omitted, "omitted: depends condition not met"));
            return;
        }
        self.start_task(dag, task, call);
    }

    fn task_node(&self, dag: usize, task: usize, name: &str, call: &Call) -> NewNode {
        let full = self.node(dag).map(|node| format!("{}.{name}", node.name)).unwrap_or_default();
        NewNode::ended(full, call.template.clone(), Some(dag), Parent::Task(dag, task))
            .calling(call.template_ref.clone())
    }

    fn end_task(&mut self, dag: usize, task: usize, new: NewNode) {
        let at = self.make_ended(new);
        self.note_task(dag, task, at);
    }

    /// Remembers the node of a task, for its dependents and for references to it.
    fn note_task(&mut self, dag: usize, task: usize, at: usize) {
        let Some(state) = self.run.live.dag_mut(dag) else { return };
        if let Some(this) = state.tasks.get_mut(task) {
            this.node = Some(at);
        }
        if let Some(name) = state
            .frame
            .compiled
            .template
            .dag
            .as_ref()
            .and_then(|dag| dag.tasks.get(task))
            .map(|task| task.name.clone())
        {
            state.frame.children.entry(name).or_default().node = Some(at);
        }
    }

    fn start_task(&mut self, dag: usize, task: usize, mut called: model::argo::DagTask) {
        let hooked = self.run.live.slots.get(dag).is_some_and(|slot| slot.hooked);
        let asker = Asker { boundary: dag, task: Some(task), hooked, about: None };
        let looped = resolve::expands(&called.call);
        let new = self.task_node(dag, task, &called.name, &called.call);
        let expanded = match self.resolve(asker, &mut called.call) {
            Ok(_) if looped => self.expand(asker, &called.name, &called.call),
            Ok(_) => Ok(vec![Expanded { name: called.name.clone(), call: called.call.clone() }]),
            Err(reason) => Err(reason),
        };
        let expanded = match expanded {
            Ok(expanded) => expanded,
            Err(reason) => return self.end_task(dag, task, new.because(NodePhase::Error, reason)),
        };
        if !looped {
            for one in expanded {
                self.start_one(asker, Parent::Task(dag, task), &called.name, one);
            }
            return;
        }
        if expanded.is_empty() {
            return self.end_task(dag, task, new.because(NodePhase::Skipped, "Skipped, empty params"));
        }
        let group = NewNode { node_type: NodeType::TaskGroup, phase: NodePhase::Running, hooked, ..new };
        let hooks = hooks::of_call(&called.call, &called.name, Some(task), &self.run.workflow.spec.arguments);
        let group = NewNode { flag: Some(NodeFlag::default()), hooks, ..group };
        let open = expanded.len();
        self.make_room(open);
        let at = self.make(group, Body::TaskGroup(Box::new(TaskGroup { open })));
        self.note_task(dag, task, at);
        for one in expanded {
            self.start_one(asker, Parent::Item(at), &called.name, one);
        }
    }

    fn start_one(&mut self, asker: Asker, parent: Parent, call_name: &str, one: Expanded) {
        let Some(name) = self.node(asker.boundary).map(|node| format!("{}.{}", node.name, one.name)) else {
            return;
        };
        let new = NewNode::ended(name.clone(), one.call.template.clone(), Some(asker.boundary), parent)
            .calling(one.call.template_ref.clone());
        let ends = match resolve::decide(&one.call.when) {
            Ok(true) => match self.call_args(asker, &one.call) {
                Ok((args, inline)) => {
                    let arguments = &self.run.workflow.spec.arguments;
                    let mut hooks = hooks::of_call(&one.call, call_name, asker.task, arguments);
                    if matches!(parent, Parent::Item(_)) {
                        // The other hooks are those of the whole task.
                        hooks = hooks.filter(|hooks| hooks.exit.is_some());
                        hooks.iter_mut().for_each(|hooks| hooks.waiting.clear());
                    }
                    let depth = self.run.live.frame(asker.boundary).map_or(0, |frame| frame.depth);
                    return self.then_start(Start {
                        name,
                        call: call_name.to_owned(),
                        template_name: one.call.template,
                        reference: one.call.template_ref,
                        home: self.home_for(Some(asker.boundary)),
                        inline,
                        args: Arc::new(args),
                        boundary: Some(asker.boundary),
                        parent,
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
                Err(reason) => new.because(NodePhase::Error, reason),
            },
            Ok(false) => new.because(NodePhase::Skipped, format!("when '{}' evaluated false", one.call.when)),
            Err(reason) => new.because(NodePhase::Error, reason),
        };
        self.make_ended(ends);
    }

    /// An item of the task group at `group` has ended.
    pub(super) fn item_ended(&mut self, group: usize) {
        let Some(slot) = self.run.live.slots.get_mut(group) else { return };
        let Body::TaskGroup(state) = &mut slot.body else { return };
        state.open = state.open.saturating_sub(1);
        if state.open > 0 {
            return;
        }
        let parent = slot.parent;
        let mut items: Vec<usize> = Vec::new();
        if let Some(node) = self.node(group) {
            items.extend(node.children.iter().filter_map(|id| self.at(id)).filter(|at| !self.is_hook(*at)));
        }
        let prefix = self.node(group).map_or(0, |node| node.name.len());
        items.sort_by_key(|at| {
            self.node(*at).and_then(|node| item_index(node.name.get(prefix..).unwrap_or_default()))
        });
        let phases: Vec<NodePhase> =
            items.iter().filter_map(|at| self.node(*at)).map(|node| node.phase).collect();
        let phase = phases
            .iter()
            .rev()
            .copied()
            .find(|phase| phase.is_failed_or_error())
            .unwrap_or(NodePhase::Succeeded);
        if let Parent::Task(dag, task) = parent
            && let Some(state) = self.run.live.dag_mut(dag)
        {
            if let Some(this) = state.tasks.get_mut(task) {
                this.any_succeeded = phases.contains(&NodePhase::Succeeded);
                this.all_failed = phases.iter().all(|phase| *phase == NodePhase::Failed);
            }
            let name = state
                .frame
                .compiled
                .template
                .dag
                .as_ref()
                .and_then(|dag| dag.tasks.get(task))
                .map(|task| task.name.clone());
            let child = Child { node: Some(group), items: Some(items.into()) };
            state.frame.children.extend(name.map(|name| (name, child)));
        }
        self.end(group, phase, String::new());
    }

    /// The node of a task has ended.
    pub(super) fn task_ended(&mut self, dag: usize, task: usize, at: usize) {
        let Some((phase, daemoned)) = self.node(at).map(|node| (node.phase, node.daemoned == Some(true)))
        else {
            return;
        };
        if self.node(at).is_some_and(|node| node.node_type != NodeType::TaskGroup) {
            self.note_task(dag, task, at);
        }
        let Some(state) = self.run.live.dag_mut(dag) else { return };
        let Some(this) = state.tasks.get_mut(task) else { return };
        this.phase = Some(phase);
        this.daemoned = daemoned;
        if matches!(phase, NodePhase::Succeeded | NodePhase::Failed | NodePhase::Error) {
            this.branch = phase;
        }
        let fails = this.branch.is_failed_or_error() && !live::tolerates(this.continue_on, this.branch);
        state.stopped |= this.is_target && fails && state.stops_on_failure;
        state.open = state.open.saturating_sub(1);
        let dependents = state.plan.dependents.get(task).map_or(&[][..], Vec::as_slice);
        for dependent in dependents {
            let Some(waiting) = state.tasks.get_mut(*dependent) else { continue };
            waiting.waits_for = waiting.waits_for.saturating_sub(1);
            if waiting.waits_for == 0 && waiting.needed {
                state.open = state.open.saturating_add(1);
                self.work.push_back(Work::Task(dag, *dependent));
            }
        }
        self.dag_may_be_done(dag);
    }

    fn dag_may_be_done(&mut self, dag: usize) {
        let Some(state) = self.run.live.dag_mut(dag).filter(|state| state.open == 0) else { return };
        let mut failed = None;
        for task in state.targets.iter().filter_map(|target| state.tasks.get(*target)) {
            if task.phase.is_some()
                && task.branch.is_failed_or_error()
                && !live::tolerates(task.continue_on, task.branch)
            {
                failed = Some(task.branch);
                if state.stops_on_failure {
                    break;
                }
            }
        }
        let error = state.error.take();
        match (error, failed) {
            (Some(reason), _) => self.end(dag, NodePhase::Error, reason),
            (None, Some(phase)) => {
                self.note_outbound(dag);
                self.end(dag, phase, String::new());
            }
            (None, None) => self.composite_done(dag),
        }
    }
}

/// Returns the index of `name(<index>:…)`.
pub(super) fn item_index(name: &str) -> Option<usize> {
    name.split_once('(')?.1.split_once(':')?.0.parse().ok()
}

/// Whether a decided task has a result.
fn has(task: &Task, result: TaskResult) -> bool {
    match result {
        TaskResult::Succeeded => task.phase == Some(NodePhase::Succeeded),
        TaskResult::Failed => task.phase == Some(NodePhase::Failed),
        TaskResult::Errored => task.phase == Some(NodePhase::Error),
        TaskResult::Skipped => task.phase == Some(NodePhase::Skipped),
        TaskResult::Omitted => task.phase == Some(NodePhase::Omitted),
        TaskResult::Daemoned => task.daemoned,
        TaskResult::AnySucceeded => task.any_succeeded,
        TaskResult::AllFailed => task.all_failed,
    }
}
