//! Where images come from, and what hostile ones can't do.
//! Not here: running them (`run`).

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use container::{Pull, Word};
use serde_json::json;

use crate::place::{Entry, Place, layer, layout, program, ran};

fn fault(word: Word) -> String {
    match word {
        Word::Fault(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn later_layers_hide_what_earlier_ones_had() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    let first = layer(&[
        Entry::Folder("d/"),
        Entry::File("d/old", b"x".to_vec()),
        Entry::File("gone", b"x".to_vec()),
        Entry::File("kept", b"x".to_vec()),
        Entry::Device("disk"),
    ]);
    let second = layer(&[
        Entry::File(".wh.gone", Vec::new()),
        Entry::File("d/new", b"y".to_vec()),
        Entry::File("d/.wh..wh..opq", Vec::new()),
        Entry::Hard("hard", "kept"),
    ]);
    let base = crate::place::busybox(&place.busybox);
    layout(&place.folder.path().join("layout"), &[base, first, second], json!({}));
    let (word, text, rootfs) = place.run(place.shell("layers", "ls /d; cat /hard"));
    assert_eq!((word, text.as_str()), (Word::Exited(0), "new\nx"));
    assert!(!rootfs.join("gone").exists() && !rootfs.join("disk").exists());
}

#[test]
fn no_layer_leads_out_of_its_folder() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "untouched").unwrap();
    let at = outside.to_string_lossy().into_owned();
    let secret = format!("{at}/secret");
    let attacks: Vec<Vec<Entry<'_>>> = vec![
        vec![Entry::File("../../outside/made", b"x".to_vec())],
        vec![Entry::Link("way", &at), Entry::File("way/made", b"x".to_vec())],
        vec![Entry::Link("way", &secret), Entry::File("way", b"x".to_vec())],
        vec![Entry::Hard("hard", &secret)],
        vec![Entry::Link("way", &at), Entry::Hard("hard", "way/secret")],
        vec![Entry::Link("way", &at), Entry::File("way/.wh.secret", Vec::new())],
        vec![Entry::Link("way", &at), Entry::File("way/.wh..wh..opq", Vec::new())],
    ];
    for (number, attack) in attacks.iter().enumerate() {
        let base = crate::place::busybox(&place.busybox);
        layout(&place.folder.path().join("layout"), &[base, layer(attack)], json!({}));
        // refused, or kept inside: either way nothing happened outside
        let _ = place.run(place.shell(&format!("attack{number}"), "true"));
        assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "untouched", "attack {number}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "attack {number}");
    }
}

#[test]
fn a_blob_that_is_not_what_its_digest_says_is_refused() {
    let Some(place) = Place::with_runtime(json!({})) else { return };
    let folder = place.folder.path().join("layout");
    let manifest = layout(&folder, &[layer(&[Entry::File("a", b"x".to_vec())])], json!({}));
    let text = fs::read_to_string(&manifest).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let blob = value["layers"][0]["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let path = folder.join("blobs/sha256").join(blob);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let why = fault(place.run(place.shell("damaged", "true")).0);
    assert!(why.contains("is damaged") && why.contains("digest"), "{why}");
}

#[test]
fn only_the_listed_folders_hold_layouts() {
    let Some(mut place) = Place::with_runtime(json!({})) else { return };
    place.settings.layouts = vec![PathBuf::from("/usr")];
    let why = fault(place.run(place.shell("elsewhere", "true")).0);
    assert!(why.contains("not below one of the configured"), "{why}");
}

/// A registry of its own; it ends when it is dropped.
pub(crate) struct Registry {
    child: Child,
    pub(crate) host: String,
}

impl Registry {
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let program = program("docker-registry")?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            folder.join("registry").display()
        );
        fs::write(folder.join("registry.yml"), config).unwrap();
        let mut command = Command::new(program);
        command.arg("serve").arg(folder.join("registry.yml")).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let host = format!("127.0.0.1:{port}");
        let mut tries = 0_u32;
        while std::net::TcpStream::connect(&host).is_err() {
            tries += 1;
            assert!(tries < 600, "the registry does not answer");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Some(Self { child, host })
    }
    /// Pushes the image of a layout folder.
    pub(crate) fn push(&self, layout: &Path, name: &str, store: &Path) -> bool {
        let Some(buildah) = program("buildah") else { return false };
        let image = format!("oci:{}:it", layout.display());
        let to = format!("docker://{}/{name}", self.host);
        let root = store.to_string_lossy().into_owned();
        let run = store.join("run").to_string_lossy().into_owned();
        let common = ["--storage-driver", "vfs", "--root", &root, "--runroot", &run];
        let pull: Vec<&str> = common.iter().copied().chain(["pull", "-q", &image]).collect();
        let output = Command::new(&buildah).args(&pull).output().unwrap();
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let push: Vec<&str> =
            common.iter().copied().chain(["push", "-q", "--tls-verify=false", &id, &to]).collect();
        output.status.success() && ran(&buildah, &push, &[])
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_image_is_pulled_from_a_registry_and_then_kept() {
    let Some(place) = Place::with_runtime(json!({ "Cmd": ["echo", "pulled"] })) else { return };
    let Some(registry) = Registry::start(place.folder.path()) else { return };
    let (layout, store) = (place.folder.path().join("layout"), place.folder.path().join("store"));
    if !registry.push(&layout, "team/box:1", &store) {
        eprintln!("not checked: nothing could be pushed");
        return;
    }
    let wanted = |name: &str, image: String, pull| {
        let mut wanted = place.shell(name, "");
        (wanted.command, wanted.args, wanted.image, wanted.pull) = (None, Vec::new(), image, pull);
        wanted
    };
    let image = format!("{}/team/box:1", registry.host);
    let never = fault(place.run(wanted("never", image.clone(), Pull::Never)).0);
    assert!(never.contains("pull policy of Never"), "{never}");
    let (word, text, _) = place.run(wanted("pulled", image.clone(), Pull::Default));
    assert_eq!((word, text.as_str()), (Word::Exited(0), "pulled\n"));
    let missing = format!("{}/team/none:1", registry.host);
    let why = fault(place.run(wanted("missing", missing.clone(), Pull::Default)).0);
    assert!(why.contains("failed to pull image") && why.contains(&missing), "{why}");
    let mut mirrored = Place { settings: place.settings.clone(), ..Place::with_runtime(json!({})).unwrap() };
    mirrored.settings.mirrors = [("registry.example".to_owned(), registry.host.clone())].into();
    let (word, text, _) =
        mirrored.run(wanted("mirrored", "registry.example/team/box:1".to_owned(), Pull::Always));
    assert_eq!((word, text.as_str()), (Word::Exited(0), "pulled\n"));
    drop(registry);
    let (word, ..) = place.run(wanted("kept", image, Pull::Default));
    assert_eq!(word, Word::Exited(0));
}
