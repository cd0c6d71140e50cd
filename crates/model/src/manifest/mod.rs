//! One object as it was written, with the place it was written at.
//! Not here: what objects mean together (see `catalog`), and what an Argo object must obey to run (see
//! `argo::validate`).

mod argo_fields;
mod core_fields;
mod oam_fields;
mod part_fields;
mod pod_fields;
mod read;
mod shape;
#[cfg(test)]
mod tests;
mod written;

use serde::Serialize;
use serde_json::Value;

pub use read::{BAD_OBJECT, OfKinds, UNKNOWN_KIND, parse, parse_kinds};
pub use written::Written;

use crate::{
    argo::{CronWorkflow, ObjectMeta, Workflow, WorkflowEventBinding, WorkflowTemplate},
    core::{ConfigMap, PersistentVolumeClaim, Secret},
    fault::{Fault, Place},
    oam::{
        AccessPolicyObject, Application, ComponentDefinition, IdentityScope, PolicyDefinition,
        ScopeDefinition, TraitDefinition, WorkloadDefinition,
    },
    yaml::{Document, Places},
};

/// One object of a manifest.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "few are held at once, and a box would be in everybody's patterns"
)]
pub enum Manifest {
    /// OAM Application.
    Application(Written<Application>),
    /// OAM ComponentDefinition.
    ComponentDefinition(Written<ComponentDefinition>),
    /// OAM TraitDefinition.
    TraitDefinition(Written<TraitDefinition>),
    /// OAM ScopeDefinition.
    ScopeDefinition(Written<ScopeDefinition>),
    /// OAM WorkloadDefinition, kept verbatim.
    WorkloadDefinition(Written<WorkloadDefinition>),
    /// KubeVela's PolicyDefinition, kept verbatim.
    PolicyDefinition(Written<PolicyDefinition>),
    /// Our IdentityScope.
    IdentityScope(Written<IdentityScope>),
    /// Our AccessPolicy, as an object of its own.
    AccessPolicy(Written<AccessPolicyObject>),
    /// Argo WorkflowTemplate.
    WorkflowTemplate(Written<WorkflowTemplate>),
    /// Argo Workflow.
    Workflow(Written<Workflow>),
    /// Argo ClusterWorkflowTemplate.
    ClusterWorkflowTemplate(Written<WorkflowTemplate>),
    /// Argo CronWorkflow.
    CronWorkflow(Written<CronWorkflow>),
    /// Argo WorkflowEventBinding.
    WorkflowEventBinding(Written<WorkflowEventBinding>),
    /// Kubernetes ConfigMap.
    ConfigMap(Written<ConfigMap>),
    /// Kubernetes Secret.
    Secret(Written<Secret>),
    /// Kubernetes PersistentVolumeClaim.
    PersistentVolumeClaim(Written<PersistentVolumeClaim>),
}

/// Applies `$body` to the `Written` within any variant that has `ObjectMeta`.
macro_rules! each {
    ($self:expr, $written:ident => $body:expr) => {
        match $self {
            Manifest::Application($written) => $body,
            Manifest::ComponentDefinition($written) => $body,
            Manifest::TraitDefinition($written) => $body,
            Manifest::ScopeDefinition($written) => $body,
            Manifest::WorkloadDefinition($written) => $body,
            Manifest::PolicyDefinition($written) => $body,
            Manifest::IdentityScope($written) => $body,
            Manifest::AccessPolicy($written) => $body,
            Manifest::WorkflowTemplate($written) => $body,
            Manifest::Workflow($written) => $body,
            Manifest::ClusterWorkflowTemplate($written) => $body,
            Manifest::CronWorkflow($written) => $body,
            Manifest::WorkflowEventBinding($written) => $body,
            Manifest::ConfigMap($written) => $body,
            Manifest::Secret($written) => $body,
            Manifest::PersistentVolumeClaim($written) => $body,
        }
    };
}

