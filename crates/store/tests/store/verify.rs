//! Verifying a whole database, and naming what was changed in it.

use std::path::Path;

use engine::EventKind;
use identity::Caller;
use model::argo::{NodeId, WorkflowPhase};
use policy::{ApplyManifests, DeleteRun, LogIn};
use rusqlite::Connection;
use store::{DATABASE, Session, plan_apply};

use crate::world::{
    TEMPLATE, World, apply_id, at, event, finished, key, manifests, me, person, public, run, session_id,
};

/// Makes a database with something of everything in it, closed.
pub(crate) async fn fill(folder: &Path) {
    let world = World::open(folder);
    let (_, current, base) = world.store.catalog().await.unwrap();
    for (n, text) in [(1, TEMPLATE.to_owned()), (2, TEMPLATE.replace("[hello]", "[goodbye]"))] {
        let base = if n == 1 { base } else { Some(apply_id(n - 1)) };
        let (_, plan) = plan_apply(&current, base, manifests(&text), apply_id(n)).unwrap();
        let action = ApplyManifests {
            namespace: "default".to_owned(),
            digest: plan.digest.clone(),
            scopes: Vec::new(),
        };
        world.must(&me(), action, async |go| world.store.apply(go, &plan, at(3)).await).await;
    }
    for n in 1..=3 {
        let run = run(n, &format!("run-{n}"));
        world.create(&run).await;
        let node = NodeId::from_text("n");
        let events = [event(1, EventKind::Started), event(2, EventKind::PodRunning { node })];
        world.advance(&run, 0, &events, WorkflowPhase::Running).await;
        if n > 1 {
            world.advance(&run, 2, &[finished(3, "n", 0)], WorkflowPhase::Succeeded).await;
        }
        if n > 2 {
            let action = DeleteRun { run: run.facts.clone() };
            world.must(&me(), action, async |go| world.store.delete_run(go).await).await;
        }
    }
    let session = Session { id: session_id(1), principal: person("ann", &["a"]), expires_at: at(1_000) };
    let caller = Caller::from_session(session.principal.clone());
    let action = LogIn { session: session.id.to_string() };
    world
        .must(&caller, action, async |go| world.store.create_session(go, [7; 32], session.clone()).await)
        .await;
    world.store.close().await;
}

/// Changes a closed database as its owner could with SQLite at hand: without the triggers.
fn tamper(folder: &Path, sql: &str) {
    let connection = Connection::open(folder.join(DATABASE)).unwrap();
    let triggers: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (name, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    connection.execute_batch(sql).unwrap();
    for (_, sql) in &triggers {
        connection.execute_batch(sql).unwrap();
    }
    let changed: i64 = connection.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap();
    assert!(changed > 0, "{sql} changes nothing");
}

#[tokio::test]
async fn a_whole_database_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let report = store::verify_folder(folder.path(), &public()).unwrap();
    assert_eq!((report.allowed, report.denied, report.unfinished), (12, 0, 0));
    assert_eq!(report.entries, 36, "an attempt, a stored record and an outcome each");
    assert_eq!(report.unsigned(), 0);
    assert_eq!(report.first_at, Some(at(0)));
}

#[tokio::test]
async fn verifying_creates_no_file_and_changes_none() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let list = || {
        let mut files: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| (file.as_ref().unwrap().path(), std::fs::read(file.unwrap().path()).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = list();
    assert_eq!(before.len(), 2, "a database that was closed well is one file, beside the lock");
    store::verify_folder(folder.path(), &public()).unwrap();
    assert!(list() == before);
}

#[tokio::test]
async fn a_copied_file_verifies_alone() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(folder.path()).await;
    let path = copy.path().join("copy with spaces & ?#%.db");
    std::fs::copy(folder.path().join(DATABASE), &path).unwrap();
    assert_eq!(store::verify_folder(&path, &public()).unwrap().entries, 36);
}

#[tokio::test]
async fn a_database_in_use_verifies_and_its_unsigned_end_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let world = World::open(folder.path());
    world.create(&run(9, "live")).await;
    let report = store::verify_folder(folder.path(), &public()).unwrap();
    assert!(report.entries >= 38, "{report:?}");
    assert!(report.unsigned() <= 3, "{report:?}");
}

