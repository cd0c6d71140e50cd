//! The nodes of a run as a graph: who led to whom. Source: Argo `workflow/util/util.go` newWorkflowsDag.
//! Of several nodes that led to one, the one with the greatest id counts, as in Argo.

use std::collections::{HashMap, HashSet};

use model::argo::{NodeId, NodeStatus, WorkflowStatus};

/// The nodes and who led to them.
pub(super) struct Graph<'s> {
    status: &'s WorkflowStatus,
    parents: HashMap<&'s NodeId, &'s NodeStatus>,
}

impl<'s> Graph<'s> {
    pub(super) fn new(status: &'s WorkflowStatus) -> Self {
        let mut ids: Vec<&NodeId> = status.nodes.keys().collect();
        ids.sort_by_key(|id| id.to_string());
        let mut parents = HashMap::with_capacity(status.nodes.len());
        for node in ids.into_iter().filter_map(|id| status.nodes.get(id)) {
            for child in &node.children {
                parents.insert(child, node);
            }
        }
        Self { status, parents }
    }

    pub(super) fn node(&self, id: &NodeId) -> Option<&'s NodeStatus> {
        self.status.nodes.get(id)
    }

    pub(super) fn parent(&self, id: &NodeId) -> Option<&'s NodeStatus> {
        self.parents.get(id).copied()
    }

    /// Returns everything that followed from `id`, without itself.
    pub(super) fn descendants(&self, id: &NodeId) -> HashSet<&'s NodeId> {
        let mut found = HashSet::new();
        let mut open: Vec<&NodeStatus> = self.node(id).into_iter().collect();
        while let Some(node) = open.pop() {
            for child in &node.children {
                if let Some((child, node)) = self.status.nodes.get_key_value(child)
                    && found.insert(child)
                {
                    open.push(node);
                }
            }
        }
        found
    }

    /// Returns the nodes in the order they are reached from the entry node, level by level.
    pub(super) fn top_down(&self, entry: &str) -> Vec<&'s NodeStatus> {
        let mut order: Vec<&NodeStatus> =
            self.status.nodes.values().filter(|node| node.name == entry).collect();
        let mut seen: HashSet<&NodeId> = order.iter().map(|node| &node.id).collect();
        let mut next = 0;
        while let Some(node) = order.get(next).copied() {
            next = next.saturating_add(1);
            for child in node.children.iter().filter_map(|id| self.node(id)) {
                if seen.insert(&child.id) {
                    order.push(child);
                }
            }
        }
        order
    }
}
