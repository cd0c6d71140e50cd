//! Pods in real containers, by an OCI runtime on an image made of busybox.
//! Not here: engines and registries (crate `container`). A machine without a runtime says so plainly.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use backend::{ContainerSettings, Isolation, Materials, ProcessBackend, ProcessConfig, container_settings};
use engine::{InputSource, Pod, PodEnd, StoredArtifact};
use model::argo::{AnyString, Container, NodeId, UserContainer};
use serde_json::{Value, json};

use podman::{IMAGE, Podman};

#[path = "../../../container/tests/containers/podman.rs"]
mod podman;

use crate::{
    PATIENCE,
    fixture::{World, config, container, run_id, with_artifact, with_input, with_parameter},
};

/// Returns a digest, and the bytes put where a layout has them.
fn blob(layout: &Path, bytes: &[u8]) -> (String, usize) {
    let file = layout.join("blob");
    fs::write(&file, bytes).unwrap();
    let output = Command::new("sha256sum").arg(&file).output().unwrap();
    let digest = String::from_utf8(output.stdout).unwrap().chars().take(64).collect::<String>();
    fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    fs::rename(&file, layout.join("blobs/sha256").join(&digest)).unwrap();
    (format!("sha256:{digest}"), bytes.len())
}

/// Makes a layout folder with an image of busybox that has no command.
fn layout(folder: &Path, busybox: &Path) {
    let root = folder.join("root");
    for path in ["bin", "tmp", "etc"] {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    fs::copy(busybox, root.join("bin/busybox")).unwrap();
    for name in [
        "sh", "cat", "echo", "sleep", "mkdir", "ls", "env", "touch", "id", "httpd", "nc", "printf", "tail",
        "grep",
    ] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    let tar = folder.join("layer.tar");
    let mut pack = Command::new("tar");
    pack.args(["--owner=0", "--group=0", "-cf"]).arg(&tar).arg("-C").arg(&root).arg(".");
    assert!(pack.status().unwrap().success());
    let layout = folder.join("layout");
    fs::create_dir_all(&layout).unwrap();
    let (layer, layer_size) = blob(&layout, &fs::read(&tar).unwrap());
    let config = json!({ "architecture": "amd64", "os": "linux",
        "config": { "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo of the image"], "Env": ["FROM=image"] },
        "rootfs": { "type": "layers", "diff_ids": [layer] } });
    let (config, config_size) = blob(&layout, config.to_string().as_bytes());
    let kind = |kind: &str| format!("application/vnd.oci.image.{kind}");
    let manifest = json!({ "schemaVersion": 2,
        "config": { "mediaType": kind("config.v1+json"), "digest": config, "size": config_size },
        "layers": [{ "mediaType": kind("layer.v1.tar"), "digest": layer, "size": layer_size }] });
    let (manifest, size) = blob(&layout, manifest.to_string().as_bytes());
    let index = json!({ "schemaVersion": 2,
        "manifests": [{ "mediaType": kind("manifest.v1+json"), "digest": manifest, "size": size }] });
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
}

/// A world whose pods are in containers, and the image's name; `None` where there is no runtime.
fn world() -> Option<(World, String)> {
    let exists = |path: &&str| Path::new(path).exists();
    let runtime = ["/usr/sbin/runc", "/usr/bin/runc", "/usr/bin/crun"].into_iter().find(exists);
    let busybox = ["/usr/bin/busybox", "/bin/busybox"].into_iter().find(exists);
    let (Some(runtime), Some(busybox), true) = (runtime, busybox, nix::unistd::Uid::effective().is_root())
    else {
        eprintln!("not checked: containers need root, `runc` or `crun`, and `busybox`");
        return None;
    };
    let mut world = World::new(Isolation::None);
    layout(world.folder.path(), Path::new(busybox));
    let data: PathBuf = world.folder.path().join("data");
    let found = container_settings(&data, Some(runtime), |_| None).unwrap();
    let settings = ContainerSettings { layouts: vec![world.folder.path().to_owned()], ..found };
    let config = config(data, Isolation::Containers);
    world.backend = ProcessBackend::new(ProcessConfig { containers: Some(settings), ..config }).unwrap();
    let image = format!("oci:{}", world.folder.path().join("layout").display());
    Some((world, image))
}

fn pod(node: &str, image: &str, script: Option<&str>) -> Pod {
    let words = |words: &[&str]| words.iter().map(|word| AnyString((*word).to_owned())).collect::<Vec<_>>();
    let command = script.map(|_| words(&["sh", "-c"]));
    let args = script.map(|script| words(&[script])).unwrap_or_default();
    container(node, Container { image: image.to_owned(), command, args, ..Container::default() })
}

