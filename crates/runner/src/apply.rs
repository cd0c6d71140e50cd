//! Applying manifests and asking why: the catalog's side of the runner. Not here: reading files (edges).

use std::sync::{Arc, PoisonError};

use audit::{ActError, Clock as _};
use identity::{Caller, Principal};
use model::{ApplyId, Code, ComponentRef, Fault, ScopeRef, catalog::Catalog, manifest::Manifest, oam::Via};
use policy::{ApplyManifests, Decision, Explain, Resource, Rules, SubmitRun, SubmitTarget};
use store::ApplyPlan;

use crate::{Runner, RunnerError, clock::SystemClock, random, runner::Current};

/// There is nothing to apply.
const NOTHING: Code = Code("RUN0009");
/// The namespace that clients send when none is named, as kubectl does.
const UNNAMED: &str = "default";

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
        if namespaces.is_empty() {
            return Err(RunnerError::Faults(vec![Fault::new(NOTHING, "there is nothing to apply")]));
        }
        let manifests = match self.inner.sealed(&before, manifests) {
            Ok(sealed) => sealed,
            Err(faults) => return Err(self.apply_faults(caller, &namespaces, &[], faults).await),
        };
        let given: Vec<Touched> = manifests.iter().map(|manifest| Touched::by(manifest, &before)).collect();
        let planned = store::plan_apply(&current, revision, manifests, id).and_then(|(catalog, plan)| {
            let catalog = Arc::new(catalog);
            let rules = Rules::compile(Arc::clone(&catalog), &self.inner.config.policy)?;
            Ok((catalog, plan, rules))
        });
        let (catalog, plan, rules) = match planned {
            Ok(planned) => planned,
            Err(faults) => return Err(self.apply_faults(caller, &namespaces, &given, faults).await),
        };
        let count = namespaces.len();
        for (index, namespace) in namespaces.into_iter().enumerate() {
            // each namespace that is touched asks for its own right; the last one carries the effect
            let action = apply_action(&plan, &given, namespace.clone(), &before, &catalog);
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
            self.inner.objects_changed();
        }
        Ok(plan)
    }

    /// Returns the faults, but only to somebody who may change what the manifests are about; the attempts are on record.
    async fn apply_faults(
        &self,
        caller: &Caller,
        namespaces: &[String],
        given: &[Touched],
        faults: Vec<Fault>,
    ) -> RunnerError {
        for namespace in namespaces {
            let scopes = scopes_of(given, namespace);
            let action = ApplyManifests { namespace: namespace.clone(), digest: String::new(), scopes };
            let tried =
                self.act(caller, action, async |_| Err::<(), _>(RunnerError::Faults(faults.clone()))).await;
            match tried {
                Ok(()) | Err(ActError::Failed(_)) => {}
                Err(error) => return RunnerError::from_act(error, "namespaces", namespace),
            }
        }
        RunnerError::Faults(faults)
    }

    /// Returns the component that is meant by a name without a namespace, which clients send as one of `default`: that
    /// one if there is one, else the only one so called that the caller may know of, else the name as it is.
    pub fn meant_component(&self, caller: &Caller, asked: ComponentRef) -> ComponentRef {
        let rules = self.rules();
        if asked.namespace != UNNAMED || rules.catalog().component(&asked).is_some() {
            return asked;
        }
        let now = SystemClock.now();
        let known = |component: &ComponentRef| {
            let resource = Resource::Component(component.clone());
            rules.may_know(caller.principal(), caller.run(), &resource, now)
        };
        let mut so_called = rules.catalog().components().map(|bound| &bound.component).filter(|component| {
            component.application == asked.application
                && component.component == asked.component
                && known(component)
        });
        match (so_called.next(), so_called.next()) {
            (Some(only), None) => only.clone(),
            _ => asked,
        }
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
    /// Returns the manifests as they may be kept: with their Secrets sealed.
    fn sealed(&self, before: &Catalog, manifests: Vec<Manifest>) -> Result<Vec<Manifest>, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut sealed = Vec::with_capacity(manifests.len());
        for manifest in manifests {
            let (_, namespace, name) = manifest.key();
            let known = before.secret(&model::NamespacedName::new(namespace, name));
            match self.sealing_key.sealed(manifest, known) {
                Ok(manifest) => sealed.push(manifest),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(sealed) } else { Err(faults) }
    }

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

/// The scopes that an object given to `apply` touches.
struct Touched {
    namespace: String,
    /// Those that exist before.
    scopes: Vec<ScopeRef>,
}

impl Touched {
    fn by(manifest: &Manifest, before: &Catalog) -> Self {
        let (_, namespace, name) = manifest.key();
        Self { scopes: touched(before, manifest, &namespace, &name), namespace }
    }
}

fn scopes_of(given: &[Touched], namespace: &str) -> Vec<ScopeRef> {
    let here = given.iter().filter(|touched| touched.namespace == namespace);
    here.flat_map(|touched| touched.scopes.clone()).collect()
}

/// Returns the act of applying `plan` to `namespace`. It names the scopes that exist before and that its objects touch,
/// by changing them or what they bind: their owners may. An object that touches none of them, or that changes which
/// scope is the namespace's root, is nobody's but an administrator's: then a scope is named that does not exist.
fn apply_action(
    plan: &ApplyPlan,
    given: &[Touched],
    namespace: String,
    before: &Catalog,
    after: &Catalog,
) -> ApplyManifests {
    let mut scopes = scopes_of(given, &namespace);
    for manifest in &plan.write {
        let (_, in_namespace, name) = manifest.key();
        if in_namespace != namespace {
            continue;
        }
        let mut its = touched(before, manifest, &in_namespace, &name);
        its.extend(touched(after, manifest, &in_namespace, &name));
        its.retain(|scope| before.scope(scope).is_some());
        if its.is_empty() || before.namespace_root(&namespace) != after.namespace_root(&namespace) {
            its.push(ScopeRef::new(namespace.clone(), ""));
        }
        scopes.append(&mut its);
    }
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
