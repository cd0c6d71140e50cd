//! Login sessions.

use audit::ActError;
use identity::Caller;
use policy::{LogIn, LogOut};
use store::{Session, StoreError};

use crate::world::{World, at, person, session_id};

fn session(n: u128) -> Session {
    Session { id: session_id(n), principal: person("ann", &["a", "b"]), expires_at: at(1_000) }
}

async fn log_in(world: &World, session: &Session, token: [u8; 32]) -> Result<(), ActError<StoreError>> {
    let caller = Caller::from_session(session.principal.clone());
    let action = LogIn { session: session.id.to_string() };
    world.act(&caller, action, async |go| world.store.create_session(go, token, session.clone()).await).await
}

#[tokio::test]
async fn a_session_is_found_by_its_token_until_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    log_in(&world, &session(1), [7; 32]).await.unwrap();
    let found = world.store.session([7; 32], at(999)).await.unwrap().unwrap();
    assert_eq!(found.principal, session(1).principal);
    assert_eq!((found.id, found.expires_at), (session_id(1), at(1_000)));
    assert!(world.store.session([7; 32], at(1_000)).await.unwrap().is_none());
    assert!(world.store.session([8; 32], at(0)).await.unwrap().is_none());
}

#[tokio::test]
async fn an_ended_session_is_not_found_and_ending_it_twice_is_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    log_in(&world, &session(1), [7; 32]).await.unwrap();
    let caller = Caller::from_session(session(1).principal);
    for _ in 0..2 {
        let action = LogOut { session: session_id(1).to_string() };
        world.must(&caller, action, async |go| world.store.end_session(go).await).await;
        assert!(world.store.session([7; 32], at(0)).await.unwrap().is_none());
    }
    let unknown = LogOut { session: session_id(2).to_string() };
    let result = world.act(&caller, unknown, async |go| world.store.end_session(go).await).await;
    assert!(matches!(result, Err(ActError::Failed(StoreError::NotFound(_)))));
}

#[tokio::test]
async fn nobody_makes_a_session_for_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let action = LogIn { session: session_id(1).to_string() };
    let mallory = Caller::from_session(person("mallory", &[]));
    let result =
        world.act(&mallory, action, async |go| world.store.create_session(go, [7; 32], session(1)).await);
    assert!(matches!(result.await, Err(ActError::Failed(StoreError::NotWhatWasRecorded(_)))));
}

#[tokio::test]
async fn a_token_or_an_id_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    log_in(&world, &session(1), [7; 32]).await.unwrap();
    for (n, token) in [(1, [8; 32]), (2, [7; 32])] {
        let again = log_in(&world, &session(n), token).await;
        assert!(matches!(again, Err(ActError::Failed(StoreError::Exists(_)))));
    }
}
