//! Commands as functions: what they say and how they end, without a process, a terminal or a server.

use std::{ffi::OsString, fs, io::Cursor, path::Path};

use clap::{Command, CommandFactory as _};
use insta::assert_snapshot;
use model::argo::Workflow;

use super::{parameters, submit};
use crate::{
    args::{Cli, Parameter},
    exit::Exit,
    shell::{Look, Shell, Surroundings},
};

pub(super) struct Said {
    pub(super) exit: Exit,
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs `marque` with these words in a home of its own.
pub(super) async fn marque(home: &Path, words: &[&str], input: &str) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut input = Cursor::new(input.as_bytes().to_vec());
    let around = Surroundings {
        token: None,
        config_folder: home.join("config"),
        data_folder: home.join("data"),
        user: "tester".to_owned(),
        program: "/nonexistent/marque".into(),
    };
    let mut shell = Shell { out: &mut out, err: &mut err, input: &mut input, look: Look::PLAIN, around };
    let words = std::iter::once("marque").chain(words.iter().copied()).map(OsString::from);
    let exit = crate::run(words, &mut shell).await;
    let home = home.display().to_string();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&home, "HOME");
    Said { exit, out: text(out), err: text(err) }
}

async fn alone(words: &[&str]) -> Said {
    let home = tempfile::tempdir().unwrap();
    marque(home.path(), words, "").await
}

/// Every command with its whole name, from the top.
fn commands() -> Vec<(String, Command)> {
    fn gather(name: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        found.push((name.to_owned(), command.clone()));
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            gather(&format!("{name} {}", below.get_name()), below, found);
        }
    }
    let mut found = Vec::new();
    let mut top = Cli::command();
    top.build();
    gather("marque", &top, &mut found);
    found
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_of_every_command() {
    let help: Vec<String> = commands()
        .into_iter()
        .map(|(name, command)| format!("=== {name} ===\n{}", command.term_width(100).render_long_help()))
        .collect();
    let text: Vec<&str> = help.iter().flat_map(|help| help.lines()).map(str::trim_end).collect();
    assert_snapshot!(text.join("\n"));
}

#[test]
fn every_command_that_does_something_has_examples() {
    for (name, command) in commands() {
        if command.get_subcommands().next().is_none() {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(examples.contains("Examples:"), "{name}");
            assert!(examples.contains(&name), "{name}: {examples}");
        }
    }
}

#[test]
fn nothing_secret_is_taken_from_the_command_line() {
    for (name, command) in commands() {
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str().to_ascii_lowercase();
            let secret = ["password", "token", "secret", "credential"].iter().any(|word| id.contains(word));
            assert!(!secret || !argument.get_action().takes_values(), "{name} --{id} takes a value");
        }
    }
}

#[tokio::test]
async fn a_command_line_without_sense_ends_with_2() {
    for words in [
        &[][..],
        &["frobnicate"],
        &["run"],
        &["submit"],
        &["run", "x.yaml", "-p", "novalue"],
        &["submit", "f", "--from", "a/b"],
    ] {
        let said = alone(words).await;
        assert_eq!(said.exit, Exit::USAGE, "{words:?}: {}{}", said.out, said.err);
        assert!(!said.err.is_empty() && said.out.is_empty(), "{words:?}");
    }
}

#[tokio::test]
async fn help_and_version_are_answers() {
    let said = alone(&["--version"]).await;
    assert_eq!((said.exit, said.err.as_str()), (Exit::OK, ""));
    assert!(said.out.starts_with("marque "));
    let said = alone(&["run", "--help"]).await;
    assert_eq!(said.exit, Exit::OK);
    assert!(said.out.contains("marque run hello.yaml"));
}

#[tokio::test]
async fn without_a_server_a_command_says_how_to_name_one() {
    let said = alone(&["list"]).await;
    assert_eq!(said.exit, Exit::USAGE);
    assert_snapshot!(said.err);
}

#[tokio::test]
async fn a_server_that_does_not_answer_ends_with_5() {
    // a port that was just free, and is taken by nobody
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = alone(&["list", "--server", &format!("http://127.0.0.1:{port}")]).await;
    assert_eq!(said.exit, Exit::UNREACHABLE);
    assert!(
        said.err.starts_with(&format!("error[CLI0004]: no server answers at `http://127.0.0.1:{port}`")),
        "{}",
        said.err
    );
}

const BAD: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: bad-}\nspec:\n  entrypoint: main\n  \
templates:\n    - name: main\n      contaner: {image: busybox}\n";

#[tokio::test]
async fn a_workflow_with_a_fault_is_drawn_and_nothing_is_stored() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("bad.yaml"), BAD).unwrap();
    let file = home.path().join("bad.yaml").display().to_string();
    for words in
        [vec!["run", &file], vec!["lint", &file], vec!["submit", &file, "--server", "http://127.0.0.1:1"]]
    {
        let said = marque(home.path(), &words, "").await;
        assert_eq!(said.exit, Exit::FAILED, "{words:?}");
        assert_eq!(said.out, "");
        // only `lint` counts
        let told = said.err.strip_suffix("✖ 1 linting errors found!\n");
        assert_eq!(told.is_some(), words[0] == "lint");
        assert_snapshot!("a_fault_in_a_workflow", told.unwrap_or(&said.err));
    }
    assert!(!home.path().join("data").exists());
}

#[tokio::test]
async fn a_workflow_that_argo_would_refuse_is_refused_at_its_place_before_anything_is_made() {
    let home = tempfile::tempdir().unwrap();
    let undefined = BAD.replace("contaner: {image: busybox}", "steps: [[{name: one, template: nosuch}]]");
    let said = marque(home.path(), &["run", "-"], &undefined).await;
    assert_eq!(said.exit, Exit::FAILED);
    assert_snapshot!(said.err);
    assert!(!home.path().join("data").exists());
}

