//! WorkflowTemplates through Argo's API: seeing them, and writing those that no component binds.
//! Not here: templates that a component binds; they change by an apply, with everything that governs them (`apply`).

use std::sync::{Arc, PoisonError};

use audit::Clock as _;
use identity::Caller;
use model::{ApplyId, NamespacedName, argo::WorkflowTemplate, catalog::Catalog, manifest::Manifest};
use policy::{DeleteTemplate, EditTemplate, Rules, ViewTemplate};
use store::StoreError;

use crate::{
    Runner, RunnerError,
    clock::SystemClock,
    objects::{date, prepare},
    random,
    runner::Current,
};

const TEMPLATES: &str = "workflowtemplates.argoproj.io";
const KIND: &str = "WorkflowTemplate";

impl Runner {
    /// Returns the WorkflowTemplates of a namespace (of all namespaces when empty), in order of name.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn templates(
        &self,
        caller: &Caller,
        namespace: &str,
    ) -> Result<Vec<WorkflowTemplate>, RunnerError> {
        let action = ViewTemplate { namespace: namespace.to_owned(), name: None };
        let found = self.act(caller, action, async |_| {
            let (_, manifests, _) = self.inner.current_manifests();
            let of_it = |template: &&WorkflowTemplate| {
                namespace.is_empty() || template.metadata.namespace == namespace
            };
            let mut found: Vec<WorkflowTemplate> =
                manifests.iter().filter_map(as_template).filter(of_it).cloned().collect();
            let key = |t: &WorkflowTemplate| (t.metadata.namespace.clone(), t.metadata.name.clone());
            found.sort_by_key(key);
            let made = self.store().creations(KIND, namespace).await?;
            for template in &mut found {
                let made = made.get(&key(template));
                date(&mut template.metadata, made);
            }
            Ok::<_, RunnerError>(found)
        });
        found.await.map_err(|error| RunnerError::from_act(error, "namespaces", namespace))
    }

    /// Returns one WorkflowTemplate.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`].
    pub async fn template(
        &self,
        caller: &Caller,
        name: &NamespacedName,
    ) -> Result<WorkflowTemplate, RunnerError> {
        let action = ViewTemplate { namespace: name.namespace.clone(), name: Some(name.name.clone()) };
        let found = self.act(caller, action, async |_| self.dated_template(name).await);
        found.await.map_err(|error| RunnerError::from_act(error, TEMPLATES, &name.name))
    }

    /// Returns the template if it could be written; writes nothing.
    ///
    /// # Errors
    /// [`RunnerError::Faults`].
    pub async fn lint_template(
        &self,
        caller: &Caller,
        template: Manifest,
    ) -> Result<WorkflowTemplate, RunnerError> {
        let name = name_of(&template)?;
        let action = ViewTemplate { namespace: name.namespace.clone(), name: Some(name.name.clone()) };
        let checked = self.act(caller, action, async |_| {
            let (_, current, revision) = self.inner.current_manifests();
            let id = ApplyId::from_uuid(random::uuid(SystemClock.now())?);
            store::plan_apply(&current, revision, vec![template.clone()], id).map_err(RunnerError::Faults)?;
            as_template(&template).cloned().ok_or_else(|| missing(&name))
        });
        checked.await.map_err(|error| RunnerError::from_act(error, TEMPLATES, &name.name))
    }

    /// Writes a WorkflowTemplate: a new one if `new`, else in place of the one of that name.
    ///
    /// # Errors
    /// [`RunnerError::Conflict`] if a component binds it, [`StoreError::Exists`] if it is new and its name is taken,
    /// [`RunnerError::NotFound`] if it is not new and there is none.
    pub async fn write_template(
        &self,
        caller: &Caller,
        mut template: Manifest,
        new: bool,
    ) -> Result<WorkflowTemplate, RunnerError> {
        prepare(template.metadata_mut(), new, model::limits::MAX_NAME_BYTES)?;
        let _one_at_a_time = self.inner.applying.lock().await;
        let name = name_of(&template)?;
        let now = SystemClock.now();
        let id = ApplyId::from_uuid(random::uuid(now)?);
        let (catalog, current, revision) = self.inner.current_manifests();
        // what is wrong with it is told only after the door
        let planned = store::plan_apply(&current, revision, vec![template.clone()], id);
        let digest = planned.as_ref().map(|(_, plan)| plan.digest.clone()).unwrap_or_default();
        let action = EditTemplate { namespace: name.namespace.clone(), name: name.name.clone(), digest };
        let written = self.act(caller, action, async |go| {
            refuse_bound(&catalog, &name)?;
            match (new, catalog.template(&name)) {
                (true, Some(_)) => return Err(StoreError::Exists(name.name.clone()).into()),
                (false, None) => return Err(missing(&name)),
                _ => {}
            }
            let (_, plan) = planned.map_err(RunnerError::Faults)?;
            if !plan.write.is_empty() {
                self.store().write_template(go, &plan, now).await?;
                self.inner.reload().await?;
            }
            self.dated_template(&name).await
        });
        written.await.map_err(|error| RunnerError::from_act(error, TEMPLATES, &name.name))
    }

    /// Deletes a WorkflowTemplate.
    ///
    /// # Errors
    /// [`RunnerError::Conflict`] if a component binds it, [`RunnerError::Faults`] if something refers to it,
    /// [`RunnerError::NotFound`].
    pub async fn delete_template(&self, caller: &Caller, name: &NamespacedName) -> Result<(), RunnerError> {
        let _one_at_a_time = self.inner.applying.lock().await;
        let action = DeleteTemplate { namespace: name.namespace.clone(), name: name.name.clone() };
        let deleted = self.act(caller, action, async |go| {
            let (catalog, current, _) = self.inner.current_manifests();
            refuse_bound(&catalog, name)?;
            catalog.template(name).ok_or_else(|| missing(name))?;
            let is_it = |manifest: &Manifest| {
                as_template(manifest)
                    .is_some_and(|t| t.metadata.namespace == name.namespace && t.metadata.name == name.name)
            };
            let rest = current.iter().filter(|manifest| !is_it(manifest)).cloned().collect();
            Catalog::check(rest).map_err(RunnerError::Faults)?;
            let now = SystemClock.now();
            let id = ApplyId::from_uuid(random::uuid(now)?);
            self.store().delete_template(go, id, now).await?;
            self.inner.reload().await
        });
        deleted.await.map_err(|error| RunnerError::from_act(error, TEMPLATES, &name.name))
    }
}

