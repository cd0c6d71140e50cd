//! `marque eval`: what a text in one of Argo's languages gives, with given variables; without a server or a workflow.
//! Not here: the languages themselves (see `expr`).

use std::{collections::BTreeMap, path::PathBuf};

use audit::Clock as _;
use clap::{Args, ValueEnum};
use expr::{
    Continues, Depends, ExprError, Lookup, Names, TaskResult, Unresolved,
    lang::{self, Env, Value as Computed},
};
use runner::clock::SystemClock;
use serde_json::{Map, Value};

use crate::{error::CliError, exit::Exit, shell::Shell};

/// Argo's languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Text with tags: `{{x}}` and `{{=expression}}`
    Tag,
    /// An expression: expr-lang with Argo's functions and sprig
    Expr,
    /// The condition of a step or task
    When,
    /// The condition of a DAG's task over the results of others
    Depends,
    /// A jq filter over the variables as a document
    Jq,
    /// A JSONPath over the variables as a document
    Jsonpath,
    /// A label selector over the variables as labels
    Selector,
}

/// Try a text in one of Argo's languages.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo '{\"workflow.name\": \"demo-1\"}' > vars.json
  marque eval --lang tag --vars vars.json -- 'hello {{workflow.name}}'
  marque eval --lang expr -- 'sprig.upper(\"x\") + string(1 + 2)'
  marque eval --lang when -- '3 > 2 && heads == heads'
  echo '{\"a\": \"Succeeded\", \"b\": {\"status\": \"Failed\", \"continueOn\": {\"failed\": true}}}' > results.json
  marque eval --lang depends --vars results.json -- 'a && b.Failed'

The variables are a JSON object: its keys are names with dots (`workflow.name`) or objects in objects; null is an output that
was not produced. For `depends` they are the results of tasks: Succeeded, Failed, Errored, Skipped, Omitted, Daemoned, and for
looped tasks AnySucceeded and AllFailed; an object gives several in `results`. For jq and jsonpath they are the document, for
selector the labels. The result goes to standard output: a text as it is, anything else as JSON.")]
pub struct Eval {
    /// The language
    #[arg(long, value_enum, value_name = "LANG")]
    pub lang: Language,
    /// The variables, a JSON file; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub vars: Option<PathBuf>,
    /// Leave tags whose names are unknown as they are
    #[arg(long)]
    pub allow_unresolved: bool,
    /// The text
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    pub text: String,
}

/// Prints what the text gives.
///
/// # Errors
/// [`CliError::File`], [`CliError::Eval`].
pub fn eval(args: &Eval, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let (text, document) = variables(args, shell)?;
    let result = match args.lang {
        Language::Tag => tag(&args.text, &object(&document)?, args.allow_unresolved),
        Language::Expr => expression(&args.text, &object(&document)?),
        Language::When => expr::when(&args.text).map(|answer| answer.to_string()),
        Language::Depends => depends(&args.text, &object(&document)?),
        Language::Jq => expr::jq(&args.text, &text),
        Language::Jsonpath => expr::jsonpath(&args.text, &document),
        Language::Selector => selector(&args.text, &object(&document)?),
    };
    writeln!(shell.out, "{}", result.map_err(CliError::Eval)?)?;
    Ok(Exit::OK)
}

/// Returns the variables as text and as a document; an empty object if none are given.
fn variables(args: &Eval, shell: &mut Shell<'_>) -> Result<(String, Value), CliError> {
    let Some(path) = &args.vars else { return Ok(("{}".to_owned(), Value::Object(Map::new()))) };
    let texts = super::sheets::read_all(std::slice::from_ref(path), shell.input)?;
    let text = texts.into_iter().next().map(|source| source.text).unwrap_or_default();
    let document = serde_json::from_str(&text)
        .map_err(|error| CliError::local(format!("`{}` is not JSON", path.display()), error))?;
    Ok((text, document))
}

fn object(document: &Value) -> Result<Map<String, Value>, CliError> {
    document.as_object().cloned().ok_or_else(|| {
        CliError::Eval(ExprError::FailedFilter { reason: "the variables are not a JSON object".to_owned() })
    })
}

/// The variables, for simple tags by full name and for expressions.
struct Known {
    simple: BTreeMap<String, Lookup>,
    env: Env,
}

