//! DAGs: every dependency exists, none goes in a circle, and what is waited for is waited for. Source: Argo
//! `validateDAG`.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{
    BAD_DEPENDENCY, BAD_WORKFLOW, UNRESOLVED, depends, globals,
    names::{self, shown},
    scope::{self, Scope},
    steps::{add_inline, has_exit_hook, is_aggregate},
    walk::{Called, Given, Site, Walker},
};
use crate::argo::{DagTask, DagTemplate, Template};

/// The tasks of a DAG, by position.
struct Graph<'a> {
    tasks: &'a [DagTask],
    by_name: HashMap<&'a str, usize>,
    /// What each task waits for.
    before: Vec<Vec<usize>>,
}

impl<'a> Walker<'a> {
    /// Checks the tasks; returns the scope of the template's outputs.
    pub(super) fn dag<'s>(&mut self, template: &Template, scope: &'s Scope<'s>, site: &Site) -> Scope<'s> {
        let mut known = Scope::within(scope);
        let Some(dag) = &template.dag else { return known };
        self.only_for_leaves(template, site);
        let name = format!("templates.{}", shown(&template.name));
        if dag.tasks.is_empty() {
            self.fault(BAD_WORKFLOW, format!("{name} must have at least one task"), &site.below(".dag"));
        }
        let all: Vec<&str> = dag.tasks.iter().map(|task| task.name.as_str()).collect();
        self.names(&all, names::Rule::Field, &format!("{name}.tasks"), &site.below(".dag.tasks"));
        self.dag_style(dag, &name, site);
        let graph = self.graph(dag, &name, site);
        let mut called: Vec<Called<'_>> = dag.tasks.iter().map(|_| Called::Missing).collect();
        // what comes first is looked at first, since it may give something to the whole workflow
        for position in self.order(&graph, &name, site) {
            let (Some(task), Some(slot)) = (dag.tasks.get(position), called.get_mut(position)) else {
                continue;
            };
            let at = task_site(site, position);
            *slot = self.under(format!("{name}.tasks.{}", shown(&task.name)), |this| {
                let one = this.called(&task.call, &at);
                this.visit(&one, Given::Anything);
                one
            });
            let prefix = format!("tasks.{}", task.name);
            known.add_outputs(&mut self.globals, &prefix, slot.template(), is_aggregate(&task.call));
            if matches!(slot, Called::Missing) {
                known.add_unknown(&prefix);
            }
        }
        self.target(dag, &graph, &known, &name, site);
        for (position, (task, called)) in dag.tasks.iter().zip(&called).enumerate() {
            let prefix = format!("tasks.{}", task.name);
            if !task.call.hooks.is_empty() {
                known.add(format!("{prefix}.status"));
            }
            if has_exit_hook(&task.call) {
                known.add_outputs(&mut self.globals, &prefix, called.template(), false);
            }
            let name = format!("{name}.tasks.{}", shown(&task.name));
            self.task((position, task), called, &graph, &known, (&name, &task_site(site, position)));
        }
        known
    }

    fn task(
        &mut self,
        (position, task): (usize, &DagTask),
        called: &Called<'_>,
        graph: &Graph<'_>,
        known: &Scope<'_>,
        (name, site): (&str, &Site),
    ) {
        self.loops(&task.call, name, site);
        let mut inner = Scope::within(known);
        inner.add_items(&task.call);
        add_inline(&mut inner, &task.call);
        let text = serde_json::to_value(task).unwrap_or_default();
        let wanted = Wanted::of(task, &text, graph);
        let not_waited_for = self.not_ancestors(position, &wanted.all(), graph).unwrap_or_default();
        for other in &wanted.status {
            if let Some(other) = graph.tasks.get(*other).filter(|_| !not_waited_for.contains(other)) {
                inner.add(format!("tasks.{}.status", other.name));
            }
        }
        self.references(&text, &inner, name, site);
        self.arguments(&task.call.arguments, &format!("{name}.arguments"), &site.below(".arguments"), false);
        for (other, kind, argument) in &wanted.arguments {
            if other.is_none_or(|other| not_waited_for.contains(&other)) {
                let message = format!(
                    "{name} missing dependency '{}' for {kind} '{}'",
                    shown(argument.1),
                    shown(argument.0)
                );
                self.fault(UNRESOLVED, message, &site.below(".arguments"));
            }
        }
        self.task_hooks(&task.call.hooks, name, &site.below(".hooks"));
        self.under(name.to_owned(), |this| this.supplied(called, &task.call.arguments, site));
    }

