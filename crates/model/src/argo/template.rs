//! Templates: what a node does. Source: Argo `workflow_types.go` Template and what it holds.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AnyString, ContainerSetTemplate, DataTemplate, EnvFromSource, EnvVarSource, HttpTemplate, IntOrString,
    KeySelector, LifecycleHooks, Memoize, Metrics, ResourceTemplate, RetryStrategy, Synchronization,
    UserContainer, Volume, VolumeMount,
};

type Rest = serde_json::Map<String, Value>;

/// What a node does: exactly one of the kinds is set. What most templates lack is boxed: a run keeps one of these for each
/// pod that is under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Template {
    /// The name other templates refer to; empty for an inline template.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it takes.
    #[serde(skip_serializing_if = "Inputs::is_empty")]
    pub inputs: Inputs,
    /// What it gives.
    #[serde(skip_serializing_if = "Outputs::is_empty")]
    pub outputs: Outputs,
    /// One container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// One container that runs a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<Box<ScriptTemplate>>,
    /// Groups in sequence, the steps of a group side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<ParallelSteps>>,
    /// Tasks with dependencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dag: Option<DagTemplate>,
    /// Waits to be resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<SuspendTemplate>,
    /// Several containers of one pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_set: Option<Box<ContainerSetTemplate>>,
    /// An act on a Kubernetes object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Box<ResourceTemplate>>,
    /// A transformation of a list of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<DataTemplate>>,
    /// An HTTP request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Box<HttpTemplate>>,
    /// An executor plugin's own fields: an object with one key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Box<Value>>,
    /// Whether the node counts as done once its container is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daemon: Option<bool>,
    /// Containers that run one after the other before the main one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<UserContainer>,
    /// Containers that run beside the main one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<UserContainer>,
    /// Volumes of this template's pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Whether an earlier node's outputs are taken instead of running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memoize: Option<Box<Memoize>>,
    /// The locks that are held while the node runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization: Option<Box<Synchronization>>,
    /// What is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// How long a leaf may take, waiting included: a Go duration.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timeout: String,
    /// How long a leaf may wait to start: a Go duration.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pending_timeout: String,
    /// How often a failed attempt is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<Box<RetryStrategy>>,
    /// Seconds a leaf may be active, counted from its start; a number or a text with tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_deadline_seconds: Option<IntOrString>,
    /// Whether a failure stops the start of further children (with `parallelism`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_fast: Option<bool>,
    /// How many children may be active at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i64>,
    /// Labels and annotations of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<Value>>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

impl Template {
    /// Returns the kinds that the template has, in the order in which they decide; one that makes sense has one.
    /// Source: Argo `workflow_types.go` GetType.
    pub fn kinds(&self) -> Vec<TemplateKind> {
        [
            (self.container.is_some(), TemplateKind::Container),
            (self.container_set.is_some(), TemplateKind::ContainerSet),
            (self.steps.is_some(), TemplateKind::Steps),
            (self.dag.is_some(), TemplateKind::Dag),
            (self.script.is_some(), TemplateKind::Script),
            (self.resource.is_some(), TemplateKind::Resource),
            (self.data.is_some(), TemplateKind::Data),
            (self.suspend.is_some(), TemplateKind::Suspend),
            (self.http.is_some(), TemplateKind::Http),
            (self.plugin.is_some(), TemplateKind::Plugin),
        ]
        .into_iter()
        .filter_map(|(is, kind)| is.then_some(kind))
        .collect()
    }
}

/// The kind of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateKind {
    /// One container.
    Container,
    /// Several containers of one pod.
    ContainerSet,
    /// Groups in sequence.
    Steps,
    /// Tasks with dependencies.
    Dag,
    /// One container that runs a text.
    Script,
    /// An act on a Kubernetes object.
    Resource,
    /// A transformation of a list of files.
    Data,
    /// Waits to be resumed.
    Suspend,
    /// An HTTP request.
    Http,
    /// An executor plugin.
    Plugin,
}

