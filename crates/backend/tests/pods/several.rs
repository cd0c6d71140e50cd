//! Pods of several containers, and their volumes: order, network, retries, logs, ends; and what a hostile volume tries.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

use backend::{Isolation, Materials};
use engine::{Pod, PodEnd, PodOutcome};
use model::argo::{NodeId, Template, Volume};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::fixture::{World, isolations, run_id, sandbox};

/// Returns a pod of this template and these volumes.
fn pod(world: &World, template: Value, volumes: Value) -> Pod {
    let template: Template = serde_json::from_value(template).unwrap();
    let volumes: Vec<Volume> = serde_json::from_value(volumes).unwrap();
    let base = crate::fixture::command(&world.fresh(), &["true"]);
    Pod { template, volumes, ..base }
}

fn sh(name: &str, text: &str) -> Value {
    json!({"name": name, "image": "any", "command": ["sh", "-c"], "args": [text]})
}

fn with(mut container: Value, more: Value) -> Value {
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container
}

fn codes(outcome: &PodOutcome) -> Vec<(&str, Option<i32>)> {
    outcome.containers.iter().map(|(name, end)| (name.as_str(), end.exit_code)).collect()
}

async fn log_of(world: &World, node: &NodeId, container: &str) -> String {
    world.text_of(run_id(1), node, container).await
}

#[tokio::test]
async fn init_containers_come_first_and_sidecars_end_after_the_main_one() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let template = json!({
            "initContainers": [sh("first", "echo one"), sh("second", "echo two; exit 0")],
            "container": sh("", "sleep 0.2; echo main"),
            "sidecars": [
                sh("polite", "trap 'echo bye; exit 0' TERM; echo hi; while :; do sleep 0.05; done"),
                sh("done", "echo early"),
            ],
        });
        let pod = pod(&world, template, json!([]));
        let outcome = world.run(&pod).await;
        assert_eq!(outcome.end, PodEnd::Exited(0), "{isolation:?}");
        let wanted = [("done", Some(0)), ("first", Some(0)), ("polite", Some(0)), ("second", Some(0))];
        assert_eq!(codes(&outcome), wanted);
        assert!(outcome.containers["first"].finished_at <= outcome.containers["second"].started_at.unwrap());
        assert_eq!(log_of(&world, &pod.node, "main").await, "main\n");
        assert_eq!(log_of(&world, &pod.node, "second").await, "two\n");
        let polite = log_of(&world, &pod.node, "polite").await;
        assert!(polite.starts_with("hi\n") && polite.contains("bye\n"), "{polite}");
    }
}

#[tokio::test]
async fn a_failed_init_container_keeps_the_others_from_starting() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let template = json!({
            "initContainers": [sh("bad", "exit 3"), sh("never", "echo never")],
            "container": sh("", "echo never"),
            "sidecars": [sh("beside", "echo never")],
        });
        let pod = pod(&world, template, json!([]));
        let outcome = world.run(&pod).await;
        assert_eq!(codes(&outcome), [("bad", Some(3)), ("beside", None), ("never", None)]);
        assert_ne!(outcome.end, PodEnd::Exited(0));
        for container in ["main", "never", "beside"] {
            assert_eq!(log_of(&world, &pod.node, container).await, "");
        }
    }
}

#[tokio::test]
async fn a_sidecar_that_refuses_to_end_is_killed() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let template = json!({
            "container": sh("", "sleep 0.2"),
            "sidecars": [sh("stubborn", "trap '' TERM; echo up; while :; do sleep 0.05; done")],
        });
        let outcome = world.run(&pod(&world, template, json!([]))).await;
        assert_eq!(outcome.end, PodEnd::Exited(0));
        assert_eq!(codes(&outcome), [("stubborn", Some(137))], "{isolation:?}");
    }
}

