//! A template made ready: inputs given, tags replaced. Source: Argo `workflow/common/util.go` ProcessArgs,
//! SubstituteParams: globals and locals first, then inputs, one pass each.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use expr::{Lookup, Unresolved, has_tags, lang::Env, substitute, substitute_json};
use model::argo::{AnyString, Artifact, Inputs, Parameter, Template, TemplateKind, ValueFrom, pod_name};
use serde_json::Value;

use super::{
    Turn, artifact, ask,
    expression::{Variables, has_expressions, of_texts},
};
use crate::{
    Question,
    live::{Frame, Given, Start},
    plan::Compiled,
};

/// The roots that are Argo's: what they name must be known when a template runs.
pub(super) const ARGO_ROOTS: &[&str] = &["item", "steps", "tasks", "inputs", "outputs", "pod", "workflow"];

/// A template, ready to run.
#[derive(Debug)]
pub(super) struct Ready {
    /// With its tags replaced and its inputs in it.
    pub(super) template: Template,
    /// Where its input artifacts come from.
    pub(super) artifacts: BTreeMap<String, Given>,
    /// What names of its own stand for: in the first pass, and its inputs in the second.
    pub(super) names: (BTreeMap<String, String>, BTreeMap<String, String>),
}

impl Ready {
    /// Returns its inputs as a node shows them.
    pub(super) fn inputs(&self) -> Option<Inputs> {
        (!self.template.inputs.is_empty()).then(|| self.template.inputs.clone())
    }

    /// Returns the frame of a steps or DAG node.
    pub(super) fn frame(self, compiled: Arc<Compiled>, start: &Start) -> Frame {
        let template = self.template;
        Frame {
            compiled,
            home: start.home.clone(),
            outputs: template.outputs,
            artifacts: self.artifacts,
            names: self.names.into(),
            parallelism: template
                .parallelism
                .and_then(|limit| usize::try_from(limit).ok())
                .filter(|limit| *limit > 0),
            fail_fast: template.fail_fast == Some(true),
            children: HashMap::new(),
            depth: start.depth,
            active: 0,
            unsuccessful: 0,
            waiting: VecDeque::new(),
            aggregates: HashMap::new(),
        }
    }
}

impl Turn {
    pub(super) fn make_ready(&self, compiled: &Compiled, start: &Start) -> Result<Ready, String> {
        let locals = self.locals(start);
        let mut outer = |name: &str| match locals.get(name) {
            Some(value) => Lookup::Text(value.clone()),
            None => self.global(name, start.hooked),
        };
        let mut parameters = {
            let env = self.env_of(start, &locals);
            given(&compiled.template.inputs.parameters, start, &mut outer, &env)?
        };
        let mut json = compiled.json.clone();
        let mut known = Variables::new();
        let of_values =
            |parameter: &Parameter| parameter.value.as_ref().is_some_and(|value| has_expressions(&value.0));
        if compiled.has_expressions || parameters.iter().any(of_values) {
            known = self.known_globally(start.hooked);
            known.extend(of_texts(&locals));
            for value in parameters.iter_mut().filter_map(|parameter| parameter.value.as_mut()) {
                value.0 = self.expand_text(&value.0, &known, false)?;
            }
            self.expand_json(&mut json, &known, false)?;
        }
        let text = |error: expr::ExprError| error.to_string();
        substitute_json(&mut json, &mut outer, Unresolved::Keep).map_err(text)?;
        let mut inner = inner_variables(&parameters, &json);
        let composite = matches!(compiled.kind, Some(TemplateKind::Steps | TemplateKind::Dag));
        if !known.is_empty() {
            known.extend(of_texts(&inner));
        }
        if compiled.has_expressions {
            self.expand_json(&mut json, &known, !composite)?;
        }
        let mut again = false;
        for value in parameters.iter_mut().filter_map(|parameter| parameter.value.as_mut()) {
            // an input may be made of others; they are as they were before this pass
            if has_tags(&value.0) {
                if has_expressions(&value.0) {
                    value.0 = self.expand_text(&value.0, &known, false)?;
                }
                let mut look_up = |name: &str| inner.get(name).cloned().into();
                value.0 = substitute(&value.0, &mut look_up, Unresolved::Keep).map_err(text)?;
                again = true;
            }
        }
        let policy = if composite { Unresolved::Keep } else { Unresolved::RefuseRoots(ARGO_ROOTS) };
        substitute_json(&mut json, &mut |name| inner.get(name).cloned().into(), policy).map_err(text)?;
        let mut template: Template =
            serde_json::from_value(json).map_err(|error| format!("after substitution: {error}"))?;
        if again {
            inner = inner_variables(
                &parameters,
                &serde_json::to_value(&template).map_err(|error| error.to_string())?,
            );
        }
        template.inputs.parameters = parameters;
        let artifacts = input_artifacts(&mut template, start)?;
        Ok(Ready { template, artifacts, names: (locals, inner) })
    }