#[tokio::test]
async fn what_is_no_text_or_too_much_of_it_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let cases = [
        ("binary.yaml", vec![0xff, 0xfe, 0x00]),
        ("large.yaml", vec![b'#'; 10 * 1024 * 1024]),
        ("empty.yaml", Vec::new()),
    ];
    for (name, bytes) in cases {
        let file = home.path().join(name);
        fs::write(&file, bytes).unwrap();
        let said = marque(home.path(), &["run", &file.display().to_string()], "").await;
        assert_eq!(said.exit, Exit::FAILED, "{name}");
        assert!(said.err.contains("error["), "{name}: {}", said.err);
    }
    assert!(!home.path().join("data").exists());
}

#[tokio::test]
async fn a_folder_stands_for_its_manifests_only() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("f");
    fs::create_dir_all(folder.join("below")).unwrap();
    fs::write(folder.join("README.md"), "# not yaml: [").unwrap();
    fs::write(folder.join("below").join("x.yaml"), "not: [yaml").unwrap();
    let name = folder.display().to_string();
    let said = marque(home.path(), &["lint", &name], "").await;
    assert_eq!(said.exit, Exit::USAGE);
    fs::write(folder.join("w.yml"), BAD.replace("contaner", "container")).unwrap();
    let said = marque(home.path(), &["lint", &name], "").await;
    assert_eq!(
        (said.exit, said.out.as_str()),
        (Exit::OK, "✔ no linting errors found! (1 object in 1 file)\n"),
        "{}",
        said.err
    );
}

#[tokio::test]
async fn the_example_has_no_fault() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/payroll").display().to_string();
    let said = alone(&["lint", &example]).await;
    assert_eq!(
        (said.exit, said.out.as_str()),
        (Exit::OK, "✔ no linting errors found! (10 objects in 4 files)\n"),
        "{}",
        said.err
    );
}

#[tokio::test]
async fn run_takes_one_workflow() {
    let home = tempfile::tempdir().unwrap();
    let good = BAD.replace("contaner", "container");
    let said = marque(home.path(), &["run", "-"], &format!("{good}---\n{good}")).await;
    assert_eq!(said.exit, Exit::FAILED);
    assert!(
        said.err.starts_with("error[CLI0019]: exactly one Workflow is run; there are 2\n --> -:1:1\n"),
        "{}",
        said.err
    );
    let scope =
        "apiVersion: marque.dev/v1alpha1\nkind: IdentityScope\nmetadata: {name: s, namespace: n}\nspec: {}\n";
    let said = marque(home.path(), &["run", "-"], scope).await;
    assert_eq!(said.exit, Exit::FAILED, "{}", said.err);
    assert!(said.err.contains("IdentityScope `s` needs a server"), "{}", said.err);
}

#[tokio::test]
async fn logging_in_without_a_terminal_wants_the_password_on_standard_input() {
    let said = alone(&["login", "http://127.0.0.1:1", "--password-stdin"]).await;
    assert_eq!(said.exit, Exit::USAGE);
    let said = alone(&["login", "http://marque.example", "--user", "olga", "--password-stdin"]).await;
    assert_eq!(said.exit, Exit::USAGE);
    assert!(said.err.contains("nothing secret is sent there"), "{}", said.err);
}

#[tokio::test]
async fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = alone(&["completion", shell]).await;
        assert_eq!(said.exit, Exit::OK);
        assert!(said.out.contains("password-stdin"), "{shell}");
    }
}

#[tokio::test]
async fn a_configuration_is_checked_at_its_place() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("marque.yaml");
    fs::write(&file, "listen: 127.0.0.1:2746\nlisten_on: all\n").unwrap();
    let said = marque(home.path(), &["config", "check", &file.display().to_string()], "").await;
    assert_eq!(said.exit, Exit::FAILED);
    assert_snapshot!(said.err);
}

#[test]
fn a_parameter_replaces_the_one_of_its_name_or_is_added() {
    let mut workflow: Workflow = serde_json::from_str(
        r#"{"spec": {"arguments": {"parameters": [{"name": "a", "value": "1"}, {"name": "b"}]}}}"#,
    )
    .unwrap();
    let given = ["a=2=3", "c="].map(|text| text.parse::<Parameter>().unwrap());
    parameters::set(&mut workflow.spec.arguments.parameters, &given);
    let told: Vec<(String, Option<String>)> = workflow
        .spec
        .arguments
        .parameters
        .into_iter()
        .map(|p| (p.name, p.value.map(|value| value.0)))
        .collect();
    let expected = [("a", Some("2=3")), ("b", None), ("c", Some(""))];
    assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
}

#[test]
fn a_component_is_named_by_application_and_component() {
    let cases = [
        ("payroll/payroll-export", Some(("payroll", "payroll-export"))),
        ("workflowtemplate/x", None),
        ("WorkflowTemplate/x", None),
        ("payroll", None),
        ("/x", None),
        ("x/", None),
        ("a/b/c", None),
    ];
    for (text, expected) in cases {
        assert_eq!(submit::component_of(text), expected, "{text}");
    }
}

#[tokio::test]
async fn a_whole_log_is_verified_where_it_lies_only_with_its_key() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    fs::create_dir(&data).unwrap();
    let said = marque(home.path(), &["audit", "verify", "--data", &data.display().to_string()], "").await;
    assert_eq!(said.exit, Exit::FAILED);
    assert!(said.err.contains("audit-log.p8` cannot be read"), "{}", said.err);
    // looking must not make a key
    assert!(!data.join("keys").exists());
}
