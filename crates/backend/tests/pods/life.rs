//! Starting, ending, killing, surviving.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use backend::{BackendError, Isolation};
use engine::PodEnd;
use model::argo::{AnyString, EnvVar, NodeId};

use crate::{
    PATIENCE,
    fixture::{World, command, image, isolations, run_id, script, shell},
};

#[tokio::test]
async fn a_pod_ends_with_its_exit_code_and_its_output_is_kept() {
    let cases: &[(&str, i32)] = &[
        ("exit 0", 0),
        ("exit 3", 3),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
        ("exit 255", 255),
        ("sleep 100 & exit 4", 4),
    ];
    for isolation in isolations() {
        let world = World::new(isolation);
        for (text, code) in cases {
            let (end, _) = world.shell(text).await;
            assert_eq!(end, PodEnd::Exited(*code), "{isolation:?}: {text}");
        }
        let mut pod = shell(&world.fresh(), "echo one; echo two >&2; printf 'three\\n\\n'");
        pod.wants_result = true;
        let outcome = world.run(&pod).await;
        assert_eq!(outcome.outputs.result.as_deref(), Some("one\nthree\n"), "{isolation:?}");
        let (lines, _) = world.log(run_id(1), &pod.node, 0).await;
        let mut seen: Vec<(&str, bool)> =
            lines.iter().map(|line| (line.content.as_str(), line.stderr)).collect();
        seen.sort_unstable();
        assert_eq!(seen, [("", false), ("one", false), ("three", false), ("two", true)], "{isolation:?}");
    }
}

const COW: &str = r" ____
< hi >
 ----
        \   ^__^
         \  (oo)\_______
            (__)\       )\/\
                ||----w |
                ||     ||
";

fn shell_in(node: &str, image: &str, text: &str) -> engine::Pod {
    let mut pod = shell(node, text);
    pod.template.container.as_mut().unwrap().image = image.to_owned();
    pod
}

/// Exit code and output, or a part of the message.
type Expected = Result<(i32, &'static str), &'static str>;

#[tokio::test]
async fn what_runs_comes_from_the_command_or_the_image() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let cases: Vec<(&str, engine::Pod, Expected)> = vec![
            ("entry point and cmd", image("i1", "tool:v1", &[]), Ok((0, "default\n"))),
            ("args replace cmd", image("i2", "tool@sha256:00", &["echo other"]), Ok((0, "other\n"))),
            ("argosay greets", image("i3", "argoproj/argosay:v2", &[]), Ok((0, "hello argo\n"))),
            ("argosay echoes", image("i4", "quay.io/argoproj/argosay:v2", &["echo", "hi"]), Ok((0, "hi\n"))),
            ("argosay fails", image("i5", "docker.io/argoproj/argosay:v2", &["exit", "7"]), Ok((7, ""))),
            ("the cow of version 1", image("i12", "argoproj/argosay:v1", &["cowsay", "hi"]), Ok((0, COW))),
            ("a shell finds it, too", shell_in("i13", "argoproj/argosay:v1", "cowsay hi"), Ok((0, COW))),
            ("unknown image", image("i6", "nobody/knows", &["x"]), Err("the command must be specified")),
            (
                "not argosay",
                image("i7", "evil/argoproj/argosay:v2", &["x"]),
                Err("the command must be specified"),
            ),
            ("no such program", command("i8", &["nosuchprogram"]), Err("executable file not found in $PATH")),
            ("no such file", command("i9", &["/no/such"]), Err("no such file or directory")),
            ("a folder", command("i10", &["/usr"]), Err("no such file or directory")),
            ("a script", script("i11", "echo from script"), Ok((0, "from script\n"))),
        ];
        for (what, pod, expected) in cases {
            let outcome = world.run(&pod).await;
            let text = world.text(run_id(1), &pod.node).await;
            match (outcome.end, expected) {
                (PodEnd::Exited(code), Ok(expected)) => assert_eq!((code, text.as_str()), expected, "{what}"),
                (PodEnd::Error(message), Err(part)) => assert!(message.contains(part), "{what}: {message}"),
                // what can't be started failed, as the container's own fault, and its log says so, too
                (PodEnd::Exited(64), Err(part)) => {
                    let message = &outcome.containers["main"].message;
                    assert!(message.contains(part) && text.contains(message), "{what}: {message}: {text}");
                }
                (end, expected) => panic!("{isolation:?}: {what}: {end:?} instead of {expected:?}"),
            }
        }
    }
}