impl Manifest {
    /// Returns the kind as its specification spells it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Application(_) => "Application",
            Self::ComponentDefinition(_) => "ComponentDefinition",
            Self::TraitDefinition(_) => "TraitDefinition",
            Self::ScopeDefinition(_) => "ScopeDefinition",
            Self::WorkloadDefinition(_) => "WorkloadDefinition",
            Self::PolicyDefinition(_) => "PolicyDefinition",
            Self::IdentityScope(_) => "IdentityScope",
            Self::AccessPolicy(_) => "AccessPolicy",
            Self::WorkflowTemplate(_) => "WorkflowTemplate",
            Self::Workflow(_) => "Workflow",
            Self::ClusterWorkflowTemplate(_) => "ClusterWorkflowTemplate",
            Self::CronWorkflow(_) => "CronWorkflow",
            Self::WorkflowEventBinding(_) => "WorkflowEventBinding",
            Self::ConfigMap(_) => "ConfigMap",
            Self::Secret(_) => "Secret",
            Self::PersistentVolumeClaim(_) => "PersistentVolumeClaim",
        }
    }
    /// Returns kind, namespace and name; the namespace is empty for what is for all namespaces.
    pub fn key(&self) -> (&'static str, String, String) {
        let (namespace, name) = each!(self,
            written => (written.object.metadata.namespace.clone(), written.object.metadata.name.clone())
        );
        (self.kind(), namespace, name)
    }
    /// Returns its name, labels and annotations.
    pub fn metadata(&self) -> &ObjectMeta {
        each!(self, written => &written.object.metadata)
    }
    /// Returns its name, labels and annotations, to be changed.
    pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
        each!(self, written => &mut written.object.metadata)
    }
    /// Returns where the object begins.
    pub fn place(&self) -> Option<Place> {
        each!(self, written => written.place.clone())
    }
    /// Returns the places of the object's values, to be kept beside [`Manifest::to_json`].
    pub fn places(&self) -> &Places {
        each!(self, written => written.places())
    }
    fn overlook(&mut self, faults: Vec<Fault>) {
        each!(self, written => written.overlooked = faults);
    }
    /// Returns what is wrong in the object and is accepted all the same, as Argo does: fields within a step that nobody
    /// reads.
    pub fn overlooked(&self) -> &[Fault] {
        each!(self, written => &written.overlooked)
    }
    /// Returns the object as JSON.
    pub fn to_json(&self) -> Value {
        each!(self, written => json(&written.object))
    }
    /// Reads an object from JSON, such as the body of a request; `place` is where it was written, if anywhere.
    ///
    /// # Errors
    /// Every fault found.
    pub fn from_json(value: Value, place: Option<Place>) -> Result<Self, Vec<Fault>> {
        Self::from_part(&value, &Places::whole(place.as_ref()))
    }
    /// Reads an object that is a part of another one, written at `places`.
    ///
    /// # Errors
    /// Every fault found.
    pub(crate) fn from_part(value: &Value, places: &Places) -> Result<Self, Vec<Fault>> {
        read::object(&Document::from_value(value, places))
    }
    /// Takes the fields that nobody reads out of what is to be an object of this kind, as Kubernetes does with what it stores
    /// and Argo's server with what it is sent; those of a step stay, and are a fault.
    pub fn prune(kind: &str, value: &mut Value) {
        shape::prune(value, kind);
    }
    /// Reads an object back from JSON that [`Manifest::to_json`] made and places that [`Manifest::places`] gave: what was
    /// accepted once stays readable, also by a version that knows of more that may be wrong.
    ///
    /// # Errors
    /// Every fault found.
    pub fn from_stored(value: &Value, places: &Places) -> Result<Self, Vec<Fault>> {
        read::accepted(&Document::from_value(value, places))
    }
    /// Puts the object into `namespace` if it names none and belongs in one. Definitions without a namespace
    /// are for all namespaces, and stay so.
    pub fn default_namespace(&mut self, namespace: &str) {
        if self.is_definition() || matches!(self, Self::ClusterWorkflowTemplate(_)) {
            return;
        }
        let set = |metadata: &mut ObjectMeta| {
            if metadata.namespace.is_empty() {
                namespace.clone_into(&mut metadata.namespace);
            }
        };
        each!(self, written => set(&mut written.object.metadata));
    }
    /// Whether the object defines what Applications may use.
    pub const fn is_definition(&self) -> bool {
        matches!(
            self,
            Self::ComponentDefinition(_)
                | Self::TraitDefinition(_)
                | Self::ScopeDefinition(_)
                | Self::WorkloadDefinition(_)
                | Self::PolicyDefinition(_)
        )
    }
}

/// Puts every object that names no namespace into `namespace`; see [`Manifest::default_namespace`].
pub fn default_namespace(manifests: &mut [Manifest], namespace: &str) {
    manifests.iter_mut().for_each(|manifest| manifest.default_namespace(namespace));
}

fn json<T: Serialize>(object: &T) -> Value {
    // the objects hold nothing that JSON has no form for: their keys are texts, their numbers finite
    serde_json::to_value(object).unwrap_or(Value::Null)
}
