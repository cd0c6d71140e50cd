//! Artifacts as people read them: the file or folder itself, or a part of it, wherever it lies.
//! Not here: how it is shown (`server`).

use std::path::{Component, Path, PathBuf};

use backend::Scratch;
use identity::Caller;
use model::{
    NamespacedName, RunId,
    argo::{ArchiveLocation, Artifact, Location, NodeId},
};
use policy::{Permit, RunFacts, ViewOutput};

use super::{FETCHED, completed, repository_of};
use crate::{Runner, RunnerError, view::WORKFLOWS};

/// Which artifact is wanted.
#[derive(Debug, Clone)]
pub struct ArtifactAsked {
    /// The node.
    pub node: NodeId,
    /// Whether one of its inputs is meant, not of its outputs.
    pub input: bool,
    /// The artifact's name.
    pub name: String,
    /// The part of it that is wanted; all of it when empty.
    pub path: String,
}

/// An artifact on this machine, as long as this value lives.
#[derive(Debug)]
pub struct OpenArtifact {
    /// A file or folder.
    pub path: PathBuf,
    /// The last part of its key.
    pub file_name: String,
    /// Where it was fetched to.
    _scratch: Option<Scratch>,
}

impl Runner {
    /// Opens an artifact of a run.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`] if there is none or the caller may not know of it; [`RunnerError`].
    pub async fn artifact(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        asked: &ArtifactAsked,
    ) -> Result<OpenArtifact, RunnerError> {
        let facts = self.facts(name).await?;
        self.open_artifact(caller, facts, asked).await
    }

    /// Opens an artifact of a run that has ended, also of one that was deleted.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`] if there is none or the caller may not know of it; [`RunnerError`].
    pub async fn archived_artifact(
        &self,
        caller: &Caller,
        (id, namespace): (RunId, Option<&str>),
        asked: &ArtifactAsked,
    ) -> Result<OpenArtifact, RunnerError> {
        let facts = self.archived_facts(id).await?;
        if namespace.is_some_and(|namespace| namespace != facts.name.namespace) {
            return Err(RunnerError::NotFound { what: WORKFLOWS, name: id.uuid().to_string() });
        }
        self.open_artifact(caller, facts, asked).await
    }

    async fn open_artifact(
        &self,
        caller: &Caller,
        facts: RunFacts,
        asked: &ArtifactAsked,
    ) -> Result<OpenArtifact, RunnerError> {
        let name = facts.name.clone();
        let action = ViewOutput { run: facts.clone() };
        let opened = self.act(caller, action, async |go| {
            let missing = || RunnerError::NotFound {
                what: "artifacts",
                name: format!("{}/{}", asked.node, asked.name),
            };
            let seen = self.inner.look(facts.id).await?;
            let node = seen.status.nodes.get(&asked.node).ok_or_else(missing)?;
            let of_inputs = || node.inputs.iter().flat_map(|inputs| inputs.artifacts.iter());
            let of_outputs = || node.outputs.iter().flat_map(|outputs| outputs.artifacts.iter());
            let found = if asked.input {
                of_inputs().find(|found| found.name == asked.name)
            } else {
                of_outputs().find(|found| found.name == asked.name)
            };
            let found = found.ok_or_else(missing)?;
            self.open_found(go.permit(), found, asked).await
        });
        opened.await.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))
    }

    async fn open_found(
        &self,
        go: &Permit<ViewOutput>,
        found: &Artifact,
        asked: &ArtifactAsked,
    ) -> Result<OpenArtifact, RunnerError> {
        let missing =
            || RunnerError::NotFound { what: "artifacts", name: format!("{}/{}", asked.node, asked.name) };
        if let Some(key) = engine::artifact_key(found) {
            let whole = self.inner.backend.artifact(go, &key).await?;
            let path = part_of(&whole, &asked.path).ok_or_else(missing)?;
            let file_name = last(if asked.path.is_empty() { &key } else { &asked.path });
            return Ok(OpenArtifact { path, file_name, _scratch: None });
        }
        let conflict = |fault: model::argo::ArtifactFault| RunnerError::Conflict(fault.to_string());
        let at = found.location().map_err(conflict)?.ok_or_else(missing)?;
        let (stored, _) = self.store().replay(go.action().run.id).await?;
        let repository = repository_of(&stored);
        let archive = ArchiveLocation { location: repository.location, logs: false };
        let mut at = if matches!(at, Location::Raw(_)) { at } else { completed(at, &archive)? };
        if !asked.path.trim_matches('/').is_empty() {
            at.append_to_key(&asked.path).map_err(conflict)?;
        }
        // in the run's name: whoever may see its outputs need not be able to use its Secrets
        let caller = Caller::for_run(stored.submitter.clone(), stored.facts.id);
        let for_whom = (&caller, &stored);
        let fetched = self.inner.fetch_for(for_whom, &asked.node, (&asked.name, &at)).await;
        let scratch = fetched.map_err(|error| match error {
            RunnerError::Artifact(driver::DriverError::NotFound(_)) => missing(),
            error => error,
        })?;
        let file_name = at.key().map_or_else(|| asked.name.clone(), last);
        Ok(OpenArtifact { path: scratch.path().join(FETCHED), file_name, _scratch: Some(scratch) })
    }
}

/// Returns the last part of a key.
fn last(key: &str) -> String {
    let key = key.split(['?', '#']).next().unwrap_or_default();
    key.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

/// Returns a file or folder of an artifact on this machine, if it is there and no link leads to it.
fn part_of(whole: &Path, part: &str) -> Option<PathBuf> {
    let mut path = whole.to_path_buf();
    for name in Path::new(part.trim_matches('/')).components() {
        let Component::Normal(name) = name else { return None };
        if !path.symlink_metadata().ok()?.is_dir() {
            return None;
        }
        path.push(name);
    }
    let data = path.symlink_metadata().ok()?;
    (data.is_file() || data.is_dir()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::{last, part_of};

    #[test]
    fn a_part_of_an_artifact_is_inside_it() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        std::fs::create_dir_all(whole.join("sub")).unwrap();
        std::fs::write(whole.join("sub/file"), "x").unwrap();
        std::fs::write(folder.path().join("outside"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path(), whole.join("link")).unwrap();
        for (part, expected) in
            [("", true), ("/sub/", true), ("sub/file", true), ("none", false), ("sub/file/x", false)]
        {
            assert_eq!(part_of(&whole, part).is_some(), expected, "{part}");
        }
        for part in ["..", "../outside", "sub/../../outside", "link", "link/outside"] {
            assert_eq!(part_of(&whole, part), None, "{part}");
        }
    }

    #[test]
    fn a_file_is_called_as_its_key_ends() {
        for (key, expected) in
            [("a/b.tgz", "b.tgz"), ("a/b/", "b"), ("http://h/x/y.txt?sig=1", "y.txt"), ("k", "k")]
        {
            assert_eq!(last(key), expected, "{key}");
        }
    }
}
