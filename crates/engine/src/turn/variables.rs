//! The variables of a workflow: `workflow.*`, and ours. Source: Argo `operator.go` setGlobalParameters.
//! Not here: outputs of nodes, inputs of templates (see `lookup`, `inputs`).

use std::collections::{BTreeMap, HashMap};

use expr::{
    Lookup, Unresolved,
    lang::{Env, Value as Computed},
    substitute, substitute_json,
};
use jiff::{Timestamp, fmt::strtime};
use model::argo::{AnyString, Artifact, KeySelector, Parameter, ValueFrom};
use serde_json::{Map, Value, json};

use super::{Turn, artifact, ask};
use crate::{Question, Run, live::Args};

/// The letters `workflow.creationTimestamp.<letter>` may have.
const STRFTIME_LETTERS: &str = "aAbBcCdDeFHIjmMnpRrStTuUVvwWxXyYZz";

/// Returns the variables that stay the same while the run lasts, by full name.
///
/// # Errors
/// Why an argument has no value.
pub(super) fn of_workflow(run: &Run, now: Timestamp) -> Result<HashMap<String, String>, String> {
    let mut variables = fixed(run, now);
    add_parameters(run, &mut variables, now)?;
    Ok(variables)
}

/// Returns those that do not depend on the workflow's arguments.
fn fixed(run: &Run, now: Timestamp) -> HashMap<String, String> {
    let meta = &run.workflow.metadata;
    let spec = &run.workflow.spec;
    let uid = if meta.uid.is_empty() { run.id.uuid().to_string() } else { meta.uid.clone() };
    let mut variables: HashMap<String, String> = HashMap::new();
    let mut set = |name: &str, value: String| variables.insert(format!("workflow.{name}"), value);
    set("name", meta.name.clone());
    set("namespace", meta.namespace.clone());
    set("uid", uid);
    set("mainEntrypoint", spec.entrypoint.clone());
    set(
        "serviceAccountName",
        if spec.service_account_name.is_empty() { "default" } else { &spec.service_account_name }.to_owned(),
    );
    if let Some(priority) = spec.priority {
        set("priority", priority.to_string());
    }
    if let Some(at) = meta.annotations.get("workflows.argoproj.io/scheduled-time") {
        set("scheduledTime", at.0.clone());
    }
    for (field, map) in [("labels", &meta.labels), ("annotations", &meta.annotations)] {
        let sorted: BTreeMap<&String, &str> =
            map.iter().map(|(name, value)| (name, value.as_str())).collect();
        for (name, value) in &sorted {
            set(&format!("{field}.{name}"), (*value).to_owned());
        }
        let all = sorted.into_iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>();
        set(field, Value::Object(all.clone()).to_string());
        set(&format!("{field}.json"), Value::Object(all).to_string());
    }
    for (name, value) in created(meta.creation_timestamp.as_deref(), now) {
        set(&name, value);
    }
    variables.extend(run.options.variables.iter().map(|(name, value)| (name.clone(), value.clone())));
    variables
}

fn created(text: Option<&str>, now: Timestamp) -> Vec<(String, String)> {
    let at: Timestamp = text.and_then(|text| text.parse().ok()).unwrap_or(now);
    let utc = at.to_zoned(jiff::tz::TimeZone::UTC);
    let format = |format: &str| strtime::format(format, &utc).ok();
    let whole = format("%Y-%m-%dT%H:%M:%SZ").unwrap_or_default();
    let letters = STRFTIME_LETTERS
        .chars()
        .filter_map(|letter| Some((format!("creationTimestamp.{letter}"), format(&format!("%{letter}"))?)));
    let fixed = [
        ("creationTimestamp".to_owned(), whole.clone()),
        ("creationTimestamp.RFC3339".to_owned(), whole),
        ("creationTimestamp.s".to_owned(), at.as_second().to_string()),
    ];
    letters.chain(fixed).collect()
}

