//! Running a workflow once more: a retry goes on with the same run, a resubmit is a new run by whoever asks for it.
//! Not here: what runs again (`engine::operate`), starting a run (`submit`).
//!
//! Invariant: nobody's approval counts for something else than it was given for. A new run opens its gates anew; a run
//! whose gates have been decided is neither retried with other parameters nor past a gate.

use std::collections::BTreeMap;

use engine::{EventKind, operate};
use identity::Caller;
use model::{
    NamespacedName, RunId,
    argo::{NodeId, Parameter, Workflow, WorkflowSpec, WorkflowTemplateRef},
    oam::Via,
};
use policy::{RetryRun, RunFacts, ViewOutput, ViewRun};
use store::StoredRun;
use tokio::sync::oneshot;

use crate::{
    ChangeKind, RunView, Runner, RunnerError, Submission,
    drive::Input,
    drive::Seen,
    random,
    runner::lock,
    view::{WORKFLOWS, replayed},
};

/// What a resubmit is asked for.
#[derive(Debug, Clone, Default)]
pub struct Resubmission {
    /// Whether what has Succeeded is taken over.
    pub memoized: bool,
    /// Arguments that take the place of the earlier run's.
    pub parameters: BTreeMap<String, String>,
    /// The reason given.
    pub reason: Option<String>,
    /// The ticket given.
    pub ticket: Option<String>,
}

impl Runner {
    /// Starts a new run of an earlier one's workflow, in the caller's own name.
    ///
    /// # Errors
    /// [`RunnerError`]; [`RunnerError::Operate`] if it cannot be memoized.
    pub async fn resubmit(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        via: Via,
        asked: Resubmission,
    ) -> Result<RunView, RunnerError> {
        let facts = self.facts(name).await?;
        self.resubmit_run(caller, facts, via, asked).await
    }

