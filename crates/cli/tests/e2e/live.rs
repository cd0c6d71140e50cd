//! Runs followed on a terminal: a pseudo-terminal of `script`, whose output an emulator shows; and followed in a pipe.
//! Not here: how lines are drawn (see `render::live`).

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
};

use serde_json::json;

use crate::support::{Server, marque, namespace_root, until};

const SIZE: (u16, u16) = (16, 70);
const WORKFLOW: &str = "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: tower}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - name: ground
        template: say
    - - name: first
        template: wait
      - name: broken
        template: fail
        continueOn: {failed: true}
    - - name: roof
        template: say
        when: '1 == 2'
  - name: say
    script: {image: busybox, command: [sh], source: 'echo said'}
  - name: wait
    script: {image: busybox, command: [sh], source: 'until test -e FOLDER/go; do sleep 0.1; done'}
  - name: fail
    script: {image: busybox, command: [sh], source: 'exit 3'}
";

/// A program on a terminal, and what stands on it.
struct Terminal {
    child: Child,
    heard: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
}

impl Terminal {
    /// Starts a shell command on a terminal of its own.
    fn start(command: &str, folder: &Path, more: &[(&str, &str)]) -> Self {
        let (rows, columns) = SIZE;
        let command = format!("stty rows {rows} cols {columns}; tty > tty; exec {command}");
        let mut child = Command::new("script")
            .args(["-qefc", &command, "/dev/null"])
            .current_dir(folder)
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .env_remove("NO_COLOR")
            .env_remove("MARQUE_SERVER")
            .env_remove("MARQUE_TOKEN")
            .envs(more.iter().copied())
            // held open: the end of its input would be typed
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, heard, screen: vt100::Parser::new(rows, columns, 200), raw: Vec::new() }
    }

    /// Returns the rows that stand on the terminal now.
    fn rows(&mut self) -> Vec<String> {
        for bytes in self.heard.try_iter() {
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
        let (_, columns) = self.screen.screen().size();
        self.screen.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect()
    }

    /// Waits until the rows are as `fit` wants them.
    async fn shows(&mut self, what: &str, fit: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut last = Vec::new();
        let found = tokio::time::timeout(
            crate::support::PATIENCE,
            until(what, async || {
                last = self.rows();
                fit(&last).then(|| last.clone())
            }),
        );
        match found.await {
            Ok(rows) => rows,
            Err(_) => panic!("{what}:\n{}", last.join("\n")),
        }
    }

    /// Waits for the program's end, and returns the last rows and its exit code.
    async fn ends(&mut self) -> (Vec<String>, i32) {
        let code = until("the end", async || self.child.try_wait().unwrap()).await.code().unwrap();
        // the reader ends with the program; what it heard is all there
        while let Ok(bytes) = self.heard.recv() {
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
        (self.rows(), code)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn has(rows: &[String], words: &[&str]) -> bool {
    rows.iter().any(|row| words.iter().all(|word| row.contains(word)))
}

fn counted(rows: &[String], word: &str) -> usize {
    rows.iter().filter(|row| row.contains(word)).count()
}

fn run_command(folder: &Path, more: &str) -> String {
    fs::write(folder.join("w.yaml"), WORKFLOW.replace("FOLDER", &folder.display().to_string())).unwrap();
    format!("{} run w.yaml --isolation none --data data {more}", env!("CARGO_BIN_EXE_marque"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_a_live_tree_on_a_terminal() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&run_command(home.path(), "--watch"), home.path(), &[]);
    let rows = terminal
        .shows("the middle", |rows| has(rows, &["● first", "wait"]) && has(rows, &["✖ broken", "fail"]))
        .await;
    assert!(has(&rows, &["STEP", "TEMPLATE", "DURATION", "MESSAGE"]), "{rows:#?}");
    assert!(
        has(&rows, &["✔ ground", "say"]) && has(&rows, &["✖ broken", "Error (exit code 3)"]),
        "{rows:#?}"
    );
    assert!(has(&rows, &["tower Running for "]), "{rows:#?}");
    // nothing happens, and the durations grow
    terminal
        .shows("a later second", |rows| has(rows, &["● first", " 2s"]) || has(rows, &["● first", "2."]))
        .await;
    // a narrower and lower terminal: the tree is cut, not broken
    let tty = fs::read_to_string(home.path().join("tty")).unwrap();
    terminal.screen.screen_mut().set_size(6, 34);
    let sized = Command::new("stty").args(["-F", tty.trim(), "rows", "6", "cols", "34"]).status().unwrap();
    assert!(sized.success());
    // `stty` sets the rows first and then the columns: what is drawn in between does not count
    let less = |rows: &[String]| rows.len() <= 6 && has(rows, &["…"]) && has(rows, &["STEP"]);
    terminal.shows("less", |rows| less(rows) && has(rows, &["tower Running"])).await;
    fs::write(home.path().join("go"), "").unwrap();
    let (rows, code) = terminal.ends().await;
    assert_eq!(code, 0, "{rows:#?}");
    assert!(has(&rows, &["tower Succeeded in "]), "{rows:#?}");
    assert!(has(&rows, &["○ roof"]), "{rows:#?}");
    let raw = String::from_utf8_lossy(&terminal.raw);
    assert!(raw.contains("\x1b[32m✔") && !raw.contains("| said"), "colours, and no log lines: {raw}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_lines_stand_above_the_tree_and_no_colour_is_none() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("go"), "").unwrap();
    let mut terminal = Terminal::start(&run_command(home.path(), ""), home.path(), &[("NO_COLOR", "1")]);
    let (rows, code) = terminal.ends().await;
    assert_eq!(code, 0, "{rows:#?}");
    let at = |word: &str| {
        rows.iter().position(|row| row.contains(word)).unwrap_or_else(|| panic!("{word}: {rows:#?}"))
    };
    assert!(at("ground | said") < at("STEP") && at("STEP") < at("tower Succeeded"), "{rows:#?}");
    assert_eq!(
        (counted(&rows, "STEP"), counted(&rows, "tower Succeeded"), counted(&rows, "Running")),
        (1, 1, 0)
    );
    let raw = String::from_utf8_lossy(&terminal.raw);
    let colour = raw
        .split("\x1b[")
        .skip(1)
        .find(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
    assert_eq!(colour, None);
}

#[test]
fn in_a_pipe_each_change_is_a_line_without_escapes() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("go"), "").unwrap();
    run_command(home.path(), "");
    let mut command = marque();
    command.args(["run", "w.yaml", "--isolation", "none", "--data", "data", "--watch"]);
    let output = command.current_dir(home.path()).stdin(Stdio::null()).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}");
    assert!(!out.contains('\x1b') && !out.contains("| said"), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.iter().any(|line| line.starts_with("✔ ground Succeeded in ")), "{out}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("✖ broken Failed in ") && line.ends_with(": Error (exit code 3)")),
        "{out}"
    );
    assert!(lines.last().unwrap().starts_with("tower Succeeded in "), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_a_server_is_followed_on_a_terminal() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[("ada", &["team"])], "administrators: ['group:team']\n").await;
    let token = server.log_in("ada").await;
    let (status, answer) = server.apply(&token, &[namespace_root("team", "team")]).await;
    assert_eq!(status, 200, "{answer}");
    let workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "gate"},
        "spec": {"entrypoint": "main", "templates": [
            {"name": "main", "steps": [[{"name": "hold", "template": "hold"}]]},
            {"name": "hold", "suspend": {}},
        ]},
    });
    fs::write(home.path().join("w.json"), workflow.to_string()).unwrap();
    let around = [("MARQUE_SERVER", server.url.as_str()), ("MARQUE_TOKEN", &token), ("HOME", "/nowhere")];
    let program = env!("CARGO_BIN_EXE_marque");
    let mut submitted =
        Terminal::start(&format!("{program} submit w.json -n team --watch"), home.path(), &around);
    submitted.shows("the gate", |rows| has(rows, &["ǁ hold"]) && has(rows, &["gate Running for"])).await;
    let mut got = Terminal::start(&format!("{program} get gate -n team --watch"), home.path(), &around);
    got.shows("the gate", |rows| has(rows, &["ǁ hold"])).await;
    let resumed = marque().args(["resume", "gate", "-n", "team"]).envs(around).output().unwrap();
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    for terminal in [&mut submitted, &mut got] {
        let (rows, code) = terminal.ends().await;
        assert_eq!((code, counted(&rows, "✔ hold"), counted(&rows, "STEP")), (0, 1, 1), "{rows:#?}");
        assert!(has(&rows, &["gate Succeeded in"]), "{rows:#?}");
    }
}
