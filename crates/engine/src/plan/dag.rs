//! The edges of a DAG template, by task index, and each task's condition.
//! Source: Argo `workflow/common/ancestry.go`.

use std::collections::HashMap;

use expr::{Continues, Depends};
use model::argo::{DagTask, DagTemplate};

/// The edges of a DAG.
#[derive(Debug)]
pub(crate) struct DagPlan {
    /// Task indexes by name.
    pub(crate) by_name: HashMap<String, usize>,
    /// The tasks each task waits for, in the order they are mentioned.
    pub(crate) dependencies: Vec<Vec<usize>>,
    /// The tasks that wait for each task.
    pub(crate) dependents: Vec<Vec<usize>>,
    /// Each task's condition; `None` if it waits for nothing.
    pub(crate) logic: Vec<Option<Depends<usize>>>,
}

impl DagPlan {
    /// Reads the edges of `dag`.
    ///
    /// # Errors
    /// Why it cannot be run: a task named twice, an unknown dependency, a bad `depends`, a cycle.
    pub(crate) fn new(dag: &DagTemplate) -> Result<Self, String> {
        let mut by_name = HashMap::with_capacity(dag.tasks.len());
        let mut tolerated = HashMap::with_capacity(dag.tasks.len());
        for (at, task) in dag.tasks.iter().enumerate() {
            if by_name.insert(task.name.clone(), at).is_some() {
                return Err(format!("task name `{}` is not unique", task.name));
            }
            let on = task.call.continue_on.unwrap_or_default();
            tolerated.insert(task.name.as_str(), Continues { on_error: on.error, on_failed: on.failed });
        }
        let continues = |name: &str| tolerated.get(name).copied().unwrap_or_default();
        let mut plan = Self {
            dependencies: Vec::with_capacity(dag.tasks.len()),
            dependents: vec![Vec::new(); dag.tasks.len()],
            logic: Vec::with_capacity(dag.tasks.len()),
            by_name,
        };
        for (at, task) in dag.tasks.iter().enumerate() {
            plan.add(at, task, &continues)?;
        }
        plan.refuse_cycles(dag)?;
        Ok(plan)
    }

    fn add(
        &mut self,
        at: usize,
        task: &DagTask,
        continues: &dyn Fn(&str) -> Continues,
    ) -> Result<(), String> {
        let named = match (task.depends.is_empty(), task.dependencies.is_empty()) {
            (true, true) => None,
            (true, false) => Some(Depends::of_dependencies(&task.dependencies, continues)),
            (false, true) => {
                Some(Depends::parse(&task.depends, continues).map_err(|error| error.to_string())?)
            }
            (false, false) => return Err(format!("task `{}` has both depends and dependencies", task.name)),
        };
        let mut unknown = String::new();
        let logic = named.as_ref().map(|named| {
            named.try_map(&mut |name: &String| {
                let found = self.by_name.get(name).copied();
                if found.is_none() {
                    unknown.clone_from(name);
                }
                found
            })
        });
        let logic = match logic {
            Some(None) => {
                return Err(format!("task `{}` depends on `{unknown}`, which does not exist", task.name));
            }
            Some(Some(logic)) => Some(logic),
            None => None,
        };
        let mut dependencies: Vec<usize> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        if let Some(logic) = &logic {
            logic.visit(&mut |dependency, _| {
                if seen.insert(*dependency) {
                    dependencies.push(*dependency);
                }
            });
        }
        for dependency in &dependencies {
            if let Some(dependents) = self.dependents.get_mut(*dependency) {
                dependents.push(at);
            }
        }
        self.dependencies.push(dependencies);
        self.logic.push(logic);
        Ok(())
    }

    fn refuse_cycles(&self, dag: &DagTemplate) -> Result<(), String> {
        let mut waits: Vec<usize> = self.dependencies.iter().map(Vec::len).collect();
        let mut free: Vec<usize> = (0..waits.len()).filter(|at| waits.get(*at) == Some(&0)).collect();
        let mut reached = 0_usize;
        while let Some(at) = free.pop() {
            reached = reached.saturating_add(1);
            for dependent in self.dependents.get(at).into_iter().flatten() {
                if let Some(count) = waits.get_mut(*dependent) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        free.push(*dependent);
                    }
                }
            }
        }
        if reached == waits.len() {
            return Ok(());
        }
        let stuck = dag.tasks.iter().zip(&waits).find(|(_, count)| **count > 0);
        Err(format!("task `{}` is part of a cycle of dependencies", stuck.map_or("", |(task, _)| &task.name)))
    }

    /// Returns the tasks to reach: those named in `target`, or all that nobody waits for.
    ///
    /// # Errors
    /// The name of a target that does not exist.
    pub(crate) fn targets(&self, target: &str) -> Result<Vec<usize>, String> {
        if target.trim().is_empty() {
            let leaves = self.dependents.iter().enumerate().filter(|(_, dependents)| dependents.is_empty());
            return Ok(leaves.map(|(at, _)| at).collect());
        }
        let find = |name: &str| {
            self.by_name.get(name).copied().ok_or_else(|| format!("target '{name}' is not defined"))
        };
        target.split_whitespace().map(find).collect()
    }

    /// Returns for each task whether one of `targets` waits for it, or is it.
    pub(crate) fn needed(&self, targets: &[usize]) -> Vec<bool> {
        let mut needed = vec![false; self.dependencies.len()];
        let mut open = targets.to_vec();
        while let Some(at) = open.pop() {
            if let Some(known) = needed.get_mut(at).filter(|known| !**known) {
                *known = true;
                open.extend(self.dependencies.get(at).into_iter().flatten());
            }
        }
        needed
    }

    /// Whether `task` waits for `other`, directly or not.
    pub(crate) fn is_after(&self, task: usize, other: usize) -> bool {
        let mut seen = std::collections::HashSet::new();
        let mut open = vec![task];
        while let Some(at) = open.pop() {
            let dependencies = self.dependencies.get(at).map_or(&[][..], Vec::as_slice);
            if dependencies.contains(&other) {
                return true;
            }
            open.extend(dependencies.iter().filter(|dependency| seen.insert(**dependency)));
        }
        false
    }
}
