//! Objects of Argo's other kinds, one at a time: CronWorkflows, WorkflowEventBindings, ClusterWorkflowTemplates.
//! Not here: WorkflowTemplates, which a component may bind (`templates`); several objects at once (`apply`).

use audit::Clock as _;
use identity::Caller;
use jiff::Timestamp;
use model::{
    ApplyId, NamespacedName,
    argo::ObjectMeta,
    catalog::Catalog,
    limits::{MAX_CRON_WORKFLOW_NAME_BYTES, MAX_NAME_BYTES},
    manifest::Manifest,
};
use policy::{DeleteObject, EditObject, ViewObject};
use store::StoreError;

use crate::{Runner, RunnerError, clock::SystemClock, random};

/// A kind of object that is written one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// CronWorkflow.
    CronWorkflow,
    /// WorkflowEventBinding.
    WorkflowEventBinding,
    /// ClusterWorkflowTemplate.
    ClusterWorkflowTemplate,
    /// ConfigMap, as far as it holds the limits of semaphores.
    ConfigMap,
}

impl ObjectKind {
    /// Returns the kind as Argo spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CronWorkflow => "CronWorkflow",
            Self::WorkflowEventBinding => "WorkflowEventBinding",
            Self::ClusterWorkflowTemplate => "ClusterWorkflowTemplate",
            Self::ConfigMap => "ConfigMap",
        }
    }
    /// Returns the resource as Kubernetes spells it, for messages.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::CronWorkflow => "cronworkflows.argoproj.io",
            Self::WorkflowEventBinding => "workfloweventbindings.argoproj.io",
            Self::ClusterWorkflowTemplate => "clusterworkflowtemplates.argoproj.io",
            Self::ConfigMap => "configmaps",
        }
    }
}

impl Runner {
    /// Returns the objects of a kind in a namespace (in all of them when empty), in order of name.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn objects(
        &self,
        caller: &Caller,
        kind: ObjectKind,
        namespace: &str,
    ) -> Result<Vec<Manifest>, RunnerError> {
        let action = ViewObject { namespace: namespace.to_owned(), kind: kind.as_str(), name: None };
        let found = self.act(caller, action, async |_| {
            let (_, manifests, _) = self.inner.current_manifests();
            let of_it = |manifest: &&Manifest| {
                let (its, within, _) = manifest.key();
                its == kind.as_str() && (namespace.is_empty() || within == namespace)
            };
            let mut found: Vec<Manifest> = manifests.iter().filter(of_it).cloned().collect();
            found.sort_by_key(Manifest::key);
            let made = self.store().creations(kind.as_str(), namespace).await?;
            for manifest in &mut found {
                let (_, within, name) = manifest.key();
                date(manifest.metadata_mut(), made.get(&(within, name)));
            }
            Ok::<_, RunnerError>(found)
        });
        found.await.map_err(|error| RunnerError::from_act(error, "namespaces", namespace))
    }

    /// Returns one object.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`].
    pub async fn object(
        &self,
        caller: &Caller,
        kind: ObjectKind,
        name: &NamespacedName,
    ) -> Result<Manifest, RunnerError> {
        let action = ViewObject {
            namespace: name.namespace.clone(),
            kind: kind.as_str(),
            name: Some(name.name.clone()),
        };
        let found = self.act(caller, action, async |_| self.dated_object(kind, name).await);
        found.await.map_err(|error| RunnerError::from_act(error, kind.resource(), &name.name))
    }

    /// Returns the object if it could be written; writes nothing.
    ///
    /// # Errors
    /// [`RunnerError::Faults`].
    pub async fn lint_object(
        &self,
        caller: &Caller,
        kind: ObjectKind,
        object: Manifest,
    ) -> Result<Manifest, RunnerError> {
        let name = name_of(kind, &object)?;
        let action = ViewObject {
            namespace: name.namespace.clone(),
            kind: kind.as_str(),
            name: Some(name.name.clone()),
        };
        let checked = self.act(caller, action, async |_| {
            let (_, current, revision) = self.inner.current_manifests();
            let id = ApplyId::from_uuid(random::uuid(SystemClock.now())?);
            store::plan_apply(&current, revision, vec![object.clone()], id).map_err(RunnerError::Faults)?;
            Ok::<_, RunnerError>(object)
        });
        checked.await.map_err(|error| RunnerError::from_act(error, kind.resource(), &name.name))
    }

    /// Writes an object: a new one if `new`, else in place of the one of that name.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if it is new and its name is taken, [`RunnerError::NotFound`] if it is not new and there is
    /// none, [`RunnerError::Faults`].
    pub async fn write_object(
        &self,
        caller: &Caller,
        kind: ObjectKind,
        mut object: Manifest,
        new: bool,
    ) -> Result<Manifest, RunnerError> {
        let most = match kind {
            ObjectKind::CronWorkflow => MAX_CRON_WORKFLOW_NAME_BYTES,
            _ => MAX_NAME_BYTES,
        };
        prepare(object.metadata_mut(), new, most)?;
        let _one_at_a_time = self.inner.applying.lock().await;
        let name = name_of(kind, &object)?;
        let now = SystemClock.now();
        let id = ApplyId::from_uuid(random::uuid(now)?);
        let (_, current, revision) = self.inner.current_manifests();
        // what is wrong with it is told only after the door
        let planned = store::plan_apply(&current, revision, vec![object.clone()], id);
        let digest = planned.as_ref().map(|(_, plan)| plan.digest.clone()).unwrap_or_default();
        let action = EditObject {
            namespace: name.namespace.clone(),
            kind: kind.as_str(),
            name: name.name.clone(),
            digest,
        };
        let written = self.act(caller, action, async |go| {
            match (new, self.current_object(kind, &name).is_ok()) {
                (true, true) => return Err(StoreError::Exists(name.name.clone()).into()),
                (false, false) => return Err(missing(kind, &name)),
                _ => {}
            }
            let (_, plan) = planned.map_err(RunnerError::Faults)?;
            if !plan.write.is_empty() {
                self.store().write_object(go, &plan, now).await?;
                self.inner.reload().await?;
            }
            self.dated_object(kind, &name).await
        });
        written.await.map_err(|error| RunnerError::from_act(error, kind.resource(), &name.name))
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// [`RunnerError::Faults`] if something refers to it, [`RunnerError::NotFound`].
    pub async fn delete_object(
        &self,
        caller: &Caller,
        kind: ObjectKind,
        name: &NamespacedName,
    ) -> Result<(), RunnerError> {
        let _one_at_a_time = self.inner.applying.lock().await;
        let action =
            DeleteObject { namespace: name.namespace.clone(), kind: kind.as_str(), name: name.name.clone() };
        let deleted = self.act(caller, action, async |go| {
            self.current_object(kind, name)?;
            let (_, current, _) = self.inner.current_manifests();
            let is_it = |manifest: &&Manifest| {
                manifest.key() == (kind.as_str(), name.namespace.clone(), name.name.clone())
            };
            let rest = current.iter().filter(|manifest| !is_it(manifest)).cloned().collect();
            Catalog::check(rest).map_err(RunnerError::Faults)?;
            let now = SystemClock.now();
            let id = ApplyId::from_uuid(random::uuid(now)?);
            self.store().delete_object(go, id, now).await?;
            self.inner.reload().await
        });
        deleted.await.map_err(|error| RunnerError::from_act(error, kind.resource(), &name.name))
    }

    fn current_object(&self, kind: ObjectKind, name: &NamespacedName) -> Result<Manifest, RunnerError> {
        let (_, manifests, _) = self.inner.current_manifests();
        let key = (kind.as_str(), name.namespace.clone(), name.name.clone());
        let found = manifests.iter().find(|manifest| manifest.key() == key);
        found.cloned().ok_or_else(|| missing(kind, name))
    }
}

