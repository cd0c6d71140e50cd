//! Starting a run: resolve, decide, record, keep, drive. Not here: merging templates (`model::lower`).

use std::{collections::BTreeMap, sync::Arc};

use audit::Clock as _;
use engine::{EventKind, Gate, Run, RunOptions};
use identity::{Caller, Principal};
use model::{
    ComponentRef, Fault, NamespacedName, RunId,
    argo::{ArchiveLocation, Workflow, WorkflowPhase},
    lower::{Binding, lower_over, rebind},
    name::check_subdomain,
};
use policy::{RunFacts, SubmitRun, SubmitTarget};
use store::StoredRun;
use tokio::sync::oneshot;

use crate::{
    ChangeKind, RunView, Runner, RunnerError, Submission, artifacts,
    clock::SystemClock,
    drive::Input,
    objects::generated_name,
    random,
    runner::Inner,
    throttle::{Waiting, postponed},
};

const WORKFLOWS: &str = "workflows.argoproj.io";
/// The longest value of a Kubernetes label.
const MAX_LABEL: usize = 63;

impl Runner {
    /// Starts a run: lowers, decides, records, keeps it and begins to drive it.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn submit(&self, caller: &Caller, submission: Submission) -> Result<RunView, RunnerError> {
        let stored = self.prepare(caller, &submission).await?;
        self.start_run(caller, &submission, stored, EventKind::Started).await
    }

    /// Starts a run that belongs to another object, which its metadata names: nobody but the server may say so.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub(crate) async fn submit_owned(
        &self,
        caller: &Caller,
        mut submission: Submission,
    ) -> Result<RunView, RunnerError> {
        let owners = submission.workflow.metadata.rest.shift_remove("ownerReferences");
        let mut stored = self.prepare(caller, &submission).await?;
        if let Some(owners) = owners {
            stored.workflow.metadata.rest.insert("ownerReferences".to_owned(), owners);
        }
        self.start_run(caller, &submission, stored, EventKind::Started).await
    }

    /// Starts what has been prepared; `begins` is its first event.
    pub(crate) async fn start_run(
        &self,
        caller: &Caller,
        submission: &Submission,
        stored: StoredRun,
        begins: EventKind,
    ) -> Result<RunView, RunnerError> {
        let action = submit_action(&stored, submission);
        let name = stored.facts.name.clone();
        if submission.dry_run {
            let done = self.act(caller, action, async |_| Ok::<_, RunnerError>(())).await;
            done.map_err(|error| RunnerError::from_act(error, WORKFLOWS, &name))?;
            return Ok(RunView { facts: stored.facts, workflow: stored.workflow, binding: stored.binding });
        }
        let kept =
            self.act(caller, action, async |go| self.store().create_run(go, stored.clone()).await).await;
        kept.map_err(|error| RunnerError::from_act(error, WORKFLOWS, &name))?;
        self.inner.changed(&stored.facts, ChangeKind::Added, WorkflowPhase::Unknown);
        self.inner.begin(stored, begins).await?;
        self.view(caller, &name).await.or_else(|error| match error {
            // may start it, may not look at it: the name is all there is to tell
            RunnerError::Refused(_) | RunnerError::NotFound { .. } => Ok(nothing_to_see(name)),
            error => Err(error),
        })
    }

    pub(crate) async fn prepare(
        &self,
        caller: &Caller,
        submission: &Submission,
    ) -> Result<StoredRun, RunnerError> {
        let (rules, revision) = self.inner.current();
        let mut asked = submission.workflow.clone();
        let id = RunId::from_uuid(random::uuid(SystemClock.now())?);
        name_it(&mut asked)?;
        let target = target_of(rules.catalog(), &asked);
        match lower_over(rules.catalog(), self.config().workflow_defaults.as_deref(), asked) {
            Ok((workflow, binding)) => {
                let workflow = self.with_repository(rules.catalog(), workflow)?;
                Ok(made(caller, (id, submission.via), (workflow, binding), revision))
            }
            Err(faults) => Err(self.faults(caller, id, target, submission, faults).await),
        }
    }

    /// Returns the workflow with the repository of its artifacts in its status; what a client wrote there is dropped.
    fn with_repository(
        &self,
        catalog: &model::catalog::Catalog,
        mut workflow: Workflow,
    ) -> Result<Workflow, RunnerError> {
        workflow.status = artifacts::frozen(catalog, &workflow, &self.config().artifacts.repository)?;
        Ok(workflow)
    }

    /// Prepares a workflow that is effective already: that of an earlier run, which belongs to no component.
    pub(crate) fn prepare_effective(
        &self,
        caller: &Caller,
        via: model::oam::Via,
        mut workflow: Workflow,
    ) -> Result<StoredRun, RunnerError> {
        let (rules, revision) = self.inner.current();
        let id = RunId::from_uuid(random::uuid(SystemClock.now())?);
        name_it(&mut workflow)?;
        let binding = rebind(rules.catalog(), &workflow);
        let workflow = self.with_repository(rules.catalog(), workflow)?;
        Ok(made(caller, (id, via), (workflow, binding), revision))
    }

    /// Returns the faults, but only to somebody who may start what they are about; the attempt is on record.
    async fn faults(
        &self,
        caller: &Caller,
        id: RunId,
        target: SubmitTarget,
        submission: &Submission,
        faults: Vec<Fault>,
    ) -> RunnerError {
        let name = match &target {
            SubmitTarget::Component(component) => component.to_string(),
            SubmitTarget::Namespace(namespace) => namespace.clone(),
        };
        let action = SubmitRun {
            id,
            target,
            parameters: BTreeMap::new(),
            overrides: Vec::new(),
            via: submission.via,
            reason: submission.reason.clone(),
            ticket: submission.ticket.clone(),
            digest: String::new(),
        };
        match self.act(caller, action, async |_| Err::<(), _>(RunnerError::Faults(faults))).await {
            Ok(()) => RunnerError::Conflict("faults are no success".to_owned()),
            Err(error) => RunnerError::from_act(error, WORKFLOWS, name),
        }
    }
}