impl TemplateKind {
    /// Returns the field of a template that makes it of this kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::ContainerSet => "containerSet",
            Self::Steps => "steps",
            Self::Dag => "dag",
            Self::Script => "script",
            Self::Resource => "resource",
            Self::Data => "data",
            Self::Suspend => "suspend",
            Self::Http => "http",
            Self::Plugin => "plugin",
        }
    }
}

/// The group of steps that run side by side; written as a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParallelSteps(pub Vec<WorkflowStep>);

/// One step of a group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "AnyCall")]
pub struct WorkflowStep {
    /// The name within the group.
    pub name: String,
    /// What is the same for steps and tasks.
    #[serde(flatten)]
    pub call: Call,
}

/// One task of a DAG.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "AnyCall")]
pub struct DagTask {
    /// The name within the DAG.
    pub name: String,
    /// The tasks that must have succeeded, been skipped or become daemons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
    /// A condition over tasks and their results (Argo `docs/enhanced-depends-logic.md`).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub depends: String,
    /// What is the same for steps and tasks.
    #[serde(flatten)]
    pub call: Call,
}

/// The call of a template: what steps and DAG tasks have in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The template's name in this workflow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// A template of a WorkflowTemplate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_ref: Option<TemplateRef>,
    /// A template written in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<Box<Template>>,
    /// What is handed over.
    #[serde(skip_serializing_if = "Arguments::is_empty")]
    pub arguments: Arguments,
    /// A condition; false skips the node.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// One node for each item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_items: Option<Vec<Value>>,
    /// One node for each item of a JSON list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub with_param: String,
    /// One node for each number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_sequence: Option<Value>,
    /// Which failures are tolerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_on: Option<ContinueOn>,
    /// The template that runs when the node has ended; Argo's older spelling of the hook `exit`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub on_exit: String,
    /// Templates that run at events of the node's life.
    #[serde(skip_serializing_if = "LifecycleHooks::is_empty")]
    pub hooks: LifecycleHooks,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A step or a task as it is read: all fields side by side, since serde forgets types and places of what it
/// flattens.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnyCall {
    name: String,
    dependencies: Vec<String>,
    depends: String,
    template: String,
    template_ref: Option<TemplateRef>,
    inline: Option<Box<Template>>,
    arguments: Arguments,
    when: String,
    with_items: Option<Vec<Value>>,
    with_param: String,
    with_sequence: Option<Value>,
    continue_on: Option<ContinueOn>,
    on_exit: String,
    hooks: LifecycleHooks,
    #[serde(flatten)]
    rest: Rest,
}

impl AnyCall {
    fn into_parts(self) -> (String, Vec<String>, String, Call) {
        let call = Call {
            template: self.template,
            template_ref: self.template_ref,
            inline: self.inline,
            arguments: self.arguments,
            when: self.when,
            with_items: self.with_items,
            with_param: self.with_param,
            with_sequence: self.with_sequence,
            continue_on: self.continue_on,
            on_exit: self.on_exit,
            hooks: self.hooks,
            rest: self.rest,
        };
        (self.name, self.dependencies, self.depends, call)
    }
}

impl From<AnyCall> for WorkflowStep {
    fn from(read: AnyCall) -> Self {
        let (name, _, _, call) = read.into_parts();
        Self { name, call }
    }
}

impl From<AnyCall> for DagTask {
    fn from(read: AnyCall) -> Self {
        let (name, dependencies, depends, call) = read.into_parts();
        Self { name, dependencies, depends, call }
    }
}

/// Which failures of a node are tolerated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContinueOn {
    /// Phase Error.
    pub error: bool,
    /// Phase Failed.
    pub failed: bool,
}

/// Refers to a template of a WorkflowTemplate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateRef {
    /// The WorkflowTemplate's name.
    pub name: String,
    /// The template's name in it.
    pub template: String,
    /// Whether it is a ClusterWorkflowTemplate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cluster_scope: bool,
}

/// Tasks with dependencies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DagTemplate {
    /// The tasks.
    pub tasks: Vec<DagTask>,
    /// The tasks to reach, separated by spaces; all leaves when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// Whether a failure stops the start of further tasks; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_fast: Option<bool>,
}

