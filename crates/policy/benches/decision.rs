//! One decision about the payroll example: an operator who may, a contractor who may not, and the catalog compiled.
//! Not here: the record of it (see the steps benchmark).

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark measures, prints and may stop"
)]

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use identity::{Principal, PrincipalKey, PrincipalKind};
use jiff::Timestamp;
use model::{ComponentRef, RunId, catalog::Catalog, manifest, oam::Via};
use policy::{Rules, ServerPolicy, SubmitRun, SubmitTarget, Verdict};

const ROUNDS: u32 = 2_000;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/payroll");
    let files = ["workflow-template.yaml", "definitions.yaml", "scopes.yaml", "application.yaml"];
    let read =
        |file: &str| manifest::parse(file, &std::fs::read_to_string(folder.join(file)).unwrap()).unwrap();
    let manifests = files.iter().flat_map(|file| read(file)).collect();
    let catalog = Arc::new(Catalog::check(manifests).unwrap());
    let begun = Instant::now();
    let rules = Rules::compile(catalog, &ServerPolicy::default()).unwrap();
    println!("| rules of the example compiled | {:.1} ms |", begun.elapsed().as_secs_f64() * 1e3);
    println!("|---|---|");
    for (who, groups, expected) in [
        ("an operator who may", ["finance", "payroll-operators"], Verdict::Allow),
        ("a contractor who may not", ["finance", "contractors"], Verdict::Deny),
    ] {
        let principal = principal(&groups);
        let action = submit();
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            assert_eq!(rules.decide(&principal, None, &action, Timestamp::UNIX_EPOCH).verdict, expected);
        }
        println!("| {who} | {:.1} µs a decision |", begun.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
    }
}

fn submit() -> SubmitRun {
    SubmitRun {
        id: RunId::from_uuid(uuid::Uuid::nil()),
        target: SubmitTarget::Component(ComponentRef {
            namespace: "finance".to_owned(),
            application: "payroll".to_owned(),
            component: "payroll-export".to_owned(),
        }),
        parameters: BTreeMap::new(),
        overrides: Vec::new(),
        via: Via::Manual,
        reason: Some("month end".to_owned()),
        ticket: None,
        digest: String::new(),
    }
}

fn principal(groups: &[&str]) -> Principal {
    Principal {
        key: PrincipalKey { issuer: "https://id.example".to_owned(), subject: "somebody".to_owned() },
        provider: "corp".to_owned(),
        kind: PrincipalKind::User,
        name: None,
        email: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        amr: Vec::new(),
        acr: None,
        auth_time: None,
    }
}