#[tokio::test]
async fn every_change_to_a_record_is_found_and_named() {
    for (sql, named) in [
        (
            "UPDATE log SET body = CAST(replace(CAST(body AS TEXT), '\"allow\"', '\"deny!\"') AS BLOB) WHERE number = 6",
            "entry 6 (submit, 2026-01-02T03:04:05",
        ),
        ("UPDATE log SET leaf = zeroblob(32) WHERE number = 4", "entry 4 (stored)"),
        ("DELETE FROM log WHERE number = 5", "entry 6"),
        ("DELETE FROM log WHERE number = 35", "checkpoint of 36 entries"),
        (
            "UPDATE checkpoints SET note = replace(note, '36', '35') WHERE size = 36",
            "checkpoint of 36 entries",
        ),
        ("UPDATE checkpoints SET frontier = zeroblob(64) WHERE size = 36", "checkpoint of 36 entries"),
        ("UPDATE runs SET body = replace(body, '2026-11', '2026-12') WHERE entry = 6", "run `run_00000000"),
        (
            "UPDATE events SET body = replace(body, '\"ok\"', '\"no\"') WHERE number = 2",
            "event 2 of run `run_0000",
        ),
        ("DELETE FROM events WHERE number = 1", "event 0 of run `run_0000"),
        ("UPDATE advances SET phase = 'Failed' WHERE phase = 'Succeeded'", "event 2 of run"),
        ("INSERT INTO events VALUES('run_00000000-0000-0000-0000-000000000001', 2, '{}')", "event 2 of run"),
        (
            "UPDATE objects SET body = replace(body, 'hello', 'hallo') WHERE number = 1",
            "object `WorkflowTemplate/default/hello`, revision 1",
        ),
        ("UPDATE objects SET created_at = '2020-01-01T00:00:00Z' WHERE number = 2", "`, revision 2"),
        ("UPDATE objects SET author = '{}' WHERE number = 2", "`, revision 2"),
        ("DELETE FROM objects WHERE number = 2", "entry 3"),
        ("DELETE FROM run_deletions", "entry 30"),
        ("UPDATE sessions SET expires_at = '2030-01-01T00:00:00Z'", "session `ses_0000"),
        ("UPDATE sessions SET principal = replace(principal, 'ann', 'bob')", "session `ses_0000"),
        ("UPDATE sessions SET token = zeroblob(32)", "session `ses_0000"),
        ("INSERT INTO session_ends VALUES(99, 'ses_x')", "end of session `ses_x`"),
        (
            "INSERT INTO approvals VALUES(6, 'run_1', 'n', 'g', 'd', 'i', 'mallory', NULL, '2026-01-01T00:00:00Z', NULL)",
            "by `mallory`",
        ),
        (
            "INSERT INTO approvals VALUES(77, 'run_1', 'n', 'g', 'd', 'i', 'mallory', NULL, '2026-01-01T00:00:00Z', NULL)",
            "approval of `n` of run `run_1` by `mallory`",
        ),
        ("UPDATE run_state SET phase = 'Succeeded' WHERE phase = 'Running'", "run `run_00000000"),
        ("UPDATE run_state SET deleted = 0 WHERE deleted = 1", "run `run_00000000"),
        ("CREATE TABLE more(x); INSERT INTO more VALUES(1)", "the database"),
        ("DROP TABLE session_ends; INSERT INTO log VALUES(36, x'', x'')", "the database"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path()).await;
        tamper_keeping(folder.path(), sql);
        let faults = store::verify_folder(folder.path(), &public()).expect_err(sql);
        assert!(
            faults.iter().any(|fault| fault.record.contains(named)),
            "{sql}: {named} is not named by {faults:#?}"
        );
        assert!(faults.iter().all(|fault| !fault.problem.is_empty() && fault.code.0.len() == 7));
    }
}

/// As [`tamper`]; triggers of tables that are gone stay gone.
fn tamper_keeping(folder: &Path, sql: &str) {
    if sql.starts_with("DROP TABLE") {
        let connection = Connection::open(folder.join(DATABASE)).unwrap();
        connection.execute_batch(sql).unwrap();
    } else {
        tamper(folder, sql);
    }
}

#[tokio::test]
async fn a_log_written_anew_with_consistent_hashes_fails_at_the_signature() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
    let body: Vec<u8> =
        connection.query_row("SELECT body FROM log WHERE number = 6", [], |row| row.get(0)).unwrap();
    drop(connection);
    let body = String::from_utf8(body).unwrap().replace("\"sub\":\"me\"", "\"sub\":\"you\"");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let leaf = audit::merkle::leaf_hash(body.as_bytes());
    tamper(
        folder.path(),
        &format!(
            "UPDATE log SET body = x'{}', leaf = x'{}' WHERE number = 6",
            hex(body.as_bytes()),
            hex(&leaf)
        ),
    );
    let faults = store::verify_folder(folder.path(), &public()).unwrap_err();
    assert_eq!(faults[0].code, audit::verify::WRONG_ROOT, "{faults:?}");
}

#[tokio::test]
async fn another_key_vouches_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let faults = store::verify_folder(folder.path(), key(2).public()).unwrap_err();
    assert!(faults.iter().all(|fault| fault.code == audit::verify::WRONG_CHECKPOINT), "{faults:?}");
}

#[test]
fn what_is_no_database_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let faults = store::verify_folder(folder.path(), &public()).unwrap_err();
    assert!(faults[0].problem.contains("cannot be read"), "{faults:?}");
    std::fs::write(folder.path().join(DATABASE), "x".repeat(100)).unwrap();
    let faults = store::verify_folder(folder.path(), &public()).unwrap_err();
    assert!(faults[0].problem.contains("not a SQLite database"), "{faults:?}");
}

#[tokio::test]
async fn derived_columns_are_made_anew_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    tamper(
        folder.path(),
        "UPDATE run_state SET phase = 'Failed', events = 7, name = name || '-x', deleted = 0",
    );
    assert!(store::verify_folder(folder.path(), &public()).is_err());
    drop(World::open(folder.path()));
    store::verify_folder(folder.path(), &public()).unwrap();
}

#[tokio::test]
async fn a_damaged_end_of_the_log_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    tamper(
        folder.path(),
        "DELETE FROM checkpoints WHERE size > 20; UPDATE log SET body = x'7b7d' WHERE number = 33",
    );
    assert!(store::Store::open(folder.path(), key(1)).is_err());
}
