//! Parallelism, deadlines, stop, terminate, suspended runs, exit handlers, and what is refused.

use engine::{EventKind, RunOptions, ShutdownStrategy};
use model::argo::WorkflowPhase;

use crate::driver::{World, check, script, spec};

fn fan(extra: &str, own: &str) -> String {
    format!(
        "entrypoint: main\n{extra}\ntemplates:\n- name: main\n  {own}\n  steps:\n  - - {{name: a, template: t, withSequence: {{count: 5}}}}\n  - - {{name: b, template: t}}\n- name: t\n  container: {{image: a}}\n- name: bye\n  container: {{image: a, args: ['{{{{workflow.status}}}} {{{{workflow.failures}}}}']}}"
    )
}

#[test]
fn parallelism_of_workflow_and_template_bounds_the_pods() {
    for yaml in [fan("parallelism: 2", "failFast: false"), fan("", "parallelism: 2")] {
        let mut world = World::new(spec(&yaml), RunOptions::default());
        world.play(&script(""));
        assert_eq!((world.run.status().phase, world.most_pods), (WorkflowPhase::Succeeded, 2), "{yaml}");
    }
}

#[test]
fn a_templates_fail_fast_stops_what_waits() {
    let message = "template has failed or errored children and failFast enabled";
    let mut world = World::new(
        spec(
            &fan("", "{parallelism: 2, failFast: true}")
                .replace("{parallelism: 2, failFast: true}", "parallelism: 2\n  failFast: true"),
        ),
        RunOptions::default(),
    );
    world.play(&script("a(0:0) exits 1"));
    assert_eq!(
        world.shown(),
        format!(
            "Failed 2/2 {message}\nwf Steps Failed {message}\nwf[0] StepGroup Failed {message}\nwf[0].a(0:0) Pod Failed main: Error (exit code 1)\nwf[0].a(1:1) Pod Succeeded"
        )
    );
}

#[test]
fn the_deadline_kills_pods_fails_the_run_and_spares_the_exit_handler() {
    let yaml = fan("activeDeadlineSeconds: 30\nparallelism: 1\nonExit: bye", "failFast: false");
    let mut world = World::new(spec(&yaml), RunOptions::default());
    world.send(EventKind::Started);
    assert!(world.fire());
    world.settle(&script(""));
    let shown = world.shown();
    assert!(shown.starts_with("Failed 2/2 child '"), "{shown}");
    assert!(shown.contains("wf[0].a(0:0) Pod Failed Step exceeded its deadline"), "{shown}");
    assert!(shown.contains("wf[0].a(4:4) Pod Failed Step exceeded its deadline"), "{shown}");
    assert!(shown.ends_with("wf.onExit Pod Succeeded"), "{shown}");
}

#[test]
fn stop_runs_the_exit_handler_and_terminate_does_not() {
    for (strategy, handled) in [(ShutdownStrategy::Stop, true), (ShutdownStrategy::Terminate, false)] {
        let mut world = World::new(spec(&fan("onExit: bye", "parallelism: 2")), RunOptions::default());
        world.send(EventKind::Started);
        world.send(EventKind::ShutdownRequested { strategy, message: None });
        world.settle(&script(""));
        let status = world.run.status();
        assert_eq!(
            (status.phase, status.message.as_str()),
            (WorkflowPhase::Failed, &*format!("Stopped with strategy '{strategy:?}'"))
        );
        assert_eq!(world.run.nodes().values().any(|node| node.name == "wf.onExit"), handled);
    }
}

#[test]
fn an_exit_handler_knows_how_it_ended_and_its_failure_counts() {
    let yaml = "entrypoint: main\nonExit: bye\ntemplates:\n- name: main\n  container: {image: a}\n- name: bye\n  container: {image: a, args: ['{{workflow.status}}', '{{workflow.failures}}']}";
    let world = check(
        yaml,
        "wf exits 1",
        "Failed 2/2 main: Error (exit code 1)
         wf Pod Failed main: Error (exit code 1)
         wf.onExit Pod Succeeded",
    );
    let engine::Command::StartPod(pod) = &world.commands[1] else { panic!("no pod") };
    let args = &pod.template.container.as_ref().unwrap().args;
    assert_eq!(args[0].0, "Failed");
    let once: String = serde_json::from_str(&args[1].0).unwrap();
    let twice: serde_json::Value = serde_json::from_str(&once).unwrap();
    assert_eq!(twice[0]["displayName"], "wf");
    assert!(world.node("wf.onExit").node_flag.unwrap().hooked);
    check(
        yaml,
        "wf.onExit exits 2",
        "Failed 2/2 main: Error (exit code 2)
         wf Pod Succeeded
         wf.onExit Pod Failed main: Error (exit code 2)",
    );
}

#[test]
fn a_suspended_run_starts_nothing_and_can_still_be_stopped() {
    let mut world = World::new(spec(&fan("suspend: true", "parallelism: 9")), RunOptions::default());
    world.send(EventKind::Started);
    assert_eq!((world.run.nodes().len(), world.run.status().phase), (0, WorkflowPhase::Running));
    let stopped = {
        let mut other = World::new(spec(&fan("suspend: true", "parallelism: 9")), RunOptions::default());
        other.send(EventKind::Started);
        other.send(EventKind::ShutdownRequested {
            strategy: ShutdownStrategy::Stop,
            message: Some("enough".to_owned()),
        });
        other.shown()
    };
    assert_eq!(stopped, "Failed 0/0 enough\nwf Steps Failed enough");
    world.send(EventKind::Unsuspended);
    world.send(EventKind::Suspended);
    world.settle(&script(""));
    assert_eq!((world.run.nodes().len(), world.pods.len()), (8, 0));
    world.send(EventKind::Unsuspended);
    world.settle(&script(""));
    assert_eq!(world.run.status().phase, WorkflowPhase::Succeeded);
}

#[test]
fn what_is_not_supported_is_refused_aloud() {
    let refused = |spec_yaml: &str, message: &str| {
        let mut world = World::new(spec(spec_yaml), RunOptions::default());
        world.play(&script(""));
        assert_eq!(
            (world.run.status().phase, world.run.status().message.as_str()),
            (WorkflowPhase::Error, format!("error in entry template execution: {message}").as_str()),
            "{spec_yaml}"
        );
    };
    refused(
        "entrypoint: main\ntemplates:\n- name: main\n  container: {image: a, lifecycle: {preStop: {sleep: {seconds: 1}}}}",
        "`lifecycle` of a container is not supported on one machine yet",
    );
}
