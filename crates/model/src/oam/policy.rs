//! Access policies: rules that can only narrow.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Subject;
use crate::argo::ObjectMeta;

/// Policy `access-policy`, inline or as an object of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AccessPolicy {
    /// The policy's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The rules.
    pub rules: Vec<AccessRule>,
}

/// One rule; it can only narrow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// `require` or `forbid`.
    pub effect: Effect,
    /// The acts it concerns.
    pub actions: Vec<RuleAction>,
    /// Whom it concerns; everyone when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
    /// The facts it asks for (`require`) or is limited to (`forbid`).
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub when: serde_json::Map<String, Value>,
    /// Where it is written; filled in by the parser.
    #[serde(skip)]
    pub place: Option<crate::Place>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The act is refused unless the facts hold.
    Require,
    /// The act is refused if the facts hold.
    Forbid,
}

/// The acts a rule may concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleAction {
    /// Starting a run.
    Trigger,
    /// Seeing status, logs or outputs.
    View,
    /// Approving a gate.
    Approve,
    /// Setting a parameter of a run.
    OverrideParameter,
    /// Getting a cloud role.
    AssumeRole,
}

/// An access policy as an object of its own, that Applications refer to by `ref`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessPolicyObject {
    /// `marque.dev/v1alpha1`.
    pub api_version: String,
    /// `AccessPolicy`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// The rules.
    pub spec: AccessPolicySpec,
}

/// The rules of an [`AccessPolicyObject`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessPolicySpec {
    /// The rules.
    pub rules: Vec<AccessRule>,
}