    /// Returns those of `wanted` that `task` does not wait for, directly or not. None when the work is too much.
    fn not_ancestors(
        &mut self,
        task: usize,
        wanted: &HashSet<usize>,
        graph: &Graph<'_>,
    ) -> Option<HashSet<usize>> {
        let mut missing = wanted.clone();
        let mut seen: HashSet<usize> = HashSet::new();
        let mut next: VecDeque<usize> = graph.before.get(task).into_iter().flatten().copied().collect();
        while let Some(one) = next.pop_front() {
            if !seen.insert(one) {
                continue;
            }
            missing.remove(&one);
            if missing.is_empty() {
                break;
            }
            let before = graph.before.get(one).map_or(&[][..], Vec::as_slice);
            self.steps_left = self.steps_left.checked_sub(1 + before.len())?;
            next.extend(before);
        }
        Some(missing)
    }

    /// Checks that one way of saying dependencies is used.
    fn dag_style(&mut self, dag: &DagTemplate, name: &str, site: &Site) {
        let conditions = dag.tasks.iter().any(|task| !task.depends.is_empty());
        let lists = dag.tasks.iter().any(|task| !task.dependencies.is_empty());
        if conditions && lists {
            let message =
                format!("{name} cannot use both 'depends' and 'dependencies' in the same DAG template");
            self.fault(BAD_DEPENDENCY, message, &site.below(".dag"));
        }
        let tolerant = dag.tasks.iter().position(|task| task.call.continue_on.is_some());
        if let Some(position) = tolerant.filter(|_| conditions) {
            let message = format!(
                "{name} cannot use 'continueOn' when using 'depends'. Instead use 'dep-task.Failed'/'dep-task.Errored'"
            );
            self.fault(BAD_DEPENDENCY, message, &task_site(site, position));
        }
        for (position, task) in dag.tasks.iter().enumerate() {
            let waits = conditions || !task.dependencies.is_empty();
            if waits && task.name.starts_with(|c: char| c.is_ascii_digit()) {
                let message = format!(
                    "{name}.tasks.{} name cannot begin with a digit when using either 'depends' or 'dependencies'",
                    shown(&task.name)
                );
                self.fault(BAD_DEPENDENCY, message, &task_site(site, position));
            }
        }
    }

