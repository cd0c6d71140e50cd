//! Hooks: templates that run besides a node or the run, or once it has ended. One with an expression runs once,
//! when that is first true; what follows the node waits until its hooks have ended.
//! Source: Argo `hooks.go`, `exit_handler.go`, `docs/lifecyclehook.md`.
//! A node's expressions are looked at when it starts, when its pod runs and when it ends; the run's own after
//! every event.

use std::sync::Arc;

use expr::Unresolved;
use model::argo::{Arguments, Call, LifecycleHook, LifecycleHooks, NodePhase, NodeType, WorkflowPhase};

use super::{Turn, Work, event, lookup::Asker, node::NewNode};
use crate::live::{Args, Hooks, Parent, Stage, Start};

/// The hook that runs once its node or the run has ended.
const EXIT: &str = "exit";

/// Returns the hooks of a step or task, for its node or one of its items; an `onExit` is called with the
/// workflow's own `arguments`, as Argo does.
pub(super) fn of_call(
    call: &Call,
    name: &str,
    task: Option<usize>,
    arguments: &Arguments,
) -> Option<Box<Hooks>> {
    let hooks = Hooks {
        call: name.to_owned(),
        task,
        waiting: waiting(&call.hooks),
        exit: exit_of(&call.on_exit, &call.hooks, arguments),
        ..Hooks::default()
    };
    (!hooks.is_empty()).then(|| Box::new(hooks))
}

/// Returns the hooks of the run; `spec.onExit` wins over `hooks.exit`.
pub(super) fn of_run(spec: &model::argo::WorkflowSpec) -> Hooks {
    Hooks {
        waiting: waiting(&spec.hooks),
        exit: exit_of(&spec.on_exit, &spec.hooks, &spec.arguments),
        ..Hooks::default()
    }
}

fn waiting(hooks: &LifecycleHooks) -> Vec<(String, LifecycleHook)> {
    let others = hooks.iter().filter(|(name, _)| name.as_str() != EXIT);
    others.map(|(name, hook)| (name.clone(), hook.clone())).collect()
}

fn exit_of(on_exit: &str, hooks: &LifecycleHooks, arguments: &Arguments) -> Option<LifecycleHook> {
    if on_exit.is_empty() {
        return hooks.get(EXIT).cloned();
    }
    let mut arguments = arguments.clone();
    for parameter in &mut arguments.parameters {
        parameter.value = Some(format!("{{{{workflow.parameters.{}}}}}", parameter.name).into());
        parameter.value_from = None;
    }
    Some(LifecycleHook { template: on_exit.to_owned(), arguments, ..LifecycleHook::default() })
}

impl Turn {
    /// A node goes on: its hooks are to be looked at.
    pub(super) fn goes_on(&mut self, at: usize) {
        let hooks = self.run.live.slots.get(at).and_then(|slot| slot.hooks.as_ref());
        if hooks.is_some_and(|hooks| !hooks.waiting.is_empty()) {
            self.work.push_back(Work::Hooks(at));
        }
    }

    fn hooks_mut(&mut self, at: usize) -> Option<&mut Hooks> {
        self.run.live.slots.get_mut(at)?.hooks.as_deref_mut()
    }

    /// Starts those hooks of a node whose expression has become true.
    pub(super) fn look_at_hooks(&mut self, at: usize) {
        let Some(hooks) = self.hooks_mut(at) else { return };
        let waiting = std::mem::take(&mut hooks.waiting);
        let mut kept = Vec::new();
        for (name, hook) in waiting {
            let Some(asker) = self.asker_of_hooks(at, false) else { return };
            let full = self.node(at).map(|node| format!("{}.hooks.{name}", node.name)).unwrap_or_default();
            let holds = match hook.expression.as_str() {
                "" => Err(format!("Expression required for hook {full}")),
                expression => self.holds(asker, expression),
            };
            match holds {
                Ok(true) => self.start_hook(at, asker, full, hook),
                Ok(false) => kept.push((name, hook)),
                Err(reason) => self.hook_fails(at, full, &hook, reason),
            }
        }
        if let Some(hooks) = self.hooks_mut(at) {
            hooks.waiting = kept;
        }
    }

