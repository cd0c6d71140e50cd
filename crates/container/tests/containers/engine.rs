//! A container of an engine: Podman's socket, which speaks Docker's API.
//! Not here: images of a runtime (`image`).

use std::{fs, io::Read};

use container::{Bind, Engine, Limits, Network, Word};
use serde_json::json;

use crate::{
    place::Place,
    podman::{IMAGE, Podman},
};

/// A machine whose containers Podman runs.
struct Engined {
    place: Place,
    podman: Podman,
}

impl Engined {
    fn start() -> Option<Self> {
        let mut place = Place::with_runtime(json!({ "Cmd": ["echo", "of the image"] }))?;
        let folder = place.folder.path().join("podman");
        fs::create_dir(&folder).unwrap();
        let podman = Podman::start(&folder, &place.image())?;
        place.settings.engine = Engine::Api { address: podman.socket.clone() };
        Some(Self { place, podman })
    }
    fn shell(&self, name: &str, script: &str) -> container::Wanted {
        container::Wanted { image: IMAGE.to_owned(), ..self.place.shell(name, script) }
    }
    fn run(&self, wanted: container::Wanted) -> (Word, String, std::path::PathBuf) {
        self.place.run(wanted)
    }
}

#[test]
fn an_engine_runs_containers_like_a_runtime_does() {
    let Some(machine) = Engined::start() else { return };
    // the image's own command
    let mut plain = machine.shell("e-plain", "");
    (plain.command, plain.args) = (None, Vec::new());
    let (word, text, _) = machine.run(plain);
    assert_eq!((word, text.as_str()), (Word::Exited(0), "of the image\n"));
    // output, exit code, files
    let mut wanted = machine
        .shell("e-files", "echo out; echo err >&2; mkdir /tmp/d; echo 1 > /tmp/d/a; echo 2 > /tmp/b; exit 7");
    wanted.outputs = ["/tmp/d", "/tmp/b", "/tmp/none"].map(str::to_owned).to_vec();
    let (word, text, rootfs) = machine.run(wanted);
    assert_eq!((word, text.as_str()), (Word::Exited(7), "out\nerr\n"));
    assert_eq!(fs::read_to_string(rootfs.join("tmp/d/a")).unwrap(), "1\n");
    assert_eq!(fs::read_to_string(rootfs.join("tmp/b")).unwrap(), "2\n");
    // binds, environment, folder, user, limits
    let shown = machine.place.folder.path().join("shown");
    fs::create_dir(&shown).unwrap();
    fs::write(shown.join("a"), "here\n").unwrap();
    let mut wanted =
        machine.shell("e-binds", "cat /in/a; echo $OWN; pwd; id -u; echo x > /in/b || echo refused");
    wanted.binds =
        vec![Bind { host: shown.to_string_lossy().into_owned(), path: "/in".to_owned(), writable: false }];
    wanted.env = vec![("OWN".to_owned(), "value".to_owned())];
    (wanted.working_dir, wanted.user) = ("/tmp".to_owned(), "alice".to_owned());
    wanted.limits = Limits { memory_bytes: Some(64 * 1024 * 1024), cpu_milli: Some(500) };
    let (word, text, _) = machine.run(wanted);
    assert_eq!(word, Word::Exited(0), "{text}");
    assert!(text.starts_with("here\nvalue\n/tmp\n1234\n") && text.contains("refused"), "{text}");
    // being ended
    for (name, script, kill, code) in [
        ("e-term", "trap 'exit 3' TERM; echo up; while true; do sleep 0.1; done", false, 3),
        ("e-kill", "trap '' TERM; echo up; while true; do sleep 0.1; done", true, 137),
    ] {
        let mut opened = machine.place.open(machine.shell(name, script));
        assert_eq!(opened.start(), None);
        let mut up = [0; 3];
        opened.stdout.read_exact(&mut up).unwrap();
        if kill {
            opened.stage.kill()
        } else {
            opened.stage.terminate()
        }
        let word = opened.word();
        assert_eq!(opened.rest(word).0, Word::Exited(code), "{name}");
    }
    // one name, one container
    let wanted = machine.shell("e-once", "sleep 100");
    let mut first = machine.place.open(wanted.clone());
    assert_eq!(first.start(), None);
    let mut second = machine.place.open(wanted);
    let Some(Word::Fault(why)) = second.start() else { panic!() };
    assert!(why.contains("in use"), "{why}");
}

#[test]
fn containers_of_one_network_reach_each_other_and_no_others_do() {
    let Some(machine) = Engined::start().filter(|machine| machine.podman.has_networks) else { return };
    let network = format!("run-{}", std::process::id());
    let inside = |name: &str, script: &str| {
        let wanted = machine.shell(name, script);
        container::Wanted { network: Some(network.clone()), ..wanted }
    };
    let ask = |at: &str| {
        format!("busybox printf 'GET /x HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 5 {at} 80 | busybox tail -n 1")
    };
    let mut daemon = inside("n-daemon", "cd /tmp && echo it > x && busybox httpd -f -p 80");
    daemon.probes = Some(json!(["sh", "-c", ask("127.0.0.1") + " | busybox grep -q it"]));
    let name = daemon.name.clone();
    let mut daemon = machine.place.open(daemon);
    assert_eq!(daemon.start(), None);
    let Word::Usable { address: Some(address) } = daemon.word() else { panic!() };
    // of its network
    let (word, text, _) = machine.run(inside("n-friend", &ask(&address.to_string())));
    assert_eq!((word, text.as_str()), (Word::Exited(0), "it\n"));
    // of another one, and of none
    let mut stranger = inside("n-stranger", &ask(&address.to_string()));
    stranger.network = Some(format!("{network}-other"));
    assert_ne!(machine.run(stranger).1, "it\n");
    assert_ne!(machine.run(machine.shell("n-nobody", &ask(&address.to_string()))).1, "it\n");
    // the one whose network is shared is reached as oneself, and comes first
    let beside = machine.shell("n-beside", &ask("127.0.0.1"));
    let beside = container::Wanted { network_of: Some(name.clone()), ..beside };
    assert_eq!(machine.run(beside).1, "it\n");
    // a network is removed once nobody is in it
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_container-probe"));
    let remove = |name: &str| {
        Network { engine: machine.podman.socket.clone(), name: name.to_owned() }.remove(program).unwrap()
    };
    remove(&network);
    assert!(machine.podman.networks().contains(&network), "somebody is in it");
    daemon.stage.kill();
    let word = daemon.word();
    assert_eq!(daemon.rest(word).0, Word::Exited(137));
    remove(&network);
    remove(&format!("{network}-other"));
    assert_eq!(machine.podman.networks(), [""; 0]);
}

#[test]
fn a_container_is_usable_when_its_probe_passes_and_not_before() {
    let Some(machine) = Engined::start() else { return };
    machine.place.proves(machine.shell("p-late", ""));
}