/// Waits to be resumed, or for a duration (seconds as digits, or a Go duration).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuspendTemplate {
    /// How long it waits before it goes on by itself; for ever when empty.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "lenient")]
    pub duration: String,
}

fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    AnyString::deserialize(deserializer).map(|text| text.0)
}

/// A container (Kubernetes core/v1 Container); fields nothing here reads are kept in `rest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// The container's name; `main` when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The image.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// The program and its first arguments; the image's entry point when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<AnyString>>,
    /// Further arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<AnyString>,
    /// The working directory.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Environment variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// ConfigMaps and Secrets whose keys are environment variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_from: Vec<EnvFromSource>,
    /// Where it sees volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<VolumeMount>,
    /// Every other field, verbatim (`resources`, `readinessProbe`, `securityContext` …).
    #[serde(flatten)]
    pub rest: Rest,
}

/// One environment variable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<AnyString>,
    /// Where its value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<EnvVarSource>,
}

/// A container that runs a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScriptTemplate {
    /// The container.
    #[serde(flatten)]
    pub container: Container,
    /// The text; its file is the command's last argument.
    pub source: String,
}

/// A script as it is read; see [`AnyCall`].
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnyContainer {
    name: String,
    image: String,
    command: Option<Vec<AnyString>>,
    args: Vec<AnyString>,
    working_dir: String,
    env: Vec<EnvVar>,
    env_from: Vec<EnvFromSource>,
    volume_mounts: Vec<VolumeMount>,
    source: String,
    #[serde(flatten)]
    rest: Rest,
}

impl From<AnyContainer> for ScriptTemplate {
    fn from(read: AnyContainer) -> Self {
        let AnyContainer {
            name,
            image,
            command,
            args,
            working_dir,
            env,
            env_from,
            volume_mounts,
            source,
            rest,
        } = read;
        let container =
            Container { name, image, command, args, working_dir, env, env_from, volume_mounts, rest };
        Self { container, source }
    }
}

/// What a template takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inputs {
    /// Parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}

impl Inputs {
    /// Whether there is neither a parameter nor an artifact.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.artifacts.is_empty()
    }
}

/// What a template declares to give.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outputs {
    /// Parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}

impl Outputs {
    /// Whether there is neither a parameter nor an artifact.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.artifacts.is_empty()
    }
}

/// What is handed to a template or a workflow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arguments {
    /// Parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}

impl Arguments {
    /// Whether there is neither a parameter nor an artifact.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.artifacts.is_empty()
    }
}

/// A named text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The value to use when none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<AnyString>,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<AnyString>,
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<Box<ValueFrom>>,
    /// The name it also gets in the whole workflow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub global_name: String,
    /// The values it may have.
    #[serde(rename = "enum", skip_serializing_if = "Option::is_none")]
    pub enumeration: Option<Vec<AnyString>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<AnyString>,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueFrom {
    /// A file of the container.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// A reference to another parameter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub parameter: String,
    /// An expression.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expression: String,
    /// A person's answer, given while the node is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplied: Option<IndexMap<String, Value>>,
    /// A key of a ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<KeySelector>,
    /// A JSONPath into a resource.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub json_path: String,
    /// A jq filter over a resource.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub jq_filter: String,
    /// An expression over an event (WorkflowEventBinding).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub event: String,
    /// The value to use when the source is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<AnyString>,
    /// Every other source, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A named file or folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// Where it is in the container.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// A reference to another node's artifact, as a tag.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// An expr-lang expression that gives another node's artifact.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from_expression: String,
    /// The part of the artifact that is wanted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sub_path: String,
    /// Whether `mode` is for all files of a folder.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recurse_mode: bool,
    /// How it is packed: `tar` (default), `zip` or `none`, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<Value>,
    /// Whether it may be missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// The name it also gets in the whole workflow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub global_name: String,
    /// A literal text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawArtifact>,
    /// The file mode of the unpacked file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<i32>,
    /// Every other field, verbatim (`s3`, `http`, `git` …).
    #[serde(flatten)]
    pub rest: Rest,
}

/// A literal text as an artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RawArtifact {
    /// The text.
    pub data: String,
}
