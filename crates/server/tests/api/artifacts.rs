//! Artifacts through the whole server: a repository in a real S3 server, keys without one, logs, folders, rights.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{ARGO_SCOPE, Server, config};

/// An S3 server with the bucket `bucket`; it ends with this value.
struct Store {
    child: Child,
    port: u16,
}

impl Store {
    fn start() -> Self {
        let folder = peer();
        let mut child = Command::new(folder.join("venv/bin/python"))
            .args(["serve.py", "s3"])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ready ")?.parse().ok());
        let store = Self { child, port: port.expect("the S3 server gets ready") };
        store.client(&["make", "bucket"]);
        store
    }
    /// Calls boto3.
    fn client(&self, words: &[&str]) -> Vec<u8> {
        let folder = peer();
        let mut command = Command::new(folder.join("venv/bin/python"));
        command.args(["client.py", "s3", &format!("http://127.0.0.1:{}", self.port)]).args(words);
        command.env("AWS_ACCESS_KEY_ID", "someone").env("AWS_SECRET_ACCESS_KEY", "something");
        let done = command.current_dir(&folder).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    }
    fn keys(&self) -> Vec<String> {
        serde_json::from_slice(&self.client(&["list", "bucket"])).unwrap()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peer() -> PathBuf {
    std::env::var_os("MARQUE_PEER_STORES").map(PathBuf::from).unwrap_or_else(|| {
        panic!(
            "MARQUE_PEER_STORES does not name an installed peer: run `cargo xtask test`, which installs it"
        )
    })
}

const SECRET: &str = "
apiVersion: v1
kind: Secret
metadata: {name: store, namespace: argo}
stringData: {access: someone, secret: hunter2-of-someone}
";

/// A server whose namespace `argo` has a Secret for the store and whatever else is in `more`.
async fn server(more: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.artifacts.networks = vec!["127.0.0.0/8".to_owned()];
    let server = Server::with(folder, config).await;
    let files = [("scope.yaml", ARGO_SCOPE), ("secret.yaml", SECRET), ("more.yaml", more)];
    let files = files.iter().filter(|(_, text)| !text.is_empty());
    let files: Vec<Value> = files.map(|(name, text)| json!({"name": name, "text": text})).collect();
    server.post("admin", "/api/marque/v1/apply", json!({ "files": files })).await.ok();
    server
}

/// The namespace's repository: the store's bucket, keys beginning with `repo/`, logs too.
fn repository(store: &Store) -> String {
    format!(
        "
apiVersion: v1
kind: ConfigMap
metadata:
  name: artifact-repositories
  namespace: argo
  annotations: {{workflows.argoproj.io/default-artifact-repository: main}}
data:
  main: |
    archiveLogs: true
    s3:
      bucket: bucket
      endpoint: 127.0.0.1:{}
      insecure: true
      keyFormat: \"repo/{{{{workflow.name}}}}/{{{{pod.name}}}}\"
      accessKeySecret: {{name: store, key: access}}
      secretKeySecret: {{name: store, key: secret}}
",
        store.port
    )
}

/// Starts a workflow and waits for its end.
async fn run(server: &Server, name: &str, spec: Value) -> Value {
    let workflow = json!({"workflow": {"metadata": {"name": name}, "spec": spec}});
    server.post("ops", "/api/v1/workflows/argo", workflow).await.ok();
    server.until_ended("ops", "argo", name).await
}

/// A workflow that makes a folder of files and hands it to a second pod.
fn pipeline(folder: &str, output: Value, input: Value) -> Value {
    let mut out = json!({"name": "made", "path": format!("{folder}/made")});
    out.as_object_mut().unwrap().extend(output.as_object().unwrap().clone());
    let make =
        format!("mkdir -p {folder}/made/sub && echo one > {folder}/made/1 && echo two > {folder}/made/sub/2");
    let show = format!("cat {folder}/in/1 {folder}/in/sub/2");
    let mut argument = json!({"name": "in", "from": "{{steps.make.outputs.artifacts.made}}"});
    argument.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    json!({
        "entrypoint": "main",
        "templates": [
            {"name": "main", "steps": [
                [{"name": "make", "template": "make"}],
                [{"name": "show", "template": "show", "arguments": {"artifacts": [argument]}}],
            ]},
            {"name": "make", "container": {"image": "busybox", "command": ["sh", "-c", make]},
                "outputs": {"artifacts": [out]}},
            {"name": "show", "inputs": {"artifacts": [{"name": "in", "path": format!("{folder}/in")}]},
                "container": {"image": "busybox", "command": ["sh", "-c", show]}},
        ],
    })
}

fn node<'a>(workflow: &'a Value, name: &str) -> &'a Value {
    let nodes = workflow["status"]["nodes"].as_object().unwrap();
    nodes.values().find(|node| node["displayName"] == name).unwrap()
}

