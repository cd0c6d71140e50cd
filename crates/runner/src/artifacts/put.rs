//! Output artifacts and logs that are to lie elsewhere, put there after the pod has ended.
//! Source: Argo `executor.go` SaveArtifacts, SaveLogs.

use driver::Place;
use engine::{Pod, PodEnd, PodOutcome, StoredArtifact};
use identity::Caller;
use model::argo::{Archive, Artifact, Location};
use policy::MoveArtifacts;
use store::StoredRun;

use super::{completed, in_words, off_the_loop, repository_of, unacted};
use crate::{RunnerError, runner::Inner};

/// One artifact that is to be put somewhere.
struct Going {
    name: String,
    /// The key in this machine's own store.
    key: String,
    /// What it is called in an archive.
    inner: String,
    archive: Archive,
    /// Where it goes.
    to: Location,
    /// As the node shows it.
    shown: Location,
}

impl Inner {
    /// Puts the pod's outputs where they are to lie, and returns its outcome with the places. What cannot be put makes an
    /// error of a pod that ended well.
    pub(crate) async fn put_outputs(
        &self,
        for_whom: (&Caller, &StoredRun),
        pod: &Pod,
        mut outcome: PodOutcome,
    ) -> PodOutcome {
        if let Err(error) = self.try_put(for_whom, pod, &mut outcome).await {
            tracing::warn!(run = %for_whom.1.facts.id, node = %pod.node, %error, "outputs were not put");
            if outcome.end == PodEnd::Exited(0) {
                outcome.end = PodEnd::Error(format!("failed to save outputs: {error}"));
            }
        }
        outcome
    }

    async fn try_put(
        &self,
        for_whom: (&Caller, &StoredRun),
        pod: &Pod,
        outcome: &mut PodOutcome,
    ) -> Result<(), RunnerError> {
        let (caller, stored) = for_whom;
        let mut going = Vec::new();
        for artifact in &pod.template.outputs.artifacts {
            if let Some(StoredArtifact::Key(key)) = outcome.outputs.artifacts.get(&artifact.name) {
                going.extend(destination(stored, pod, artifact, key)?);
            }
        }
        let logs = log_names(pod);
        if going.is_empty() && logs.is_empty() {
            return Ok(());
        }
        let of_logs = pod.archive.location.iter().filter(|_| !logs.is_empty());
        let places = going.iter().map(|one| &one.to).chain(of_logs);
        let secrets = self.secrets_of(for_whom, &pod.node, places).await?;
        let mut put: Vec<String> = going.iter().map(|one| in_words(&one.name, &one.to)).collect();
        put.extend(logs.iter().map(|(_, name)| name.clone()));
        let action = MoveArtifacts {
            run: stored.facts.clone(),
            node: pod.node.clone(),
            fetched: Vec::new(),
            put,
            deleted: Vec::new(),
        };
        let namespace = &stored.facts.name.namespace;
        let done = self.act(caller, action, async |go| {
            for (container, name) in &logs {
                let key = self.backend.keep_log(go, container, name).await?;
                outcome.outputs.artifacts.insert(name.clone(), StoredArtifact::Key(key.clone()));
                let log = Artifact { name: name.clone(), ..Artifact::default() };
                if let Some(one) = of_repository(stored, pod, &log, &format!("{container}.log"))? {
                    going.push(Going { key, archive: Archive::None, ..one });
                }
            }
            for one in &going {
                let source = self.backend.output(go, &one.key).await?;
                let folder = self.backend.scratch()?;
                let packed = folder.path().join("packed");
                let is_folder = source.is_dir();
                let source = if one.archive == Archive::None && is_folder {
                    source
                } else {
                    let (inner, archive, to) = (one.inner.clone(), one.archive, packed.clone());
                    off_the_loop(move || artifact::pack(&source, &inner, archive, &to)).await?;
                    packed
                };
                let place = Place { at: &one.to, namespace, secrets: &secrets };
                self.drivers.save(place, &source).await.map_err(|error| {
                    RunnerError::Conflict(format!("failed to save artifact '{}': {error}", one.name))
                })?;
                let at = StoredArtifact::Located(Box::new(one.shown.clone()));
                outcome.outputs.artifacts.insert(one.name.clone(), at);
            }
            Ok::<_, RunnerError>(())
        });
        done.await.map_err(unacted)
    }
}

