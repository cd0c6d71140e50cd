//! Where artifacts wait on their way: inputs that were fetched for a pod, outputs and logs that are to be put elsewhere.
//! Not here: fetching and putting (`runner`), the pod itself.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use audit::Audited;
use model::{RunId, argo::NodeId};
use policy::MoveArtifacts;

use crate::{
    BackendError, ProcessBackend,
    folder::{PodFolder, artifact_path, create_private},
    logfile, off_the_loop,
};

/// A folder of its own that goes with this value.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // nobody is left to tell; the next start finds an unused folder
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl ProcessBackend {
    /// Returns a new folder nobody else may enter.
    ///
    /// # Errors
    /// [`BackendError::Io`].
    pub fn scratch(&self) -> Result<Scratch, BackendError> {
        let above = self.config.folder.join("scratch");
        create_private(&above)?;
        let made = nix::unistd::mkdtemp(&above.join("XXXXXX"));
        let path = made.map_err(|error| BackendError::io(&above)(error.into()))?;
        Ok(Scratch { path })
    }

    /// Returns the backend's folder.
    pub fn folder(&self) -> &Path {
        &self.config.folder
    }

    /// Whether a pod's process may have been started: its inputs are in place then.
    ///
    /// # Errors
    /// [`BackendError::BadName`].
    pub async fn is_begun(&self, run: RunId, node: &NodeId) -> Result<bool, BackendError> {
        let folder = PodFolder::of(&self.config.folder, run, node)?;
        off_the_loop(move || Ok(folder.is_begun())).await
    }

    /// Returns an empty folder for the inputs of the node the proof is for.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn inputs_folder(&self, go: &Audited<MoveArtifacts>) -> Result<PathBuf, BackendError> {
        let action = go.action();
        let folder = PodFolder::of(&self.config.folder, action.run.id, &action.node)?;
        let path = folder.path().join(INPUTS);
        off_the_loop(move || {
            remove(&path)?;
            create_private(&path)?;
            Ok(path)
        })
        .await
    }

    /// Removes what was fetched for a pod that has ended.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn drop_inputs(&self, run: RunId, node: &NodeId) -> Result<(), BackendError> {
        let path = PodFolder::of(&self.config.folder, run, node)?.path().join(INPUTS);
        off_the_loop(move || remove(&path)).await
    }

    /// Returns the path of a stored output of the node the proof is for: a file, or a folder of files and folders.
    ///
    /// # Errors
    /// [`BackendError::NoArtifact`] also for another node's; [`BackendError::BadName`].
    pub async fn output(&self, go: &Audited<MoveArtifacts>, key: &str) -> Result<PathBuf, BackendError> {
        let path = self.own(go, key)?;
        let key = key.to_owned();
        off_the_loop(move || {
            let kind = path.symlink_metadata().map(|data| data.file_type());
            match kind {
                Ok(kind) if kind.is_file() || kind.is_dir() => Ok(path),
                _ => Err(BackendError::NoArtifact { key }),
            }
        })
        .await
    }

    /// Deletes a stored output of the node the proof is for; one that is not there is deleted already.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn delete_output(&self, go: &Audited<MoveArtifacts>, key: &str) -> Result<(), BackendError> {
        let path = self.own(go, key)?;
        off_the_loop(move || remove(&path)).await
    }

    /// Stores the log of a container of the node the proof is for as the output `name` and returns its key: the lines as
    /// they were written, without times; none if it wrote nothing.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn keep_log(
        &self,
        go: &Audited<MoveArtifacts>,
        container: &str,
        name: &str,
    ) -> Result<String, BackendError> {
        let action = go.action();
        let folder = PodFolder::of(&self.config.folder, action.run.id, &action.node)?;
        let log = folder.log(crate::folder::checked_name(container)?);
        let key = folder.artifact_key(name)?;
        let path = artifact_path(&folder.artifacts_root(), &key)?;
        off_the_loop(move || {
            create_private(path.parent().unwrap_or(&path))?;
            copy_log(&log, &path).map_err(BackendError::io(&path))?;
            Ok(key)
        })
        .await
    }

    fn own(&self, go: &Audited<MoveArtifacts>, key: &str) -> Result<PathBuf, BackendError> {
        let action = go.action();
        let folder = PodFolder::of(&self.config.folder, action.run.id, &action.node)?;
        let own = folder.artifact_key("x")?;
        let own = own.strip_suffix('x').unwrap_or_default();
        if !key.starts_with(own) {
            return Err(BackendError::NoArtifact { key: key.to_owned() });
        }
        artifact_path(&folder.artifacts_root(), key)
    }
}

/// The folder of the inputs that were fetched, in the pod's.
const INPUTS: &str = "inputs";

/// Copies a log's lines.
fn copy_log(log: &Path, path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut from = 0;
    loop {
        let (lines, next) = logfile::read(log, from)?;
        if next == from {
            break;
        }
        from = next;
        for line in lines {
            file.write_all(line.content.as_bytes())?;
            file.write_all(b"\n")?;
        }
    }
    file.sync_all()
}

fn remove(path: &Path) -> Result<(), BackendError> {
    let removed = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.map_err(BackendError::io(path))
}