    /// Starts a new run of an archived one's workflow, in the caller's own name.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn resubmit_archived(
        &self,
        caller: &Caller,
        id: RunId,
        via: Via,
        asked: Resubmission,
    ) -> Result<RunView, RunnerError> {
        let facts = self.archived_facts(id).await?;
        self.resubmit_run(caller, facts, via, asked).await
    }

    async fn resubmit_run(
        &self,
        caller: &Caller,
        facts: RunFacts,
        via: Via,
        asked: Resubmission,
    ) -> Result<RunView, RunnerError> {
        let name = facts.name.clone();
        let told = |error| RunnerError::from_act(error, WORKFLOWS, &name);
        let action = ViewRun { run: facts.clone() };
        let stored = self.act(caller, action, async |go| self.store().run(go.permit()).await).await;
        let stored = stored.map_err(|error| RunnerError::from_act(error, WORKFLOWS, &name))?;
        // whoever takes parameters and outputs over gets to see them
        let noted = self.act(caller, ViewOutput { run: facts.clone() }, async |_| Ok::<_, RunnerError>(()));
        noted.await.map_err(told)?;
        let seen = self.inner.look(facts.id).await?;
        let suffix = random::name_suffix()?;
        let memoized = asked.memoized.then_some(suffix.as_str());
        let again = operate::resubmit(&stored.workflow, &seen.status, memoized, &asked.parameters)?;
        let mut workflow = again.workflow;
        for said in ["marque.dev/reason", "marque.dev/ticket"] {
            workflow.metadata.annotations.shift_remove(said);
        }
        if let Some(component) = &stored.binding.component {
            workflow = self.of_component(&stored, workflow, &asked.parameters).ok_or_else(|| {
                RunnerError::Conflict(format!(
                    "component `{component}` of the earlier run does not exist any more"
                ))
            })?;
        }
        let bound = stored.binding.component.is_some();
        let submission =
            Submission { workflow, via, reason: asked.reason, ticket: asked.ticket, dry_run: false };
        let prepared = if bound {
            self.prepare(caller, &submission).await?
        } else {
            self.prepare_effective(caller, via, submission.workflow.clone())?
        };
        self.start_run(caller, &submission, prepared, again.begins).await
    }

    /// Returns the submission of a component's workflow as it is today, with the parameters that were set then and now.
    fn of_component(
        &self,
        stored: &StoredRun,
        workflow: Workflow,
        parameters: &BTreeMap<String, String>,
    ) -> Option<Workflow> {
        let rules = self.rules();
        let bound = rules.catalog().component(stored.binding.component.as_ref()?)?;
        let mut values = stored.binding.overrides.clone();
        values.extend(parameters.clone());
        let parameter = |(name, value): (String, String)| Parameter {
            name,
            value: Some(value.into()),
            ..Parameter::default()
        };
        let mut spec = WorkflowSpec {
            workflow_template_ref: Some(WorkflowTemplateRef {
                name: bound.template.name.clone(),
                cluster_scope: false,
            }),
            ..WorkflowSpec::default()
        };
        spec.arguments.parameters = values.into_iter().map(parameter).collect();
        let mut metadata = workflow.metadata;
        metadata.rest = serde_json::Map::new();
        Some(Workflow { metadata, spec, ..workflow })
    }

    /// Runs a part of an ended run again, in the name of whoever submitted it.
    ///
    /// # Errors
    /// [`RunnerError`]; [`RunnerError::Operate`] if it cannot be retried.
    pub async fn retry(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        options: operate::RetryOptions,
    ) -> Result<RunView, RunnerError> {
        let run = self.facts(name).await?;
        let action = RetryRun {
            run: run.clone(),
            restart_successful: options.restart_successful,
            node_field_selector: options.node_field_selector.clone(),
        };
        let _one_at_a_time = self.inner.retrying.lock().await;
        let retried = self.act(caller, action, async |go| {
            let (stored, events) = self.store().replay(run.id).await?;
            let ended = replayed(&stored, &events)?;
            let kind = operate::retry(&stored.workflow, ended.status(), &options)?;
            // it has ended; its loop may not have let go of it yet
            self.ended(run.id).await;
            let EventKind::Restarted { again, .. } = &kind else {
                return Err(RunnerError::Conflict("there is nothing to retry".to_owned()));
            };
            keeps_its_gates(&stored, &ended, again, &options)?;
            self.inner.backend.forget(go, again).await?;
            let next = u64::try_from(events.len()).unwrap_or(u64::MAX);
            self.inner.forget_ended(run.id);
            let inbox = self.inner.drive_again(stored, ended, next);
            self.inner.throttle.runs(&run);
            let (reply, begun) = oneshot::channel();
            let _ = inbox.send(Input::Ask(kind, reply));
            match begun.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(reason)) => {
                    lock(&self.inner.active).remove(&run.id);
                    self.inner.make_room(Some(run.id));
                    Err(RunnerError::Conflict(reason))
                }
                Err(_) => Ok(()),
            }
        });
        retried.await.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))?;
        self.inner.changed(&run, ChangeKind::Modified, model::argo::WorkflowPhase::Running);
        self.view(caller, name).await
    }

    /// Returns whether a waiting node opens only by approval.
    pub(crate) fn is_gated(seen: &Seen, node: &NodeId) -> bool {
        seen.gates.iter().any(|gate| gate.node == *node)
    }
}

/// Refuses what would let an approval count for something it was not given for.
fn keeps_its_gates(
    stored: &StoredRun,
    run: &engine::Run,
    again: &[NodeId],
    options: &operate::RetryOptions,
) -> Result<(), RunnerError> {
    if stored.binding.gates.is_empty() {
        return Ok(());
    }
    let refused = |why: &str| {
        Err(RunnerError::Conflict(format!("{why}: resubmit the workflow, so that its gates are asked anew")))
    };
    if !options.parameters.is_empty() {
        return refused("the gates of this run were opened for its own parameters");
    }
    let status = run.status();
    let gated = |id: &NodeId| {
        let node = status.nodes.get(id)?;
        let names = [&node.display_name, &node.template_name];
        stored.binding.gates.iter().find(|gate| names.contains(&&gate.node))
    };
    match again.iter().find_map(gated) {
        Some(gate) => refused(&format!("gate `{}` of this run has been decided", gate.node)),
        None => Ok(()),
    }
}
