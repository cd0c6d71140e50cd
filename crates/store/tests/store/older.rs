//! Databases written by older releases.

use rusqlite::Connection;
use store::{DATABASE, Store, StoreError};

use crate::{
    verify::fill,
    world::{World, key, public},
};

/// A database of version 1 as it was written then, in SQL.
const VERSION_1: &str = include_str!("version-1.sql");

fn write(folder: &std::path::Path, sql: &str) {
    Connection::open(folder.join(DATABASE)).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_database_of_version_1_verifies_is_migrated_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), VERSION_1);
    let before = store::verify_folder(folder.path(), &public()).unwrap();
    let world = World::open(folder.path());
    let runs = world.store.unfinished_runs().await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].facts.name.name, "run-1");
    let (_, events) = world.store.replay(runs[0].facts.id).await.unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(world.store.catalog().await.unwrap().1.len(), 1);
    drop(world);
    let after = store::verify_folder(folder.path(), &public()).unwrap();
    assert_eq!((after.entries, after.root), (before.entries, before.root));
    let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 3);
    assert!(connection.execute("DELETE FROM log", []).is_err(), "the log only grows");
    assert!(connection.execute("UPDATE events SET body = ''", []).is_err(), "events only grow");
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    write(folder.path(), "PRAGMA user_version = 99");
    assert!(matches!(Store::open(folder.path(), key(1)), Err(StoreError::Newer { found: 99, .. })));
    assert!(store::verify_folder(folder.path(), &public()).is_err());
}

/// Writes `version-1.sql` anew from a database that this release fills, less what came after version 1. Only for the day a
/// record of version 1 must be made again: `MARQUE_RECORD=1`; a recorded database never changes.
#[tokio::test]
async fn the_recorded_database_exists() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/version-1.sql");
    if std::env::var_os("MARQUE_RECORD").is_none() {
        assert!(std::fs::metadata(path).unwrap().len() > 1_000);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
    let mut sql = String::new();
    let definitions = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND type IN ('table', 'index') ORDER BY rowid";
    let mut statement = connection.prepare(definitions).unwrap();
    let tables: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    tables.iter().for_each(|(_, definition)| sql += &format!("{definition};\n"));
    for (table, definition) in &tables {
        if !definition.starts_with("CREATE TABLE") {
            continue;
        }
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<String> = (0..columns)
                .map(|at| match row.get::<_, rusqlite::types::Value>(at).unwrap() {
                    rusqlite::types::Value::Null => "NULL".to_owned(),
                    rusqlite::types::Value::Integer(value) => value.to_string(),
                    rusqlite::types::Value::Real(value) => value.to_string(),
                    rusqlite::types::Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
                    rusqlite::types::Value::Blob(blob) => {
                        format!("x'{}'", blob.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
                    }
                })
                .collect();
            sql += &format!("INSERT INTO {table} VALUES({});\n", values.join(", "));
        }
    }
    sql += "PRAGMA application_id = 0x4d415251;\nPRAGMA user_version = 1;\n";
    std::fs::write(path, sql).unwrap();
}
