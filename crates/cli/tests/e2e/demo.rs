//! The story of the demo and runs without a server, through the same functions as the program, with the built
//! program as supervisor of steps.

use std::{
    ffi::OsString,
    io::Cursor,
    path::{Path, PathBuf},
};

use cli::{
    exit::Exit,
    shell::{Look, Shell, Surroundings},
};
use serde_json::Value;

struct Said {
    exit: Exit,
    out: String,
    err: String,
}

async fn marque(home: &Path, words: &[&str], input: &str) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut input = Cursor::new(input.as_bytes().to_vec());
    let around = Surroundings {
        token: None,
        config_folder: home.join("config"),
        data_folder: home.join("data"),
        user: "tester".to_owned(),
        program: PathBuf::from(env!("CARGO_BIN_EXE_marque")),
    };
    let mut shell = Shell { out: &mut out, err: &mut err, input: &mut input, look: Look::PLAIN, around };
    let words = std::iter::once("marque").chain(words.iter().copied()).map(OsString::from);
    let exit = cli::run(words, &mut shell).await;
    Said { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_its_story_to_the_end() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("demo").display().to_string();
    let said = marque(home.path(), &["demo", "--isolation", "none", "--data", &folder], "").await;
    assert_eq!(said.exit, Exit::OK, "{}{}", said.out, said.err);
    for told in [
        "Act 9.",
        "examples/payroll/application.yaml:",
        "how to get access:",
        "approved (1 of 1)",
        "upload | uploading 3 rows to payroll-prod",
        "extract.rows:      3",
        "the record is whole",
        "error[CLI0016]: the audit log does not verify: entry ",
        "What to try next:",
    ] {
        // outside the repository the example lies in the demo's own folder
        let found =
            said.out.contains(told) || said.out.contains(&told.replace("examples/payroll", "payroll"));
        assert!(found, "{told}\n{}", said.out);
    }
    let secrets = std::fs::read_to_string(home.path().join("demo/directory.json")).unwrap();
    assert!(secrets.contains("$argon2id$"));
    assert!(!said.out.contains("PASSWORD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_demo_does_not_take_the_folder_of_the_first() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("demo/data")).unwrap();
    let folder = home.path().join("demo").display().to_string();
    let said = marque(home.path(), &["demo", "--isolation", "none", "--data", &folder], "").await;
    assert_eq!(said.exit, Exit::USAGE, "{}", said.err);
}

const HELLO: &str = "
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: greeting}
spec:
  entrypoint: say
  templates:
    - name: say
      inputs: {parameters: [{name: who}]}
      script: {image: busybox, command: [sh], source: 'echo hello {{inputs.parameters.who}}; exit {{workflow.parameters.code}}'}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: code, value: 0}]}
  templates:
    - name: main
      steps:
        - - name: one
            templateRef: {name: greeting, template: say}
            arguments: {parameters: [{name: who, value: world}]}
";

async fn run(home: &Path, words: &[&str]) -> Said {
    let words: Vec<&str> = ["run", "-", "--isolation", "none"].iter().chain(words).copied().collect();
    marque(home, &words, HELLO).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_followed_line_by_line_in_a_pipe() {
    let home = tempfile::tempdir().unwrap();
    let said = run(home.path(), &[]).await;
    assert_eq!(said.exit, Exit::OK, "{}{}", said.out, said.err);
    assert!(said.out.lines().any(|line| line == "one | hello world"), "{}", said.out);
    assert!(said.out.lines().any(|line| line.starts_with("└─✔ one")), "{}", said.out);
    assert!(said.out.lines().last().unwrap().contains("Succeeded"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'));
    let said = run(home.path(), &["--log=false"]).await;
    assert_eq!(said.exit, Exit::OK);
    assert!(!said.out.contains("hello world"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_succeed_ends_with_1() {
    let home = tempfile::tempdir().unwrap();
    let said = run(home.path(), &["-p", "code=7"]).await;
    assert_eq!(said.exit, Exit::FAILED, "{}{}", said.out, said.err);
    assert!(said.out.contains("exit code 7"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_answered_as_data_when_asked() {
    let home = tempfile::tempdir().unwrap();
    let said = run(home.path(), &["-o", "json"]).await;
    assert_eq!(said.exit, Exit::OK, "{}", said.err);
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["status"]["phase"], "Succeeded");
    let name = run(home.path(), &["-o", "name"]).await;
    assert!(name.out.starts_with("hello-") && name.out.lines().count() == 1, "{}", name.out);
    // what a run did is on record without a server too, and verifies
    let data = home.path().join("data").display().to_string();
    let said = marque(home.path(), &["audit", "verify", "--data", &data, "-o", "json"], "").await;
    assert_eq!(said.exit, Exit::OK, "{}", said.err);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["verified"], true);
    assert!(report["entries"].as_u64().unwrap() > 10);
}

const WAITING: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: waits}
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: nap, template: nap}], [{name: wait, template: wait}]]
    - {name: nap, suspend: {duration: 1}}
    - {name: wait, suspend: {}}
";

#[test]
fn a_run_that_waits_for_somebody_goes_on_by_a_line_and_is_stopped_where_none_will_come() {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };
    for (input, code, told) in [("\n", 0, "Succeeded"), ("", 1, "standard input had ended")] {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("waits.yaml");
        std::fs::write(&file, WAITING).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_marque"))
            .args(["run", "--isolation", "none", "--data", "data"])
            .arg(&file)
            .current_dir(home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{out}");
        assert!(out.contains(told), "{out}");
        assert!(out.contains("✔ nap Succeeded"), "a suspend node with a duration goes on by itself: {out}");
    }
}
