//! Promise 2, as a law over random worlds: effective right = scope ∩ parents ∩ policies. Adding a scope, a policy
//! or a rule never lets anybody do more, and no trait reaches past a scope.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use identity::{Principal, PrincipalKind};
use model::{
    RunId,
    catalog::Catalog,
    manifest,
    oam::{Subject, Via},
};
use proptest::{prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};

use super::{
    DEFINITIONS, machine, now, person, run_of, scope, server, submit,
    table::{approve, node},
    with_second_factor,
};
use crate::{
    Action, ApplyManifests, ApproveGate, DeleteTemplate, DenyGate, EditTemplate, Explain, MintRunToken,
    ResumeRun, Rules, RunFacts, StartPod, StopRun, SubmitRun, SubmitTarget, Verdict, ViewLog, ViewOutput,
    ViewRun, ViewTemplate, request,
};

/// The lists of one random scope, as subjects of a small pool.
#[derive(Debug, Clone)]
struct Lists {
    provider: Option<&'static str>,
    owners: Vec<&'static str>,
    status: Vec<&'static str>,
    logs: Vec<&'static str>,
    outputs: Vec<&'static str>,
    approvers: Vec<&'static str>,
    triggerers: Vec<(&'static str, Vec<&'static str>)>,
}

#[derive(Debug, Clone)]
struct World {
    /// Outermost first.
    scopes: Vec<Lists>,
    by: Option<Vec<&'static str>>,
    overridable: Vec<&'static str>,
    approvers: Option<Vec<&'static str>>,
    rules: Vec<String>,
}

/// One thing more.
#[derive(Debug, Clone)]
enum Addition {
    Parent(Lists),
    Child(Lists),
    Rule(String),
}

const POOL: [&str; 6] = ["group:a", "group:b", "group:c", "user:corp#u1", "user:other#u1", "workload:w1"];

fn subjects() -> impl Strategy<Value = Vec<&'static str>> {
    // mostly long lists: with short ones hardly anything would ever be allowed
    proptest::sample::subsequence(POOL.to_vec(), 2..=POOL.len())
}

fn lists() -> impl Strategy<Value = Lists> {
    let vias = || proptest::sample::subsequence(vec!["manual", "cron", "event", "api"], 1..=4);
    let triggerers = proptest::collection::vec((select(POOL.to_vec()), vias()), 2..6);
    let provider = prop_oneof![4 => Just(None), 1 => Just(Some("corp"))];
    (provider, subjects(), subjects(), subjects(), subjects(), subjects(), triggerers).prop_map(
        |(provider, owners, status, logs, outputs, approvers, triggerers)| Lists {
            provider,
            owners,
            status,
            logs,
            outputs,
            approvers,
            triggerers,
        },
    )
}

fn rule() -> impl Strategy<Value = String> {
    let when = select(vec![
        ", when: {mfa: true}",
        ", when: {maxAuthAgeSeconds: 900}",
        ", when: {maxAuthAgeSeconds: 60}",
    ]);
    let actions = proptest::sample::subsequence(
        vec!["trigger", "view", "approve", "override-parameter", "assume-role"],
        1..=5,
    );
    let whom = proptest::option::of(select(POOL.to_vec()));
    (select(vec!["require", "forbid"]), actions, whom, when).prop_map(|(effect, actions, whom, when)| {
        let whom = whom.map_or_else(String::new, |subject| format!(", subjects: [\"{subject}\"]"));
        format!("{{effect: {effect}, actions: [{}]{whom}{when}}}", actions.join(", "))
    })
}

fn worlds() -> impl Strategy<Value = World> {
    let scopes = proptest::collection::vec(lists(), 1..=3);
    let overridable = proptest::sample::subsequence(vec!["month", "bucket"], 0..=2);
    let by = prop_oneof![1 => Just(None), 6 => subjects().prop_map(Some)];
    let approvers = prop_oneof![1 => Just(None), 6 => subjects().prop_map(Some)];
    let rules = proptest::collection::vec(rule(), 0..2);
    (scopes, by, overridable, approvers, rules).prop_map(|(scopes, by, overridable, approvers, rules)| {
        World { scopes, by, overridable, approvers, rules }
    })
}

fn additions() -> impl Strategy<Value = Addition> {
    prop_oneof![
        lists().prop_map(Addition::Parent),
        lists().prop_map(Addition::Child),
        rule().prop_map(Addition::Rule)
    ]
}

