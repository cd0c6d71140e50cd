//! Events: what comes in is looked at by every WorkflowEventBinding of its namespace, and those that select it start
//! their runs in the sender's name. Source: Argo `server/event/event_server.go` (dispatched before the answer).
//! Not here: what a binding makes of an event (`engine::binding`), reading the request (`server`).
//!
//! Invariant: an event that is answered well has started all its runs, durably; one that is not may be sent again.

use audit::Clock as _;
use engine::binding::{Dispatch, Incoming};
use identity::{AuthError, Caller, Delivery, PrincipalKind, WEBHOOK_CLIENTS, verify_webhook};
use model::{NamespacedName, argo::Workflow, oam::Via};
use policy::SendEvent;

use crate::{Runner, RunnerError, Submission, clock::SystemClock, random};

/// What a binding makes of an event, or why it cannot.
type Made = Result<Workflow, String>;

impl Runner {
    /// Returns who signed what came without a token; `None` if the namespace has no Secret that names clients of
    /// webhooks. Source: Argo `server/auth/webhook/interceptor.go`.
    pub fn webhook_caller(
        &self,
        namespace: &str,
        delivery: &Delivery<'_>,
    ) -> Option<Result<Caller, AuthError>> {
        let rules = self.rules();
        let secret = rules.catalog().secret(&NamespacedName::new(namespace, WEBHOOK_CLIENTS))?;
        Some(match self.inner.sealing_key.open(secret) {
            Ok(clients) => {
                let clients = clients.iter().map(|(name, text)| (name.as_str(), text.as_slice()));
                verify_webhook(namespace, clients, delivery)
            }
            Err(_) => Err(AuthError::SealedWebhookClients),
        })
    }

    /// Takes in an event: every binding of its namespace looks at it, in order of name. A machine starts runs by the
    /// path `event`; a person who sends one, by hand.
    ///
    /// # Errors
    /// [`RunnerError::Undispatched`] if a binding could not handle it, after all others have; a refusal if nothing else
    /// went wrong than that the sender may not start what was to be started.
    pub async fn send_event(&self, caller: &Caller, event: &Incoming) -> Result<(), RunnerError> {
        let via = match caller.principal().kind {
            PrincipalKind::User => Via::Manual,
            PrincipalKind::Workload => Via::Event,
        };
        let action = SendEvent {
            namespace: event.namespace.clone(),
            discriminator: event.discriminator.clone(),
            via,
            digest: store::fact_digest(&event.payload.to_string()),
        };
        let made = self.act(caller, action, async |_| self.made_of(event)).await;
        let made = made.map_err(|error| RunnerError::from_act(error, "namespaces", &event.namespace))?;
        let (mut refusals, mut failures) = (Vec::new(), Vec::new());
        for workflow in made {
            match workflow {
                Ok(workflow) => {
                    let submission = Submission { workflow, via, reason: None, ticket: None, dry_run: false };
                    match self.submit(caller, submission).await {
                        Ok(_) => {}
                        Err(RunnerError::Refused(refusal)) => refusals.push(refusal),
                        Err(error) => failures.push(format!("failed to create workflow: {error}")),
                    }
                }
                Err(why) => failures.push(why),
            }
        }
        match (refusals.pop(), failures.is_empty()) {
            (None, true) => Ok(()),
            (Some(refusal), true) => Err(RunnerError::Refused(refusal)),
            (refusal, false) => {
                failures.extend(refusal.map(|refusal| format!("failed to create workflow: {refusal}")));
                Err(RunnerError::Undispatched(failures.join(" ")))
            }
        }
    }

    fn made_of(&self, event: &Incoming) -> Result<Vec<Made>, RunnerError> {
        let dispatch = Dispatch::new(event, SystemClock.now(), u64::from_le_bytes(random::bytes()?));
        let rules = self.rules();
        let of_it = |namespace: &str| namespace == event.namespace;
        let bindings = rules.catalog().event_bindings().filter(|(name, _)| of_it(&name.namespace));
        let made = bindings.filter_map(|(name, binding)| {
            let made = dispatch.workflow(&binding.object).transpose()?;
            Some(made.map_err(|error| {
                tracing::warn!(binding = %name, %error, "WorkflowEventBindingError: failed to dispatch event");
                error.to_string()
            }))
        });
        Ok(made.map(|made| made.map(|workflow| in_namespace(workflow, &event.namespace))).collect())
    }
}

fn in_namespace(mut workflow: Workflow, namespace: &str) -> Workflow {
    namespace.clone_into(&mut workflow.metadata.namespace);
    workflow
}
