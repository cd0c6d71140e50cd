//! Gates: suspend nodes that open only by approval of enough distinct people, bound to a digest of what they approve.
//! Not here: who may approve (`policy`), expiry (the engine's timer).

use std::{collections::BTreeSet, sync::Arc};

use audit::Clock as _;
use engine::EventKind;
use identity::Caller;
use model::{NamespacedName, argo::NodePhase, canonical};
use policy::{ApproveGate, DenyGate, RunFacts, ViewRun};
use store::{Approval, StoredRun};

use crate::{
    GateAnswer, OpenGate, Runner, RunnerError,
    clock::SystemClock,
    drive::{Seen, SeenGate},
    runner::Inner,
    view::WORKFLOWS,
};

impl Runner {
    /// Returns the open gates of a run.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn gates(&self, caller: &Caller, name: &NamespacedName) -> Result<Vec<OpenGate>, RunnerError> {
        let facts = self.facts(name).await?;
        let action = ViewRun { run: facts.clone() };
        let stored = self.act(caller, action, async |go| self.store().run(go.permit()).await).await;
        let stored = stored.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))?;
        let mut gates = self.inner.open_gates(&stored).await?;
        if !self.outputs_allowed(caller, &facts) && !self.may_approve(caller, &gates) {
            for gate in &mut gates {
                gate.parameters.clear();
            }
        }
        Ok(gates)
    }

    /// Approves a gate of a run (the only open one when no node is named). The digest, if given, must be the gate's.
    ///
    /// # Errors
    /// [`RunnerError::Conflict`] if the gate is not open or the digest differs.
    pub async fn approve(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        answer: GateAnswer,
    ) -> Result<OpenGate, RunnerError> {
        let mut gate = self.gate_for(caller, name, &answer).await?;
        let action = approval(&gate, answer.reason);
        let given = self.act(caller, action, async |go| {
            self.store().record_approval(go, SystemClock.now()).await.map_err(RunnerError::from)
        });
        gate.given = given.await.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))?;
        self.inner.open_if_enough(&gate).await;
        Ok(gate)
    }

    /// Refuses a gate: the node fails.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn deny(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        answer: GateAnswer,
    ) -> Result<OpenGate, RunnerError> {
        let gate = self.gate_for(caller, name, &answer).await?;
        let action = DenyGate {
            run: gate.run.clone(),
            node: gate.node.clone(),
            gate: gate.gate.clone(),
            reason: answer.reason.clone(),
        };
        let who = caller.principal().name.clone().unwrap_or_else(|| caller.principal().key.subject.clone());
        let why = answer.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let kind = EventKind::NodeFailed {
            node: gate.node.clone(),
            phase: NodePhase::Failed,
            message: format!("denied by {who}{why}"),
        };
        let denied = self.act(caller, action, async |_| self.put(&gate.run, kind).await).await;
        denied.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))?;
        Ok(gate)
    }

    fn may_approve(&self, caller: &Caller, gates: &[OpenGate]) -> bool {
        let rules = self.rules();
        gates.iter().any(|gate| rules.check(caller, approval(gate, None), SystemClock.now()).is_ok())
    }

    /// Returns `error`, but only to those who may know of the run; the look is on record.
    pub(crate) async fn hidden(
        &self,
        caller: &Caller,
        run: RunFacts,
        name: &NamespacedName,
        error: RunnerError,
    ) -> RunnerError {
        let looked = self.act(caller, ViewRun { run }, async |_| Ok::<_, RunnerError>(())).await;
        match looked {
            Ok(()) => error,
            Err(refused) => RunnerError::from_act(refused, WORKFLOWS, name),
        }
    }

    /// Returns the gate that is answered; what is wrong with it is told only to those who may know of the run.
    async fn gate_for(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        answer: &GateAnswer,
    ) -> Result<OpenGate, RunnerError> {
        let facts = self.facts(name).await?;
        match self.open_gate(&facts, answer).await {
            Ok(gate) => Ok(gate),
            Err(error) => Err(self.hidden(caller, facts, name, error).await),
        }
    }

    async fn open_gate(&self, run: &RunFacts, answer: &GateAnswer) -> Result<OpenGate, RunnerError> {
        let (stored, _) = self.store().replay(run.id).await?;
        let mut gates = self.inner.open_gates(&stored).await?;
        if let Some(node) = &answer.node {
            gates.retain(|gate| {
                gate.display_name == *node || gate.node.as_str() == node || gate.gate == *node
            });
        }
        let gate = match (gates.pop(), gates.len()) {
            (None, _) => {
                return Err(RunnerError::Conflict("no gate of this run waits for an approval".to_owned()));
            }
            (Some(gate), 0) => gate,
            (Some(_), _) => {
                return Err(RunnerError::Conflict(
                    "several gates wait for an approval; name the node".to_owned(),
                ));
            }
        };
        if answer.digest.as_ref().is_some_and(|digest| *digest != gate.digest) {
            let message = format!("the digest is not that of the gate: it is `{}`; look again", gate.digest);
            return Err(RunnerError::Conflict(message));
        }
        Ok(gate)
    }
}