#[tokio::test]
async fn outputs_and_logs_go_to_the_namespaces_repository_and_come_from_it() {
    let store = Store::start();
    let server = server(&repository(&store)).await;
    for (name, output, key) in [
        ("packed", json!({}), "made.tgz"),
        ("zipped", json!({"archive": {"zip": {}}}), "made.zip"),
        ("loose", json!({"archive": {"none": {}}}), "made"),
        ("own", json!({"s3": {"key": "elsewhere/x.tgz"}, "globalName": "whole"}), ""),
    ] {
        let folder = server.folder.path().join(name).display().to_string();
        let ended = run(&server, name, pipeline(&folder, output, json!({}))).await;
        assert_eq!(ended["status"]["phase"], "Succeeded", "{name}: {ended:#}");
        let made = node(&ended, "make");
        let key = if key.is_empty() {
            "elsewhere/x.tgz".to_owned()
        } else {
            let pod = made["id"].as_str().unwrap().replace(name, &format!("{name}-make"));
            format!("repo/{name}/{pod}/{key}")
        };
        assert_eq!(made["outputs"]["artifacts"][0]["s3"], json!({ "key": key }), "{name}");
        let chosen = &ended["status"]["artifactRepositoryRef"];
        assert_eq!((&chosen["configMap"], &chosen["key"]), (&json!("artifact-repositories"), &json!("main")));
        assert_eq!(made["outputs"]["artifacts"][1]["name"], "main-logs", "{made:#}");
        let keys = store.keys();
        let expected: Vec<String> =
            if name == "loose" { vec![format!("{key}/1"), format!("{key}/sub/2")] } else { vec![key] };
        assert!(expected.iter().all(|key| keys.contains(key)), "{expected:?} in {keys:?}");
        if name == "own" {
            assert_eq!(ended["status"]["outputs"]["artifacts"][0]["name"], "whole", "{ended:#}");
        }
        // the second pod's log came to the repository, and is read from there
        let shown = node(&ended, "show");
        let path = format!("/artifacts/argo/{name}/{}/main-logs", shown["id"].as_str().unwrap());
        let log = server.get("ops", &path).await.is(200);
        assert_eq!(
            (log.text().as_str(), log.header("content-type")),
            ("one\ntwo\n", "text/plain; charset=utf-8")
        );
        server.get("otto", &path).await.is(404);
        let packed = format!("/artifacts/argo/{name}/{}/made", made["id"].as_str().unwrap());
        let packed = server.get("ops", &packed).await.is(200);
        if name == "packed" {
            assert!(packed.body.starts_with(&[0x1f, 0x8b]), "a gzip file");
            assert!(packed.header("content-disposition").contains("made.tgz"));
        }
    }
    let record: Vec<Value> = server.record().await;
    let text = json!(record).to_string();
    assert!(text.contains("moveArtifacts") && text.contains("repo/packed/") && !text.contains("hunter2"));
}

