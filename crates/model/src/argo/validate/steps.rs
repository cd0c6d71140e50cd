//! Steps: each group knows the outputs of those before it.

use std::collections::HashSet;

use super::{
    Checker, Scope,
    call::Called,
    names::{self, shown},
    template::Site,
};
use crate::argo::{Call, ParallelSteps, Template, WorkflowStep};

impl<'a> Checker<'a> {
    /// Checks the groups; returns the scope of the template's outputs.
    pub(super) fn steps<'s>(
        &mut self,
        template: &'a Template,
        scope: &'s Scope<'s>,
        site: &Site,
    ) -> Scope<'s> {
        let mut known = Scope::within(scope);
        let mut seen: HashSet<&str> = HashSet::new();
        for (number, group) in template.steps.iter().flatten().enumerate() {
            self.step_names(group, number, &mut seen, site);
            let mut given = Vec::new();
            for (position, step) in group.0.iter().enumerate() {
                let site = Site {
                    name: format!("{}.steps[{number}].{}", site.name, shown(&step.name)),
                    path: format!("{}.steps[{number}][{position}]", site.path),
                    inline: site.inline,
                };
                given.push((step, self.step(step, &known, &site)));
            }
            for (step, called) in given {
                add(&mut known, &step.name, &step.call, &called);
            }
        }
        known
    }

    /// Argo wants names to differ in the whole template, since `steps.<name>` is one room.
    fn step_names<'t>(
        &mut self,
        group: &'t ParallelSteps,
        number: usize,
        seen: &mut HashSet<&'t str>,
        site: &Site,
    ) {
        let names: Vec<&str> = group.0.iter().map(|step| step.name.as_str()).collect();
        let prefix = format!("{}.steps[{number}]", site.name);
        self.names(&names, names::Rule::Call, &prefix, &format!("{}.steps[{number}]", site.path));
        for (position, name) in names.iter().enumerate() {
            if seen.contains(name) {
                let message = format!("{prefix}[{position}].name '{}' is not unique", shown(name));
                self.fault(
                    super::BAD_WORKFLOW,
                    message,
                    &format!("{}.steps[{number}][{position}]", site.path),
                );
            }
        }
        seen.extend(names);
    }

    fn step(&mut self, step: &'a WorkflowStep, known: &Scope<'_>, site: &Site) -> Called<'a> {
        let called = self.called(&step.call, site);
        let mut inner = Scope::within(known);
        if looped(&step.call) {
            inner.add("item".to_owned());
            inner.add_prefix("item.".to_owned());
        }
        self.call(&step.call, &called, site, &inner);
        self.references(&call_text(&step.call), &inner, &site.name, &site.path);
        // hooks run when the step has ended
        add(&mut inner, &step.name, &step.call, &called);
        let hooks = serde_json::to_value(&step.call.hooks).ok();
        self.call_hooks(
            hooks.as_ref(),
            &inner,
            &format!("{}.hooks", site.name),
            &format!("{}.hooks", site.path),
        );
        called
    }
}

fn add(scope: &mut Scope<'_>, name: &str, call: &Call, called: &Called<'_>) {
    if name.contains("{{") {
        scope.add_prefix("steps.".to_owned());
    } else {
        scope.add_outputs(&format!("steps.{name}"), called.template(), looped(call));
    }
}

/// Whether a call is repeated for items.
pub(super) fn looped(call: &Call) -> bool {
    call.with_items.is_some()
        || !call.with_param.is_empty()
        || call.with_sequence.as_ref().is_some_and(|value| !value.is_null())
}

/// Returns the parts of a call whose references are resolved before it runs: all but hooks and the template
/// written in place, which know more or less.
pub(super) fn call_text(call: &Call) -> serde_json::Value {
    let mut call = call.clone();
    call.inline = None;
    call.hooks.clear();
    serde_json::to_value(&call).unwrap_or_default()
}