#[tokio::test]
async fn a_container_runs_with_inputs_outputs_and_masks() {
    let Some((world, image)) = world() else { return };
    assert_eq!(world.run(&pod("plain", &image, None)).await.end, PodEnd::Exited(0));
    let script = "cat /in/text; cat $MARQUE_RUN_TOKEN_FILE; mkdir -p /out/d; echo 1 > /out/d/a; echo value > /tmp/p; echo $FROM; exit 0";
    let pod = pod("full", &image, Some(script));
    let pod = with_input(pod, "in", "/in/text", InputSource::Raw("given\n".to_owned()));
    let pod = with_parameter(with_artifact(pod, "out", "/out/d", false), "p", "/tmp/p");
    let outcome = world.run_with_token(&pod, Some("a-very-secret-run-token")).await;
    assert_eq!(outcome.end, PodEnd::Exited(0));
    assert_eq!(outcome.outputs.parameters.get("p").map(String::as_str), Some("value"));
    let Some(StoredArtifact::Key(key)) = outcome.outputs.artifacts.get("out") else { panic!("{outcome:?}") };
    let stored = world.folder.path().join("data/artifacts").join(key);
    assert_eq!(fs::read_to_string(stored.join("a")).unwrap(), "1\n");
    let runs = fs::read_dir(world.folder.path().join("data/runs")).unwrap().flatten();
    let folder = runs.map(|run| run.path().join("full")).find(|folder| folder.exists()).unwrap();
    let log = fs::read_to_string(folder.join("log")).unwrap();
    assert!(log.contains("given") && log.contains("image"), "{log}");
    assert!(!log.contains("a-very-secret"), "{log}");
    assert!(!folder.join("containers").exists());
}

/// A container beside the main one.
fn user(name: &str, image: &str, script: &str) -> UserContainer {
    let words = ["sh", "-c", script].map(|word| AnyString(word.to_owned())).to_vec();
    let container = Container {
        name: name.to_owned(),
        image: image.to_owned(),
        command: Some(words),
        ..Container::default()
    };
    UserContainer { container, mirror_volume_mounts: true }
}

#[tokio::test]
async fn containers_of_a_pod_come_in_their_order_and_end_with_it() {
    let Some((world, image)) = world() else { return };
    let mut pod = pod("several", &image, Some("cat /data/first; exit 4"));
    let user = |name: &str, script: &str| user(name, &image, script);
    let template = &mut pod.template;
    template.init_containers = vec![user("first", "echo begun > /data/first")];
    template.sidecars = vec![user("beside", "while true; do sleep 0.1; done")];
    let pod = with_data(pod);
    let outcome = world.run_with(&pod, Materials::default()).await;
    assert_eq!(outcome.end, PodEnd::Exited(4));
}

#[tokio::test]
async fn what_cannot_be_pulled_is_the_nodes_message() {
    let Some((world, image)) = world() else { return };
    let outcome = world.run(&pod("none", &format!("{image}:no-such-tag"), None)).await;
    let PodEnd::Error(message) = outcome.end else { panic!("{outcome:?}") };
    assert!(message.contains("failed to pull image") && message.contains("no-such-tag"), "{message}");
}

/// A daemon that serves its name on port 80.
fn daemon(node: &str, image: &str, probe: Value) -> Pod {
    let script = format!("trap 'exit 0' TERM; echo {node} > /tmp/name; httpd -f -h /tmp -p 80 & wait");
    let mut pod = pod(node, image, Some(&script));
    pod.template.daemon = Some(true);
    if let Some(main) = &mut pod.template.container {
        main.rest.insert("readinessProbe".to_owned(), probe);
    }
    pod
}

fn asks(node: &str, image: &str, address: &str) -> Pod {
    pod(node, image, Some(&asks_for(address)))
}

fn asks_for(address: &str) -> String {
    format!("printf 'GET /name HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} 80 2>/dev/null | tail -n 1")
}

#[tokio::test]
async fn pods_of_the_run_reach_each_daemon_and_no_other_run_does() {
    let Some((world, image)) = world() else { return };
    daemons_are_reached(&world, &image).await;
}

