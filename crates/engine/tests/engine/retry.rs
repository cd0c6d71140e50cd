//! Retries: the node above the attempts, its limit, policy and waits.

use engine::{Command, EventKind, RunOptions, TimerId};
use model::argo::{NodePhase, WorkflowPhase};

use crate::driver::{World, check, ended, spec};

fn retried(strategy: &str) -> String {
    format!(
        "entrypoint: main\ntemplates:\n- name: main\n  retryStrategy: {strategy}\n  container: {{image: a, args: ['{{{{retries}}}} {{{{lastRetry.exitCode}}}}']}}"
    )
}

#[test]
fn attempts_are_children_and_the_limit_excludes_the_first() {
    let world = check(
        &retried("{limit: 2}"),
        "wf(0) exits 1
         wf(1) exits 2
         wf(2) exits 3",
        "Failed 3/3 No more retries left
         wf Retry Failed No more retries left
         wf(0) Pod Failed main: Error (exit code 1)
         wf(1) Pod Failed main: Error (exit code 2)
         wf(2) Pod Failed main: Error (exit code 3)",
    );
    let args = |command: &Command| match command {
        Command::StartPod(pod) => Some(pod.template.container.as_ref().unwrap().args[0].0.clone()),
        _ => None,
    };
    assert_eq!(world.commands.iter().filter_map(args).collect::<Vec<_>>(), ["0 0", "1 1", "2 2"]);
    assert!(world.node("wf(0)").node_flag.unwrap().retried);
}

#[test]
fn the_outputs_are_those_of_the_attempt_that_succeeded() {
    let world = check(
        &retried("{limit: '3'}"),
        "wf(0) exits 1",
        "Succeeded 2/2
         wf Retry Succeeded
         wf(0) Pod Failed main: Error (exit code 1)
         wf(1) Pod Succeeded",
    );
    assert_eq!(world.node("wf").outputs.as_ref().unwrap().exit_code.as_deref(), Some("0"));
}

#[test]
fn an_error_is_repeated_only_if_the_policy_says_so() {
    check(
        &retried("{limit: 1}"),
        "wf(0) breaks lost",
        "Error 1/1 lost
         wf Retry Error lost
         wf(0) Pod Error lost",
    );
    check(
        &retried("{limit: 1, retryPolicy: Always}"),
        "wf(0) breaks lost",
        "Succeeded 2/2
         wf Retry Succeeded
         wf(0) Pod Error lost
         wf(1) Pod Succeeded",
    );
}

#[test]
fn waits_grow_to_the_cap_and_need_a_limit() {
    let waits = |strategy: &str| {
        let mut world = World::new(spec(&retried(strategy)), RunOptions::default());
        let attempts = std::cell::Cell::new(0);
        world.play(&|_| {
            attempts.set(attempts.get() + 1);
            ended(i32::from(attempts.get() < 5))
        });
        let mut seconds = Vec::new();
        let mut last = None;
        for (command, _) in world.commands.iter().zip(0..) {
            if let Command::SetTimer { timer: TimerId::Backoff(_), at } = command {
                seconds.push(*at);
                last = Some(*at);
            }
        }
        let _ = last;
        let starts: Vec<i64> =
            world.run.nodes().values().skip(1).map(|node| node.started_at.unwrap().as_second()).collect();
        (seconds.len(), starts.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>())
    };
    assert_eq!(waits("{limit: 9, backoff: {duration: 10s, factor: 2, cap: 30s}}"), (4, vec![11, 21, 31, 31]));
    assert_eq!(waits("{backoff: {duration: 10s, factor: 2}}"), (0, vec![1, 1, 1, 1]));
}

#[test]
fn the_workflows_strategy_wraps_steps_too() {
    check(
        "entrypoint: main\nretryStrategy: {limit: 1}\ntemplates:\n- name: main\n  steps: [[{name: a, template: t}]]\n- name: t\n  container: {image: a}",
        "",
        "Succeeded 1/1
         wf Retry Succeeded
         wf(0) Steps Succeeded
         wf(0)[0] StepGroup Succeeded
         wf(0)[0].a Retry Succeeded
         wf(0)[0].a(0) Pod Succeeded",
    );
}

/// A daemon that is tried twice, and what uses it meanwhile.
const LASTING: &str = "entrypoint: main
templates:
- name: main
  dag:
    tasks:
    - {name: server, template: server}
    - {name: client, template: client, depends: server}
- {name: server, daemon: true, retryStrategy: {limit: 1}, container: {image: a}}
- {name: client, container: {image: a}}";

#[test]
fn a_daemon_that_fails_is_tried_again_as_long_as_it_is_needed() {
    let mut world = World::new(spec(LASTING), RunOptions::default());
    let ready = |world: &mut World, name: &str| {
        let node = world.node(name).id.clone();
        world.send(EventKind::PodReady { node, ip: "10.0.0.1".to_owned() });
    };
    let ends = |world: &mut World, name: &str, code| {
        let node = world.node(name).id.clone();
        world.send(EventKind::PodFinished { node, outcome: ended(code) });
    };
    world.send(EventKind::Started);
    ready(&mut world, "server(0)");
    assert_eq!(world.pods.last().unwrap().display_name, "client");
    ends(&mut world, "server(0)", 1);
    assert_eq!(world.pods.last().unwrap().display_name, "server(1)");
    let once = world.run.clone();
    ready(&mut world, "server(1)");
    assert_eq!(world.node("server").daemoned, Some(true));
    ends(&mut world, "client", 0);
    assert_eq!(
        world.shown(),
        "Succeeded 3/3\nwf DAG Succeeded\nwf.server Retry Succeeded\n\
         wf.server(0) Pod Failed main: Error (exit code 1)\nwf.client Pod Succeeded\nwf.server(1) Pod Succeeded"
    );
    let killed = Command::KillPod { node: world.node("server(1)").id.clone() };
    assert!(world.commands.contains(&killed));
    world.run = once;
    ends(&mut world, "server(1)", 2);
    assert_eq!(world.node("server").phase, NodePhase::Failed);
    ends(&mut world, "client", 0);
    assert_eq!(world.run.status().phase, WorkflowPhase::Succeeded, "{}", world.shown());
}

#[test]
fn an_attempt_at_a_daemon_that_has_begun_is_killed_with_what_needed_it() {
    let mut world = World::new(spec(LASTING), RunOptions::default());
    world.send(EventKind::Started);
    let node = world.node("server(0)").id.clone();
    world.send(EventKind::PodReady { node: node.clone(), ip: "10.0.0.1".to_owned() });
    world.send(EventKind::PodFinished { node, outcome: ended(1) });
    let node = world.node("client").id.clone();
    world.send(EventKind::PodFinished { node, outcome: ended(0) });
    let killed = Command::KillPod { node: world.node("server(1)").id.clone() };
    assert!(world.commands.contains(&killed), "{}", world.shown());
    assert_eq!(world.run.status().phase, WorkflowPhase::Succeeded);
}