impl World {
    fn with(&self, addition: &Addition) -> Self {
        let mut world = self.clone();
        match addition {
            Addition::Parent(lists) => world.scopes.insert(0, lists.clone()),
            Addition::Child(lists) => world.scopes.push(lists.clone()),
            Addition::Rule(rule) => world.rules.push(rule.clone()),
        }
        world
    }

    /// A gate that names somebody whom a scope doesn't list is refused by the catalog already.
    fn approvers(&self) -> Vec<&'static str> {
        let named = self.approvers.iter().flatten().copied();
        named.filter(|subject| self.scopes.iter().all(|lists| lists.approvers.contains(subject))).collect()
    }

    fn yaml(&self) -> String {
        let list = |subjects: &[&str]| format!("{subjects:?}");
        let mut yaml = String::new();
        for (number, lists) in self.scopes.iter().enumerate() {
            let _ = write!(
                yaml,
                "apiVersion: marque.dev/v1alpha1\nkind: IdentityScope\nmetadata: {{name: s{number}, namespace: finance}}\nspec:\n"
            );
            if let Some(outer) = number.checked_sub(1) {
                let _ = writeln!(yaml, "  parent: s{outer}");
            }
            if number + 1 == self.scopes.len() {
                yaml.push_str("  namespaceRoot: true\n");
            }
            if let Some(provider) = lists.provider {
                let _ = writeln!(yaml, "  identityProvider: {provider}");
            }
            let _ =
                writeln!(yaml, "  owners: {}\n  approvers: {}", list(&lists.owners), list(&lists.approvers));
            let _ = writeln!(
                yaml,
                "  viewers: {{status: {}, logs: {}, outputs: {}}}",
                list(&lists.status),
                list(&lists.logs),
                list(&lists.outputs)
            );
            yaml.push_str("  triggerers:\n");
            for (subject, vias) in &lists.triggerers {
                let _ = writeln!(yaml, "    - {{subject: {subject:?}, via: {}}}", list(vias));
            }
            yaml.push_str("---\n");
        }
        yaml.push_str("apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata: {name: payroll, namespace: finance}\nspec:\n  components:\n    - name: payroll-export\n      type: payroll-export\n      properties: {month: \"2026-11\"}\n");
        let _ = writeln!(
            yaml,
            "      scopes: {{identityscopes.marque.dev: s{}}}\n      traits:",
            self.scopes.len() - 1
        );
        if let Some(by) = &self.by {
            let _ = writeln!(
                yaml,
                "        - {{type: manual-trigger, properties: {{by: {}, overridable: {}, requireReason: false}}}}",
                list(by),
                list(&self.overridable)
            );
        }
        let approvers = self.approvers();
        if !approvers.is_empty() {
            let _ = writeln!(
                yaml,
                "        - {{type: approval, properties: {{gates: [{{node: approve, approvers: {}}}]}}}}",
                list(&approvers)
            );
        }
        if self.by.is_none() && approvers.is_empty() {
            yaml = yaml.trim_end().trim_end_matches("traits:").trim_end().to_owned() + "\n";
        }
        if !self.rules.is_empty() {
            yaml.push_str(
                "  policies:\n    - name: p\n      type: access-policy\n      properties:\n        rules:\n",
            );
            for rule in &self.rules {
                let _ = writeln!(yaml, "          - {rule}");
            }
        }
        yaml
    }

    /// Returns the rules, or none if the catalog refuses the world (a trait that asks for more than its scope).
    fn rules(&self) -> Option<Rules> {
        let yaml = self.yaml();
        let mut manifests = manifest::parse("definitions.yaml", DEFINITIONS).unwrap();
        manifests.extend(
            manifest::parse("random.yaml", &yaml).unwrap_or_else(|faults| panic!("{faults:?}\n{yaml}")),
        );
        let catalog = Arc::new(Catalog::check(manifests).ok()?);
        Some(Rules::compile(catalog, &server()).unwrap_or_else(|faults| panic!("{faults:?}\n{yaml}")))
    }
}

fn people() -> Vec<Principal> {
    let elsewhere = |mut principal: Principal| {
        principal.provider = "other".to_owned();
        principal.key.issuer = "https://other.example".to_owned();
        principal
    };
    vec![
        person("u1", &[]),
        with_second_factor(person("u1", &["a", "b"])),
        elsewhere(person("u1", &["c"])),
        with_second_factor(person("u2", &["a", "b", "c"])),
        elsewhere(person("u3", &["a", "b", "c"])),
        person("u4", &["a", "c"]),
        machine("w1"),
        Principal { groups: vec!["a".to_owned()], ..machine("w2") },
    ]
}

