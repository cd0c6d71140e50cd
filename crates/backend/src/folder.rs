//! Where things lie: one folder a pod, one a pod's artifacts. Names come from manifests, so every one is checked here.
//! Not here: what is written in the files.
//! Invariant: a [`PodFolder`] and every path it returns lie below the backend's folder.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use model::{RunId, argo::NodeId};

use crate::{
    BackendError,
    limits::{NODE_ID_BYTES, PATH_BYTES},
    spec::MAIN,
};

/// The folder of one pod: `runs/<run>/<node>` below the backend's.
#[derive(Debug, Clone)]
pub(crate) struct PodFolder {
    path: PathBuf,
}

impl PodFolder {
    /// Returns the folder of a node's pod.
    pub(crate) fn of(folder: &Path, run: RunId, node: &NodeId) -> Result<Self, BackendError> {
        let name = checked_name(node.as_str())?;
        Ok(Self { path: folder.join("runs").join(run.uuid().to_string()).join(name) })
    }
    /// Returns the folder at `path`, as the server handed it to the supervisor.
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
    /// Returns its path relative to the backend's folder.
    pub(crate) fn relative(&self) -> String {
        let names: Vec<_> = self.path.components().rev().take(3).map(|part| part.as_os_str()).collect();
        names.into_iter().rev().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/")
    }
    /// Returns the backend's folder.
    pub(crate) fn top(&self) -> &Path {
        self.path.ancestors().nth(3).unwrap_or(&self.path)
    }
    /// The pod's specification.
    pub(crate) fn spec(&self) -> PathBuf {
        self.path.join("pod.json")
    }
    /// The folder the run token's file is in; all of it is visible in the pod.
    pub(crate) fn token_folder(&self) -> PathBuf {
        self.path.join(TOKEN_FOLDER)
    }
    /// The run token's file.
    pub(crate) fn token(&self) -> PathBuf {
        self.token_folder().join(TOKEN_FILE)
    }
    /// The script's file, without a sandbox.
    pub(crate) fn script(&self) -> PathBuf {
        self.path.join("script")
    }
    /// The working folder, without a sandbox.
    pub(crate) fn work(&self) -> PathBuf {
        self.path.join("work")
    }
    /// The folder of the built-in programs, without a sandbox.
    pub(crate) fn programs(&self) -> PathBuf {
        self.path.join("bin")
    }
    /// The log of a container.
    pub(crate) fn log(&self, container: &str) -> PathBuf {
        if container == MAIN { self.path.join("log") } else { self.path.join(format!("log-{container}")) }
    }
    /// How the pod ended.
    pub(crate) fn result(&self) -> PathBuf {
        self.path.join("result.json")
    }
    /// Locked as long as the supervisor lives; not empty once the pod's process may have been started.
    pub(crate) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }
    /// Exists once the pod is to be killed.
    pub(crate) fn kill(&self) -> PathBuf {
        self.path.join("kill")
    }
    /// The FIFO that wakes the supervisor.
    pub(crate) fn control(&self) -> PathBuf {
        self.path.join("control")
    }
    /// How far the pod has said it is.
    pub(crate) fn progress(&self) -> PathBuf {
        self.path.join("progress")
    }
    /// The folder of the file the pod says it in, where the pod has no file system of its own.
    pub(crate) fn said(&self) -> PathBuf {
        self.path.join("argo")
    }
    /// Where others of its run reach the pod; exists once it is ready.
    pub(crate) fn ready(&self) -> PathBuf {
        self.path.join("ready")
    }
    /// The FIFO that is readable once the pod is ready.
    pub(crate) fn readiness(&self) -> PathBuf {
        self.path.join("readiness")
    }
    /// The folder of what the pods of a run know of each other.
    pub(crate) fn network(&self) -> PathBuf {
        self.path.with_file_name(".network")
    }
    /// Whether the pod's process may have been started, or the pod has ended without.
    pub(crate) fn is_begun(&self) -> bool {
        self.result().exists() || self.lock().metadata().is_ok_and(|lock| lock.len() > 0)
    }
    /// Returns the artifact folder of the whole backend.
    pub(crate) fn artifacts_root(&self) -> PathBuf {
        self.top().join("artifacts")
    }
    /// Returns the key of this pod's artifact called `name`.
    pub(crate) fn artifact_key(&self, name: &str) -> Result<String, BackendError> {
        let name = checked_name(name)?;
        let part = |path: Option<&Path>| {
            path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        Ok(format!("{}/{}/{name}", part(self.path.parent()), part(Some(&self.path))))
    }
}

/// The name of the run token's folder.
pub(crate) const TOKEN_FOLDER: &str = "token";
/// The name of the run token's file in its folder.
pub(crate) const TOKEN_FILE: &str = "token";

/// Returns `name` if it can be one file's name: no separator, not `.` or `..`, not too long, no control character.
pub(crate) fn checked_name(name: &str) -> Result<&str, BackendError> {
    let bad = name.is_empty()
        || name.len() > NODE_ID_BYTES
        || name.starts_with('.')
        || name.chars().any(|c| c == '/' || c == '\\' || c.is_control());
    if bad { Err(BackendError::BadName { name: name.to_owned() }) } else { Ok(name) }
}

/// Returns the path of a stored artifact below `root`: run, node and name, and then what is meant inside a folder. The
/// store holds only files and folders, so that no part of it leads elsewhere.
pub(crate) fn artifact_path(root: &Path, key: &str) -> Result<PathBuf, BackendError> {
    let bad = || BackendError::BadName { name: key.to_owned() };
    let mut path = root.to_path_buf();
    let mut parts = 0_usize;
    for part in key.split('/') {
        if parts < 3 {
            checked_name(part)?;
        } else if matches!(part, "" | "." | "..") || part.chars().any(char::is_control) {
            return Err(bad());
        }
        path.push(part);
        parts = parts.saturating_add(1);
    }
    if parts < 3 || path.as_os_str().len() > PATH_BYTES { Err(bad()) } else { Ok(path) }
}

/// Returns why `path` can't be a place in a pod: it must be absolute, without `..`, and not the root itself.
pub(crate) fn pod_path_fault(path: &str) -> Option<&'static str> {
    if path.len() > PATH_BYTES || path.contains('\0') {
        return Some("is too long or holds a NUL");
    }
    if !path.starts_with('/') {
        return Some("is not absolute");
    }
    if path.split('/').any(|part| part == "..") {
        return Some("holds `..`");
    }
    path.split('/').all(|part| part.is_empty() || part == ".").then_some("is the root itself")
}

/// Creates a folder nobody else may enter, and those above it.
pub(crate) fn create_private(path: &Path) -> Result<(), BackendError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(BackendError::io(path))
}

/// Writes a file nobody else may read, and that nobody reads before the writing is over.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(NOFOLLOW);
    options.open(path)?.write_all(content)
}

/// Writes a file nobody else may read, all or nothing: readers see the old or the new content.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(NOFOLLOW)
        .open(&fresh)?;
    file.write_all(content)?;
    std::fs::rename(&fresh, path)?;
    Ok(file)
}

const NOFOLLOW: i32 = nix::fcntl::OFlag::O_NOFOLLOW.bits();
