//! Application: components, their traits and scopes, policies. Source: OAM `7.application.md`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::argo::ObjectMeta;

/// Application (OAM `7.application.md`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Application {
    /// `core.oam.dev/v1beta1`.
    pub api_version: String,
    /// `Application`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// Its components and policies.
    pub spec: ApplicationSpec,
}

/// An Application's components and policies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationSpec {
    /// The components.
    pub components: Vec<Component>,
    /// The policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

/// One component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Component {
    /// Its name within the Application.
    pub name: String,
    /// The ComponentDefinition.
    #[serde(rename = "type")]
    pub component_type: String,
    /// The parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
    /// The traits, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<Trait>,
    /// Scope instances by ScopeDefinition.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub scopes: IndexMap<String, String>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

/// One trait of a component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trait {
    /// The TraitDefinition.
    #[serde(rename = "type")]
    pub trait_type: String,
    /// The parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
}

/// One policy of an Application.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub policy_type: String,
    /// The parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
}
