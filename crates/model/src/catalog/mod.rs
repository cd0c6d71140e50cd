//! Everything that was applied, checked together: applications, definitions, scopes, policies, templates.
//! Not here: who may do what with it (see `policy`); how a run is made of it (see `lower`).
//!
//! Invariant: in a [`Catalog`] every name that is referred to exists, every trait's request lies within its
//! scopes, every scope's parents end, and every WorkflowTemplate belongs to at most one component.

mod check;
mod component;
mod definition;
mod faults;
mod gate;
mod inventory;
mod rule;
mod schema;
mod scope;
#[cfg(test)]
mod tests;
mod traits;

use std::collections::BTreeMap;

pub use faults::*;

pub(crate) use gate::DEFAULT_EXPIRY_MS;
pub(crate) use schema::ParameterSchema;

use crate::{
    argo::{CronWorkflow, FindTemplate, WorkflowEventBinding, WorkflowSpec, WorkflowTemplate},
    core::{ConfigMap, PersistentVolumeClaim, Secret},
    fault::{Fault, Place},
    manifest::{Manifest, Written},
    name::{ComponentRef, NamespacedName, ScopeRef},
    oam::{AccessPolicy, ApprovalTrait, IdentityScope, ManualTrigger},
    yaml::Places,
};

/// The checked whole of what was applied. Private fields, built only by [`Catalog::check`].
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    scopes: BTreeMap<ScopeRef, Written<IdentityScope>>,
    templates: BTreeMap<NamespacedName, Written<WorkflowTemplate>>,
    cluster_templates: BTreeMap<String, Written<WorkflowTemplate>>,
    cron_workflows: BTreeMap<NamespacedName, Written<CronWorkflow>>,
    event_bindings: BTreeMap<NamespacedName, Written<WorkflowEventBinding>>,
    config_maps: BTreeMap<NamespacedName, Written<ConfigMap>>,
    secrets: BTreeMap<NamespacedName, Written<Secret>>,
    volume_claims: BTreeMap<NamespacedName, Written<PersistentVolumeClaim>>,
    components: BTreeMap<ComponentRef, BoundComponent>,
    schemas: BTreeMap<ComponentRef, ParameterSchema>,
    by_template: BTreeMap<NamespacedName, ComponentRef>,
    roots: BTreeMap<String, ScopeRef>,
}

/// One component with everything that binds it.
#[derive(Debug, Clone)]
pub struct BoundComponent {
    /// Its name.
    pub component: ComponentRef,
    /// The WorkflowTemplate it installs.
    pub template: NamespacedName,
    /// The values the Application gives the template's parameters, by name.
    pub parameters: BTreeMap<String, String>,
    /// The scopes from the one it names up to the outermost parent; empty when it names none.
    pub scopes: Vec<ScopeRef>,
    /// Who may start runs by hand, and which parameters they may set; with its place.
    pub manual_trigger: Option<Written<ManualTrigger>>,
    /// The gates; with their place.
    pub approval: Option<Written<ApprovalTrait>>,
    /// The access policies of its Application, inline or referred to; with their places.
    pub policies: Vec<Written<AccessPolicy>>,
    /// Where it is written.
    pub place: Option<Place>,
}