/// Returns where an output goes; none if it stays in this machine's own store.
fn destination(
    stored: &StoredRun,
    pod: &Pod,
    artifact: &Artifact,
    key: &str,
) -> Result<Option<Going>, RunnerError> {
    let conflict = |fault: model::argo::ArtifactFault| RunnerError::Conflict(fault.to_string());
    let archive = artifact.archive_strategy().map_err(conflict)?.unwrap_or(Archive::Tar { level: None });
    let inner = artifact::stored_name(&artifact.name, &artifact.path, Archive::None);
    let own = artifact.location().map_err(conflict)?;
    let has_key = |at: &Location| at.is_complete() || at.key().is_some_and(|key| !key.is_empty());
    match own.filter(has_key) {
        Some(own) => {
            let to = completed(own.clone(), &pod.archive)?;
            let shown = if same_repository(stored, &pod.archive.location) { own } else { to.clone() };
            let name = artifact.name.clone();
            Ok(Some(Going { name, key: key.to_owned(), inner, archive, to, shown }))
        }
        None => {
            let file = artifact::stored_name(&artifact.name, &artifact.path, archive);
            let going = of_repository(stored, pod, artifact, &file)?;
            Ok(going.map(|going| Going { key: key.to_owned(), inner, archive, ..going }))
        }
    }
}

/// Returns where an output goes in the pod's repository, called `file` there; none if it has none.
fn of_repository(
    stored: &StoredRun,
    pod: &Pod,
    artifact: &Artifact,
    file: &str,
) -> Result<Option<Going>, RunnerError> {
    let Some(repository) = &pod.archive.location else { return Ok(None) };
    let mut to = repository.clone();
    to.append_to_key(file).map_err(|fault| RunnerError::Conflict(fault.to_string()))?;
    let shown = if same_repository(stored, &pod.archive.location) { key_only(&to) } else { to.clone() };
    let name = artifact.name.clone();
    let (key, inner, archive) = (String::new(), file.to_owned(), Archive::default());
    Ok(Some(Going { name, key, inner, archive, to, shown }))
}

/// Whether the repository of a pod is that of its run, so that nodes need to show keys only.
fn same_repository(stored: &StoredRun, of_pod: &Option<Location>) -> bool {
    match (repository_of(stored).location, of_pod) {
        (Some(mut of_run), Some(of_pod)) => {
            let key = of_pod.key().unwrap_or_default();
            of_run.set_key(key).is_ok() && of_run == *of_pod
        }
        (None, None) => true,
        _ => false,
    }
}

/// Returns a place that is only a key of its driver; one whose key is a URL stays whole.
fn key_only(at: &Location) -> Location {
    if matches!(at, Location::Artifactory(_) | Location::Http(_)) {
        return at.clone();
    }
    let only = Location::of_driver(at.driver(), &serde_json::json!({}));
    let with_key = |mut only: Location| only.set_key(at.key()?).ok().map(|()| only);
    only.ok().and_then(with_key).unwrap_or_else(|| at.clone())
}

/// Returns the containers whose logs are to be kept, each with its artifact's name.
fn log_names(pod: &Pod) -> Vec<(String, String)> {
    if !pod.archive.logs {
        return Vec::new();
    }
    let set = pod.template.container_set.iter().flat_map(|set| &set.containers);
    let mut names: Vec<String> = set.map(|node| node.container.name.clone()).collect();
    if names.is_empty() {
        names.push("main".to_owned());
    }
    names
        .into_iter()
        .map(|container| {
            let name = format!("{container}-logs");
            (container, name)
        })
        .collect()
}
