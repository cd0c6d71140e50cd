//! The properties of the traits that are carried out here.

use serde::{Deserialize, Serialize};

use super::Subject;

/// Trait `manual-trigger`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ManualTrigger {
    /// Who.
    pub by: Vec<Subject>,
    /// The parameters they may set.
    pub overridable: Vec<String>,
    /// Whether a reason must be given; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_reason: Option<bool>,
}

/// Trait `approval`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ApprovalTrait {
    /// The gates.
    pub gates: Vec<Gate>,
}

/// One gate: a suspend node that opens only by approval.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Gate {
    /// The step's, task's or template's name of the suspend node.
    pub node: String,
    /// Who may approve.
    pub approvers: Vec<Subject>,
    /// Distinct people at least; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// Whether the submitter may not approve; `false` is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_triggerer: Option<bool>,
    /// How long the gate stays open, a Go duration; 24h when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<String>,
}
