//! Steps: each knows the outputs of those before it. Source: Argo `validateSteps`.

use std::collections::HashSet;

use super::{
    BAD_WORKFLOW, PARAMETER_WITHOUT_VALUE,
    names::{self, shown},
    scope::Scope,
    walk::{Called, Given, Site, Walker},
};
use crate::argo::{Call, Template, WorkflowStep};

impl<'a> Walker<'a> {
    /// Checks the groups; returns the scope of the template's outputs.
    pub(super) fn steps<'s>(&mut self, template: &Template, scope: &'s Scope<'s>, site: &Site) -> Scope<'s> {
        self.only_for_leaves(template, site);
        let mut known = Scope::within(scope);
        let mut seen: HashSet<&str> = HashSet::new();
        let name = format!("templates.{}", shown(&template.name));
        for (number, group) in template.steps.iter().flatten().enumerate() {
            for (position, step) in group.0.iter().enumerate() {
                let site = site.below(&format!(".steps[{number}][{position}]"));
                let prefix = format!("{name}.steps[{number}]");
                if self.step_name(step, &prefix, &mut seen, &site) {
                    self.step(step, &name, &format!("{prefix}.{}", shown(&step.name)), &mut known, &site);
                }
            }
        }
        known
    }

    /// Argo wants names to differ in the whole template, since `steps.<name>` is one room.
    fn step_name<'t>(
        &mut self,
        step: &'t WorkflowStep,
        prefix: &str,
        seen: &mut HashSet<&'t str>,
        site: &Site,
    ) -> bool {
        let name = shown(&step.name);
        let message = if step.name.is_empty() {
            format!("{prefix}.name is required")
        } else if let Some(why) = names::invalid(&step.name, names::Rule::Field) {
            format!("{prefix}.name '{name}' is invalid: {why}")
        } else if !seen.insert(&step.name) {
            format!("{prefix}.name '{name}' is not unique")
        } else {
            return true;
        };
        self.fault(BAD_WORKFLOW, message, site);
        false
    }

    fn step(&mut self, step: &WorkflowStep, template: &str, name: &str, known: &mut Scope<'_>, site: &Site) {
        let call = &step.call;
        let prefix = format!("steps.{}", step.name);
        known.add(format!("{prefix}.status"));
        self.loops(call, name, site);
        known.add_items(call);
        self.arguments(&call.arguments, &format!("{name}.arguments"), &site.below(".arguments"), false);
        let called = self.under(name.to_owned(), |this| {
            let called = this.called(call, site);
            this.visit(&called, Given::Anything);
            called
        });
        if has_exit_hook(call) {
            known.add_outputs(&mut self.globals, &prefix, called.template(), false);
        }
        self.hooks(&call.hooks, name, &site.below(".hooks"));
        let mut inner = Scope::within(known);
        add_inline(&mut inner, call);
        let text = serde_json::to_value(step).unwrap_or_default();
        self.references(&text, &inner, &format!("{template}.steps"), site);
        known.add_outputs(&mut self.globals, &prefix, called.template(), is_aggregate(call));
        if matches!(called, Called::Missing) {
            known.add_unknown(&prefix);
        }
        self.under(name.to_owned(), |this| this.supplied(&called, &call.arguments, site));
    }

    /// Checks that a call is repeated in one way at most.
    pub(super) fn loops(&mut self, call: &Call, name: &str, site: &Site) {
        let sequence = call.with_sequence.as_ref().filter(|value| !value.is_null());
        let items = call.with_items.as_ref().is_some_and(|items| !items.is_empty());
        let ways = [items, !call.with_param.is_empty(), sequence.is_some()];
        if ways.iter().filter(|is| **is).count() > 1 {
            let message = format!("{name} only one of withItems, withParam, withSequence can be specified");
            self.fault(BAD_WORKFLOW, message, site);
        }
        let Some(sequence) = sequence.filter(|sequence| sequence.is_object()) else { return };
        let has = |field: &str| sequence.get(field).is_some_and(|value| !value.is_null());
        let site = site.below(".withSequence");
        if has("count") && has("end") {
            let message = format!("{name} only one of count or end can be defined in withSequence");
            self.fault(BAD_WORKFLOW, message, &site);
        } else if !has("count") && !has("end") {
            let message = format!("{name} withSequence needs one of count and end");
            self.warn(PARAMETER_WITHOUT_VALUE, message, &site);
        }
    }

    /// Tells of what only templates that run something themselves may have.
    pub(super) fn only_for_leaves(&mut self, template: &Template, site: &Site) {
        if template.active_deadline_seconds.is_some() {
            let name = shown(&template.name);
            let message = format!("templates.{name}.activeDeadlineSeconds is only valid for leaf templates");
            self.fault(BAD_WORKFLOW, message, &site.below(".activeDeadlineSeconds"));
        }
    }
}

pub(super) fn has_exit_hook(call: &Call) -> bool {
    !call.on_exit.is_empty() || call.hooks.contains_key("exit")
}

/// Whether a call gives lists, since it is repeated for items. Source: Argo, which forgets sequences here.
pub(super) fn is_aggregate(call: &Call) -> bool {
    call.with_items.as_ref().is_some_and(|items| !items.is_empty()) || !call.with_param.is_empty()
}

/// Adds the inputs of a template that is written in place, whose text is part of the call's.
pub(super) fn add_inline(scope: &mut Scope<'_>, call: &Call) {
    let inputs = call.inline.iter().flat_map(|inline| &inline.inputs.parameters);
    inputs.for_each(|parameter| scope.add(format!("inputs.parameters.{}", parameter.name)));
}
