//! Runs that have ended, also those that were deleted: the archive. A run leaves it only by being taken out of it.
//! Not here: runs as they are now (`view`). Source: Argo `server/workflowarchive`.

use std::collections::BTreeSet;

use audit::Clock as _;
use identity::Caller;
use model::RunId;
use policy::{DeleteArchived, ListRuns, RunFacts, ViewOutput, ViewRun};

use crate::{RunView, Runner, RunnerError, clock::SystemClock, view::WORKFLOWS, view::shown};

/// The kind of the facts that say what was taken out of the archive.
const UNARCHIVED: &str = "Unarchived";

impl Runner {
    /// Returns the ended runs of a namespace that the caller may see, newest first; of all namespaces when empty.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn archived(&self, caller: &Caller, namespace: &str) -> Result<Vec<RunView>, RunnerError> {
        let action = ListRuns { namespace: namespace.to_owned() };
        let facts =
            self.act(caller, action, async |go| self.store().ended_runs_facts(go.permit()).await).await;
        let facts = facts.map_err(|error| RunnerError::from_act(error, "namespaces", namespace))?;
        let gone = self.unarchived().await?;
        let (rules, now) = (self.rules(), SystemClock.now());
        let mut views = Vec::new();
        for run in facts {
            if gone.contains(&run.id.uuid().to_string()) {
                continue;
            }
            let Ok(permit) = rules.check(caller, ViewRun { run: run.clone() }, now) else { continue };
            let stored = self.store().run(&permit).await?;
            let seen = self.inner.look(stored.facts.id).await?;
            views.push(shown(stored, &seen, self.outputs_allowed(caller, &run)));
        }
        Ok(views)
    }

    /// Returns one ended run.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`] also when the caller may not know of it.
    pub async fn archived_run(&self, caller: &Caller, id: RunId) -> Result<RunView, RunnerError> {
        let facts = self.archived_facts(id).await?;
        let action = ViewRun { run: facts.clone() };
        let stored = self.act(caller, action, async |go| self.store().run(go.permit()).await).await;
        let stored = stored.map_err(|error| RunnerError::from_act(error, WORKFLOWS, id.uuid()))?;
        let full = self.outputs_allowed(caller, &facts);
        if full {
            let noted = self.act(caller, ViewOutput { run: facts }, async |_| Ok::<_, RunnerError>(())).await;
            noted.map_err(|error| RunnerError::from_act(error, WORKFLOWS, id.uuid()))?;
        }
        let seen = self.inner.look(id).await?;
        Ok(shown(stored, &seen, full))
    }

    /// Takes an ended run out of the archive.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`].
    pub async fn delete_archived(&self, caller: &Caller, id: RunId) -> Result<(), RunnerError> {
        let facts = self.archived_facts(id).await?;
        let body = SystemClock.now().to_string();
        let action = DeleteArchived { run: facts, digest: store::fact_digest(&body) };
        let done = self.act(caller, action, async |go| self.store().keep_fact(go, Some(body)).await).await;
        done.map_err(|error| RunnerError::from_act(error, WORKFLOWS, id.uuid()))
    }

    pub(crate) async fn archived_facts(&self, id: RunId) -> Result<RunFacts, RunnerError> {
        let missing = || RunnerError::NotFound { what: WORKFLOWS, name: id.uuid().to_string() };
        let facts = self.store().ended_run_facts(id).await?.ok_or_else(missing)?;
        let gone = self.unarchived().await?;
        if gone.contains(&id.uuid().to_string()) { Err(missing()) } else { Ok(facts) }
    }

    async fn unarchived(&self) -> Result<BTreeSet<String>, RunnerError> {
        Ok(self.store().facts(UNARCHIVED).await?.into_iter().map(|fact| fact.name).collect())
    }
}
