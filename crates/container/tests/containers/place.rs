//! What the tests need of the machine, and images made from busybox.
//! Not here: what is checked.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use container::{Bind, Engine, Request, Settings, Stage, Wanted, Word};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Returns a program's file; says so if there is none.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let found = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
        .iter()
        .map(|at| Path::new(at).join(name))
        .find(|p| p.exists());
    if found.is_none() {
        eprintln!("not checked: this machine has no `{name}`");
    }
    found
}

/// Returns a runtime that can run here, and a busybox.
pub(crate) fn runtime() -> Option<(PathBuf, PathBuf)> {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("not checked: a runtime needs root");
        return None;
    }
    Some((program("runc").or_else(|| program("crun"))?, program("busybox")?))
}

/// An entry of a layer.
pub(crate) enum Entry<'a> {
    File(&'a str, Vec<u8>),
    Link(&'a str, &'a str),
    Hard(&'a str, &'a str),
    Folder(&'a str),
    Device(&'a str),
}

/// Returns a layer's archive, with names as they are written, escapes and all.
pub(crate) fn layer(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        let (name, bytes, kind, link): (&str, &[u8], _, &str) = match entry {
            Entry::File(name, bytes) => (name, bytes, tar::EntryType::Regular, ""),
            Entry::Link(name, to) => (name, &[], tar::EntryType::Symlink, to),
            Entry::Hard(name, to) => (name, &[], tar::EntryType::Link, to),
            Entry::Folder(name) => (name, &[], tar::EntryType::Directory, ""),
            Entry::Device(name) => (name, &[], tar::EntryType::Block, ""),
        };
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        archive.append(&header, bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Returns a layer with busybox and its names.
pub(crate) fn busybox(file: &Path) -> Vec<u8> {
    let bytes = fs::read(file).unwrap();
    let names =
        ["sh", "cat", "echo", "sleep", "id", "env", "pwd", "mkdir", "ls", "true", "false", "touch", "trap"];
    let links: Vec<String> = names.iter().map(|name| format!("bin/{name}")).collect();
    let mut entries = vec![
        Entry::Folder("bin/"),
        Entry::Folder("tmp/"),
        Entry::Folder("etc/"),
        Entry::File(
            "etc/passwd",
            b"root:x:0:0::/root:/bin/sh\nalice:x:1234:1235::/home/alice:/bin/sh\n".to_vec(),
        ),
        Entry::File("bin/busybox", bytes),
    ];
    entries.extend(links.iter().map(|link| Entry::Link(link, "busybox")));
    layer(&entries)
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Writes a layout folder with one image `it`; returns the manifest's file and the blobs' folder.
pub(crate) fn layout(folder: &Path, layers: &[Vec<u8>], config: serde_json::Value) -> PathBuf {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8]| {
        let digest = digest(bytes);
        fs::write(blobs.join(digest.trim_start_matches("sha256:")), bytes).unwrap();
        (digest, bytes.len())
    };
    let gzip = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let document = json!({
        "architecture": "amd64", "os": "linux", "config": config,
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| digest(layer)).collect::<Vec<_>>() },
    });
    let (config, config_size) = put(document.to_string().as_bytes());
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| {
            let (digest, size) = put(&gzip(layer));
            json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": size })
        })
        .collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size },
        "layers": layers,
    });
    let (manifest, size) = put(manifest.to_string().as_bytes());
    let index = json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": manifest, "size": size,
        "annotations": { "org.opencontainers.image.ref.name": "it" },
    }]});
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    blobs.join(manifest.trim_start_matches("sha256:"))
}

/// Returns a folder whose name an image's name may have.
fn lower_case_folder() -> tempfile::TempDir {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("marque-containers-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir().unwrap()
}

/// A machine of a test: a folder, and settings for a runtime and the layouts below the folder.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) settings: Settings,
    pub(crate) busybox: PathBuf,
}