impl Known {
    fn of(variables: &Map<String, Value>) -> Self {
        let mut simple = BTreeMap::new();
        for (name, value) in variables {
            flatten(name, value, &mut simple);
        }
        Self { simple, env: env(variables) }
    }
}

impl Names for Known {
    fn lookup(&mut self, name: &str) -> Lookup {
        self.simple.get(name).cloned().unwrap_or(Lookup::Unknown)
    }
    fn env(&mut self) -> Option<&Env> {
        Some(&self.env)
    }
}

fn env(variables: &Map<String, Value>) -> Env {
    let now = SystemClock.now();
    let mut env = Env::new(now, now.as_nanosecond().unsigned_abs().try_into().unwrap_or(u64::MAX));
    env.set_json(variables);
    env
}

/// Adds the value under its name, and what is in it under longer names.
fn flatten(name: &str, value: &Value, simple: &mut BTreeMap<String, Lookup>) {
    let found = match value {
        Value::Null => Lookup::Absent,
        Value::String(text) => Lookup::Text(text.clone()),
        other => Lookup::Text(other.to_string()),
    };
    simple.entry(name.to_owned()).or_insert(found);
    for (field, inner) in value.as_object().into_iter().flatten() {
        flatten(&format!("{name}.{field}"), inner, simple);
    }
}

fn tag(text: &str, variables: &Map<String, Value>, allow_unresolved: bool) -> Result<String, ExprError> {
    let unresolved = if allow_unresolved { Unresolved::Keep } else { Unresolved::Refuse };
    // within a template an opening without an end is somebody else's text; here it is a slip
    expr::tags(text)?;
    expr::substitute_with(text, &mut Known::of(variables), unresolved)
}

fn expression(text: &str, variables: &Map<String, Value>) -> Result<String, ExprError> {
    match lang::evaluate(text, &env(variables))? {
        Computed::Text(text) => Ok(text.to_string()),
        value => value.to_json_text(),
    }
}

fn selector(text: &str, labels: &Map<String, Value>) -> Result<String, ExprError> {
    let selector = expr::selector::LabelSelector::parse(text)?;
    let labels: BTreeMap<&str, String> = labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    Ok(selector.matches(|key| labels.get(key).map(String::as_str)).to_string())
}

fn depends(text: &str, results: &Map<String, Value>) -> Result<String, ExprError> {
    let mut known: BTreeMap<&str, (Vec<TaskResult>, Continues)> = BTreeMap::new();
    for (task, value) in results {
        known.insert(task, read_results(task, value)?);
    }
    let continues = |task: &str| known.get(task).map(|(_, on)| *on).unwrap_or_default();
    let condition = Depends::parse(text, &continues)?;
    let mut missing = None;
    condition.visit(&mut |task, _| {
        if !known.contains_key(task.as_str()) {
            missing.get_or_insert_with(|| task.clone());
        }
    });
    if let Some(task) = missing {
        return Err(ExprError::FailedFilter { reason: format!("task `{task}` has no result") });
    }
    let has = |task: &String, result| known.get(task.as_str()).is_some_and(|(all, _)| all.contains(&result));
    Ok(condition.holds(&mut { has }).to_string())
}

/// Reads `"Succeeded"`, or `{"status": …, "results": […], "continueOn": {"failed": …, "error": …}}`.
fn read_results(task: &str, value: &Value) -> Result<(Vec<TaskResult>, Continues), ExprError> {
    let one = |name: &str| {
        // the phase of a node that met an error is `Error`
        TaskResult::from_name(if name == "Error" { "Errored" } else { name }).ok_or_else(|| {
            ExprError::FailedFilter { reason: format!("task `{task}`: `{name}` is not a result") }
        })
    };
    let texts = |value: &Value| match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let (names, on) = match value {
        Value::Object(fields) => {
            let of = |field: &str| fields.get(field).map(texts).unwrap_or_default();
            let names = [of("status"), of("phase"), of("results")].concat();
            let flag = |name: &str| value.pointer(&format!("/continueOn/{name}")) == Some(&Value::Bool(true));
            (names, Continues { on_error: flag("error"), on_failed: flag("failed") })
        }
        other => (texts(other), Continues::default()),
    };
    Ok((names.iter().map(|name| one(name)).collect::<Result<_, _>>()?, on))
}
