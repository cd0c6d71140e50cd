//! Pods in real containers, by an OCI runtime on an image made of busybox.
//! Not here: engines and registries (crate `container`). A machine without a runtime says so plainly.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use backend::{ContainerSettings, Isolation, Materials, ProcessBackend, ProcessConfig, container_settings};
use engine::{InputSource, Pod, PodEnd, StoredArtifact};
use model::argo::{AnyString, Container, UserContainer};
use serde_json::json;

use crate::fixture::{World, config, container, with_artifact, with_input, with_parameter};

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
    for name in ["sh", "cat", "echo", "sleep", "mkdir", "ls", "env", "touch", "id"] {
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

#[tokio::test]
async fn containers_of_a_pod_come_in_their_order_and_end_with_it() {
    let Some((world, image)) = world() else { return };
    let mut pod = pod("several", &image, Some("cat /data/first; exit 4"));
    let user = |name: &str, script: &str| {
        let words = ["sh", "-c", script].map(|word| AnyString(word.to_owned())).to_vec();
        let container = Container {
            name: name.to_owned(),
            image: image.clone(),
            command: Some(words),
            ..Container::default()
        };
        UserContainer { container, mirror_volume_mounts: true }
    };
    let template = &mut pod.template;
    template.init_containers = vec![user("first", "echo begun > /data/first")];
    template.sidecars = vec![user("beside", "while true; do sleep 0.1; done")];
    let mount = json!({ "name": "shared", "mountPath": "/data" });
    if let Some(main) = &mut template.container {
        main.volume_mounts = vec![serde_json::from_value(mount).unwrap()];
    }
    pod.volumes = vec![serde_json::from_value(json!({ "name": "shared", "emptyDir": {} })).unwrap()];
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