impl Place {
    /// Returns one with an image `oci:…:it` of busybox; `None` where containers can't be run.
    pub(crate) fn with_runtime(config: serde_json::Value) -> Option<Self> {
        let (program, busybox_file) = runtime()?;
        let folder = lower_case_folder();
        let mut settings = Settings::new(Engine::Runtime { program }, folder.path().join("images"));
        settings.layouts = vec![folder.path().to_owned()];
        layout(&folder.path().join("layout"), &[busybox(&busybox_file)], config);
        Some(Self { folder, settings, busybox: busybox_file })
    }
    /// Returns the image's name.
    pub(crate) fn image(&self) -> String {
        format!("oci:{}:it", self.folder.path().join("layout").display())
    }
    /// Opens a stage for a shell's script.
    pub(crate) fn shell(&self, name: &str, script: &str) -> Wanted {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Wanted {
            name: format!("{name}-{}", std::process::id()),
            image: self.image(),
            command: Some(texts(&["sh", "-c"])),
            args: texts(&[script]),
            ..Wanted::default()
        }
    }
    /// Opens a container.
    pub(crate) fn open(&self, wanted: Wanted) -> Opened {
        let folder = self.folder.path().join(&wanted.name);
        fs::create_dir_all(&folder).unwrap();
        let request = Request { wanted, settings: self.settings.clone(), folder: folder.clone() };
        let program = Path::new(env!("CARGO_BIN_EXE_container-probe"));
        let (stage, stdout, stderr) = Stage::open(program, &request).unwrap();
        Opened { stage, stdout: stdout.into(), stderr: stderr.into(), rootfs: folder.join("rootfs") }
    }
    /// Runs a container to its end; returns its last word, what it wrote, and where its files are.
    pub(crate) fn run(&self, wanted: Wanted) -> (Word, String, PathBuf) {
        self.open(wanted).finish()
    }
}

impl Place {
    /// Checks that a container is usable when its probe passes, and not before.
    pub(crate) fn proves(&self, wanted: Wanted) {
        let folder = self.folder.path().join("go");
        fs::create_dir(&folder).unwrap();
        let pipe = folder.join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let host = folder.to_string_lossy().into_owned();
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let mut opened = self.open(Wanted {
            args: texts(&["read x < /go/pipe; touch /tmp/up; sleep 600"]),
            env: vec![("OWN".to_owned(), "asked".to_owned())],
            binds: vec![Bind { host, path: "/go".to_owned(), writable: true }],
            probes: Some(json!(["sh", "-c", "echo $OWN >> /go/asked; test -e /tmp/up"])),
            ..wanted
        });
        assert_eq!(opened.start(), None);
        let asked = folder.join("asked");
        while fs::read_to_string(&asked).unwrap_or_default().lines().count() < 2 {
            assert_eq!(opened.stage.hear().unwrap(), None, "it is not usable yet");
            std::thread::yield_now();
        }
        fs::write(&pipe, "x\n").unwrap();
        assert_eq!(opened.word(), Word::Usable { address: None });
        opened.stage.kill();
        let word = opened.word();
        assert_eq!(opened.rest(word).0, Word::Exited(137));
        let asked = fs::read_to_string(&asked).unwrap();
        assert!(asked.lines().all(|line| line == "asked"), "in its own environment: {asked}");
    }
}

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A container that was opened.
pub(crate) struct Opened {
    pub(crate) stage: Stage,
    pub(crate) stdout: fs::File,
    stderr: fs::File,
    rootfs: PathBuf,
}

impl Opened {
    /// Returns what its stage says next.
    pub(crate) fn word(&mut self) -> Word {
        let patience = Timespec::try_from(PATIENCE).unwrap();
        loop {
            if let Some(word) = self.stage.hear().unwrap() {
                return word;
            }
            let said = poll(&mut [PollFd::new(&self.stage, PollFlags::IN)], Some(&patience)).unwrap();
            assert_eq!(said, 1, "nothing was said for {PATIENCE:?}");
        }
    }
    /// Starts it when it is ready; returns what went wrong, if something did.
    pub(crate) fn start(&mut self) -> Option<Word> {
        match self.word() {
            Word::Ready => {
                self.stage.go().unwrap();
                None
            }
            other => Some(other),
        }
    }
    /// Runs it to its end.
    pub(crate) fn finish(mut self) -> (Word, String, PathBuf) {
        let word = self.start().unwrap_or_else(|| self.word());
        self.rest(word)
    }
    /// Returns its end and what it wrote.
    pub(crate) fn rest(mut self, word: Word) -> (Word, String, PathBuf) {
        drop(self.stage);
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).unwrap();
        self.stderr.read_to_string(&mut text).unwrap();
        (word, text, self.rootfs)
    }
}

/// Runs a program; returns whether it went well.
pub(crate) fn ran(program: &Path, args: &[&str], envs: &[(&str, &Path)]) -> bool {
    let output = Command::new(program).args(args).envs(envs.iter().copied()).output().unwrap();
    if !output.status.success() {
        eprintln!("{} {args:?}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}
