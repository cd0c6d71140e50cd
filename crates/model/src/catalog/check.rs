//! The check of everything against everything, in the order in which one needs the other: scopes,
//! definitions, templates, components.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BoundComponent, Catalog, ParameterSchema,
    component::{Binder, Bound},
    faults::{BOUND_TWICE, DEFINED_TWICE, NOT_CARRIED_OUT},
    inventory::Inventory,
    rule, scope,
};
use crate::{
    argo::{self, WorkflowTemplate},
    fault::Fault,
    manifest::{Manifest, Written},
    name::{ComponentRef, NamespacedName},
    oam::Application,
};

pub(super) fn check(manifests: Vec<Manifest>) -> Result<Catalog, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut inventory = Inventory::of(manifests, &mut faults);
    let roots = scope::check_all(&inventory.scopes, &mut faults);
    let mut catalog = Catalog { roots, scopes: std::mem::take(&mut inventory.scopes), ..Catalog::default() };
    catalog.templates = std::mem::take(&mut inventory.templates);
    catalog.cluster_templates = std::mem::take(&mut inventory.cluster_templates);
    catalog.cron_workflows = std::mem::take(&mut inventory.cron_workflows);
    catalog.event_bindings = std::mem::take(&mut inventory.event_bindings);
    catalog.config_maps = std::mem::take(&mut inventory.config_maps);
    catalog.secrets = std::mem::take(&mut inventory.secrets);
    catalog.volume_claims = std::mem::take(&mut inventory.volume_claims);
    let (components, schemas) = components(&inventory, &mut catalog, &mut faults);
    faults.extend(argo_faults(&catalog));
    for component in components {
        if let Some(first) = catalog.by_template.get(&component.template) {
            let message =
                format!("WorkflowTemplate `{}` already belongs to component `{first}`", component.template);
            let help = "a WorkflowTemplate belongs to one component, so that its runs have one set of rules";
            faults.push(Fault::new(BOUND_TWICE, message).at(component.place).help(help));
            continue;
        }
        catalog.by_template.insert(component.template.clone(), component.component.clone());
        catalog.components.insert(component.component.clone(), component);
    }
    catalog.schemas = schemas;
    // a definition that several components use is found wanting by each of them
    let mut told = BTreeSet::new();
    faults.retain(|fault| told.insert(fault.to_string()));
    if faults.is_empty() { Ok(catalog) } else { Err(faults) }
}

/// Returns the faults of Argo's objects.
fn argo_faults(catalog: &Catalog) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, template) in &catalog.templates {
        let find = catalog.templates_of(&name.namespace);
        faults.extend(check_template(&find, argo::Mode::Template, template));
    }
    let find = catalog.templates_of_all();
    for template in catalog.cluster_templates.values() {
        faults.extend(check_template(&find, argo::Mode::ClusterTemplate, template));
    }
    for (name, cron) in &catalog.cron_workflows {
        let find = catalog.templates_of(&name.namespace);
        faults.extend(argo::validate_cron_workflow(&cron.object, &find, cron.places(), None).faults);
    }
    for (name, binding) in &catalog.event_bindings {
        let find = catalog.templates_of(&name.namespace);
        faults.extend(argo::validate_event_binding(&binding.object, &find, binding.places()).faults);
    }
    faults
}

fn check_template(
    find: &dyn argo::FindTemplate,
    mode: argo::Mode,
    template: &Written<WorkflowTemplate>,
) -> Vec<Fault> {
    let metadata = &template.object.metadata;
    let places = template.places();
    let validation =
        argo::Validation { mode, templates: find, places, metadata: Some(metadata), defaults: None };
    let mut faults = argo::validate_name(mode, &metadata.name, places);
    faults.extend(argo::validate(&template.object.spec, &validation));
    faults
}

/// Binds every component of every Application; templates that definitions carry are installed in `catalog`.
fn components(
    inventory: &Inventory,
    catalog: &mut Catalog,
    faults: &mut Vec<Fault>,
) -> (Vec<BoundComponent>, BTreeMap<ComponentRef, ParameterSchema>) {
    let (mut all, mut schemas) = (Vec::new(), BTreeMap::new());
    for (name, application) in &inventory.applications {
        faults.extend(application_faults(application));
        let binder = Binder { inventory, application, namespace: &name.namespace };
        let mut of_it: Vec<Bound> = Vec::new();
        for index in 0..application.object.spec.components.len() {
            if let Some(mut bound) = binder.bind(catalog, index, faults) {
                if let Some(template) = bound.installs.take() {
                    install(catalog, &bound.component.template, template, faults);
                }
                binder.bind_traits(catalog, index, &mut bound.component, faults);
                of_it.push(bound);
            }
        }
        let all_bound = of_it.len() == application.object.spec.components.len();
        let parameters =
            of_it.iter().flat_map(|bound| bound.template_parameters.iter().map(String::as_str)).collect();
        let known = all_bound.then_some(&parameters);
        let policies = rule::policies(inventory, application, &name.namespace, known, faults);
        for mut bound in of_it {
            bound.component.policies.clone_from(&policies);
            schemas.insert(bound.component.component.clone(), bound.schema);
            all.push(bound.component);
        }
    }
    (all, schemas)
}

fn install(
    catalog: &mut Catalog,
    name: &NamespacedName,
    template: Written<WorkflowTemplate>,
    faults: &mut Vec<Fault>,
) {
    match catalog.templates.get(name) {
        Some(other) if other.object.spec != template.object.spec => {
            let wherever =
                other.place.as_ref().map_or_else(String::new, |place| format!(", first at {place}"));
            let message = format!("WorkflowTemplate `{name}` is defined twice{wherever}");
            faults.push(Fault::new(DEFINED_TWICE, message).at(template.place));
        }
        Some(_) => {}
        None => drop(catalog.templates.insert(name.clone(), template)),
    }
}

/// Returns what is wrong with an Application as such.
fn application_faults(application: &Written<Application>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, component) in application.object.spec.components.iter().enumerate() {
        let path = format!("spec.components[{index}]");
        if let Err(fault) = crate::name::check_subdomain("the component's name", &component.name) {
            faults.push(fault.at(application.place_of(&format!("{path}.name"))));
        }
        if let Some(first) = names.insert(&component.name, index) {
            let message =
                format!("component `{}` is defined twice, first as number {}", component.name, first + 1);
            faults.push(Fault::new(DEFINED_TWICE, message).at(application.place_of(&format!("{path}.name"))));
        }
        for field in component.rest.keys() {
            faults.push(not_carried_out(field).at(application.place_of(&format!("{path}.{field}"))));
        }
    }
    for field in application.object.spec.rest.keys() {
        faults.push(not_carried_out(field).at(application.place_of(&format!("spec.{field}"))));
    }
    faults
}

fn not_carried_out(field: &str) -> Fault {
    Fault::new(NOT_CARRIED_OUT, format!("`{field}` is not carried out here"))
        .help("take it out: what is written must have an effect")
}
