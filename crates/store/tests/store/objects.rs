//! Objects and plans.

use audit::ActError;
use model::catalog::Catalog;
use policy::{ApplyManifests, DeleteTemplate, EditTemplate};
use store::{ApplyPlan, GIVEN_TWICE, NOT_KEPT, StoreError, plan_apply};

use crate::world::{TEMPLATE, World, apply_id, at, manifests, me};

async fn plan(world: &World, text: &str, id: u128) -> ApplyPlan {
    let (_, current, base) = world.store.catalog().await.unwrap();
    plan_apply(&current, base, manifests(text), apply_id(id)).unwrap().1
}

async fn apply(world: &World, plan: &ApplyPlan) -> Result<(), ActError<StoreError>> {
    let action =
        ApplyManifests { namespace: "default".to_owned(), digest: plan.digest.clone(), scopes: Vec::new() };
    world.act(&me(), action, async |go| world.store.apply(go, plan, at(3)).await).await
}

fn changed() -> String {
    TEMPLATE.replace("args: [hello]", "args: [goodbye]")
}

#[tokio::test]
async fn an_apply_creates_configures_and_leaves_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let other = TEMPLATE.replace("name: hello", "name: other");
    for (id, text, changes, written) in [
        (1, TEMPLATE.to_owned(), vec![("WorkflowTemplate/default/hello", "created")], 1),
        (2, TEMPLATE.to_owned(), vec![("WorkflowTemplate/default/hello", "unchanged")], 0),
        (
            3,
            format!("{}---{other}", changed()),
            vec![
                ("WorkflowTemplate/default/hello", "configured"),
                ("WorkflowTemplate/default/other", "created"),
            ],
            2,
        ),
    ] {
        let plan = plan(&world, &text, id).await;
        let found: Vec<(&str, &str)> =
            plan.changes.iter().map(|(name, change)| (name.as_str(), *change)).collect();
        assert_eq!(found, changes);
        assert_eq!(plan.write.len(), written);
        apply(&world, &plan).await.unwrap();
    }
    let (catalog, objects, latest) = world.store.catalog().await.unwrap();
    assert_eq!(objects.len(), 2);
    assert_eq!(latest, Some(apply_id(3)), "an apply that changes nothing makes no revision");
    let hello = catalog.template(&model::NamespacedName::new("default", "hello")).unwrap();
    assert_eq!(hello.spec.templates[0].container.as_ref().unwrap().args, ["goodbye".into()]);
}

#[tokio::test]
async fn places_survive_being_stored() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    apply(&world, &plan(&world, TEMPLATE, 1).await).await.unwrap();
    let (_, objects, _) = world.store.catalog().await.unwrap();
    assert_eq!(objects[0].place(), manifests(TEMPLATE)[0].place());
    for path in ["metadata.name", "spec.templates[0].container.args[0]"] {
        let place = objects[0].places().get(path);
        assert!(place.is_some(), "{path}");
        assert_eq!(place, manifests(TEMPLATE)[0].places().get(path));
    }
}

#[tokio::test]
async fn a_plan_made_before_another_apply_is_stale() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (first, second) = (plan(&world, TEMPLATE, 1).await, plan(&world, &changed(), 2).await);
    apply(&world, &first).await.unwrap();
    assert!(matches!(apply(&world, &second).await, Err(ActError::Failed(StoreError::Stale))));
    assert_eq!(world.store.catalog().await.unwrap().2, Some(apply_id(1)));
}

#[tokio::test]
async fn another_plan_than_the_recorded_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (recorded, mut other) = (plan(&world, TEMPLATE, 1).await, plan(&world, &changed(), 1).await);
    other.digest.clone_from(&recorded.digest);
    assert!(matches!(apply(&world, &other).await, Err(ActError::Failed(StoreError::NotWhatWasRecorded(_)))));
}

#[tokio::test]
async fn a_template_is_written_and_deleted_and_its_revisions_stay() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let plan = plan(&world, TEMPLATE, 1).await;
    let edit = |name: &str| EditTemplate {
        namespace: "default".to_owned(),
        name: name.to_owned(),
        digest: plan.digest.clone(),
    };
    let other =
        world.act(&me(), edit("other"), async |go| world.store.write_template(go, &plan, at(1)).await).await;
    assert!(matches!(other, Err(ActError::Failed(StoreError::NotWhatWasRecorded(_)))));
    world.must(&me(), edit("hello"), async |go| world.store.write_template(go, &plan, at(1)).await).await;
    let delete = DeleteTemplate { namespace: "default".to_owned(), name: "hello".to_owned() };
    let go = async |id| {
        world
            .act(&me(), delete.clone(), async |go| world.store.delete_template(go, apply_id(id), at(2)).await)
            .await
    };
    go(2).await.unwrap();
    assert!(matches!(go(3).await, Err(ActError::Failed(StoreError::NotFound(_)))));
    let (catalog, objects, latest) = world.store.catalog().await.unwrap();
    assert!(
        objects.is_empty() && catalog.template(&model::NamespacedName::new("default", "hello")).is_none()
    );
    assert_eq!(latest, Some(apply_id(2)));
    world.store.close().await;
    store::verify_folder(folder.path(), &crate::world::public()).unwrap();
}

#[test]
fn what_cannot_be_planned_is_said_all_at_once() {
    let workflow = TEMPLATE.replace("WorkflowTemplate", "Workflow").replace("name: hello", "name: once");
    let text = format!("{TEMPLATE}---{TEMPLATE}---{workflow}");
    let faults = plan_apply(&[], None, manifests(&text), apply_id(1)).unwrap_err();
    let codes: Vec<_> = faults.iter().map(|fault| fault.code).collect();
    assert!(codes.contains(&GIVEN_TWICE) && codes.contains(&NOT_KEPT), "{faults:?}");
}

#[test]
fn the_whole_is_checked_and_not_only_what_is_new() {
    let whole = manifests(include_str!("payroll.yaml"));
    assert!(Catalog::check(whole.clone()).is_ok());
    let application = include_str!("payroll.yaml").split("---").nth(1).unwrap();
    let broken =
        application.replace("identityscopes.marque.dev: payroll", "identityscopes.marque.dev: nowhere");
    assert!(plan_apply(&whole, None, manifests(&broken), apply_id(1)).is_err());
}