#[tokio::test]
async fn the_environment_is_the_templates_and_nothing_else() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let mut pod = command(
            &world.fresh(),
            &["sh", "-c", "echo '$(GREETING)' '$(NOBODY)' '$$(WHO)'; env; pwd", "sh"],
        );
        let container = pod.template.container.as_mut().unwrap();
        let set = |name: &str, value: &str| EnvVar {
            name: name.to_owned(),
            value: Some(AnyString(value.to_owned())),
            value_from: None,
        };
        container.env = vec![set("WHO", "you"), set("GREETING", "hello-$(WHO)")];
        container.working_dir = "/usr".to_owned();
        let outcome = world.run(&pod).await;
        assert_eq!(outcome.end, PodEnd::Exited(0), "{isolation:?}");
        let text = world.text(run_id(1), &pod.node).await;
        let names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        let known = ["GREETING", "HOME", "HOSTNAME", "PATH", "PWD", "WHO", "OLDPWD", "SHLVL", "_"];
        assert!(
            names.iter().all(|name| known.contains(name) || name.starts_with("ARGO_")),
            "{isolation:?}: {names:?}"
        );
        assert!(text.starts_with("hello-you $(NOBODY) $(WHO)\n"), "{text}");
        assert!(text.ends_with("/usr\n"), "{text}");
    }
}

#[tokio::test]
async fn a_deadline_ends_a_pod_that_ignores_term_only_by_kill() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let mut pod = shell(&world.fresh(), "sleep 100");
        pod.deadline_seconds = Some(1);
        assert_eq!(world.run(&pod).await.end, PodEnd::DeadlineExceeded, "{isolation:?}");
        let mut stubborn = shell(&world.fresh(), "trap 'echo no' TERM; while :; do sleep 1; done");
        stubborn.deadline_seconds = Some(1);
        assert_eq!(world.run(&stubborn).await.end, PodEnd::DeadlineExceeded, "{isolation:?}");
        assert!(
            world.text(run_id(1), &stubborn.node).await.contains("no"),
            "{isolation:?}: TERM comes first"
        );
    }
}

/// Waits until the pod has written `text`; the log is asked again when the file has changed.
async fn until_written(world: &World, node: &NodeId, text: &str) {
    let seen = async {
        while !world.text(run_id(1), node).await.contains(text) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("the pod never said it");
}

#[tokio::test]
async fn a_killed_pod_ends_as_killed_also_when_the_order_comes_first_or_twice() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let pod = shell(&world.fresh(), "echo up; sleep 100");
        world.start(run_id(1), &pod, None).await.unwrap();
        until_written(&world, &pod.node, "up").await;
        world.kill(run_id(1), &pod.node).await;
        world.kill(run_id(1), &pod.node).await;
        assert_eq!(world.wait(run_id(1), &pod.node).await.unwrap().end, PodEnd::Killed, "{isolation:?}");
        world.kill(run_id(1), &pod.node).await;

        let early = shell(&world.fresh(), "echo ran");
        world.start(run_id(1), &early, None).await.unwrap();
        world.kill(run_id(1), &early.node).await;
        let end = world.wait(run_id(1), &early.node).await.unwrap().end;
        assert!(matches!(end, PodEnd::Killed | PodEnd::Exited(0)), "{isolation:?}: {end:?}");
        world.kill(run_id(1), &NodeId::from_text("never-started")).await;
    }
}

#[tokio::test]
async fn starting_again_and_again_runs_the_pod_once() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let second = World { backend: world.second_server(isolation), ..World::new(isolation) };
        let pod = shell(&world.fresh(), "echo ran; sleep 0.2");
        let starts = (0..8).map(|n| {
            let (world, pod) = (if n % 2 == 0 { &world } else { &second }, &pod);
            async move { world.start(run_id(1), pod, None).await.unwrap() }
        });
        for start in starts.map(Box::pin).collect::<Vec<_>>() {
            start.await;
        }
        let (one, two) =
            tokio::join!(world.start(run_id(1), &pod, None), second.start(run_id(1), &pod, None));
        one.unwrap();
        two.unwrap();
        let (one, two) = tokio::join!(world.wait(run_id(1), &pod.node), second.wait(run_id(1), &pod.node));
        assert_eq!(one.unwrap().end, PodEnd::Exited(0));
        assert_eq!(two.unwrap().end, PodEnd::Exited(0));
        world.start(run_id(1), &pod, None).await.unwrap();
        assert_eq!(world.wait(run_id(1), &pod.node).await.unwrap().end, PodEnd::Exited(0));
        assert_eq!(world.text(run_id(1), &pod.node).await, "ran\n", "{isolation:?}");
    }
}

#[tokio::test]
async fn waiting_for_what_never_started_says_so_and_bad_names_are_refused() {
    let world = World::new(Isolation::None);
    let error = world.wait(run_id(1), &NodeId::from_text("nobody")).await.unwrap_err();
    assert!(matches!(error, BackendError::NotStarted { .. }), "{error}");
    for name in ["..", ".", "", "a/b", "../../etc", "a\0b", ".hidden", &"x".repeat(300)] {
        let error = world.wait(run_id(1), &NodeId::from_text(name)).await.unwrap_err();
        assert!(matches!(error, BackendError::BadName { .. }), "{name:?}: {error}");
        let error = world.start(run_id(1), &command(name, &["true"]), None).await.unwrap_err();
        assert!(matches!(error, BackendError::BadName { .. }), "{name:?}: {error}");
    }
}

