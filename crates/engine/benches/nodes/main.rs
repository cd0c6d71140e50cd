//! The engine alone: what a node costs in a run of 1,000, 10,000 and 100,000 nodes (aim: at most 1.3 times as much in the
//! largest as in the smallest), and how much memory it takes. Not here: storage, processes. Each size is run several times
//! in turn, so that the ratio holds on a noisy machine; memory is that of a process of its own.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark measures, prints and may stop"
)]

mod shapes;

use std::{env, fs, process, time::Instant};

use engine::Run;
use model::argo::Workflow;

use crate::shapes::{SHAPES, begin, finish, new};

const ROUNDS: usize = 5;
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// How many pods each round ends at least: small runs are repeated, so that each measurement is long enough.
const AT_LEAST: usize = 20_000;

fn main() {
    let words: Vec<String> = env::args().collect();
    if let Some(at) = words.iter().position(|word| word == "memory") {
        return tell_memory(words[at + 1].parse().unwrap(), words[at + 2].parse().unwrap());
    }
    println!(
        "| | 1,000 | 10,000 | 100,000 | 10,000 against 1,000 | 100,000 against 1,000 | waiting | ended |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (at, (name, shape)) in SHAPES.into_iter().enumerate() {
        if words.iter().skip(1).any(|word| !word.starts_with("--"))
            && !words.iter().any(|word| name.contains(word.as_str()))
        {
            continue;
        }
        let mut costs: Vec<Vec<f64>> = vec![Vec::new(); SIZES.len()];
        for _ in 0..ROUNDS {
            for (at, size) in SIZES.iter().enumerate() {
                costs[at].push(microseconds_a_node(shape, *size));
            }
        }
        let against = |large: usize| {
            median(costs[large].iter().zip(&costs[0]).map(|(large, small)| large / small).collect())
        };
        let (ten, hundred) = (against(1), against(2));
        let shown: Vec<String> = costs.iter().map(|cost| format!("{:.2} µs", median(cost.clone()))).collect();
        let memory = memory_of(at);
        println!("| {name} | {} | {ten:.2} | {hundred:.2} | {memory} |", shown.join(" | "));
    }
}

/// Microseconds a node, of all the nodes that the run has in the end.
fn microseconds_a_node(shape: fn(usize) -> Workflow, size: usize) -> f64 {
    let runs: Vec<Run> = (0..(AT_LEAST / size).max(1)).map(|_| new(shape(size))).collect();
    let begun = Instant::now();
    let ended: Vec<Run> = runs.into_iter().map(|run| finish(begin(run))).collect();
    let taken = begun.elapsed().as_secs_f64();
    let nodes: usize = ended.iter().map(|run| run.nodes().len()).sum();
    taken * 1e6 / nodes as f64
}

/// What a node of the largest run takes, in a process of its own.
fn memory_of(shape: usize) -> String {
    let told = process::Command::new(env::current_exe().unwrap())
        .args(["memory", &shape.to_string(), &SIZES[2].to_string()])
        .output()
        .unwrap();
    String::from_utf8(told.stdout).unwrap()
}

/// Prints the bytes that a node takes once all that can start have started, and once all have ended.
fn tell_memory(shape: usize, size: usize) {
    let before_all = new(SHAPES[shape].1(size));
    let before = resident();
    let (run, waiting) = begin(before_all);
    let a_node = |nodes: usize| (resident() - before) / nodes as f64;
    let at_once = if run.nodes().len() > size / 2 {
        format!("{:.0} B", a_node(run.nodes().len()))
    } else {
        "–".to_owned()
    };
    let ended = finish((run, waiting));
    print!("{at_once} | {:.0} B", a_node(ended.nodes().len()));
}

/// Bytes of this process in memory.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
