//! A container of an engine: Podman's socket, which speaks Docker's API.
//! Not here: images of a runtime (`image`).

use std::{
    fs,
    io::Read,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use container::{Bind, Engine, Limits, Word};
use serde_json::json;

use crate::place::{Place, program, ran};

/// Podman's service with a store of its own; it ends when it is dropped.
struct Podman {
    child: Child,
    place: Place,
}

impl Podman {
    /// Returns it with an image `box:1`; `None` where there is none.
    fn start() -> Option<Self> {
        let podman = program("podman")?;
        let mut place = Place::with_runtime(json!({ "Cmd": ["echo", "of the image"] }))?;
        let folder = place.folder.path().to_owned();
        let runtime = if program("runc").is_some() { "runc" } else { "crun" };
        let config = folder.join("containers.conf");
        let text = format!(
            "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1000:1000\"]\nnetns=\"none\"\n[engine]\nruntime=\"{runtime}\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n"
        );
        fs::write(&config, text).unwrap();
        let common = |path: &str| folder.join(path).to_string_lossy().into_owned();
        let (root, run, tmp) = (common("podman"), common("podman-run"), common("podman-tmp"));
        let flags = ["--storage-driver", "vfs", "--root", &root, "--runroot", &run, "--tmpdir", &tmp];
        let layout = place.image();
        let pull: Vec<&str> = flags.iter().copied().chain(["pull", "-q", &layout]).collect();
        let output = Command::new(&podman).args(&pull).env("CONTAINERS_CONF", &config).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let tag: Vec<&str> = flags.iter().copied().chain(["tag", &id, "localhost/box:1"]).collect();
        assert!(ran(&podman, &tag, &[("CONTAINERS_CONF", &config)]));
        let probe: Vec<&str> =
            flags.iter().copied().chain(["run", "--rm", "--network", "none", "localhost/box:1"]).collect();
        if !ran(&podman, &probe, &[("CONTAINERS_CONF", &config)]) {
            eprintln!("not checked: podman can't run a container here");
            return None;
        }
        let socket = folder.join("p.sock");
        let address = format!("unix://{}", socket.display());
        let mut command = Command::new(&podman);
        command.args(flags).args(["system", "service", "--time=0", &address]).env("CONTAINERS_CONF", &config);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut tries = 0_u32;
        while UnixStream::connect(&socket).is_err() {
            tries += 1;
            assert!(tries < 600, "podman's service does not answer");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        place.settings.engine = Engine::Api { address: socket };
        Some(Self { child, place })
    }
    fn shell(&self, name: &str, script: &str) -> container::Wanted {
        container::Wanted { image: "localhost/box:1".to_owned(), ..self.place.shell(name, script) }
    }
    fn run(&self, wanted: container::Wanted) -> (Word, String, PathBuf) {
        self.place.run(wanted)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_engine_runs_containers_like_a_runtime_does() {
    let Some(podman) = Podman::start() else { return };
    // the image's own command
    let mut plain = podman.shell("e-plain", "");
    (plain.command, plain.args) = (None, Vec::new());
    let (word, text, _) = podman.run(plain);
    assert_eq!((word, text.as_str()), (Word::Exited(0), "of the image\n"));
    // output, exit code, files
    let mut wanted = podman
        .shell("e-files", "echo out; echo err >&2; mkdir /tmp/d; echo 1 > /tmp/d/a; echo 2 > /tmp/b; exit 7");
    wanted.outputs = ["/tmp/d", "/tmp/b", "/tmp/none"].map(str::to_owned).to_vec();
    let (word, text, rootfs) = podman.run(wanted);
    assert_eq!((word, text.as_str()), (Word::Exited(7), "out\nerr\n"));
    assert_eq!(fs::read_to_string(rootfs.join("tmp/d/a")).unwrap(), "1\n");
    assert_eq!(fs::read_to_string(rootfs.join("tmp/b")).unwrap(), "2\n");
    // binds, environment, folder, user, limits
    let shown = podman.place.folder.path().join("shown");
    fs::create_dir(&shown).unwrap();
    fs::write(shown.join("a"), "here\n").unwrap();
    let mut wanted =
        podman.shell("e-binds", "cat /in/a; echo $OWN; pwd; id -u; echo x > /in/b || echo refused");
    wanted.binds =
        vec![Bind { host: shown.to_string_lossy().into_owned(), path: "/in".to_owned(), writable: false }];
    wanted.env = vec![("OWN".to_owned(), "value".to_owned())];
    (wanted.working_dir, wanted.user) = ("/tmp".to_owned(), "alice".to_owned());
    wanted.limits = Limits { memory_bytes: Some(64 * 1024 * 1024), cpu_milli: Some(500) };
    let (word, text, _) = podman.run(wanted);
    assert_eq!(word, Word::Exited(0), "{text}");
    assert!(text.starts_with("here\nvalue\n/tmp\n1234\n") && text.contains("refused"), "{text}");
    // being ended
    for (name, script, kill, code) in [
        ("e-term", "trap 'exit 3' TERM; echo up; while true; do sleep 0.1; done", false, 3),
        ("e-kill", "trap '' TERM; echo up; while true; do sleep 0.1; done", true, 137),
    ] {
        let mut opened = podman.place.open(podman.shell(name, script));
        assert_eq!(opened.start(), None);
        let mut up = [0; 3];
        opened.stdout.read_exact(&mut up).unwrap();
        if kill {
            opened.stage.kill()
        } else {
            opened.stage.terminate()
        }
        let word = opened.stage.hear_next().unwrap();
        assert_eq!(opened.rest(word).0, Word::Exited(code), "{name}");
    }
    // one name, one container
    let wanted = podman.shell("e-once", "sleep 100");
    let mut first = podman.place.open(wanted.clone());
    assert_eq!(first.start(), None);
    let mut second = podman.place.open(wanted);
    let Some(Word::Fault(why)) = second.start() else { panic!() };
    assert!(why.contains("in use"), "{why}");
}