#[tokio::test]
async fn an_engines_pods_reach_each_daemon_of_their_run_and_a_sidecar_the_pod_it_is_in() {
    let Some((mut world, _)) = world() else { return };
    let folder = world.folder.path().join("podman");
    fs::create_dir(&folder).unwrap();
    // podman takes a folder with a capital in its name for no image
    let small = format!("marque-pods-{}", std::process::id());
    let small = tempfile::Builder::new().prefix(&small).rand_bytes(0).tempdir().unwrap();
    let image = small.path().join("layout");
    std::os::unix::fs::symlink(world.folder.path().join("layout"), &image).unwrap();
    let Some(podman) = Podman::start(&folder, &format!("oci:{}", image.display())) else { return };
    if !podman.has_networks {
        return;
    }
    let data = world.folder.path().join("data");
    let settings = container_settings(&data, Some(&podman.socket.to_string_lossy()), |_| None).unwrap();
    let config = config(data, Isolation::Containers);
    world.backend = ProcessBackend::new(ProcessConfig { containers: Some(settings), ..config }).unwrap();
    daemons_are_reached(&world, IMAGE).await;
    assert_eq!(podman.networks(), [""; 0], "the last pod of the run has removed its network");
    let serves =
        "echo it > /tmp/name; httpd -h /tmp -p 80; until test -s /data/x; do sleep 0.1; done; cat /data/x";
    let asking = format!(
        "until {} > /data/y && test -s /data/y; do sleep 0.1; done; mv /data/y /data/x",
        asks_for("127.0.0.1")
    );
    let mut beside = with_data(pod("beside", IMAGE, Some(serves)));
    beside.template.sidecars = vec![user("asking", IMAGE, &asking)];
    assert_eq!(answer(&world, 1, &beside).await, "it\n");
}

/// Gives a pod a folder `/data` that its containers share.
fn with_data(mut pod: Pod) -> Pod {
    let mount = json!({ "name": "shared", "mountPath": "/data" });
    if let Some(main) = &mut pod.template.container {
        main.volume_mounts = vec![serde_json::from_value(mount).unwrap()];
    }
    pod.volumes = vec![serde_json::from_value(json!({ "name": "shared", "emptyDir": {} })).unwrap()];
    pod
}

/// Starts two daemons that listen at one port, and asks them from their run and from another one.
async fn daemons_are_reached(world: &World, image: &str) {
    let probes = [
        json!({ "httpGet": { "path": "/name", "port": 80 }, "periodSeconds": 1 }),
        json!({ "exec": { "command": ["sh", "-c", format!("{} | grep -q two", asks_for("127.0.0.1"))] }, "periodSeconds": 1 }),
    ];
    let daemons: Vec<Pod> =
        ["one", "two"].iter().zip(probes).map(|(node, probe)| daemon(node, image, probe)).collect();
    let mut addresses = Vec::new();
    for pod in &daemons {
        world.start(run_id(1), pod, None).await.unwrap();
        addresses.push(ready(world, &pod.node).await);
    }
    assert_ne!(addresses[0], addresses[1]);
    for (address, name) in addresses.iter().zip(["one", "two"]) {
        assert_eq!(
            answer(world, 1, &asks(&format!("own-{name}"), image, address)).await,
            format!("{name}\n")
        );
        assert_eq!(
            answer(world, 2, &asks(&format!("other-{name}"), image, address)).await,
            "",
            "another run"
        );
    }
    for pod in &daemons {
        world.kill(run_id(1), &pod.node).await;
        assert_eq!(world.wait(run_id(1), &pod.node).await.unwrap().end, PodEnd::Killed);
    }
    let gone = asks("late", image, &addresses[0]);
    assert_eq!(answer(world, 1, &gone).await, "", "it is gone");
}

#[tokio::test]
async fn a_daemon_that_never_passes_its_probe_is_never_ready() {
    let Some((world, image)) = world() else { return };
    let mut pod = daemon("never", &image, json!({ "tcpSocket": { "port": 81 }, "periodSeconds": 1 }));
    pod.deadline_seconds = Some(3);
    world.start(run_id(1), &pod, None).await.unwrap();
    tokio::select! {
        address = world.backend.ready(run_id(1), &pod.node) => panic!("{address:?}"),
        outcome = world.wait(run_id(1), &pod.node) => assert_eq!(outcome.unwrap().end, PodEnd::DeadlineExceeded),
    }
}

async fn ready(world: &World, node: &NodeId) -> String {
    let ready = tokio::time::timeout(PATIENCE, world.backend.ready(run_id(1), node));
    ready.await.expect("it never was ready").unwrap()
}

async fn answer(world: &World, run: u64, pod: &Pod) -> String {
    world.start(run_id(run), pod, None).await.unwrap();
    assert_eq!(world.wait(run_id(run), &pod.node).await.unwrap().end, PodEnd::Exited(0));
    world.text(run_id(run), &pod.node).await
}
