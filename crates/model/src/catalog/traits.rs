//! Traits of a component: that they exist, fit the workload and each other, and ask for no more than the
//! scopes allow. A trait that nothing carries out is refused (OAM `6.traits.md`: it must be fulfilled or fail).

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    BoundComponent, Catalog,
    component::Binder,
    definition::WORKLOAD,
    faults::{BAD_DEFINITION, BAD_PROPERTIES, BAD_TRAIT, NOT_CARRIED_OUT, UNKNOWN_REFERENCE},
    gate,
    inventory::find_definition,
};
use crate::{
    fault::Fault,
    manifest::Written,
    oam::{Component, ManualTrigger, Trait, TraitDefinition},
    yaml::{self, Document, did_you_mean},
};

/// The capability of the trait by which people start runs.
const MANUAL_TRIGGER: &str = "manualtriggers.marque.dev";
/// The capability of the trait that binds suspend nodes to approvers.
const APPROVAL: &str = "approvals.marque.dev";
/// The capability of the trait that forbids automatic starts; there are none.
const MANUAL_ONLY: &str = "manualonlies.marque.dev";

/// Returns what uniquely names the capability that a definition stands for (OAM `6.traits.md`, `5.application_scopes.md`).
pub(super) fn capability(spec: &Value, name: &str) -> String {
    let reference =
        spec.get("definitionRef").and_then(|reference| reference.get("name")).and_then(Value::as_str);
    reference.unwrap_or(name).to_owned()
}

struct Attached<'a> {
    index: usize,
    attached: &'a Trait,
    definition: &'a Written<TraitDefinition>,
    capability: String,
}

/// Reads the traits of a component into `bound`.
pub(super) fn bind(
    binder: &Binder<'_>,
    catalog: &Catalog,
    (index, component): (usize, &Component),
    bound: &mut BoundComponent,
    faults: &mut Vec<Fault>,
) {
    let mut attached: Vec<Attached<'_>> = Vec::new();
    for (position, one) in component.traits.iter().enumerate() {
        let path = format!(".traits[{position}]");
        let definitions = &binder.inventory.trait_definitions;
        let Some((_, definition)) = find_definition(definitions, binder.namespace, &one.trait_type) else {
            let message = format!("TraitDefinition `{}` does not exist", one.trait_type);
            let mut fault = binder.fault(UNKNOWN_REFERENCE, message, index, &format!("{path}.type"));
            let known: Vec<&str> = definitions.keys().map(|known| known.name.as_str()).collect();
            fault.help = did_you_mean(&one.trait_type, &known);
            faults.push(fault);
            continue;
        };
        let capability = capability(&definition.object.spec, &one.trait_type);
        if attached.iter().any(|other| other.capability == capability) {
            let message =
                format!("trait `{}` is attached twice to component `{}`", one.trait_type, component.name);
            faults.push(binder.fault(BAD_TRAIT, message, index, &path).help("put both into one"));
            continue;
        }
        faults.extend(wrong_definition(definition));
        if !applies(binder, &definition.object.spec) {
            let message = format!("trait `{}` does not apply to WorkflowTemplates", one.trait_type);
            faults.push(binder.fault(BAD_TRAIT, message, index, &path));
        }
        attached.push(Attached { index: position, attached: one, definition, capability });
    }
    faults.extend(conflicts(binder, index, &attached));
    for one in &attached {
        let path = format!(".traits[{}]", one.index);
        match one.capability.as_str() {
            MANUAL_TRIGGER => {
                bound.manual_trigger = properties(binder, index, one, faults);
                if let Some(written) = &bound.manual_trigger {
                    faults.extend(manual_trigger(catalog, bound, written));
                }
            }
            APPROVAL => {
                bound.approval = properties(binder, index, one, faults);
                if let Some(written) = &bound.approval {
                    faults.extend(gate::check_all(catalog, bound, written));
                }
            }
            MANUAL_ONLY => {}
            other => {
                let message =
                    format!("trait `{}` (`{other}`) is not carried out here yet", one.attached.trait_type);
                faults.push(
                    binder
                        .fault(NOT_CARRIED_OUT, message, index, &path)
                        .help("take it out: what is asked for must be fulfilled"),
                );
            }
        }
    }
}

