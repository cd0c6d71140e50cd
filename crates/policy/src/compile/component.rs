//! What a component's traits and access policies forbid. A trait asks for a way in and says for whom; nobody else
//! comes in by it. The scopes' lists hold beside it.
//! Not here: conditions of access policies (see `access`).

use model::{
    catalog::BoundComponent,
    manifest::Written,
    oam::{Gate, ManualTrigger, Via},
};

use crate::{
    est,
    names::Kind,
    rule::{Bound, Concern, Draft, Fact, Remedy},
    words,
};

/// Returns what the component's traits forbid.
pub(super) fn drafts(component: &BoundComponent) -> Vec<Draft> {
    let mut drafts = match &component.manual_trigger {
        Some(manual) => manual_trigger(component, manual),
        None => vec![no_manual_trigger(component)],
    };
    drafts.push(overridable(component));
    drafts.extend(gates(component));
    drafts
}

/// Returns a prohibition for the resources of this component.
pub(super) fn forbid(
    component: &BoundComponent,
    what: &str,
    actions: &[&'static str],
    says: String,
) -> Draft {
    Draft::forbid(format!("component {} {what}", component.component), actions, says)
        .within(Kind::Component, component.component.to_string())
        .at(component.place.clone())
}

fn no_manual_trigger(component: &BoundComponent) -> Draft {
    let says = format!(
        "component `{}` has no `manual-trigger` trait: nobody asked for starting it by hand",
        component.component
    );
    let how =
        "to be able to start it by hand, its application must list a `manual-trigger` trait and be applied"
            .to_owned();
    forbid(component, "without manual-trigger", &["submit"], says)
        .when(est::equal(est::context("via"), est::via(Via::Manual)))
        .concerns(Concern::ByHand)
        .remedy(Remedy::Say(how))
}

fn manual_trigger(component: &BoundComponent, manual: &Written<ManualTrigger>) -> Vec<Draft> {
    let by_hand = || est::equal(est::context("via"), est::via(Via::Manual));
    let by = &manual.object.by;
    let says = format!(
        "the `manual-trigger` trait of `{}` lets these start it by hand: {}",
        component.component,
        words::subjects(by)
    );
    let lister = format!("the `manual-trigger` trait of `{}`", component.component);
    let who = forbid(component, "manual-trigger by", &["submit"], says)
        .when(by_hand())
        .unless(est::is_one_of(by))
        .at(manual.place_of("by"))
        .concerns(Concern::ByHand)
        .lists(
            Bound::Subjects(by.clone()),
            Remedy::ListedByApplication { lister, scopes: component.scopes.clone() },
        );
    let mut drafts = vec![who];
    if manual.object.require_reason.unwrap_or(true) {
        let says = format!("the `manual-trigger` trait of `{}` asks for a reason", component.component);
        let reason = forbid(component, "manual-trigger requireReason", &["submit"], says)
            .when(by_hand())
            .unless(est::has(serde_json::json!({ "Var": "context" }), "reason"))
            .at(manual.place_of("requireReason"))
            .concerns(Concern::ByHand)
            .remedy(Remedy::Fact { name: Fact::Reason, how: "give a reason: `--reason TEXT`".to_owned() });
        drafts.push(reason);
    }
    drafts
}

fn overridable(component: &BoundComponent) -> Draft {
    let names =
        component.manual_trigger.as_ref().map(|manual| manual.object.overridable.clone()).unwrap_or_default();
    let place = component.manual_trigger.as_ref().and_then(|manual| manual.place_of("overridable"));
    let says = format!(
        "parameters of `{}` that may be set when starting it: {}",
        component.component,
        words::quoted(&names)
    );
    let allowed = if names.is_empty() {
        est::is_empty(est::context("overrides"))
    } else {
        est::binary("containsAll", est::strings(&names), est::context("overrides"))
    };
    forbid(component, "overridable", &["submit"], says)
        .unless(allowed)
        .at(place.or_else(|| component.place.clone()))
        .concerns(Concern::Overrides)
        .remedy(Remedy::Overridable(names))
}

fn gates(component: &BoundComponent) -> Vec<Draft> {
    let gates: &[Gate] = component.approval.as_ref().map_or(&[], |approval| &approval.object.gates);
    let place = |path: &str| {
        component
            .approval
            .as_ref()
            .map_or_else(|| component.place.clone(), |approval| approval.place_of(path))
    };
    let names: Vec<&str> = gates.iter().map(|gate| gate.node.as_str()).collect();
    let says = format!("gates of `{}`: {}", component.component, words::quoted(&names));
    let only = forbid(component, "gates", &["approve", "deny"], says).at(place("gates")).remedy(Remedy::Say(
        format!("decide one of the gates that `{}` has: {}", component.component, words::quoted(&names)),
    ));
    let only = if names.is_empty() {
        only
    } else {
        only.unless(est::binary("contains", est::strings(&names), est::context("gate")))
    };
    let mut drafts = vec![only];
    for (index, gate) in gates.iter().enumerate() {
        let path = format!("gates[{index}].approvers");
        drafts.push(approvers(component, index.saturating_add(1), gate).at(place(&path)));
    }
    drafts
}

fn approvers(component: &BoundComponent, number: usize, gate: &Gate) -> Draft {
    let node = words::plain(&gate.node);
    let says = format!(
        "gate `{node}` of `{}` lets these decide: {}",
        component.component,
        words::subjects(&gate.approvers)
    );
    forbid(component, &format!("gate {number} approvers"), &["approve", "deny"], says)
        .when(est::equal(est::context("gate"), est::literal(gate.node.as_str())))
        .unless(est::is_one_of(&gate.approvers))
        .concerns(Concern::Gate(gate.node.clone()))
        .lists(
            Bound::Subjects(gate.approvers.clone()),
            Remedy::ListedByApplication {
                lister: format!("gate `{node}` of `{}`", component.component),
                scopes: component.scopes.clone(),
            },
        )
}
