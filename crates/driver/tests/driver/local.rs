//! Keys without a repository.

use serde_json::json;

use crate::peer::{Bench, at};

#[tokio::test]
async fn a_key_without_a_repository_is_a_file_of_the_namespace() {
    let bench = Bench::new();
    let place = at("s3", json!({"key": "a/b.txt"}));
    let file = bench.write("in", b"content");
    bench.save(&place, &file).await.unwrap();
    bench.write("folder/x/1", b"one");
    bench.write("folder/2", b"two");
    bench.save(&at("s3", json!({"key": "a/folder"})), &bench.path("folder")).await.unwrap();
    assert_eq!(bench.load(&place).await.unwrap()[""], b"content");
    let folder = bench.load(&at("s3", json!({"key": "a/folder/"}))).await.unwrap();
    assert_eq!(Vec::from_iter(folder.keys()), ["/2", "/x/1"]);
    let all = at("s3", json!({"key": "a"}));
    assert_eq!(bench.list(&all).await.unwrap(), ["a/b.txt", "a/folder/2", "a/folder/x/1"]);

    let other = driver::Place { namespace: "other", ..bench.place(&place) };
    let found = bench.drivers.load(other, &bench.path("elsewhere")).await;
    assert!(matches!(found, Err(driver::DriverError::NotFound(_))), "{found:?}");

    bench.delete(&all).await.unwrap();
    bench.delete(&all).await.unwrap();
    assert_eq!(bench.list(&all).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn no_key_and_no_namespace_leads_out_of_the_folder() {
    let bench = Bench::new();
    let file = bench.write("in", b"content");
    for key in ["../x", "a/../../x", "..", "a/./b", ""] {
        let place = at("s3", json!({"key": key}));
        assert!(bench.save(&place, &file).await.is_err(), "{key}");
        assert!(bench.load(&place).await.is_err(), "{key}");
        assert!(bench.list(&place).await.is_err(), "{key}");
    }
    let place = at("s3", json!({"key": "x"}));
    for namespace in ["", ".", "..", "a/b", "../x"] {
        let place = driver::Place { namespace, ..bench.place(&place) };
        assert!(bench.drivers.save(place, &file).await.is_err(), "{namespace}");
    }
}

#[tokio::test]
async fn drivers_that_cannot_be_served_are_refused_by_name() {
    let bench = Bench::new();
    for (driver, fields, name) in [
        ("hdfs", json!({"addresses": ["h:1"], "path": "/x"}), "`hdfs`"),
        ("plugin", json!({"name": "mine", "key": "k"}), "plugin `mine`"),
        ("s3", json!({"endpoint": "h", "bucket": "b", "key": "k", "roleARN": "r"}), "`roleARN`"),
        (
            "s3",
            json!({"endpoint": "h", "bucket": "b", "key": "k", "encryptionOptions": {"kmsEncryptionContext": "{}"}}),
            "`kmsEncryptionContext`",
        ),
        ("s3", json!({"endpoint": "h", "bucket": "b", "key": "k", "useSDKCreds": true}), "`useSDKCreds`"),
        (
            "azure",
            json!({"endpoint": "https://a.b.c", "container": "b", "blob": "k", "useSDKCreds": true}),
            "`useSDKCreds`",
        ),
        (
            "oss",
            json!({"endpoint": "h", "bucket": "b", "key": "k", "lifecycleRule": {"x": 1}}),
            "`lifecycleRule`",
        ),
        ("git", json!({"repo": "/etc"}), "`/etc`"),
        ("git", json!({"repo": "file:///etc"}), "`file:///etc`"),
        ("git", json!({"repo": "git://h/x"}), "`git://h/x`"),
    ] {
        let error = bench.load(&at(driver, fields)).await.unwrap_err();
        assert!(error.contains(name) && error.contains("not supported"), "{driver}: {error}");
    }
    let file = bench.write("in", b"x");
    for (driver, fields) in [("git", json!({"repo": "https://h/x"})), ("raw", json!({"data": "x"}))] {
        assert!(
            bench.save(&at(driver, fields), &file).await.unwrap_err().contains("not supported"),
            "{driver}"
        );
    }
}
