//! Artifact garbage collection: outputs are deleted when their run has ended or is deleted, as the workflow or the artifact
//! says. What was done is remembered beside the run, whose events are over. Source: Argo `workflow/controller/artifact_gc.go`.
//! Not here: service accounts and pods of the collection's own, which need a cluster.
//! Invariant: an output of another run is never deleted: only what a node of this run shows as its own.

use std::{collections::BTreeSet, sync::Arc};

use driver::Place;
use identity::Caller;
use model::argo::{ArchiveLocation, Artifact, Location, NodeId, NodeType, WorkflowStatus};
use policy::{CollectArtifacts, MoveArtifacts};
use serde_json::{Value, json};
use store::StoredRun;

use super::{completed, in_words, repository_of, unacted};
use crate::{ChangeKind, RunnerError, runner::Inner};

/// The kind of the facts that say what was collected.
const COLLECTED: &str = "ArtifactGc";
/// The field in which workflows and artifacts say when.
const FIELD: &str = "artifactGC";

/// When artifacts are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The run has ended.
    Completion,
    /// The run is deleted.
    Deletion,
}

impl Moment {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "OnWorkflowCompletion",
            Self::Deletion => "OnWorkflowDeletion",
        }
    }
}

/// One artifact to be deleted.
struct Doomed {
    node: NodeId,
    name: String,
    /// The key in this machine's own store, which an artifact elsewhere was put there from.
    key: Option<String>,
    at: Option<Location>,
}

impl Inner {
    /// Deletes the artifacts whose moment has come, after a run has ended; nothing if none asks for it.
    pub(crate) async fn collect_after(self: &Arc<Self>, stored: Arc<StoredRun>, status: Arc<WorkflowStatus>) {
        let phase = status.phase;
        if let Err(error) = self.collect(&stored, &status, &[Moment::Completion]).await {
            tracing::error!(run = %stored.facts.id, %error, "artifacts were not collected");
            return;
        }
        let merged = self.with_collected(&stored, WorkflowStatus::clone(&status)).await;
        if merged != *status {
            self.remember_ended(stored.facts.id, Arc::new(merged));
            self.changed(&stored.facts, ChangeKind::Modified, phase);
        }
    }

    /// Deletes artifacts and claims before a run is deleted.
    ///
    /// # Errors
    /// [`RunnerError::Conflict`] if some cannot be deleted and the workflow does not say that they may stay.
    pub(crate) async fn collect_before_deletion(
        self: &Arc<Self>,
        run: model::RunId,
    ) -> Result<(), RunnerError> {
        let (stored, _) = self.store.replay(run).await?;
        let status = self.look(run).await?.status;
        let failures = self.collect(&stored, &status, &[Moment::Completion, Moment::Deletion]).await?;
        let spec = stored.workflow.spec.rest.get(FIELD);
        let forced = spec.and_then(|spec| spec.get("forceFinalizerRemoval")).and_then(Value::as_bool);
        match failures.first() {
            Some(failure) if forced != Some(true) => Err(RunnerError::Conflict(format!(
                "artifact garbage collection failed: {failure}; `forceFinalizerRemoval` of `artifactGC` would let the \
                 workflow be deleted without"
            ))),
            _ => {
                self.delete_claims(&stored).await;
                Ok(())
            }
        }
    }

    /// Deletes what is to be deleted at these moments and is still there; returns what failed.
    async fn collect(
        &self,
        stored: &StoredRun,
        status: &WorkflowStatus,
        moments: &[Moment],
    ) -> Result<Vec<String>, RunnerError> {
        let kept = self.collected(stored).await?;
        let mut deleted: BTreeSet<String> = texts(&kept, "deleted").collect();
        let doomed: Vec<Doomed> = doomed(stored, status, moments)?
            .into_iter()
            .filter(|one| !deleted.contains(&id_of(&one.node, &one.name)))
            .collect();
        let mut processed: BTreeSet<String> = texts(&kept, "strategies").collect();
        if doomed.is_empty() {
            return Ok(Vec::new());
        }
        let caller = Caller::for_run(stored.submitter.clone(), stored.facts.id);
        let mut failures = Vec::new();
        for one in &doomed {
            match self.delete_one((&caller, stored), one).await {
                Ok(()) => {
                    deleted.insert(id_of(&one.node, &one.name));
                }
                Err(error) => {
                    failures.push(format!("artifact '{}' of node '{}': {error}", one.name, one.node))
                }
            }
        }
        processed.extend(moments.iter().map(|moment| moment.as_str().to_owned()));
        let body = json!({"deleted": deleted, "strategies": processed, "failures": failures}).to_string();
        let action = CollectArtifacts { run: stored.facts.clone(), digest: store::fact_digest(&body) };
        let noted = self.act(&caller, action, async |go| {
            self.store.keep_fact(go, Some(body)).await.map_err(RunnerError::from)
        });
        noted.await.map_err(unacted)?;
        Ok(failures)
    }

