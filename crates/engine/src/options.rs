//! What a run is told beyond its workflow: gates and variables of ours.

use std::collections::BTreeMap;

use model::argo::ArchiveLocation;

/// Beyond the workflow itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunOptions {
    /// The gates: suspend nodes that wait for approvals and expire.
    pub gates: Vec<Gate>,
    /// `workflow.submitter.*` and other variables of ours, by full name.
    pub variables: BTreeMap<String, String>,
    /// The workflow's artifact repository, chosen once: its key is the key format and may hold tags. It is the location
    /// of each pod's [`crate::Pod::archive`] whose template has no `archiveLocation`.
    pub archive: ArchiveLocation,
    /// Seconds an earlier run like this took, if one is known.
    pub estimated_duration: Option<i64>,
    /// Seconds each of its nodes took, by full name.
    pub estimated_nodes: BTreeMap<String, i64>,
}

/// A suspend node that opens only by approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The step's, task's or template's name.
    pub node: String,
    /// Milliseconds it stays open.
    pub expires_after_ms: u64,
}
