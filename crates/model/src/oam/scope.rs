//! IdentityScope, Marque's ceiling: who may trigger, see and approve.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Subject, Viewers};
use crate::argo::ObjectMeta;

/// Marque's ceiling: who may trigger, see and approve.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IdentityScope {
    /// `marque.dev/v1alpha1`.
    pub api_version: String,
    /// `IdentityScope`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// The bounds.
    pub spec: IdentityScopeSpec,
}

/// The label of a namespace's root scope that says how many of its workflows may run at once: Argo's of a Namespace.
/// Source: Argo `workflow/common` LabelParallelismLimit.
pub const PARALLELISM_LIMIT: &str = "workflows.argoproj.io/parallelism-limit";

impl IdentityScope {
    /// Returns how many workflows of its namespace may run at once; `None` if the label does not say or holds no number.
    pub fn parallelism_limit(&self) -> Option<usize> {
        self.metadata.labels.get(PARALLELISM_LIMIT)?.0.parse().ok()
    }
}

/// The bounds of an IdentityScope; an absent list bounds nobody in (deny by default).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct IdentityScopeSpec {
    /// The scope this one lies within, in the same namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Whether workflows of this namespace that belong to no component fall under this scope.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub namespace_root: bool,
    /// The configured issuer's name whose people count; any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<String>,
    /// public < internal < confidential < restricted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification: Option<String>,
    /// Who may change the scope, and stop runs under it.
    pub owners: Vec<Subject>,
    /// Who may see.
    pub viewers: Viewers,
    /// Who may start, by which path.
    pub triggerers: Vec<Triggerer>,
    /// Who may approve.
    pub approvers: Vec<Subject>,
    /// How approvals are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// The environments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// Not enforced yet: cloud roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Value>,
    /// Not enforced yet: destinations (no network at all today).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<Value>,
    /// Not enforced yet: secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Value>,
    /// Not enforced yet: break glass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<Value>,
}

/// Who may start, by which path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggerer {
    /// Who.
    pub subject: Subject,
    /// By which path.
    pub via: Vec<Via>,
}

/// The path by which a run is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A person, by hand.
    Manual,
    /// A schedule.
    Cron,
    /// An event.
    Event,
    /// A machine, through the API.
    Api,
}

/// How approvals are counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Approvals {
    /// Distinct people at least.
    pub min: u32,
    /// Whether the submitter may never approve (always true in effect).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separation_of_duties: Option<bool>,
    /// The longest a gate may stay open, a Go duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<String>,
}
