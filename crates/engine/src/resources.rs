//! What a pod used: for each resource its request (else its limit, else a default) times the seconds its containers ran,
//! in base amounts. Source: Argo `util/resource/{duration,summary}.go`, `docs/resource-duration.md`.
//! Not here: measuring what was really used.

use std::collections::BTreeMap;

use model::argo::{Container, Template};
use serde_json::Value;

/// The default requests: 100 millicores, 100 MiB.
const DEFAULTS: [(&str, &str); 2] = [("cpu", "100m"), ("memory", "100Mi")];

/// Returns the base amount that one second of `resource` stands for.
fn base(resource: &str) -> i64 {
    match resource {
        "memory" => 100 << 20,
        "storage" | "ephemeral-storage" => 10 << 30,
        _ => 1,
    }
}

/// Returns the whole number a Kubernetes quantity stands for, rounded up; `None` if it is none.
/// Source: Kubernetes `resource.Quantity`.
fn quantity(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(split)?;
    let number: f64 = number.parse().ok()?;
    let power = |base: f64, power: i32| Some(base.powi(power));
    let scale = match suffix {
        "" => Some(1.0),
        "n" => power(10.0, -9),
        "u" => power(10.0, -6),
        "m" => power(10.0, -3),
        "k" => power(10.0, 3),
        "M" => power(10.0, 6),
        "G" => power(10.0, 9),
        "T" => power(10.0, 12),
        "P" => power(10.0, 15),
        "E" => power(10.0, 18),
        "Ki" => power(2.0, 10),
        "Mi" => power(2.0, 20),
        "Gi" => power(2.0, 30),
        "Ti" => power(2.0, 40),
        "Pi" => power(2.0, 50),
        "Ei" => power(2.0, 60),
        exponent => exponent.strip_prefix(['e', 'E'])?.parse().ok().and_then(|digits| power(10.0, digits)),
    }?;
    let value = (number * scale).ceil();
    // A quantity is below 2^63; what is not is as good as none.
    #[expect(clippy::cast_possible_truncation, reason = "the value is within the range of i64")]
    (value.abs() < 9.0e18).then_some(value as i64)
}

/// Adds what one container used in `seconds`.
fn add(container: &Container, seconds: i64, used: &mut BTreeMap<String, i64>) {
    let mut wanted: BTreeMap<&str, i64> =
        DEFAULTS.iter().filter_map(|(name, text)| Some((*name, quantity(text)?))).collect();
    for side in ["limits", "requests"] {
        let given = container.rest.get("resources").and_then(|resources| resources.get(side)?.as_object());
        for (name, value) in given.into_iter().flatten() {
            let value = match value {
                Value::String(text) => quantity(text),
                other => quantity(&other.to_string()),
            };
            wanted.extend(value.map(|value| (name.as_str(), value)));
        }
    }
    for (name, value) in wanted {
        let amount = value.saturating_mul(seconds).checked_div(base(name)).unwrap_or(0);
        let all = used.entry(name.to_owned()).or_default();
        *all = all.saturating_add(amount);
    }
}

/// Returns what a pod of `template` used in `seconds`.
pub(crate) fn used(template: &Template, seconds: i64) -> BTreeMap<String, i64> {
    let mut used = BTreeMap::new();
    let set = template.container_set.iter().flat_map(|set| &set.containers).map(|node| &node.container);
    let beside = template.sidecars.iter().map(|sidecar| &sidecar.container);
    let script = template.script.iter().map(|script| &script.container);
    for container in template.container.iter().chain(script).chain(set).chain(beside) {
        add(container, seconds.max(0), &mut used);
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_whole_numbers_rounded_up() {
        for (text, value) in [
            ("100m", Some(1)),
            ("1500m", Some(2)),
            ("2", Some(2)),
            ("0.5", Some(1)),
            ("1Gi", Some(1 << 30)),
            ("100Mi", Some(100 << 20)),
            ("1k", Some(1_000)),
            ("1e3", Some(1_000)),
            ("1E", Some(1_000_000_000_000_000_000)),
            ("", None),
            ("much", None),
            ("1Zi", None),
            ("99999999E", None),
        ] {
            assert_eq!(quantity(text), value, "{text}");
        }
    }

    #[test]
    fn a_pod_without_requests_used_the_defaults_and_requests_win_over_limits() {
        let of = |yaml: serde_json::Value| used(&serde_json::from_value(yaml).unwrap(), 180);
        let plain = of(serde_json::json!({ "container": { "image": "a" } }));
        assert_eq!(plain, BTreeMap::from([("cpu".to_owned(), 180), ("memory".to_owned(), 180)]));
        let resources = serde_json::json!({ "limits": { "cpu": 4, "memory": "1Gi", "nvidia.com/gpu": 1 }, "requests": { "cpu": "2000m" } });
        let asked = of(serde_json::json!({ "container": { "image": "a", "resources": resources } }));
        let wanted = [("cpu", 360), ("memory", 1843), ("nvidia.com/gpu", 180)];
        assert_eq!(asked, wanted.into_iter().map(|(name, used)| (name.to_owned(), used)).collect());
    }
}
