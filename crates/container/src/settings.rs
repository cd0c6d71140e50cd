//! How containers are run on this machine, and finding out what there is.
//! Not here: reading configuration files (`server`).

use std::{
    collections::BTreeMap,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::ContainerError;

/// How containers are run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// By whom.
    pub engine: Engine,
    /// Where a runtime's images are kept.
    pub images: PathBuf,
    /// The network: `none`, `host`, or one that an engine knows.
    pub network: String,
    /// Registries spoken to without TLS, besides this machine's own.
    pub insecure: Vec<String>,
    /// Which registry is asked instead of another: `docker.io` → `mirror.example:5000`.
    pub mirrors: BTreeMap<String, String>,
    /// A `config.json` as `docker login` writes it, with who logs in where.
    pub credentials: Option<PathBuf>,
    /// Folders below which images named `oci:FOLDER[:TAG]` may lie.
    pub layouts: Vec<PathBuf>,
}

impl Settings {
    /// Returns what holds when only the engine and the folder of images are known.
    pub fn new(engine: Engine, images: PathBuf) -> Self {
        Self {
            engine,
            images,
            network: "none".to_owned(),
            insecure: Vec::new(),
            mirrors: BTreeMap::new(),
            credentials: None,
            layouts: Vec::new(),
        }
    }
}

/// Who runs containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Engine {
    /// An engine that speaks Docker's API.
    Api {
        /// The path of its socket on this machine.
        address: PathBuf,
    },
    /// An OCI runtime.
    Runtime {
        /// The program.
        program: PathBuf,
    },
}

impl Engine {
    /// Returns the engine that `text` names: a socket's path, with or without `unix://`, or a runtime's name or path.
    ///
    /// # Errors
    /// [`ContainerError::NoEngine`] if it is not there; [`ContainerError::Unsupported`] for another scheme.
    pub fn named(text: &str, path: &str) -> Result<Self, ContainerError> {
        let missing = || ContainerError::NoEngine { looked: format!("`{text}`") };
        if let Some((scheme, rest)) = text.split_once("://") {
            if scheme != "unix" {
                return Err(ContainerError::Unsupported(format!(
                    "`{text}` is not on this machine: containers see folders of this machine, so the engine's address must be `unix://PATH`"
                )));
            }
            return Self::socket(Path::new(rest)).ok_or_else(missing);
        }
        if text.contains('/')
            && let Some(found) = Self::socket(Path::new(text))
        {
            return Ok(found);
        }
        program(text, path).map(|program| Self::Runtime { program }).ok_or_else(missing)
    }
    fn socket(path: &Path) -> Option<Self> {
        UnixStream::connect(path).ok().map(|_| Self::Api { address: path.to_owned() })
    }
    /// Returns it as a person reads it.
    pub fn shown(&self) -> String {
        match self {
            Self::Api { address } => format!("the engine at {}", address.display()),
            Self::Runtime { program } => format!("the runtime {}", program.display()),
        }
    }
}

/// Finds an engine or a runtime: `DOCKER_HOST`, Docker's socket, Podman's, `runc`, `crun`, in this order. `variable` returns
/// an environment variable.
///
/// # Errors
/// [`ContainerError::NoEngine`] naming everything that was looked for; [`ContainerError::Unsupported`] for a `DOCKER_HOST`
/// on another machine.
pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Result<Engine, ContainerError> {
    let path = variable("PATH").unwrap_or_default();
    if let Some(host) = variable("DOCKER_HOST").filter(|host| !host.is_empty()) {
        return Engine::named(&host, &path);
    }
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock"), PathBuf::from("/run/podman/podman.sock")];
    sockets.extend(variable("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("podman/podman.sock")));
    if let Some(found) = sockets.iter().find_map(|path| Engine::socket(path)) {
        return Ok(found);
    }
    for runtime in RUNTIMES {
        if let Some(program) = program(runtime, &path) {
            return Ok(Engine::Runtime { program });
        }
    }
    let looked = sockets.iter().map(|path| path.display().to_string());
    let looked: Vec<String> = ["DOCKER_HOST".to_owned()]
        .into_iter()
        .chain(looked)
        .chain(RUNTIMES.iter().map(|name| (*name).to_owned()))
        .collect();
    Err(ContainerError::NoEngine { looked: looked.join(", ") })
}

/// The runtimes looked for, the one that works on more kernels first.
const RUNTIMES: [&str; 2] = ["runc", "crun"];

/// Returns the file of a program: in `path` and where system programs are.
fn program(name: &str, path: &str) -> Option<PathBuf> {
    let executable = |file: &PathBuf| {
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(executable);
    }
    path.split(':')
        .filter(|folder| folder.starts_with('/'))
        .chain(["/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin"])
        .map(|folder| Path::new(folder).join(name))
        .find(executable)
}
