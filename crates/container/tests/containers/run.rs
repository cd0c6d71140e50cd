//! What a runtime's container sees and how it ends.
//! Not here: where its image comes from (`image`).

use std::{fs, io::Read};

use container::{Bind, Limits, Word};
use serde_json::json;

use crate::place::Place;

#[test]
fn the_image_says_what_runs_unless_the_template_does() {
    let config = json!({
        "Entrypoint": ["/bin/echo", "entry"], "Cmd": ["cmd"], "Env": ["FROM=image"], "WorkingDir": "/tmp", "User": "alice",
    });
    let Some(place) = Place::with_runtime(config) else { return };
    let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let cases = [
        ("plain", None, text(&[]), "entry cmd\n"),
        ("args", None, text(&["own"]), "entry own\n"),
        ("command", Some(text(&["pwd"])), text(&[]), "/tmp\n"),
        ("who", Some(text(&["id"])), text(&["-u"]), "1234\n"),
        ("both", Some(text(&["sh"])), text(&["-c", "echo $FROM $OWN $HOME"]), "image too /home/alice\n"),
    ];
    for (name, command, args, output) in cases {
        let mut wanted = place.shell(name, "");
        (wanted.command, wanted.args) = (command, args);
        wanted.env = vec![("OWN".to_owned(), "too".to_owned())];
        let (word, text, _) = place.run(wanted);
        assert_eq!((word, text.as_str()), (Word::Exited(0), output), "{name}");
    }
}

#[test]
fn it_ends_with_its_own_code_and_leaves_its_files() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    let (word, text, rootfs) =
        place.run(place.shell("files", "echo out; echo err >&2; echo kept > /tmp/x; exit 7"));
    assert_eq!((word, text.as_str()), (Word::Exited(7), "out\nerr\n"));
    assert_eq!(fs::read_to_string(rootfs.join("tmp/x")).unwrap(), "kept\n");
}

#[test]
fn it_is_asked_to_end_and_then_made_to() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    for (name, script, kill, code) in [
        ("term", "trap 'exit 3' TERM; echo up; while true; do sleep 0.1; done", false, 3),
        ("kill", "trap '' TERM; echo up; while true; do sleep 0.1; done", true, 137),
    ] {
        let mut opened = place.open(place.shell(name, script));
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
}

#[test]
fn it_has_no_network_and_sees_what_is_bound() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    let shown = place.folder.path().join("shown");
    fs::create_dir(&shown).unwrap();
    fs::write(shown.join("a"), "here").unwrap();
    let host = shown.to_string_lossy().into_owned();
    let mut wanted = place.shell(
        "binds",
        "cat /in/a; echo x > /out/b; echo y > /in/c || echo refused; cat /proc/net/dev | wc -l",
    );
    wanted.command = Some(vec!["/bin/busybox".to_owned(), "sh".to_owned(), "-c".to_owned()]);
    let bind = |path: &str, writable| Bind { host: host.clone(), path: path.to_owned(), writable };
    wanted.binds = vec![bind("/in", false), bind("/out", true)];
    let (word, text, _) = place.run(wanted);
    assert_eq!(word, Word::Exited(0), "{text}");
    assert_eq!(fs::read_to_string(shown.join("b")).unwrap(), "x\n");
    assert!(!shown.join("c").exists());
    assert!(text.contains("here") && text.contains("refused"), "{text}");
    assert!(text.contains("\n3\n") || text.contains("here\n3") || text.contains("3\n"), "{text}");
}

#[test]
fn memory_beyond_the_limit_ends_it() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    let mut wanted = place.shell("memory", "busybox dd if=/dev/zero of=/dev/shm/x bs=1M count=60; echo done");
    wanted.limits = Limits { memory_bytes: Some(16 * 1024 * 1024), cpu_milli: Some(500) };
    let (word, text, _) = place.run(wanted);
    assert!(matches!(&word, Word::Exited(0 | 137)), "{word:?}");
    assert!(!text.contains("60+0 records out"), "{text}");
}

#[test]
fn what_cannot_be_run_says_why() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    let mut wanted = place.shell("nothing", "");
    wanted.command = Some(vec!["/no/such/program".to_owned()]);
    let (word, ..) = place.run(wanted);
    let Word::Fault(why) = word else { panic!("{word:?}") };
    assert!(why.contains("/no/such/program") && why.contains("no such file"), "{why}");
    let mut wanted = place.shell("nobody", "true");
    wanted.user = "nobody-knows".to_owned();
    let Word::Fault(why) = place.run(wanted).0 else { panic!() };
    assert!(why.contains("unable to find user nobody-knows"), "{why}");
}

#[test]
fn it_is_usable_when_its_probe_passes_and_not_before() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    place.proves(place.shell("late", ""));
}
