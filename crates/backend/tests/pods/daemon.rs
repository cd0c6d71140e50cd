//! Daemons: ready when their probes pass, reached by the pods of their run and by nobody else, ended when told to.

use std::time::Duration;

use backend::Isolation;
use engine::{Pod, PodEnd};
use model::argo::{NodeId, Template};
use serde_json::{Value, json};

use crate::{
    PATIENCE,
    fixture::{World, container, isolations, run_id, sandbox, shell},
};

fn daemon(world: &World, of: Value) -> Pod {
    let mut template: Template = serde_json::from_value(json!({"container": of})).unwrap();
    template.daemon = Some(true);
    Pod { template, ..container(&world.fresh(), model::argo::Container::default()) }
}

fn bash(text: &str, more: Value) -> Value {
    let mut container = json!({"image": "any", "command": ["bash", "-c", text]});
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container
}

/// Answers every connection with its name.
fn server(name: &str, port: u16, more: Value) -> Value {
    let text = format!(
        "import socket\ns = socket.create_server(('0.0.0.0', {port}))\n\
         while True:\n c, a = s.accept()\n c.recv(99)\n c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n{name}\\n')\n c.close()"
    );
    let mut container = json!({"image": "any", "command": ["python3", "-c", text]});
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container
}

async fn ready(world: &World, run: u64, node: &NodeId) -> String {
    let ready = tokio::time::timeout(PATIENCE, world.backend.ready(run_id(run), node));
    ready.await.expect("it never was ready").unwrap()
}

async fn end(world: &World, run: u64, pods: &[&Pod]) {
    for pod in pods {
        world.kill(run_id(run), &pod.node).await;
        assert_eq!(world.wait(run_id(run), &pod.node).await.unwrap().end, PodEnd::Killed);
    }
}

fn fetch(world: &World, address: &str, port: u16) -> Pod {
    let text = format!("exec 3<>/dev/tcp/{address}/{port} || exit 7; echo x >&3; tail -n 1 <&3");
    shell(&world.fresh(), &text)
}

async fn answer(world: &World, run: u64, pod: &Pod) -> (PodEnd, String) {
    world.start(run_id(run), pod, None).await.unwrap();
    let end = world.wait(run_id(run), &pod.node).await.unwrap().end;
    (end, world.text(run_id(run), &pod.node).await)
}

#[tokio::test]
async fn without_probes_it_is_ready_as_soon_as_it_runs() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let pod = daemon(&world, bash("sleep 600", json!({})));
        world.start(run_id(1), &pod, None).await.unwrap();
        let address = ready(&world, 1, &pod.node).await;
        assert_eq!(address, if isolation == Isolation::None { "127.0.0.1" } else { "10.0.0.1" });
        let again = world.second_server(isolation).ready(run_id(1), &pod.node).await.unwrap();
        assert_eq!(again, address, "another server learns the same");
        end(&world, 1, &[&pod]).await;
    }
}

#[tokio::test]
async fn a_daemon_that_fails_its_probe_is_not_ready() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let probe = json!({"exec": {"command": ["test", "$(A)", "=", "b"]}, "periodSeconds": 1});
        for (value, is_ready) in [("b", true), ("c", false)] {
            let env = json!({"env": [{"name": "A", "value": value}], "readinessProbe": probe.clone()});
            let pod = daemon(&world, bash("sleep 2; exit 3", env));
            world.start(run_id(1), &pod, None).await.unwrap();
            let outcome = tokio::select! {
                _ = world.backend.ready(run_id(1), &pod.node) => None,
                outcome = world.wait(run_id(1), &pod.node) => Some(outcome.unwrap().end),
            };
            assert_eq!(outcome, (!is_ready).then_some(PodEnd::Exited(3)), "{isolation:?}");
            assert_eq!(world.wait(run_id(1), &pod.node).await.unwrap().end, PodEnd::Exited(3));
        }
    }
}

