//! What is left of pods that have ended and of claims nobody needs any more, deleted.
//! Not here: when (see `engine::garbage`).

use std::{io, path::PathBuf};

use audit::Audited;
use model::{RunId, argo::NodeId};
use policy::{CollectPods, RetryRun};

use crate::{
    BackendError, ProcessBackend,
    folder::{PodFolder, checked_name},
    off_the_loop,
    volumes::claims_folder,
};

impl ProcessBackend {
    /// Forgets the pods of nodes that run again, with their logs and artifacts. Their supervisors have ended.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn forget(&self, go: &Audited<RetryRun>, nodes: &[NodeId]) -> Result<(), BackendError> {
        let run = go.action().run.id;
        let mut folders = Vec::with_capacity(nodes.len());
        for node in nodes {
            let folder = PodFolder::of(&self.config.folder, run, node)?;
            folders.push(folder.artifacts_root().join(run.uuid().to_string()).join(node.as_str()));
            folders.push(folder.path().to_owned());
        }
        off_the_loop(move || remove_all(folders)).await
    }

    /// Deletes the pods and claims the proof is for: pods that have ended, with their logs, not with their artifacts.
    ///
    /// # Errors
    /// [`BackendError`].
    pub async fn collect(&self, go: &Audited<CollectPods>) -> Result<(), BackendError> {
        let CollectPods { run, nodes, claims } = go.action();
        let mut folders = Vec::with_capacity(nodes.len().saturating_add(claims.len()));
        for node in nodes {
            folders.push(PodFolder::of(&self.config.folder, run.id, node)?.path().to_owned());
        }
        let of_namespace = self.config.folder.join(claims_folder(&run.name.namespace)?);
        for claim in claims {
            folders.push(of_namespace.join(checked_name(claim)?));
        }
        off_the_loop(move || remove_all(folders)).await
    }

    /// Returns those of the nodes that have a pod still, or what is left of it.
    ///
    /// # Errors
    /// [`BackendError::BadName`].
    pub async fn kept_pods(&self, run: RunId, nodes: Vec<NodeId>) -> Result<Vec<NodeId>, BackendError> {
        let mut found = Vec::with_capacity(nodes.len());
        for node in nodes {
            found.push((PodFolder::of(&self.config.folder, run, &node)?, node));
        }
        off_the_loop(move || {
            found.retain(|(folder, _)| folder.path().exists());
            Ok(found.into_iter().map(|(_, node)| node).collect())
        })
        .await
    }
}

fn remove_all(folders: Vec<PathBuf>) -> Result<(), BackendError> {
    for folder in folders {
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(BackendError::io(&folder))?,
        }
    }
    Ok(())
}