#[tokio::test]
async fn a_set_follows_its_dependencies_and_tells_each_end() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let depends = |name: &str, text: &str, on: &[&str]| with(sh(name, text), json!({"dependencies": on}));
        let template = json!({"containerSet": {"containers": [
            depends("a", "echo a", &[]),
            depends("b", "echo b; exit 4", &["a"]),
            depends("c", "echo never", &["b"]),
            depends("main", "echo main", &["a"]),
        ]}});
        let pod = Pod { wants_result: true, ..pod(&world, template, json!([])) };
        let outcome = world.run(&pod).await;
        assert_eq!(outcome.end, PodEnd::Exited(4), "{isolation:?}");
        assert_eq!(codes(&outcome), [("a", Some(0)), ("b", Some(4)), ("c", None), ("main", Some(0))]);
        assert_eq!(outcome.containers["c"].message, "dependency \"b\" exited with non-zero code: 4");
        assert_eq!(outcome.outputs.result.as_deref(), Some("main"));
        assert!(outcome.containers["a"].finished_at <= outcome.containers["b"].started_at.unwrap());
    }
}

#[tokio::test]
async fn a_container_of_a_set_is_tried_again_in_place() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let folder = tempfile::TempDir::new().unwrap();
        let once = match isolation {
            Isolation::Namespaces | Isolation::Containers => "/tmp/once".to_owned(),
            Isolation::None => folder.path().join("once").display().to_string(),
        };
        let text = format!("test -e {once} && exit 0; touch {once}; exit 1");
        let template = json!({"containerSet": {
            "retryStrategy": {"retries": "2", "duration": "10ms"},
            "containers": [sh("a", &text), sh("b", "exit 9")],
        }});
        let outcome = world.run(&pod(&world, template, json!([]))).await;
        assert_eq!(codes(&outcome), [("a", Some(0)), ("b", Some(9))], "{isolation:?}");
    }
}

#[tokio::test]
async fn killing_a_pod_ends_all_its_containers() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let forever = "echo up; while :; do sleep 0.05; done";
        let template = json!({"container": sh("", forever), "sidecars": [sh("beside", forever)]});
        let pod = pod(&world, template, json!([]));
        world.start(run_id(1), &pod, None).await.unwrap();
        world.kill(run_id(1), &pod.node).await;
        assert_eq!(world.wait(run_id(1), &pod.node).await.unwrap().end, PodEnd::Killed);
    }
}

#[tokio::test]
async fn containers_share_network_and_volumes_but_not_their_files() {
    let Some(world) = sandbox() else { return };
    let listen = "import socket; s = socket.create_server(('127.0.0.1', 8080)); \
        open('/tmp/own', 'w').write('mine'); c, _ = s.accept(); c.sendall(b'hello'); c.close()";
    let fetch = "import socket, time, os\n\
        for _ in range(200):\n try: s = socket.create_connection(('127.0.0.1', 8080)); break\n except OSError: time.sleep(0.05)\n\
        print(s.recv(9).decode(), os.path.exists('/tmp/own'), open('/vol/left').read(), os.getpid() < 20)";
    let mount = json!({"volumeMounts": [{"name": "work", "mountPath": "/vol"}]});
    let python = |name: &str, text: &str| json!({"name": name, "image": "any", "command": ["/usr/bin/python3", "-c", text]});
    let template = json!({
        "initContainers": [with(sh("init", "echo -n left > /vol/left"), mount.clone())],
        "container": with(python("", fetch), mount),
        "sidecars": [python("server", listen)],
    });
    let pod = pod(&world, template, json!([{"name": "work", "emptyDir": {}}]));
    let outcome = world.run(&pod).await;
    assert_eq!(log_of(&world, &pod.node, "main").await, "hello False left True\n");
    assert_eq!(outcome.end, PodEnd::Exited(0));
}

#[tokio::test]
async fn outputs_of_a_volume_are_collected_before_the_sandbox_goes() {
    let Some(world) = sandbox() else { return };
    let template = json!({
        "containerSet": {
            "volumeMounts": [{"name": "work", "mountPath": "/vol"}],
            "containers": [sh("a", "echo hi > /vol/out"), sh("main", "true")],
        },
        "outputs": {"parameters": [{"name": "out", "valueFrom": {"path": "/vol/out"}}]},
    });
    for _ in 0..20 {
        let outcome =
            world.run(&pod(&world, template.clone(), json!([{"name": "work", "emptyDir": {}}]))).await;
        assert_eq!((outcome.end, outcome.outputs.parameters["out"].as_str()), (PodEnd::Exited(0), "hi"));
    }
}

