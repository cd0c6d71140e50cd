//! The numbers that workflows measure and those the runner itself counts, as Prometheus reads them.
//! Not here: when a run measures something (see `engine`); HTTP (see `server`).
//! Source: Argo `workflow/metrics`, `docs/metrics.md`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use engine::{Measurement, Observed};
use jiff::Timestamp;
use model::argo::WorkflowPhase;

/// What Argo puts in front of the names of metrics.
const PREFIX: &str = "argo_workflows_";
/// The most series that are kept; whatever comes on top is counted and dropped.
const MAX_SERIES: usize = 10_000;

type Labels = Vec<(String, String)>;

/// The numbers of one metric by its labels.
#[derive(Debug, Clone)]
enum Series {
    Counter(BTreeMap<Labels, f64>),
    Gauge(BTreeMap<Labels, Level>),
    Histogram(BTreeMap<Labels, Observations>),
}

/// The value of a gauge: a number, or the seconds since a time.
#[derive(Debug, Clone, Copy)]
enum Level {
    Fixed(f64),
    Since(Timestamp),
}

impl Default for Level {
    fn default() -> Self {
        Self::Fixed(0.0)
    }
}

impl Level {
    fn at(self, now: Timestamp) -> f64 {
        match self {
            Self::Fixed(value) => value,
            Self::Since(then) => now.duration_since(then).as_secs_f64().max(0.0),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Observations {
    bounds: Vec<f64>,
    counts: Vec<u64>,
    sum: f64,
    count: u64,
}

#[derive(Debug)]
struct Metric {
    help: String,
    series: Series,
}

/// Every metric by name.
#[derive(Debug, Default)]
pub struct Metrics {
    known: Mutex<BTreeMap<String, Metric>>,
}

impl Metrics {
    /// Takes one observation. An observation of another type than the metric has is dropped, as Prometheus would.
    pub(crate) fn measure(&self, measured: &Measurement) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let full = known.values().map(Metric::len).sum::<usize>() >= MAX_SERIES;
        let name = format!("{PREFIX}{}", measured.name);
        let metric = known.entry(name).or_insert_with(|| Metric {
            help: measured.help.clone(),
            series: match measured.observed {
                Observed::GaugeSet(_) | Observed::GaugeSince(_) | Observed::GaugeAdd(_) => {
                    Series::Gauge(BTreeMap::new())
                }
                Observed::CounterAdd(_) => Series::Counter(BTreeMap::new()),
                Observed::Histogram(..) => Series::Histogram(BTreeMap::new()),
            },
        });
        metric.take(&measured.labels, &measured.observed, full);
    }

    /// Counts a workflow that reached `phase`.
    pub(crate) fn count_phase(&self, namespace: &str, phase: WorkflowPhase) {
        let labels = vec![
            ("namespace".to_owned(), namespace.to_owned()),
            ("phase".to_owned(), phase.as_str().to_owned()),
        ];
        self.measure(&Measurement {
            name: "total_count".to_owned(),
            help: "Total count of workflows by phase".to_owned(),
            labels,
            observed: Observed::CounterAdd(1.0),
        });
    }

    /// Returns all metrics as they are at `now`, in Prometheus' text format, version 0.0.4.
    pub fn text(&self, now: Timestamp) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::new();
        for (name, metric) in known.iter() {
            metric.write(name, now, &mut out);
        }
        out
    }
}

impl Metric {
    fn len(&self) -> usize {
        match &self.series {
            Series::Counter(series) => series.len(),
            Series::Gauge(series) => series.len(),
            Series::Histogram(series) => series.len(),
        }
    }

    fn take(&mut self, labels: &Labels, observed: &Observed, full: bool) {
        match (&mut self.series, observed) {
            (Series::Counter(series), Observed::CounterAdd(by)) if *by >= 0.0 => {
                if let Some(value) = slot(series, labels, full) {
                    *value += by;
                }
            }
            (Series::Gauge(series), Observed::GaugeSet(to)) => {
                if let Some(value) = slot(series, labels, full) {
                    *value = Level::Fixed(*to);
                }
            }
            (Series::Gauge(series), Observed::GaugeSince(then)) => {
                if let Some(value) = slot(series, labels, full) {
                    *value = Level::Since(*then);
                }
            }
            (Series::Gauge(series), Observed::GaugeAdd(by)) => {
                if let Some(value) = slot(series, labels, full) {
                    let before = if let Level::Fixed(before) = value { *before } else { 0.0 };
                    *value = Level::Fixed(before + by);
                }
            }
            (Series::Histogram(series), Observed::Histogram(value, bounds)) => {
                if let Some(seen) = slot(series, labels, full) {
                    seen.take(*value, bounds);
                }
            }
            _ => tracing::warn!("a metric is measured as another type than it was before"),
        }
    }

