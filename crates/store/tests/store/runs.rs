//! Runs, their events and approvals.

use audit::ActError;
use engine::EventKind;
use identity::Caller;
use model::{
    ComponentRef, NamespacedName,
    argo::{NodeId, WorkflowPhase},
    catalog::Catalog,
};
use policy::{ApproveGate, DeleteRun, ListRuns, ViewRun};
use store::StoreError;

use crate::world::{World, advance, at, event, finished, manifests, me, person, run, run_id, submit};

#[tokio::test]
async fn a_run_is_given_back_as_it_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let kept = run(1, "hello");
    world.create(&kept).await;
    let found = world.store.run(&world.permit(&me(), ViewRun { run: kept.facts.clone() })).await.unwrap();
    assert_eq!(found.facts, kept.facts);
    assert_eq!(found.submitter, kept.submitter);
    assert_eq!(found.binding, kept.binding);
    assert_eq!(found.workflow, kept.workflow);
    let labels: Vec<&String> = found.workflow.metadata.labels.keys().collect();
    assert_eq!(labels, ["z", "a"], "the order in which it was written stays");
    assert_eq!((found.phase, found.deleted, found.events), (WorkflowPhase::Pending, false, 0));
    assert_eq!(found.created_at, kept.created_at);
}

#[tokio::test]
async fn events_come_back_in_order_and_the_phase_follows() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let kept = run(1, "hello");
    world.create(&kept).await;
    let first =
        [event(1, EventKind::Started), event(2, EventKind::PodRunning { node: NodeId::from_text("n") })];
    world.advance(&kept, 0, &first, WorkflowPhase::Running).await;
    assert_eq!(world.store.unfinished_runs().await.unwrap().len(), 1);
    let second = [finished(3, "n", 0)];
    world.advance(&kept, 2, &second, WorkflowPhase::Succeeded).await;
    let (found, events) = world.store.replay(run_id(1)).await.unwrap();
    assert_eq!(events, [first.as_slice(), &second].concat());
    assert_eq!((found.phase, found.events), (WorkflowPhase::Succeeded, 3));
    assert!(world.store.unfinished_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn events_that_do_not_follow_on_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let kept = run(1, "hello");
    world.create(&kept).await;
    let caller = Caller::for_run(kept.submitter.clone(), kept.facts.id);
    let events = [event(1, EventKind::Started)];
    for (first, fits) in [(1, false), (0, true), (0, false), (2, false), (1, true)] {
        let action = advance(&kept, first, &events);
        let result = world.act(&caller, action, async |go| {
            world.store.append_events(go, &events, WorkflowPhase::Running).await
        });
        match result.await {
            Ok(()) => assert!(fits, "from {first}"),
            Err(ActError::Failed(StoreError::Damaged(_))) => assert!(!fits, "from {first}"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn other_events_than_those_recorded_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let kept = run(1, "hello");
    world.create(&kept).await;
    let caller = Caller::for_run(kept.submitter.clone(), kept.facts.id);
    let action = advance(&kept, 0, &[event(1, EventKind::Started)]);
    let other = [event(2, EventKind::Started)];
    let result = world
        .act(&caller, action, async |go| world.store.append_events(go, &other, WorkflowPhase::Running).await);
    assert!(matches!(result.await, Err(ActError::Failed(StoreError::NotWhatWasRecorded(_)))));
    assert!(world.store.replay(run_id(1)).await.unwrap().1.is_empty());
}

#[tokio::test]
async fn another_run_than_the_recorded_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (asked, mut other) = (run(1, "hello"), run(1, "hello"));
    other.workflow.spec.entrypoint = "evil".to_owned();
    let result = world.act(&me(), submit(&asked), async |go| world.store.create_run(go, other).await).await;
    assert!(matches!(result, Err(ActError::Failed(StoreError::NotWhatWasRecorded(_)))));
    assert!(world.store.run_facts(&asked.facts.name).await.unwrap().is_none());
}

#[tokio::test]
async fn a_name_is_free_again_once_its_run_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (first, second) = (run(1, "hello"), run(2, "hello"));
    world.create(&first).await;
    let again =
        world.act(&me(), submit(&second), async |go| world.store.create_run(go, second.clone()).await).await;
    assert!(matches!(again, Err(ActError::Failed(StoreError::Exists(name))) if name == "default/hello"));
    let delete = DeleteRun { run: first.facts.clone() };
    world.must(&me(), delete.clone(), async |go| world.store.delete_run(go).await).await;
    let twice = world.act(&me(), delete, async |go| world.store.delete_run(go).await).await;
    assert!(matches!(twice, Err(ActError::Failed(StoreError::NotFound(_)))));
    world.create(&second).await;
    let name = NamespacedName::new("default", "hello");
    assert_eq!(world.store.run_facts(&name).await.unwrap().unwrap().id, run_id(2));
    let old = world.store.run(&world.permit(&me(), ViewRun { run: first.facts.clone() })).await.unwrap();
    assert!(old.deleted, "a deleted run is kept for the record");
}

#[tokio::test]
async fn runs_are_listed_newest_first_by_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), Catalog::default());
    for (n, name) in [(3, "a"), (1, "b"), (2, "c")] {
        world.create(&run(n, name)).await;
    }
    let mut elsewhere = run(9, "d");
    "other".clone_into(&mut elsewhere.facts.name.namespace);
    world.create(&elsewhere).await;
    let list = async |namespace: &str| {
        let permit = world.permit(&me(), ListRuns { namespace: namespace.to_owned() });
        let runs = world.store.runs_facts(&permit).await.unwrap();
        runs.into_iter().map(|facts| facts.name.name).collect::<Vec<_>>()
    };
    assert_eq!(list("default").await, ["c", "b", "a"]);
    assert_eq!(list("").await, ["d", "c", "b", "a"]);
    assert!(list("nowhere").await.is_empty());
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    assert!(matches!(world.store.replay(run_id(7)).await, Err(StoreError::NotFound(_))));
    assert!(world.store.run_facts_by_id(run_id(7)).await.unwrap().is_none());
    let permit = world.permit(&me(), ViewRun { run: run(7, "x").facts });
    assert!(matches!(world.store.run(&permit).await, Err(StoreError::NotFound(_))));
}

