//! Which pods of a run are deleted when, and which claims: what `podGC` and `volumeClaimGC` say.
//! Source: Argo `workflow/controller/pod/`, `operator.go` deletePVCs, `workflow_types.go` PodGC.
//! Not here: deleting them (see `runner`), artifacts, whose collection is the runner's as well.

use std::time::Duration;

use expr::selector::LabelSelector;
use model::{
    argo::{NodePhase, NodeStatus, NodeType, Workflow, WorkflowPhase},
    duration::go_duration_ms,
};
use serde_json::Value;

/// How long a pod is kept that is to be deleted, where nothing is said (Argo `config.go` GetPodGCDeleteDelayDuration).
const DELAY: Duration = Duration::from_secs(5);

/// What a workflow says of its pods.
#[derive(Debug, Clone, PartialEq)]
pub struct PodCollection {
    of_each: bool,
    successful: bool,
    selector: Option<LabelSelector>,
    delay: Duration,
}

impl PodCollection {
    /// Returns what `workflow` says; none if its pods are kept.
    pub fn of(workflow: &Workflow) -> Option<Self> {
        let gc = workflow.spec.pod_gc.as_ref()?;
        let (of_each, successful) = match gc.strategy.as_str() {
            "OnPodCompletion" => (true, false),
            "OnPodSuccess" => (true, true),
            "OnWorkflowCompletion" => (false, false),
            "OnWorkflowSuccess" => (false, true),
            _ => return None,
        };
        let selector = match &gc.label_selector {
            None => None,
            // one that can't be read chooses nothing
            Some(selector) => Some(LabelSelector::parse(&selector_text(selector)).ok()?),
        };
        let delay = go_duration_ms(&gc.delete_delay_duration).map_or(DELAY, Duration::from_millis);
        Some(Self { of_each, successful, selector, delay })
    }

    /// Whether each pod is deleted by itself, rather than all of them when the workflow has ended.
    pub const fn is_of_each(&self) -> bool {
        self.of_each
    }

    /// Returns how long a pod is kept that is to be deleted.
    pub const fn delay(&self) -> Duration {
        self.delay
    }

    /// Whether the pod of this node is to be deleted, while the workflow is in this phase.
    pub fn takes(&self, workflow: &Workflow, phase: WorkflowPhase, node: &NodeStatus) -> bool {
        let over = node.node_type == NodeType::Pod && node.phase.is_fulfilled();
        let wanted = match (self.of_each, self.successful) {
            (true, false) => true,
            (true, true) => node.phase == NodePhase::Succeeded,
            (false, false) => phase.is_completed(),
            (false, true) => phase == WorkflowPhase::Succeeded,
        };
        over && wanted && self.selector.as_ref().is_none_or(|selector| chosen(selector, workflow, node))
    }
}

/// Whether the claims that were made for a workflow are deleted when it ends so.
pub fn takes_claims(workflow: &Workflow, phase: WorkflowPhase) -> bool {
    let strategy = workflow.spec.rest.get("volumeClaimGC").and_then(|gc| gc.get("strategy")?.as_str());
    match strategy {
        Some("OnWorkflowCompletion") => phase.is_completed(),
        _ => phase == WorkflowPhase::Succeeded,
    }
}

/// Whether a pod with the labels of workflow and template is chosen.
fn chosen(selector: &LabelSelector, workflow: &Workflow, node: &NodeStatus) -> bool {
    let template = workflow.spec.templates.iter().find(|template| template.name == node.template_name);
    let of_template = template.and_then(|template| template.metadata.as_ref()?.get("labels"));
    let of_workflow = workflow.spec.rest.get("podMetadata").and_then(|metadata| metadata.get("labels"));
    selector.matches(|key| match key {
        "workflows.argoproj.io/workflow" => Some(workflow.metadata.name.as_str()),
        "workflows.argoproj.io/completed" => Some("true"),
        _ => [of_template, of_workflow].into_iter().flatten().find_map(|labels| labels.get(key)?.as_str()),
    })
}