    async fn delete_one(&self, for_whom: (&Caller, &StoredRun), one: &Doomed) -> Result<(), RunnerError> {
        let (caller, stored) = for_whom;
        let secrets = self.secrets_of(for_whom, &one.node, one.at.iter()).await?;
        let place = one.at.as_ref().map_or_else(|| one.name.clone(), |at| in_words(&one.name, at));
        let action = MoveArtifacts {
            run: stored.facts.clone(),
            node: one.node.clone(),
            fetched: Vec::new(),
            put: Vec::new(),
            deleted: vec![place],
        };
        let namespace = &stored.facts.name.namespace;
        let done = self.act(caller, action, async |go| {
            if let Some(at) = &one.at {
                let place = Place { at, namespace, secrets: &secrets };
                self.drivers.delete(place).await.map_err(RunnerError::Artifact)?;
            }
            if let Some(key) = &one.key {
                self.backend.delete_output(go, key).await?;
            }
            Ok::<_, RunnerError>(())
        });
        done.await.map_err(unacted)
    }

    async fn collected(&self, stored: &StoredRun) -> Result<Value, RunnerError> {
        let (namespace, id) = (&stored.facts.name.namespace, stored.facts.id.uuid().to_string());
        let body = self.store.fact(COLLECTED, namespace, &id).await?;
        Ok(body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default())
    }

    /// Returns the status of a run that has ended with what was collected of it, as Argo shows it.
    pub(crate) async fn with_collected(
        &self,
        stored: &StoredRun,
        mut status: WorkflowStatus,
    ) -> WorkflowStatus {
        // a status without it is better than none
        let kept = self.collected(stored).await.unwrap_or_default();
        let strategies: serde_json::Map<String, Value> =
            texts(&kept, "strategies").map(|strategy| (strategy, json!(true))).collect();
        if strategies.is_empty() {
            return status;
        }
        let deleted: BTreeSet<String> = texts(&kept, "deleted").collect();
        for (id, node) in &mut status.nodes {
            for artifact in node.outputs.iter_mut().flat_map(|outputs| &mut outputs.artifacts) {
                if deleted.contains(&id_of(id, &artifact.name)) {
                    artifact.rest.insert("deleted".to_owned(), json!(true));
                }
            }
        }
        status.rest.insert("artifactGCStatus".to_owned(), json!({ "strategiesProcessed": strategies }));
        let failures: Vec<String> = texts(&kept, "failures").collect();
        if !failures.is_empty() {
            let condition =
                json!({"type": "ArtifactGCError", "status": "True", "message": failures.join("; ")});
            let conditions = status.rest.entry("conditions").or_insert_with(|| json!([]));
            if let Some(conditions) = conditions.as_array_mut() {
                conditions.push(condition);
            }
        }
        status
    }
}

fn texts<'a>(kept: &'a Value, field: &str) -> impl Iterator<Item = String> + 'a {
    let all = kept.get(field).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|text| text.as_str().map(str::to_owned))
}

fn id_of(node: &NodeId, artifact: &str) -> String {
    format!("{node}/{artifact}")
}

/// Returns the outputs of the run's pods that are to be deleted at these moments.
fn doomed(
    stored: &StoredRun,
    status: &WorkflowStatus,
    moments: &[Moment],
) -> Result<Vec<Doomed>, RunnerError> {
    let of_workflow = strategy(stored.workflow.spec.rest.get(FIELD));
    let repository = ArchiveLocation { location: repository_of(stored).location, logs: false };
    let mut found = Vec::new();
    for (id, node) in status.nodes.iter().filter(|(_, node)| node.node_type == NodeType::Pod) {
        for artifact in node.outputs.iter().flat_map(|outputs| &outputs.artifacts) {
            let own = strategy(artifact.rest.get(FIELD)).or(of_workflow);
            let is_doomed = moments.iter().any(|moment| own == Some(moment.as_str()));
            if is_doomed {
                found.push(one(stored, id, artifact, &repository)?);
            }
        }
    }
    Ok(found)
}

fn one(
    stored: &StoredRun,
    node: &NodeId,
    artifact: &Artifact,
    repository: &ArchiveLocation,
) -> Result<Doomed, RunnerError> {
    let (node, name) = (node.clone(), artifact.name.clone());
    if let Some(key) = engine::artifact_key(artifact) {
        return Ok(Doomed { node, name, key: Some(key), at: None });
    }
    let at = artifact.location().map_err(|fault| RunnerError::Conflict(fault.to_string()))?;
    let at = at.map(|at| completed(at, repository)).transpose()?;
    // what it was put there from
    let key = format!("{}/{node}/{name}", stored.facts.id.uuid());
    Ok(Doomed { node, name, key: Some(key), at })
}

fn strategy(field: Option<&Value>) -> Option<&str> {
    field?.get("strategy")?.as_str().filter(|strategy| !strategy.is_empty())
}
