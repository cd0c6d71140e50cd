//! The acts on objects other than runs and templates, and those that keep facts. Not here: deciding them.

use model::{argo::NodeId, oam::Via};
use serde_json::{Value, json};

use super::{Action, EffectKind};
use crate::{Context, Resource, RunFacts};

/// Taking an ended run out of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteArchived {
    /// The run.
    pub run: RunFacts,
    /// SHA-256 of the mark that is kept, hexadecimal.
    pub digest: String,
}
impl Action for DeleteArchived {
    const NAME: &'static str = "deleteArchived";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "kind": "Unarchived", "name": self.run.id.uuid().to_string(), "digest": self.digest })
    }
}
impl KeepsFact for DeleteArchived {
    fn fact(&self) -> FactName {
        let name = self.run.id.uuid().to_string();
        let namespace = self.run.name.namespace.clone();
        FactName { kind: "Unarchived", namespace, name, digest: self.digest.clone() }
    }
}

/// Deleting a run whose time is over (`ttlStrategy`); asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireRun {
    /// The run.
    pub run: RunFacts,
}
impl Action for ExpireRun {
    const NAME: &'static str = "expireRun";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "run": self.run.id.to_string() })
    }
}

/// Seeing the objects of one kind of a namespace, other than WorkflowTemplates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewObject {
    /// The namespace; empty for what is for all namespaces.
    pub namespace: String,
    /// The kind, as `CronWorkflow`.
    pub kind: &'static str,
    /// One, or all.
    pub name: Option<String>,
}
impl Action for ViewObject {
    const NAME: &'static str = "viewObject";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn details(&self) -> Value {
        json!({ "kind": self.kind, "name": self.name })
    }
}

/// Writing one object through Argo's API, other than a WorkflowTemplate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditObject {
    /// The namespace; empty for what is for all namespaces.
    pub namespace: String,
    /// The kind, as `CronWorkflow`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// SHA-256 of the new object, hexadecimal.
    pub digest: String,
}
impl Action for EditObject {
    const NAME: &'static str = "editObject";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn details(&self) -> Value {
        json!({ "kind": self.kind, "name": self.name, "digest": self.digest })
    }
}

/// Deleting one object, other than a WorkflowTemplate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteObject {
    /// The namespace; empty for what is for all namespaces.
    pub namespace: String,
    /// The kind, as `CronWorkflow`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}
impl Action for DeleteObject {
    const NAME: &'static str = "deleteObject";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn details(&self) -> Value {
        json!({ "kind": self.kind, "name": self.name, "digest": "" })
    }
}

/// A small fact by name, of which the newest counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactName {
    /// What it is about, as `Memo`.
    pub kind: &'static str,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// SHA-256 of what is kept (`store::fact_digest`), hexadecimal; empty if it is forgotten.
    pub digest: String,
}

/// An act whose effect is to keep one fact.
pub trait KeepsFact: Action {
    /// Returns which.
    fn fact(&self) -> FactName;
}

impl KeepsFact for EditObject {
    fn fact(&self) -> FactName {
        let Self { namespace, kind, name, digest } = self.clone();
        FactName { kind, namespace, name, digest }
    }
}

impl KeepsFact for DeleteObject {
    fn fact(&self) -> FactName {
        let Self { namespace, kind, name } = self.clone();
        FactName { kind, namespace, name, digest: String::new() }
    }
}

/// Remembering a node's outputs for other nodes with the same key; asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memoize {
    /// The run.
    pub run: RunFacts,
    /// The cache and the key, as `cache/key`.
    pub name: String,
    /// SHA-256 of the entry, hexadecimal.
    pub digest: String,
}
impl Action for Memoize {
    const NAME: &'static str = "memoize";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "kind": "Memo", "name": self.name, "digest": self.digest })
    }
}
impl KeepsFact for Memoize {
    fn fact(&self) -> FactName {
        let namespace = self.run.name.namespace.clone();
        FactName { kind: "Memo", namespace, name: self.name.clone(), digest: self.digest.clone() }
    }
}

