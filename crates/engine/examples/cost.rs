//! Prints what a node costs the engine in DAGs and loops of 1,000 and 10,000 nodes, and the ratio of both:
//! `cargo run --release -p engine --example cost`. Not a test: times depend on the machine.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use engine::{CollectedOutputs, Command, Event, EventKind, PodEnd, PodOutcome, Run, RunOptions, step};
use jiff::Timestamp;
use model::{Id, argo::Workflow};

fn workflow(spec: &serde_json::Value) -> Result<Workflow, serde_json::Error> {
    serde_json::from_value(serde_json::json!({ "metadata": { "name": "wf" }, "spec": spec }))
}

/// A DAG of `nodes` tasks in rows of ten, each of which waits for two of the row before.
fn dag(nodes: usize) -> serde_json::Value {
    let task = |at: usize| {
        let row = at / 10;
        let before = |column: usize| format!("t{}", (row.saturating_sub(1)) * 10 + column % 10);
        let dependencies = if row == 0 { Vec::new() } else { vec![before(at), before(at + 1)] };
        serde_json::json!({ "name": format!("t{at}"), "template": "t", "dependencies": dependencies,
            "arguments": { "parameters": [{ "name": "p", "value": format!("{at}") }] } })
    };
    with(serde_json::json!({ "name": "main", "dag": { "tasks": (0..nodes).map(task).collect::<Vec<_>>() } }))
}

/// A step with `nodes` items.
fn fan(nodes: usize) -> serde_json::Value {
    let step = serde_json::json!({ "name": "a", "template": "t", "withSequence": { "count": nodes },
        "arguments": { "parameters": [{ "name": "p", "value": "{{item}}" }] } });
    with(serde_json::json!({ "name": "main", "steps": [[step]] }))
}

fn with(main: serde_json::Value) -> serde_json::Value {
    let leaf = serde_json::json!({ "name": "t", "inputs": { "parameters": [{ "name": "p" }] },
        "container": { "image": "a", "command": ["true"], "args": ["{{inputs.parameters.p}} {{workflow.name}}"] } });
    serde_json::json!({ "entrypoint": "main", "templates": [main, leaf] })
}

fn at(now: Timestamp, kind: EventKind) -> Event {
    Event { at: now, kind }
}

/// Runs a workflow to its end and returns the time taken and the nodes made.
fn play(workflow: Workflow) -> Result<(Duration, usize), Box<dyn std::error::Error>> {
    #[expect(clippy::disallowed_methods, reason = "a measurement of real time, in no production path")]
    let begun = Instant::now();
    let now = Timestamp::UNIX_EPOCH;
    let run = Run::new(
        workflow,
        Id::from_uuid("01890000-0000-7000-8000-000000000001".parse()?),
        RunOptions::default(),
    );
    let (mut run, mut commands) = step(run, &at(now, EventKind::Started))?;
    let mut open = std::collections::VecDeque::new();
    loop {
        for command in commands.drain(..) {
            if let Command::StartPod(pod) = command {
                open.push_back(pod.node);
            }
        }
        let Some(node) = open.pop_front() else { break };
        (run, _) = step(run, &at(now, EventKind::PodRunning { node: node.clone() }))?;
        let outcome = PodOutcome { end: PodEnd::Exited(0), outputs: CollectedOutputs::default() };
        (run, commands) = step(run, &at(now, EventKind::PodFinished { node, outcome }))?;
    }
    Ok((begun.elapsed(), run.nodes().len()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut shown = String::new();
    let shapes: [(&str, fn(usize) -> serde_json::Value); 2] = [("dag", dag), ("fan", fan)];
    for (name, shape) in shapes {
        let mut per_node = Vec::new();
        for nodes in [1_000, 10_000] {
            // The best of several, as others use the machine too.
            let rounds = 50_000 / nodes;
            let mut best = f64::MAX;
            for _ in 0..rounds {
                let (took, made) = play(workflow(&shape(nodes))?)?;
                best = best.min(took.as_secs_f64() * 1e6 / made as f64);
            }
            per_node.push(best);
        }
        if let [small, large] = per_node.as_slice() {
            writeln!(
                shown,
                "{name}  1,000 nodes {small:.1} us a node  10,000 nodes {large:.1} us a node  ratio {:.2}",
                large / small
            )?;
        }
    }
    io::stdout().write_all(shown.as_bytes())?;
    Ok(())
}