    /// Whether all hooks of an ended node have ended too; starts those that are to run now.
    pub(super) fn hooks_are_done(&mut self, at: usize) -> bool {
        let Some(hooks) = self.hooks_mut(at) else { return true };
        if !std::mem::replace(&mut hooks.ended, true) {
            self.look_at_hooks(at);
        }
        let Some(hooks) = self.hooks_mut(at).filter(|hooks| hooks.open == 0) else { return false };
        let Some(exit) = hooks.exit.take() else { return true };
        let phase = self.node(at).map(|node| node.phase);
        let completed = matches!(phase, Some(NodePhase::Succeeded | NodePhase::Failed | NodePhase::Error));
        if !completed || self.run.doom(true).is_some() {
            return true;
        }
        let Some(asker) = self.asker_of_hooks(at, true) else { return true };
        let full = self.node(at).map(|node| format!("{}.onExit", node.name)).unwrap_or_default();
        let holds = if exit.expression.is_empty() { Ok(true) } else { self.holds(asker, &exit.expression) };
        match holds {
            Ok(true) => self.start_hook(at, asker, full, exit),
            Ok(false) => return true,
            Err(reason) => self.hook_fails(at, full, &exit, reason),
        }
        false
    }

    fn asker_of_hooks(&self, at: usize, hooked: bool) -> Option<Asker> {
        let slot = self.run.live.slots.get(at)?;
        let task = slot.hooks.as_ref()?.task;
        Some(Asker { boundary: slot.boundary?, task, hooked: hooked || slot.hooked, about: Some(at) })
    }

    fn start_hook(&mut self, owner: usize, asker: Asker, name: String, hook: LifecycleHook) {
        let mut call = as_call(hook);
        let args = self.resolve_hook(asker, &mut call).and_then(|()| self.call_args(asker, &call));
        let (args, inline) = match args {
            Ok(found) => found,
            Err(reason) => {
                let hook = LifecycleHook { template: call.template, ..LifecycleHook::default() };
                return self.hook_fails(owner, name, &hook, reason);
            }
        };
        if let Some(hooks) = self.hooks_mut(owner) {
            hooks.open = hooks.open.saturating_add(1);
        }
        let depth = self.run.live.frame(asker.boundary).map_or(0, |frame| frame.depth);
        self.then_start(Start {
            name,
            call: String::new(),
            template_name: call.template,
            reference: call.template_ref,
            home: self.home_for(Some(asker.boundary)),
            inline,
            args: Arc::new(args),
            boundary: Some(asker.boundary),
            parent: Parent::Hook(owner),
            depth,
            hooked: asker.hooked,
            counted: false,
            attempt: None,
            hooks: None,
            known: Vec::new(),
            shown_as: None,
            been: crate::live::Been::default(),
        });
    }

    /// A hook that cannot run: its node is in error, and so is the steps or DAG node around.
    fn hook_fails(&mut self, owner: usize, name: String, hook: &LifecycleHook, reason: String) {
        let Some(slot) = self.run.live.slots.get(owner) else { return };
        let (boundary, parent) = (slot.boundary, slot.parent);
        if let Some(hooks) = self.hooks_mut(owner) {
            hooks.open = hooks.open.saturating_add(1);
        }
        let new = NewNode::ended(name, hook.template.clone(), boundary, Parent::Hook(owner));
        let flag = Some(model::argo::NodeFlag { hooked: true, retried: false });
        let new = NewNode { flag, ..new }.because(NodePhase::Error, reason.clone());
        self.make_ended(new);
        if let Parent::Group(group) = parent
            && let Some(group) = self.run.live.group_mut(group)
        {
            group.error.get_or_insert(reason);
        } else if let Some(dag) = boundary.and_then(|boundary| self.run.live.dag_mut(boundary)) {
            dag.error.get_or_insert(reason);
        }
    }

    /// A hook of the node at `owner` has ended.
    pub(super) fn hook_ended(&mut self, owner: usize) {
        let Some(hooks) = self.hooks_mut(owner) else { return };
        hooks.open = hooks.open.saturating_sub(1);
        if hooks.ended && hooks.open == 0 {
            self.work.push_back(Work::Ended(owner));
        }
    }