    fn write(&self, name: &str, now: Timestamp, out: &mut String) {
        let kind = match self.series {
            Series::Counter(_) => "counter",
            Series::Gauge(_) => "gauge",
            Series::Histogram(_) => "histogram",
        };
        let help = self.help.replace('\\', "\\\\").replace('\n', "\\n");
        // writing to a String does not fail
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        match &self.series {
            Series::Counter(series) => {
                for (labels, value) in series {
                    let _ = writeln!(out, "{name}{} {}", shown(labels, None), number(*value));
                }
            }
            Series::Gauge(series) => {
                for (labels, value) in series {
                    let _ = writeln!(out, "{name}{} {}", shown(labels, None), number(value.at(now)));
                }
            }
            Series::Histogram(series) => {
                for (labels, seen) in series {
                    seen.write(name, labels, out);
                }
            }
        }
    }
}

fn slot<'a, V: Default>(
    series: &'a mut BTreeMap<Labels, V>,
    labels: &Labels,
    full: bool,
) -> Option<&'a mut V> {
    if full && !series.contains_key(labels) {
        tracing::warn!("more than {MAX_SERIES} series of metrics; a new one is dropped");
        return None;
    }
    Some(series.entry(labels.clone()).or_default())
}

impl Observations {
    fn take(&mut self, value: f64, bounds: &[f64]) {
        if self.bounds.is_empty() {
            self.bounds = bounds.to_vec();
            self.bounds.sort_by(f64::total_cmp);
            self.counts = vec![0; self.bounds.len()];
        }
        for (bound, count) in self.bounds.iter().zip(&mut self.counts) {
            *count = count.saturating_add(u64::from(value <= *bound));
        }
        self.sum += value;
        self.count = self.count.saturating_add(1);
    }

    fn write(&self, name: &str, labels: &Labels, out: &mut String) {
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            let _ = writeln!(out, "{name}_bucket{} {count}", shown(labels, Some(&number(*bound))));
        }
        let _ = writeln!(out, "{name}_bucket{} {}", shown(labels, Some("+Inf")), self.count);
        let _ = writeln!(out, "{name}_sum{} {}", shown(labels, None), number(self.sum));
        let _ = writeln!(out, "{name}_count{} {}", shown(labels, None), self.count);
    }
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

fn shown(labels: &Labels, bound: Option<&str>) -> String {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value)));
    let all: Vec<String> = pairs.chain(bound.map(|bound| format!("le=\"{bound}\""))).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

#[cfg(test)]
mod tests {
    use engine::{Measurement, Observed};
    use jiff::Timestamp;

    use super::Metrics;

    fn measured(name: &str, observed: Observed) -> Measurement {
        Measurement {
            name: name.to_owned(),
            help: "what it\nmeans".to_owned(),
            labels: vec![("who".to_owned(), "a\"b".to_owned())],
            observed,
        }
    }

    #[test]
    fn counters_gauges_and_histograms_are_written_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        for (name, observed) in [
            ("runs", Observed::CounterAdd(1.0)),
            ("runs", Observed::CounterAdd(2.0)),
            ("runs", Observed::CounterAdd(-1.0)),
            ("runs", Observed::GaugeSet(7.0)),
            ("size", Observed::GaugeSet(5.0)),
            ("size", Observed::GaugeAdd(-1.5)),
            ("since", Observed::GaugeSince(Timestamp::UNIX_EPOCH)),
            ("took", Observed::Histogram(0.7, vec![1.0, 0.5])),
            ("took", Observed::Histogram(3.0, vec![1.0, 0.5])),
        ] {
            metrics.measure(&measured(name, observed));
        }
        let expected = r#"# HELP argo_workflows_runs what it\nmeans
# TYPE argo_workflows_runs counter
argo_workflows_runs{who="a\"b"} 3
# HELP argo_workflows_since what it\nmeans
# TYPE argo_workflows_since gauge
argo_workflows_since{who="a\"b"} 90
# HELP argo_workflows_size what it\nmeans
# TYPE argo_workflows_size gauge
argo_workflows_size{who="a\"b"} 3.5
# HELP argo_workflows_took what it\nmeans
# TYPE argo_workflows_took histogram
argo_workflows_took_bucket{who="a\"b",le="0.5"} 0
argo_workflows_took_bucket{who="a\"b",le="1"} 1
argo_workflows_took_bucket{who="a\"b",le="+Inf"} 2
argo_workflows_took_sum{who="a\"b"} 3.7
argo_workflows_took_count{who="a\"b"} 2
"#;
        assert_eq!(metrics.text(Timestamp::from_second(90).unwrap()), expected);
    }
}