    /// Returns what must still be asked before the inputs of `start` are known.
    pub(super) fn question_of(&self, compiled: &Compiled, start: &Start) -> Option<Question> {
        let mut origins = compiled.template.inputs.parameters.iter().map(|declared| origin(declared, start));
        if !origins.any(|origin| matches!(origin, Origin::Elsewhere(_))) {
            return None;
        }
        let locals = self.locals(start);
        let mut outer = |name: &str| match locals.get(name) {
            Some(value) => Lookup::Text(value.clone()),
            None => self.global(name, start.hooked),
        };
        let env = self.env_of(start, &locals);
        compiled.template.inputs.parameters.iter().find_map(|declared| match origin(declared, start) {
            Origin::Elsewhere(from) => {
                let mut outer = ask::Known::new(&mut outer, &env);
                let question = ask::for_key(from.config_map_key_ref.as_ref()?, &mut outer).ok()?;
                ask::told(&start.known, &question).is_none().then_some(question)
            }
            _ => None,
        })
    }

    /// Returns what makes what expressions of a start look at, before its inputs are known.
    fn env_of(&self, start: &Start, locals: &BTreeMap<String, String>) -> impl Fn() -> Env {
        move || {
            let mut known = self.known_globally(start.hooked);
            known.extend(of_texts(locals));
            self.env(&known)
        }
    }

    /// Returns the variables a node has of its own.
    pub(super) fn locals(&self, start: &Start) -> BTreeMap<String, String> {
        let workflow = &self.run.workflow.metadata.name;
        let mut locals = BTreeMap::from([
            ("node.name".to_owned(), start.name.clone()),
            ("pod.name".to_owned(), pod_name(workflow, &start.name, start.template())),
        ]);
        if !start.call.is_empty() {
            locals.insert("steps.name".to_owned(), start.call.clone());
            locals.insert("tasks.name".to_owned(), start.call.clone());
        }
        if let Some(attempt) = &start.attempt {
            locals.insert("retries".to_owned(), attempt.number.to_string());
            locals.extend(
                attempt.last.iter().map(|(name, value)| (format!("lastRetry.{name}"), value.clone())),
            );
        }
        locals
    }
}

fn given(
    declared: &[Parameter],
    start: &Start,
    outer: &mut dyn FnMut(&str) -> Lookup,
    env: &dyn Fn() -> Env,
) -> Result<Vec<Parameter>, String> {
    let mut parameters = Vec::with_capacity(declared.len());
    for parameter in declared {
        let value = match origin(parameter, start) {
            Origin::Given(value) => value.to_owned(),
            Origin::Elsewhere(from) => {
                elsewhere(from, start, ask::Known::new(outer, env)).map_err(|reason| {
                    format!("unable to retrieve inputs.parameters.{}: {reason}", parameter.name)
                })?
            }
            Origin::Absent => {
                return Err(format!(
                    "inputs.parameters.{} was given an absent optional output and has no default",
                    parameter.name
                ));
            }
            Origin::Nowhere => return Err(format!("inputs.parameters.{} was not supplied", parameter.name)),
        };
        let value = substitute(&value, outer, Unresolved::Keep).map_err(|error| error.to_string())?;
        if parameter.enumeration.as_ref().is_some_and(|list| !list.iter().any(|one| one.0 == value)) {
            return Err(format!("inputs.parameters.{} is not one of its enum", parameter.name));
        }
        parameters.push(Parameter { value: Some(AnyString(value)), ..parameter.clone() });
    }
    Ok(parameters)
}

