//! What a retry runs again: the nodes that ended badly and everything that followed from them, and, if asked for, those
//! that a selector means. Source: Argo `workflow/util/util.go` FormulateRetryWorkflow, resetPath.
//! What is reset in Argo (groups, steps, DAGs and retry nodes above) is walked through anew here; see `turn::again`.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::argo::{NodeId, NodeStatus, NodeType, Workflow, WorkflowPhase, WorkflowStatus};

use super::{NodeSelector, OperateError, parents::Graph};
use crate::EventKind;

/// What a retry is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetryOptions {
    /// Whether nodes that Succeeded run again, too, if `node_field_selector` means them.
    pub restart_successful: bool,
    /// Which.
    pub node_field_selector: String,
    /// Arguments that take the place of the workflow's own.
    pub parameters: BTreeMap<String, String>,
}

/// Whether a node does something itself.
const fn executes(node_type: NodeType) -> bool {
    matches!(node_type, NodeType::Container | NodeType::Pod | NodeType::Http | NodeType::Plugin)
}

const fn is_group(node_type: NodeType) -> bool {
    matches!(node_type, NodeType::Dag | NodeType::TaskGroup | NodeType::StepGroup | NodeType::Steps)
}

/// Returns the event by which the run begins again: [`EventKind::Restarted`].
///
/// # Errors
/// [`OperateError`].
pub fn retry(
    workflow: &Workflow,
    status: &WorkflowStatus,
    options: &RetryOptions,
) -> Result<EventKind, OperateError> {
    let selects = options.restart_successful && !options.node_field_selector.is_empty();
    match status.phase {
        WorkflowPhase::Failed | WorkflowPhase::Error => {}
        WorkflowPhase::Succeeded if selects => {}
        WorkflowPhase::Succeeded => return Err(OperateError::NothingSelected),
        other => return Err(OperateError::NotRetryable { phase: other.as_str() }),
    }
    let selector = NodeSelector::parse(&options.node_field_selector)?;
    let graph = Graph::new(status);
    let selected: HashSet<&NodeId> = if selects {
        status.nodes.values().filter(|node| selector.matches(node)).map(|node| &node.id).collect()
    } else {
        HashSet::new()
    };
    let led_on = led_to_success(status, &graph, &selected);
    let failed = status.nodes.values().filter(|node| {
        let above = Some(*node).filter(|node| node.node_flag.is_some_and(|flag| flag.retried));
        let above = above.and_then(|node| graph.parent(&node.id));
        let asked = above.filter(|above| above.node_type == NodeType::Retry).unwrap_or(node);
        node.phase.is_failed_or_error() && executes(node.node_type) && led_on.get(&asked.id) != Some(&true)
    });
    let wanted: HashSet<&NodeId> = selected.iter().copied().chain(failed.map(|node| &node.id)).collect();
    let mut again: HashSet<&NodeId> = HashSet::new();
    let mut reset: HashSet<&NodeId> = HashSet::new();
    for node in graph.top_down(&workflow.metadata.name) {
        if wanted.contains(&node.id) && !again.contains(&node.id) {
            reset_path(&graph, node, &mut again, &mut reset);
        }
    }
    if !options.parameters.is_empty() {
        let groups = reset.iter().filter_map(|id| graph.node(id)).filter(|node| {
            matches!(node.node_type, NodeType::TaskGroup | NodeType::StepGroup) && !again.contains(&node.id)
        });
        let below: Vec<&NodeId> = groups.flat_map(|node| graph.descendants(&node.id)).collect();
        again.extend(below);
    }
    // In the order of the nodes, so that the same retry is always the same event.
    let ordered = status.nodes.keys().filter(|id| again.contains(*id) || reset.contains(*id));
    Ok(EventKind::Restarted { again: ordered.cloned().collect(), parameters: options.parameters.clone() })
}

/// Returns for each node whether one that followed from it Succeeded and is not to run again.
fn led_to_success<'s>(
    status: &'s WorkflowStatus,
    graph: &Graph<'s>,
    selected: &HashSet<&NodeId>,
) -> HashMap<&'s NodeId, bool> {
    let mut known: HashMap<&NodeId, bool> = HashMap::with_capacity(status.nodes.len());
    for start in status.nodes.values() {
        // Depth first without recursion: a node is decided once all its children are.
        let mut open = vec![(start, false)];
        while let Some((node, entered)) = open.pop() {
            if known.contains_key(&node.id) {
                continue;
            }
            let children = node.children.iter().filter_map(|id| graph.node(id));
            if entered {
                let led = children.into_iter().any(|child| {
                    let succeeded = child.phase == model::argo::NodePhase::Succeeded;
                    (succeeded && !selected.contains(&child.id)) || known.get(&child.id) == Some(&true)
                });
                known.insert(&node.id, led);
            } else {
                open.push((node, true));
                open.extend(
                    children.filter(|child| !known.contains_key(&child.id)).map(|child| (child, false)),
                );
            }
        }
    }
    known
}

/// Notes what runs again with `node`, and what above it is no longer as it was.
fn reset_path<'s>(
    graph: &Graph<'s>,
    node: &'s NodeStatus,
    again: &mut HashSet<&'s NodeId>,
    reset: &mut HashSet<&'s NodeId>,
) {
    again.extend(graph.descendants(&node.id));
    again.insert(&node.id);
    let mut here = Some(node);
    while let Some(node) = here {
        here = match node.node_type {
            kind if is_group(kind) => {
                reset.insert(&node.id);
                reset_boundaries(graph, node, reset)
            }
            NodeType::Container => {
                let mut pod = Some(node);
                while let Some(above) = pod.filter(|above| above.node_type != NodeType::Pod) {
                    pod = graph.parent(&above.id);
                }
                if let Some(pod) = pod {
                    again.insert(&pod.id);
                    again.extend(graph.descendants(&pod.id));
                }
                pod.and_then(|pod| graph.parent(&pod.id))
            }
            kind => {
                if kind == NodeType::Retry && node.phase.is_failed_or_error() {
                    reset.insert(&node.id);
                }
                graph.parent(&node.id)
            }
        };
    }
}

/// Notes the groups, retry nodes and boundaries above a group; returns what led to the topmost.
fn reset_boundaries<'s>(
    graph: &Graph<'s>,
    from: &'s NodeStatus,
    reset: &mut HashSet<&'s NodeId>,
) -> Option<&'s NodeStatus> {
    let mut here = from;
    loop {
        if let Some(above) = graph.parent(&here.id).filter(|above| above.node_type == NodeType::Retry) {
            reset.insert(&above.id);
            here = above;
        }
        if let Some(above) = graph.parent(&here.id)
            && matches!(above.node_type, NodeType::StepGroup | NodeType::TaskGroup)
        {
            reset.insert(&above.id);
        }
        let Some(boundary) = here.boundary_id.as_ref().and_then(|id| graph.node(id)) else {
            return graph.parent(&here.id);
        };
        reset.insert(&boundary.id);
        here = boundary;
    }
}
