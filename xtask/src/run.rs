//! Running programs and finding the root of the repository. Not here: which programs.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Returns the folder the build writes to.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Runs a program at the root and shows what it prints.
///
/// # Errors
/// The program cannot be started, or does not succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    run_with(Command::new(program).args(arguments))
}

/// Runs a prepared command at the root.
///
/// # Errors
/// The program cannot be started, or does not succeed.
pub(crate) fn run_with(command: &mut Command) -> Result<(), String> {
    let shown = shown(command);
    println!("$ {shown}");
    let status = command
        .current_dir(root())
        .status()
        .map_err(|error| format!("`{shown}` cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed: {status}")) }
}

/// Runs a program and returns what it prints.
///
/// # Errors
/// The program cannot be started, or does not succeed.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("`{program}` failed: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Whether a program is installed.
pub(crate) fn installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    // servers are where only root looks by itself
    let mut all = std::env::split_paths(&folders).chain(["/usr/sbin".into(), "/sbin".into()]);
    all.any(|folder: std::path::PathBuf| folder.join(program).is_file())
}

/// Runs one stage and prints how long it took.
///
/// # Errors
/// What the stage returned.
#[expect(
    clippy::disallowed_methods,
    reason = "tells the person how long a stage took; nothing is decided by it"
)]
pub(crate) fn stage(name: &str, stage: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    println!("\n== {name}");
    let begun = Instant::now();
    let result = stage();
    println!(
        "== {name}: {} in {:.0} s",
        if result.is_ok() { "ok" } else { "FAILED" },
        begun.elapsed().as_secs_f64()
    );
    result
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
