//! Who may do what in the small world, printed whole: the golden file is read in review.

use super::{
    machine, now, operator, payroll, person, run_of, scope, submit, submit_namespace, with_second_factor,
    world,
};
use crate::{
    ApplyManifests, ApproveGate, DeleteRun, DenyGate, EditTemplate, Explain, ListRuns, Question, ResumeRun,
    StopRun, SubmitRun, ViewAudit, ViewLog, ViewOutput, ViewRun, ViewServer, ViewTemplate,
};
use model::{argo::NodeId, oam::Via};

/// Returns a node's id; which one is all the same to policy.
pub(super) fn node() -> NodeId {
    NodeId::from_text("payroll-x7k2p-1")
}

pub(super) fn approve(run: crate::RunFacts) -> ApproveGate {
    ApproveGate { run, node: node(), gate: "approve".to_owned(), digest: "00".to_owned(), reason: None }
}

fn questions() -> Vec<Question> {
    let run = run_of(&operator());
    let other = run_of(&person("somebody-else", &[]));
    let namespace = "finance".to_owned();
    let finance =
        |scopes| ApplyManifests { namespace: "finance".to_owned(), digest: "00".to_owned(), scopes };
    vec![
        Question::of("submit", &submit()),
        Question::of(
            "submit+month",
            &SubmitRun { overrides: vec!["month".to_owned()], ticket: Some("CHG-7".to_owned()), ..submit() },
        ),
        Question::of("by-api", &SubmitRun { via: Via::Api, reason: None, ..submit() }),
        Question::of("status", &ViewRun { run: run.clone() }),
        Question::of("logs", &ViewLog { run: run.clone() }),
        Question::of("outputs", &ViewOutput { run: run.clone() }),
        Question::of("approve-olga's", &approve(run.clone())),
        Question::of("approve-other's", &approve(other.clone())),
        Question::of(
            "deny-other's",
            &DenyGate { run: other.clone(), node: node(), gate: "approve".to_owned(), reason: None },
        ),
        Question::of("stop-olga's", &StopRun { run: run.clone(), message: None }),
        Question::of("stop-other's", &StopRun { run: other, message: None }),
        Question::of("resume", &ResumeRun { run: run.clone(), node: None }),
        Question::of("delete", &DeleteRun { run }),
        Question::of("apply-inner", &finance(vec![scope("payroll-prod")])),
        Question::of("apply-both", &finance(vec![scope("payroll-prod"), scope("finance")])),
        Question::of("apply-new", &finance(Vec::new())),
        Question::of("explain-self", &Explain { component: payroll(), other: false }),
        Question::of("explain", &Explain { component: payroll(), other: true }),
        Question::of("list", &ListRuns { namespace: namespace.clone() }),
        Question::of("lab-submit", &submit_namespace("lab")),
        Question::of("lab-templates", &ViewTemplate { namespace: "lab".to_owned(), name: None }),
        Question::of(
            "lab-edit",
            &EditTemplate { namespace: "lab".to_owned(), name: "hello".to_owned(), digest: "00".to_owned() },
        ),
        Question::of(
            "edit-bound",
            &EditTemplate { namespace, name: "payroll-export".to_owned(), digest: "00".to_owned() },
        ),
        Question::of("audit", &ViewAudit {}),
        Question::of("server", &ViewServer {}),
    ]
}

#[test]
fn the_table_of_the_small_world_is_as_recorded() {
    let contractor = person("carl", &["contractors", "finance", "payroll", "payroll-operators"]);
    let mut elsewhere = operator();
    elsewhere.provider = "other".to_owned();
    elsewhere.key.issuer = "https://other.example".to_owned();
    let people = [
        ("olga, operator", operator()),
        ("olga, second factor", with_second_factor(operator())),
        ("olga, other provider", elsewhere),
        ("carl, contractor", contractor),
        (
            "anna, approver, second factor",
            with_second_factor(person("anna", &["finance", "payroll-approvers"])),
        ),
        ("andy, approver", person("andy", &["finance", "payroll-approvers"])),
        ("lena, approver of finance only", with_second_factor(person("lena", &["finance", "finance-leads"]))),
        ("vera, payroll", person("vera", &["finance", "payroll"])),
        ("frank, finance", person("frank", &["finance"])),
        ("ina, internal audit", person("ina", &["internal-audit"])),
        ("pia, owner of payroll-prod", person("pia", &["payroll-platform"])),
        ("fay, owner of both", person("fay", &["finance-platform"])),
        ("ada, administrator", person("ada", &["admins"])),
        ("aude, auditor", person("aude", &["auditors"])),
        ("lou, lab", person("lou", &["lab"])),
        ("liv, owner of lab", person("liv", &["lab-owners"])),
        ("otto, nobody", person("otto", &[])),
        ("erp, machine", machine("spiffe://corp.example/erp")),
        ("other machine", machine("spiffe://corp.example/crm")),
    ];
    let people: Vec<_> = people.iter().map(|(label, principal)| (*label, principal)).collect();
    insta::assert_snapshot!(world().explain_table(&people, &questions(), now()));
}
