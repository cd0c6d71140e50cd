//! The objects by kind and name, before anything is said about how they fit.

use std::collections::BTreeMap;

use super::faults::{DEFINED_TWICE, NOT_CARRIED_OUT};
use crate::{
    argo::{CronWorkflow, WorkflowEventBinding, WorkflowTemplate},
    core::{ConfigMap, PersistentVolumeClaim, Secret},
    fault::Fault,
    manifest::{BAD_OBJECT, Manifest, Written},
    name::NamespacedName,
    oam::{
        AccessPolicyObject, Application, ComponentDefinition, IdentityScope, ScopeDefinition,
        TraitDefinition, WorkloadDefinition,
    },
};

/// The namespace of objects that name none.
pub(super) const DEFAULT_NAMESPACE: &str = "default";
/// Where definitions are looked for after the Application's own namespace, in this order; the empty
/// namespace holds those of all namespaces. Source: KubeVela `pkg/oam/util/helper.go`.
const SHARED_NAMESPACES: [&str; 2] = ["", "vela-system"];

type Objects<T> = BTreeMap<NamespacedName, Written<T>>;

#[derive(Default)]
pub(super) struct Inventory {
    pub(super) applications: Objects<Application>,
    pub(super) component_definitions: Objects<ComponentDefinition>,
    pub(super) trait_definitions: Objects<TraitDefinition>,
    pub(super) scope_definitions: Objects<ScopeDefinition>,
    pub(super) workload_definitions: Objects<WorkloadDefinition>,
    pub(super) scopes: Objects<IdentityScope>,
    pub(super) access_policies: Objects<AccessPolicyObject>,
    pub(super) templates: Objects<WorkflowTemplate>,
    pub(super) cluster_templates: BTreeMap<String, Written<WorkflowTemplate>>,
    pub(super) cron_workflows: Objects<CronWorkflow>,
    pub(super) event_bindings: Objects<WorkflowEventBinding>,
    pub(super) config_maps: Objects<ConfigMap>,
    pub(super) secrets: Objects<Secret>,
    pub(super) volume_claims: Objects<PersistentVolumeClaim>,
}

impl Inventory {
    pub(super) fn of(manifests: Vec<Manifest>, faults: &mut Vec<Fault>) -> Self {
        let mut inventory = Self::default();
        let mut seen: BTreeMap<(&'static str, String, String), Option<crate::Place>> = BTreeMap::new();
        for mut manifest in manifests {
            manifest.default_namespace(DEFAULT_NAMESPACE);
            let key = manifest.key();
            if key.2.is_empty() && key.0 != "Workflow" {
                let fault = Fault::new(BAD_OBJECT, format!("the {} has no `metadata.name`", key.0));
                faults.push(fault.at(manifest.place()).help("what is applied needs a name of its own"));
                continue;
            }
            if let Some(first) = seen.insert(key.clone(), manifest.place()) {
                let (kind, namespace, name) = key;
                let wherever = first.map_or_else(String::new, |place| format!(", first at {place}"));
                let message = format!("{kind} `{namespace}/{name}` is defined twice{wherever}");
                faults.push(
                    Fault::new(DEFINED_TWICE, message).at(manifest.place()).help("keep one of the two"),
                );
                continue;
            }
            faults.extend(inventory.put(manifest));
        }
        inventory
    }

    fn put(&mut self, manifest: Manifest) -> Option<Fault> {
        let (_, namespace, name) = manifest.key();
        let name = NamespacedName::new(namespace, name);
        match manifest {
            Manifest::Application(written) => drop(self.applications.insert(name, written)),
            Manifest::ComponentDefinition(written) => drop(self.component_definitions.insert(name, written)),
            Manifest::TraitDefinition(written) => drop(self.trait_definitions.insert(name, written)),
            Manifest::ScopeDefinition(written) => drop(self.scope_definitions.insert(name, written)),
            Manifest::WorkloadDefinition(written) => drop(self.workload_definitions.insert(name, written)),
            // nothing is read out of it: the one type of policy that is carried out is built in
            Manifest::PolicyDefinition(_) => {}
            Manifest::IdentityScope(written) => drop(self.scopes.insert(name, written)),
            Manifest::AccessPolicy(written) => drop(self.access_policies.insert(name, written)),
            Manifest::WorkflowTemplate(written) => drop(self.templates.insert(name, written)),
            Manifest::Workflow(written) => {
                let message =
                    format!("Workflow `{name}` is a run, not something at rest that can be applied");
                return Some(
                    Fault::new(NOT_CARRIED_OUT, message).at(written.place).help("submit it instead"),
                );
            }
            Manifest::ClusterWorkflowTemplate(written) => {
                drop(self.cluster_templates.insert(name.name, written));
            }
            Manifest::CronWorkflow(written) => drop(self.cron_workflows.insert(name, written)),
            Manifest::WorkflowEventBinding(written) => drop(self.event_bindings.insert(name, written)),
            Manifest::ConfigMap(written) => drop(self.config_maps.insert(name, written)),
            Manifest::Secret(written) => drop(self.secrets.insert(name, written)),
            Manifest::PersistentVolumeClaim(written) => drop(self.volume_claims.insert(name, written)),
        }
        None
    }
}

/// Returns the definition that `name` means to an Application in `namespace`: its own, or a shared one.
pub(super) fn find_definition<'a, T>(
    definitions: &'a Objects<T>,
    namespace: &str,
    name: &str,
) -> Option<(&'a NamespacedName, &'a Written<T>)> {
    std::iter::once(namespace)
        .chain(SHARED_NAMESPACES)
        .find_map(|namespace| definitions.get_key_value(&NamespacedName::new(namespace, name)))
}