impl Inner {
    /// Returns the open gates of a run with the approvals given.
    pub(crate) async fn open_gates(
        self: &Arc<Self>,
        stored: &StoredRun,
    ) -> Result<Vec<OpenGate>, RunnerError> {
        let Seen { status, gates, .. } = self.look(stored.facts.id).await?;
        let mut given = self.store.approvals(stored.facts.id).await?;
        let mut open = Vec::new();
        for SeenGate { node, gate, expires_at } in gates {
            let Some(effective) = stored.binding.gates.iter().find(|effective| effective.node == gate) else {
                continue;
            };
            let Some(shown) = status.nodes.get(&node) else { continue };
            let digest = gate_digest(stored, &gate, &node);
            let mut given = given.remove(&node).unwrap_or_default();
            // an approval of anything else than this very digest is void
            given.retain(|approval: &Approval| approval.digest == digest);
            let parameters = stored.workflow.spec.arguments.parameters.iter();
            open.push(OpenGate {
                run: stored.facts.clone(),
                display_name: shown.display_name.clone(),
                gate,
                digest,
                parameters: parameters
                    .map(|p| (p.name.clone(), p.value.as_ref().map(|v| v.0.clone()).unwrap_or_default()))
                    .collect(),
                needed: effective.min,
                given,
                expires_at: expires_at.unwrap_or(stored.created_at),
                node,
            });
        }
        Ok(open)
    }

    /// Lets the run go on if enough distinct people have approved.
    pub(crate) async fn open_if_enough(self: &Arc<Self>, gate: &OpenGate) {
        // people, not approvals: whoever approves twice is still one
        let people: BTreeSet<_> = gate.given.iter().map(|approval| &approval.approver).collect();
        if u32::try_from(people.len()).unwrap_or(u32::MAX) < gate.needed {
            return;
        }
        let names: Vec<String> =
            gate.given.iter().map(|a| a.name.clone().unwrap_or_else(|| a.approver.subject.clone())).collect();
        let kind = EventKind::Resumed {
            node: Some(gate.node.clone()),
            message: format!("approved by {}", names.join(", ")),
            parameters: std::collections::BTreeMap::new(),
        };
        let runner = Runner { inner: Arc::clone(self) };
        if let Err(error) = runner.put(&gate.run, kind).await {
            // the approvals are kept: the next start sees that they are enough
            tracing::error!(run = %gate.run.id, %error, "an approved gate was not opened");
        }
    }
}

/// Returns the act of approving a gate.
fn approval(gate: &OpenGate, reason: Option<String>) -> ApproveGate {
    ApproveGate {
        run: gate.run.clone(),
        node: gate.node.clone(),
        gate: gate.gate.clone(),
        digest: gate.digest.clone(),
        reason,
    }
}

/// Returns what an approval binds to: SHA-256 of the canonical JSON of template, parameters, revision, run and gate.
/// Source: RFC 8785 for the canonical form.
fn gate_digest(stored: &StoredRun, gate: &str, node: &model::argo::NodeId) -> String {
    canonical::digest(&serde_json::json!({
        "run": stored.facts.id.to_string(),
        "component": stored.binding.component.as_ref().map(ToString::to_string),
        "revision": stored.revision.map(|revision| revision.to_string()),
        "templateDigest": stored.binding.template_digest,
        "parametersDigest": stored.binding.parameters_digest,
        "gate": gate,
        "node": node.as_str(),
    }))
}
