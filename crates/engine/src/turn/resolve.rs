//! The call of a step or task, resolved: tags replaced by what came before, artifacts found.
//! Source: Argo `steps.go` resolveReferences, `dag.go` resolveDependencyReferences.

use std::{collections::BTreeMap, sync::Arc};

use expr::{Lookup, Unresolved, has_tags, pure_tag, substitute, substitute_json};
use model::argo::{AnyString, Artifact, Call, Template, WorkflowStep};
use serde_json::Value;

use super::{
    Turn, artifact,
    expression::{self, Variables, of_texts},
    inputs::ARGO_ROOTS,
    lookup::Asker,
};
use crate::{
    live::{Args, Given},
    plan::{self, Compiled},
};

/// The roots that must be known in a call that will be expanded: `item` is known only then.
const ROOTS_BUT_ITEM: &[&str] = &["steps", "tasks", "inputs", "outputs", "pod", "workflow"];

/// What a call hands over as it is, unless the caller has a value of its own for it: the called node fills it in. Source:
/// Argo `operator.go` executeTemplate, ProcessArgs.
const OF_THE_CALLED: &[&str] = &["steps.name", "tasks.name", "pod.name"];

/// The names one pass of substitution knows, with the first failure to look one up.
struct Names<'a> {
    look_up: &'a mut dyn FnMut(&str) -> Result<Lookup, String>,
    failure: Option<String>,
}

impl Names<'_> {
    fn find(&mut self, name: &str) -> Lookup {
        let found = (self.look_up)(name).unwrap_or_else(|failure| {
            self.failure.get_or_insert(failure);
            Lookup::Unknown
        });
        match found {
            Lookup::Unknown if OF_THE_CALLED.contains(&name) => Lookup::Text(format!("{{{{{name}}}}}")),
            found => found,
        }
    }

    fn text(&mut self, text: &mut String, policy: Unresolved<'_>) -> Result<(), String> {
        if !has_tags(text) {
            return Ok(());
        }
        let replaced = substitute(text, &mut |name| self.find(name), policy);
        self.outcome(replaced).map(|replaced| *text = replaced)
    }

    fn json(&mut self, json: &mut Value, policy: Unresolved<'_>) -> Result<(), String> {
        let replaced = substitute_json(json, &mut |name| self.find(name), policy);
        self.outcome(replaced)
    }

    fn outcome<T>(&mut self, outcome: Result<T, expr::ExprError>) -> Result<T, String> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => outcome.map_err(|error| error.to_string()),
        }
    }

    fn call(&mut self, call: &mut Call, policy: Unresolved<'_>) -> Result<(), String> {
        self.text(&mut call.template, policy)?;
        if let Some(reference) = &mut call.template_ref {
            self.text(&mut reference.name, policy)?;
            self.text(&mut reference.template, policy)?;
        }
        for parameter in &mut call.arguments.parameters {
            let from = parameter.value_from.as_mut().and_then(|from| from.config_map_key_ref.as_mut());
            if let Some(key) = from {
                self.text(&mut key.name, policy)?;
                self.text(&mut key.key, policy)?;
            }
            let Some(value) = &mut parameter.value else { continue };
            // An argument that is nothing but an absent output is as good as not given.
            if pure_tag(&value.0).is_some_and(|name| self.find(name) == Lookup::Absent) {
                parameter.value = None;
                parameter.default = Some(AnyString::default());
                continue;
            }
            self.text(&mut value.0, policy)?;
        }
        for artifact in &mut call.arguments.artifacts {
            self.artifact(artifact, policy)?;
        }
        if let Some(items) = &mut call.with_items {
            for item in items {
                self.json(item, policy)?;
            }
        }
        self.text(&mut call.with_param, policy)?;
        if let Some(sequence) = &mut call.with_sequence {
            self.json(sequence, policy)?;
        }
        self.text(&mut call.on_exit, policy)?;
        self.hooks(call)?;
        self.inline(call)
    }

    fn artifact(&mut self, artifact: &mut Artifact, policy: Unresolved<'_>) -> Result<(), String> {
        if let Some(raw) = &mut artifact.raw {
            self.text(&mut raw.data, policy)?;
        }
        self.text(&mut artifact.sub_path, policy)?;
        self.text(&mut artifact.from_expression, Unresolved::Keep)?;
        for value in artifact.rest.values_mut().chain(&mut artifact.archive) {
            self.json(value, policy)?;
        }
        Ok(())
    }

    /// Replaces what is known in the hooks of the call; the rest is looked at when they run.
    fn hooks(&mut self, call: &mut Call) -> Result<(), String> {
        if call.hooks.is_empty() {
            return Ok(());
        }
        let mut json = serde_json::to_value(&call.hooks).map_err(|error| error.to_string())?;
        self.json(&mut json, Unresolved::Keep)?;
        call.hooks = serde_json::from_value(json).map_err(|error| format!("after substitution: {error}"))?;
        Ok(())
    }

    /// Replaces what is known of everything in the call, and leaves the rest.
    fn known(&mut self, call: &mut Call) -> Result<(), String> {
        self.text(&mut call.when, Unresolved::Keep)?;
        for artifact in &mut call.arguments.artifacts {
            self.text(&mut artifact.from, Unresolved::Keep)?;
        }
        self.call(call, Unresolved::Keep)
    }

    /// An inline template's own inputs are not known yet, so nothing in it is refused.
    fn inline(&mut self, call: &mut Call) -> Result<(), String> {
        let Some(inline) = &mut call.inline else { return Ok(()) };
        let mut json = serde_json::to_value(&**inline).map_err(|error| error.to_string())?;
        self.json(&mut json, Unresolved::Keep)?;
        **inline = serde_json::from_value(json).map_err(|error| format!("after substitution: {error}"))?;
        Ok(())
    }
}