#[tokio::test]
async fn approvals_count_once_a_person_and_only_for_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, _) =
        store::plan_apply(&[], None, manifests(include_str!("payroll.yaml")), crate::world::apply_id(1))
            .unwrap();
    let world = World::with(folder.path(), catalog);
    let mut kept = run(1, "payroll");
    let component = ComponentRef {
        namespace: "finance".to_owned(),
        application: "payroll".to_owned(),
        component: "payroll-export".to_owned(),
    };
    kept.facts.component = Some(component);
    kept.facts.name = NamespacedName::new("finance", "payroll");
    kept.facts.scopes = vec![NamespacedName::new("finance", "payroll")];
    kept.submitter = person("sam", &["finance"]);
    kept.facts.submitter = kept.submitter.key.clone();
    let approve = async |who: &str, digest: &str, ms: i64| {
        let action = ApproveGate {
            run: kept.facts.clone(),
            node: NodeId::from_text("payroll-1"),
            gate: "approve".to_owned(),
            digest: digest.to_owned(),
            reason: Some("looks right".to_owned()),
        };
        let caller = Caller::from_session(person(who, &["approvers"]));
        let approvals =
            world.must(&caller, action, async |go| world.store.record_approval(go, at(ms)).await).await;
        approvals.into_iter().map(|approval| (approval.approver.subject, approval.at)).collect::<Vec<_>>()
    };
    let (ann, bob) = ("ann".to_owned(), "bob".to_owned());
    assert_eq!(approve("ann", "aa", 1).await, [(ann.clone(), at(1))]);
    assert_eq!(approve("ann", "aa", 2).await, [(ann.clone(), at(1))]);
    assert_eq!(approve("ann", "bb", 3).await, [(ann.clone(), at(3))]);
    assert_eq!(approve("bob", "aa", 4).await, [(ann, at(1)), (bob, at(4))]);
    let all = world.store.approvals(run_id(1)).await.unwrap();
    let all: Vec<_> = all[&NodeId::from_text("payroll-1")]
        .iter()
        .map(|approval| (approval.approver.subject.as_str(), approval.digest.as_str(), approval.at))
        .collect();
    assert_eq!(all, [("ann", "aa", at(1)), ("ann", "bb", at(3)), ("bob", "aa", at(4))]);
    world.store.close().await;
    store::verify_folder(folder.path(), &crate::world::public()).unwrap();
}
