//! Small facts by name, and objects of other kinds.

use audit::ActError;
use model::NamespacedName;
use policy::{DeleteObject, EditObject};
use store::{StoreError, fact_digest, plan_apply};

use crate::world::{World, apply_id, at, manifests, me, public};

const CRON: &str = "
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: nightly, namespace: default}
spec:
  schedules: ['0 1 * * *']
  workflowSpec:
    entrypoint: main
    templates: [{name: main, container: {image: busybox, command: ['true']}}]
";

fn limit(name: &str, body: &str) -> EditObject {
    let (namespace, name) = ("default".to_owned(), name.to_owned());
    EditObject { namespace, kind: "SyncLimit", name, digest: fact_digest(body) }
}

#[tokio::test]
async fn the_newest_fact_of_a_name_counts_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    for (name, body) in [("a", "1"), ("b", "5"), ("a", "2")] {
        world
            .must(&me(), limit(name, body), async |go| world.store.keep_fact(go, Some(body.to_owned())).await)
            .await;
    }
    assert_eq!(world.store.fact("SyncLimit", "default", "a").await.unwrap().as_deref(), Some("2"));
    assert_eq!(world.store.fact("Memo", "default", "a").await.unwrap(), None);
    let forget = DeleteObject { namespace: "default".to_owned(), kind: "SyncLimit", name: "a".to_owned() };
    world.must(&me(), forget, async |go| world.store.keep_fact(go, None).await).await;
    assert_eq!(world.store.fact("SyncLimit", "default", "a").await.unwrap(), None);
    let left: Vec<String> =
        world.store.facts("SyncLimit").await.unwrap().into_iter().map(|fact| fact.name).collect();
    assert_eq!(left, ["b"]);
    world.store.close().await;
    store::verify_folder(folder.path(), &public()).unwrap();
}

#[tokio::test]
async fn a_fact_that_is_not_the_recorded_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let kept = world
        .act(&me(), limit("a", "1"), async |go| world.store.keep_fact(go, Some("2".to_owned())).await)
        .await;
    assert!(matches!(kept, Err(ActError::Failed(StoreError::NotWhatWasRecorded(_)))));
}

#[tokio::test]
async fn a_changed_fact_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world
        .must(&me(), limit("a", "1"), async |go| world.store.keep_fact(go, Some("1".to_owned())).await)
        .await;
    world.store.close().await;
    drop(world);
    let connection = rusqlite::Connection::open(folder.path().join(store::DATABASE)).unwrap();
    connection.execute_batch("DROP TRIGGER facts_no_update; UPDATE facts SET body = '100';").unwrap();
    drop(connection);
    let faults = store::verify_folder(folder.path(), &public()).unwrap_err();
    assert!(format!("{faults:?}").contains("SyncLimit"), "{faults:?}");
}

#[tokio::test]
async fn an_object_of_another_kind_is_written_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (_, current, base) = world.store.catalog().await.unwrap();
    let plan = plan_apply(&current, base, manifests(CRON), apply_id(1)).unwrap().1;
    let edit = |kind| EditObject {
        namespace: "default".to_owned(),
        kind,
        name: "nightly".to_owned(),
        digest: plan.digest.clone(),
    };
    let other = world
        .act(&me(), edit("WorkflowEventBinding"), async |go| world.store.write_object(go, &plan, at(1)).await)
        .await;
    assert!(matches!(other, Err(ActError::Failed(StoreError::NotWhatWasRecorded(_)))));
    world
        .must(&me(), edit("CronWorkflow"), async |go| world.store.write_object(go, &plan, at(1)).await)
        .await;
    let name = NamespacedName::new("default", "nightly");
    assert!(world.store.catalog().await.unwrap().0.cron_workflow(&name).is_some());
    let delete =
        DeleteObject { namespace: "default".to_owned(), kind: "CronWorkflow", name: "nightly".to_owned() };
    world.must(&me(), delete, async |go| world.store.delete_object(go, apply_id(2), at(2)).await).await;
    assert!(world.store.catalog().await.unwrap().0.cron_workflow(&name).is_none());
    world.store.close().await;
    store::verify_folder(folder.path(), &public()).unwrap();
}
