//! Pods and claims of a run are deleted as the workflow says: a pod's folder with its log, a claim's with all in it. What is
//! archived, and what was kept as an artifact, stays. Each is done in the run's name, on record.
//! Not here: when that is (`engine::garbage`), artifacts (`artifacts::collect`), whole runs (`retention`).

use std::{collections::BTreeSet, sync::Arc};

use engine::garbage::{PodCollection, takes_claims};
use identity::Caller;
use model::argo::{NodeId, NodeStatus, WorkflowStatus};
use policy::CollectPods;
use store::StoredRun;

use crate::{RunnerError, materials::own_claims, pods::denied, runner::Inner};

impl Inner {
    /// Deletes, after the time the workflow says, those pods of `nodes` (of all, if none are named) that are to be deleted.
    pub(crate) fn collect_pods(
        self: &Arc<Self>,
        stored: &Arc<StoredRun>,
        status: &WorkflowStatus,
        nodes: Option<&BTreeSet<NodeId>>,
    ) {
        let Some(collection) = PodCollection::of(&stored.workflow) else { return };
        let is_over = |node: &&NodeStatus| collection.takes(&stored.workflow, status.phase, node);
        let over: Vec<NodeStatus> = match nodes {
            Some(nodes) => {
                nodes.iter().filter_map(|id| status.nodes.get(id)).filter(is_over).cloned().collect()
            }
            None => status.nodes.values().filter(is_over).cloned().collect(),
        };
        if over.is_empty() {
            return;
        }
        let (inner, stored) = (Arc::clone(self), Arc::clone(stored));
        tokio::spawn(async move {
            tokio::time::sleep(collection.delay()).await;
            if let Err(error) = inner.delete_pods(&stored, &over).await {
                tracing::error!(run = %stored.facts.id, %error, "pods were not deleted");
            }
        });
    }

    /// Deletes the pods of nodes that are still as they were: one that runs again has a new pod.
    async fn delete_pods(
        self: &Arc<Self>,
        stored: &StoredRun,
        over: &[NodeStatus],
    ) -> Result<(), RunnerError> {
        if self.pods.is_closed() {
            return Ok(()); // the next start looks again
        }
        let _no_retry = self.retrying.lock().await;
        let now = self.look_at(stored.facts.id, over.iter().map(|node| node.id.clone()).collect()).await?;
        let same = |(then, now): &(&NodeStatus, Option<NodeStatus>)| {
            now.as_ref().is_some_and(|now| now.phase.is_fulfilled() && now.finished_at == then.finished_at)
        };
        let nodes: Vec<NodeId> = over.iter().zip(now).filter(same).map(|(node, _)| node.id.clone()).collect();
        let nodes = self.backend.kept_pods(stored.facts.id, nodes).await?;
        self.delete(stored, nodes, Vec::new()).await
    }

    /// Deletes the claims that were made for a run that has ended, if the workflow says so of such an end.
    pub(crate) async fn collect_claims(&self, stored: &StoredRun, status: &WorkflowStatus) {
        if takes_claims(&stored.workflow, status.phase) {
            self.delete_claims(stored).await;
        }
    }

    /// Deletes the claims that were made for a run.
    pub(crate) async fn delete_claims(&self, stored: &StoredRun) {
        let claims = own_claims(&stored.workflow);
        if let Err(error) = self.delete(stored, Vec::new(), claims).await {
            tracing::error!(run = %stored.facts.id, %error, "the claims of a run were not deleted");
        }
    }

    async fn delete(
        &self,
        stored: &StoredRun,
        nodes: Vec<NodeId>,
        claims: Vec<String>,
    ) -> Result<(), RunnerError> {
        if nodes.is_empty() && claims.is_empty() {
            return Ok(());
        }
        let caller = Caller::for_run(stored.submitter.clone(), stored.facts.id);
        let action = CollectPods { run: stored.facts.clone(), nodes, claims };
        let deleted = self.act(&caller, action, async |go| self.backend.collect(go).await);
        deleted.await.map_err(denied)
    }
}
