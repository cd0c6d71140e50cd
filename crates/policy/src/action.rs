//! The acts: one struct each, named exactly for what is done. Who may is Cedar's business alone.
//! A read takes a [`crate::Permit`], a change an `audit::Audited`; [`Action::EFFECT`] says which kind it is.

mod object;

use std::collections::BTreeMap;

use model::{ComponentRef, RunId, ScopeRef, argo::NodeId, oam::Via};
use serde_json::{Value, json};

pub use object::*;

use crate::{Context, Resource, RunFacts};

/// What an act does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKind {
    /// Looks.
    Read,
    /// Changes.
    Change,
}

/// An act somebody wants to do.
pub trait Action: Send + Sync {
    /// The Cedar action, as `submit`.
    const NAME: &'static str;
    /// What it does to the world.
    const EFFECT: EffectKind;
    /// Returns what it is done to.
    fn resource(&self) -> Resource;
    /// Returns the facts of the moment.
    fn context(&self) -> Context {
        Context::default()
    }
    /// Returns what about the act is worth proving later, for the audit log: digests, counts and names, never a
    /// parameter's value, a token or another secret.
    fn details(&self) -> Value {
        Value::Null
    }
}

/// What a submission is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitTarget {
    /// A component.
    Component(ComponentRef),
    /// A namespace: a workflow without a component.
    Namespace(String),
}

/// Starting a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitRun {
    /// The run to be.
    pub id: RunId,
    /// The component, or the namespace of an unbound workflow.
    pub target: SubmitTarget,
    /// The effective parameters.
    pub parameters: BTreeMap<String, String>,
    /// The parameters the caller sets.
    pub overrides: Vec<String>,
    /// By which path.
    pub via: Via,
    /// The reason given.
    pub reason: Option<String>,
    /// The ticket given.
    pub ticket: Option<String>,
    /// SHA-256 of the run as it will be stored (`store::run_digest`), hexadecimal.
    pub digest: String,
}
impl Action for SubmitRun {
    const NAME: &'static str = "submit";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        match &self.target {
            SubmitTarget::Component(component) => Resource::Component(component.clone()),
            SubmitTarget::Namespace(namespace) => Resource::Namespace(namespace.clone()),
        }
    }
    fn context(&self) -> Context {
        Context {
            reason: self.reason.clone(),
            ticket: self.ticket.clone(),
            parameters: self.parameters.clone(),
            overrides: self.overrides.clone(),
            via: Some(self.via),
            ..Context::default()
        }
    }
    fn details(&self) -> Value {
        json!({
            "run": self.id.to_string(),
            "digest": self.digest,
            "parameters": self.parameters.keys().collect::<Vec<_>>(),
            "overrides": self.overrides,
            "via": self.via,
            "reason": self.reason,
            "ticket": self.ticket,
        })
    }
}

/// Seeing a run's phases, names and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRun {
    /// The run.
    pub run: RunFacts,
}
impl Action for ViewRun {
    const NAME: &'static str = "viewRun";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
}

/// Reading a run's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewLog {
    /// The run.
    pub run: RunFacts,
}
impl Action for ViewLog {
    const NAME: &'static str = "viewLog";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
}

/// Reading a run's outputs and parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewOutput {
    /// The run.
    pub run: RunFacts,
}
impl Action for ViewOutput {
    const NAME: &'static str = "viewOutput";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
}

/// Stopping a run; its exit handler runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRun {
    /// The run.
    pub run: RunFacts,
    /// The message for the status.
    pub message: Option<String>,
}
impl Action for StopRun {
    const NAME: &'static str = "stop";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "message": self.message })
    }
}

/// Terminating a run at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminateRun {
    /// The run.
    pub run: RunFacts,
}
impl Action for TerminateRun {
    const NAME: &'static str = "terminate";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
}

/// Running a part of an ended run again: the nodes that ended badly, or those that were chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRun {
    /// The run.
    pub run: RunFacts,
    /// Whether nodes that Succeeded run again, too.
    pub restart_successful: bool,
    /// Which nodes, as a node field selector says.
    pub node_field_selector: String,
}
impl Action for RetryRun {
    const NAME: &'static str = "retry";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({
            "restartSuccessful": self.restart_successful,
            "nodeFieldSelector": self.node_field_selector,
        })
    }
}

/// Suspending a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspendRun {
    /// The run.
    pub run: RunFacts,
}
impl Action for SuspendRun {
    const NAME: &'static str = "suspend";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
}

/// Resuming a run's suspend nodes that have no gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeRun {
    /// The run.
    pub run: RunFacts,
    /// One node, or all.
    pub node: Option<NodeId>,
}
impl Action for ResumeRun {
    const NAME: &'static str = "resume";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "node": self.node })
    }
}

/// Approving a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveGate {
    /// The run.
    pub run: RunFacts,
    /// The suspend node.
    pub node: NodeId,
    /// The gate's name.
    pub gate: String,
    /// The digest that is approved, hexadecimal.
    pub digest: String,
    /// The reason given.
    pub reason: Option<String>,
}
impl Action for ApproveGate {
    const NAME: &'static str = "approve";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn context(&self) -> Context {
        Context { reason: self.reason.clone(), gate: Some(self.gate.clone()), ..Context::default() }
    }
    fn details(&self) -> Value {
        json!({
            "run": self.run.id.to_string(),
            "node": self.node,
            "gate": self.gate,
            "digest": self.digest,
            "reason": self.reason,
        })
    }
}

