//! DAGs: every dependency exists, none goes in a circle, and each task refers only to its ancestors.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{
    BAD_DEPENDENCY, BAD_WORKFLOW, Checker, Scope, UNRESOLVED,
    call::Called,
    depends, names, scope,
    steps::{call_text, looped},
    template::Site,
};
use crate::argo::{DagTask, DagTemplate, Template};

/// The tasks of a DAG, by position.
struct Graph<'a> {
    tasks: &'a [DagTask],
    by_name: HashMap<&'a str, usize>,
    /// What each task waits for.
    before: Vec<Vec<usize>>,
}

impl<'a> Checker<'a> {
    /// Checks the tasks; returns the scope of the template's outputs.
    pub(super) fn dag<'s>(&mut self, template: &'a Template, scope: &'s Scope<'s>, site: &Site) -> Scope<'s> {
        let Some(dag) = &template.dag else { return Scope::within(scope) };
        let all: Vec<&str> = dag.tasks.iter().map(|task| task.name.as_str()).collect();
        let (prefix, path) = (format!("{}.tasks", site.name), format!("{}.dag.tasks", site.path));
        self.names(&all, names::Rule::Call, &prefix, &path);
        let graph = self.graph(dag, site);
        self.circle(&graph, site);
        self.target(dag, &graph, scope, site);
        let mut known = Scope::within(scope);
        let mut called = Vec::with_capacity(dag.tasks.len());
        for (position, task) in dag.tasks.iter().enumerate() {
            let one = self.called(&task.call, &task_site(site, position, task));
            if task.name.contains("{{") {
                known.add_prefix("tasks.".to_owned());
            } else {
                known.add_outputs(&format!("tasks.{}", task.name), one.template(), looped(&task.call));
            }
            called.push(one);
        }
        for (position, (task, called)) in dag.tasks.iter().zip(&called).enumerate() {
            self.task((position, task), called, &graph, &known, &task_site(site, position, task));
        }
        known
    }

    fn task(
        &mut self,
        (position, task): (usize, &'a DagTask),
        called: &Called<'a>,
        graph: &Graph<'_>,
        known: &Scope<'_>,
        site: &Site,
    ) {
        let mut inner = Scope::within(known);
        if looped(&task.call) {
            inner.add("item".to_owned());
            inner.add_prefix("item.".to_owned());
        }
        self.call(&task.call, called, site, &inner);
        let text = call_text(&task.call);
        self.references(&text, &inner, &site.name, &site.path);
        self.only_ancestors(position, task, graph, site);
        let hooks = serde_json::to_value(&task.call.hooks).ok();
        self.call_hooks(
            hooks.as_ref(),
            &inner,
            &format!("{}.hooks", site.name),
            &format!("{}.hooks", site.path),
        );
    }

    /// Tells of references to tasks that need not have ended when this one starts.
    fn only_ancestors(&mut self, position: usize, task: &DagTask, graph: &Graph<'_>, site: &Site) {
        let mut wanted: Vec<(usize, String, String)> = Vec::new();
        let mut collect = |value: &serde_json::Value, parameter: &str| {
            scope::texts(value, &mut |text| {
                for tag in scope::tags(text) {
                    let Some(other) = tag.strip_prefix("tasks.").and_then(|tag| tag.split('.').next()) else {
                        continue;
                    };
                    if let Some(other) = graph.by_name.get(other) {
                        wanted.push((*other, tag.to_owned(), parameter.to_owned()));
                    }
                }
            });
        };
        for parameter in &task.call.arguments.parameters {
            collect(&serde_json::to_value(parameter).unwrap_or_default(), &parameter.name);
        }
        let mut rest = task.call.clone();
        rest.arguments.parameters.clear();
        collect(&call_text(&rest), "");
        if wanted.is_empty() {
            return;
        }
        let all: HashSet<usize> = wanted.iter().map(|(other, ..)| *other).collect();
        let Some(missing) = self.not_ancestors(position, &all, graph) else { return };
        for (other, tag, parameter) in wanted.into_iter().filter(|(other, ..)| missing.contains(other)) {
            let output = tag.split('.').nth(2) == Some("outputs");
            let message = if parameter.is_empty() || !output {
                format!("{} failed to resolve {{{{{tag}}}}}", site.name)
            } else {
                let other = graph.tasks.get(other).map_or("", |task| task.name.as_str());
                format!("{} missing dependency '{other}' for parameter '{parameter}'", site.name)
            };
            self.fault(UNRESOLVED, message, &site.path);
        }
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

    fn graph(&mut self, dag: &'a DagTemplate, site: &Site) -> Graph<'a> {
        let by_name: HashMap<&str, usize> =
            dag.tasks.iter().enumerate().map(|(position, task)| (task.name.as_str(), position)).collect();
        let uses = |pick: fn(&DagTask) -> bool| dag.tasks.iter().any(pick);
        let conditions = uses(|task| !task.depends.is_empty());
        if conditions && uses(|task| !task.dependencies.is_empty()) {
            let message = format!(
                "{} cannot use both 'depends' and 'dependencies' in the same DAG template",
                site.name
            );
            self.fault(BAD_DEPENDENCY, message, &format!("{}.dag", site.path));
        }
        if let Some(task) = dag.tasks.iter().find(|task| conditions && task.call.continue_on.is_some()) {
            let name = &task.name;
            let message = format!(
                "{} cannot use 'continueOn' when using 'depends'. Instead use 'dep-task.Failed'/'dep-task.Errored'",
                site.name
            );
            self.fault(
                BAD_DEPENDENCY,
                message,
                &task_site(site, by_name.get(name.as_str()).copied().unwrap_or(0), task).path,
            );
        }
        let mut before = Vec::with_capacity(dag.tasks.len());
        for (position, task) in dag.tasks.iter().enumerate() {
            let site = task_site(site, position, task);
            before.push(self.before(task, dag, &by_name, &site));
        }
        Graph { tasks: &dag.tasks, by_name, before }
    }

    /// Returns the tasks that `task` waits for.
    fn before(
        &mut self,
        task: &DagTask,
        dag: &DagTemplate,
        by_name: &HashMap<&str, usize>,
        site: &Site,
    ) -> Vec<usize> {
        let Site { name, path, .. } = site;
        let waits = !task.dependencies.is_empty() || !task.depends.is_empty();
        if waits && task.name.starts_with(|c: char| c.is_ascii_digit()) {
            let message = format!(
                "{name} name cannot begin with a digit when using either 'depends' or 'dependencies'"
            );
            self.fault(BAD_DEPENDENCY, message, path);
        }
        let terms = match depends::terms(&task.depends) {
            _ if task.depends.is_empty() => Vec::new(),
            Ok(terms) => terms,
            Err(why) => {
                self.fault(
                    BAD_DEPENDENCY,
                    format!("{name} depends condition {why}"),
                    &format!("{path}.depends"),
                );
                Vec::new()
            }
        };
        let plain = task.dependencies.iter().map(|task| depends::Term { task, result: None });
        let mut before = Vec::new();
        for term in plain.chain(terms) {
            let Some(other) = by_name.get(term.task).copied() else {
                self.fault(BAD_DEPENDENCY, format!("{name} dependency '{}' not defined", term.task), path);
                continue;
            };
            before.push(other);
            let Some(result) = term.result else { continue };
            let repeated = dag.tasks.get(other).is_some_and(|other| looped(&other.call));
            if !depends::RESULTS.contains(&result) {
                self.fault(
                    BAD_DEPENDENCY,
                    format!("{name} task result '{result}' for task '{}' is invalid", term.task),
                    path,
                );
            } else if matches!(result, "AnySucceeded" | "AllFailed") && !repeated {
                let message = format!(
                    "{name} depends on '{}.{result}', but '{}' does not contain any items",
                    term.task, term.task
                );
                self.fault(BAD_DEPENDENCY, message, path);
            }
        }
        before.sort_unstable();
        before.dedup();
        before
    }

    /// Tells of one circle of tasks, if there is one.
    fn circle(&mut self, graph: &Graph<'_>, site: &Site) {
        let mut waiting: Vec<usize> = graph.before.iter().map(Vec::len).collect();
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); graph.tasks.len()];
        for (task, before) in graph.before.iter().enumerate() {
            for one in before {
                if let Some(after) = after.get_mut(*one) {
                    after.push(task);
                }
            }
        }
        let mut ready: Vec<usize> =
            waiting.iter().enumerate().filter(|(_, n)| **n == 0).map(|(task, _)| task).collect();
        while let Some(task) = ready.pop() {
            for next in after.get(task).into_iter().flatten() {
                if let Some(left) = waiting.get_mut(*next) {
                    *left -= 1;
                    if *left == 0 {
                        ready.push(*next);
                    }
                }
            }
        }
        let stuck = |task: &usize| waiting.get(*task).is_some_and(|left| *left > 0);
        let Some(mut at) = (0..graph.tasks.len()).find(stuck) else { return };
        // every stuck task waits for a stuck one, so walking back ends in a circle
        let (mut path, mut seen) = (Vec::new(), HashSet::new());
        while seen.insert(at) {
            path.push(at);
            match graph.before.get(at).into_iter().flatten().copied().find(stuck) {
                Some(next) => at = next,
                None => return,
            }
        }
        let circle = path.iter().skip_while(|task| **task != at).chain(std::iter::once(&at));
        let mut names: Vec<&str> = circle
            .filter_map(|task| graph.tasks.get(*task))
            .map(|task| task.name.as_str())
            .take(20)
            .collect();
        names.reverse();
        let message = format!("{}.tasks dependency cycle detected: {}", site.name, names.join("->"));
        self.fault(BAD_DEPENDENCY, message, &format!("{}.dag.tasks[{at}]", site.path));
    }

    fn target(&mut self, dag: &DagTemplate, graph: &Graph<'_>, scope: &Scope<'_>, site: &Site) {
        if dag.target.contains("{{") {
            let target = serde_json::Value::from(dag.target.as_str());
            self.references(
                &target,
                scope,
                &format!("{}.target", site.name),
                &format!("{}.dag.target", site.path),
            );
            return;
        }
        for target in dag.target.split_whitespace().filter(|target| !graph.by_name.contains_key(target)) {
            let message = format!("{}.targets target '{target}' is not defined", site.name);
            self.fault(BAD_WORKFLOW, message, &format!("{}.dag.target", site.path));
        }
    }
}

fn task_site(site: &Site, position: usize, task: &DagTask) -> Site {
    Site {
        name: format!("{}.tasks.{}", site.name, names::shown(&task.name)),
        path: format!("{}.dag.tasks[{position}]", site.path),
        inline: site.inline,
    }
}