fn properties<T: DeserializeOwned>(
    binder: &Binder<'_>,
    index: usize,
    one: &Attached<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Written<T>> {
    let path = format!("spec.components[{index}].traits[{}]", one.index);
    let Some(value) = one.attached.properties.as_ref().filter(|value| value.is_object()) else {
        let message = format!("trait `{}` needs properties", one.attached.trait_type);
        faults.push(Fault::new(BAD_PROPERTIES, message).at(binder.application.place_of(&path)));
        return None;
    };
    let places = binder.application.places().below(&format!("{path}.properties"));
    match yaml::decode(&Document::from_value(value, &places)) {
        Ok(object) => Some(Written::new(object, places)),
        Err(found) => {
            faults.extend(found);
            None
        }
    }
}

fn manual_trigger(catalog: &Catalog, bound: &BoundComponent, written: &Written<ManualTrigger>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if written.object.by.is_empty() {
        let fault = Fault::new(BAD_PROPERTIES, "`manual-trigger` names nobody in `by`");
        faults.push(fault.at(written.place_of("by")));
    }
    let template = catalog.template(&bound.template);
    let known: Vec<&str> =
        template.into_iter().flat_map(|t| &t.spec.arguments.parameters).map(|p| p.name.as_str()).collect();
    for (index, name) in
        written.object.overridable.iter().enumerate().filter(|(_, n)| !known.contains(&n.as_str()))
    {
        let message = format!("WorkflowTemplate `{}` has no parameter `{name}`", bound.template);
        let mut fault =
            Fault::new(BAD_PROPERTIES, message).at(written.place_of(&format!("overridable[{index}]")));
        fault.help = did_you_mean(name, &known);
        faults.push(fault);
    }
    faults
}

fn texts<'a>(spec: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    spec.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Returns the fault of a definition whose lists are no lists of texts, or that names its capability twice.
fn wrong_definition(definition: &Written<TraitDefinition>) -> Option<Fault> {
    let spec = &definition.object.spec;
    let fault = |message: &str, field: &str| {
        let name = &definition.object.metadata.name;
        Fault::new(BAD_DEFINITION, format!("TraitDefinition `{name}`: {message}"))
            .at(definition.place_of(field))
    };
    for field in ["appliesToWorkloads", "conflictsWith"] {
        let list = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
        if spec.get(field).is_some_and(|value| !value.is_null() && !list(value)) {
            return Some(fault(&format!("`{field}` must be a list of texts"), &format!("spec.{field}")));
        }
    }
    let reference = spec.get("definitionRef");
    let has = |field: &str| reference.and_then(|reference| reference.get(field)).is_some();
    match (has("name"), has("apiVersion") || has("kind")) {
        (true, false) => None,
        (false, true) if has("apiVersion") && has("kind") => None,
        _ => Some(fault(
            "`definitionRef` needs either `name`, or `apiVersion` and `kind`",
            "spec.definitionRef",
        )),
    }
}

/// Whether a trait applies to WorkflowTemplates; an empty list applies to everything.
fn applies(binder: &Binder<'_>, spec: &Value) -> bool {
    let mut any = texts(spec, "appliesToWorkloads").peekable();
    any.peek().is_none()
        || any.any(|entry| {
            entry == "*"
                || entry == WORKLOAD
                || entry == "argoproj.io/v1alpha1.WorkflowTemplate"
                || entry
                    .strip_prefix("*.")
                    .is_some_and(|group| WORKLOAD.split_once('.').is_some_and(|(_, of)| of == group))
                || entry.strip_prefix("labelSelector:").is_some_and(|selector| workload_has(binder, selector))
        })
}

/// Whether the workload's definition has the labels of `selector`.
fn workload_has(binder: &Binder<'_>, selector: &str) -> bool {
    let found = find_definition(&binder.inventory.workload_definitions, binder.namespace, WORKLOAD);
    found.is_some_and(|(_, definition)| {
        selects(selector, |label| definition.object.metadata.labels.get(label).map(|v| v.as_str()))
    })
}

/// Whether all of `a=b,c=d` hold.
fn selects<'a>(selector: &str, label: impl Fn(&str) -> Option<&'a str>) -> bool {
    selector.split(',').all(|term| match term.split_once('=') {
        Some((name, value)) => label(name.trim()) == Some(value.trim_start_matches('=').trim()),
        None => label(term.trim()).is_some(),
    })
}

/// Returns a fault for each trait that another one, in either direction, does not stand.
fn conflicts(binder: &Binder<'_>, index: usize, attached: &[Attached<'_>]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (position, later) in attached.iter().enumerate() {
        for earlier in attached.iter().take(position) {
            if stands_not(earlier, later) || stands_not(later, earlier) {
                let message = format!(
                    "trait `{}` conflicts with trait `{}`",
                    later.attached.trait_type, earlier.attached.trait_type
                );
                faults.push(binder.fault(BAD_TRAIT, message, index, &format!(".traits[{}]", later.index)));
            }
        }
    }
    faults
}

fn stands_not(one: &Attached<'_>, other: &Attached<'_>) -> bool {
    texts(&one.definition.object.spec, "conflictsWith").any(|entry| {
        entry == "*"
            || entry == other.attached.trait_type
            || entry == other.definition.object.metadata.name
            || entry == other.capability
            || entry
                .strip_prefix("*.")
                .is_some_and(|group| other.capability.split_once('.').is_some_and(|(_, of)| of == group))
            || entry.strip_prefix("labelSelector:").is_some_and(|selector| {
                selects(selector, |label| {
                    other.definition.object.metadata.labels.get(label).map(|value| value.as_str())
                })
            })
    })
}