/// Returns the run that is made of an effective workflow.
fn made(
    caller: &Caller,
    (id, via): (RunId, model::oam::Via),
    (mut workflow, binding): (Workflow, Binding),
    revision: Option<model::ApplyId>,
) -> StoredRun {
    let now = SystemClock.now();
    let metadata = &mut workflow.metadata;
    metadata.uid = id.uuid().to_string();
    metadata.creation_timestamp = Some(whole_seconds(now));
    label_creator(&mut metadata.labels, caller.principal());
    let facts = RunFacts {
        id,
        name: NamespacedName::new(metadata.namespace.clone(), metadata.name.clone()),
        component: binding.component.clone(),
        scopes: binding.scopes.clone(),
        submitter: caller.principal().key.clone(),
        via,
    };
    StoredRun {
        facts,
        submitter: caller.principal().clone(),
        binding,
        workflow,
        revision,
        created_at: now,
        phase: WorkflowPhase::Unknown,
        deleted: false,
        events: 0,
    }
}

impl Inner {
    pub(crate) fn current(&self) -> (Arc<policy::Rules>, Option<model::ApplyId>) {
        let current = self.rules.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        (Arc::clone(&current.rules), current.revision)
    }

    /// Drives a run from its very beginning, and returns when the beginning is durable.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        stored: StoredRun,
        begins: EventKind,
    ) -> Result<(), RunnerError> {
        let run = new_run(&stored);
        let (facts, waiting) = (stored.facts.clone(), Waiting::of(&stored));
        // it can be told to begin before it is counted
        let inbox = self.drive(stored, run, 0);
        let begins = match begins {
            EventKind::Started if !self.has_room_for(&waiting) => postponed(),
            begins => {
                // a memoized resubmit can't be told again after a crash what it takes over, so it does not wait
                self.throttle.runs(&facts);
                begins
            }
        };
        let (reply, begun) = oneshot::channel();
        let _ = inbox.send(Input::Ask(begins, reply));
        match begun.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(RunnerError::Conflict(reason)),
            // the runner is shutting down: the run is kept and begins at the next start
            Err(_) => Ok(()),
        }
    }
}