/// Whether the call stands for many; an empty `withItems` is none to Argo. Source: Argo `WorkflowStep.ShouldExpand`.
pub(super) fn expands(call: &Call) -> bool {
    call.with_items.as_ref().is_some_and(|items| !items.is_empty())
        || !call.with_param.is_empty()
        || call.with_sequence.is_some()
}

impl Turn {
    /// Replaces the tags of `call` by what came before; returns whether it is known already not to run.
    ///
    /// # Errors
    /// Why it cannot run.
    pub(super) fn resolve(&mut self, asker: Asker, call: &mut Call) -> Result<bool, String> {
        self.resolve_names(asker, call)?;
        let looped = expands(call);
        let computed = self.expand_call(asker, call, false)?;
        let may_name_item = looped || call.with_items.is_some();
        let policy = Unresolved::RefuseRoots(if may_name_item { ROOTS_BUT_ITEM } else { ARGO_ROOTS });
        let mut look_up = |name: &str| self.scoped(asker, name);
        let mut names = Names { look_up: &mut look_up, failure: None };
        names.text(&mut call.when, policy)?;
        if !looped {
            if !decide(&call.when)? {
                return Ok(true);
            }
        } else if !has_tags(&call.when) && matches!(expr::when(&call.when), Ok(false)) {
            // Its items are still named, but nothing else of it need be known.
            let mut kept = Names { look_up: &mut look_up, failure: None };
            for parameter in &mut call.arguments.parameters {
                parameter.value = None;
            }
            if let Some(items) = &mut call.with_items {
                items.iter_mut().try_for_each(|item| kept.json(item, policy))?;
            }
            kept.text(&mut call.with_param, policy)?;
            return Ok(false);
        }
        let mut names = Names { look_up: &mut look_up, failure: None };
        names.call(call, policy)?;
        if computed && !looped {
            self.expand_call(asker, call, true)?;
        }
        Ok(false)
    }

    /// Replaces the expression tags of a call; returns whether there were any.
    fn expand_call(&mut self, asker: Asker, call: &mut Call, strict: bool) -> Result<bool, String> {
        let json = serde_json::to_value(&*call).map_err(|error| error.to_string())?;
        if !expression::any_in(&json) {
            return Ok(false);
        }
        let known = self.known_within(asker, &json.to_string());
        self.expand_with(call, json, &known, strict)?;
        Ok(true)
    }

    fn expand_with(
        &self,
        call: &mut Call,
        mut json: Value,
        known: &Variables,
        strict: bool,
    ) -> Result<(), String> {
        // What hooks say is looked at when they run, what an inline template says when it starts.
        let hooks = std::mem::take(&mut call.hooks);
        let inline = call.inline.take();
        if let Some(fields) = json.as_object_mut() {
            fields.shift_remove("hooks");
            fields.shift_remove("inline");
        }
        self.expand_json(&mut json, known, strict)?;
        let step: WorkflowStep =
            serde_json::from_value(json).map_err(|error| format!("after substitution: {error}"))?;
        *call = Call { hooks, inline, ..step.call };
        Ok(())
    }

    /// Returns a copy of a call for one item, its tags replaced.
    ///
    /// # Errors
    /// Which name is not known, or why an expression has no value.
    pub(super) fn for_item(
        &mut self,
        asker: Asker,
        call: &Call,
        item: &std::collections::HashMap<String, String>,
        computed: bool,
    ) -> Result<Call, String> {
        let look_up = |name: &str| Lookup::from(item.get(name).cloned());
        if !computed {
            return with_item(call, &look_up);
        }
        let json = serde_json::to_value(call).map_err(|error| error.to_string())?;
        let mut known = self.known_within(asker, &json.to_string());
        known.extend(of_texts(item));
        let mut one = call.clone();
        let skips = {
            let mut when = self.expand_text(&call.when, &known, true)?;
            when = substitute(&when, &mut |name| look_up(name), Unresolved::Keep).unwrap_or(when);
            matches!(expr::when(&when), Ok(false))
        };
        self.expand_with(&mut one, json, &known, !skips)?;
        with_item(&one, &look_up)
    }

