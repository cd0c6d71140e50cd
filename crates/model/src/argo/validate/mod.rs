//! What a workflow must obey to run, as far as it can be told from its text. Source: Argo v4.1.2
//! `workflow/validate/validate.go`, whose messages and whose order these are.
//!
//! As Argo does it, validation walks from the entrypoint through the calls: each template is looked at once in
//! each place it comes from, with the globals that are known by then, and its tags are filled in first. Unlike
//! Argo it goes on after a fault, so that all are told. Expressions (`{{=…}}`) are not looked into, as in Argo.
//! Not here: whether this program can run it (see `engine`), and what Kubernetes would say.

mod arguments;
mod artifact;
mod cron;
mod dag;
mod depends;
mod fill;
mod globals;
mod leaf;
mod metrics;
mod names;
mod outputs;
mod pods;
mod scope;
mod selector;
mod steps;
#[cfg(test)]
mod tests;
mod walk;

use super::{ObjectMeta, WorkflowSpec};
use crate::{
    fault::{Code, Fault},
    limits::{MAX_CRON_WORKFLOW_NAME_BYTES, MAX_WORKFLOW_NAME_BYTES},
    yaml::Places,
};

pub use cron::{validate_cron_workflow, validate_event_binding};

/// A workflow that is not put together as Argo wants it.
pub const BAD_WORKFLOW: Code = Code("MDL0301");
/// A call of a template that does not exist.
pub const UNKNOWN_TEMPLATE: Code = Code("MDL0302");
/// Tasks that depend on each other in a circle, on tasks that do not exist, or in a way that is not understood.
pub const BAD_DEPENDENCY: Code = Code("MDL0303");
/// A parameter or artifact that gets no value.
pub const PARAMETER_WITHOUT_VALUE: Code = Code("MDL0304");
/// A reference in double braces that resolves to nothing.
pub const UNRESOLVED: Code = Code("MDL0305");
/// A schedule, time zone or policy of a CronWorkflow that is none.
pub const BAD_SCHEDULE: Code = Code("MDL0306");

/// What is validated, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A Workflow that is to run: every parameter has a value.
    Submit,
    /// A Workflow that is only looked at.
    Lint,
    /// A WorkflowTemplate: entrypoint and values may be missing.
    Template,
    /// A WorkflowTemplate that is to run.
    SubmitTemplate,
    /// A ClusterWorkflowTemplate: as a WorkflowTemplate.
    ClusterTemplate,
}

impl Mode {
    const fn is_template(self) -> bool {
        matches!(self, Self::Template | Self::SubmitTemplate | Self::ClusterTemplate)
    }
    const fn may_lack_values(self) -> bool {
        matches!(self, Self::Lint | Self::Template | Self::ClusterTemplate)
    }
}

/// What validation needs to know besides the spec.
pub struct Validation<'a> {
    /// What is validated, and how far.
    pub mode: Mode,
    /// The WorkflowTemplates of the workflow's namespace, and those of all namespaces.
    pub templates: &'a dyn FindTemplate,
    /// Where the object is written.
    pub places: &'a Places,
    /// The object's labels and annotations; without them every label and annotation is taken to be there.
    pub metadata: Option<&'a ObjectMeta>,
    /// What lies under every workflow (Argo's `workflowDefaults`).
    pub defaults: Option<&'a WorkflowSpec>,
}

/// Knows the templates that workflows may refer to.
pub trait FindTemplate {
    /// Returns the spec of the WorkflowTemplate called `name`, or with `cluster` of the ClusterWorkflowTemplate,
    /// and where it is written.
    fn find(&self, name: &str, cluster: bool) -> Option<(&WorkflowSpec, &Places)>;
}

/// No WorkflowTemplates at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTemplates;

impl FindTemplate for NoTemplates {
    fn find(&self, _: &str, _: bool) -> Option<(&WorkflowSpec, &Places)> {
        None
    }
}

/// What was found: faults, for which Argo refuses a workflow too, and what Argo accepts but somebody may want to
/// know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What is allowed but will not do what it seems to.
    pub warnings: Vec<Fault>,
}

/// Returns the fault of an object's name that Argo finds too long.
pub fn validate_name(mode: Mode, name: &str, places: &Places) -> Vec<Fault> {
    let what = match mode {
        Mode::Template | Mode::SubmitTemplate => "workflow template",
        Mode::ClusterTemplate => "cluster workflow template",
        Mode::Submit | Mode::Lint => "workflow",
    };
    too_long(what, name, MAX_WORKFLOW_NAME_BYTES, places)
}

fn too_long(what: &str, name: &str, most: usize, places: &Places) -> Vec<Fault> {
    debug_assert!(most >= MAX_CRON_WORKFLOW_NAME_BYTES, "no shorter limit is known");
    if name.len() <= most {
        return Vec::new();
    }
    let message = format!(
        "{what} name {name:?} must not be more than {most} characters long (currently {})",
        name.len()
    );
    vec![Fault::new(BAD_WORKFLOW, message).at(places.nearest("metadata.name"))]
}

/// Returns every fault of `spec`.
pub fn validate<'a>(spec: &'a WorkflowSpec, validation: &'a Validation<'a>) -> Vec<Fault> {
    examine(spec, validation).faults
}

/// Returns every fault of `spec`, and what Argo accepts but will not do what it seems to.
pub fn examine<'a>(spec: &'a WorkflowSpec, validation: &'a Validation<'a>) -> Findings {
    walk::Walker::new(spec, validation, "spec").workflow()
}