/// Returns the engine's run of a stored one, before its first event.
pub(crate) fn new_run(stored: &StoredRun) -> Run {
    let gates = stored.binding.gates.iter();
    let gates =
        gates.map(|gate| Gate { node: gate.node.clone(), expires_after_ms: gate.expires_after_ms }).collect();
    let submitter = &stored.submitter;
    let mut variables = BTreeMap::new();
    let mut tell =
        |name: &str, value: &str| variables.insert(format!("workflow.submitter.{name}"), value.to_owned());
    tell("issuer", &submitter.key.issuer);
    tell("subject", &submitter.key.subject);
    tell("name", submitter.name.as_deref().unwrap_or(&submitter.key.subject));
    tell("email", submitter.email.as_deref().unwrap_or_default());
    tell("groups", &serde_json::Value::from(submitter.groups.clone()).to_string());
    let repository = artifacts::repository_of(stored);
    let archive = ArchiveLocation { location: repository.location, logs: repository.archive_logs };
    Run::new(
        stored.workflow.clone(),
        stored.facts.id,
        RunOptions { gates, variables, archive, ..RunOptions::default() },
    )
}

fn submit_action(stored: &StoredRun, submission: &Submission) -> SubmitRun {
    let arguments = stored.workflow.spec.arguments.parameters.iter();
    let value =
        |p: &model::argo::Parameter| p.value.as_ref().map(|value| value.0.clone()).unwrap_or_default();
    SubmitRun {
        id: stored.facts.id,
        target: match &stored.binding.component {
            Some(component) => SubmitTarget::Component(component.clone()),
            None => SubmitTarget::Namespace(stored.binding.namespace.clone()),
        },
        parameters: arguments.map(|parameter| (parameter.name.clone(), value(parameter))).collect(),
        overrides: stored.binding.overrides.keys().cloned().collect(),
        via: submission.via,
        reason: submission.reason.clone(),
        ticket: submission.ticket.clone(),
        digest: store::run_digest(stored),
    }
}

/// Returns what a submission is for as far as its references tell, whether or not the rest of it makes sense.
fn target_of(catalog: &model::catalog::Catalog, asked: &Workflow) -> SubmitTarget {
    let namespace = &asked.metadata.namespace;
    let by_template = asked.spec.workflow_template_ref.as_ref().and_then(|template| {
        catalog.component_of_template(&NamespacedName::new(namespace.clone(), template.name.clone()))
    });
    let label = |name: &str| asked.metadata.labels.get(name).map(|value| value.0.clone());
    let by_label = || {
        let (application, component) = (label("app.oam.dev/name")?, label("app.oam.dev/component")?);
        catalog.component(&ComponentRef { namespace: namespace.clone(), application, component })
    };
    match by_template.or_else(by_label) {
        Some(bound) => SubmitTarget::Component(bound.component.clone()),
        None => SubmitTarget::Namespace(namespace.clone()),
    }
}

fn name_it(workflow: &mut Workflow) -> Result<(), RunnerError> {
    let metadata = &mut workflow.metadata;
    if metadata.name.is_empty() {
        let stem = if metadata.generate_name.is_empty() { "workflow-" } else { &metadata.generate_name };
        metadata.name = generated_name(stem, model::limits::MAX_WORKFLOW_NAME_BYTES)?;
    }
    let mut faults: Vec<Fault> = Vec::new();
    faults.extend(check_subdomain("the workflow's name", &metadata.name).err());
    faults.extend(check_subdomain("the namespace", &metadata.namespace).err());
    if metadata.name.len() > model::limits::MAX_WORKFLOW_NAME_BYTES {
        let most = model::limits::MAX_WORKFLOW_NAME_BYTES;
        let message =
            format!("workflow name {:?} must not be more than {most} characters long", metadata.name);
        faults.push(Fault::new(model::name::BAD_NAME, message));
    }
    if faults.is_empty() { Ok(()) } else { Err(RunnerError::Faults(faults)) }
}

