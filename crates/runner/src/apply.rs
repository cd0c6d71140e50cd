//! Applying manifests and asking why: the catalog's side of the runner. Not here: reading files (edges).

use std::sync::{Arc, PoisonError};

use audit::Clock as _;
use identity::{Caller, Principal};
use model::{ApplyId, ComponentRef, ScopeRef, catalog::Catalog, manifest::Manifest, oam::Via};
use policy::{ApplyManifests, Decision, Explain, Rules, SubmitRun, SubmitTarget};
use store::ApplyPlan;

use crate::{Runner, RunnerError, clock::SystemClock, random, runner::Current};

impl Runner {
    /// Plans an apply of `manifests`; with `dry_run` only returns the plan.
    ///
    /// # Errors
    /// [`RunnerError::Faults`] with every fault; nothing is stored then.
    pub async fn apply(
        &self,
        caller: &Caller,
        manifests: Vec<Manifest>,
        dry_run: bool,
    ) -> Result<ApplyPlan, RunnerError> {
        let _one_at_a_time = self.inner.applying.lock().await;
        let (before, current, revision) = self.inner.current_manifests();
        let now = SystemClock.now();
        let id = ApplyId::from_uuid(random::uuid(now)?);
        let namespaces = namespaces(&manifests);
        let (catalog, plan) =
            store::plan_apply(&current, revision, manifests, id).map_err(RunnerError::Faults)?;
        let catalog = Arc::new(catalog);
        let rules =
            Rules::compile(Arc::clone(&catalog), &self.inner.config.policy).map_err(RunnerError::Faults)?;
        let count = namespaces.len();
        for (index, namespace) in namespaces.into_iter().enumerate() {
            // each namespace that is touched asks for its own right; the last one carries the effect
            let action = apply_action(&plan, namespace.clone(), &before, &catalog);
            let allowed = self.act(caller, action, async |go| {
                let last = index + 1 == count;
                if dry_run || !last || plan.write.is_empty() {
                    Ok(())
                } else {
                    self.store().apply(go, &plan, now).await
                }
            });
            allowed.await.map_err(|error| RunnerError::from_act(error, "namespaces", &namespace))?;
        }
        if !dry_run && !plan.write.is_empty() {
            let (_, manifests, revision) = self.store().catalog().await?;
            let current = Current { rules: Arc::new(rules), manifests: Arc::new(manifests), revision };
            *self.inner.rules.write().unwrap_or_else(PoisonError::into_inner) = current;
        }
        Ok(plan)
    }

    /// Returns the decision about starting a component with its own parameters, for `explain`; records the question.
    /// `as_whom` is another principal asked about: that itself needs the right to ask.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn explain_submit(
        &self,
        caller: &Caller,
        component: &ComponentRef,
        as_whom: Option<Principal>,
        reason: Option<String>,
    ) -> Result<Decision, RunnerError> {
        let rules = self.rules();
        let bound = rules.catalog().component(component);
        let parameters = bound.map(|bound| bound.parameters.clone()).unwrap_or_default();
        let now = SystemClock.now();
        let action = SubmitRun {
            id: model::RunId::from_uuid(random::uuid(now)?),
            target: SubmitTarget::Component(component.clone()),
            parameters,
            overrides: Vec::new(),
            via: Via::Manual,
            reason,
            ticket: None,
            digest: String::new(),
        };
        let asked = Explain { component: component.clone(), other: as_whom.is_some() };
        let subject = as_whom.as_ref().unwrap_or_else(|| caller.principal());
        let noted = self
            .act(caller, asked, async |_| Ok::<_, RunnerError>(rules.decide(subject, None, &action, now)));
        noted.await.map_err(|error| RunnerError::from_act(error, "components", component))
    }
}

impl crate::runner::Inner {
    pub(crate) fn current_manifests(&self) -> (Arc<Catalog>, Arc<Vec<Manifest>>, Option<ApplyId>) {
        let current = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(current.rules.catalog()), Arc::clone(&current.manifests), current.revision)
    }
}

fn namespaces(manifests: &[Manifest]) -> Vec<String> {
    let mut namespaces: Vec<String> = manifests.iter().map(|manifest| manifest.key().1).collect();
    namespaces.sort();
    namespaces.dedup();
    namespaces
}

/// Returns the act of applying `plan` to `namespace`: it names the scopes that exist already and that the plan touches,
/// by changing them or what they bind. A scope that is only now created is the administrator's business.
fn apply_action(plan: &ApplyPlan, namespace: String, before: &Catalog, after: &Catalog) -> ApplyManifests {
    let mut scopes: Vec<ScopeRef> = Vec::new();
    for catalog in [before, after] {
        for manifest in &plan.write {
            let (_, in_namespace, name) = manifest.key();
            scopes.extend(touched(catalog, manifest, &in_namespace, &name));
        }
    }
    scopes.retain(|scope| before.scope(scope).is_some());
    scopes.sort();
    scopes.dedup();
    ApplyManifests { namespace, digest: plan.digest.clone(), scopes }
}

fn touched(catalog: &Catalog, manifest: &Manifest, namespace: &str, name: &str) -> Vec<ScopeRef> {
    match manifest {
        Manifest::IdentityScope(_) => catalog.scope_chain(&ScopeRef::new(namespace, name)),
        Manifest::Application(_) => {
            let of_it = |c: &&model::catalog::BoundComponent| {
                c.component.namespace == namespace && c.component.application == name
            };
            catalog.components().filter(of_it).flat_map(|c| c.scopes.clone()).collect()
        }
        Manifest::WorkflowTemplate(_) => catalog
            .component_of_template(&model::NamespacedName::new(namespace, name))
            .map(|c| c.scopes.clone())
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}
