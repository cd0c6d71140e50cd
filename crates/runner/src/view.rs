//! Showing runs: each to those who may see it, its parameters and outputs only to those who may see outputs.
//! Not here: logs (`logs`).

use std::sync::Arc;

use audit::Clock as _;
use identity::Caller;
use model::{
    NamespacedName, RunId,
    argo::{NodeId, NodeStatus, WorkflowStatus},
};
use policy::{ListRuns, RunFacts, Verdict, ViewOutput, ViewRun};
use store::StoredRun;
use tokio::sync::oneshot;

use crate::{
    RunView, Runner, RunnerError,
    clock::SystemClock,
    drive::{Input, Seen},
    runner::{Inner, lock},
    submit::new_run,
};

pub(crate) const WORKFLOWS: &str = "workflows.argoproj.io";

impl Runner {
    /// Returns a run with its status.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`] also when the caller may not know of it.
    pub async fn view(&self, caller: &Caller, name: &NamespacedName) -> Result<RunView, RunnerError> {
        let facts = self.facts(name).await?;
        let action = ViewRun { run: facts.clone() };
        let stored = self.act(caller, action, async |go| self.store().run(go.permit()).await).await;
        let stored = stored.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))?;
        let full = self.outputs_allowed(caller, &facts);
        if full {
            let action = ViewOutput { run: facts };
            let noted = self.act(caller, action, async |_| Ok::<_, RunnerError>(())).await;
            noted.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))?;
        }
        let seen = self.inner.look(stored.facts.id).await?;
        Ok(shown(stored, &seen, full))
    }

    /// Returns the runs of a namespace that the caller may see, newest first; all namespaces when empty.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn list(&self, caller: &Caller, namespace: &str) -> Result<Vec<RunView>, RunnerError> {
        let action = ListRuns { namespace: namespace.to_owned() };
        let facts = self.act(caller, action, async |go| self.store().runs_facts(go.permit()).await).await;
        let facts = facts.map_err(|error| RunnerError::from_act(error, "namespaces", namespace))?;
        let (rules, now) = (self.rules(), SystemClock.now());
        let mut views = Vec::new();
        for run in facts {
            let Ok(permit) = rules.check(caller, ViewRun { run: run.clone() }, now) else { continue };
            let stored = self.store().run(&permit).await?;
            let seen = self.inner.look(stored.facts.id).await?;
            views.push(shown(stored, &seen, self.outputs_allowed(caller, &run)));
        }
        Ok(views)
    }

    /// Returns what a decision must know about a run; a run nobody knows is one the caller may not know of.
    pub(crate) async fn facts(&self, name: &NamespacedName) -> Result<RunFacts, RunnerError> {
        let missing = || RunnerError::NotFound { what: WORKFLOWS, name: name.name.clone() };
        self.store().run_facts(name).await?.ok_or_else(missing)
    }

    pub(crate) fn outputs_allowed(&self, caller: &Caller, facts: &RunFacts) -> bool {
        let action = ViewOutput { run: facts.clone() };
        let decision = self.rules().decide(caller.principal(), caller.run(), &action, SystemClock.now());
        decision.verdict == Verdict::Allow
    }
}

impl Inner {
    /// Returns a run's status and open gates: from its loop, or if it has ended from its events.
    pub(crate) async fn look(self: &Arc<Self>, run: RunId) -> Result<Seen, RunnerError> {
        if let Some(inbox) = self.inbox(run) {
            let (reply, seen) = oneshot::channel();
            if inbox.send(Input::Look(reply)).is_ok()
                && let Ok(seen) = seen.await
            {
                return Ok(seen);
            }
        }
        let kept = lock(&self.ended).iter().find(|(id, _)| *id == run).map(|(_, kept)| Arc::clone(kept));
        if let Some(status) = kept {
            return Ok(Seen { status, suspended: false, gates: Vec::new() });
        }
        let (stored, events) = self.store.replay(run).await?;
        let status = replayed(&stored, &events)?.status().clone();
        let status = Arc::new(self.with_collected(&stored, status).await);
        if status.phase.is_completed() {
            self.remember_ended(run, Arc::clone(&status));
        }
        Ok(Seen { status, suspended: false, gates: Vec::new() })
    }
}

impl Inner {
    /// Returns these nodes of a run as they are now; in a run under way no other is looked at.
    pub(crate) async fn look_at(
        self: &Arc<Self>,
        run: RunId,
        nodes: Vec<NodeId>,
    ) -> Result<Vec<Option<NodeStatus>>, RunnerError> {
        if let Some(inbox) = self.inbox(run) {
            let (reply, seen) = oneshot::channel();
            if inbox.send(Input::LookAt(nodes.clone(), reply)).is_ok()
                && let Ok(seen) = seen.await
            {
                return Ok(seen);
            }
        }
        let status = self.look(run).await?.status;
        Ok(nodes.iter().map(|node| status.nodes.get(node).cloned()).collect())
    }
}

/// Returns the run that these events lead to.
pub(crate) fn replayed(stored: &StoredRun, events: &[engine::Event]) -> Result<engine::Run, RunnerError> {
    let damaged = |rejected: Box<engine::Rejected>| store::StoreError::Damaged(rejected.reason.to_string());
    events.iter().try_fold(new_run(stored), |run, event| {
        engine::step(run, event).map(|(run, _)| run).map_err(|rejected| damaged(rejected).into())
    })
}

/// Returns the run as Argo shows it, with labels for its phase; without parameters and outputs unless `full`.
pub(crate) fn shown(stored: StoredRun, seen: &Seen, full: bool) -> RunView {
    let mut workflow = stored.workflow;
    let mut status = WorkflowStatus::clone(&seen.status);
    // what it began with
    for (field, value) in workflow.status.take().into_iter().flat_map(|status| status.rest) {
        status.rest.entry(field).or_insert(value);
    }
    workflow.spec.suspend = seen.suspended.then_some(true);
    let labels = &mut workflow.metadata.labels;
    let phase = status.phase;
    if !phase.as_str().is_empty() {
        labels.insert("workflows.argoproj.io/phase".to_owned(), phase.as_str().into());
    }
    if phase.is_completed() {
        labels.insert("workflows.argoproj.io/completed".to_owned(), "true".into());
    }
    workflow.metadata.resource_version = stored.events.to_string();
    if !full {
        status.outputs = None;
        for node in status.nodes.values_mut() {
            node.inputs = None;
            if let Some(outputs) = &mut node.outputs {
                outputs.parameters.clear();
                outputs.artifacts.clear();
                outputs.result = None;
            }
        }
        for parameter in &mut workflow.spec.arguments.parameters {
            parameter.value = None;
            parameter.default = None;
        }
    }
    workflow.status = Some(status);
    RunView { facts: stored.facts, workflow, binding: stored.binding }
}
