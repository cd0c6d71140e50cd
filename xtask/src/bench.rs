//! Measures what docs/performance.md shows: ratios from one run, since machines are noisy. Not here: verdicts.

mod peers;

use std::{cell::Cell, fmt::Write as _, fs, path::Path, process::Command};

use crate::run::{run, target};

/// Steps of the run that is measured.
const STEPS: usize = 1000;
/// Pairs of runs: ours and make in turn.
const PAIRS: usize = 5;

/// Runs the benchmarks named, or all.
///
/// # Errors
/// A program cannot be built or does not succeed.
pub(crate) fn bench(names: &[&str]) -> Result<(), String> {
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    if wanted("steps") {
        steps()?;
    }
    if wanted("peers") {
        peers::peers()?;
    }
    if wanted("engine") {
        run("cargo", &["bench", "--quiet", "--package", "engine", "--bench", "nodes"])?;
    }
    if wanted("suspended") {
        run("cargo", &["bench", "--quiet", "--package", "runner", "--bench", "suspended"])?;
    }
    if wanted("decision") {
        run("cargo", &["bench", "--quiet", "--package", "policy", "--bench", "decision"])?;
    }
    Ok(())
}

/// What one command cost.
#[derive(Clone, Copy)]
struct Cost {
    /// Processor seconds, of the program and all its children.
    cpu: f64,
    /// Seconds on the wall.
    wall: f64,
}

/// 1,000 independent `/bin/true`, two at a time: ours without sandbox, ours with it, `make -j2`.
fn steps() -> Result<(), String> {
    run("cargo", &["build", "--release", "--quiet", "--package", "cli"])?;
    let folder = target().join("bench");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    fs::write(folder.join("steps.yaml"), workflow()).map_err(|error| error.to_string())?;
    fs::write(folder.join("Makefile"), makefile()).map_err(|error| error.to_string())?;
    let marque = target().join("release/marque").display().to_string();
    // a folder of its own for each run, and none deleted before all have run: ext4 looks long for an inode right after
    // thousands were freed
    let data = folder.join("data");
    let _ = fs::remove_dir_all(&data);
    run("sync", &[])?;
    let count = Cell::new(0);
    let ours = |isolation: &str| {
        count.set(count.get() + 1);
        let data = data.join(count.get().to_string()).display().to_string();
        timed(&folder, &[&marque, "run", "steps.yaml", "--isolation", isolation, "--data", &data])
    };
    let (mut none, mut sandbox, mut make) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        none.push(ours("none")?);
        make.push(timed(&folder, &["make", "-s", "-j2"])?);
        sandbox.push(ours("namespaces")?);
    }
    println!(
        "\n{STEPS} independent /bin/true, two at a time, durable and recorded; medians of {PAIRS} interleaved runs\n"
    );
    println!("| | CPU a step | wall a step | CPU against make | wall against make |");
    println!("|---|---|---|---|---|");
    for (name, costs) in [("make -j2", &make), ("marque, no sandbox", &none), ("marque, sandbox", &sandbox)] {
        let step = |seconds: f64| seconds * 1000.0 / f64::from(u32::try_from(STEPS).unwrap_or(1));
        let ratios =
            |of: fn(&Cost) -> f64| median(costs.iter().zip(&make).map(|(a, b)| of(a) / of(b)).collect());
        println!(
            "| {name} | {:.2} ms | {:.2} ms | {:.2} | {:.2} |",
            step(median(costs.iter().map(|cost| cost.cpu).collect())),
            step(median(costs.iter().map(|cost| cost.wall).collect())),
            ratios(|cost| cost.cpu),
            ratios(|cost| cost.wall),
        );
    }
    Ok(())
}

fn workflow() -> String {
    let mut text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  name: steps\nspec:\n  entrypoint: main\n  \
         parallelism: 2\n  templates:\n    - name: one\n      container:\n        image: none\n        command: [/bin/true]\n    \
         - name: main\n      dag:\n        tasks:\n"
        .to_owned();
    for step in 0..STEPS {
        let _ = writeln!(text, "          - {{name: t{step}, template: one}}");
    }
    text
}

fn makefile() -> String {
    let targets: Vec<String> = (0..STEPS).map(|step| format!("t{step}")).collect();
    let mut text = format!("all: {0}\n.PHONY: all {0}\n", targets.join(" "));
    for target in targets {
        let _ = writeln!(text, "{target}:\n\t/bin/true");
    }
    text
}

/// Runs a command in `folder` and returns what it cost, children included, as the shell's `time` tells.
fn timed(folder: &Path, words: &[&str]) -> Result<Cost, String> {
    let script = "TIMEFORMAT='%U %S %R'; time \"$@\" >/dev/null 2>command.err";
    let output = Command::new("bash")
        .args(["-c", script, "bash"])
        .args(words)
        .current_dir(folder)
        .output()
        .map_err(|error| format!("bash: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let said = fs::read_to_string(folder.join("command.err")).unwrap_or_default();
        return Err(format!("`{}` failed: {said}", words.join(" ")));
    }
    let numbers: Vec<f64> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        [user, system, wall] => Ok(Cost { cpu: user + system, wall: *wall }),
        _ => Err(format!("`time` told `{told}`")),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
