//! Laws: replaying a log gives the same run, a repeated event changes nothing, whatever the order in which pods
//! end the run ends as the tasks' own ends say, and no event makes the engine panic.

use std::collections::BTreeMap;

use engine::{
    CollectedOutputs, Command, Event, EventKind, PodEnd, PodOutcome, Run, RunOptions, ShutdownStrategy,
    TimerId, step,
};
use model::argo::{NodeId, NodePhase, Workflow, WorkflowPhase};
use proptest::prelude::*;

use crate::driver::{World, ended, new_run, script, spec};

/// What of a run can be seen, as text.
fn visible(run: &Run) -> String {
    format!("{}\n{:?}", serde_json::to_string(run.status()).unwrap(), run.outstanding())
}

fn replay(workflow: Workflow, options: RunOptions, log: &[Event]) -> Run {
    log.iter().fold(new_run(workflow, options), |run, event| step(run, event).unwrap().0)
}

/// A workflow with a bit of everything.
const MIXED: &str = "
entrypoint: main
onExit: bye
activeDeadlineSeconds: 3600
parallelism: 3
templates:
- name: main
  steps:
  - - {name: loop, template: t, withItems: [a, b, c, d]}
    - {name: wait, template: wait}
    - {name: retried, template: r}
  - - {name: sub, template: dag, continueOn: {failed: true}}
- name: dag
  parallelism: 2
  dag:
    tasks:
    - {name: a, template: t}
    - {name: b, template: t, withSequence: {count: 4}}
    - {name: c, template: t, depends: 'a.Failed || b.AnySucceeded'}
    - {name: d, template: t, dependencies: [a, b]}
- name: t
  container: {image: a}
- name: r
  retryStrategy: {limit: 2, backoff: {duration: '3'}}
  container: {image: a}
- name: wait
  suspend: {duration: 10s}
- name: bye
  container: {image: a, args: ['{{workflow.status}} {{workflow.failures}}']}
";

fn mixed(fails: &[u8], order: &[u8]) -> World {
    let mut world = World::new(spec(MIXED), RunOptions::default());
    world.send(EventKind::Started);
    let mut turn = 0_usize;
    while !world.run.status().phase.is_completed() {
        let pick = usize::from(order[turn % order.len()]);
        let fails = fails[turn % fails.len()];
        turn += 1;
        assert!(turn < 1_000, "the run does not end");
        // Now and then a timer goes off although pods run: the workflow's own deadline among them.
        if world.pods.is_empty() || (pick % 7 == 6 && !world.timers.is_empty()) {
            assert!(world.fire(), "nothing can happen any more:\n{}", world.shown());
        } else {
            let index = pick % world.pods.len();
            world.end_pod(index, &|_| match fails % 5 {
                0 => ended(1),
                1 => PodOutcome::new(PodEnd::Error("lost".to_owned()), CollectedOutputs::default()),
                _ => ended(0),
            });
        }
    }
    world
}

/// A DAG of plain dependencies: for each task, which earlier ones it waits for, as bits.
fn dag_of(edges: &[u16], fail_fast: bool) -> String {
    let mut yaml = format!(
        "entrypoint: main\ntemplates:\n- name: t\n  container: {{image: a}}\n- name: main\n  dag:\n    failFast: {fail_fast}\n    tasks:\n"
    );
    for (task, bits) in edges.iter().enumerate() {
        let dependencies: Vec<String> =
            (0..task).filter(|other| bits & (1 << other) != 0).map(|other| format!("t{other}")).collect();
        yaml.push_str(&format!(
            "    - {{name: t{task}, template: t, dependencies: [{}]}}\n",
            dependencies.join(", ")
        ));
    }
    yaml
}

