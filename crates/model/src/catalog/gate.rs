//! Gates of the approval trait: each is a suspend node that opens by nothing else, and lies within the scopes.

use std::collections::BTreeSet;

use super::{
    BoundComponent, Catalog,
    faults::{ABOVE_CEILING, BAD_DURATION, BAD_GATE},
};
use crate::{
    argo::{Call, SuspendTemplate, Template, WorkflowSpec},
    duration::go_duration_ms,
    fault::Fault,
    manifest::Written,
    name::NamespacedName,
    oam::{ApprovalTrait, Gate},
    yaml::did_you_mean,
};

/// How long a gate stays open if neither trait nor scope says.
pub(crate) const DEFAULT_EXPIRY_MS: u64 = 24 * 60 * 60 * 1000;

/// A suspend node as a gate may name it: by its step, its task or its template.
struct Suspended<'a> {
    name: &'a str,
    suspend: &'a SuspendTemplate,
}

pub(super) fn check_all(
    catalog: &Catalog,
    bound: &BoundComponent,
    written: &Written<ApprovalTrait>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Some(template) = catalog.template(&bound.template) else { return faults };
    let nodes = suspended(catalog, &bound.template.namespace, &template.spec);
    let mut seen = BTreeSet::new();
    if written.object.gates.is_empty() {
        faults.push(Fault::new(BAD_GATE, "`approval` names no gates").at(written.place_of("gates")));
    }
    for (index, gate) in written.object.gates.iter().enumerate() {
        let fault = |code, message: String, field: &str| {
            Fault::new(code, message).at(written.place_of(&format!("gates[{index}]{field}")))
        };
        if !seen.insert(gate.node.as_str()) {
            faults.push(fault(BAD_GATE, format!("gate `{}` is defined twice", gate.node), ".node"));
        }
        if !nodes.iter().any(|node| node.name == gate.node) {
            let known: Vec<&str> = nodes.iter().map(|node| node.name).collect();
            let message =
                format!("WorkflowTemplate `{}` has no suspend node `{}`", bound.template, gate.node);
            let mut fault = fault(BAD_GATE, message, ".node");
            fault.help = did_you_mean(&gate.node, &known);
            faults.push(fault);
        }
        if nodes.iter().any(|node| node.name == gate.node && !node.suspend.duration.is_empty()) {
            let message = format!(
                "the suspend node `{}` goes on by itself after its `duration`, so it is no gate",
                gate.node
            );
            faults.push(fault(BAD_GATE, message, ".node").help("take the `duration` out of the template"));
        }
        if gate.min == Some(0) {
            faults.push(fault(
                BAD_GATE,
                format!("gate `{}` would open without anybody: `min` must be at least 1", gate.node),
                ".min",
            ));
        }
        if gate.not_triggerer == Some(false) {
            let message = format!("gate `{}` would let people approve their own runs", gate.node);
            faults.push(
                fault(BAD_GATE, message, ".notTriggerer")
                    .help("take `notTriggerer` out: nobody approves what they started"),
            );
        }
        faults.extend(within_scopes(catalog, bound, gate, &fault));
    }
    faults
}

fn within_scopes(
    catalog: &Catalog,
    bound: &BoundComponent,
    gate: &Gate,
    fault: &impl Fn(crate::Code, String, &str) -> Fault,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let expiry = gate.expires_after.as_deref().map(go_duration_ms);
    match expiry {
        Some(Err(ref error)) => faults.push(fault(BAD_DURATION, error.to_string(), ".expiresAfter")),
        Some(Ok(0)) => {
            faults.push(fault(BAD_GATE, format!("gate `{}` would never be open", gate.node), ".expiresAfter"))
        }
        _ => {}
    }
    if gate.approvers.is_empty() {
        faults.push(fault(
            BAD_GATE,
            format!("gate `{}` names nobody who may approve", gate.node),
            ".approvers",
        ));
    }
    for scope in bound.scopes.iter().filter_map(|name| catalog.scope(name)) {
        let (name, spec) = (&scope.object.metadata.name, &scope.object.spec);
        for (index, approver) in gate.approvers.iter().enumerate() {
            if !spec.approvers.contains(approver) {
                let message = format!(
                    "gate `{}`: `{approver}` is not among the approvers of scope `{name}`",
                    gate.node
                );
                let wherever = scope
                    .place_of("spec.approvers")
                    .map(|place| format!(", see {place}"))
                    .unwrap_or_default();
                let help = format!("only the scope's owners can add approvers{wherever}");
                faults.push(fault(ABOVE_CEILING, message, &format!(".approvers[{index}]")).help(help));
            }
        }
        let most = spec.approvals.as_ref().and_then(|approvals| approvals.expires_after.as_deref());
        if let (Some(Ok(asked)), Some(text), Some(Ok(most))) = (&expiry, most, most.map(go_duration_ms))
            && *asked > most
        {
            let message =
                format!("gate `{}` stays open longer than the {text} that scope `{name}` allows", gate.node);
            faults.push(fault(ABOVE_CEILING, message, ".expiresAfter"));
        }
    }
    faults
}

/// Returns every suspend node of a workflow by each of its names.
fn suspended<'a>(catalog: &'a Catalog, namespace: &str, spec: &'a WorkflowSpec) -> Vec<Suspended<'a>> {
    let own = |name: &str| spec.templates.iter().find(|template| template.name == name);
    let foreign = |name: &str, template: &str| -> Option<&'a Template> {
        let other = catalog.template(&NamespacedName::new(namespace, name))?;
        other.spec.templates.iter().find(|other| other.name == template)
    };
    let mut nodes = Vec::new();
    let mut call = |name: &'a str, call: &'a Call| {
        let by_reference = call.template_ref.as_ref().and_then(|r| foreign(&r.name, &r.template));
        let called = call.inline.as_deref().or(by_reference).or_else(|| own(&call.template));
        if let Some(suspend) = called.and_then(|template| template.suspend.as_ref()) {
            nodes.push(Suspended { name, suspend });
        }
    };
    for template in &spec.templates {
        template
            .steps
            .iter()
            .flatten()
            .flat_map(|group| &group.0)
            .for_each(|step| call(&step.name, &step.call));
        template.dag.iter().flat_map(|dag| &dag.tasks).for_each(|task| call(&task.name, &task.call));
    }
    for template in &spec.templates {
        nodes.extend(template.suspend.as_ref().map(|suspend| Suspended { name: &template.name, suspend }));
    }
    nodes
}
