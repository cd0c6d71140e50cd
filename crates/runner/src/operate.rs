//! Stop, terminate, suspend, resume, delete. Not here: gates, which open by approval (`gates`).

use engine::{EventKind, ShutdownStrategy};
use identity::Caller;
use model::{
    NamespacedName,
    argo::{NodeId, NodeStatus, NodeType},
};
use policy::{Action, DeleteRun, ResumeRun, RunFacts, StopRun, SuspendRun, TerminateRun};
use tokio::sync::oneshot;

use crate::{ChangeKind, GateAnswer, RunView, Runner, RunnerError, drive::Input, view::WORKFLOWS};

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

    /// Resumes a suspended run and its suspend nodes without gate (those `selector` chooses, as `displayName=approve`); a
    /// gated node that is chosen, or that alone waits, counts as an approval by the caller.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn resume(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        selector: Option<&str>,
    ) -> Result<RunView, RunnerError> {
        let run = self.facts(name).await?;
        let selector = selector.filter(|selector| !selector.is_empty());
        if let Some(selector) = selector.filter(|selector| selects(selector, &placeholder()).is_none()) {
            // what is wrong with the question is told only to those who may know of the run
            let error = RunnerError::Conflict(format!("node field selector `{selector}` is not understood"));
            return Err(self.hidden(caller, run, name, error).await);
        }
        let seen = self.inner.look(run.id).await?;
        let chosen = |node: &&NodeStatus| {
            waits(node) && selector.is_none_or(|selector| selects(selector, node).unwrap_or(false))
        };
        let chosen: Vec<&NodeStatus> = seen.status.nodes.values().filter(chosen).collect();
        let gated = |node: &NodeStatus| seen.gates.iter().any(|gate| gate.node == node.id);
        let (gates, free): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|node| gated(node));
        let suspended = seen.suspended || selector.is_none();
        if free.is_empty() && !gates.is_empty() {
            for gate in gates {
                let answer = GateAnswer { node: Some(gate.id.to_string()), ..GateAnswer::default() };
                self.approve(caller, name, answer).await?;
            }
            return self.view(caller, name).await;
        }
        let message = resumed_by(caller);
        if suspended {
            let kind = EventKind::Unsuspended;
            self.ask(caller, ResumeRun { run: run.clone(), node: None }, name, kind).await?;
        }
        for node in free {
            let kind = EventKind::Resumed {
                node: Some(node.id.clone()),
                message: message.clone(),
                parameters: std::collections::BTreeMap::new(),
            };
            self.ask(caller, ResumeRun { run: run.clone(), node: Some(node.id.clone()) }, name, kind).await?;
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

    async fn ended(&self, run: model::RunId) {
        let mut changes = self.changes();
        while self.inner.inbox(run).is_some() {
            if changes.recv().await.is_err() {
                tokio::task::yield_now().await;
            }
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

/// Returns whether a node field selector chooses a node; none if the selector is not understood.
/// Source: Argo `util/fields`: `displayName`, `name`, `id`, `templateName`, `phase` with `=`, `==`, `!=` and commas.
fn selects(selector: &str, node: &NodeStatus) -> Option<bool> {
    let mut all = true;
    for term in selector.split(',') {
        let (field, value, equal) = match term.split_once("!=") {
            Some((field, value)) => (field, value, false),
            None => term.split_once("==").or_else(|| term.split_once('=')).map(|(f, v)| (f, v, true))?,
        };
        let actual = match field.trim() {
            "displayName" => node.display_name.clone(),
            "name" => node.name.clone(),
            "id" => node.id.to_string(),
            "templateName" => node.template_name.clone(),
            "phase" => node.phase.as_str().to_owned(),
            _ => return None,
        };
        all &= (actual == value.trim()) == equal;
    }
    Some(all)
}

fn placeholder() -> NodeStatus {
    NodeStatus {
        id: NodeId::from_text(""),
        name: String::new(),
        display_name: String::new(),
        node_type: NodeType::Suspend,
        template_name: String::new(),
        template_ref: None,
        template_scope: String::new(),
        phase: model::argo::NodePhase::Running,
        boundary_id: None,
        message: String::new(),
        started_at: None,
        finished_at: None,
        progress: String::new(),
        node_flag: None,
        inputs: None,
        outputs: None,
        children: Vec::new(),
        outbound_nodes: Vec::new(),
        host_node_name: String::new(),
        pod_ip: String::new(),
        daemoned: None,
        memoization_status: None,
        synchronization_status: None,
        resources_duration: std::collections::BTreeMap::new(),
        estimated_duration: None,
    }
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

#[cfg(test)]
mod tests {
    use super::{placeholder, selects};

    #[test]
    fn a_node_field_selector_chooses_by_every_term() {
        let mut node = placeholder();
        node.display_name = "approve".to_owned();
        node.template_name = "gate".to_owned();
        for (selector, expected) in [
            ("displayName=approve", Some(true)),
            ("displayName==approve,phase=Running", Some(true)),
            ("displayName=approve,phase!=Running", Some(false)),
            ("templateName != gate", Some(false)),
            ("displayName=other", Some(false)),
            ("inputs.parameters.x.value=1", None),
            ("displayName", None),
        ] {
            assert_eq!(selects(selector, &node), expected, "{selector}");
        }
    }
}