/// Reading values of Secrets for a node; asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseSecrets {
    /// The run.
    pub run: RunFacts,
    /// The node.
    pub node: NodeId,
    /// The Secrets' names.
    pub names: Vec<String>,
}
impl Action for UseSecrets {
    const NAME: &'static str = "useSecrets";
    const EFFECT: EffectKind = EffectKind::Read;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "node": self.node, "secrets": self.names })
    }
}

/// Moving artifacts between a node's pod and where they lie, or deleting them there; asked by the runner in the run's
/// name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveArtifacts {
    /// The run.
    pub run: RunFacts,
    /// The node.
    pub node: NodeId,
    /// What is fetched: name and place of each, without anything secret.
    pub fetched: Vec<String>,
    /// What is put.
    pub put: Vec<String>,
    /// What is deleted.
    pub deleted: Vec<String>,
}
impl Action for MoveArtifacts {
    const NAME: &'static str = "moveArtifacts";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "node": self.node, "fetched": self.fetched, "put": self.put, "deleted": self.deleted })
    }
}

/// Doing what a template says that needs no pod: a request, a call of a plugin; asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerformTask {
    /// The run.
    pub run: RunFacts,
    /// The node.
    pub node: NodeId,
    /// What: method and address, or the plugins asked, without anything secret.
    pub what: String,
}
impl Action for PerformTask {
    const NAME: &'static str = "performTask";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "node": self.node, "what": self.what })
    }
}

/// Writing down which of a run's artifacts were deleted; asked by the runner in the run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectArtifacts {
    /// The run.
    pub run: RunFacts,
    /// SHA-256 of what is written down, hexadecimal.
    pub digest: String,
}
impl Action for CollectArtifacts {
    const NAME: &'static str = "collectArtifacts";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "kind": "ArtifactGc", "name": self.run.id.uuid().to_string(), "digest": self.digest })
    }
}
impl KeepsFact for CollectArtifacts {
    fn fact(&self) -> FactName {
        let (namespace, name) = (self.run.name.namespace.clone(), self.run.id.uuid().to_string());
        FactName { kind: "ArtifactGc", namespace, name, digest: self.digest.clone() }
    }
}

/// Deleting what is left of a run's pods that have ended, and claims that were made for it; asked by the runner in the
/// run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectPods {
    /// The run.
    pub run: RunFacts,
    /// The nodes whose pods are deleted.
    pub nodes: Vec<NodeId>,
    /// The names of the claims that are deleted.
    pub claims: Vec<String>,
}
impl Action for CollectPods {
    const NAME: &'static str = "collectPods";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Run(self.run.clone())
    }
    fn details(&self) -> Value {
        json!({ "nodes": self.nodes, "claims": self.claims })
    }
}

/// Sending an event to a namespace, whose bindings may start runs upon it; each start is an act of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendEvent {
    /// The namespace.
    pub namespace: String,
    /// What the sender calls this sort of event; may be empty.
    pub discriminator: String,
    /// By which path the sender would start runs.
    pub via: Via,
    /// SHA-256 of the payload, hexadecimal.
    pub digest: String,
}
impl Action for SendEvent {
    const NAME: &'static str = "sendEvent";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn context(&self) -> Context {
        Context { via: Some(self.via), ..Context::default() }
    }
    fn details(&self) -> Value {
        json!({ "discriminator": self.discriminator, "digest": self.digest })
    }
}

/// Writing down how far a schedule has come; asked by the runner in the schedule's own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvanceCron {
    /// The namespace.
    pub namespace: String,
    /// The CronWorkflow's name.
    pub name: String,
    /// SHA-256 of its status, hexadecimal.
    pub digest: String,
}
impl Action for AdvanceCron {
    const NAME: &'static str = "advanceCron";
    const EFFECT: EffectKind = EffectKind::Change;
    fn resource(&self) -> Resource {
        Resource::Namespace(self.namespace.clone())
    }
    fn details(&self) -> Value {
        json!({ "kind": "CronStatus", "name": self.name, "digest": self.digest })
    }
}
impl KeepsFact for AdvanceCron {
    fn fact(&self) -> FactName {
        let Self { namespace, name, digest } = self.clone();
        FactName { kind: "CronStatus", namespace, name, digest }
    }
}
