//! What a workflow must obey to run, as far as it can be told from its text. Source: Argo
//! `workflow/validate/validate.go`, whose messages these are.
//!
//! Each template is looked at once and by itself: what it may refer to follows from its inputs, its earlier
//! steps or its tasks' ancestors, and the workflow's globals. Expressions (`{{=…}}`) are not looked into, as
//! in Argo. Not here: whether this program can run it (see `engine`), and what Kubernetes would say.

mod call;
mod dag;
mod depends;
mod names;
mod outputs;
mod scope;
mod steps;
mod template;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::{Parameter, Template, WorkflowSpec};
use crate::{
    fault::{Code, Fault},
    limits::{MAX_PARAMETERS, MAX_WORKFLOW_NAME_BYTES},
    yaml::Places,
};
use scope::Scope;

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

/// What is validated, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A Workflow that is to run: every parameter has a value.
    Submit,
    /// A Workflow that is only looked at.
    Lint,
    /// A WorkflowTemplate: entrypoint and values may be missing.
    Template,
}

/// What validation needs to know besides the spec.
pub struct Validation<'a> {
    /// What is validated, and how far.
    pub mode: Mode,
    /// The WorkflowTemplates of the workflow's namespace.
    pub templates: &'a dyn FindTemplate,
    /// Where the object is written.
    pub places: &'a Places,
}

/// Knows the WorkflowTemplates of one namespace.
pub trait FindTemplate {
    /// Returns the spec of the WorkflowTemplate called `name`.
    fn find(&self, name: &str) -> Option<&WorkflowSpec>;
}

/// No WorkflowTemplates at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTemplates;

impl FindTemplate for NoTemplates {
    fn find(&self, _: &str) -> Option<&WorkflowSpec> {
        None
    }
}

/// Returns the fault of an object's name that Argo finds too long.
pub fn validate_name(mode: Mode, name: &str, places: &Places) -> Vec<Fault> {
    if name.len() <= MAX_WORKFLOW_NAME_BYTES {
        return Vec::new();
    }
    let what = if mode == Mode::Template { "workflow template" } else { "workflow" };
    let message = format!(
        "{what} name {name:?} must not be more than {MAX_WORKFLOW_NAME_BYTES} characters long (currently {})",
        name.len()
    );
    vec![Fault::new(BAD_WORKFLOW, message).at(places.nearest("metadata.name"))]
}

/// Returns every fault of `spec`.
pub fn validate<'a>(spec: &'a WorkflowSpec, validation: &'a Validation<'a>) -> Vec<Fault> {
    let mut checker =
        Checker { spec, validation, index: index(spec), faults: Vec::new(), steps_left: MAX_ANCESTOR_STEPS };
    checker.arguments();
    if let Some(reference) = &spec.workflow_template_ref {
        if !reference.cluster_scope && validation.templates.find(&reference.name).is_none() {
            let message = format!("workflow template `{}` not found", reference.name);
            checker.fault(UNKNOWN_TEMPLATE, message, "spec.workflowTemplateRef.name");
        }
        if !spec.templates.is_empty() {
            let message = "templates is not allowed to be used with workflowTemplateRef";
            checker.fault(BAD_WORKFLOW, message.to_owned(), "spec.templates");
        }
        return checker.faults;
    }
    checker.entrypoint();
    checker.pod_gc();
    let global = Scope::global(spec, validation.mode);
    let names: Vec<&str> = spec.templates.iter().map(|template| template.name.as_str()).collect();
    checker.names(&names, names::Rule::Field, "spec.templates", "spec.templates");
    checker.hooks(&global);
    for (position, template) in spec.templates.iter().enumerate() {
        checker.template(template, &global, &template::Site::of_workflow(position, &template.name));
    }
    checker.faults
}

/// How many tasks may be looked at in all when it is asked who is whose ancestor; past that nothing more is
/// told, and the engine finds out when the workflow runs.
const MAX_ANCESTOR_STEPS: usize = 20_000_000;

/// How many faults are told of; whoever has more has one.
const MAX_FAULTS: usize = 1_000;

fn index(spec: &WorkflowSpec) -> HashMap<&str, &Template> {
    spec.templates.iter().map(|template| (template.name.as_str(), template)).collect()
}

struct Checker<'a> {
    spec: &'a WorkflowSpec,
    validation: &'a Validation<'a>,
    index: HashMap<&'a str, &'a Template>,
    faults: Vec<Fault>,
    steps_left: usize,
}

impl<'a> Checker<'a> {
    fn fault(&mut self, code: Code, message: String, path: &str) {
        if self.faults.len() >= MAX_FAULTS {
            return;
        }
        self.faults.push(Fault::new(code, message).at(self.validation.places.nearest(path)));
    }