#[tokio::test]
async fn a_probe_that_hangs_is_given_up_and_a_program_that_is_not_there_fails_it() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let folder = tempfile::TempDir::new().unwrap();
        let mark = if isolation == Isolation::None { folder.path().join("m") } else { "/tmp/m".into() };
        let text = format!("test -e {0} && exit 0; touch {0}; sleep 600", mark.display());
        let probe = json!({"exec": {"command": ["sh", "-c", text]}, "periodSeconds": 1});
        let pod = daemon(&world, bash("sleep 600", json!({"readinessProbe": probe})));
        world.start(run_id(1), &pod, None).await.unwrap();
        ready(&world, 1, &pod.node).await;
        let probe = json!({"exec": {"command": ["/no/such/program"]}});
        let never = daemon(&world, bash("sleep 600", json!({"readinessProbe": probe})));
        world.start(run_id(1), &never, None).await.unwrap();
        let waited =
            tokio::time::timeout(Duration::from_millis(300), world.backend.ready(run_id(1), &never.node));
        assert!(waited.await.is_err());
        end(&world, 1, &[&pod, &never]).await;
    }
}

#[tokio::test]
async fn pods_of_the_run_reach_each_daemon_at_its_own_address() {
    let Some(world) = sandbox() else { return };
    // both listen at the same port, one that needs no right here
    let probe = json!({"readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}});
    let daemons =
        [daemon(&world, server("one", 80, probe.clone())), daemon(&world, server("two", 80, probe))];
    let mut addresses = Vec::new();
    for pod in &daemons {
        world.start(run_id(1), pod, None).await.unwrap();
        addresses.push(ready(&world, 1, &pod.node).await);
    }
    assert_ne!(addresses[0], addresses[1]);
    for (address, name) in addresses.iter().zip(["one\n", "two\n"]) {
        assert_eq!(
            answer(&world, 1, &fetch(&world, address, 80)).await,
            (PodEnd::Exited(0), name.to_owned())
        );
        let (end, _) = answer(&world, 2, &fetch(&world, address, 80)).await;
        assert_eq!(end, PodEnd::Exited(7), "another run has no way to it");
    }
    end(&world, 1, &[&daemons[0]]).await;
    let (fetched, _) = answer(&world, 1, &fetch(&world, &addresses[0], 80)).await;
    assert_eq!(fetched, PodEnd::Exited(7), "it is gone");
    let (fetched, _) = answer(&world, 1, &fetch(&world, &addresses[1], 80)).await;
    assert_eq!(fetched, PodEnd::Exited(0), "the other one is not");
    end(&world, 1, &[&daemons[1]]).await;
}

#[tokio::test]
async fn daemons_reach_each_other_and_themselves() {
    let Some(world) = sandbox() else { return };
    let probe = json!({"readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}});
    let first = daemon(&world, server("first", 8080, probe));
    world.start(run_id(1), &first, None).await.unwrap();
    let one = ready(&world, 1, &first.node).await;
    let text = format!("exec 3<>/dev/tcp/{one}/8080; echo x >&3; grep -q first <&3; sleep 600");
    let probe = json!({"exec": {"command": ["bash", "-c", "exec 3<>/dev/tcp/10.0.0.1/8080"]}});
    let second = daemon(&world, bash(&text, json!({"readinessProbe": probe})));
    world.start(run_id(1), &second, None).await.unwrap();
    let two = ready(&world, 1, &second.node).await;
    assert_eq!((one.as_str(), two.as_str()), ("10.0.0.1", "10.0.0.2"));
    end(&world, 1, &[&first, &second]).await;
}

#[tokio::test]
async fn a_daemon_whose_supervisor_was_killed_is_no_neighbour() {
    let Some(world) = sandbox() else { return };
    let pod = daemon(&world, bash("sleep 600", json!({})));
    world.start(run_id(1), &pod, None).await.unwrap();
    ready(&world, 1, &pod.node).await;
    let network = world.pod_folder(run_id(1), &pod.node).with_file_name(".network");
    let entry = network.join(pod.node.as_str());
    // what a supervisor that was killed leaves behind, under the name of a pod that has ended
    end(&world, 1, &[&pod]).await;
    assert!(!entry.exists(), "one that ends in order leaves nothing");
    std::fs::write(&entry, format!("1 {}/ns/net", std::process::id())).unwrap();
    let (fetched, _) = answer(&world, 1, &shell(&world.fresh(), "true")).await;
    assert_eq!(fetched, PodEnd::Exited(0));
    assert!(!entry.exists(), "and it is cleared away");
}
