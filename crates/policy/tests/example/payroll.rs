//! The golden table of the shipped example; refresh it with `INSTA_UPDATE=always`, and read it.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use identity::{Principal, PrincipalKey, PrincipalKind};
use jiff::Timestamp;
use model::{
    ComponentRef, NamespacedName, RunId, ScopeRef, argo::NodeId, catalog::Catalog, manifest, oam::Via, yaml,
};
use policy::{
    ApplyManifests, ApproveGate, Question, Rules, RunFacts, ServerPolicy, StopRun, SubmitRun, SubmitTarget,
    ViewAudit, ViewLog, ViewOutput, ViewRun,
};

fn read(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/payroll");
    fs::read_to_string(folder.join(file)).unwrap()
}

fn rules() -> Rules {
    let files = ["workflow-template.yaml", "definitions.yaml", "scopes.yaml", "application.yaml"];
    let manifests = files.iter().flat_map(|file| manifest::parse(file, &read(file)).unwrap()).collect();
    let server = ServerPolicy {
        administrators: vec!["group:platform".parse().unwrap()],
        auditors: vec!["group:internal-audit".parse().unwrap()],
        local: false,
    };
    Rules::compile(Arc::new(Catalog::check(manifests).unwrap()), &server).unwrap()
}

fn people() -> Vec<(String, Principal)> {
    let documents = yaml::parse("directory.yaml", &read("people/directory.yaml")).unwrap();
    let value = documents[0].value();
    let person = |user: &serde_json::Value| {
        let text = |name: &str| user[name].as_str().unwrap().to_owned();
        let groups =
            user["groups"].as_array().unwrap().iter().map(|group| group.as_str().unwrap().to_owned());
        let principal = Principal {
            key: key(&text("name")),
            provider: "local".to_owned(),
            kind: PrincipalKind::User,
            name: Some(text("displayName")),
            email: None,
            groups: groups.collect(),
            amr: Vec::new(),
            acr: None,
            auth_time: None,
        };
        (text("displayName"), principal)
    };
    value["users"].as_array().unwrap().iter().map(person).collect()
}

fn key(subject: &str) -> PrincipalKey {
    PrincipalKey { issuer: "https://marque.example".to_owned(), subject: subject.to_owned() }
}

fn run_of(submitter: &str) -> RunFacts {
    let scope = |name: &str| ScopeRef::new("finance", name);
    RunFacts {
        id: RunId::from_uuid(uuid::Uuid::nil()),
        name: NamespacedName::new("finance", "payroll-export-x7k2p"),
        component: Some(component()),
        scopes: vec![scope("payroll-prod"), scope("finance")],
        submitter: key(submitter),
        via: Via::Manual,
    }
}

fn component() -> ComponentRef {
    ComponentRef {
        namespace: "finance".to_owned(),
        application: "payroll".to_owned(),
        component: "payroll-export".to_owned(),
    }
}

fn submit(reason: Option<&str>, overrides: &[&str], ticket: Option<&str>) -> SubmitRun {
    SubmitRun {
        id: RunId::from_uuid(uuid::Uuid::nil()),
        target: SubmitTarget::Component(component()),
        parameters: BTreeMap::new(),
        overrides: overrides.iter().map(|name| (*name).to_owned()).collect(),
        via: Via::Manual,
        reason: reason.map(ToOwned::to_owned),
        ticket: ticket.map(ToOwned::to_owned),
        digest: String::new(),
    }
}

fn approve(submitter: &str) -> ApproveGate {
    let node = NodeId::from_text("payroll-export-x7k2p-1");
    let gate = "approve".to_owned();
    ApproveGate { run: run_of(submitter), node, gate, digest: "00".to_owned(), reason: None }
}

#[test]
fn the_table_of_the_shipped_example_is_as_recorded() {
    let reason = Some("month end");
    let scopes = vec![ScopeRef::new("finance", "payroll-prod"), ScopeRef::new("finance", "finance")];
    let questions = [
        Question::of("submit", &submit(reason, &[], None)),
        Question::of("without-reason", &submit(None, &[], None)),
        Question::of("other-month", &submit(reason, &["month"], None)),
        Question::of("other-month+ticket", &submit(reason, &["month"], Some("CHG-1042"))),
        Question::of("other-bucket", &submit(reason, &["bucket"], Some("CHG-1042"))),
        Question::of("status", &ViewRun { run: run_of("olga") }),
        Question::of("logs", &ViewLog { run: run_of("olga") }),
        Question::of("outputs", &ViewOutput { run: run_of("olga") }),
        Question::of("approve-olga's", &approve("olga")),
        Question::of("approve-anton's", &approve("anton")),
        Question::of("stop-olga's", &StopRun { run: run_of("olga"), message: None }),
        Question::of(
            "apply",
            &ApplyManifests { namespace: "finance".to_owned(), digest: "00".to_owned(), scopes },
        ),
        Question::of("audit", &ViewAudit {}),
    ];
    let people = people();
    let rows: Vec<(&str, &Principal)> = people.iter().map(|(name, person)| (name.as_str(), person)).collect();
    insta::assert_snapshot!(rules().explain_table(&rows, &questions, Timestamp::UNIX_EPOCH));
}
