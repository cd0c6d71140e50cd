//! The engine alone: what a node of a 10,000-node DAG costs against a node of a 1,000-node one (aim: at most 1.3 times).
//! Not here: storage, processes. Each size is run several times in turn, so that the ratio holds on a noisy machine.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark measures, prints and may stop"
)]

use std::{collections::VecDeque, time::Instant};

use engine::{CollectedOutputs, Command, Event, EventKind, PodEnd, PodOutcome, Run, RunOptions, step};
use jiff::Timestamp;
use model::{
    RunId,
    argo::{Workflow, WorkflowPhase},
};
use serde_json::json;

const ROUNDS: usize = 7;
const SIZES: [usize; 3] = [1_000, 3_000, 10_000];

fn main() {
    println!("| DAG | 1,000 nodes | 3,000 nodes | 10,000 nodes | 10,000 against 1,000 |");
    println!("|---|---|---|---|---|");
    for (name, shape) in
        [("independent", independent as fn(usize) -> Workflow), ("layers of 10", layers), ("a chain", chain)]
    {
        let mut costs: Vec<Vec<f64>> = vec![Vec::new(); SIZES.len()];
        for _ in 0..ROUNDS {
            for (at, size) in SIZES.iter().enumerate() {
                costs[at].push(microseconds_a_node(shape(*size), *size));
            }
        }
        let ratio = median(costs[2].iter().zip(&costs[0]).map(|(large, small)| large / small).collect());
        let shown: Vec<String> =
            costs.into_iter().map(|cost| format!("{:.2} µs a node", median(cost))).collect();
        println!("| {name} | {} | {ratio:.2} |", shown.join(" | "));
    }
}

fn microseconds_a_node(workflow: Workflow, size: usize) -> f64 {
    let run = Run::new(workflow, RunId::from_uuid(uuid::Uuid::nil()), RunOptions::default());
    let begun = Instant::now();
    let ended = finish(run);
    let taken = begun.elapsed().as_secs_f64();
    assert_eq!(ended.status().phase, WorkflowPhase::Succeeded, "{}", ended.status().message);
    taken * 1e6 / size as f64
}

/// Runs to the end with a backend that ends each pod well at once.
fn finish(run: Run) -> Run {
    let at = Timestamp::UNIX_EPOCH;
    let (mut run, commands) = step(run, &Event { at, kind: EventKind::Started }).unwrap();
    let mut waiting: VecDeque<Command> = commands.into();
    while let Some(command) = waiting.pop_front() {
        let Command::StartPod(pod) = command else { continue };
        let outcome = PodOutcome::new(PodEnd::Exited(0), CollectedOutputs::default());
        let event = Event { at, kind: EventKind::PodFinished { node: pod.node.clone(), outcome } };
        let (next, commands) = step(run, &event).unwrap();
        run = next;
        waiting.extend(commands);
    }
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

fn dag(tasks: Vec<serde_json::Value>) -> Workflow {
    let workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "bench"},
        "spec": {"entrypoint": "main", "templates": [
            {"name": "one", "container": {"image": "none", "command": ["/bin/true"]}},
            {"name": "main", "dag": {"tasks": tasks}},
        ]},
    });
    serde_json::from_value(workflow).unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
