//! The log: order, heads, proofs, and what happens when it cannot be written.

use audit::{ActError, Checkpoint, Entry, Journal, Outcome, Unauthenticated, merkle};
use store::{DATABASE, Store, StoreError};

use crate::world::{World, at, key, me, public, run, submit};

fn nobody(n: i64) -> Entry {
    Entry::Unauthenticated(Unauthenticated::new(
        at(n),
        "IDN0001",
        "no token",
        &format!("GET /api/{n}?token=secret"),
    ))
}

#[tokio::test]
async fn entries_are_numbered_in_order_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    for n in 0..5 {
        assert_eq!(world.store.append(nobody(n)).await.unwrap(), u64::try_from(n).unwrap());
    }
    let entries = world.store.entries(&world.auditor(), 1, 3).await.unwrap();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    for entry in &entries {
        assert_eq!(merkle::leaf_hash(&entry.body), entry.leaf);
        assert_eq!(Entry::from_body(&entry.body).unwrap(), nobody(i64::try_from(entry.number).unwrap()));
    }
    assert!(world.store.entries(&world.auditor(), u64::MAX, 3).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_act_is_attempt_then_stored_then_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.create(&run(1, "hello")).await;
    world.store.append(nobody(1)).await.unwrap();
    let entries = world.store.entries(&world.auditor(), 0, 10).await.unwrap();
    let kinds: Vec<&str> = entries
        .iter()
        .map(|entry| match Entry::from_body(&entry.body).unwrap() {
            Entry::Attempt(_) => "attempt",
            Entry::Stored(stored) if stored.attempt == 0 => "stored",
            Entry::Outcome(Outcome { attempt: 0, error: None, .. }) => "outcome",
            Entry::Unauthenticated(_) => "nobody",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["attempt", "stored", "outcome", "nobody"]);
}

#[tokio::test]
async fn a_parameters_value_is_not_in_the_log_but_its_name_is() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.create(&run(1, "hello")).await;
    let entries = world.store.entries(&world.auditor(), 0, 10).await.unwrap();
    let log: String = entries.iter().map(|entry| String::from_utf8(entry.body.clone()).unwrap()).collect();
    assert!(log.contains("\"month\""), "{log}");
    assert!(!log.contains("a-value-nobody-may-read"), "{log}");
}

#[tokio::test]
async fn a_change_that_fails_leaves_nothing_and_fails_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.create(&run(1, "taken")).await;
    let (bad, good) = (run(2, "taken"), run(3, "free"));
    let caller = me();
    let bad_act = world.act(&caller, submit(&bad), async |go| world.store.create_run(go, bad.clone()).await);
    let good_act =
        world.act(&caller, submit(&good), async |go| world.store.create_run(go, good.clone()).await);
    let (bad_result, good_result) = tokio::join!(bad_act, good_act);
    assert!(matches!(bad_result, Err(ActError::Failed(StoreError::Exists(_)))));
    good_result.unwrap();
    world.store.close().await;
    let report = store::verify_folder(folder.path(), &public()).unwrap();
    assert_eq!((report.allowed, report.unfinished), (3, 0));
}

#[tokio::test]
async fn many_at_once_all_become_durable() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..2_000 {
        let store = world.store.clone();
        tasks.spawn(async move { store.append(nobody(n)).await.unwrap() });
    }
    let mut numbers = tasks.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..2_000).collect::<Vec<u64>>());
    world.store.close().await;
    let report = store::verify_folder(folder.path(), &public()).unwrap();
    assert_eq!((report.entries, report.unsigned()), (2_000, 0));
    assert!(report.checkpoints >= 2, "{report:?}");
}

#[tokio::test]
async fn a_signed_entry_is_proven_to_be_in_the_log_and_the_log_to_have_only_grown() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    for n in 0..300 {
        world.store.append(nobody(n)).await.unwrap();
    }
    let (old_size, old_note) = world.store.checkpoint(&world.auditor()).await.unwrap().unwrap();
    for n in 0..300 {
        world.store.append(nobody(n * 1_000)).await.unwrap();
    }
    let proof = world.store.entry_proof(&world.auditor(), 7).await.unwrap();
    let head = Checkpoint::open(&proof.checkpoint, &public()).unwrap();
    assert_eq!(head.size, proof.size);
    let leaf = merkle::leaf_hash(&proof.entry.body);
    assert!(merkle::proves_inclusion(&proof.path, &leaf, 7, head.size, &head.root));
    let old = Checkpoint::open(&old_note, &public()).unwrap();
    let (path, size, note) = world.store.growth_proof(&world.auditor(), old_size).await.unwrap();
    let new = Checkpoint::open(&note, &public()).unwrap();
    assert!(size > old_size);
    assert!(merkle::proves_consistency(&path, (old.size, &old.root), (new.size, &new.root)));
    assert!(matches!(world.store.entry_proof(&world.auditor(), 10_000).await, Err(StoreError::NotFound(_))));
}

#[tokio::test]
async fn a_quiet_log_is_signed_by_the_time_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let world = World::open(folder.path());
        world.store.append(nobody(round)).await.unwrap();
        drop(world);
        let report = store::verify_folder(folder.path(), &public()).unwrap();
        assert_eq!((report.entries, report.signed), (u64::try_from(round).unwrap(), report.entries));
    }
}

#[tokio::test]
async fn a_closed_database_takes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.store.close().await;
    assert!(world.store.append(nobody(1)).await.is_err());
    let unrecorded = world.act(&me(), submit(&run(1, "x")), async |_| Ok(())).await;
    assert!(matches!(unrecorded, Err(ActError::Unrecorded(_))), "what cannot be recorded is not done");
}

#[tokio::test]
async fn only_one_process_writes_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    assert!(matches!(Store::open(folder.path(), key(1)), Err(StoreError::InUse)));
    drop(world);
    drop(Store::open(folder.path(), key(1)).unwrap());
}

#[tokio::test]
async fn a_log_is_not_continued_with_another_key() {
    let folder = tempfile::tempdir().unwrap();
    drop(World::open(folder.path()));
    assert!(matches!(Store::open(folder.path(), key(2)), Err(StoreError::Audit(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let world = World::open(&data);
    world.store.append(nobody(1)).await.unwrap();
    for entry in std::fs::read_dir(&data).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn another_programs_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE mine(x); PRAGMA user_version = 1;").unwrap();
    drop(other);
    assert!(matches!(Store::open(folder.path(), key(1)), Err(StoreError::Damaged(_))));
    std::fs::write(&path, "not a database at all, only text that is long enough to be looked at").unwrap();
    assert!(Store::open(folder.path(), key(1)).is_err());
}