/// Starts a server in a process of its own, lets it start a pod, and kills it.
fn start_by_a_server_that_dies(world: &World, isolation: Isolation, node: &str, argv: &[&str]) {
    let isolation = if isolation == Isolation::None { "none" } else { "sandbox" };
    let mut server = Command::new(env!("CARGO_BIN_EXE_backend-probe"))
        .arg("start")
        .arg(world.folder.path().join("data"))
        .args([isolation, &run_id(1).uuid().to_string(), node])
        .args(argv)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[tokio::test]
async fn a_pod_survives_the_kill_of_its_server_and_the_next_server_hears_its_end() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let gate = world.folder.path().join("gate");
        let text = if isolation == Isolation::None {
            format!("echo before; while [ ! -e {} ]; do sleep 0.02; done; echo after; exit 5", gate.display())
        } else {
            "echo before; sleep 1; echo after; exit 5".to_owned()
        };
        start_by_a_server_that_dies(&world, isolation, "survivor", &["sh", "-c", &text]);
        let node = NodeId::from_text("survivor");
        std::fs::write(&gate, "").unwrap();
        world.start(run_id(1), &shell("survivor", "echo second"), None).await.unwrap();
        let outcome = world.wait(run_id(1), &node).await.unwrap();
        assert_eq!(outcome.end, PodEnd::Exited(5), "{isolation:?}");
        assert_eq!(outcome.outputs.result.as_deref(), Some("before\nafter"), "{isolation:?}");
        assert_eq!(world.text(run_id(1), &node).await, "before\nafter\n", "{isolation:?}: run once");
    }
}

#[tokio::test]
async fn a_new_server_can_kill_what_an_old_one_started() {
    for isolation in isolations() {
        let world = World::new(isolation);
        start_by_a_server_that_dies(&world, isolation, "orphan", &["sh", "-c", "echo up; sleep 100"]);
        let node = NodeId::from_text("orphan");
        until_written(&world, &node, "up").await;
        world.kill(run_id(1), &node).await;
        assert_eq!(world.wait(run_id(1), &node).await.unwrap().end, PodEnd::Killed, "{isolation:?}");
    }
}

#[tokio::test]
async fn what_a_pod_leaves_running_holds_up_nothing() {
    for isolation in isolations() {
        let world = World::new(isolation);
        // in its group, and out of it and writing without end
        let (end, _) = world.shell("sleep 50 & setsid sh -c 'i=0; while [ $i -lt 200000 ]; do echo on; i=$((i+1)); done' & echo x; exit 6").await;
        assert_eq!(end, PodEnd::Exited(6), "{isolation:?}");
    }
}

/// Returns the processes that `pid` started, and those they started.
fn descendants(pid: i32) -> Vec<i32> {
    let children =
        std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten().flat_map(|thread| {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            children.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<i32>>()
        });
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

/// Whether a process is there, and no zombie.
fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[tokio::test]
async fn a_killed_supervisor_is_an_error_and_its_sandbox_dies_with_it() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let pod = shell(&world.fresh(), "echo up; exec sleep 600");
        world.start(run_id(1), &pod, None).await.unwrap();
        until_written(&world, &pod.node, "up").await;
        let supervisor = supervisor_of(&world.pod_folder(run_id(1), &pod.node));
        let payload = descendants(supervisor);
        assert!(!payload.is_empty(), "{isolation:?}: nothing runs");
        let kill =
            |pid| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        kill(supervisor).unwrap();
        let end = world.wait(run_id(1), &pod.node).await.unwrap().end;
        assert_eq!(end, PodEnd::Error("the supervisor was lost".to_owned()), "{isolation:?}");
        world.start(run_id(1), &pod, None).await.unwrap();
        assert_eq!(world.text(run_id(1), &pod.node).await, "up\n", "{isolation:?}: never run twice");
        if isolation == Isolation::None {
            // nothing ties a plain process to its supervisor; this one was seen to be ours
            payload.iter().for_each(|pid| kill(*pid).unwrap());
        }
        let gone = async {
            while payload.iter().any(|pid| is_alive(*pid)) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the sandbox outlived its supervisor");
        let next = shell(&world.fresh(), "echo fine");
        assert_eq!(world.run(&next).await.end, PodEnd::Exited(0), "{isolation:?}: the next pod runs");
    }
}

/// Returns the process that has the pod's control FIFO open.
fn supervisor_of(folder: &std::path::Path) -> i32 {
    let control = folder.join("control").canonicalize().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.find(|pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|target| target == control)
    })
    .expect("nobody supervises the pod")
}