type Ask = Box<dyn Fn(&Rules, &Principal) -> Verdict>;

/// A question and its short name.
struct Asked {
    name: &'static str,
    verdict: Ask,
}

/// Asks for the verdict alone, without words.
fn verdict<A: Action>(rules: &Rules, principal: &Principal, run: Option<RunId>, action: &A) -> Verdict {
    let (resource, facts) = (action.resource(), action.context());
    let asked =
        request::Asked { principal, run, action: A::NAME, resource: &resource, facts: &facts, now: now() };
    if rules.court().allows(&asked) { Verdict::Allow } else { Verdict::Deny }
}

fn asked<A: Action + 'static>(action: A) -> Asked {
    Asked { name: A::NAME, verdict: Box::new(move |rules, who| verdict(rules, who, None, &action)) }
}

/// Asks in the name of the run, which the person submitted.
fn asked_by_run<A: Action + 'static>(action: A, run: &RunFacts) -> Asked {
    let id = run.id;
    Asked { name: A::NAME, verdict: Box::new(move |rules, who| verdict(rules, who, Some(id), &action)) }
}

fn via(path: Via) -> SubmitRun {
    SubmitRun { via: path, ..submit() }
}

fn questions(submitter: &Principal, innermost: usize) -> Vec<Asked> {
    let run = RunFacts { scopes: Vec::new(), ..run_of(submitter) };
    let template = "hello".to_owned();
    let namespace = "finance".to_owned();
    let mut all: Vec<Asked> =
        [Via::Manual, Via::Cron, Via::Event, Via::Api].into_iter().map(|path| asked(via(path))).collect();
    all.extend([
        asked(SubmitRun { overrides: vec!["month".to_owned()], ..submit() }),
        asked(SubmitRun { target: SubmitTarget::Namespace(namespace.clone()), ..submit() }),
        asked(ViewRun { run: run.clone() }),
        asked(ViewLog { run: run.clone() }),
        asked(ViewOutput { run: run.clone() }),
        asked(StopRun { run: run.clone(), message: None }),
        asked(ResumeRun { run: run.clone(), node: None }),
        asked(approve(run.clone())),
        asked(DenyGate { run: run.clone(), node: node(), gate: "approve".to_owned(), reason: None }),
        asked(ApproveGate { gate: "another".to_owned(), ..approve(run.clone()) }),
        asked(ViewTemplate { namespace: namespace.clone(), name: None }),
        asked(EditTemplate { namespace: namespace.clone(), name: template.clone(), digest: "00".to_owned() }),
        asked(DeleteTemplate { namespace: namespace.clone(), name: template }),
        asked(Explain { component: super::payroll(), other: true }),
        asked(ApplyManifests {
            namespace,
            digest: "00".to_owned(),
            scopes: vec![scope(&format!("s{innermost}"))],
        }),
        asked_by_run(StartPod { run: run.clone(), node: node() }, &run),
        asked_by_run(MintRunToken { run: run.clone(), node: node(), jti: "j".to_owned() }, &run),
    ]);
    all
}

fn listed(who: &Principal, subjects: &[&str]) -> bool {
    subjects.iter().any(|text| match text.parse::<Subject>().unwrap() {
        Subject::Group(name) => who.groups.contains(&name),
        Subject::User { issuer, subject } => {
            who.kind == PrincipalKind::User && who.provider == issuer && who.key.subject == subject
        }
        Subject::Workload(name) => who.kind == PrincipalKind::Workload && who.key.subject == name,
    })
}

/// The ceiling of one scope, by plain sets and without Cedar: whether it lets `who` do it at all.
fn ceiling(lists: &Lists, who: &Principal, action: &str, path: Via) -> bool {
    let paths = [(Via::Manual, "manual"), (Via::Cron, "cron"), (Via::Event, "event"), (Via::Api, "api")];
    let path = paths.iter().find(|(via, _)| *via == path).map(|(_, name)| *name).unwrap();
    let triggers = |any: bool| {
        let subjects: Vec<&str> = lists
            .triggerers
            .iter()
            .filter(|(_, vias)| any || vias.contains(&path))
            .map(|(subject, _)| *subject)
            .collect();
        listed(who, &subjects)
    };
    lists.provider.is_none_or(|provider| who.provider == provider)
        && match action {
            "submit" => triggers(false),
            "viewRun" => {
                listed(who, &lists.status) || listed(who, &lists.owners) || listed(who, &lists.approvers)
            }
            "viewLog" => listed(who, &lists.logs),
            "viewOutput" => listed(who, &lists.outputs),
            "approve" | "deny" => listed(who, &lists.approvers),
            _ => listed(who, &lists.owners) || triggers(true),
        }
}

