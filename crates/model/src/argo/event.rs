//! Workflows upon an event. Source: Argo `event_binding_types.go` (v4.1.2). Not here: taking events (see `server`).

use serde::{Deserialize, Serialize};

use super::{Arguments, ObjectMeta, WorkflowTemplateRef};

/// Starts a Workflow of a template for every event that it selects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowEventBinding {
    /// `argoproj.io/v1alpha1`.
    pub api_version: String,
    /// `WorkflowEventBinding`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// Which events, and what is started.
    pub spec: WorkflowEventBindingSpec,
}

/// Which events, and what is started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowEventBindingSpec {
    /// Which events.
    pub event: EventSelector,
    /// What is started; nothing when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submit: Option<EventSubmit>,
}

/// Which events a binding is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventSelector {
    /// An expr-lang condition over `payload`, `metadata`, `discriminator` and `namespace`.
    pub selector: String,
}

/// What an event starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSubmit {
    /// The template.
    pub workflow_template_ref: WorkflowTemplateRef,
    /// Name, labels and annotations of the Workflow, as expressions over the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<ObjectMeta>,
    /// Its arguments; values come from the event by `valueFrom.event`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Arguments>,
}
