//! A disk that fills up: SQLite says so once the file has the pages it may have.

use audit::{Entry, Journal, Unauthenticated};
use aws_lc_rs::signature::Ed25519KeyPair;

use super::*;

fn key() -> LogKey {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    LogKey::from_pkcs8(pair.to_pkcs8().unwrap().as_ref()).unwrap()
}

fn nobody(text: &str) -> Entry {
    Entry::Unauthenticated(Unauthenticated::new(
        "2026-01-02T03:04:05Z".parse().unwrap(),
        "IDN0001",
        text,
        "GET /",
    ))
}

/// Opens a database whose file may have `pages` pages at most.
fn open_small(folder: &Path, pages: u32) -> Store {
    drop(Store::open(folder, key()).unwrap());
    let path = folder.join(DATABASE);
    let mut connection = Connection::open(&path).unwrap();
    schema::prepare(&connection).unwrap();
    schema::migrate(&mut connection).unwrap();
    connection.pragma_update(None, "max_page_count", pages).unwrap();
    let lock = private_file(&folder.join(LOCK)).unwrap();
    Store::serve(&path, lock, connection, key()).unwrap()
}

#[tokio::test]
async fn what_does_not_fit_on_the_disk_is_refused_and_what_was_acknowledged_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_small(folder.path(), 100);
    let mut acknowledged = 0;
    let refused = loop {
        match store.append(nobody(&"x".repeat(2_000))).await {
            Ok(number) => {
                assert_eq!(number, acknowledged);
                acknowledged += 1;
            }
            Err(refused) => break refused,
        }
        assert!(acknowledged < 1_000, "the disk never fills up");
    };
    assert!(!refused.reason.is_empty());
    assert!(acknowledged > 10);
    drop(store);
    // Opened again with room: nothing acknowledged is missing, nothing refused is there, and it goes on.
    let store = Store::open(folder.path(), key()).unwrap();
    assert_eq!(store.append(nobody("more")).await.unwrap(), acknowledged);
    drop(store);
    let report = verify_folder(folder.path(), key().public()).unwrap();
    assert_eq!((report.entries, report.unsigned()), (acknowledged + 1, 0));
}

#[tokio::test]
async fn an_entry_that_waits_to_be_written_is_not_overtaken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_small(folder.path(), 100);
    while store.append(nobody(&"x".repeat(2_000))).await.is_ok() {}
    store.enqueue(nobody(&"y".repeat(2_000)));
    let refused = store.change(|tx| Ok(tx.log.size())).await;
    assert!(matches!(refused, Err(StoreError::NotWritten(_))), "{refused:?}");
    store.close().await;
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "x").unwrap();
    assert!(matches!(Store::open(&path, key()), Err(StoreError::Folder(_))));
}
