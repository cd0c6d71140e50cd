//! Strategic merges: how one object is laid over another where Argo asks Kubernetes' `strategicpatch` to do it
//! (`workflowTemplateRef`, `workflowDefaults`, `templateDefaults`, `podSpecPatch`).
//! Source: `k8s.io/apimachinery/pkg/util/strategicpatch`; the `patchMergeKey` tags of Argo's and Kubernetes' types.
//! Not here: `$patch` directives, which nobody writes into a workflow.

use serde_json::Value;

use super::{Template, TemplateKind};

/// The lists whose items are merged, and the field that says which are the same. All others are replaced.
const MERGED_LISTS: [(&str, &str); 15] = [
    ("artifacts", "name"),
    ("env", "name"),
    ("hostAliases", "ip"),
    ("imagePullSecrets", "name"),
    ("initContainers", "name"),
    ("parameters", "name"),
    ("ports", "containerPort"),
    ("sidecars", "name"),
    ("tasks", "name"),
    ("templates", "name"),
    ("tolerations", "key"),
    ("topologySpreadConstraints", "topologyKey"),
    ("volumeDevices", "devicePath"),
    ("volumeMounts", "mountPath"),
    ("volumes", "name"),
];

/// Returns `under` with `over` laid over it: objects field by field, the lists of above item by item, anything else
/// replaced. A `null` of `over` removes what is under it.
pub fn strategic_merge(under: Value, over: Value) -> Value {
    merge(under, over, &MERGED_LISTS)
}

/// Returns the specification of a pod with a patch laid over it; its `containers` are merged by name.
pub fn strategic_merge_pod(under: Value, over: Value) -> Value {
    let mut lists = MERGED_LISTS.to_vec();
    lists.push(("containers", "name"));
    lists.push(("ephemeralContainers", "name"));
    merge(under, over, &lists)
}

fn merge(under: Value, over: Value, lists: &[(&str, &str)]) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (name, value) in over {
                if value.is_null() {
                    under.shift_remove(&name);
                    continue;
                }
                let key = lists.iter().find(|(list, _)| *list == name).map(|(_, key)| *key);
                let merged = match (under.get_mut(&name).map(Value::take), key) {
                    (Some(Value::Array(below)), Some(key)) => merge_lists(below, value, key, lists),
                    (Some(below), _) => merge(below, value, lists),
                    // laid over nothing, so that what is to be removed inside is not kept
                    (None, _) if value.is_object() => merge(Value::Object(Default::default()), value, lists),
                    (None, _) => value,
                };
                under.insert(name, merged);
            }
            Value::Object(under)
        }
        (_, over) => over,
    }
}

fn merge_lists(mut below: Vec<Value>, over: Value, key: &str, lists: &[(&str, &str)]) -> Value {
    let Value::Array(over) = over else { return over };
    // each item of `over` with its place in the list below, if it has one there
    let mut laid: Vec<(Option<usize>, Value)> = Vec::new();
    for item in over {
        let same = |other: &Value| item.get(key).is_some() && other.get(key) == item.get(key);
        let place = below.iter().position(same);
        match laid.iter_mut().find(|(_, known)| same(known)) {
            Some((_, known)) => *known = merge(known.take(), item, lists),
            None => {
                let under = place.and_then(|place| below.get_mut(place)).map(Value::take);
                laid.push((
                    place,
                    under.map_or_else(|| item.clone(), |under| merge(under, item.clone(), lists)),
                ));
            }
        }
    }
    in_order(below, laid)
}

/// Returns the items of a merged list: those laid over it in their order, each after what stood before it; what is left
/// comes last. Source: `strategicpatch` mergeSortedSlice, normalizeElementOrder.
fn in_order(below: Vec<Value>, laid: Vec<(Option<usize>, Value)>) -> Value {
    let taken: Vec<usize> = laid.iter().filter_map(|(place, _)| *place).collect();
    let kept = below.into_iter().enumerate().filter(|(place, _)| !taken.contains(place));
    let mut kept = kept.peekable();
    let mut merged = Vec::new();
    for (place, item) in laid {
        while let Some((_, before)) = kept.next_if(|(at, _)| place.is_some_and(|place| *at < place)) {
            merged.push(before);
        }
        merged.push(item);
    }
    merged.extend(kept.map(|(_, item)| item));
    Value::Array(merged)
}

