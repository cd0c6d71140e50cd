//! The schema and the built-in policies: nothing is without a permit, nothing is without words.

use std::{collections::BTreeSet, sync::Arc};

use cedar_policy::Effect;
use model::{catalog::Catalog, oam::Subject};

use super::{changed, world};
use crate::{Action, Rules, ServerPolicy, action};

#[test]
fn the_built_in_policies_validate_in_strict_mode() {
    let everyone = vec![
        Subject::Group("g".to_owned()),
        Subject::Workload("w".to_owned()),
        Subject::User { issuer: "i".to_owned(), subject: "s".to_owned() },
    ];
    for local in [false, true] {
        for staff in [Vec::new(), everyone.clone()] {
            let server = ServerPolicy { administrators: staff.clone(), auditors: staff, local };
            let rules = Rules::compile(Arc::new(Catalog::default()), &server).unwrap();
            assert_eq!(rules.version().len(), 64);
        }
    }
}

/// Every act of this room. A new one must be added here, to the schema and to a permit.
fn acts() -> BTreeSet<&'static str> {
    [
        action::SubmitRun::NAME,
        action::ViewRun::NAME,
        action::ViewLog::NAME,
        action::ViewOutput::NAME,
        action::StopRun::NAME,
        action::TerminateRun::NAME,
        action::SuspendRun::NAME,
        action::ResumeRun::NAME,
        action::ApproveGate::NAME,
        action::DenyGate::NAME,
        action::RetryRun::NAME,
        action::DeleteRun::NAME,
        action::StartPod::NAME,
        action::KillPod::NAME,
        action::MintRunToken::NAME,
        action::AdvanceRun::NAME,
        action::ListRuns::NAME,
        action::ViewTemplate::NAME,
        action::EditTemplate::NAME,
        action::DeleteTemplate::NAME,
        action::ApplyManifests::NAME,
        action::ViewAudit::NAME,
        action::ViewServer::NAME,
        action::LogIn::NAME,
        action::LogOut::NAME,
        action::Explain::NAME,
        action::ViewObject::NAME,
        action::EditObject::NAME,
        action::DeleteObject::NAME,
        action::Memoize::NAME,
        action::UseSecrets::NAME,
        action::MoveArtifacts::NAME,
        action::CollectArtifacts::NAME,
        action::PerformTask::NAME,
        action::CollectPods::NAME,
        action::AdvanceCron::NAME,
        action::ExpireRun::NAME,
        action::SendEvent::NAME,
        action::DeleteArchived::NAME,
    ]
    .into()
}

#[test]
fn the_list_of_acts_is_complete() {
    let source = [include_str!("../action.rs"), include_str!("../action/object.rs")].concat();
    assert_eq!(source.matches("impl Action for ").count(), acts().len());
}

#[test]
fn the_schema_knows_every_act_and_every_act_has_a_permit() {
    let rules = world();
    let known: BTreeSet<String> =
        rules.compiled.schema.actions().map(|action| AsRef::<str>::as_ref(action.id()).to_owned()).collect();
    let mut expected: BTreeSet<String> = acts().into_iter().map(str::to_owned).collect();
    expected.extend(["know".to_owned(), "assumeRole".to_owned()]);
    assert_eq!(known, expected);
    for action in &known {
        let permits = rules.compiled.everywhere.get(action).into_iter().flatten();
        let permits = permits.filter(|rule| rule.policy.effect() == Effect::Permit).count();
        assert!(permits > 0, "`{action}` has no permit");
    }
}

#[test]
fn what_comes_from_manifests_only_forbids() {
    let compiled = world().compiled;
    let of_scopes = compiled.of_scope.values().flat_map(|rules| rules.values().flatten());
    let of_components = compiled.of_component.values().flat_map(|rules| rules.values().flatten());
    let mut count = 0;
    for rule in of_scopes.chain(of_components) {
        assert_eq!(rule.policy.effect(), Effect::Forbid, "{}", rule.shown.id);
        assert!(rule.shown.place.is_some(), "{} says where it is written", rule.shown.id);
        assert!(!rule.shown.says.is_empty());
        count += 1;
    }
    assert!(count > 20);
}

#[test]
fn the_version_changes_with_every_rule_and_only_with_rules() {
    let version = world().version().clone();
    assert_eq!(version, *world().version());
    for (from, to) in [
        ("group:lab-owners", "group:lab-keepers"),
        ("  parent: finance\n", ""),
        ("^CHG-[0-9]+$", "^CHG-[0-9]*$"),
        ("namespaceRoot: true", "namespaceRoot: false"),
        ("overridable: [month]", "overridable: [bucket]"),
    ] {
        assert_ne!(version, *changed(from, to).version(), "{from}");
    }
    let without_staff = super::rules_of(&[super::DEFINITIONS, super::WORLD], &ServerPolicy::default());
    assert_ne!(version, *without_staff.version());
}
