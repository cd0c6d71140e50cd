//! Scopes: they form trees within a namespace, with at most one root for what belongs to no component.

use std::collections::{BTreeMap, BTreeSet};

use super::faults::{BAD_DURATION, BAD_SCOPE, UNKNOWN_REFERENCE};
use crate::{
    duration::go_duration_ms,
    fault::Fault,
    manifest::Written,
    name::ScopeRef,
    oam::{IdentityScope, PARALLELISM_LIMIT},
    yaml::did_you_mean,
};

/// The classes of what a scope bounds, from the least to the most guarded.
const CLASSIFICATIONS: [&str; 4] = ["public", "internal", "confidential", "restricted"];

type Scopes = BTreeMap<ScopeRef, Written<IdentityScope>>;

/// Returns `scope` and its parents, innermost first, as far as they exist; ends even in a circle.
pub(super) fn chain(scopes: &Scopes, scope: &ScopeRef) -> Vec<ScopeRef> {
    let mut chain: Vec<ScopeRef> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next = Some(scope.clone());
    while let Some(name) = next.take() {
        let Some(written) = scopes.get(&name) else { break };
        if !seen.insert(name.clone()) {
            break;
        }
        next = written
            .object
            .spec
            .parent
            .as_ref()
            .map(|parent| ScopeRef::new(name.namespace.clone(), parent.clone()));
        chain.push(name);
    }
    chain
}

/// Checks every scope; returns the root of each namespace.
pub(super) fn check_all(scopes: &Scopes, faults: &mut Vec<Fault>) -> BTreeMap<String, ScopeRef> {
    let mut roots: BTreeMap<String, ScopeRef> = BTreeMap::new();
    for (name, written) in scopes {
        let spec = &written.object.spec;
        faults.extend(check_fields(written));
        if spec.namespace_root
            && let Some(first) = roots.insert(name.namespace.clone(), name.clone())
        {
            let message = format!(
                "namespace `{}` has two root scopes, `{}` and `{}`",
                name.namespace, first.name, name.name
            );
            faults.push(Fault::new(BAD_SCOPE, message).at(written.place_of("spec.namespaceRoot")));
        }
        if let Some(parent) = &spec.parent
            && !scopes.contains_key(&ScopeRef::new(name.namespace.clone(), parent.clone()))
        {
            let known: Vec<&str> =
                scopes.keys().filter(|s| s.namespace == name.namespace).map(|s| s.name.as_str()).collect();
            let message = format!("parent `{parent}` of scope `{name}` does not exist");
            let mut fault = Fault::new(UNKNOWN_REFERENCE, message).at(written.place_of("spec.parent"));
            fault.help = did_you_mean(parent, &known);
            faults.push(fault);
        }
    }
    faults.extend(circles(scopes));
    roots
}

/// Returns one fault for each circle of parents. Every scope is walked once.
fn circles(scopes: &Scopes) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut done: BTreeSet<ScopeRef> = BTreeSet::new();
    for start in scopes.keys() {
        let mut path: Vec<ScopeRef> = Vec::new();
        let mut on_path = BTreeSet::new();
        let mut next = Some(start.clone());
        while let Some(name) = next.take() {
            let Some(written) = scopes.get(&name).filter(|_| !done.contains(&name)) else { break };
            if !on_path.insert(name.clone()) {
                let circle: Vec<&str> =
                    path.iter().skip_while(|s| **s != name).map(|s| s.name.as_str()).collect();
                let message = format!(
                    "scopes are parents of each other in a circle: {} → {}",
                    circle.join(" → "),
                    name.name
                );
                faults.push(Fault::new(BAD_SCOPE, message).at(written.place_of("spec.parent")));
                break;
            }
            let parent = written.object.spec.parent.as_ref();
            next = parent.map(|parent| ScopeRef::new(name.namespace.clone(), parent.clone()));
            path.push(name);
        }
        done.extend(path);
    }
    faults
}

fn check_fields(written: &Written<IdentityScope>) -> Vec<Fault> {
    let spec = &written.object.spec;
    let mut faults = Vec::new();
    if let Some(class) = spec.classification.as_deref().filter(|class| !CLASSIFICATIONS.contains(class)) {
        let class: String = class.chars().take(64).collect();
        let fault = Fault::new(BAD_SCOPE, format!("`{}` is no classification", class.escape_debug()));
        faults.push(
            fault
                .at(written.place_of("spec.classification"))
                .help(format!("known are {}", CLASSIFICATIONS.join(", "))),
        );
    }
    if let Some(limit) = written.object.metadata.labels.get(PARALLELISM_LIMIT) {
        let of_root = spec.namespace_root;
        if !of_root || written.object.parallelism_limit().is_none() {
            let message = format!("the label `{PARALLELISM_LIMIT}` limits nothing");
            let help = if of_root {
                format!("`{}` is no whole number", limit.0.escape_debug())
            } else {
                "only the root scope of a namespace has it".to_owned()
            };
            faults.push(Fault::new(BAD_SCOPE, message).at(written.place_of("metadata.labels")).help(help));
        }
    }
    for (index, triggerer) in spec.triggerers.iter().enumerate().filter(|(_, t)| t.via.is_empty()) {
        let fault = Fault::new(BAD_SCOPE, format!("`{}` may start by no path", triggerer.subject));
        faults.push(
            fault
                .at(written.place_of(&format!("spec.triggerers[{index}].via")))
                .help("name one of `manual`, `cron`, `event`, `api`"),
        );
    }
    let Some(approvals) = &spec.approvals else { return faults };
    if approvals.separation_of_duties == Some(false) {
        let fault = Fault::new(BAD_SCOPE, "separation of duties cannot be switched off");
        faults
            .push(fault.at(written.place_of("spec.approvals.separationOfDuties")).help("take the field out"));
    }
    if let Some(Err(error)) = approvals.expires_after.as_deref().map(go_duration_ms) {
        let fault = Fault::new(BAD_DURATION, error.to_string());
        faults.push(fault.at(written.place_of("spec.approvals.expiresAfter")));
    }
    faults
}