/// Refusing a gate: the node fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenyGate {
    /// The run.
    pub run: RunFacts,
    /// The suspend node.
    pub node: NodeId,
    /// The gate's name.
    pub gate: String,
    /// The reason given.
    pub reason: Option<String>,
}
impl Action for DenyGate {
    const NAME: &'static str = "deny";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn context(&self) -> Context {
        Context { reason: self.reason.clone(), gate: Some(self.gate.clone()), ..Context::default() }
    }
    fn details(&self) -> Value {
        json!({ "node": self.node, "gate": self.gate, "reason": self.reason })
    }
}

/// Deleting a run that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRun {
    /// The run.
    pub run: RunFacts,
}
impl Action for DeleteRun {
    const NAME: &'static str = "deleteRun";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "run": self.run.id.to_string() })
    }
}

/// Starting a node's pod; asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPod {
    /// The run.
    pub run: RunFacts,
    /// The node.
    pub node: NodeId,
}
impl Action for StartPod {
    const NAME: &'static str = "startPod";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "node": self.node })
    }
}

/// Killing a node's pod; asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillPod {
    /// The run.
    pub run: RunFacts,
    /// The node.
    pub node: NodeId,
}
impl Action for KillPod {
    const NAME: &'static str = "killPod";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "node": self.node })
    }
}

/// Minting a node's run token; asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintRunToken {
    /// The run.
    pub run: RunFacts,
    /// The node.
    pub node: NodeId,
    /// The token's id.
    pub jti: String,
}
impl Action for MintRunToken {
    const NAME: &'static str = "mintCredential";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "node": self.node, "jti": self.jti })
    }
}

/// Writing what happened to a run; asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvanceRun {
    /// The run.
    pub run: RunFacts,
    /// SHA-256 over the events written, hexadecimal.
    pub events_digest: String,
    /// The first event's number.
    pub first: u64,
    /// How many.
    pub count: u64,
}
impl Action for AdvanceRun {
    const NAME: &'static str = "advance";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({
            "run": self.run.id.to_string(),
            "eventsDigest": self.events_digest,
            "first": self.first,
            "count": self.count,
        })
    }
}

/// Listing a namespace's runs; each is shown only to those who may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRuns {
    /// The namespace.
    pub namespace: String,
}
impl Action for ListRuns {
    const NAME: &'static str = "listRuns";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
}

/// Seeing the WorkflowTemplates of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewTemplate {
    /// The namespace.
    pub namespace: String,
    /// One, or all.
    pub name: Option<String>,
}
impl Action for ViewTemplate {
    const NAME: &'static str = "viewTemplate";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn details(&self) -> Value {
        json!({ "name": self.name })
    }
    fn context(&self) -> Context {
        Context { template: self.name.clone(), ..Context::default() }
    }
}

/// Writing a WorkflowTemplate through Argo's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditTemplate {
    /// The namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// SHA-256 of the new object, hexadecimal.
    pub digest: String,
}
impl Action for EditTemplate {
    const NAME: &'static str = "editTemplate";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn details(&self) -> Value {
        json!({ "name": self.name, "digest": self.digest })
    }
    fn context(&self) -> Context {
        Context { template: Some(self.name.clone()), ..Context::default() }
    }
}

/// Deleting a WorkflowTemplate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteTemplate {
    /// The namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}
impl Action for DeleteTemplate {
    const NAME: &'static str = "deleteTemplate";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn details(&self) -> Value {
        json!({ "name": self.name })
    }
    fn context(&self) -> Context {
        Context { template: Some(self.name.clone()), ..Context::default() }
    }
}

/// Applying manifests to a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyManifests {
    /// The namespace.
    pub namespace: String,
    /// SHA-256 of the plan, hexadecimal.
    pub digest: String,
    /// The existing scopes it changes, or whose components it changes.
    pub scopes: Vec<ScopeRef>,
}
impl Action for ApplyManifests {
    const NAME: &'static str = "apply";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn details(&self) -> Value {
        json!({ "digest": self.digest, "scopes": self.scopes.iter().map(ToString::to_string).collect::<Vec<_>>() })
    }
    fn context(&self) -> Context {
        Context { scopes: self.scopes.clone(), ..Context::default() }
    }
}

/// Reading the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewAudit {}
impl Action for ViewAudit {
    const NAME: &'static str = "viewAudit";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Server
    }
}

/// Reading version, info and own identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewServer {}
impl Action for ViewServer {
    const NAME: &'static str = "viewServer";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Server
    }
}

/// Beginning a session of the local directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogIn {
    /// The session's id.
    pub session: String,
}
impl Action for LogIn {
    const NAME: &'static str = "logIn";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Server
    }
    fn details(&self) -> Value {
        json!({ "session": self.session })
    }
}

/// Ending a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOut {
    /// The session's id.
    pub session: String,
}
impl Action for LogOut {
    const NAME: &'static str = "logOut";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Server
    }
    fn details(&self) -> Value {
        json!({ "session": self.session })
    }
}

/// Asking what another person may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explain {
    /// The component asked about.
    pub component: ComponentRef,
    /// Whether it is asked about somebody else; about oneself anybody may who may know of the component.
    pub other: bool,
}
impl Action for Explain {
    const NAME: &'static str = "explain";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Component(self.component.clone())
    }
    fn context(&self) -> Context {
        Context { other: self.other, ..Context::default() }
    }
}
