//! Fuzzing: libFuzzer, guided by coverage, with the stable compiler; what `cargo fuzz` does, without its nightly.
//! The targets' code alone is instrumented, because `--target` keeps the flags from build scripts and macros.
//! Not here: the targets (see `fuzz`), the address sanitizer, which needs a nightly and finds little without `unsafe`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::run::{installed, output, root, run_with, stage, target};

/// What coverage is told of: edges and comparisons. Source: cargo-fuzz `src/project.rs`.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];
/// How long one input may take, in seconds.
const PATIENCE: u32 = 10;
/// How much memory a target may use, in megabytes.
const MEMORY: u32 = 1_024;

/// How many inputs a repeatable attack tries on each target.
const REPEATABLE_RUNS: u32 = 60_000;

/// How long the targets are attacked.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    /// For so many seconds, all together (each at least one), from another seed each time.
    Seconds(u32),
    /// With the same inputs each time, so that no change is refused for what luck found elsewhere.
    Repeatable,
}

/// Runs the targets of these names, or all.
///
/// # Errors
/// A target fell: the input is named, and is to be kept under `fuzz/seeds/<target>/` with the fix.
pub(crate) fn fuzz(length: Length, names: &[&str]) -> Result<(), String> {
    if !["c++", "g++", "clang++"].iter().any(|compiler| installed(compiler)) {
        return Err("libFuzzer needs a C++ compiler (Debian: g++)".to_owned());
    }
    let all = targets()?;
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|known| known == *name)) {
        return Err(format!("no target is called `{unknown}`; there are {}", all.join(", ")));
    }
    let chosen: Vec<&String> =
        all.iter().filter(|name| names.is_empty() || names.contains(&name.as_str())).collect();
    let mut program = PathBuf::new();
    stage("build the fuzzer", || {
        program = build()?;
        Ok(())
    })?;
    let limits = match length {
        Length::Seconds(seconds) => {
            let each = seconds / u32::try_from(chosen.len()).unwrap_or(1).max(1);
            vec![format!("-max_total_time={}", each.max(1))]
        }
        Length::Repeatable => vec!["-seed=1".to_owned(), format!("-runs={REPEATABLE_RUNS}")],
    };
    for name in chosen {
        stage(&format!("fuzz {name}"), || attack(&program, name, length, &limits))?;
    }
    Ok(())
}

/// Returns the names of the targets: those of the folders of seeds (a test holds that they agree).
fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/seeds");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn build() -> Result<PathBuf, String> {
    let version = output("rustc", &["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
    let folder = target().join("fuzz");
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--package", "fuzz", "--bin", "fuzz", "--features", "libfuzzer", "--profile", "fuzz"])
        .args(["--target", &host, "--target-dir"])
        .arg(&folder)
        .env("RUSTFLAGS", FLAGS.join(" "));
    run_with(&mut cargo)?;
    Ok(folder.join(host).join("fuzz/fuzz"))
}

fn attack(program: &Path, name: &str, length: Length, limits: &[String]) -> Result<(), String> {
    let found = match length {
        Length::Seconds(_) => target().join("fuzz/corpus").join(name),
        Length::Repeatable => {
            let folder = target().join("fuzz/repeated").join(name);
            // what an earlier attack found would lead this one elsewhere
            let _ = fs::remove_dir_all(&folder);
            folder
        }
    };
    let fallen = target().join("fuzz/fallen").join(name);
    for folder in [&found, &fallen] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut fuzzer = Command::new(program);
    fuzzer
        .args(limits)
        .arg(format!("-timeout={PATIENCE}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .args(["-max_len=4096", "-print_final_stats=1", "-verbosity=0"])
        .arg(format!("-artifact_prefix={}/", fallen.display()))
        .arg(&found)
        .arg(root().join("fuzz/seeds").join(name))
        .env("FUZZ_TARGET", name);
    run_with(&mut fuzzer).map_err(|error| {
        format!("{error}\n`{name}` fell: keep the input of {} under fuzz/seeds/{name}/", fallen.display())
    })
}
