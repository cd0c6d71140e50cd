//! Templates and schedules as text: what one is, and many as a table, in the words and columns of `argo`.
//! Source: Argo `cmd/argo/commands/{template,clustertemplate,cron}/{get,list}.go`.
//! Not here: fetching them.

use std::fmt::Write as _;

use engine::cron::rhythms;
use jiff::Timestamp;
use model::argo::CronWorkflowSpec;
use runner::clock::local_zone;
use serde_json::Value;

use super::{
    span,
    table::{aligned, tame},
};
use crate::client::Kind;

/// What stands where something is not known, as `kubectl` writes it.
const UNKNOWN: &str = "<unknown>";
/// What stands where there is nothing, as `argo` writes it.
const NOTHING: &str = "N/A";

/// Returns the text at a JSON pointer; empty if there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns what an object is, a line each.
pub fn heading(kind: Kind, object: &Value, now: Timestamp) -> String {
    let mut lines = vec![("Name:", tame(text(object, "/metadata/name")))];
    if kind != Kind::ClusterWorkflowTemplate {
        lines.push(("Namespace:", tame(text(object, "/metadata/namespace"))));
    }
    lines.push(("Created:", when(time(object, "/metadata/creationTimestamp"), now, UNKNOWN)));
    if kind != Kind::CronWorkflow {
        return lined(&lines, 20);
    }
    lines.extend(of_schedule(object, now));
    let mut shown = lined(&lines, 30);
    let parameters = object.pointer("/spec/workflowSpec/arguments/parameters").and_then(Value::as_array);
    let parameters: Vec<(String, String)> = parameters.into_iter().flatten().map(parameter).collect();
    if !parameters.is_empty() {
        shown.push_str("Workflow Parameters:\n");
        for (name, value) in parameters {
            let _ = writeln!(shown, "{:<30} {value}", format!("  {name}:"));
        }
    }
    shown
}

fn of_schedule(object: &Value, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut lines = vec![("Schedules:", schedules(object)), ("Suspended:", suspended(object))];
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    if !text(object, "/spec/timezone").is_empty() {
        lines.push(("Timezone:", tame(text(object, "/spec/timezone"))));
    }
    if let Some(seconds) = number("/spec/startingDeadlineSeconds") {
        lines.push(("StartingDeadlineSeconds:", seconds.to_string()));
    }
    if !text(object, "/spec/concurrencyPolicy").is_empty() {
        lines.push(("ConcurrencyPolicy:", tame(text(object, "/spec/concurrencyPolicy"))));
    }
    if let Some(last) = time(object, "/status/lastScheduledTime") {
        lines.push(("LastScheduledTime:", when(Some(last), now, NOTHING)));
    }
    if let Some(next) = next(object, now) {
        lines.push(("NextScheduledTime:", when(Some(next), now, NOTHING)));
    }
    let active = object.pointer("/status/active").and_then(Value::as_array).into_iter().flatten();
    let active: Vec<String> = active.map(|run| tame(text(run, "/name"))).collect();
    if !active.is_empty() {
        lines.push(("Active Workflows:", active.join(", ")));
    }
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let conditions: Vec<String> = conditions
        .map(|found| tame(&format!("{} {}", text(found, "/type"), text(found, "/message"))))
        .collect();
    if !conditions.is_empty() {
        lines.push(("Conditions:", conditions.join("; ")));
    }
    lines
}

/// Returns objects as a table, with their namespaces if they are `of_all`.
pub fn table(kind: Kind, objects: &[Value], of_all: bool, now: Timestamp) -> String {
    let of_all = of_all && kind != Kind::ClusterWorkflowTemplate;
    let mut heads = if of_all { vec!["NAMESPACE", "NAME", "AGE"] } else { vec!["NAME", "AGE"] };
    if kind == Kind::CronWorkflow {
        heads.extend(["LAST RUN", "NEXT RUN", "SCHEDULES", "TIMEZONE", "SUSPENDED"]);
    }
    let row = |object: &Value| {
        let mut cells = Vec::new();
        if of_all {
            cells.push(tame(text(object, "/metadata/namespace")));
        }
        cells.extend([tame(text(object, "/metadata/name")), age(object, now)]);
        if kind == Kind::CronWorkflow {
            cells.extend(of_cron(object, now));
        }
        cells
    };
    let mut rows = vec![heads.into_iter().map(str::to_owned).collect()];
    rows.extend(objects.iter().map(row));
    aligned(&rows)
}

fn of_cron(object: &Value, now: Timestamp) -> [String; 5] {
    let span_of = |from: Option<Timestamp>, to: Option<Timestamp>| {
        let span = span::between(from, to);
        if span.is_empty() { NOTHING.to_owned() } else { span }
    };
    [
        span_of(time(object, "/status/lastScheduledTime"), Some(now)),
        span_of(Some(now), next(object, now)),
        schedules(object),
        tame(text(object, "/spec/timezone")),
        suspended(object),
    ]
}

fn age(object: &Value, now: Timestamp) -> String {
    let made = time(object, "/metadata/creationTimestamp");
    if made.is_none() { UNKNOWN.to_owned() } else { span::between(made, Some(now)) }
}

fn schedules(object: &Value) -> String {
    let several = object.pointer("/spec/schedules").and_then(Value::as_array).into_iter().flatten();
    let several: Vec<&str> = several.filter_map(Value::as_str).collect();
    let one = text(object, "/spec/schedule");
    tame(&if several.is_empty() { one.to_owned() } else { several.join(",") })
}

fn suspended(object: &Value) -> String {
    object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or_default().to_string()
}

/// Returns when a schedule is due next; a suspended one never is.
fn next(object: &Value, now: Timestamp) -> Option<Timestamp> {
    let spec: CronWorkflowSpec = serde_json::from_value(object.get("spec")?.clone()).ok()?;
    if spec.suspend {
        return None;
    }
    rhythms(&spec, &local_zone()).ok()?.iter().filter_map(|rhythm| rhythm.next(now)).min()
}

fn parameter(parameter: &Value) -> (String, String) {
    let value = match parameter.get("value") {
        Some(Value::String(value)) => value.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    (tame(text(parameter, "/name")), tame(&value))
}

fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

/// Returns a moment, and how far it is away.
fn when(at: Option<Timestamp>, now: Timestamp, otherwise: &str) -> String {
    let Some(at) = at else { return otherwise.to_owned() };
    let shown = span::moment(at);
    let away = at.as_second().saturating_sub(now.as_second());
    if away > 0 {
        return format!("{shown} ({} from now)", span::seconds(away));
    }
    format!("{shown} ({} ago)", span::seconds(away.saturating_neg()))
}

fn lined(lines: &[(&str, String)], columns: usize) -> String {
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name:<columns$} {value}");
    }
    text
}
