//! What an event starts: the selector of a WorkflowEventBinding, and the Workflow it makes of the event.
//! Source: Argo v4.1.2 `server/event/dispatch/operation.go`, `workflow/common/convert.go`.
//!
//! Not here: who may send events and start runs (see `policy`), the HTTP request (see `server`), the letters that
//! end a generated name (see `runner`).

use expr::{
    ExprError,
    lang::{Env, Expression, Value},
};
use jiff::Timestamp;
use model::{
    argo::{
        API_VERSION, AnyString, EventSubmit, ObjectMeta, Parameter, Workflow, WorkflowEventBinding,
        WorkflowSpec,
    },
    lower::{CLUSTER_TEMPLATE_LABEL, TEMPLATE_LABEL},
};
use serde_json::{Map, Value as Json};

use crate::BindingError;

/// The label of a Workflow with the name of the WorkflowEventBinding that started it.
pub const BINDING_LABEL: &str = "workflows.argoproj.io/workflow-event-binding";

/// An event as it came in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incoming {
    /// The namespace it was sent to.
    pub namespace: String,
    /// What the sender calls this sort of event; the end of the path.
    pub discriminator: String,
    /// The headers that count; see [`metadata`].
    pub metadata: Map<String, Json>,
    /// The body.
    pub payload: Json,
}

/// Returns the headers that expressions may look at: those that begin with `x-`, in lower case, each with all its
/// values. Everything else may be a credential.
pub fn metadata<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Map<String, Json> {
    let mut kept = Map::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-")
            && let Json::Array(values) = kept.entry(name).or_insert_with(|| Json::Array(Vec::new()))
        {
            values.push(Json::from(value));
        }
    }
    kept
}

/// An event that expressions can look at.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// For selectors and parameters, which know expr-lang's own functions alone.
    plain: Env,
    /// For names, labels and annotations.
    with_functions: Env,
}

impl Dispatch {
    /// Takes up an event. `now` is what `now()` gives, `seed` what random functions are drawn from.
    pub fn new(event: &Incoming, now: Timestamp, seed: u64) -> Self {
        let mut env = Env::new(now, seed);
        env.set("namespace", Value::text(&event.namespace));
        env.set("discriminator", Value::text(&event.discriminator));
        env.set("metadata", Value::of_json(&Json::Object(event.metadata.clone())));
        env.set("payload", Value::of_json(&event.payload));
        Self { plain: env.clone().without_functions(), with_functions: env }
    }

    /// Returns whether a selector selects the event.
    ///
    /// # Errors
    /// [`BindingError::Selector`].
    pub fn selects(&self, selector: &str) -> Result<bool, BindingError> {
        let compiled = Expression::compile(selector, &self.plain).map_err(BindingError::Selector)?;
        compiled.evaluate_bool(&self.plain).map_err(BindingError::Selector)
    }

    /// Returns the value of the parameter `name`: a string as it is, anything else as JSON.
    ///
    /// # Errors
    /// [`BindingError::Unreadable`], [`BindingError::Uncomputed`], [`BindingError::NoJson`].
    pub fn parameter(&self, name: &str, expression: &str) -> Result<String, BindingError> {
        let at = |make: fn(String, ExprError) -> BindingError| {
            let name = name.to_owned();
            move |error| make(name, error)
        };
        let compiled = Expression::compile(expression, &self.plain)
            .map_err(at(|name, reason| BindingError::Unreadable { name, reason }))?;
        let value = compiled
            .evaluate(&self.plain)
            .map_err(at(|name, reason| BindingError::Uncomputed { name, reason }))?;
        match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => value.to_json_text().map_err(at(|name, reason| BindingError::NoJson { name, reason })),
        }
    }

    /// Returns the text that `expression` gives for `what`, as `name` or `label "x"`.
    ///
    /// # Errors
    /// [`BindingError::Metadata`], [`BindingError::NotText`].
    pub fn text(&self, what: &str, expression: &str) -> Result<String, BindingError> {
        let failed = |reason| BindingError::Metadata { what: what.to_owned(), reason };
        let compiled = Expression::compile(expression, &self.with_functions).map_err(failed)?;
        let value = compiled.evaluate(&self.with_functions).map_err(failed)?;
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| BindingError::NotText { what: what.to_owned(), got: value.type_name().to_owned() })
    }

    /// Returns the Workflow that the binding makes of the event; none if it does not select it or starts nothing.
    /// Its name is left to be generated unless the binding says one.
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn workflow(&self, binding: &WorkflowEventBinding) -> Result<Option<Workflow>, BindingError> {
        let selected = self.selects(&binding.spec.event.selector)?;
        let Some(submit) = binding.spec.submit.as_ref().filter(|_| selected) else { return Ok(None) };
        let mut metadata = self.metadata(submit)?;
        metadata.namespace.clone_from(&binding.metadata.namespace);
        metadata.labels.insert(BINDING_LABEL.to_owned(), AnyString(binding.metadata.name.clone()));
        let mut spec = WorkflowSpec {
            workflow_template_ref: Some(submit.workflow_template_ref.clone()),
            ..WorkflowSpec::default()
        };
        for parameter in submit.arguments.iter().flat_map(|arguments| &arguments.parameters) {
            let Parameter { name, value_from, .. } = parameter;
            let from = value_from.as_ref().ok_or_else(|| BindingError::NoEvent { name: name.clone() })?;
            let value = Some(AnyString(self.parameter(name, &from.event)?));
            spec.arguments.parameters.push(Parameter { name: name.clone(), value, ..Parameter::default() });
        }
        Ok(Some(Workflow {
            api_version: API_VERSION.to_owned(),
            kind: "Workflow".to_owned(),
            metadata,
            spec,
            status: None,
        }))
    }

    fn metadata(&self, submit: &EventSubmit) -> Result<ObjectMeta, BindingError> {
        let template = &submit.workflow_template_ref;
        let mut made = ObjectMeta { generate_name: format!("{}-", template.name), ..ObjectMeta::default() };
        let label = if template.cluster_scope { CLUSTER_TEMPLATE_LABEL } else { TEMPLATE_LABEL };
        made.labels.insert(label.to_owned(), AnyString(template.name.clone()));
        let Some(wanted) = &submit.metadata else { return Ok(made) };
        if !wanted.name.is_empty() {
            made.name = self.text("name", &wanted.name)?;
        }
        if !wanted.generate_name.is_empty() {
            made.generate_name = self.text("generateName", &wanted.generate_name)?;
        }
        for (key, AnyString(expression)) in &wanted.labels {
            let value = self.text(&format!("label \"{key}\""), expression)?;
            made.labels.insert(key.clone(), AnyString(value));
        }
        for (key, AnyString(expression)) in &wanted.annotations {
            let value = self.text(&format!("annotation \"{key}\""), expression)?;
            made.annotations.insert(key.clone(), AnyString(value));
        }
        Ok(made)
    }
}
