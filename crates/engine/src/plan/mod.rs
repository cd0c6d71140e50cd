//! A workflow compiled once, before its first event: each template as JSON ready for substitution, its DAG's
//! edges, the results somebody refers to, and what of it cannot be run here.
//! Not here: anything that changes while the run is under way.

mod dag;
mod results;
mod support;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use model::argo::{Template, TemplateKind, Workflow, with_template_defaults};
use serde_json::Value;

pub(crate) use dag::DagPlan;
pub(crate) use support::{refused_arguments, refused_call};

/// A template, compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// As it was written.
    pub(crate) template: Template,
    /// As JSON, without its input parameters, steps and tasks: those are looked at when their turn comes.
    pub(crate) json: Value,
    /// The kind; `None` if it has none.
    pub(crate) kind: Option<TemplateKind>,
    /// Why it cannot be run, if so.
    pub(crate) refused: Option<String>,
    /// Whether there are expression tags in `json`.
    pub(crate) has_expressions: bool,
    /// The steps or tasks whose `outputs.result` it refers to.
    pub(crate) results: HashSet<String>,
    /// The edges of a DAG.
    pub(crate) dag: Option<Arc<DagPlan>>,
}

impl Compiled {
    /// Compiles a template.
    pub(crate) fn new(mut template: Template) -> Self {
        let kind = template.kinds().first().copied();
        let mut refused = support::refused_template(&template, kind);
        let steps = template.steps.take();
        let tasks = template.dag.as_mut().map(|dag| std::mem::take(&mut dag.tasks)).unwrap_or_default();
        let mut json = serde_json::to_value(&template).unwrap_or_default();
        if let Some(fields) = json.as_object_mut() {
            // Metrics are not kept here, and their tags are bound only when the node has ended.
            fields.shift_remove("metrics");
        }
        if let Some(inputs) = json.get_mut("inputs").and_then(Value::as_object_mut) {
            inputs.shift_remove("parameters");
        }
        let mut results = HashSet::new();
        results::referred_to(&json, &mut results);
        let calls = steps.iter().flatten().flat_map(|group| &group.0).map(|step| &step.call);
        for call in calls.chain(tasks.iter().map(|task| &task.call)) {
            results::referred_to(&serde_json::to_value(call).unwrap_or_default(), &mut results);
        }
        template.steps = steps;
        if let Some(dag) = &mut template.dag {
            dag.tasks = tasks;
        }
        let dag = match template.dag.as_ref().filter(|_| kind == Some(TemplateKind::Dag)).map(DagPlan::new) {
            Some(Ok(plan)) => Some(Arc::new(plan)),
            Some(Err(reason)) => {
                refused = refused.or(Some(reason));
                None
            }
            None => None,
        };
        let has_expressions = crate::turn::has_expressions(&json);
        Self { template, json, kind, refused, has_expressions, results, dag }
    }
}

/// A workflow, compiled.
#[derive(Debug)]
pub(crate) struct Plan {
    templates: HashMap<String, Arc<Compiled>>,
    /// What lies under every template, wherever it was written.
    defaults: Option<Box<Template>>,
    /// Why the workflow cannot be run, if so.
    pub(crate) refused: Option<String>,
}

impl Plan {
    /// Compiles a workflow.
    pub(crate) fn new(workflow: &Workflow) -> Self {
        let spec = &workflow.spec;
        let defaults = spec.template_defaults.clone();
        let mut plan = Self { templates: HashMap::new(), defaults, refused: support::refused_spec(spec) };
        let compiled =
            |template: &Template| (template.name.clone(), Arc::new(plan.compile(template.clone())));
        plan.templates = spec.templates.iter().map(compiled).collect();
        plan
    }

    /// Compiles a template of the workflow or of another WorkflowTemplate.
    pub(crate) fn compile(&self, template: Template) -> Compiled {
        let Some(defaults) = &self.defaults else { return Compiled::new(template) };
        match with_template_defaults(defaults, template.clone()) {
            Ok(template) => Compiled::new(template),
            Err(reason) => {
                let reason = format!("templateDefaults do not fit template `{}`: {reason}", template.name);
                Compiled { refused: Some(reason), ..Compiled::new(template) }
            }
        }
    }

    /// Returns the template called `name`.
    pub(crate) fn template(&self, name: &str) -> Option<&Arc<Compiled>> {
        self.templates.get(name)
    }
}