/// Where the value of an input parameter comes from: argument, own value, elsewhere, default, in this order.
enum Origin<'a> {
    Given(&'a str),
    Elsewhere(&'a ValueFrom),
    /// An output that was not produced.
    Absent,
    Nowhere,
}

fn origin<'a>(declared: &'a Parameter, start: &'a Start) -> Origin<'a> {
    let argument = start.args.parameters.get(&declared.name);
    if let Some(Some(value)) = argument {
        return Origin::Given(value);
    }
    if let Some(from) = start.args.elsewhere.get(&declared.name) {
        return Origin::Elsewhere(from);
    }
    let from = declared.value_from.as_ref().filter(|from| from.config_map_key_ref.is_some());
    match (&declared.value, from, &declared.default) {
        (Some(value), ..) => Origin::Given(value.as_str()),
        (None, Some(from), _) => Origin::Elsewhere(from),
        (None, None, Some(default)) => Origin::Given(default.as_str()),
        (None, None, None) if argument.is_some() => Origin::Absent,
        (None, None, None) => Origin::Nowhere,
    }
}

fn elsewhere(from: &ValueFrom, start: &Start, mut known: ask::Known<'_>) -> Result<String, String> {
    let key = from.config_map_key_ref.clone().unwrap_or_default();
    let question = ask::for_key(&key, &mut known)?;
    let answer = ask::told(&start.known, &question).ok_or("it is not known")?;
    ask::text_of(answer, from).map(|text| text.0)
}

/// Returns the variables of inputs and outputs of a template.
fn inner_variables(parameters: &[Parameter], json: &Value) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for parameter in parameters {
        let value = parameter.value.as_ref().map(|value| value.0.clone()).unwrap_or_default();
        variables.insert(format!("inputs.parameters.{}", parameter.name), value);
    }
    variables.insert("inputs.parameters".to_owned(), serde_json::to_string(parameters).unwrap_or_default());
    for (pointer, name, path) in [
        ("/inputs/artifacts", "inputs.artifacts", "/path"),
        ("/outputs/artifacts", "outputs.artifacts", "/path"),
        ("/outputs/parameters", "outputs.parameters", "/valueFrom/path"),
    ] {
        for one in json.pointer(pointer).and_then(Value::as_array).into_iter().flatten() {
            let of = one.get("name").and_then(Value::as_str).zip(one.pointer(path).and_then(Value::as_str));
            if let Some((of, path)) = of {
                variables.insert(format!("{name}.{of}.path"), path.to_owned());
            }
        }
    }
    variables
}

fn input_artifacts(template: &mut Template, start: &Start) -> Result<BTreeMap<String, Given>, String> {
    let mut sources = BTreeMap::new();
    let mut shown: Vec<Artifact> = Vec::with_capacity(template.inputs.artifacts.len());
    for declared in std::mem::take(&mut template.inputs.artifacts) {
        match artifact::written(&declared)?.or_else(|| start.args.artifacts.get(&declared.name).cloned()) {
            Some(source) => {
                shown.push(artifact::shown(&declared, &source));
                sources.insert(declared.name.clone(), source);
            }
            None if declared.optional => {}
            None => return Err(format!("inputs.artifacts.{} was not supplied", declared.name)),
        }
    }
    template.inputs.artifacts = shown;
    Ok(sources)
}