/// Returns a template with a workflow's `templateDefaults` under it; what belongs to templates of another kind is left out.
/// Source: Argo `workflow/controller/operator.go` mergedTemplateDefaultsInto. Argo forgets the newer kinds there
/// (`workflow_types.go` SetType); here they are treated like all others.
///
/// # Errors
/// Why the two make no template.
pub fn with_template_defaults(defaults: &Template, template: Template) -> Result<Template, String> {
    let kind = template.kinds().first().copied();
    let json = |template: &Template| serde_json::to_value(template).map_err(|error| error.to_string());
    let merged = strategic_merge(json(defaults)?, json(&template)?);
    let mut merged: Template = serde_json::from_value(merged).map_err(|error| error.to_string())?;
    let is = |other: TemplateKind| kind == Some(other);
    keep(&mut merged.container, is(TemplateKind::Container));
    keep(&mut merged.container_set, is(TemplateKind::ContainerSet));
    keep(&mut merged.steps, is(TemplateKind::Steps));
    keep(&mut merged.dag, is(TemplateKind::Dag));
    keep(&mut merged.script, is(TemplateKind::Script));
    keep(&mut merged.resource, is(TemplateKind::Resource));
    keep(&mut merged.data, is(TemplateKind::Data));
    keep(&mut merged.suspend, is(TemplateKind::Suspend));
    keep(&mut merged.http, is(TemplateKind::Http));
    keep(&mut merged.plugin, is(TemplateKind::Plugin));
    Ok(merged)
}

fn keep<T>(part: &mut Option<T>, kept: bool) {
    if !kept {
        *part = None;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{strategic_merge, strategic_merge_pod, with_template_defaults};
    use crate::argo::Template;

    #[test]
    fn lists_are_merged_by_their_keys_or_replaced() {
        let under = json!({
            "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}],
            "imagePullSecrets": [{"name": "x"}],
            "args": [1, 2],
            "hooks": {"exit": {"template": "old"}, "running": {"template": "kept"}},
        });
        let over = json!({
            "volumes": [{"name": "c", "emptyDir": {}}, {"name": "b", "secret": {"secretName": "s"}}],
            "imagePullSecrets": [{"name": "x"}, {"name": "y"}],
            "args": [3],
            "hooks": {"exit": {"template": "new"}},
        });
        let merged = json!({
            "volumes": [
                {"name": "c", "emptyDir": {}},
                {"name": "a", "emptyDir": {}},
                {"name": "b", "emptyDir": {}, "secret": {"secretName": "s"}},
            ],
            "imagePullSecrets": [{"name": "x"}, {"name": "y"}],
            "args": [3],
            "hooks": {"exit": {"template": "new"}, "running": {"template": "kept"}},
        });
        assert_eq!(strategic_merge(under, over), merged);
    }

    #[test]
    fn null_removes() {
        let merged =
            strategic_merge(json!({"a": {"b": 1, "c": 2}, "d": 3}), json!({"a": {"b": null}, "d": null}));
        assert_eq!(merged, json!({"a": {"c": 2}}));
        assert_eq!(strategic_merge(json!({}), json!({"a": {"b": null}})), json!({"a": {}}));
    }

    #[test]
    fn containers_are_merged_in_pods_only() {
        let under = json!({"containers": [{"name": "main", "image": "a"}]});
        let over = json!({"containers": [{"name": "main", "tty": true}]});
        let merged = json!({"containers": [{"name": "main", "image": "a", "tty": true}]});
        assert_eq!(strategic_merge_pod(under.clone(), over.clone()), merged);
        assert_eq!(strategic_merge(under, over.clone()), over);
    }

    #[test]
    fn defaults_lie_under_templates_of_their_kind() {
        let read = |value| serde_json::from_value::<Template>(value).unwrap();
        let defaults = read(json!({
            "timeout": "30s",
            "retryStrategy": {"limit": 2},
            "container": {"image": "default", "env": [{"name": "A", "value": "1"}], "command": ["echo"]},
        }));
        let own = json!({"name": "x", "container": {"image": "own", "env": [{"name": "B", "value": "2"}], "args": ["hi"]}});
        let merged = with_template_defaults(&defaults, read(own)).unwrap();
        let container = merged.container.as_ref().unwrap();
        assert_eq!((container.image.as_str(), container.env.len()), ("own", 2));
        assert_eq!(container.command.as_ref().unwrap().len(), 1);
        assert_eq!((merged.name.as_str(), merged.timeout.as_str()), ("x", "30s"));
        let steps = json!({"name": "y", "steps": [[{"name": "s", "template": "x"}]]});
        let merged = with_template_defaults(&defaults, read(steps)).unwrap();
        assert!(merged.container.is_none() && merged.steps.is_some() && merged.retry_strategy.is_some());
        let http = json!({"name": "z", "http": {"url": "u"}});
        assert!(with_template_defaults(&defaults, read(http)).unwrap().http.is_some());
    }
}
