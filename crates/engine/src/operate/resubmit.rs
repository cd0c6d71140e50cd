//! A resubmit: a new run of the same workflow, with all that has Succeeded taken over if it is memoized.
//! Source: Argo `workflow/util/util.go` FormulateResubmitWorkflow.

use std::collections::BTreeMap;

use model::argo::{
    NodeId, NodePhase, NodeStatus, NodeType, ObjectMeta, Workflow, WorkflowPhase, WorkflowStatus, node_id,
};

use super::{OperateError, not_ended_by_hand, override_parameters};
use crate::EventKind;

/// Labels of the earlier run that the new one does not have.
const DROPPED_LABELS: &[&str] = &[
    "workflows.argoproj.io/creator",
    "workflows.argoproj.io/creator-email",
    "workflows.argoproj.io/creator-preferred-username",
    "workflows.argoproj.io/phase",
    "workflows.argoproj.io/completed",
    "workflows.argoproj.io/workflow-archiving-status",
];
/// The label that names the earlier run.
const RESUBMITTED_FROM: &str = "workflows.argoproj.io/resubmitted-from-workflow";

/// A workflow to be submitted, and the event its run begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct Resubmitted {
    /// The workflow; its creator's labels are still to be set.
    pub workflow: Workflow,
    /// [`EventKind::Started`], or [`EventKind::Resubmitted`] if it is memoized.
    pub begins: EventKind,
}

/// Returns the workflow that takes the place of `workflow`. A memoized one gets the random `suffix` put behind its
/// generated name, since its nodes are named by it.
///
/// # Errors
/// [`OperateError::NotMemoizable`].
pub fn resubmit(
    workflow: &Workflow,
    status: &WorkflowStatus,
    memoized: Option<&str>,
    parameters: &BTreeMap<String, String>,
) -> Result<Resubmitted, OperateError> {
    if memoized.is_some() && !matches!(status.phase, WorkflowPhase::Failed | WorkflowPhase::Error) {
        return Err(OperateError::NotMemoizable);
    }
    let old = &workflow.metadata;
    let generate_name =
        if old.generate_name.is_empty() { format!("{}-", old.name) } else { old.generate_name.clone() };
    let mut labels = old.labels.clone();
    labels.retain(|name, _| !DROPPED_LABELS.contains(&name.as_str()));
    labels.insert(RESUBMITTED_FROM.to_owned(), old.name.as_str().into());
    let mut new = Workflow {
        metadata: ObjectMeta {
            name: memoized.map(|suffix| format!("{generate_name}{suffix}")).unwrap_or_default(),
            generate_name,
            namespace: old.namespace.clone(),
            labels,
            annotations: old.annotations.clone(),
            ..ObjectMeta::default()
        },
        status: None,
        ..workflow.clone()
    };
    not_ended_by_hand(&mut new);
    override_parameters(&mut new, parameters);
    let begins = match memoized {
        None => EventKind::Started,
        Some(_) => EventKind::Resubmitted { nodes: taken_over(&old.name, &new.metadata.name, status) },
    };
    Ok(Resubmitted { workflow: new, begins })
}

/// Returns the nodes that are not run again, under the names they have in the new run. Only what ran itself is taken
/// over: what stands for others is made anew from them.
fn taken_over(old: &str, new: &str, status: &WorkflowStatus) -> Vec<NodeStatus> {
    let exit = format!("{old}.onExit");
    let renamed =
        |name: &str| name.strip_prefix(old).map_or_else(|| name.to_owned(), |rest| format!("{new}{rest}"));
    let boundary = |id: &NodeId| status.nodes.get(id).map(|node| node_id(new, &renamed(&node.name)));
    let ran = status.nodes.values().filter(|node| {
        node.node_type == NodeType::Pod
            && node.phase.is_fulfilled()
            && !node.phase.is_failed_or_error()
            && !node.name.starts_with(&exit)
    });
    let take = |node: &NodeStatus| {
        let name = renamed(&node.name);
        NodeStatus {
            id: node_id(new, &name),
            boundary_id: node.boundary_id.as_ref().and_then(boundary),
            name,
            node_type: NodeType::Skipped,
            phase: NodePhase::Skipped,
            message: format!("original pod: {}", node.id),
            // It did nothing in this run: its times are those of the run's begin.
            started_at: None,
            finished_at: None,
            children: Vec::new(),
            outbound_nodes: Vec::new(),
            ..node.clone()
        }
    };
    ran.map(take).collect()
}