#[tokio::test]
async fn a_data_template_lists_keys_and_transforms_the_list() {
    let store = Store::start();
    let server = server(&repository(&store)).await;
    let folder = server.folder.path().display().to_string();
    let out = |name: &str, key: &str| {
        json!({"name": name, "path": format!("{folder}/{name}"),
        "archive": {"none": {}}, "s3": {"key": key}})
    };
    let make = format!("echo a > {folder}/a && echo b > {folder}/b && echo c > {folder}/c");
    let list = json!({
        "source": {"artifactPaths": {"name": "all", "s3": {"key": "listed"}}},
        "transformation": [
            {"expression": "filter(data, {# endsWith '.py'})"},
            {"expression": "map(data, {{'name': #, 'size': len(#)}})"},
        ],
    });
    let spec = json!({
        "entrypoint": "main",
        "templates": [
            {"name": "main", "steps": [
                [{"name": "make", "template": "make"}],
                [{"name": "list", "template": "list"}],
                [{"name": "show", "template": "show", "withParam": "{{steps.list.outputs.result}}",
                    "arguments": {"parameters": [{"name": "name", "value": "{{item.name}}"}]}}],
            ]},
            {"name": "make", "container": {"image": "busybox", "command": ["sh", "-c", make]},
                "outputs": {"artifacts": [out("a", "listed/a.py"), out("b", "listed/sub/b.py"), out("c", "listed/c.md")]}},
            {"name": "list", "data": list},
            {"name": "show", "inputs": {"parameters": [{"name": "name"}]},
                "container": {"image": "busybox", "command": ["echo", "{{inputs.parameters.name}}"]}},
        ],
    });
    let ended = run(&server, "listed", spec).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    let list = node(&ended, "list");
    assert_eq!(list["type"], "Pod");
    let expected = r#"[{"name":"listed/a.py","size":11},{"name":"listed/sub/b.py","size":15}]"#;
    assert_eq!(list["outputs"]["result"], expected);
    assert!(ended["status"]["nodes"].to_string().contains("show(1:name:listed/sub/b.py"), "{ended:#}");
}

#[tokio::test]
async fn a_part_of_an_artifact_is_handed_over() {
    let store = Store::start();
    let server = server(&repository(&store)).await;
    let folder = server.folder.path().display().to_string();
    let mut spec = pipeline(&folder, json!({"archive": {"none": {}}}), json!({"subPath": "sub"}));
    spec["templates"][2]["container"]["command"][2] = json!(format!("cat {folder}/in/2"));
    let ended = run(&server, "part", spec).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
}