    fn graph<'t>(&mut self, dag: &'t DagTemplate, name: &str, site: &Site) -> Graph<'t> {
        let by_name: HashMap<&str, usize> =
            dag.tasks.iter().enumerate().map(|(position, task)| (task.name.as_str(), position)).collect();
        let mut before = Vec::with_capacity(dag.tasks.len());
        for (position, task) in dag.tasks.iter().enumerate() {
            let name = format!("{name}.tasks.{}", shown(&task.name));
            before.push(self.before(task, dag, &by_name, (&name, &task_site(site, position))));
        }
        Graph { tasks: &dag.tasks, by_name, before }
    }

    /// Returns the tasks that `task` waits for.
    fn before(
        &mut self,
        task: &DagTask,
        dag: &DagTemplate,
        by_name: &HashMap<&str, usize>,
        (name, site): (&str, &Site),
    ) -> Vec<usize> {
        if let Some(why) = depends::misshapen(&task.depends).filter(|_| !task.depends.is_empty()) {
            self.warn(BAD_DEPENDENCY, format!("{name} depends condition {why}"), &site.below(".depends"));
        }
        let plain = task.dependencies.iter().map(|task| depends::Term { task, result: None });
        let plain = plain.filter(|_| task.depends.is_empty());
        let (mut before, mut told) = (Vec::new(), HashSet::new());
        for depends::Term { task: other, result } in plain.chain(depends::names(&task.depends)) {
            if let Some(result) = result.filter(|result| !depends::RESULTS.contains(result)) {
                let message = format!("{name} task result '{result}' for task '{}' is invalid", shown(other));
                self.fault(BAD_DEPENDENCY, message, site);
            }
            let Some(position) = by_name.get(other).copied() else {
                if told.insert(other) {
                    let message = format!("{name} dependency '{}' not defined", shown(other));
                    self.fault(BAD_DEPENDENCY, message, site);
                }
                continue;
            };
            before.push(position);
            let looped = dag.tasks.get(position).is_some_and(|other| {
                is_aggregate(&other.call) || other.call.with_sequence.as_ref().is_some_and(|s| !s.is_null())
            });
            if matches!(result, Some("AnySucceeded" | "AllFailed")) && !looped {
                let message = format!(
                    "{name} dependency '{other}' uses an items-based condition such as .AnySucceeded or .AllFailed but does not contain any items"
                );
                self.fault(BAD_DEPENDENCY, message, site);
            }
        }
        before.sort_unstable();
        before.dedup();
        before
    }

    /// Returns the tasks in an order in which each comes after those it waits for; tells of one circle of tasks, if
    /// there is one.
    fn order(&mut self, graph: &Graph<'_>, name: &str, site: &Site) -> Vec<usize> {
        let mut waiting: Vec<usize> = graph.before.iter().map(Vec::len).collect();
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); graph.tasks.len()];
        for (task, before) in graph.before.iter().enumerate() {
            for one in before {
                if let Some(after) = after.get_mut(*one) {
                    after.push(task);
                }
            }
        }
        let mut order: Vec<usize> =
            waiting.iter().enumerate().filter(|(_, n)| **n == 0).map(|(task, _)| task).collect();
        let mut done = 0;
        while let Some(task) = order.get(done).copied() {
            done += 1;
            for next in after.get(task).into_iter().flatten() {
                if let Some(left) = waiting.get_mut(*next) {
                    *left -= 1;
                    if *left == 0 {
                        order.push(*next);
                    }
                }
            }
        }
        let stuck = |task: &usize| waiting.get(*task).is_some_and(|left| *left > 0);
        let Some(mut at) = (0..graph.tasks.len()).find(stuck) else { return order };
        order.extend((0..graph.tasks.len()).filter(stuck));
        // every stuck task waits for a stuck one, so walking back ends in a circle
        let (mut path, mut seen) = (Vec::new(), HashSet::new());
        while seen.insert(at) {
            path.push(at);
            match graph.before.get(at).into_iter().flatten().copied().find(stuck) {
                Some(next) => at = next,
                None => return order,
            }
        }
        let circle = path.iter().skip_while(|task| **task != at).chain(std::iter::once(&at));
        let mut names: Vec<&str> = circle
            .filter_map(|task| graph.tasks.get(*task))
            .map(|task| task.name.as_str())
            .take(20)
            .collect();
        names.reverse();
        let message = format!("{name}.tasks dependency cycle detected: {}", names.join("->"));
        self.fault(BAD_DEPENDENCY, message, &site.below(&format!(".dag.tasks[{at}]")));
        order
    }

    fn target(&mut self, dag: &DagTemplate, graph: &Graph<'_>, scope: &Scope<'_>, name: &str, site: &Site) {
        let site = site.below(".dag.target");
        let name = format!("{name}.targets");
        self.references(&serde_json::Value::from(dag.target.as_str()), scope, &name, &site);
        if dag.target.is_empty() {
            return;
        }
        for target in dag.target.split(' ') {
            let later = scope::is_tag(target) || globals::is_filled_later(target);
            if !later && !graph.by_name.contains_key(target) {
                let message = format!("{name}: target '{}' is not defined", shown(target));
                self.fault(BAD_WORKFLOW, message, &site);
            }
        }
    }
}

/// The tasks that a task's text refers to, by position.
struct Wanted<'t> {
    /// By their status, which only those know that wait for them.
    status: HashSet<usize>,
    /// By arguments that begin with a reference: the task if there is one, what kind of argument it is, and the
    /// names of the argument and of the task.
    arguments: Vec<(Option<usize>, &'static str, (&'t str, &'t str))>,
}

impl<'t> Wanted<'t> {
    fn of(task: &'t DagTask, text: &serde_json::Value, graph: &Graph<'_>) -> Self {
        let mut status = HashSet::new();
        scope::texts(text, &mut |text| {
            for tag in scope::tags(text) {
                let mut words = tag.split('.');
                let named = (words.next() == Some("tasks")).then(|| words.next()).flatten();
                if let (Some(other), Some("status")) =
                    (named.and_then(|name| graph.by_name.get(name)), words.next())
                {
                    status.insert(*other);
                }
            }
        });
        let named = |text: &'t str| text.strip_prefix("{{tasks.").and_then(|behind| behind.split('.').next());
        let arguments = &task.call.arguments;
        let parameters = arguments
            .parameters
            .iter()
            .filter_map(|one| Some(("parameter", (one.name.as_str(), named(one.value.as_ref()?.as_str())?))));
        let artifacts = arguments
            .artifacts
            .iter()
            .filter_map(|one| Some(("artifact", (one.name.as_str(), named(&one.from)?))));
        let arguments = parameters
            .chain(artifacts)
            .map(|(kind, names)| (graph.by_name.get(names.1).copied(), kind, names))
            .collect();
        Self { status, arguments }
    }

    fn all(&self) -> HashSet<usize> {
        self.status.iter().copied().chain(self.arguments.iter().filter_map(|(other, ..)| *other)).collect()
    }
}

fn task_site(site: &Site, position: usize) -> Site {
    site.below(&format!(".dag.tasks[{position}]"))
}
