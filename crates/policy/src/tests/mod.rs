//! Tests of the room as a whole: a small world of scopes, an application, people, and what they ask.

mod built_in;
mod compiling;
mod hostile;
mod law;
mod refusals;
mod runs;
mod table;

use std::sync::Arc;

use identity::{Principal, PrincipalKey, PrincipalKind};
use jiff::Timestamp;
use model::{
    ComponentRef, NamespacedName, RunId, ScopeRef,
    catalog::Catalog,
    fault::Fault,
    manifest,
    oam::{Subject, Via},
};

use crate::{Action, Decision, Rules, RunFacts, ServerPolicy, SubmitRun, SubmitTarget};

/// The moment of every question, unless a test says otherwise.
fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

const DEFINITIONS: &str = include_str!("definitions.yaml");
const WORLD: &str = include_str!("world.yaml");

fn groups(names: &[&str]) -> Vec<Subject> {
    names.iter().map(|name| Subject::Group((*name).to_owned())).collect()
}

fn server() -> ServerPolicy {
    ServerPolicy { administrators: groups(&["admins"]), auditors: groups(&["auditors"]), local: false }
}

fn catalog(texts: &[&str]) -> Result<Arc<Catalog>, Vec<Fault>> {
    let mut manifests = Vec::new();
    for text in texts {
        manifests.extend(manifest::parse("world.yaml", text)?);
    }
    Catalog::check(manifests).map(Arc::new)
}

#[track_caller]
fn rules_of(texts: &[&str], server: &ServerPolicy) -> Rules {
    Rules::compile(catalog(texts).unwrap(), server).unwrap()
}

#[track_caller]
fn world() -> Rules {
    rules_of(&[DEFINITIONS, WORLD], &server())
}

/// Returns the world with `from` replaced by `to`, which must be in it.
#[track_caller]
fn changed(from: &str, to: &str) -> Rules {
    assert!(WORLD.contains(from), "`{from}` is not in the world");
    rules_of(&[DEFINITIONS, &WORLD.replace(from, to)], &server())
}

/// Returns a person whom `corp` vouches for.
fn person(subject: &str, groups: &[&str]) -> Principal {
    let mut groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    groups.sort();
    Principal {
        key: PrincipalKey { issuer: "https://corp.example".to_owned(), subject: subject.to_owned() },
        provider: "corp".to_owned(),
        kind: PrincipalKind::User,
        name: None,
        email: None,
        groups,
        amr: vec!["pwd".to_owned()],
        acr: None,
        auth_time: Some("2026-11-23T11:50:00Z".parse().unwrap()),
    }
}

fn with_second_factor(mut principal: Principal) -> Principal {
    principal.amr = vec!["pwd".to_owned(), "otp".to_owned()];
    principal
}

fn machine(name: &str) -> Principal {
    Principal { kind: PrincipalKind::Workload, amr: Vec::new(), auth_time: None, ..person(name, &[]) }
}

fn operator() -> Principal {
    person("olga", &["finance", "payroll", "payroll-operators"])
}

fn component(application: &str, component: &str) -> ComponentRef {
    ComponentRef {
        namespace: "finance".to_owned(),
        application: application.to_owned(),
        component: component.to_owned(),
    }
}

fn payroll() -> ComponentRef {
    component("payroll", "payroll-export")
}

fn scope(name: &str) -> ScopeRef {
    ScopeRef::new("finance", name)
}

fn run_id(number: u8) -> RunId {
    format!("run_00000000-0000-0000-0000-0000000000{number:02x}").parse().unwrap()
}

/// Returns a submission of the payroll by hand, with a reason.
fn submit() -> SubmitRun {
    SubmitRun {
        id: run_id(1),
        target: SubmitTarget::Component(payroll()),
        parameters: [("month".to_owned(), "2026-11".to_owned())].into(),
        overrides: Vec::new(),
        via: Via::Manual,
        reason: Some("month end".to_owned()),
        ticket: None,
        digest: "00".to_owned(),
    }
}

fn submit_namespace(namespace: &str) -> SubmitRun {
    SubmitRun { target: SubmitTarget::Namespace(namespace.to_owned()), ..submit() }
}

/// Returns a run of the payroll that `submitter` started by hand.
fn run_of(submitter: &Principal) -> RunFacts {
    RunFacts {
        id: run_id(1),
        name: NamespacedName::new("finance", "payroll-x7k2p"),
        component: Some(payroll()),
        scopes: vec![scope("payroll-prod"), scope("finance")],
        submitter: submitter.key.clone(),
        via: Via::Manual,
    }
}

fn decide<A: Action>(rules: &Rules, who: &Principal, action: &A) -> Decision {
    rules.decide(who, None, action, now())
}

#[track_caller]
fn allowed<A: Action>(rules: &Rules, who: &Principal, action: &A) -> Decision {
    let decision = decide(rules, who, action);
    assert_eq!(decision.verdict, crate::Verdict::Allow, "{}", told(&decision));
    assert!(!decision.rules.is_empty(), "an allowed act names the rules that allow it");
    decision
}

#[track_caller]
fn refused<A: Action>(rules: &Rules, who: &Principal, action: &A) -> Decision {
    let decision = decide(rules, who, action);
    assert_eq!(decision.verdict, crate::Verdict::Deny, "{}", told(&decision));
    assert!(!decision.rules.is_empty(), "a refusal names a rule: {}", told(&decision));
    assert!(!decision.advice.is_empty(), "a refusal gives advice: {}", told(&decision));
    assert!(decision.advice.iter().all(|sentence| !sentence.is_empty()), "{}", told(&decision));
    decision
}

/// Returns the decision as a person reads it.
fn told(decision: &Decision) -> String {
    let mut text = format!("{:?} {} on {}\n", decision.verdict, decision.action, decision.resource);
    for rule in &decision.rules {
        let place = rule.place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
        text.push_str(&format!("  rule    {}{place}: {}\n", rule.id, rule.says));
    }
    for missing in &decision.missing {
        text.push_str(&format!("  missing {missing}\n"));
    }
    for advice in &decision.advice {
        text.push_str(&format!("  advice  {advice}\n"));
    }
    for error in &decision.errors {
        text.push_str(&format!("  error   {error}\n"));
    }
    text
}