/// Were nothing ever allowed, the laws below would hold for nothing.
#[test]
fn random_worlds_allow_some_and_refuse_some_of_each_act() {
    let mut runner = TestRunner::deterministic();
    let submitter = with_second_factor(person("u1", &["a", "b"]));
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for _ in 0..30 {
        let world = worlds().new_tree(&mut runner).unwrap().current();
        let Some(rules) = world.rules() else { continue };
        for question in questions(&submitter, world.scopes.len() - 1) {
            for who in people() {
                let (allowed, refused) = counts.entry(question.name).or_default();
                let count =
                    if (question.verdict)(&rules, &who) == Verdict::Allow { allowed } else { refused };
                *count += 1;
            }
        }
    }
    assert!(counts.len() > 10);
    for (action, (allowed, refused)) in counts {
        assert!(allowed > 0 && refused > 0, "{action}: {allowed} allowed, {refused} refused");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn adding_a_scope_a_policy_or_a_rule_never_adds_a_right(world in worlds(), addition in additions()) {
        let (Some(before), Some(after)) = (world.rules(), world.with(&addition).rules()) else {
            return Err(TestCaseError::reject("the catalog refuses this world"));
        };
        for submitter in people().iter().skip(1).step_by(5) {
            for question in questions(submitter, world.scopes.len() - 1) {
                if question.name == "apply" && matches!(addition, Addition::Parent(_)) {
                    continue; // `s0` is another scope now
                }
                for who in people() {
                    let widened = (question.verdict)(&after, &who) == Verdict::Allow
                        && (question.verdict)(&before, &who) == Verdict::Deny;
                    prop_assert!(!widened, "{} gained `{}`:\n{}", who.key.subject, question.name, world.with(&addition).yaml());
                }
            }
        }
    }

    #[test]
    fn no_trait_or_policy_reaches_past_any_scope_of_the_chain(world in worlds()) {
        let Some(rules) = world.rules() else { return Err(TestCaseError::reject("the catalog refuses this world")) };
        let submitter = person("somebody-else", &[]);
        let run = run_of(&submitter);
        for who in people() {
            let within = |action: &str, path: Via| world.scopes.iter().all(|lists| ceiling(lists, &who, action, path));
            for path in [Via::Manual, Via::Cron, Via::Event, Via::Api] {
                let verdict = verdict(&rules, &who, None, &via(path));
                prop_assert!(verdict == Verdict::Deny || within("submit", path), "{who:?} {path:?}\n{}", world.yaml());
            }
            let seen = [
                ("viewRun", verdict(&rules, &who, None, &ViewRun { run: run.clone() })),
                ("viewLog", verdict(&rules, &who, None, &ViewLog { run: run.clone() })),
                ("viewOutput", verdict(&rules, &who, None, &ViewOutput { run: run.clone() })),
                ("approve", verdict(&rules, &who, None, &approve(run.clone()))),
                ("stop", verdict(&rules, &who, None, &StopRun { run: run.clone(), message: None })),
            ];
            for (action, verdict) in seen {
                prop_assert!(verdict == Verdict::Deny || within(action, Via::Manual), "{who:?} {action}\n{}", world.yaml());
            }
            // and where nothing but scopes has a say, the ceiling is what one gets
            if world.rules.is_empty() {
                let logs = verdict(&rules, &who, None, &ViewLog { run: run.clone() }) == Verdict::Allow;
                prop_assert_eq!(logs, within("viewLog", Via::Manual));
            }
        }
    }

    #[test]
    fn every_refusal_has_a_rule_and_advice(world in worlds()) {
        let Some(rules) = world.rules() else { return Err(TestCaseError::reject("the catalog refuses this world")) };
        for who in people() {
            for decision in [
                rules.decide(&who, None, &submit(), now()),
                rules.decide(&who, None, &approve(run_of(&who)), now()),
                rules.decide(&who, None, &ViewOutput { run: run_of(&who) }, now()),
                rules.decide(&who, None, &StartPod { run: run_of(&who), node: node() }, now()),
            ] {
                let told = !decision.rules.is_empty() && decision.advice.iter().any(|sentence| !sentence.is_empty());
                prop_assert!(decision.errors.is_empty());
                prop_assert!(decision.verdict == Verdict::Allow || told, "{}", super::told(&decision));
            }
        }
    }
}
