//! Metrics of templates and of the workflow: what is observed when a node starts (kept up to date meanwhile) and when it
//! has ended. Source: Argo `operator.go` computeMetrics, prepareMetricScope; `docs/metrics.md`.
//! Not here: the metrics themselves (see `server`).

use std::{collections::BTreeMap, sync::Arc};

use expr::{Lookup, Unresolved, pure_tag, substitute};
use jiff::Timestamp;
use model::argo::{NodeStatus, Prometheus};

use super::Turn;
use crate::{Command, Measurement, Observed, plan::Compiled};

/// The names that grow while a node or the run is under way.
const REALTIME: &[&str] = &["duration", "workflow.duration"];

impl Turn {
    /// Remembers that the end of the node at `at` is looked at, and measures what is kept up to date meanwhile.
    pub(super) fn measure_start(&mut self, at: usize, compiled: &Arc<Compiled>) {
        let template = &compiled.template;
        if template.metrics.is_none() && template.memoize.is_none() {
            return;
        }
        if self.run.live.measured.insert(at, Arc::clone(compiled)).is_some() {
            return;
        }
        let Some(node) = self.node(at) else { return };
        let (scope, since) = (of_node(node, self.now), node.started_at.unwrap_or(self.now));
        let hooked = self.run.live.slots.get(at).is_some_and(|slot| slot.hooked);
        self.measure(
            compiled.template.metrics.iter().flat_map(|all| &all.prometheus),
            &scope,
            hooked,
            Some(since),
        );
    }

    /// Measures the end of the node at `at`.
    pub(super) fn measure_end(&mut self, at: usize, compiled: &Arc<Compiled>) {
        let Some(node) = self.node(at) else { return };
        let scope = of_node(node, self.now);
        let hooked = self.run.live.slots.get(at).is_some_and(|slot| slot.hooked);
        self.measure(compiled.template.metrics.iter().flat_map(|all| &all.prometheus), &scope, hooked, None);
    }

    /// Measures what the workflow says of itself: while it runs, or once it has ended in `phase`.
    pub(super) fn measure_run(&mut self, ended: Option<&str>) {
        let Some(metrics) = self.run.workflow.spec.metrics.clone() else { return };
        let mut scope = BTreeMap::new();
        if let Some(phase) = ended {
            scope.insert("workflow.status".to_owned(), phase.to_owned());
            let used = self.run.status.rest.get("resourcesDuration").and_then(|used| used.as_object());
            for (name, seconds) in used.into_iter().flatten() {
                scope.insert(
                    format!("workflow.resourcesDuration.{name}"),
                    go_seconds(seconds.as_i64().unwrap_or(0)),
                );
            }
        }
        let since = self.run.status.started_at.unwrap_or(self.now);
        self.measure(metrics.prometheus.iter(), &scope, false, ended.is_none().then_some(since));
    }