/// Sets the labels by which Argo names who created a workflow; what the client wrote there is dropped.
/// Source: Argo `workflow/creator/creator.go`.
fn label_creator(labels: &mut indexmap::IndexMap<String, model::argo::AnyString>, principal: &Principal) {
    labels.retain(|name, _| !name.starts_with("workflows.argoproj.io/creator"));
    let mut label = |name: &str, value: &str| {
        let value = label_value(value);
        if !value.is_empty() {
            labels.insert(format!("workflows.argoproj.io/{name}"), value.into());
        }
    };
    label("creator", &principal.key.subject);
    label("creator-email", &principal.email.as_deref().unwrap_or_default().replacen('@', ".at.", 1));
    label("creator-preferred-username", principal.name.as_deref().unwrap_or_default());
}

fn label_value(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let text: String = text.chars().map(keep).collect();
    let start = text.len().saturating_sub(MAX_LABEL);
    text.get(start..).unwrap_or_default().trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

pub(crate) fn whole_seconds(at: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

fn nothing_to_see(name: NamespacedName) -> RunView {
    let mut workflow = Workflow {
        api_version: model::argo::API_VERSION.to_owned(),
        kind: "Workflow".to_owned(),
        ..Workflow::default()
    };
    workflow.metadata.name.clone_from(&name.name);
    workflow.metadata.namespace.clone_from(&name.namespace);
    let binding = Binding {
        component: None,
        namespace: name.namespace.clone(),
        scopes: Vec::new(),
        gates: Vec::new(),
        template_digest: String::new(),
        parameters_digest: String::new(),
        overrides: BTreeMap::new(),
    };
    let facts = RunFacts {
        id: RunId::from_uuid(uuid::Uuid::nil()),
        name,
        component: None,
        scopes: Vec::new(),
        submitter: identity::PrincipalKey { issuer: String::new(), subject: String::new() },
        via: model::oam::Via::Manual,
    };
    RunView { facts, workflow, binding }
}

#[cfg(test)]
mod tests {
    use identity::{Principal, PrincipalKey, PrincipalKind};
    use model::argo::{AnyString, Workflow};

    use super::{label_creator, label_value, name_it};

    #[test]
    fn label_values_keep_what_a_label_may_hold_and_the_last_63_characters() {
        for (text, expected) in [
            ("auth0|5f2", "auth0-5f2".to_owned()),
            ("-a-", "a".to_owned()),
            ("", String::new()),
            ("ü", String::new()),
            (&format!("{}b", "a".repeat(80)), format!("{}b", "a".repeat(62))),
        ] {
            assert_eq!(label_value(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_client_says_about_the_creator_is_dropped() {
        let principal = Principal {
            key: PrincipalKey { issuer: "https://id.example".to_owned(), subject: "olga".to_owned() },
            provider: "corp".to_owned(),
            kind: PrincipalKind::User,
            name: None,
            email: Some("olga@corp.example".to_owned()),
            groups: Vec::new(),
            amr: Vec::new(),
            acr: None,
            auth_time: None,
        };
        let forged = ["creator", "creator-email", "creator-preferred-username", "creator-x"];
        let mut labels = forged
            .iter()
            .map(|name| (format!("workflows.argoproj.io/{name}"), AnyString::from("somebody-else")))
            .collect();
        label_creator(&mut labels, &principal);
        let kept: Vec<(&str, &str)> =
            labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            kept,
            [
                ("workflows.argoproj.io/creator", "olga"),
                ("workflows.argoproj.io/creator-email", "olga.at.corp.example"),
            ]
        );
    }

    #[test]
    fn names_are_made_and_checked() {
        let named = |name: &str, generate: &str, namespace: &str| {
            let mut workflow = Workflow::default();
            name.clone_into(&mut workflow.metadata.name);
            generate.clone_into(&mut workflow.metadata.generate_name);
            namespace.clone_into(&mut workflow.metadata.namespace);
            name_it(&mut workflow).map(|()| workflow.metadata.name)
        };
        assert_eq!(named("x", "", "lab").unwrap(), "x");
        let made = named("", "hello-", "lab").unwrap();
        assert!(made.starts_with("hello-") && made.len() == 11, "{made}");
        assert_ne!(made, named("", "hello-", "lab").unwrap());
        for (name, namespace) in
            [("../x", "lab"), ("X", "lab"), ("x", "../lab"), ("x", ""), (&"a".repeat(64), "lab")]
        {
            assert!(named(name, "", namespace).is_err(), "{name} in {namespace}");
        }
    }
}
