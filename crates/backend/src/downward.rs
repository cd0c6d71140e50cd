//! What a pod may ask about itself: `fieldRef` and `resourceFieldRef` of variables and files.
//! Not here: fields that only a cluster knows. Source: Kubernetes `pkg/fieldpath`, `pkg/api/v1/resource`.

use engine::Pod;
use model::argo::Container;
use policy::RunFacts;
use serde_json::Value;

/// The address a pod reaches itself and its machine at.
const LOOPBACK: &str = "127.0.0.1";

/// Returns a field of the pod.
///
/// # Errors
/// Kubernetes' message if there is no such field.
pub(crate) fn field(run: &RunFacts, pod: &Pod, path: &str) -> Result<String, String> {
    let metadata = |part: &str| pod.template.metadata.as_ref().and_then(|metadata| metadata.get(part));
    let entry = |part: &str| {
        let key = path.strip_prefix(&format!("metadata.{part}['"))?.strip_suffix("']")?;
        Some(own(run, pod, part, key).or_else(|| text(metadata(part)?.get(key)?)).unwrap_or_default())
    };
    Ok(match path {
        "metadata.name" => pod.pod_name.clone(),
        "metadata.namespace" => run.name.namespace.clone(),
        "metadata.uid" => run.id.uuid().to_string(),
        "metadata.labels" | "metadata.annotations" => {
            let part = path.trim_start_matches("metadata.");
            let written = metadata(part).and_then(Value::as_object).into_iter().flatten();
            let mut lines: Vec<String> = written
                .filter_map(|(key, value)| Some(format!("{key}={:?}", text(value)?)))
                .chain(OWN.iter().filter_map(|key| Some(format!("{key}={:?}", own(run, pod, part, key)?))))
                .collect();
            lines.sort_unstable();
            lines.join("\n")
        }
        "spec.serviceAccountName" => {
            let name = pod.template.rest.get("serviceAccountName").and_then(Value::as_str);
            name.unwrap_or("default").to_owned()
        }
        "spec.nodeName" => engine::HOST.to_owned(),
        "status.hostIP" | "status.hostIPs" | "status.podIP" | "status.podIPs" => LOOPBACK.to_owned(),
        _ => {
            return entry("labels")
                .or_else(|| entry("annotations"))
                .ok_or_else(|| format!("unsupported fieldPath: {path}"));
        }
    })
}

/// The labels and annotations that Argo gives every pod.
const OWN: [&str; 4] = [
    "workflows.argoproj.io/workflow",
    "workflows.argoproj.io/completed",
    "workflows.argoproj.io/node-name",
    "workflows.argoproj.io/node-id",
];

fn own(run: &RunFacts, pod: &Pod, part: &str, key: &str) -> Option<String> {
    let (_, name) = key.split_once('/')?;
    match (part, name) {
        _ if !OWN.contains(&key) => None,
        ("labels", "workflow") => Some(run.name.name.clone()),
        ("labels", "completed") => Some("false".to_owned()),
        ("annotations", "node-name") => Some(pod.node_name.clone()),
        ("annotations", "node-id") => Some(pod.node.to_string()),
        _ => None,
    }
}

/// Returns a container's own limit or request, in units of the divisor, rounded up.
///
/// # Errors
/// Kubernetes' message if it is no such thing; also if the container has no such limit, for then Kubernetes tells the
/// node's size.
pub(crate) fn resource(container: &Container, name: &str, divisor: Option<&str>) -> Result<String, String> {
    let (part, kind) =
        name.split_once('.').ok_or_else(|| format!("unsupported container resource : {name}"))?;
    let of = |part: &str| container.rest.get("resources")?.get(part)?.get(kind).and_then(text);
    // a request that is not written is the limit
    let written = of(part).or_else(|| (part == "requests").then(|| of("limits")).flatten());
    let amount = match written {
        Some(written) => quantity(&written),
        None => machine(kind),
    };
    let divisor = match divisor.filter(|text| !text.is_empty() && *text != "0") {
        None => Some(1.0),
        Some(text) => quantity(text),
    };
    match (amount, divisor) {
        (Some(amount), Some(divisor)) if divisor > 0.0 => Ok(format!("{:.0}", (amount / divisor).ceil())),
        _ => Err(format!("unsupported container resource : {name}")),
    }
}

/// Returns what the machine has: cores or bytes.
fn machine(kind: &str) -> Option<f64> {
    match kind {
        "cpu" => {
            std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()).map(f64::from)
        }
        "memory" => {
            let info = std::fs::read_to_string("/proc/meminfo").ok()?;
            let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
            line.trim().trim_end_matches("kB").trim().parse::<f64>().ok().map(|kib| kib * 1024.0)
        }
        _ => None,
    }
}

/// Returns the amount a Kubernetes quantity stands for. Source: `apimachinery/pkg/api/resource` suffixes.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let found = SUFFIXES.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)));
    let (number, unit) = found.unwrap_or((text, 1.0));
    number
        .parse::<f64>()
        .ok()
        .filter(|amount| amount.is_finite() && *amount >= 0.0)
        .map(|amount| amount * unit)
}

/// Returns a label, annotation or quantity as it is written.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use model::argo::Container;
    use serde_json::json;

    use super::{quantity, resource};

    #[test]
    fn quantities_are_read_as_kubernetes_does() {
        for (text, amount) in [
            ("1", Some(1.0)),
            ("100m", Some(0.1)),
            ("64Mi", Some(67_108_864.0)),
            ("1G", Some(1e9)),
            ("1e3", Some(1e3)),
            ("2.5k", Some(2500.0)),
            ("", None),
            ("Mi", None),
            ("-1", None),
            ("one", None),
        ] {
            assert_eq!(quantity(text), amount, "{text}");
        }
    }

    #[test]
    fn a_resource_is_told_in_units_of_the_divisor_and_rounded_up() {
        let container: Container = serde_json::from_value(
            json!({"resources": {"limits": {"cpu": "1500m", "memory": "64Mi"}, "requests": {"memory": 32}}}),
        )
        .unwrap();
        for (name, divisor, told) in [
            ("limits.cpu", None, "2"),
            ("limits.cpu", Some("1m"), "1500"),
            ("limits.memory", Some("1Mi"), "64"),
            ("requests.memory", None, "32"),
            ("requests.cpu", Some("0"), "2"),
        ] {
            assert_eq!(resource(&container, name, divisor).unwrap(), told, "{name} {divisor:?}");
        }
        let none = Container::default();
        assert!(resource(&none, "limits.cpu", None).unwrap().parse::<u32>().unwrap() > 0);
        assert!(resource(&none, "limits.unknown", None).is_err());
        assert!(resource(&none, "cpu", None).is_err());
    }
}
