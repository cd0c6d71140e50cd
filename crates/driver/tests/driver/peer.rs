//! The services that artifacts lie on, started for one test each. Not here: installing them (`cargo xtask test` does).

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use driver::{ArtifactPlugin, Drivers, Limits, Place, Reach, Secrets, Settings};
use model::argo::Location;
use serde_json::{Value, json};

/// A running service; it ends with this value.
pub(crate) struct Service {
    child: Child,
    /// Where it listens.
    pub(crate) port: u16,
}

impl Service {
    /// Starts a command that prints its port on a line, found by `port_in`.
    fn start(command: &mut Command, port_in: impl Fn(&str) -> Option<u16>) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let (tell, told) = std::sync::mpsc::channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let tell = tell.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = tell.send(line);
                }
            });
        }
        drop(tell);
        let port = told.iter().find_map(|line| port_in(&line));
        Self { child, port: port.unwrap_or_else(|| panic!("{command:?} did not get ready")) }
    }
    /// Starts `serve.py` with these words.
    pub(crate) fn python(words: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = folder("MARQUE_PEER_STORES");
        let mut command = Command::new(folder.join("venv/bin/python"));
        command.arg("serve.py").args(words).current_dir(&folder).envs(variables.iter().copied());
        Self::start(&mut command, |line| line.strip_prefix("ready ")?.trim().parse().ok())
    }
    /// Starts an artifact plugin of this name on a socket; it keeps what it is given in a folder.
    pub(crate) fn plugin(socket: &Path, kept: &Path, name: &str) -> Self {
        let folder = folder("MARQUE_PEER_STORES");
        let mut command = Command::new(folder.join("venv/bin/python"));
        command.arg("plugin.py").args([socket, kept]).arg(name).current_dir(&folder);
        Self::start(&mut command, |line| line.strip_prefix("ready ")?.trim().parse().ok())
    }
    /// Starts Azure's emulator.
    pub(crate) fn azurite() -> Self {
        let folder = folder("MARQUE_PEER_AZURITE");
        let mut command = Command::new("node");
        command.arg("node_modules/.bin/azurite-blob").current_dir(&folder);
        command.args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"]);
        command.args(["--skipApiVersionCheck", "--disableTelemetry"]);
        Self::start(&mut command, port_after("http://127.0.0.1:"))
    }
    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port_after(text: &'static str) -> impl Fn(&str) -> Option<u16> {
    move |line| {
        let (_, rest) = line.split_once(text)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|port| *port != 0)
    }
}

fn folder(variable: &str) -> PathBuf {
    std::env::var_os(variable).map(PathBuf::from).unwrap_or_else(|| {
        panic!("{variable} does not name an installed peer: run `cargo xtask test`, which installs it")
    })
}

/// Calls a vendor's own client and returns what it printed.
pub(crate) fn client(words: &[&str], variables: &[(&str, &str)]) -> Vec<u8> {
    let folder = folder("MARQUE_PEER_STORES");
    let mut command = Command::new(folder.join("venv/bin/python"));
    command.arg("client.py").args(words).current_dir(&folder);
    command.env("AWS_ACCESS_KEY_ID", "someone").env("AWS_SECRET_ACCESS_KEY", "something");
    let done = command.envs(variables.iter().copied()).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// Returns what a vendor's own client printed, as JSON.
pub(crate) fn asked(words: &[&str]) -> Value {
    serde_json::from_slice(&client(words, &[])).unwrap()
}

/// Drivers that may reach this machine, and a folder to work in.
pub(crate) struct Bench {
    pub(crate) drivers: Drivers,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) secrets: Secrets,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(&["127.0.0.0/8", "::1"], Limits::default())
    }
    pub(crate) fn with(networks: &[&str], limits: Limits) -> Self {
        Self::of(networks, limits, |_| Vec::new())
    }
    /// Returns one whose plugins listen on sockets below its folder.
    pub(crate) fn of(
        networks: &[&str],
        limits: Limits,
        plugins: impl FnOnce(&Path) -> Vec<ArtifactPlugin>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let networks: Vec<String> = networks.iter().map(|network| (*network).to_owned()).collect();
        let settings = Settings {
            reach: Arc::new(Reach::with_networks(&networks).unwrap()),
            own_credentials: false,
            limits,
            local: folder.path().join("local"),
            plugins: plugins(folder.path()),
        };
        Self { drivers: Drivers::new(settings), folder, secrets: Secrets::default() }
    }
    /// Adds a Secret called `s` with these keys.
    pub(crate) fn secret(mut self, keys: &[(&str, &str)]) -> Self {
        let value = |text: &str| zeroize::Zeroizing::new(text.as_bytes().to_vec());
        let keys: BTreeMap<_, _> = keys.iter().map(|(key, text)| ((*key).to_owned(), value(text))).collect();
        self.secrets.0.insert("s".to_owned(), keys);
        self
    }
    /// Writes files below the folder.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    pub(crate) fn place<'a>(&'a self, at: &'a Location) -> Place<'a> {
        Place { at, namespace: "lab", secrets: &self.secrets }
    }
    /// Fetches, and returns every file by name (`""` is the artifact itself).
    pub(crate) async fn load(&self, at: &Location) -> Result<BTreeMap<String, Vec<u8>>, String> {
        let target = tempfile::tempdir_in(self.folder.path()).unwrap();
        let path = target.path().join("x");
        self.drivers.load(self.place(at), &path).await.map_err(|error| error.to_string())?;
        Ok(files(&path))
    }
    pub(crate) async fn save(&self, at: &Location, source: &Path) -> Result<(), String> {
        self.drivers.save(self.place(at), source).await.map_err(|error| error.to_string())
    }
    pub(crate) async fn list(&self, at: &Location) -> Result<Vec<String>, String> {
        self.drivers.list(self.place(at)).await.map_err(|error| error.to_string())
    }
    pub(crate) async fn delete(&self, at: &Location) -> Result<(), String> {
        self.drivers.delete(self.place(at)).await.map_err(|error| error.to_string())
    }
}

/// Returns every file below a path by its name; links are shown by their targets.
pub(crate) fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(path: &Path, name: &str, found: &mut BTreeMap<String, Vec<u8>>) {
        let data = path.symlink_metadata().unwrap();
        if data.is_symlink() {
            let target = path.read_link().unwrap();
            found.insert(name.to_owned(), format!("-> {}", target.display()).into_bytes());
        } else if data.is_dir() {
            for entry in std::fs::read_dir(path).unwrap().flatten() {
                let own = entry.file_name().into_string().unwrap();
                walk(&entry.path(), &format!("{name}/{own}"), found);
            }
        } else {
            found.insert(name.to_owned(), std::fs::read(path).unwrap());
        }
    }
    let mut found = BTreeMap::new();
    walk(path, "", &mut found);
    found
}

/// Returns the place that a driver's fields say.
pub(crate) fn at(driver: &str, fields: Value) -> Location {
    Location::of_driver(driver, &fields).unwrap()
}

/// Returns a selector of the Secret `s`.
pub(crate) fn key(name: &str) -> Value {
    json!({"name": "s", "key": name})
}
