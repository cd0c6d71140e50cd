//! A copy of the database with one flipped byte: either it does not verify, or the byte belongs to no record.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, types::Value};
use store::DATABASE;

use crate::{verify::fill, world::public};

/// How many bytes are flipped. The positions are a fixed sequence that goes through the whole file.
const FLIPS: u64 = 500;

type Dump = Vec<(String, Vec<Vec<Value>>)>;

/// Everything that the file holds for whoever reads it with SQLite: tables, definitions, versions.
fn dump(path: &Path) -> rusqlite::Result<Dump> {
    let uri = format!("file:{}?mode=ro&immutable=1", path.display());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags)?;
    let mut queries = vec![
        "PRAGMA user_version".to_owned(),
        "PRAGMA application_id".to_owned(),
        "PRAGMA encoding".to_owned(),
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name".to_owned(),
    ];
    let tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    // `NOT INDEXED` reads the table itself, `ORDER BY rowid` or the key in the order of its tree.
    queries.extend(tables.iter().map(|table| format!("SELECT * FROM {table} NOT INDEXED")));
    let mut dump = Dump::new();
    for query in queries {
        let mut statement = connection.prepare(&query)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect())?;
        dump.push((query, rows.collect::<Result<_, _>>()?));
    }
    Ok(dump)
}

#[tokio::test]
async fn a_flipped_byte_fails_or_belongs_to_no_record() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let path = folder.path().join("dense.db");
    std::fs::copy(folder.path().join(DATABASE), &path).unwrap();
    // In pages of 512 bytes hardly a byte is free, and trees have inner pages.
    let dense = Connection::open(&path).unwrap();
    dense.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM;").unwrap();
    drop(dense);
    store::verify_folder(&path, &public()).unwrap();
    let original = std::fs::read(&path).unwrap();
    let before = dump(&path).unwrap();
    let copy = folder.path().join("copy.db");
    let (mut caught, mut free) = (0, Vec::new());
    let size = original.len() as u64;
    // A generator of all positions of the file in a scrambled order (Knuth's multiplier), the header first.
    let scrambled = (0..FLIPS).map(|n| n.wrapping_mul(2_654_435_761) % size);
    for position in (0..100).chain(scrambled) {
        let mut bytes = original.clone();
        let at = usize::try_from(position).unwrap();
        bytes[at] ^= 1 << (position % 8);
        std::fs::write(&copy, &bytes).unwrap();
        match store::verify_folder(&copy, &public()) {
            Err(faults) => {
                assert!(faults.iter().all(|fault| !fault.record.is_empty() && !fault.problem.is_empty()));
                caught += 1;
            }
            Ok(_) => {
                let same = dump(&copy).is_ok_and(|after| after == before);
                assert!(same, "byte {position} was flipped, something reads differently, and it verifies");
                free.push(position);
            }
        }
    }
    // Most of the file is in use, so most flips must be caught; a test that never catches any proves nothing.
    assert!(caught > FLIPS / 2, "{caught} caught, free: {free:?}");
    println!("{caught} caught, {} in no record", free.len());
}

#[tokio::test]
async fn every_byte_of_every_record_counts() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let original = std::fs::read(folder.path().join(DATABASE)).unwrap();
    let copy = folder.path().join("copy.db");
    for (text, named) in [
        ("\"action\":\"submit\"", "entry "),
        ("\"overrides\":{\"month\":\"2026-11\"}", "run `run_00000000"),
        ("{\"v\":1,\"at\":\"2026-01-02T03:04:05.003Z\",\"is\":{\"podFinished\"", "event 2 of run"),
        ("\"args\":[\"hello\"]", "object `WorkflowTemplate/default/hello`, revision 1"),
        ("\"email\":\"ann@corp.example\"", "session `ses_0000"),
        ("\u{2014} marque.dev/log/", "checkpoint of "),
    ] {
        let needle = text.as_bytes();
        let flipped = |at: usize| {
            let mut bytes = original.clone();
            bytes[at] ^= 1;
            std::fs::write(&copy, &bytes).unwrap();
            store::verify_folder(&copy, &public())
        };
        // What SQLite moved from one page to another is left behind as well; only one copy is the record.
        let mut copies = (0..original.len() - needle.len()).filter(|at| original[*at..].starts_with(needle));
        let record = copies.find(|at| flipped(at + needle.len() / 2).is_err()).expect(text);
        for offset in 0..needle.len() {
            let faults = flipped(record + offset).expect_err(text);
            assert!(
                faults.iter().any(|fault| fault.record.contains(named)),
                "{text} at {offset}: {faults:#?}"
            );
        }
    }
}
