//! Every test, with the peers it needs. Not here: installing them (`peers`).

use std::process::Command;

use crate::{
    peers,
    run::{root, run_with},
};

/// Installs the peers and runs every test; `arguments` go to `cargo test`.
///
/// # Errors
/// A peer cannot be had (the message says what to install), or a test fails.
pub(crate) fn test(arguments: &[&str]) -> Result<(), String> {
    let peers = peers::install()?;
    if !root().join("../shared").is_dir() {
        println!("note: ../shared is absent: tests that read its corpora say so one by one");
    }
    let mut command = Command::new("cargo");
    command.args(["test", "--workspace", "--no-fail-fast"]).args(arguments);
    for (name, folder) in peers {
        command.env(name, folder);
    }
    run_with(&mut command)
}