/// An event that may or may not fit, about one of the first nodes.
fn any_event(run: &Run, what: u8, which: u8) -> EventKind {
    let ids: Vec<NodeId> = run.nodes().keys().cloned().collect();
    let node =
        ids.get(usize::from(which) % (ids.len() + 1)).cloned().unwrap_or_else(|| NodeId::from_text("nobody"));
    match what % 14 {
        0 => EventKind::Started,
        1 => EventKind::PodRunning { node },
        2 => EventKind::PodFinished { node, outcome: ended(0) },
        3 => EventKind::PodFinished { node, outcome: ended(i32::from(which)) },
        4 => EventKind::TimerFired { timer: TimerId::Backoff(node) },
        5 => EventKind::TimerFired { timer: TimerId::SuspendOver(node) },
        6 => EventKind::TimerFired { timer: TimerId::GateExpired(node) },
        7 => EventKind::Resumed { node: Some(node), message: "m".to_owned(), parameters: BTreeMap::new() },
        8 => EventKind::NodeFailed { node, phase: NodePhase::Failed, message: "m".to_owned() },
        9 => EventKind::Suspended,
        10 => EventKind::Unsuspended,
        11 if which < 20 => EventKind::ShutdownRequested { strategy: ShutdownStrategy::Stop, message: None },
        12 if which < 10 => EventKind::TimerFired { timer: TimerId::WorkflowDeadline },
        13 if which < 5 => {
            EventKind::ShutdownRequested { strategy: ShutdownStrategy::Terminate, message: None }
        }
        _ => EventKind::PodFinished { node, outcome: ended(0) },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_a_log_gives_the_same_run(fails in prop::collection::vec(any::<u8>(), 1..20), order in prop::collection::vec(any::<u8>(), 1..20)) {
        let world = mixed(&fails, &order);
        prop_assert_eq!(visible(&replay(spec(MIXED), RunOptions::default(), &world.log)), visible(&world.run));
    }

    #[test]
    fn a_repeated_event_changes_nothing_and_a_terminal_phase_stays(fails in prop::collection::vec(any::<u8>(), 1..20), order in prop::collection::vec(any::<u8>(), 1..20)) {
        let world = mixed(&fails, &order);
        let mut run = new_run(spec(MIXED), RunOptions::default());
        let mut ended: BTreeMap<NodeId, NodePhase> = BTreeMap::new();
        for event in &world.log {
            run = step(run, event).unwrap().0;
            let before = visible(&run);
            let (again, commands) = step(run, event).unwrap();
            prop_assert_eq!(&visible(&again), &before);
            prop_assert!(commands.is_empty());
            run = again;
            for (id, node) in run.nodes() {
                if let Some(phase) = ended.get(id) {
                    prop_assert_eq!(node.phase, *phase);
                } else if node.phase.is_fulfilled() {
                    ended.insert(id.clone(), node.phase);
                }
            }
        }
        prop_assert!(run.nodes().values().all(|node| node.phase.is_fulfilled()));
    }

    #[test]
    fn what_is_outstanding_is_what_was_commanded_and_has_not_ended(fails in prop::collection::vec(any::<u8>(), 1..20), order in prop::collection::vec(any::<u8>(), 1..20)) {
        let world = mixed(&fails, &order);
        let mut run = new_run(spec(MIXED), RunOptions::default());
        let mut pods: Vec<NodeId> = Vec::new();
        for event in &world.log {
            let (next, commands) = step(run, event).unwrap();
            run = next;
            if let EventKind::PodFinished { node, .. } = &event.kind {
                pods.retain(|pod| pod != node);
            }
            let started = |command: &Command| match command {
                Command::StartPod(pod) => Some(pod.node.clone()),
                _ => None,
            };
            pods.extend(commands.iter().filter_map(started));
            let mut outstanding: Vec<NodeId> = run.outstanding().iter().filter_map(started).collect();
            outstanding.sort();
            pods.sort();
            prop_assert_eq!(&outstanding, &pods);
            prop_assert!(pods.len() <= 3, "spec.parallelism");
        }
        prop_assert_eq!(run.outstanding(), vec![Command::Complete { phase: run.status().phase }]);
    }

    #[test]
    fn a_dag_ends_as_its_tasks_do_in_whatever_order(edges in prop::collection::vec(any::<u16>(), 1..14), fails in any::<u16>(), order in prop::collection::vec(any::<u8>(), 1..20), fail_fast in any::<bool>()) {
        let mut world = World::new(spec(&dag_of(&edges, fail_fast)), RunOptions::default());
        world.send(EventKind::Started);
        let mut turn = 0;
        while !world.pods.is_empty() {
            let index = usize::from(order[turn % order.len()]) % world.pods.len();
            turn += 1;
            world.end_pod(index, &|pod| {
                let task: u32 = pod.display_name[1..].parse().unwrap();
                ended(i32::from(fails & (1 << task) != 0))
            });
        }
        // By hand: a task runs if all it waits for succeeded.
        let mut succeeded: Vec<bool> = Vec::new();
        let mut any_failed = false;
        for (task, bits) in edges.iter().enumerate() {
            let runs = (0..task).filter(|other| bits & (1 << other) != 0).all(|other| succeeded[other]);
            let failed = runs && fails & (1 << task) != 0;
            any_failed |= failed;
            succeeded.push(runs && !failed);
        }
        let wanted = if any_failed { WorkflowPhase::Failed } else { WorkflowPhase::Succeeded };
        prop_assert_eq!(world.run.status().phase, wanted);
        if !fail_fast {
            for (task, succeeded) in succeeded.iter().enumerate() {
                let node = world.node(&format!("t{task}"));
                prop_assert_eq!(node.phase == NodePhase::Succeeded, *succeeded);
            }
        }
    }

    #[test]
    fn no_event_makes_the_engine_panic_and_a_refused_one_changes_nothing(events in prop::collection::vec((any::<u8>(), any::<u8>()), 0..120)) {
        let mut run = new_run(spec(MIXED), RunOptions::default());
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut taken = Vec::new();
        for (what, which) in events {
            let event = Event { at, kind: any_event(&run, what, which) };
            let before = visible(&run);
            match step(run, &event) {
                Ok((next, _)) => {
                    run = next;
                    taken.push(event);
                }
                Err(rejected) => {
                    run = rejected.run;
                    prop_assert_eq!(visible(&run), before);
                }
            }
        }
        prop_assert_eq!(visible(&replay(spec(MIXED), RunOptions::default(), &taken)), visible(&run));
    }
}

#[test]
fn ten_thousand_side_by_side_end_and_are_counted() {
    let steps = "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, template: t, withSequence: {count: 10000}}], [{name: b, template: t}]]\n- name: t\n  container: {image: a}";
    let dag = "entrypoint: main\ntemplates:\n- name: main\n  dag: {tasks: [{name: a, template: t, withSequence: {count: 10000}}, {name: b, template: t, dependencies: [a]}]}\n- name: t\n  container: {image: a}";
    for yaml in [steps, dag] {
        let mut world = World::new(spec(yaml), RunOptions::default());
        world.send(EventKind::Started);
        let ends = script("");
        while let Some(last) = world.pods.len().checked_sub(1) {
            world.end_pod(last, &ends);
        }
        let status = world.run.status();
        assert_eq!((status.phase, status.progress.as_str()), (WorkflowPhase::Succeeded, "10001/10001"));
    }
}