    /// Replaces what the template around `call` knows: globals and names of its own, then its inputs.
    fn resolve_names(&self, asker: Asker, call: &mut Call) -> Result<(), String> {
        let Some(frame) = self.run.live.frame(asker.boundary) else { return Ok(()) };
        let (locals, inputs) = &*frame.names;
        let mut outer = |name: &str| match locals.get(name) {
            Some(value) => Ok(Lookup::Text(value.clone())),
            None => Ok(self.global(name, asker.hooked)),
        };
        Names { look_up: &mut outer, failure: None }.known(call)?;
        let mut inner = |name: &str| Ok(inputs.get(name).cloned().into());
        Names { look_up: &mut inner, failure: None }.known(call)
    }

    /// Returns what the template of a resolved call is called with, and the template if it is inline.
    ///
    /// # Errors
    /// What of it cannot be run here, or which artifact cannot be found.
    pub(super) fn call_args(
        &mut self,
        asker: Asker,
        call: &Call,
    ) -> Result<(Args, Option<Arc<Compiled>>), String> {
        if let Some(refused) = plan::refused_call(call) {
            return Err(refused);
        }
        let mut args = Args::default();
        for parameter in &call.arguments.parameters {
            // See `Names::call`: an absent output is left without a value and with an empty default.
            let from = parameter.value_from.as_ref().filter(|from| from.config_map_key_ref.is_some());
            if let Some(value) = &parameter.value {
                args.parameters.insert(parameter.name.clone(), Some(value.0.clone()));
            } else if let Some(from) = from {
                args.elsewhere.insert(parameter.name.clone(), from.as_ref().clone());
            } else if parameter.default.is_some() {
                args.parameters.insert(parameter.name.clone(), None);
            }
        }
        args.artifacts = self.artifact_args(asker, call)?;
        let inline = call.inline.as_ref().map(|inline| {
            let anonymous = Template { name: String::new(), ..(**inline).clone() };
            Arc::new(self.run.plan.compile(anonymous))
        });
        Ok((args, inline))
    }

    fn artifact_args(&mut self, asker: Asker, call: &Call) -> Result<BTreeMap<String, Given>, String> {
        let mut artifacts = BTreeMap::new();
        for artifact in &call.arguments.artifacts {
            let given = match self.referred(asker, artifact) {
                Ok(given) => given,
                Err(_) if artifact.optional || self.takes_it_or_not(asker, call, &artifact.name) => None,
                Err(reason) => return Err(format!("unable to resolve references: {reason}")),
            };
            artifacts.extend(given.map(|given| (artifact.name.clone(), given)));
        }
        Ok(artifacts)
    }

    /// Returns what an artifact refers to, or where it is written to be.
    ///
    /// # Errors
    /// Why it cannot be found.
    pub(super) fn referred(&mut self, asker: Asker, artifact: &Artifact) -> Result<Option<Given>, String> {
        let computed;
        let from = if artifact.from_expression.is_empty() {
            &artifact.from
        } else {
            computed = self.artifact_within(asker, &artifact.from_expression)?;
            &computed
        };
        if from.is_empty() {
            return artifact::written(artifact);
        }
        let mut given = self.artifact(asker, from)?;
        if let Some(given) = &mut given {
            artifact::part_of(given, &artifact.sub_path)?;
        }
        Ok(given)
    }

    /// Whether the template called declares the input artifact `name` as optional.
    fn takes_it_or_not(&self, asker: Asker, call: &Call, name: &str) -> bool {
        let takes = |template: &Template| {
            template.inputs.artifacts.iter().any(|artifact| artifact.name == name && artifact.optional)
        };
        match &call.inline {
            Some(inline) => takes(inline),
            None => {
                self.called_template(asker.boundary, call).is_some_and(|compiled| takes(&compiled.template))
            }
        }
    }
}

/// Replaces the tags of an item in a copy of `call`.
///
/// # Errors
/// Which name of an item is not known.
pub(super) fn with_item(call: &Call, look_up: &dyn Fn(&str) -> Lookup) -> Result<Call, String> {
    let mut one = Call { with_items: None, with_param: String::new(), with_sequence: None, ..call.clone() };
    let mut find = |name: &str| Ok(look_up(name));
    let mut names = Names { look_up: &mut find, failure: None };
    let policy = Unresolved::RefuseRoots(&["item"]);
    names.text(&mut one.when, policy)?;
    if matches!(expr::when(&one.when), Ok(false)) {
        return Ok(one);
    }
    for artifact in &mut one.arguments.artifacts {
        names.text(&mut artifact.from, Unresolved::Keep)?;
    }
    names.call(&mut one, policy)?;
    Ok(one)
}

/// Replaces the tags in the arguments of `call`.
///
/// # Errors
/// What cannot be replaced.
pub(super) fn arguments(
    look_up: &mut dyn FnMut(&str) -> Result<Lookup, String>,
    call: &mut Call,
    policy: Unresolved<'_>,
) -> Result<(), String> {
    let mut names = Names { look_up, failure: None };
    for artifact in &mut call.arguments.artifacts {
        names.text(&mut artifact.from, Unresolved::Keep)?;
    }
    names.call(call, policy)
}

/// Decides a `when` whose tags are replaced.
///
/// # Errors
/// Why it cannot be decided.
pub(super) fn decide(when: &str) -> Result<bool, String> {
    expr::when(when).map_err(|error| error.to_string())
}