/// Returns a selector of `matchLabels` and `matchExpressions` as a line.
fn selector_text(selector: &Value) -> String {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut parts: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    for wanted in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let text = |field: &str| wanted.get(field).and_then(Value::as_str).unwrap_or_default();
        let values = wanted.get("values").and_then(Value::as_array).into_iter().flatten();
        let values: Vec<&str> = values.filter_map(Value::as_str).collect();
        let (key, values) = (text("key"), values.join(","));
        parts.push(match text("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workflow(spec: Value) -> Workflow {
        serde_json::from_value(json!({"metadata": {"name": "w"}, "spec": spec})).unwrap()
    }

    fn node(phase: &str, template: &str, node_type: &str) -> NodeStatus {
        let node = json!({"id": "n", "name": "n", "displayName": "n", "type": node_type, "phase": phase,
            "templateName": template});
        serde_json::from_value(node).unwrap()
    }

    #[test]
    fn each_strategy_takes_its_own_pods_at_its_own_moment() {
        use WorkflowPhase::{Failed, Running, Succeeded};
        let moments = [
            (Running, "Running"),
            (Running, "Succeeded"),
            (Running, "Failed"),
            (Failed, "Succeeded"),
            (Succeeded, "Failed"),
        ];
        for (strategy, expected) in [
            ("OnPodCompletion", [false, true, true, true, true]),
            ("OnPodSuccess", [false, true, false, true, false]),
            ("OnWorkflowCompletion", [false, false, false, true, true]),
            ("OnWorkflowSuccess", [false, false, false, false, true]),
        ] {
            let workflow = workflow(json!({"podGC": {"strategy": strategy}}));
            let collection = PodCollection::of(&workflow).unwrap();
            let taken =
                moments.map(|(phase, pod)| collection.takes(&workflow, phase, &node(pod, "t", "Pod")));
            assert_eq!(taken, expected, "{strategy}");
            assert!(!collection.takes(&workflow, Succeeded, &node("Succeeded", "t", "Steps")));
            assert_eq!(collection.delay(), Duration::from_secs(5));
        }
        assert_eq!(PodCollection::of(&workflow(json!({"podGC": {}}))), None);
        assert_eq!(PodCollection::of(&workflow(json!({}))), None);
    }

    #[test]
    fn a_selector_chooses_by_the_labels_of_workflow_and_template() {
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"of": "template"}}), true),
            (json!({"matchLabels": {"of": "workflow"}}), false),
            (json!({"matchLabels": {"team": "a", "workflows.argoproj.io/workflow": "w"}}), true),
            (json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["b", "a"]}]}), true),
            (json!({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}), false),
            (json!({"matchExpressions": [{"key": "nobody", "operator": "Exists"}]}), false),
            (json!({"matchExpressions": [{"key": "nobody", "operator": "DoesNotExist"}]}), true),
        ] {
            let workflow = workflow(json!({
                "podGC": {"strategy": "OnPodCompletion", "labelSelector": selector, "deleteDelayDuration": "1m"},
                "podMetadata": {"labels": {"of": "workflow", "team": "a"}},
                "templates": [{"name": "t", "metadata": {"labels": {"of": "template"}}, "container": {"image": "a"}}],
            }));
            let collection = PodCollection::of(&workflow).unwrap();
            let taken = collection.takes(&workflow, WorkflowPhase::Running, &node("Failed", "t", "Pod"));
            assert_eq!(taken, expected, "{selector}");
            assert_eq!(collection.delay(), Duration::from_secs(60));
        }
    }

    #[test]
    fn claims_go_with_success_unless_any_end_will_do() {
        let any = workflow(json!({"volumeClaimGC": {"strategy": "OnWorkflowCompletion"}}));
        let good = workflow(json!({"volumeClaimGC": {"strategy": "OnWorkflowSuccess"}}));
        for workflow in [good, workflow(json!({}))] {
            assert!(takes_claims(&workflow, WorkflowPhase::Succeeded));
            assert!(!takes_claims(&workflow, WorkflowPhase::Failed));
        }
        assert!(takes_claims(&any, WorkflowPhase::Error) && !takes_claims(&any, WorkflowPhase::Running));
    }
}