impl Catalog {
    /// Checks `manifests` against each other. Objects that name no namespace are in `default`, definitions
    /// that name none are for all namespaces.
    ///
    /// # Errors
    /// Every fault found, not only the first.
    pub fn check(manifests: Vec<Manifest>) -> Result<Self, Vec<Fault>> {
        check::check(manifests)
    }
    /// Returns the component with this name.
    pub fn component(&self, component: &ComponentRef) -> Option<&BoundComponent> {
        self.components.get(component)
    }
    /// Returns every component, in order of name.
    pub fn components(&self) -> impl Iterator<Item = &BoundComponent> {
        self.components.values()
    }
    /// Returns the scope with this name.
    pub fn scope(&self, scope: &ScopeRef) -> Option<&Written<IdentityScope>> {
        self.scopes.get(scope)
    }
    /// Returns every scope, in order of name.
    pub fn scopes(&self) -> impl Iterator<Item = (&ScopeRef, &Written<IdentityScope>)> {
        self.scopes.iter()
    }
    /// Returns `scope` and its parents, innermost first; empty if there is no such scope.
    pub fn scope_chain(&self, scope: &ScopeRef) -> Vec<ScopeRef> {
        scope::chain(&self.scopes, scope)
    }
    /// Returns the root scope of a namespace: the one with `spec.namespaceRoot: true`, if there is one.
    pub fn namespace_root(&self, namespace: &str) -> Option<&ScopeRef> {
        self.roots.get(namespace)
    }
    /// Returns the WorkflowTemplate with this name.
    pub fn template(&self, template: &NamespacedName) -> Option<&WorkflowTemplate> {
        self.templates.get(template).map(|written| &written.object)
    }
    /// Returns every WorkflowTemplate, in order of name.
    pub fn templates(&self) -> impl Iterator<Item = (&NamespacedName, &Written<WorkflowTemplate>)> {
        self.templates.iter()
    }
    /// Returns the ClusterWorkflowTemplate with this name.
    pub fn cluster_template(&self, name: &str) -> Option<&Written<WorkflowTemplate>> {
        self.cluster_templates.get(name)
    }
    /// Returns every ClusterWorkflowTemplate, in order of name.
    pub fn cluster_templates(&self) -> impl Iterator<Item = (&String, &Written<WorkflowTemplate>)> {
        self.cluster_templates.iter()
    }
    /// Returns every CronWorkflow, in order of name.
    pub fn cron_workflows(&self) -> impl Iterator<Item = (&NamespacedName, &Written<CronWorkflow>)> {
        self.cron_workflows.iter()
    }
    /// Returns every WorkflowEventBinding, in order of name.
    pub fn event_bindings(&self) -> impl Iterator<Item = (&NamespacedName, &Written<WorkflowEventBinding>)> {
        self.event_bindings.iter()
    }
    /// Returns the CronWorkflow with this name.
    pub fn cron_workflow(&self, name: &NamespacedName) -> Option<&Written<CronWorkflow>> {
        self.cron_workflows.get(name)
    }
    /// Returns the ConfigMap with this name.
    pub fn config_map(&self, name: &NamespacedName) -> Option<&ConfigMap> {
        self.config_maps.get(name).map(|written| &written.object)
    }
    /// Returns the Secret with this name; its values are sealed.
    pub fn secret(&self, name: &NamespacedName) -> Option<&Secret> {
        self.secrets.get(name).map(|written| &written.object)
    }
    /// Returns the PersistentVolumeClaim with this name.
    pub fn volume_claim(&self, name: &NamespacedName) -> Option<&PersistentVolumeClaim> {
        self.volume_claims.get(name).map(|written| &written.object)
    }
    /// Returns the WorkflowTemplates of a namespace, for validation.
    pub fn templates_of<'a>(&'a self, namespace: &'a str) -> TemplatesOf<'a> {
        TemplatesOf { catalog: self, namespace }
    }
    /// Returns the WorkflowTemplates of whatever namespace, for ClusterWorkflowTemplates, which may run in any: of
    /// several with one name the one of the first namespace.
    pub fn templates_of_all(&self) -> TemplatesOfAll<'_> {
        let by_name = self.templates.iter().rev().map(|(name, written)| (name.name.as_str(), written));
        TemplatesOfAll { catalog: self, by_name: by_name.collect() }
    }
    /// Returns the component that binds this WorkflowTemplate, if one does.
    pub fn component_of_template(&self, template: &NamespacedName) -> Option<&BoundComponent> {
        self.components.get(self.by_template.get(template)?)
    }
    /// Returns what the parameters of a component may be.
    pub(crate) fn schema(&self, component: &ComponentRef) -> Option<&ParameterSchema> {
        self.schemas.get(component)
    }
}

/// The WorkflowTemplates of one namespace of a catalog, and those of all namespaces.
#[derive(Debug, Clone, Copy)]
pub struct TemplatesOf<'a> {
    catalog: &'a Catalog,
    namespace: &'a str,
}

impl FindTemplate for TemplatesOf<'_> {
    fn find(&self, name: &str, cluster: bool) -> Option<(&WorkflowSpec, &Places)> {
        let written = if cluster {
            self.catalog.cluster_templates.get(name)?
        } else {
            self.catalog.templates.get(&NamespacedName::new(self.namespace, name))?
        };
        Some((&written.object.spec, written.places()))
    }
}

/// The WorkflowTemplates of all namespaces of a catalog by their names alone, and those that are in none.
#[derive(Debug, Clone)]
pub struct TemplatesOfAll<'a> {
    catalog: &'a Catalog,
    by_name: BTreeMap<&'a str, &'a Written<WorkflowTemplate>>,
}

impl FindTemplate for TemplatesOfAll<'_> {
    fn find(&self, name: &str, cluster: bool) -> Option<(&WorkflowSpec, &Places)> {
        let written =
            if cluster { self.catalog.cluster_templates.get(name)? } else { *self.by_name.get(name)? };
        Some((&written.object.spec, written.places()))
    }
}