impl Runner {
    /// Returns an object with the time it was made at.
    async fn dated_object(&self, kind: ObjectKind, name: &NamespacedName) -> Result<Manifest, RunnerError> {
        let mut found = self.current_object(kind, name)?;
        let made = self.store().creations(kind.as_str(), &name.namespace).await?;
        date(found.metadata_mut(), made.get(&(name.namespace.clone(), name.name.clone())));
        Ok(found)
    }
}

/// Tells an object's reader when it was made; that is not part of what was written.
pub(crate) fn date(metadata: &mut ObjectMeta, made: Option<&Timestamp>) {
    metadata.creation_timestamp = made.map(|at| crate::submit::whole_seconds(*at));
}

/// Makes an object ready to be written: a new one without a name gets one of `most` bytes, as Kubernetes makes it of
/// `generateName`; what a server says of an object is not part of it.
pub(crate) fn prepare(metadata: &mut ObjectMeta, new: bool, most: usize) -> Result<(), RunnerError> {
    if new && metadata.name.is_empty() && !metadata.generate_name.is_empty() {
        metadata.name = generated_name(&metadata.generate_name, most)?;
    }
    metadata.creation_timestamp = None;
    metadata.uid.clear();
    metadata.resource_version.clear();
    Ok(())
}

/// Returns a name that begins with `stem` and has not more than `most` bytes: what the suffix leaves no room for is cut
/// off. Source: Kubernetes `names.SimpleNameGenerator`.
pub(crate) fn generated_name(stem: &str, most: usize) -> Result<String, RunnerError> {
    let most = most.saturating_sub(random::SUFFIX_BYTES);
    let stem: String =
        stem.char_indices().take_while(|(at, c)| at + c.len_utf8() <= most).map(|(_, c)| c).collect();
    Ok(format!("{stem}{}", random::name_suffix()?))
}

fn missing(kind: ObjectKind, name: &NamespacedName) -> RunnerError {
    RunnerError::NotFound { what: kind.resource(), name: name.name.clone() }
}

/// Returns the object's name, if it is of the kind that is meant and can have that name.
fn name_of(kind: ObjectKind, object: &Manifest) -> Result<NamespacedName, RunnerError> {
    let (its, namespace, name) = object.key();
    if its != kind.as_str() {
        return Err(RunnerError::Conflict(format!("the object is not a {}", kind.as_str())));
    }
    let checked = model::name::check_subdomain("the object's name", &name).and_then(|()| {
        if kind == ObjectKind::ClusterWorkflowTemplate && namespace.is_empty() {
            return Ok(());
        }
        model::name::check_subdomain("the namespace", &namespace)
    });
    checked.map_err(|fault| RunnerError::Faults(vec![fault]))?;
    Ok(NamespacedName::new(namespace, name))
}