#[tokio::test]
async fn what_is_missing_fails_the_node_unless_it_is_optional() {
    let store = Store::start();
    let server = server(&repository(&store)).await;
    let folder = server.folder.path().display().to_string();
    for (name, optional, phase) in [("needed", false, "Error"), ("spare", true, "Succeeded")] {
        let spec = json!({"entrypoint": "main", "templates": [{
            "name": "main",
            "inputs": {"artifacts": [{"name": "in", "path": format!("{folder}/{name}/in"), "optional": optional,
                "s3": {"key": "not/there"}}]},
            "container": {"image": "busybox", "command": ["sh", "-c", format!("test ! -e {folder}/{name}/in")]},
        }]});
        let ended = run(&server, name, spec).await;
        assert_eq!(ended["status"]["phase"], phase, "{name}: {ended:#}");
        if !optional {
            let message = ended["status"]["message"].as_str().unwrap();
            assert!(
                message.contains("failed to load artifact 'in'") && message.contains("not found"),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn keys_without_a_repository_are_the_namespaces_own() {
    let server = server("").await;
    let folder = server.folder.path().display().to_string();
    let write = json!({"entrypoint": "main", "templates": [{
        "name": "main",
        "container": {"image": "busybox", "command": ["sh", "-c", format!("echo kept > {folder}/out.txt")]},
        "outputs": {"artifacts": [{"name": "out", "path": format!("{folder}/out.txt"), "s3": {"key": "shared/out.tgz"}}]},
    }]});
    let read = json!({"entrypoint": "main", "archiveLogs": true, "templates": [{
        "name": "main",
        "inputs": {"artifacts": [{"name": "in", "path": format!("{folder}/in.txt"), "mode": 320,
            "s3": {"key": "shared/out.tgz"}}]},
        "container": {"image": "busybox", "command": ["sh", "-c", format!("cat {folder}/in.txt; stat -c %a {folder}/in.txt")]},
    }]});
    let ended = run(&server, "writes", write).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    assert_eq!(ended["status"].get("artifactRepositoryRef"), None);
    let ended = run(&server, "reads", read).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    let log = server.get("ops", "/artifacts/argo/reads/reads/main-logs").await.is(200);
    assert_eq!(log.text(), "kept\n500\n");
    let input = server.get("ops", "/input-artifacts/argo/reads/reads/in").await.is(200);
    assert!(input.body.starts_with(&[0x1f, 0x8b]), "as it lies there");
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_told() {
    let store = Store::start();
    let server = server(&repository(&store)).await;
    for (reference, expected) in [
        (
            json!({"configMap": "none"}),
            "failed to find any artifact repository for artifact repository ref \"none#\": there is no such config map",
        ),
        (
            json!({"key": "other"}),
            "failed to find any artifact repository for artifact repository ref \"#other\": it has no such key",
        ),
    ] {
        let spec = json!({"entrypoint": "main", "artifactRepositoryRef": reference,
            "templates": [{"name": "main", "container": {"image": "busybox", "command": ["true"]}}]});
        let workflow = json!({"workflow": {"metadata": {"name": "x"}, "spec": spec}});
        let refused = server.post("ops", "/api/v1/workflows/argo", workflow).await.is(400);
        assert!(refused.text().contains(&expected.replace('"', "\\\"")), "{}", refused.text());
    }
}

#[tokio::test]
async fn a_config_map_without_a_default_leaves_the_repository_to_the_server() {
    let server = server(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: artifact-repositories, namespace: argo}, data: {a: ''}}",
    )
    .await;
    let spec = json!({"entrypoint": "main", "templates": [{
        "name": "main", "container": {"image": "busybox", "command": ["true"]}}]});
    let ended = run(&server, "plain", spec.clone()).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    assert_eq!(ended["status"].get("artifactRepositoryRef"), None);
    let mut named = spec;
    named["artifactRepositoryRef"] = json!({"key": "a"});
    let ended = run(&server, "named", named).await;
    assert_eq!(ended["status"]["artifactRepositoryRef"]["key"], "a", "{ended:#}");
}

#[tokio::test]
async fn a_folder_is_a_page_of_links_and_its_files_are_shown_but_not_run() {
    let server = server("").await;
    let folder = server.folder.path().display().to_string();
    let make = format!(
        "mkdir -p {folder}/out/subdirectory && echo hello > {folder}/out/subdirectory/sub-file-1 && \
         echo '<script>' > {folder}/out/page.html && echo main > {folder}/main.txt"
    );
    let spec = json!({"entrypoint": "main", "templates": [{
        "name": "main",
        "container": {"image": "busybox", "command": ["sh", "-c", make]},
        "outputs": {"artifacts": [
            {"name": "out", "path": format!("{folder}/out")},
            {"name": "main-file", "path": format!("{folder}/main.txt"), "archive": {"none": {}}},
        ]},
    }]});
    let ended = run(&server, "files", spec).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    let uid = ended["metadata"]["uid"].as_str().unwrap().to_owned();
    let live = "/artifact-files/argo/workflows/files/files/outputs";
    let kept = format!("/artifact-files/argo/archived-workflows/{uid}/files/outputs");
    let to_folder = server.get("ops", &format!("{live}/out")).await.is(307);
    assert_eq!(to_folder.header("location"), format!("{live}/out/"));
    for root in [live, kept.as_str()] {
        let page = server.get("ops", &format!("{root}/out/")).await.is(200);
        assert!(page.text().contains("<a href=\"./subdirectory/\">subdirectory/</a>"), "{}", page.text());
        let policy = "sandbox allow-same-origin; base-uri 'none'; default-src 'none'; img-src 'self'; \
                      style-src 'self' 'unsafe-inline'";
        assert_eq!(page.header("content-security-policy"), policy);
        assert_eq!(page.header("x-frame-options"), "SAMEORIGIN");
        let page = server.get("ops", &format!("{root}/out/subdirectory/")).await.is(200);
        assert!(page.text().contains("<a href=\"./sub-file-1\">sub-file-1</a>"), "{}", page.text());
        let file = server.get("ops", &format!("{root}/out/subdirectory/sub-file-1")).await.is(200);
        assert_eq!(file.text(), "hello\n");
        let html = server.get("ops", &format!("{root}/out/page.html")).await.is(200);
        assert_eq!(html.header("content-security-policy"), policy);
        assert_eq!(server.get("ops", &format!("{root}/main-file")).await.is(200).text(), "main\n");
        for path in ["out/..%2f..", "out/%2e%2e/main-file", "out/none"] {
            let answer = server.get("ops", &format!("{root}/{path}")).await;
            assert!(!answer.status.is_success(), "{path}");
        }
        server.get("ops", &format!("{root}/not-a-file")).await.is(500);
        server.get("otto", &format!("{root}/main-file")).await.is(404);
    }
    server
        .get("ops", &format!("/artifact-files/other/archived-workflows/{uid}/files/outputs/out/"))
        .await
        .is(404);
    server.get("ops", "/artifact-files/argo/workflows/files/files/inputs/out/").await.is(400);
    server.get("ops", "/artifact-files/argo/elsewhere/files/files/outputs/out/").await.is(400);
    // deleted, it is in the archive still
    server.delete("ops", "/api/v1/workflows/argo/files").await.ok();
    assert_eq!(
        server.get("ops", &format!("/artifacts-by-uid/{uid}/files/main-file")).await.is(200).text(),
        "main\n"
    );
    server.get("otto", &format!("/artifacts-by-uid/{uid}/files/main-file")).await.is(404);
    server.get("ops", &format!("{live}/main-file")).await.is(404);
}

#[tokio::test]
async fn artifacts_are_deleted_when_their_moment_has_come() {
    let store = Store::start();
    let server = server(&repository(&store)).await;
    let folder = server.folder.path().display().to_string();
    let artifact = |name: &str, strategy: Value| {
        json!({"name": name, "path": format!("{folder}/out"), "s3": {"key": format!("gc/{name}.tgz")},
            "artifactGC": strategy})
    };
    let spec = json!({"entrypoint": "main", "artifactGC": {"strategy": "OnWorkflowDeletion"}, "templates": [{
        "name": "main",
        "container": {"image": "busybox", "command": ["sh", "-c", format!("echo x > {folder}/out")]},
        "outputs": {"artifacts": [
            artifact("at-end", json!({"strategy": "OnWorkflowCompletion"})),
            artifact("later", json!({})),
            artifact("stays", json!({"strategy": "Never"})),
        ]},
    }]});
    run(&server, "gc", spec).await;
    let collected = |workflow: &Value| workflow["status"]["artifactGCStatus"].is_object();
    let ended = server.until("ops", "argo", "gc", collected).await;
    assert_eq!(
        ended["status"]["artifactGCStatus"],
        json!({"strategiesProcessed": {"OnWorkflowCompletion": true}})
    );
    let outputs = node(&ended, "gc")["outputs"]["artifacts"].as_array().unwrap();
    let deleted: Vec<bool> = outputs.iter().map(|artifact| artifact["deleted"] == true).collect();
    assert_eq!(deleted, [true, false, false, false]);
    let of_gc = |keys: Vec<String>| keys.into_iter().filter(|key| key.starts_with("gc/")).collect::<Vec<_>>();
    assert_eq!(of_gc(store.keys()), ["gc/later.tgz", "gc/stays.tgz"]);
    assert!(store.keys().iter().any(|key| key.ends_with("/main.log")));
    server.get("ops", "/artifacts/argo/gc/gc/at-end").await.is(404);
    server.delete("ops", "/api/v1/workflows/argo/gc").await.ok();
    assert_eq!(of_gc(store.keys()), ["gc/stays.tgz"]);
    assert!(!store.keys().iter().any(|key| key.ends_with("/main.log")));
}

#[tokio::test]
async fn what_cannot_be_deleted_keeps_its_workflow_unless_that_is_forced() {
    let web = Store::start();
    let server = server("").await;
    let folder = server.folder.path().display().to_string();
    // an object that is put with HTTP cannot be deleted so
    for (name, forced) in [("kept", false), ("forced", true)] {
        let url = format!("http://127.0.0.1:{}/bucket/{name}", web.port);
        let spec = json!({"entrypoint": "main", "templates": [{
            "name": "main",
            "container": {"image": "busybox", "command": ["sh", "-c", format!("echo x > {folder}/out")]},
            "outputs": {"artifacts": [{"name": "out", "path": format!("{folder}/out"), "http": {"url": url}}]},
        }], "artifactGC": {"strategy": "OnWorkflowCompletion", "forceFinalizerRemoval": forced}});
        let ended = run(&server, name, spec).await;
        assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
        let collected = |workflow: &Value| workflow["status"]["artifactGCStatus"].is_object();
        let ended = server.until("ops", "argo", name, collected).await;
        let conditions = ended["status"]["conditions"].as_array().unwrap();
        let error = conditions.iter().find(|condition| condition["type"] == "ArtifactGCError").unwrap();
        assert!(
            error["message"].as_str().unwrap().contains("deleting from `http` is not supported"),
            "{error}"
        );
        let deleted = server.delete("ops", &format!("/api/v1/workflows/argo/{name}")).await;
        assert_eq!(deleted.status.is_success(), forced, "{name}: {}", deleted.text());
    }
}