    fn names(&mut self, names: &[&str], rule: names::Rule, prefix: &str, path: &str) {
        for (position, message) in names::faults(names, rule) {
            self.fault(BAD_WORKFLOW, format!("{prefix}{message}"), &format!("{path}[{position}]"));
        }
    }

    fn entrypoint(&mut self) {
        let name = &self.spec.entrypoint;
        if name.is_empty() {
            if self.validation.mode != Mode::Template {
                self.fault(BAD_WORKFLOW, "spec.entrypoint is required".to_owned(), "spec");
            }
            return;
        }
        match self.index.get(name.as_str()).copied() {
            Some(template) if self.validation.mode != Mode::Template => {
                let given = |name: &str| {
                    self.spec.arguments.parameters.iter().any(|parameter| parameter.name == name)
                };
                let given_artifact =
                    |name: &str| self.spec.arguments.artifacts.iter().any(|artifact| artifact.name == name);
                let missing = call::missing_inputs(template, &given, &given_artifact);
                for message in missing {
                    let message = format!("templates.{name} {message}");
                    self.fault(PARAMETER_WITHOUT_VALUE, message, "spec.entrypoint");
                }
            }
            Some(_) => {}
            None if name.contains("{{") => {}
            None => self.fault(
                UNKNOWN_TEMPLATE,
                format!("spec.entrypoint template name '{name}' undefined"),
                "spec.entrypoint",
            ),
        }
    }

    fn pod_gc(&mut self) {
        const STRATEGIES: [&str; 5] =
            ["", "OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess"];
        let strategy = self.spec.pod_gc.as_ref().map(|gc| gc.strategy.as_str());
        if let Some(strategy) = strategy.filter(|strategy| !STRATEGIES.contains(strategy)) {
            let message = format!("podGC.strategy unknown strategy '{strategy}'");
            self.fault(BAD_WORKFLOW, message, "spec.podGC.strategy");
        }
    }

    /// Checks the templates that run at the end or at events of the workflow.
    fn hooks(&mut self, global: &Scope<'_>) {
        let on_exit = &self.spec.on_exit;
        if !on_exit.is_empty() && !on_exit.contains("{{") && !self.index.contains_key(on_exit.as_str()) {
            self.fault(
                UNKNOWN_TEMPLATE,
                format!("spec.onExit template name '{on_exit}' undefined"),
                "spec.onExit",
            );
        }
        let hooks = serde_json::to_value(&self.spec.hooks).ok();
        self.call_hooks(hooks.as_ref(), global, "spec.hooks", "spec.hooks");
    }

    /// Checks the workflow's own parameters and artifacts.
    fn arguments(&mut self) {
        let arguments = &self.spec.arguments;
        if self.too_many(
            arguments.parameters.len() + arguments.artifacts.len(),
            "spec.arguments",
            "spec.arguments",
        ) {
            return;
        }
        let names: Vec<&str> = arguments.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        self.names(&names, names::Rule::Parameter, "spec.arguments.parameters", "spec.arguments.parameters");
        let names: Vec<&str> = arguments.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        self.names(&names, names::Rule::Artifact, "spec.arguments.artifacts", "spec.arguments.artifacts");
        let with_template = self.spec.workflow_template_ref.is_some();
        for (position, parameter) in arguments.parameters.iter().enumerate() {
            let path = format!("spec.arguments.parameters[{position}]");
            self.argument(parameter, &path, with_template);
        }
    }

    fn argument(&mut self, parameter: &Parameter, path: &str, with_template: bool) {
        let Parameter { name, value, value_from, enumeration, .. } = parameter;
        if let Some(choices) = enumeration {
            if choices.is_empty() {
                let message = format!("spec.arguments.{name}.enum should contain at least one value");
                self.fault(BAD_WORKFLOW, message, path);
            } else if value.as_ref().is_some_and(|value| !choices.contains(value)) {
                let message = format!(
                    "spec.arguments.{name}.value should be present in spec.arguments.{name}.enum list"
                );
                self.fault(BAD_WORKFLOW, message, path);
            }
        }
        let missing = value.is_none() && value_from.is_none();
        if missing && self.validation.mode == Mode::Submit && !with_template {
            let message =
                format!("spec.arguments.{name}.value or spec.arguments.{name}.valueFrom is required");
            self.fault(PARAMETER_WITHOUT_VALUE, message, path);
        }
    }

    /// Whether there are more parameters or artifacts than Argo takes; that is told then.
    fn too_many(&mut self, count: usize, what: &str, path: &str) -> bool {
        let too_many = count > MAX_PARAMETERS;
        if too_many {
            let message =
                format!("{what} has {count} parameters and artifacts, {MAX_PARAMETERS} are allowed");
            self.fault(BAD_WORKFLOW, message, path);
        }
        too_many
    }

    fn known(&self, name: &str) -> Option<&'a Template> {
        self.index.get(name).copied()
    }
}