    /// Measures `metrics`; with `since` only those that are kept up to date.
    fn measure<'m>(
        &mut self,
        metrics: impl Iterator<Item = &'m Prometheus>,
        scope: &BTreeMap<String, String>,
        hooked: bool,
        since: Option<Timestamp>,
    ) {
        for metric in metrics {
            let realtime = metric.gauge.as_ref().is_some_and(|gauge| gauge.realtime == Some(true));
            if since.is_some() && !realtime {
                continue;
            }
            match self.observe(metric, scope, hooked, since.filter(|_| realtime)) {
                Ok(Some(measured)) => self.commands.push(Command::Measure(Box::new(measured))),
                Ok(None) => {}
                Err(reason) => self.condition("MetricsError", true, Some(&reason)),
            }
        }
    }

    fn observe(
        &self,
        metric: &Prometheus,
        scope: &BTreeMap<String, String>,
        hooked: bool,
        since: Option<Timestamp>,
    ) -> Result<Option<Measurement>, String> {
        let name = &metric.name;
        if metric.help.is_empty() {
            return Err(format!("metric '{name}' must contain a help string under 'help: ' field"));
        }
        let mut look_up = |name: &str| match scope.get(name) {
            Some(value) => Lookup::Text(value.clone()),
            None => self.global(name, hooked),
        };
        let mut text = |text: &str| {
            substitute(text, &mut look_up, Unresolved::RefuseRoots(REFUSED))
                .map_err(|error| format!("unable to substitute parameters for metric '{name}': {error}"))
        };
        let when = text(&metric.when)?;
        let holds = expr::when(&when)
            .map_err(|error| format!("unable to compute 'when' clause for metric '{name}': {error}"))?;
        if !holds {
            return Ok(None);
        }
        let mut labels = Vec::with_capacity(metric.labels.len());
        for label in &metric.labels {
            labels.push((label.key.clone(), text(&label.value)?));
        }
        let (shown, help) = (text(name)?, text(&metric.help)?);
        let realtime = metric.gauge.as_ref().filter(|gauge| gauge.realtime == Some(true));
        if let Some(gauge) = realtime {
            let Some(variable) = pure_tag(&gauge.value) else {
                return Err("real time metrics can only be used with metric variables".to_owned());
            };
            if !REALTIME.contains(&variable) {
                return Err(format!("'{variable}' is not available as a real time metric"));
            }
        }
        let number = |text: &str| {
            text.trim().parse::<f64>().map_err(|_| {
                format!("could not construct metric '{name}': strconv.ParseFloat: parsing \"{text}\": invalid syntax")
            })
        };
        let observed = match (&metric.gauge, &metric.counter, &metric.histogram) {
            (Some(_), ..) if since.is_some() => Observed::GaugeSince(since.unwrap_or(self.now)),
            (Some(gauge), ..) => {
                let value = number(&text(&gauge.value)?)?;
                match gauge.operation.as_str() {
                    "" | "Set" => Observed::GaugeSet(value),
                    "Add" => Observed::GaugeAdd(value),
                    "Sub" => Observed::GaugeAdd(-value),
                    other => return Err(format!("unsupported gauge metric operation: {other}")),
                }
            }
            (None, Some(counter), _) => Observed::CounterAdd(number(&text(&counter.value)?)?),
            (None, None, Some(histogram)) => {
                let buckets = histogram.buckets.iter().filter_map(serde_json::Number::as_f64).collect();
                Observed::Histogram(number(&text(&histogram.value)?)?, buckets)
            }
            (None, None, None) => return Err(format!("could not construct metric '{name}': no type")),
        };
        Ok(Some(Measurement { name: shown, help, labels, observed }))
    }
}

/// The roots that are Argo's: a metric that names something else is in error.
const REFUSED: &[&str] = &[
    "duration",
    "status",
    "exitCode",
    "resourcesDuration",
    "inputs",
    "outputs",
    "workflow",
    "item",
    "steps",
    "tasks",
];

/// Returns the variables of a node's metrics.
fn of_node(node: &NodeStatus, now: Timestamp) -> BTreeMap<String, String> {
    let mut scope = BTreeMap::new();
    let from = node.started_at.unwrap_or(now);
    let seconds = node.finished_at.unwrap_or(now).duration_since(from).as_secs_f64();
    scope.insert("duration".to_owned(), format!("{seconds:.6}"));
    scope.insert("status".to_owned(), node.phase.as_str().to_owned());
    for parameter in node.inputs.iter().flat_map(|inputs| &inputs.parameters) {
        let value = parameter.value.as_ref().map(|value| value.0.clone()).unwrap_or_default();
        scope.insert(format!("inputs.parameters.{}", parameter.name), value);
    }
    if let Some(outputs) = &node.outputs {
        scope.extend(outputs.result.clone().map(|result| ("outputs.result".to_owned(), result)));
        scope.extend(outputs.exit_code.clone().map(|code| ("exitCode".to_owned(), code)));
        for parameter in &outputs.parameters {
            let value = parameter.value.as_ref().map(|value| value.0.clone()).unwrap_or_default();
            scope.insert(format!("outputs.parameters.{}", parameter.name), value);
        }
    }
    for (name, used) in &node.resources_duration {
        scope.insert(format!("resourcesDuration.{name}"), go_seconds(*used));
    }
    scope
}

/// Seconds as Argo writes them in a metric's variable: the number alone.
fn go_seconds(seconds: i64) -> String {
    seconds.to_string()
}
