//! How far a pod is, from the file its program writes to whoever asks: the supervisor looks into the pod every moment,
//! and writes down what is new in the pod's folder. Not here: what becomes of it (`engine`).
//! Source: Argo `docs/progress.md`, `workflow/executor/executor.go` monitorProgress.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use model::{RunId, argo::NodeId};

use crate::{
    BackendError, ProcessBackend,
    folder::{PodFolder, replace},
    off_the_loop,
    supervise::files::{Found, PodFiles},
};

/// The folder of the file below, anybody's in the pod (Argo `workflow/common` VarRunArgoPath).
pub(crate) const FOLDER_IN_POD: &str = "/var/run/argo";
/// Where a sandboxed pod says how far it is (Argo `workflow/common` ArgoProgressPath).
pub(crate) const FILE_IN_POD: &str = "/var/run/argo/progress";
/// The name of the file in its folder.
pub(crate) const FILE: &str = "progress";
/// Milliseconds between two looks into the pod.
pub(crate) const LOOK_MS: u64 = 1000;
/// It, as Go writes a duration.
pub(crate) const LOOK: &str = "1s";
/// The most bytes that are read of what a pod says, counted from its end.
const BYTES: u64 = 4096;

/// What a supervisor has seen of a pod's progress.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    files: &'a PodFiles,
    path: String,
    told: String,
}

impl<'a> Progress<'a> {
    /// Returns the progress that the pod writes to `path` among its `files`.
    pub(crate) const fn of(files: &'a PodFiles, path: String) -> Self {
        Self { files, path, told: String::new() }
    }
    /// Looks, and tells what is new. What the pod wrote amiss is its own affair, as it is to Argo.
    pub(crate) fn look(&mut self, folder: &PodFolder) {
        let Ok(Some(text)) = self.read() else { return };
        let last = text.trim().lines().last().unwrap_or_default().trim();
        if last != self.told && is_progress(last) && replace(&folder.progress(), last.as_bytes()).is_ok() {
            last.clone_into(&mut self.told);
        }
    }
    fn read(&self) -> io::Result<Option<String>> {
        let Some(Found::File(mut file)) = self.files.open(&self.path)? else { return Ok(None) };
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl ProcessBackend {
    /// Returns how far a pod has said it is, as `N/M`; none if it has said nothing.
    ///
    /// # Errors
    /// [`BackendError::BadName`]; [`BackendError::Io`].
    pub async fn progress(&self, run: RunId, node: &NodeId) -> Result<Option<String>, BackendError> {
        let path = PodFolder::of(&self.config.folder, run, node)?.progress();
        off_the_loop(move || match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BackendError::io(path)(error)),
        })
        .await
    }
}

/// Source: Argo `progress.go` ParseProgress.
fn is_progress(text: &str) -> bool {
    let parts = text.split_once('/').and_then(|(done, of)| Some((done.parse().ok()?, of.parse().ok()?)));
    parts.is_some_and(|(done, of): (u32, u32)| of > 0 && done <= of)
}