impl Runner {
    /// Returns a template with the time it was made at.
    async fn dated_template(&self, name: &NamespacedName) -> Result<WorkflowTemplate, RunnerError> {
        let mut found = self.rules().catalog().template(name).cloned().ok_or_else(|| missing(name))?;
        let made = self.store().creations(KIND, &name.namespace).await?;
        date(&mut found.metadata, made.get(&(name.namespace.clone(), name.name.clone())));
        Ok(found)
    }
}

impl crate::runner::Inner {
    /// Compiles the rules of what is stored now, and puts them in force.
    pub(crate) async fn reload(&self) -> Result<(), RunnerError> {
        let (catalog, manifests, revision) = self.store.catalog().await?;
        let rules = Rules::compile(Arc::new(catalog), &self.config.policy).map_err(RunnerError::Faults)?;
        let current = Current { rules: Arc::new(rules), manifests: Arc::new(manifests), revision };
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = current;
        self.objects_changed();
        Ok(())
    }
}

fn as_template(manifest: &Manifest) -> Option<&WorkflowTemplate> {
    match manifest {
        Manifest::WorkflowTemplate(written) => Some(&written.object),
        _ => None,
    }
}

fn name_of(template: &Manifest) -> Result<NamespacedName, RunnerError> {
    match as_template(template) {
        Some(template) => {
            let metadata = &template.metadata;
            model::name::check_subdomain("the template's name", &metadata.name)
                .and_then(|()| model::name::check_subdomain("the namespace", &metadata.namespace))
                .map_err(|fault| RunnerError::Faults(vec![fault]))?;
            Ok(NamespacedName::new(metadata.namespace.clone(), metadata.name.clone()))
        }
        None => Err(RunnerError::Conflict("the object is not a WorkflowTemplate".to_owned())),
    }
}

fn missing(name: &NamespacedName) -> RunnerError {
    RunnerError::NotFound { what: TEMPLATES, name: name.name.clone() }
}

fn refuse_bound(catalog: &Catalog, name: &NamespacedName) -> Result<(), RunnerError> {
    match catalog.component_of_template(name) {
        Some(bound) => Err(RunnerError::Conflict(format!(
            "the template `{}` belongs to component `{}`; change it by an apply",
            name.name, bound.component
        ))),
        None => Ok(()),
    }
}
