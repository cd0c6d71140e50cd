//! Input artifacts that lie elsewhere, fetched before the pod starts. Source: Argo `executor.go` LoadArtifacts.

use std::{collections::BTreeMap, path::PathBuf};

use driver::{DriverError, Place};
use engine::{InputSource, Pod, PodInput};
use identity::Caller;
use model::argo::Location;
use policy::MoveArtifacts;
use store::StoredRun;

use super::{completed, in_words, off_the_loop, unacted};
use crate::{RunnerError, runner::Inner};

impl Inner {
    /// Fetches the pod's input artifacts that lie elsewhere and returns where each is on this machine, unpacked; an
    /// optional one that is not there is left out.
    ///
    /// # Errors
    /// [`RunnerError`], its text naming the artifact.
    pub(crate) async fn fetch_inputs(
        &self,
        for_whom: (&Caller, &StoredRun),
        pod: &Pod,
    ) -> Result<BTreeMap<String, PathBuf>, RunnerError> {
        let (caller, stored) = for_whom;
        let mut wanted: Vec<(&PodInput, Location)> = Vec::new();
        for input in &pod.inputs {
            if let InputSource::Located(at) = &input.source {
                wanted.push((input, completed(Location::clone(at), &pod.archive)?));
            }
        }
        if wanted.is_empty() || self.backend.is_begun(stored.facts.id, &pod.node).await? {
            return Ok(BTreeMap::new());
        }
        let secrets = self.secrets_of(for_whom, &pod.node, wanted.iter().map(|(_, at)| at)).await?;
        let action = MoveArtifacts {
            run: stored.facts.clone(),
            node: pod.node.clone(),
            fetched: wanted.iter().map(|(input, at)| in_words(&input.name, at)).collect(),
            put: Vec::new(),
            deleted: Vec::new(),
        };
        let namespace = &stored.facts.name.namespace;
        let fetched = self.act(caller, action, async |go| {
            let folder = self.backend.inputs_folder(go).await?;
            let mut found = BTreeMap::new();
            for (number, (input, at)) in wanted.iter().enumerate() {
                let (raw, path) = (folder.join(format!("{number}.raw")), folder.join(number.to_string()));
                match self.drivers.load(Place { at, namespace, secrets: &secrets }, &raw).await {
                    Ok(()) => {}
                    Err(DriverError::NotFound(_)) if input.optional => continue,
                    Err(error) => return Err(failed(&input.name, &RunnerError::Artifact(error))),
                }
                let (archive, target) = (input.archive, path.clone());
                let limits = artifact::Limits::default();
                off_the_loop(move || artifact::unpack(&raw, archive, &target, &limits))
                    .await
                    .map_err(|error| failed(&input.name, &error))?;
                found.insert(input.name.clone(), path);
            }
            Ok::<_, RunnerError>(found)
        });
        fetched.await.map_err(unacted)
    }
}

fn failed(name: &str, error: &RunnerError) -> RunnerError {
    RunnerError::Conflict(format!("failed to load artifact '{name}': {error}"))
}
