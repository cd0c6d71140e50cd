//! Every command that README.md, CONTRIBUTING.md and the example's README show is run, in order, with an empty home.
//! `cargo run --release -- …` runs the binary under test; a `cargo xtask` task is looked up, not run from within itself.

use crate::support::{Person, Server};

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

const SHIM: &str = r#"#!/bin/sh
case "$1 $2 $3" in
  "run --release --") shift 3; exec marque "$@" ;;
  "xtask "*) grep -q "\[\"$2\"" "$REPOSITORY/xtask/src/main.rs" || { echo "no task $2" >&2; exit 1; } ;;
  "install --path "*) test -f "$3/Cargo.toml" ;;
  *) echo "unexpected: cargo $*" >&2; exit 1 ;;
esac
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_documents_work_as_written() {
    let served = tempfile::tempdir().unwrap();
    let pat = ["platform", "finance", "payroll-operators", "finance-platform"];
    let people: &[Person<'_>] = &[("pat", &pat), ("carla", &["finance", "contractors"])];
    let server = Server::start(served.path(), people, "administrators: ['group:platform']\n").await;
    let token = server.log_in("pat").await;
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    for document in ["README.md", "CONTRIBUTING.md", "examples/payroll/README.md"] {
        let text = fs::read_to_string(repository.join(document)).unwrap();
        let blocks: Vec<&str> = blocks(&text).collect();
        assert!(!blocks.is_empty(), "{document} shows no command");
        let folder = desk(&repository);
        let script = format!("set -euo pipefail\n{}", blocks.join("\n"));
        let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path())
            .env("PATH", path)
            .env("HOME", folder.path())
            .env("REPOSITORY", &repository)
            .env("MARQUE_SERVER", &server.url)
            .env("MARQUE_TOKEN", &token)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{document}:\n{script}\n--\n{out}\n{err}");
    }
}

/// Returns a folder with the repository's files and the programs that the documents name.
fn desk(repository: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_marque"), bin.join("marque")).unwrap();
    fs::write(bin.join("cargo"), SHIM).unwrap();
    make_executable(&bin.join("cargo"));
    for entry in ["examples", "crates", "Cargo.toml"] {
        symlink(repository.join(entry), folder.path().join(entry)).unwrap();
    }
    folder
}

/// Returns the `sh` blocks of a document.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next())
}

fn make_executable(path: &Path) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(path, permissions).unwrap();
}
