//! The words of a refusal: which rules made it, which facts it lacked, what would help.
//! Not here: the verdict, which is made before a word is said (see `decide`).

use std::collections::BTreeSet;

use cedar_policy::Effect;
use identity::PrincipalKind;
use model::{
    ScopeRef,
    catalog::Catalog,
    oam::{Subject, Via},
};

use crate::{
    Decision, RuleRef,
    compile::StaffWords,
    decide::{Court, Heard},
    names::Kind,
    request::{Asked, given},
    rule::{Fact, Remedy, Rule},
    site::Site,
    words,
};

/// Puts a refusal into words.
pub(crate) fn refusal(
    decision: &mut Decision,
    heard: &Heard<'_>,
    asked: &Asked<'_>,
    site: &Site<'_>,
    court: &Court<'_>,
) {
    let (catalog, staff) = (court.catalog, &court.compiled.staff);
    if !heard.errors.is_empty() {
        decision.rules.push(built_in(
            "fail closed",
            "a decision that cannot be made without error is a refusal".to_owned(),
        ));
        decision
            .advice
            .push("tell whoever runs this server; the errors are listed with the decision".to_owned());
    } else if !heard.permitted() {
        let (rule, advice) = unpermitted(asked, site, staff);
        decision.rules.push(rule);
        decision.advice.push(advice);
    }
    let determining = |rule: &&&Rule| {
        rule.policy.effect() == Effect::Forbid && heard.determining.contains(rule.policy.id())
    };
    let forbids: Vec<&Rule> = heard.rules.iter().filter(determining).copied().collect();
    for rule in &forbids {
        decision.rules.push(rule.shown.clone());
        help(decision, rule, asked, catalog);
    }
    if forbids.iter().any(|rule| rule.bound.is_some()) {
        decision.advice.extend(who_would_do(heard, asked, site));
    }
    let mut said = BTreeSet::new();
    decision.advice.retain(|sentence| said.insert(sentence.clone()));
    decision.missing.sort();
    decision.missing.dedup();
}

fn built_in(id: &str, says: String) -> RuleRef {
    RuleRef { id: id.to_owned(), says, place: None }
}

/// Adds what would help against one prohibition.
fn help(decision: &mut Decision, rule: &Rule, asked: &Asked<'_>, catalog: &Catalog) {
    let via = asked.facts.via;
    let wanted =
        || rule.bound.as_ref().map_or_else(String::new, |bound| words::subjects(bound.subjects(via)));
    let act = words::act(asked.action);
    let sentence = match &rule.remedy {
        Remedy::Say(text) => text.clone(),
        Remedy::ListedByScope(scope) => {
            let owners = owners(catalog, std::slice::from_ref(scope));
            format!(
                "scope `{scope}` lets only these {act}: {}; to be let in, ask an owner of the scope ({owners})",
                wanted()
            )
        }
        Remedy::ListedByApplication { lister, scopes } => {
            let owners = owners(catalog, scopes);
            format!("{lister} names only: {}; to be named, ask an owner of its scopes ({owners})", wanted())
        }
        Remedy::Excluded { whom, scopes } => {
            let owners = owners(catalog, scopes);
            format!(
                "a policy excludes {whom}; let somebody else {act}, or ask an owner of the component's scopes ({owners}) to change it"
            )
        }
        Remedy::Overridable(names) => {
            let extra: Vec<&String> =
                asked.facts.overrides.iter().filter(|name| !names.contains(name)).collect();
            format!(
                "leave out {}: it is not among the parameters that may be set ({})",
                words::quoted(&extra),
                words::quoted(names)
            )
        }
        Remedy::Fact { name, how } => {
            if lacks(asked, *name) {
                decision.missing.push(name.name().to_owned());
            }
            how.clone()
        }
    };
    decision.advice.push(sentence);
}

/// Returns whether the request lacks the fact altogether.
fn lacks(asked: &Asked<'_>, fact: Fact) -> bool {
    match fact {
        Fact::Mfa => true,
        Fact::AuthAge => crate::facts::auth_age(asked.principal, asked.now).is_none(),
        Fact::Reason => given(asked.facts.reason.as_deref()).is_none(),
        Fact::Ticket => given(asked.facts.ticket.as_deref()).is_none(),
    }
}

fn owners(catalog: &Catalog, scopes: &[ScopeRef]) -> String {
    let owners: BTreeSet<&Subject> = scopes
        .iter()
        .filter_map(|scope| catalog.scope(scope))
        .flat_map(|written| &written.object.spec.owners)
        .collect();
    words::subjects(owners)
}

