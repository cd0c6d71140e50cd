//! What every template of a workflow may refer to, and what it is filled in with. Source: Argo `Workflow` and
//! `newTemplateValidationCtx` in `validate.go`.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{FindTemplate, Validation};
use crate::argo::{Arguments, ObjectMeta, WorkflowSpec};

/// What stands in for a value that is only known when the workflow runs; no name of anybody's begins so.
pub(super) const PLACEHOLDER: &str = "placeholder-5d0c8b2e-";

/// The globals that are known so far.
pub(super) struct Globals {
    values: HashMap<String, String>,
    outputs: HashSet<String>,
    /// Whether labels and annotations are not known, so that any may be there.
    any_metadata: bool,
    any_parameter: bool,
    any_output_artifact: bool,
}

/// Returns what stands in for the value of `name`: the same for the same name, and fit for every kind of name.
pub(super) fn placeholder(name: &str) -> String {
    let hash = super::super::fnv1a_32(name);
    format!("{PLACEHOLDER}{hash}")
}

/// Whether `text` holds something that is only known when the workflow runs.
pub(super) fn is_filled_later(text: &str) -> bool {
    text.contains(PLACEHOLDER)
}

impl Globals {
    /// Returns the globals of a workflow whose arguments, merged with its template's, are `arguments`.
    pub(super) fn new(
        spec: &WorkflowSpec,
        under: Option<&WorkflowSpec>,
        arguments: &Arguments,
        validation: &Validation<'_>,
    ) -> Self {
        let mut globals = Self {
            values: HashMap::new(),
            outputs: HashSet::new(),
            any_metadata: validation.metadata.is_none(),
            any_parameter: validation.mode.is_template(),
            any_output_artifact: false,
        };
        for name in ["name", "namespace", "mainEntrypoint", "serviceAccountName", "uid", "status"] {
            globals.stand_in(&format!("workflow.{name}"));
        }
        for name in ["annotations", "annotations.json", "labels", "labels.json"] {
            globals.stand_in(&format!("workflow.{name}"));
        }
        if !arguments.parameters.is_empty() {
            globals.stand_in("workflow.parameters");
            globals.stand_in("workflow.parameters.json");
        }
        for parameter in &arguments.parameters {
            let name = format!("workflow.parameters.{}", parameter.name);
            match &parameter.value {
                Some(value) => drop(globals.values.insert(name, value.0.clone())),
                None => globals.stand_in(&name),
            }
        }
        if let Some(priority) = spec.priority {
            globals.values.insert("workflow.priority".to_owned(), priority.to_string());
        }
        globals.metadata(validation.metadata);
        let specs = [Some(spec), under, validation.defaults];
        for metadata in specs.into_iter().flatten().filter_map(|spec| spec.workflow_metadata.as_ref()) {
            globals.workflow_metadata(metadata);
        }
        globals
    }

    fn metadata(&mut self, metadata: Option<&ObjectMeta>) {
        let Some(metadata) = metadata else { return };
        metadata.annotations.keys().for_each(|key| self.stand_in(&format!("workflow.annotations.{key}")));
        metadata.labels.keys().for_each(|key| self.stand_in(&format!("workflow.labels.{key}")));
    }

    fn workflow_metadata(&mut self, metadata: &Value) {
        for (field, kind) in [("annotations", "annotations"), ("labels", "labels"), ("labelsFrom", "labels")]
        {
            let fields = metadata.get(field).and_then(Value::as_object);
            for key in fields.into_iter().flat_map(|fields| fields.keys()) {
                self.stand_in(&format!("workflow.{kind}.{key}"));
            }
        }
    }

    fn stand_in(&mut self, name: &str) {
        self.values.insert(name.to_owned(), placeholder(name));
    }

    /// Adds what only exit handlers may refer to.
    pub(super) fn at_exit(&mut self, specs: &[&WorkflowSpec]) {
        self.stand_in("workflow.failures");
        let artifacts =
            specs.iter().flat_map(|spec| &spec.templates).flat_map(|template| &template.outputs.artifacts);
        self.any_output_artifact |=
            artifacts.into_iter().any(|artifact| super::scope::is_tag(&artifact.global_name));
    }

    /// Adds an output of the whole workflow, which is filled in from then on.
    pub(super) fn add_output(&mut self, kind: &str, name: &str) {
        self.outputs.insert(format!("workflow.outputs.{kind}.{name}"));
    }

    /// Returns what a tag is filled in with.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        if let Some(value) = self.values.get(name) {
            return Some(value.clone());
        }
        let metadata = ["workflow.labels.", "workflow.annotations."];
        let open = self.outputs.contains(name)
            || (self.any_metadata && metadata.iter().any(|prefix| name.starts_with(prefix)));
        open.then(|| placeholder(name))
    }

    /// Whether a tag resolves to something global.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.value(name).is_some()
            || (self.any_parameter && name.starts_with("workflow.parameters"))
            || (self.any_output_artifact && name.starts_with("workflow.outputs.artifacts."))
    }
}

/// Returns what the WorkflowTemplate of a workflow says, if it names one that exists.
pub(super) fn referred<'a>(spec: &WorkflowSpec, templates: &'a dyn FindTemplate) -> Option<&'a WorkflowSpec> {
    let reference = spec.workflow_template_ref.as_ref()?;
    templates.find(&reference.name, reference.cluster_scope).map(|(spec, _)| spec)
}
