//! Artifact plugins, against one made with Google's gRPC for Python.

use std::{path::Path, time::Duration};

use driver::{ArtifactPlugin, DriverError, Limits};
use serde_json::json;

use crate::peer::{Bench, Service, at};

fn mine(folder: &Path) -> Vec<ArtifactPlugin> {
    let socket = folder.join("plugin.sock");
    vec![ArtifactPlugin { name: "mine".to_owned(), socket, connection_time: Duration::from_secs(10) }]
}

fn started(limits: Limits) -> (Bench, Service) {
    let bench = Bench::of(&[], limits, mine);
    let kept = bench.path("kept");
    std::fs::create_dir(&kept).unwrap();
    let service = Service::plugin(&bench.path("plugin.sock"), &kept, "mine");
    (bench, service)
}

fn key(key: &str) -> model::argo::Location {
    at("plugin", json!({"name": "mine", "key": key}))
}

fn how(configuration: &str) -> model::argo::Location {
    at(
        "plugin",
        json!({"name": "mine", "key": "k", "configuration": configuration, "connectionTimeoutSeconds": 5}),
    )
}

#[tokio::test]
async fn a_plugin_keeps_files_and_folders() {
    let (bench, _service) = started(Limits::default());
    let file = bench.write("in", b"content");
    bench.save(&key("a/b.txt"), &file).await.unwrap();
    bench.write("folder/x/1", b"one");
    bench.write("folder/2", b"two");
    bench.save(&key("a/folder"), &bench.path("folder")).await.unwrap();
    assert_eq!(std::fs::read(bench.path("kept/a/b.txt")).unwrap(), b"content");

    assert_eq!(bench.load(&key("a/b.txt")).await.unwrap()[""], b"content");
    let folder = bench.load(&key("a/folder")).await.unwrap();
    assert_eq!(Vec::from_iter(folder.keys()), ["/2", "/x/1"]);
    assert_eq!(bench.list(&key("a")).await.unwrap(), ["a/b.txt", "a/folder/2", "a/folder/x/1"]);

    bench.delete(&key("a/folder")).await.unwrap();
    bench.delete(&key("a/folder")).await.unwrap();
    assert_eq!(bench.list(&key("a")).await.unwrap(), ["a/b.txt"]);
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_fails() {
    let (bench, _service) = started(Limits::default());
    let (nothing, target) = (key("none"), bench.path("target"));
    let found = bench.drivers.load(bench.place(&nothing), &target).await;
    assert!(matches!(found, Err(DriverError::NotFound(_))), "{found:?}");
    for (configuration, said) in [
        ("fail", "plugin mine load failed: the disk is on fire"),
        ("status", "plugin mine load failed: not for you"),
        ("nothing", "there is no file"),
    ] {
        let error = bench.load(&how(configuration)).await.unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn what_a_plugin_leaves_is_not_trusted() {
    let (bench, _service) = started(Limits { files: 10, ..Limits::default() });
    let error = bench.load(&how("link")).await.unwrap_err();
    assert!(error.contains("plugin `mine` left `x`, neither a file nor a folder"), "{error}");
    let error = bench.load(&how("many")).await.unwrap_err();
    assert!(error.contains("more than 10 files"), "{error}");
}

#[tokio::test]
async fn only_plugins_that_the_owner_named_are_called() {
    let bench = Bench::of(&[], Limits::default(), mine);
    let other = at("plugin", json!({"name": "other", "key": "k"}));
    let error = bench.load(&other).await.unwrap_err();
    assert!(error.contains("the artifact plugin `other` is not supported"), "{error}");
    let error = bench.load(&key("k")).await.unwrap_err();
    assert!(error.contains("artifact plugin `mine`"), "nobody listens: {error}");
}
