//! The conditions of a CronWorkflow: `when` and `stopStrategy.expression`, over the names of `cronworkflow.`.
//! Source: Argo `workflow/cron/operator.go` expressionEnv, evalWhen, checkStopingCondition. As there, the names
//! of annotations give the labels.
//! Not here: what follows from them (see `decide`).

use expr::{
    ExprError, Lookup, Names, Unresolved, Words,
    lang::{self, Env, Instant, Value},
};
use jiff::Timestamp;
use model::argo::{AnyString, CronWorkflow};
use serde_json::{Map, Value as Json};

/// Whether the `when` holds; an absent one does. Its tags are replaced before it is read.
pub(super) fn when(cron: &CronWorkflow, now: Timestamp) -> Result<bool, String> {
    let text = |error: ExprError| error.to_string();
    let mut known = Known { texts: texts(cron), env: env(cron, now) };
    let condition = expr::substitute_with(&cron.spec.when, &mut known, Unresolved::Refuse).map_err(text)?;
    expr::when_with(&condition, Words::AreNames).map_err(text)
}

/// Whether the stop strategy stops it for good; without one it goes on for ever.
pub(super) fn stops(cron: &CronWorkflow, now: Timestamp) -> Result<bool, String> {
    match &cron.spec.stop_strategy {
        None => Ok(false),
        Some(strategy) => {
            lang::evaluate_bool(&strategy.expression, &env(cron, now)).map_err(|error| error.to_string())
        }
    }
}

/// What the tags of a `when` stand for.
struct Known {
    texts: Map<String, Json>,
    env: Env,
}

impl Names for Known {
    fn lookup(&mut self, name: &str) -> Lookup {
        Lookup::from(self.texts.get(name).and_then(Json::as_str).map(str::to_owned))
    }

    fn env(&mut self) -> Option<&Env> {
        Some(&self.env)
    }
}

/// Returns the names that have a text.
fn texts(cron: &CronWorkflow) -> Map<String, Json> {
    let labels = labels_json(cron);
    let mut texts: Map<String, Json> = [
        ("cronworkflow.name", cron.metadata.name.clone()),
        ("cronworkflow.namespace", cron.metadata.namespace.clone()),
        ("cronworkflow.labels.json", labels.clone()),
        ("cronworkflow.annotations.json", labels),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), Json::String(text)))
    .collect();
    for (name, AnyString(value)) in &cron.metadata.labels {
        texts.insert(format!("cronworkflow.labels.{name}"), Json::String(value.clone()));
        texts.insert(format!("cronworkflow.annotations.{name}"), Json::String(value.clone()));
    }
    texts
}

fn labels_json(cron: &CronWorkflow) -> String {
    let labels = &cron.metadata.labels;
    let object: Map<String, Json> =
        labels.iter().map(|(name, value)| (name.clone(), Json::String(value.as_str().to_owned()))).collect();
    Json::Object(object).to_string()
}

/// Returns what expressions look at: the texts, the two counts, and when it was last due (`nil` if never).
fn env(cron: &CronWorkflow, now: Timestamp) -> Env {
    let status = cron.status.clone().unwrap_or_default();
    let last = status.last_scheduled_time.and_then(|text| text.parse::<Timestamp>().ok());
    let texts = texts(cron);
    let mut variables: Vec<(&str, Value)> =
        texts.iter().map(|(name, text)| (name.as_str(), Value::of_json(text))).collect();
    variables.push(("cronworkflow.failed", Value::of_json(&status.failed.into())));
    variables.push(("cronworkflow.succeeded", Value::of_json(&status.succeeded.into())));
    let last = last.map_or(Value::Nil, |moment| Value::Time(Instant::utc(moment)));
    variables.push(("cronworkflow.lastScheduledTime", last));
    // Nothing random is offered that two decisions of one moment might disagree about.
    let mut env = Env::new(now, 0);
    env.set_dotted(variables);
    env
}
