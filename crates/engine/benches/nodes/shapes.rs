//! Workflows of any size, and a world in which each pod ends well at once: for the benchmark and for the test that counts.

use std::collections::VecDeque;

use engine::{CollectedOutputs, Command, Event, EventKind, PodEnd, PodOutcome, Run, RunOptions, step};
use jiff::Timestamp;
use model::{
    RunId,
    argo::{Workflow, WorkflowPhase},
};
use serde_json::{Value, json};

/// A name, and what makes a workflow of some size.
pub(crate) type Shape = (&'static str, fn(usize) -> Workflow);
/// Workflows whose nodes are to cost the same however many there are.
pub(crate) const SHAPES: [Shape; 7] = [
    ("fan-out, DAG", independent),
    ("layers of 10, DAG", layers),
    ("chain, DAG", chain),
    ("chain, steps", chain_of_steps),
    ("nested, ten in each", nested),
    ("withSequence, steps", sequence_in_steps),
    ("withSequence, DAG", sequence_in_dag),
];

/// Returns a run before its first event.
pub(crate) fn new(workflow: Workflow) -> Run {
    Run::new(workflow, RunId::from_uuid(uuid::Uuid::nil()), RunOptions::default())
}

/// Begins a run; returns what it asks for.
pub(crate) fn begin(run: Run) -> (Run, VecDeque<Command>) {
    let (run, commands) = step(run, &Event { at: Timestamp::UNIX_EPOCH, kind: EventKind::Started }).unwrap();
    (run, commands.into())
}

/// Runs to the end with a backend that ends each pod well at once.
pub(crate) fn finish((mut run, mut waiting): (Run, VecDeque<Command>)) -> Run {
    let at = Timestamp::UNIX_EPOCH;
    while let Some(command) = waiting.pop_front() {
        let Command::StartPod(pod) = command else { continue };
        let outcome = PodOutcome::new(PodEnd::Exited(0), CollectedOutputs::default());
        let event = Event { at, kind: EventKind::PodFinished { node: pod.node.clone(), outcome } };
        let (next, commands) = step(run, &event).unwrap();
        run = next;
        waiting.extend(commands);
    }
    assert_eq!(run.status().phase, WorkflowPhase::Succeeded, "{}", run.status().message);
    run
}

fn independent(size: usize) -> Workflow {
    dag((0..size).map(|at| json!({"name": format!("t{at}"), "template": "one"})).collect())
}

fn layers(size: usize) -> Workflow {
    let above = |at: usize| (at - at % 10).saturating_sub(10)..(at - at % 10);
    let task = |at: usize| {
        let above: Vec<String> = above(at).map(|above| format!("t{above}")).collect();
        json!({"name": format!("t{at}"), "template": "one", "dependencies": above})
    };
    dag((0..size).map(task).collect())
}

fn chain(size: usize) -> Workflow {
    let task = |at: usize| match at {
        0 => json!({"name": "t0", "template": "one"}),
        at => json!({"name": format!("t{at}"), "template": "one", "dependencies": [format!("t{}", at - 1)]}),
    };
    dag((0..size).map(task).collect())
}

/// Half of its nodes are groups.
fn chain_of_steps(size: usize) -> Workflow {
    steps((0..size / 2).map(|at| json!([{"name": format!("t{at}"), "template": "one"}])).collect())
}

fn sequence_in_steps(size: usize) -> Workflow {
    let count = size.to_string();
    steps(vec![
        json!([{"name": "t", "template": "said", "withSequence": {"count": count}, "arguments": said()}]),
    ])
}

fn sequence_in_dag(size: usize) -> Workflow {
    let count = size.to_string();
    dag(vec![json!({"name": "t", "template": "said", "withSequence": {"count": count}, "arguments": said()})])
}

fn said() -> Value {
    json!({"parameters": [{"name": "it", "value": "{{item}}"}]})
}

/// DAGs in steps in DAGs, ten calls in each, as many levels as `size` has zeros.
fn nested(size: usize) -> Workflow {
    let levels = usize::try_from(size.ilog10()).unwrap();
    let below = |level: usize| if level == 1 { "one".to_owned() } else { format!("level{}", level - 1) };
    let level = |level: usize| {
        let calls: Vec<Value> =
            (0..10).map(|at| json!({"name": format!("t{at}"), "template": below(level)})).collect();
        let name = if level == levels { "main".to_owned() } else { format!("level{level}") };
        match level % 2 {
            0 => json!({"name": name, "steps": [calls]}),
            _ => json!({"name": name, "dag": {"tasks": calls}}),
        }
    };
    workflow((1..=levels).map(level).collect())
}

fn dag(tasks: Vec<Value>) -> Workflow {
    workflow(vec![json!({"name": "main", "dag": {"tasks": tasks}})])
}

fn steps(groups: Vec<Value>) -> Workflow {
    workflow(vec![json!({"name": "main", "steps": groups})])
}

fn workflow(mut templates: Vec<Value>) -> Workflow {
    templates.push(json!({"name": "one", "container": {"image": "none", "command": ["/bin/true"]}}));
    templates.push(json!({
        "name": "said",
        "inputs": {"parameters": [{"name": "it"}]},
        "container": {"image": "none", "command": ["/bin/echo"], "args": ["{{inputs.parameters.it}}"]},
    }));
    let workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "bench"},
        "spec": {"entrypoint": "main", "templates": templates},
    });
    serde_json::from_value(workflow).unwrap()
}
