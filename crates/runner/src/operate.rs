//! Stop, terminate, suspend, resume, set, delete. Not here: gates, which open by approval (`gates`); retries and resubmits
//! (`again`).

use engine::{EventKind, ShutdownStrategy, operate::suspended};
use identity::Caller;
use model::{
    NamespacedName,
    argo::{NodeId, NodePhase, NodeStatus, NodeType},
};
use policy::{Action, DeleteRun, ResumeRun, RunFacts, StopRun, SuspendRun, TerminateRun};
use tokio::sync::oneshot;

use crate::{
    ChangeKind, GateAnswer, NodeValues, RunView, Runner, RunnerError, drive::Input, view::WORKFLOWS,
};

impl Runner {
    /// Stops a run; its exit handler runs.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn stop(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        message: Option<String>,
    ) -> Result<RunView, RunnerError> {
        let run = self.facts(name).await?;
        let kind =
            EventKind::ShutdownRequested { strategy: ShutdownStrategy::Stop, message: message.clone() };
        self.ask(caller, StopRun { run, message }, name, kind).await
    }

    /// Fails the suspend nodes without gate that `selector` chooses, instead of stopping the whole run. A gate is refused
    /// by those who may.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn stop_nodes(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        selector: &str,
        message: &str,
    ) -> Result<RunView, RunnerError> {
        let run = self.facts(name).await?;
        let nodes = match self.free_nodes(&run, selector).await {
            Ok(nodes) => nodes,
            Err(error) => return Err(self.hidden(caller, run, name, error).await),
        };
        for node in nodes {
            let kind = EventKind::NodeFailed { node, phase: NodePhase::Failed, message: message.to_owned() };
            let action = StopRun { run: run.clone(), message: Some(message.to_owned()) };
            self.ask(caller, action, name, kind).await?;
        }
        self.view(caller, name).await
    }

    /// Sets phase, message or output parameters of the suspend nodes without gate that `selector` chooses.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn set(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        selector: &str,
        values: NodeValues,
    ) -> Result<RunView, RunnerError> {
        let run = self.facts(name).await?;
        let nodes = match self.free_nodes(&run, selector).await {
            Ok(nodes) => nodes,
            Err(error) => return Err(self.hidden(caller, run, name, error).await),
        };
        for node in nodes {
            let kind = EventKind::NodeSet {
                node: node.clone(),
                phase: values.phase,
                message: values.message.clone(),
                parameters: values.parameters.clone(),
            };
            self.ask(caller, ResumeRun { run: run.clone(), node: Some(node) }, name, kind).await?;
        }
        self.view(caller, name).await
    }

    /// Returns the waiting suspend nodes that a selector means, none of which may be a gate.
    async fn free_nodes(&self, run: &RunFacts, selector: &str) -> Result<Vec<NodeId>, RunnerError> {
        let seen = self.inner.look(run.id).await?;
        let nodes = suspended(&seen.status, selector)?;
        if nodes.iter().any(|node| Self::is_gated(&seen, node)) {
            let why =
                "a node that is meant is a gate: it opens by approval only (`marque approve`, `marque deny`)";
            return Err(RunnerError::Conflict(why.to_owned()));
        }
        Ok(nodes)
    }

    /// Terminates a run.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn terminate(&self, caller: &Caller, name: &NamespacedName) -> Result<RunView, RunnerError> {
        let run = self.facts(name).await?;
        let kind = EventKind::ShutdownRequested { strategy: ShutdownStrategy::Terminate, message: None };
        self.ask(caller, TerminateRun { run }, name, kind).await
    }

    /// Suspends a run: no new node starts.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn suspend(&self, caller: &Caller, name: &NamespacedName) -> Result<RunView, RunnerError> {
        let run = self.facts(name).await?;
        self.ask(caller, SuspendRun { run }, name, EventKind::Suspended).await
    }

    /// Resumes a suspended run and its suspend nodes without gate, or with `selector` (as `displayName=approve`) only the
    /// nodes that it chooses; a gated node that is chosen, or that alone waits, counts as an approval by the caller.
    /// Source: Argo `workflow/util/util.go`, `ResumeWorkflow`.
    ///
    /// # Errors
    /// [`RunnerError`]; [`RunnerError::Operate`] if `selector` chooses none.
    pub async fn resume(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        selector: Option<&str>,
    ) -> Result<RunView, RunnerError> {
        let run = self.facts(name).await?;
        let selector = selector.filter(|selector| !selector.is_empty());
        let seen = self.inner.look(run.id).await?;
        let chosen = match selector.map(|selector| suspended(&seen.status, selector)) {
            Some(Ok(chosen)) => chosen,
            // what is wrong with the question is told only to those who may know of the run
            Some(Err(error)) => return Err(self.hidden(caller, run, name, error.into()).await),
            None => {
                let waiting = seen.status.nodes.values().filter(|node| waits(node));
                waiting.map(|node| node.id.clone()).collect()
            }
        };
        let (gates, free): (Vec<NodeId>, Vec<NodeId>) =
            chosen.into_iter().partition(|node| Self::is_gated(&seen, node));
        if free.is_empty() && !gates.is_empty() {
            for gate in gates {
                let answer = GateAnswer { node: Some(gate.to_string()), ..GateAnswer::default() };
                self.approve(caller, name, answer).await?;
            }
            return self.view(caller, name).await;
        }
        let message = resumed_by(caller);
        if selector.is_none() {
            let kind = EventKind::Unsuspended;
            self.ask(caller, ResumeRun { run: run.clone(), node: None }, name, kind).await?;
        }
        for node in free {
            let kind = EventKind::Resumed {
                node: Some(node.clone()),
                message: message.clone(),
                parameters: std::collections::BTreeMap::new(),
            };
            self.ask(caller, ResumeRun { run: run.clone(), node: Some(node) }, name, kind).await?;
        }
        self.view(caller, name).await
    }

    /// Deletes a run; one that has not ended is terminated first.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn delete(&self, caller: &Caller, name: &NamespacedName) -> Result<(), RunnerError> {
        let run = self.facts(name).await?;
        let id = run.id;
        let deleted = self.act(caller, DeleteRun { run: run.clone() }, async |go| {
            if let Some(inbox) = self.inner.inbox(id) {
                let kind =
                    EventKind::ShutdownRequested { strategy: ShutdownStrategy::Terminate, message: None };
                let _ = inbox.send(Input::Event(kind));
                self.ended(id).await;
            }
            self.inner.collect_before_deletion(id).await?;
            Ok::<_, RunnerError>(self.store().delete_run(go).await?)
        });
        deleted.await.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))?;
        self.inner.retention.forget(id);
        self.inner.changed(&run, ChangeKind::Deleted, model::argo::WorkflowPhase::Unknown);
        Ok(())
    }

    /// Returns when the loop of a run is over, at once if there is none.
    pub(crate) async fn ended(&self, run: model::RunId) {
        if let Some(inbox) = self.inner.inbox(run) {
            inbox.closed().await;
        }
    }

    /// Passes the door with `action`, then puts `kind` to the run's loop and waits until it is durable.
    pub(crate) async fn ask<A: Action>(
        &self,
        caller: &Caller,
        action: A,
        name: &NamespacedName,
        kind: EventKind,
    ) -> Result<RunView, RunnerError> {
        let policy::Resource::Run(facts) = action.resource() else {
            return Err(RunnerError::Conflict("the act is not about a run".to_owned()));
        };
        let asked = self.act(caller, action, async |_| self.put(&facts, kind).await).await;
        asked.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))?;
        self.view(caller, name).await
    }

    pub(crate) async fn put(&self, run: &RunFacts, kind: EventKind) -> Result<(), RunnerError> {
        let over = || RunnerError::Conflict("cannot change a workflow that has ended".to_owned());
        let inbox = self.inner.inbox(run.id).ok_or_else(over)?;
        let (reply, done) = oneshot::channel();
        inbox.send(Input::Ask(kind, reply)).map_err(|_| over())?;
        match done.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(RunnerError::Conflict(reason)),
            Err(_) => Err(over()),
        }
    }
}

fn waits(node: &NodeStatus) -> bool {
    node.node_type == NodeType::Suspend && !node.phase.is_fulfilled()
}

/// Returns the message of a resumed node, as Argo writes it. Source: Argo `server/workflow/workflow_server.go`.
fn resumed_by(caller: &Caller) -> String {
    let principal = caller.principal();
    let mut parts = Vec::new();
    if let Some(email) = &principal.email {
        parts.push(format!("Email:{email}"));
    }
    parts.push(format!("User:{}", principal.key.subject));
    format!("Resumed by: map[{}]", parts.join(" "))
}