#[tokio::test]
async fn a_claim_outlives_its_pod_and_is_shared_by_the_namespace() {
    let Some(world) = sandbox() else { return };
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "shared"}}]);
    let mounted =
        |more: Value| json!({"volumeMounts": [with(json!({"name": "data", "mountPath": "/data"}), more)]});
    let materials = || Materials { claims: ["shared".to_owned()].into(), ..Materials::default() };
    let write = json!({"container": with(sh("", "mkdir -p /data/sub; echo kept > /data/sub/file"), mounted(json!({})))});
    assert_eq!(
        world.run_with(&pod(&world, write, volumes.clone()), materials()).await.end,
        PodEnd::Exited(0)
    );
    let read =
        sh("", "cat /data/file; echo x >> /data/file && echo grown; echo y > /data/new || echo refused");
    let whole = json!({"container": with(read.clone(), mounted(json!({"subPath": "sub"})))});
    let second = pod(&world, whole, volumes.clone());
    assert_eq!(world.run_with(&second, materials()).await.end, PodEnd::Exited(0));
    assert_eq!(log_of(&world, &second.node, "main").await, "kept\ngrown\n");
    let only = json!({"container": with(read, mounted(json!({"subPath": "sub", "readOnly": true})))});
    let third = pod(&world, only, volumes.clone());
    world.run_with(&third, materials()).await;
    let said = log_of(&world, &third.node, "main").await;
    assert!(said.starts_with("kept\nx\n") && said.contains("refused") && !said.contains("grown"), "{said}");
    let absent = pod(&world, json!({"container": with(sh("", "true"), mounted(json!({})))}), volumes);
    let PodEnd::Error(why) = world.run(&absent).await.end else { panic!("a claim that does not exist") };
    assert!(why.contains("persistentvolumeclaim \"shared\" not found"), "{why}");
}

#[tokio::test]
async fn config_maps_and_secrets_are_files() {
    let Some(world) = sandbox() else { return };
    let secret = [("key".to_owned(), Zeroizing::new(b"hunter2hunter2".to_vec()))];
    let materials = Materials {
        config_maps: [("c".to_owned(), [("a.txt".to_owned(), b"alpha".to_vec())].into())].into(),
        secrets: BTreeMap::from([("s".to_owned(), secret.into())]),
        ..Materials::default()
    };
    let text = "cat /c/a.txt; echo; cat /s/deep/k | rev; echo; stat -c %a /s/deep/k; cat /one; echo; cat /p/n; echo; cat /s/deep/k";
    let mounts = json!([
        {"name": "c", "mountPath": "/c"},
        {"name": "s", "mountPath": "/s", "readOnly": true},
        {"name": "c", "mountPath": "/one", "subPath": "a.txt"},
        {"name": "p", "mountPath": "/p"},
    ]);
    let volumes = json!([
        {"name": "c", "configMap": {"name": "c"}},
        {"name": "s", "secret": {"secretName": "s", "items": [{"key": "key", "path": "deep/k", "mode": 0o400}]}},
        {"name": "p", "projected": {"sources": [
            {"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {"configMap": {"name": "none", "optional": true}},
        ]}},
    ]);
    let template = json!({"container": with(sh("", text), json!({"volumeMounts": mounts}))});
    let pod = pod(&world, template, volumes);
    let node = pod.node.clone();
    assert_eq!(world.run_with(&pod, materials).await.end, PodEnd::Exited(0));
    let wanted = format!("alpha\n2retnuh2retnuh\n400\nalpha\n{}\n***\n", pod.pod_name);
    assert_eq!(log_of(&world, &node, "main").await, wanted);
    // nothing of it has reached the disk
    let folder = world.pod_folder(run_id(1), &node);
    for entry in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        assert!(!bytes.windows(7).any(|part| part == b"hunter2"), "{}", entry.path().display());
    }
}

