//! What `.ci/run` does, in order. Not here: the tasks themselves.

use std::process::Command;

use crate::{
    fuzz,
    run::{installed, run, run_with, stage, target},
    test, tidy,
};

const CARGO_DENY: &str = "0.20.2";
/// How many random runs the engine is to get through.
const SIMULATED_RUNS: &str = "100000";

/// Formats, lints, checks the house and the dependencies, tests, plays the demo, simulates, and fuzzes for a moment.
///
/// # Errors
/// The first stage that fails.
pub(crate) fn ci() -> Result<(), String> {
    stage("format", || run("cargo", &["fmt", "--all", "--check"]))?;
    stage("tidy", tidy::tidy)?;
    stage("lint", || run("cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    stage("dependencies", deny)?;
    stage("test", || test::test(&[]))?;
    make_room()?;
    stage("demo", || run("cargo", &["run", "--release", "--", "demo"]))?;
    stage("simulate", simulate)?;
    stage("fuzz", || fuzz::fuzz(fuzz::Length::Repeatable, &[]))
}

/// Removes what only the tests needed where `CI` is set: what follows is built with optimisation, and both do not fit on
/// a small disk. A person keeps it, for the next test.
fn make_room() -> Result<(), String> {
    if std::env::var_os("CI").is_none() {
        return Ok(());
    }
    let built = target().join("debug");
    match std::fs::remove_dir_all(&built) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("`{}` cannot be removed: {error}", built.display()))
        }
        _ => Ok(()),
    }
}

fn simulate() -> Result<(), String> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--release", "--package", "engine", "--test", "simulation"])
        .env("SIMULATE_RUNS", SIMULATED_RUNS);
    run_with(&mut command)
}

fn deny() -> Result<(), String> {
    let tools = target().join("tools");
    let here = tools.join("bin/cargo-deny");
    let program = if installed("cargo-deny") { "cargo-deny".to_owned() } else { here.display().to_string() };
    if !installed("cargo-deny") && !here.is_file() {
        let folder = tools.display().to_string();
        run("cargo", &["install", "--locked", "cargo-deny", "--version", CARGO_DENY, "--root", &folder])?;
    }
    run(&program, &["check", "bans", "licenses", "sources"])?;
    if run(&program, &["check", "advisories"]).is_err() {
        println!(
            "advisories: NOT CHECKED or not clean: see above; the advisory database may be out of reach here"
        );
    }
    Ok(())
}
