//! Podman as a test starts it: a service at a socket, with a store and networks of its own. The tests of pods use it, too.
//! Not here: what is checked.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

/// The name of the image that it has.
pub(crate) const IMAGE: &str = "localhost/box:1";

/// A service that runs; it ends when it is dropped.
pub(crate) struct Podman {
    child: Child,
    folder: PathBuf,
    /// Its socket.
    pub(crate) socket: PathBuf,
    /// Whether it can make networks here.
    pub(crate) has_networks: bool,
}

impl Podman {
    /// Starts it in `folder` with the `image`, which podman can pull and which runs something that ends well; `None` where
    /// there is none, or it can't run a container.
    pub(crate) fn start(folder: &Path, image: &str) -> Option<Self> {
        let Some(program) = found("podman") else {
            eprintln!("not checked: this machine has no `podman`");
            return None;
        };
        let place = Store { program, folder: folder.to_owned() };
        place.configure();
        // an image out of a folder has no name yet
        let pulled = place.podman(&["pull", "-q", image]);
        assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
        let id = String::from_utf8_lossy(&pulled.stdout).trim().to_owned();
        assert!(place.does(&["tag", &id, IMAGE]));
        if !place.does(&["run", "--rm", "--network", "none", IMAGE]) {
            eprintln!("not checked: podman can't run a container here");
            return None;
        }
        let name = format!("probe-{}", std::process::id());
        let has_networks = place.does(&["network", "create", &name])
            && place.does(&["run", "--rm", "--network", &name, IMAGE])
            && place.does(&["network", "rm", &name]);
        if !has_networks {
            eprintln!("not checked: podman can't make a network here");
        }
        let socket = folder.join("p.sock");
        let address = format!("unix://{}", socket.display());
        let mut command = place.command(&["system", "service", "--time=0", &address]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut tries = 0_u32;
        while UnixStream::connect(&socket).is_err() {
            tries += 1;
            assert!(tries < 600, "podman's service does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(Self { child, folder: folder.to_owned(), socket, has_networks })
    }
    /// Returns the names of its networks.
    pub(crate) fn networks(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.join("networks")).unwrap().flatten();
        let configured = files
            .map(|file| file.path())
            .filter(|file| file.extension().is_some_and(|end| end == "conflist"));
        let mut names: Vec<String> =
            configured.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect();
        names.sort();
        names
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where images, containers and networks are kept.
struct Store {
    program: PathBuf,
    folder: PathBuf,
}

impl Store {
    fn configure(&self) {
        let runtime = if found("runc").is_some() { "runc" } else { "crun" };
        let text = format!(
            "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1000:1000\"]\nnetns=\"none\"\n[engine]\nruntime=\"{runtime}\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n"
        );
        fs::write(self.folder.join("containers.conf"), text).unwrap();
    }
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env("CONTAINERS_CONF", self.folder.join("containers.conf")).args(["--storage-driver", "vfs"]);
        let folders = [("--root", "store"), ("--runroot", "run"), ("--tmpdir", "tmp")];
        for (flag, path) in folders.into_iter().chain([("--network-config-dir", "networks")]) {
            command.arg(flag).arg(self.folder.join(path));
        }
        command.args(words);
        command
    }
    fn podman(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }
    fn does(&self, words: &[&str]) -> bool {
        let output = self.podman(words);
        if !output.status.success() {
            eprintln!("podman {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        output.status.success()
    }
}

fn found(program: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
    folders.iter().map(|at| Path::new(at).join(program)).find(|file| file.exists())
}
