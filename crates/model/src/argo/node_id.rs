//! Node ids and pod names, derived from node names.
//! Source: Argo `workflow_types.go` NodeID, `workflow/util/pod_name.go`.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The id of a node: the workflow's name for the root, else `<workflow>-<FNV-1a 32 of the node's name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Returns the id with this text; use [`node_id`] to derive one.
    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
    /// Returns the id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the 32-bit FNV-1a hash of `text`.
pub fn fnv1a_32(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Returns the id of the node called `node_name` in the workflow called `workflow`.
pub fn node_id(workflow: &str, node_name: &str) -> NodeId {
    if workflow == node_name {
        return NodeId(Arc::from(workflow));
    }
    NodeId(Arc::from(format!("{workflow}-{}", fnv1a_32(node_name))))
}

/// Returns the name of the pod of a node, format v2; `template` is empty for an inline template.
/// Source: Argo `workflow/util/pod_name.go` GeneratePodName.
pub fn pod_name(workflow: &str, node_name: &str, template: &str) -> String {
    const MAX_PREFIX: usize = 253 - 10 - 1;
    if workflow == node_name {
        return workflow.to_owned();
    }
    let inline = template.is_empty() || node_name.contains(".inline");
    let prefix = if inline { workflow.to_owned() } else { format!("{workflow}-{template}") };
    let prefix = prefix.get(..prefix.len().min(MAX_PREFIX)).unwrap_or(&prefix);
    format!("{prefix}-{}", fnv1a_32(node_name))
}