/// Returns who is on every list that has a say, whether this request met it or not.
fn who_would_do(heard: &Heard<'_>, asked: &Asked<'_>, site: &Site<'_>) -> Option<String> {
    let via = asked.facts.via.or_else(|| Some(Via::Manual).filter(|_| asked.action == "submit"));
    let concerned = heard
        .rules
        .iter()
        .filter(|rule| {
            rule.policy.effect() == Effect::Forbid && rule.concern.applies(asked.facts, site.chain.first())
        })
        .filter_map(|rule| rule.bound.as_ref());
    let lists: BTreeSet<BTreeSet<&Subject>> =
        concerned.map(|bound| bound.subjects(via).into_iter().collect()).collect();
    if lists.len() < 2 {
        return None;
    }
    let on_all = |subject: &&Subject| lists.iter().all(|list| list.contains(*subject));
    let common: BTreeSet<&Subject> = lists.first()?.iter().copied().filter(on_all).collect();
    Some(if common.is_empty() {
        let each: Vec<String> = lists.iter().map(|list| words::subjects(list.iter().copied())).collect();
        format!("it takes somebody who is on each of these lists: {}", each.join("; "))
    } else {
        format!("these are on every list that bounds it: {}", words::subjects(common))
    })
}

/// Explains that nothing permits it.
fn unpermitted(asked: &Asked<'_>, site: &Site<'_>, staff: &StaffWords) -> (RuleRef, String) {
    let runner_acts = [
        "startPod",
        "killPod",
        "mintCredential",
        "advance",
        "assumeRole",
        "memoize",
        "useSecrets",
        "moveArtifacts",
        "collectArtifacts",
        "performTask",
        "collectPods",
        "expireRun",
        "advanceCron",
    ];
    if asked.run.is_some() {
        let says = "in the name of a run, only the steps of that very run are allowed".to_owned();
        if !runner_acts.contains(&asked.action) || asked.run != site.run.map(|run| run.id) {
            return (
                built_in("a run acts for itself alone", says),
                "ask as the person, not through the run".to_owned(),
            );
        }
    } else if runner_acts.contains(&asked.action) {
        let says = "only the runner does this, in the name of the run".to_owned();
        return (
            built_in("asked by the runner alone", says),
            "submit a run; its steps are started for you".to_owned(),
        );
    }
    match asked.action {
        "viewAudit" => {
            let says = "only auditors read the audit log".to_owned();
            (built_in("auditors only", says), format!("ask one of the auditors ({})", staff.auditors))
        }
        "apply" => {
            let says = "a change outside every existing scope is for administrators; inside, for the owners of each scope it touches";
            (
                built_in("administrators only", says.to_owned()),
                format!("ask an administrator ({})", staff.administrators),
            )
        }
        _ => unscoped(asked, site, &staff.administrators),
    }
}

fn unscoped(asked: &Asked<'_>, site: &Site<'_>, administrators: &str) -> (RuleRef, String) {
    let rule = |says: String| built_in("denied by default", says);
    let id = words::plain(&site.id);
    let act = words::act(asked.action);
    match site.kind {
        Kind::Component if site.component.is_none() => (
            rule(format!("there is no component `{id}`")),
            "check the name: it is NAMESPACE/APPLICATION/COMPONENT, and its application must have been applied".to_owned(),
        ),
        Kind::Component => (
            rule(format!("component `{id}` lies in no scope, and without a scope nobody may {act}")),
            format!("name an IdentityScope under `components[].scopes` of its application; an administrator ({administrators}) can apply it"),
        ),
        Kind::Namespace => (
            rule(format!("namespace `{id}` has no root scope, and without a scope nobody may {act}")),
            format!(
                "use a component that lies in a scope, or let an administrator ({administrators}) apply an IdentityScope with `namespaceRoot: true`"
            ),
        ),
        Kind::Run if site.scoped => (
            rule("the component of this run no longer exists, and with it went its gates".to_owned()),
            "apply the application again, or stop the run".to_owned(),
        ),
        Kind::Run => (
            rule(format!("a scope that bounded this run no longer exists, and without it nobody may {act}")),
            format!("an administrator ({administrators}) can apply the scope or the application again"),
        ),
        _ => {
            let kind = match asked.principal.kind {
                PrincipalKind::User => "person",
                PrincipalKind::Workload => "machine",
            };
            (rule(format!("no rule lets this {kind} {act}")), "ask whoever runs this server".to_owned())
        }
    }
}