#[tokio::test]
async fn what_would_lead_to_the_machine_is_refused_by_name() {
    let Some(world) = sandbox() else { return };
    let at = |path: &str, more: Value| {
        let mount = with(json!({"name": "v", "mountPath": path}), more);
        json!({"container": with(sh("", "true"), json!({"volumeMounts": [mount]}))})
    };
    let empty = json!([{"name": "v", "emptyDir": {}}]);
    for (template, volumes, wanted) in [
        (at("/v", json!({})), json!([{"name": "v", "hostPath": {"path": "/"}}]), "`hostPath`"),
        (at("/v", json!({})), json!([]), "volume `v` not found in workflow spec"),
        (at("/v", json!({"subPath": "../.."})), empty.clone(), "`..`"),
        (at("/v", json!({"subPath": "/etc"})), json!([{"name": "v", "emptyDir": {}}]), ""),
        (at("/.old/tmp", json!({})), empty.clone(), "every pod needs"),
        (at("/x/./../.old", json!({})), empty.clone(), "`.`"),
        (at("/proc/1", json!({})), empty.clone(), "every pod needs"),
        (
            at("/v", json!({})),
            json!([{"name": "v", "secret": {"secretName": "no"}}]),
            "secret \"no\" not found",
        ),
    ] {
        let end = world.run(&pod(&world, template, volumes)).await.end;
        match end {
            PodEnd::Error(why) => assert!(!wanted.is_empty() && why.contains(wanted), "{why}, not {wanted}"),
            end => assert!(wanted.is_empty(), "{end:?}, not {wanted}"),
        }
    }
}

#[tokio::test]
async fn a_link_left_in_a_volume_leads_nowhere() {
    let Some(world) = sandbox() else { return };
    let outside = tempfile::TempDir::new().unwrap();
    std::fs::set_permissions(outside.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::write(outside.path().join("prize"), "prize").unwrap();
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "shared"}}]);
    let materials = || Materials { claims: ["shared".to_owned()].into(), ..Materials::default() };
    let links = format!(
        "ln -s {} /data/abs; ln -s ../../../../../../.. /data/up; ln -s /.old /data/old; mkdir /data/real",
        outside.path().display()
    );
    let mount = |path: &str, sub: &str| json!({"name": "data", "mountPath": path, "subPath": sub});
    let plant = json!({"container": with(sh("", &links), json!({"volumeMounts": [mount("/data", "")]}))});
    assert_eq!(
        world.run_with(&pod(&world, plant, volumes.clone()), materials()).await.end,
        PodEnd::Exited(0)
    );
    for mounts in [
        json!([mount("/v", "abs")]),
        json!([mount("/v", "up")]),
        json!([mount("/v", "real/../abs")]),
        json!([mount("/data", ""), mount("/data/abs/in", "real")]),
        json!([mount("/data", ""), mount("/data/old/tmp/in", "real")]),
    ] {
        let text = "find /v /data -follow -name prize 2>/dev/null | grep . && echo FOUND; exit 0";
        let template = json!({"container": with(sh("", text), json!({"volumeMounts": mounts}))});
        let pod = pod(&world, template, volumes.clone());
        let end = world.run_with(&pod, materials()).await.end;
        let said = log_of(&world, &pod.node, "main").await;
        assert!(matches!(end, PodEnd::Error(_)) && !said.contains("FOUND"), "{mounts}: {end:?} {said}");
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1, "nothing was made outside");
}

#[tokio::test]
async fn without_a_sandbox_a_volume_is_refused() {
    let world = World::new(Isolation::None);
    let mounts = json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]});
    let pod = pod(
        &world,
        json!({"container": with(sh("", "true"), mounts)}),
        json!([{"name": "v", "emptyDir": {}}]),
    );
    let PodEnd::Error(why) = world.run(&pod).await.end else { panic!("it ran") };
    assert!(why.contains("need a sandbox"), "{why}");
}