    /// Starts those hooks of the run whose expression has become true.
    pub(super) fn look_at_run_hooks(&mut self) {
        let begun = matches!(self.run.live.stage, Stage::Main | Stage::Hooks(..));
        if !begun || self.run.status.nodes.is_empty() || self.run.live.hooks.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.run.live.hooks.waiting);
        for (name, hook) in waiting {
            let full = format!("{}.hooks.{name}", self.run.workflow.metadata.name);
            let holds = match hook.expression.as_str() {
                "" => Err(format!("Expression required for hook {full}")),
                expression => self.holds_for_run(expression, false),
            };
            match holds {
                Ok(true) => self.start_run_hook(full, hook, Parent::RunHook),
                Ok(false) => self.run.live.hooks.waiting.push((name, hook)),
                Err(reason) => self.run_hook_fails(full, &hook, Parent::RunHook, reason),
            }
        }
    }

    pub(super) fn start_run_hook(&mut self, name: String, hook: LifecycleHook, parent: Parent) {
        let hooked = parent == Parent::Exit;
        let mut call = as_call(hook);
        let args = self.resolve_run_hook(&mut call, hooked).and_then(|()| self.run_hook_args(&call));
        match args {
            Ok(args) => {
                self.run.live.hooks.open = self.run.live.hooks.open.saturating_add(1);
                let start = event::entry(name, call.template, args, parent);
                self.then_start(Start { reference: call.template_ref, ..start });
            }
            Err(reason) => {
                let hook = LifecycleHook { template: call.template, ..LifecycleHook::default() };
                self.run_hook_fails(name, &hook, parent, reason);
            }
        }
    }

    pub(super) fn run_hook_fails(
        &mut self,
        name: String,
        hook: &LifecycleHook,
        parent: Parent,
        reason: String,
    ) {
        self.run.live.hooks.open = self.run.live.hooks.open.saturating_add(1);
        if parent == Parent::RunHook {
            self.run.live.hooks.error.get_or_insert(reason.clone());
        }
        let new = NewNode::ended(name, hook.template.clone(), None, parent);
        let flag = Some(model::argo::NodeFlag { hooked: true, retried: false });
        self.make_ended(NewNode { flag, ..new }.because(NodePhase::Error, reason));
    }

    /// A hook of the run has ended.
    pub(super) fn run_hook_ended(&mut self) {
        self.run.live.hooks.open = self.run.live.hooks.open.saturating_sub(1);
        self.hooks_may_be_done();
    }

    /// The entry node has ended: once the hooks of the run have, too, the exit handler starts.
    pub(super) fn hooks_may_be_done(&mut self) {
        if self.run.live.hooks.open > 0 {
            return;
        }
        if let Stage::Hooks(phase, message) = &self.run.live.stage {
            let (phase, message) = match &self.run.live.hooks.error {
                Some(reason) => (WorkflowPhase::Error, reason.clone()),
                None => (*phase, message.clone()),
            };
            self.start_exit(phase, message);
        }
    }

    /// Returns `workflow.status` as hooks see it.
    pub(super) const fn status_for_hooks(&self) -> WorkflowPhase {
        match &self.run.live.stage {
            Stage::Hooks(phase, _) | Stage::Exit(phase, _) => *phase,
            Stage::New | Stage::Locks | Stage::Main | Stage::Ended => self.run.status.phase,
        }
    }

    fn resolve_hook(&mut self, asker: Asker, call: &mut Call) -> Result<(), String> {
        let mut look_up = |name: &str| self.scoped(asker, name);
        super::resolve::arguments(&mut look_up, call, Unresolved::Keep)
    }

    fn resolve_run_hook(&mut self, call: &mut Call, hooked: bool) -> Result<(), String> {
        let mut look_up = |name: &str| Ok(self.global(name, hooked));
        super::resolve::arguments(&mut look_up, call, Unresolved::Keep)
    }

    fn run_hook_args(&mut self, call: &Call) -> Result<Args, String> {
        // Only `workflow.outputs.artifacts` can be referred to: there is no steps or DAG node around.
        let nowhere = Asker { boundary: usize::MAX, task: None, hooked: true, about: None };
        self.call_args(nowhere, call).map(|(args, _)| args)
    }

    /// Whether the node is one whose outputs are the aggregate of its items.
    pub(super) fn is_task_group(&self, at: usize) -> bool {
        self.node(at).is_some_and(|node| node.node_type == NodeType::TaskGroup)
    }
}

fn as_call(hook: LifecycleHook) -> Call {
    Call {
        template: hook.template,
        template_ref: hook.template_ref,
        arguments: hook.arguments,
        ..Call::default()
    }
}
