//! Metrics of templates. Source: Argo `workflow/metrics/util.go`.

use super::{
    BAD_WORKFLOW,
    names::shown,
    walk::{Site, Walker},
};
use crate::argo::{Prometheus, Template};

impl Walker<'_> {
    pub(super) fn metrics(&mut self, template: &Template, site: &Site) {
        let name = format!("templates.{}", shown(&template.name));
        let metrics = template.metrics.iter().flat_map(|metrics| &metrics.prometheus);
        for (position, metric) in metrics.enumerate() {
            let site = site.below(&format!(".metrics.prometheus[{position}]"));
            let shown_name = shown(&metric.name);
            if !is_metric_name(&metric.name) {
                let message = format!(
                    "{name} metric name '{shown_name}' is invalid. Metric names must contain alphanumeric characters or '_'"
                );
                self.fault(BAD_WORKFLOW, message, &site);
            }
            for label in metric.labels.iter().filter(|label| !is_metric_name(&label.key)) {
                let message = format!(
                    "metric label '{}' is invalid: keys may only contain alphanumeric characters or '_'",
                    shown(&label.key)
                );
                self.fault(BAD_WORKFLOW, message, &site);
            }
            if metric.help.is_empty() {
                let message =
                    format!("{name} metric '{shown_name}' must contain a help string under 'help: ' field");
                self.fault(BAD_WORKFLOW, message, &site);
            }
            if let Some(why) = wrong_value(metric) {
                self.fault(BAD_WORKFLOW, format!("{name} metric '{shown_name}' error: {why}"), &site);
            }
        }
    }
}

fn is_metric_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn wrong_value(metric: &Prometheus) -> Option<&'static str> {
    if let Some(gauge) = &metric.gauge {
        if gauge.value.is_empty() {
            return Some("missing gauge.value");
        }
        if gauge.realtime == Some(true) && gauge.value.contains("resourcesDuration.") {
            return Some("'resourcesDuration.*' metrics cannot be used in real-time");
        }
    }
    if metric.counter.as_ref().is_some_and(|counter| counter.value.is_empty()) {
        return Some("missing counter.value");
    }
    if metric.histogram.as_ref().is_some_and(|histogram| histogram.value.is_empty()) {
        return Some("missing histogram.value");
    }
    None
}