fn add_parameters(run: &Run, variables: &mut HashMap<String, String>, now: Timestamp) -> Result<(), String> {
    let parameters = &run.workflow.spec.arguments.parameters;
    let mut known: Vec<Parameter> = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        let from = parameter.value_from.as_ref().filter(|from| from.config_map_key_ref.is_some());
        let told = match from.filter(|_| parameter.value.is_none()) {
            Some(from) => Some(elsewhere(run, from, (variables, now)).map_err(|reason| {
                let key = from.config_map_key_ref.clone().unwrap_or_default();
                format!(
                    "failed to set global parameter {} from configmap with name {} and key {}: {reason}",
                    parameter.name, key.name, key.key
                )
            })?),
            None => None,
        };
        let given = parameter.value.as_ref().or(told.as_ref()).or(parameter.default.as_ref());
        let Some(given) = given else {
            return Err(format!(
                "invalid spec: spec.arguments.{}.value or spec.arguments.{}.valueFrom is required",
                parameter.name, parameter.name
            ));
        };
        let value =
            substitute(given.as_str(), &mut |name| variables.get(name).cloned().into(), Unresolved::Keep)
                .map_err(|error| error.to_string())?;
        if parameter.enumeration.as_ref().is_some_and(|list| !list.iter().any(|one| one.0 == value)) {
            return Err(format!(
                "invalid spec: spec.arguments.{}.value is not one of its enum",
                parameter.name
            ));
        }
        known.push(Parameter { value: Some(AnyString(value)), ..parameter.clone() });
    }
    for parameter in &known {
        let value = parameter.value.as_ref().map(|value| value.0.clone()).unwrap_or_default();
        variables.insert(format!("workflow.parameters.{}", parameter.name), value);
    }
    let all = serde_json::to_string(&known).unwrap_or_default();
    variables.insert("workflow.parameters".to_owned(), all.clone());
    variables.insert("workflow.parameters.json".to_owned(), all);
    Ok(())
}

fn elsewhere(
    run: &Run,
    from: &ValueFrom,
    (variables, now): (&HashMap<String, String>, Timestamp),
) -> Result<AnyString, String> {
    let key = from.config_map_key_ref.clone().unwrap_or_default();
    let question = question_for(&key, variables, now)?;
    let answer = ask::told(&run.live.known, &question).ok_or("it is not known")?;
    ask::text_of(answer, from)
}

fn question_for(
    key: &KeySelector,
    variables: &HashMap<String, String>,
    now: Timestamp,
) -> Result<Question, String> {
    let env = || {
        let mut env = Env::new(now, 0);
        env.set_dotted(variables.iter().map(|(name, text)| (name.as_str(), Computed::text(text))));
        env
    };
    let mut look_up = |name: &str| variables.get(name).cloned().into();
    ask::for_key(key, &mut ask::Known::new(&mut look_up, &env))
}

/// Returns what must still be asked before the workflow's own arguments are known.
pub(super) fn question(run: &Run, now: Timestamp) -> Option<Question> {
    let parameters = &run.workflow.spec.arguments.parameters;
    let keys = parameters.iter().filter(|parameter| parameter.value.is_none());
    let mut keys = keys.filter_map(|parameter| parameter.value_from.as_ref()?.config_map_key_ref.as_ref());
    let first = keys.next()?;
    let variables = fixed(run, now);
    std::iter::once(first).chain(keys).find_map(|key| {
        let question = question_for(key, &variables, now).ok()?;
        ask::told(&run.live.known, &question).is_none().then_some(question)
    })
}

/// Returns what the entry template is called with: the workflow's own arguments.
///
/// # Errors
/// Why an argument cannot be handed over.
pub(super) fn arguments(run: &Run, variables: &HashMap<String, String>) -> Result<Args, String> {
    let arguments = &run.workflow.spec.arguments;
    let parameters = arguments
        .parameters
        .iter()
        .map(|parameter| {
            (
                parameter.name.clone(),
                variables.get(&format!("workflow.parameters.{}", parameter.name)).cloned(),
            )
        })
        .collect();
    let mut artifacts = BTreeMap::new();
    for artifact in &arguments.artifacts {
        let mut json = serde_json::to_value(artifact).map_err(|error| error.to_string())?;
        substitute_json(&mut json, &mut |name| variables.get(name).cloned().into(), Unresolved::Keep)
            .map_err(|error| error.to_string())?;
        let artifact: Artifact = serde_json::from_value(json).map_err(|error| error.to_string())?;
        artifacts.extend(artifact::written(&artifact)?.map(|given| (artifact.name, given)));
    }
    Ok(Args { parameters, artifacts, ..Args::default() })
}

impl Turn {
    /// Returns what a name stands for everywhere in the workflow.
    pub(super) fn global(&self, name: &str, hooked: bool) -> Lookup {
        if let Some(value) = self.run.live.variables.get(name) {
            return Lookup::Text(value.clone());
        }
        if name == "workflow.duration" {
            let since = self.run.status.started_at.unwrap_or(self.now);
            return Lookup::Text(format!("{:.6}", self.now.duration_since(since).as_secs_f64()));
        }
        if let Some(output) = name.strip_prefix("workflow.outputs.parameters.") {
            let outputs = self.run.status.outputs.iter().flat_map(|outputs| &outputs.parameters);
            let value = outputs
                .filter(|parameter| parameter.name == output)
                .find_map(|parameter| parameter.value.clone());
            return value.map(|value| value.0).into();
        }
        if name == "workflow.status" {
            return Lookup::Text(self.status_for_hooks().as_str().to_owned());
        }
        if hooked {
            return self.run.live.exit_variables.get(name).cloned().into();
        }
        Lookup::Unknown
    }
}
