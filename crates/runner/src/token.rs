//! What a node's run token says, taken from the run and from the decision that lets it be minted.
//! Not here: signing (`identity`), delivering it (`pods`, `backend`).

use audit::{Audited, Clock as _};
use backend::BackendError;
use identity::{ApprovalClaim, RunClaims, RunTokenSeconds, Secret};
use model::{NamespacedName, TokenId, argo::NodeId};
use policy::MintRunToken;
use store::{Approval, StoredRun};

use crate::{RunnerError, clock::SystemClock, random, runner::Inner};

/// The longest a run token may live, in seconds.
const LONGEST: u32 = 600;

/// For whom a token is minted.
#[derive(Debug, Clone)]
pub(crate) struct TokenFor {
    pub(crate) token: TokenId,
    pub(crate) node: NodeId,
    pub(crate) step: String,
    pub(crate) attempt: u32,
    pub(crate) approvals: Vec<Approval>,
}

impl Inner {
    /// Returns the act of minting a token for a node, and what the token is for.
    pub(crate) async fn token_for(
        &self,
        stored: &StoredRun,
        pod: &engine::Pod,
    ) -> Result<(MintRunToken, TokenFor), RunnerError> {
        let token = TokenId::from_uuid(random::uuid(SystemClock.now())?);
        // only a gated run has approvals
        let approvals = if stored.binding.gates.is_empty() {
            Vec::new()
        } else {
            self.store.approvals(stored.facts.id).await?.into_values().flatten().collect()
        };
        let action =
            MintRunToken { run: stored.facts.clone(), node: pod.node.clone(), jti: token.to_string() };
        let attempt = attempt(&pod.node_name);
        let for_whom =
            TokenFor { token, node: pod.node.clone(), step: pod.display_name.clone(), attempt, approvals };
        Ok((action, for_whom))
    }

    /// Mints a token: only with the proof that it may be minted, for the node the proof names.
    pub(crate) fn mint(
        &self,
        go: &Audited<MintRunToken>,
        stored: &StoredRun,
        for_whom: &TokenFor,
    ) -> Result<Secret, BackendError> {
        let seconds = self.config.run_token_seconds.clamp(1, LONGEST);
        let unusable =
            || BackendError::Unsupported("a run token's lifetime is not between 1 and 600 s".to_owned());
        let decision = go.permit().decision();
        let claims = RunClaims {
            issuer: self.config.issuer.clone(),
            audience: self.config.run_token_audience.clone(),
            issued_at: SystemClock.now(),
            lifetime: RunTokenSeconds::new(seconds).ok_or_else(unusable)?,
            token: for_whom.token,
            run: stored.facts.id,
            attempt: for_whom.attempt,
            node_id: for_whom.node.to_string(),
            step: for_whom.step.clone(),
            scope: stored.facts.scopes.first().cloned(),
            environment: self.environment(stored),
            component: stored.facts.component.clone(),
            template: self.template_name(stored),
            template_digest: stored.binding.template_digest.clone(),
            params_digest: stored.binding.parameters_digest.clone(),
            trigger: stored.facts.via,
            submitter: stored.facts.submitter.clone(),
            actors: Vec::new(),
            approvals: for_whom.approvals.iter().map(claim).collect(),
            decision_id: go.entry().to_string(),
            policy_version: decision.rules_version.to_string(),
        };
        self.token_key
            .mint(&claims, &random::system())
            .map_err(|error| BackendError::Unsupported(format!("a run token was not minted: {error}")))
    }

    /// Returns the environment, where the innermost scope names exactly one.
    fn environment(&self, stored: &StoredRun) -> Option<String> {
        let rules = self.rules();
        let scope = rules.catalog().scope(stored.facts.scopes.first()?)?;
        match scope.object.spec.environments.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// Returns the WorkflowTemplate a run was made from, or the run's own name for a workflow of its own.
    fn template_name(&self, stored: &StoredRun) -> NamespacedName {
        let rules = self.rules();
        let bound =
            stored.facts.component.as_ref().and_then(|component| rules.catalog().component(component));
        bound.map_or_else(|| stored.facts.name.clone(), |bound| bound.template.clone())
    }
}

fn claim(approval: &Approval) -> ApprovalClaim {
    ApprovalClaim { by: approval.approver.clone(), at: approval.at, digest: approval.digest.clone() }
}

/// Returns which attempt a node is, counted from 1: attempts are named `step(0)`, `step(1)` …; an item of a loop has a
/// colon in its brackets. Source: Argo `workflow/controller/operator.go` processNodeRetries.
fn attempt(node_name: &str) -> u32 {
    let inner = node_name.strip_suffix(')').and_then(|name| name.rsplit_once('('));
    inner.and_then(|(_, number)| number.parse::<u32>().ok()).map_or(1, |number| number.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::attempt;

    #[test]
    fn attempts_are_counted_from_one_and_items_are_not_attempts() {
        for (name, expected) in
            [("wf", 1), ("wf.a(0)", 1), ("wf.a(3)", 4), ("wf.a(2:two)", 1), ("wf.a(0:x)(1)", 2)]
        {
            assert_eq!(attempt(name), expected, "{name}");
        }
    }
}
