//! From a request to start something to the effective workflow: template, defaults and arguments merged,
//! and everything checked that picks an identity, a privilege or an override.
//! Not here: who may start it or override what (see `policy`, which decides on [`Binding::overrides`]).
//!
//! Invariant: the effective spec of a bound workflow is its template's, but for the arguments and the few
//! fields that cannot widen anything; an allow-list, since lists of what is forbidden were outwitted in Argo
//! three times (GHSA-3wf5-g532-rcrr, GHSA-3775-99mw-8rp4, CVE-2026-54526).

mod arguments;
mod bound;
mod references;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    argo::{self, Workflow, WorkflowSpec},
    canonical::digest,
    catalog::{BoundComponent, Catalog, DEFAULT_EXPIRY_MS},
    duration::go_duration_ms,
    fault::{Code, Fault},
    limits::MAX_PARAMETERS,
    name::{ComponentRef, NamespacedName, ScopeRef},
    yaml::{Places, did_you_mean},
};

pub use references::resolve_template_refs;

/// A bound workflow sets a field that belongs to its template.
pub const FIELD_NOT_YOURS: Code = Code("MDL0501");
/// What a workflow is bound to does not exist, or its references contradict each other.
pub const BAD_BINDING: Code = Code("MDL0502");
/// A parameter that the template does not have.
pub const UNKNOWN_PARAMETER: Code = Code("MDL0503");
/// A reference to a template of another WorkflowTemplate that cannot be resolved.
pub const BAD_TEMPLATE_REF: Code = Code("MDL0504");

/// The label that names the Application of a workflow.
pub const APPLICATION_LABEL: &str = "app.oam.dev/name";
/// The label that names the component of a workflow.
pub const COMPONENT_LABEL: &str = "app.oam.dev/component";
/// The label by which Argo names the WorkflowTemplate of a workflow.
pub const TEMPLATE_LABEL: &str = "workflows.argoproj.io/workflow-template";
/// The label by which Argo names the ClusterWorkflowTemplate of a workflow.
pub const CLUSTER_TEMPLATE_LABEL: &str = "workflows.argoproj.io/cluster-workflow-template";

/// What a run is bound to.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The component, or none for a workflow under its namespace's root scope.
    pub component: Option<ComponentRef>,
    /// The namespace.
    pub namespace: String,
    /// The scopes, innermost first.
    pub scopes: Vec<ScopeRef>,
    /// The gates: suspend nodes that open only by approval.
    pub gates: Vec<EffectiveGate>,
    /// SHA-256 of the canonical form of the effective template, hexadecimal.
    pub template_digest: String,
    /// SHA-256 of the canonical form of the parameters, hexadecimal.
    pub parameters_digest: String,
    /// The parameters that the caller sets, by name: those that differ from what the Application gives.
    pub overrides: BTreeMap<String, String>,
}

/// A gate with trait and scopes met (the narrower of both, field by field).
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveGate {
    /// The step's, task's or template's name of the suspend node.
    pub node: String,
    /// Distinct people at least.
    pub min: u32,
    /// Milliseconds the gate stays open.
    pub expires_after_ms: u64,
}

/// Returns the effective workflow of `asked` (a submitted Workflow; its namespace is set) and what it is
/// bound to: by `workflowTemplateRef` to a component's template, by the labels `app.oam.dev/name` and
/// `app.oam.dev/component`, or to the namespace's root scope.
///
/// The effective workflow has no `workflowTemplateRef` and no `templateRef`: what they named is in its own
/// templates.
///
/// # Errors
/// Every fault: unknown template or component, a mismatch of both, fields a bound workflow may not set,
/// parameters that do not exist or may not be set.
pub fn lower(catalog: &Catalog, asked: Workflow) -> Result<(Workflow, Binding), Vec<Fault>> {
    lower_over(catalog, None, asked)
}

/// Returns the same with the defaults of all workflows under it: what the workflow and its template leave open.
///
/// # Errors
/// As [`lower`].
pub fn lower_over(
    catalog: &Catalog,
    defaults: Option<&Workflow>,
    asked: Workflow,
) -> Result<(Workflow, Binding), Vec<Fault>> {
    let count = asked.spec.arguments.parameters.len() + asked.spec.arguments.artifacts.len();
    if count > MAX_PARAMETERS {
        let message =
            format!("spec.arguments has {count} parameters and artifacts, {MAX_PARAMETERS} are allowed");
        return Err(vec![Fault::new(UNKNOWN_PARAMETER, message)]);
    }
    let bound = component(catalog, &asked)?;
    let namespace = asked.metadata.namespace.clone();
    let by_template = asked.spec.workflow_template_ref.is_some();
    let (mut workflow, overrides) = match bound {
        Some(bound) => bound::effective(catalog, bound, asked)?,
        None => (unbound(catalog, asked)?, BTreeMap::new()),
    };
    if let Some(defaults) = defaults {
        let (suspend, by_template) = (workflow.spec.suspend, by_template || bound.is_some());
        over_defaults(defaults, &mut workflow)?;
        // only that of a workflow that stands for itself
        if by_template {
            workflow.spec.suspend = suspend;
        }
    }
    workflow.status = None;
    let mut faults = arguments::faults(&workflow.spec.arguments);
    let find = catalog.templates_of(&namespace);
    let places = Places::default();
    // labels come from the server, from defaults and from whoever submits: which there are is not known yet
    let validation = argo::Validation {
        mode: argo::Mode::Submit,
        templates: &find,
        places: &places,
        metadata: None,
        defaults: None,
    };
    let known = faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>();
    faults.extend(
        argo::validate(&workflow.spec, &validation).into_iter().filter(|f| !known.contains(&f.message)),
    );
    if !faults.is_empty() {
        return Err(faults);
    }
    workflow.spec = resolve_template_refs(catalog, &namespace, workflow.spec)?;
    let scopes = match bound {
        Some(bound) => bound.scopes.clone(),
        None => catalog.namespace_root(&namespace).map(|root| catalog.scope_chain(root)).unwrap_or_default(),
    };
    let binding = Binding {
        component: bound.map(|bound| bound.component.clone()),
        gates: bound.map(|bound| gates(catalog, bound)).unwrap_or_default(),
        template_digest: template_digest(&workflow.spec),
        parameters_digest: parameters_digest(&workflow.spec),
        namespace,
        scopes,
        overrides,
    };
    Ok((workflow, binding))
}

/// Returns what an effective workflow is bound to that belongs to no component and is started once more, as it is.
pub fn rebind(catalog: &Catalog, workflow: &Workflow) -> Binding {
    let namespace = workflow.metadata.namespace.clone();
    let root = catalog.namespace_root(&namespace);
    Binding {
        component: None,
        scopes: root.map(|root| catalog.scope_chain(root)).unwrap_or_default(),
        gates: Vec::new(),
        template_digest: template_digest(&workflow.spec),
        parameters_digest: parameters_digest(&workflow.spec),
        overrides: BTreeMap::new(),
        namespace,
    }
}

/// Returns the component that a workflow's references name, if they name one.
fn component<'a>(catalog: &'a Catalog, asked: &Workflow) -> Result<Option<&'a BoundComponent>, Vec<Fault>> {
    let namespace = &asked.metadata.namespace;
    let fault = |message: String| vec![Fault::new(BAD_BINDING, message)];
    let label = |name: &str| asked.metadata.labels.get(name).map(|value| value.0.clone());
    let by_label = match (label(APPLICATION_LABEL), label(COMPONENT_LABEL)) {
        (Some(application), Some(component)) => {
            let name = ComponentRef { namespace: namespace.clone(), application, component };
            let found = catalog.component(&name);
            Some(found.ok_or_else(|| fault(format!("component `{name}` of the labels does not exist")))?)
        }
        (None, Some(component)) => {
            let message =
                format!("the label `{COMPONENT_LABEL}: {component}` needs `{APPLICATION_LABEL}` beside it");
            return Err(fault(message));
        }
        _ => None,
    };
    let Some(reference) = &asked.spec.workflow_template_ref else { return Ok(by_label) };
    named_spec(catalog, namespace, reference).map_err(|fault| vec![*fault])?;
    if reference.cluster_scope {
        let name = &reference.name;
        return match by_label {
            None => Ok(None),
            Some(label) => Err(fault(format!(
                "the labels name component `{}`, but ClusterWorkflowTemplate `{name}` belongs to none",
                label.component
            ))),
        };
    }
    let template = NamespacedName::new(namespace, reference.name.clone());
    let by_template = catalog.component_of_template(&template);
    if let (Some(application), Some(bound)) = (label(APPLICATION_LABEL), by_template)
        && bound.component.application != application
    {
        let message = format!(
            "the label `{APPLICATION_LABEL}` names `{application}`, but WorkflowTemplate `{template}` belongs to `{}`",
            bound.component
        );
        return Err(fault(message));
    }
    match (by_label, by_template) {
        (Some(label), other) if label.template != template => {
            let belongs = other
                .map_or_else(|| "to no component".to_owned(), |other| format!("to `{}`", other.component));
            let message = format!(
                "the labels name component `{}`, but WorkflowTemplate `{template}` belongs {belongs}",
                label.component
            );
            Err(fault(message))
        }
        _ => Ok(by_template),
    }
}

/// Returns the spec that a workflow's `workflowTemplateRef` names.
fn named_spec<'a>(
    catalog: &'a Catalog,
    namespace: &str,
    reference: &argo::WorkflowTemplateRef,
) -> Result<&'a WorkflowSpec, Box<Fault>> {
    let asked = &reference.name;
    let (found, known, message) = if reference.cluster_scope {
        let known: Vec<&str> = catalog.cluster_templates().map(|(name, _)| name.as_str()).collect();
        let found = catalog.cluster_template(asked).map(|written| &written.object.spec);
        (found, known, format!("cluster workflow template `{asked}` not found"))
    } else {
        let name = NamespacedName::new(namespace, asked.clone());
        let here = catalog.templates().filter(|(known, _)| known.namespace == namespace);
        let known = here.map(|(known, _)| known.name.as_str()).collect();
        let message = format!("workflow template `{name}` not found");
        (catalog.template(&name).map(|template| &template.spec), known, message)
    };
    found.ok_or_else(|| {
        let mut fault = Fault::new(BAD_BINDING, message);
        fault.help = did_you_mean(asked, &known).filter(|help| help.starts_with("did"));
        Box::new(fault)
    })
}

/// Returns the effective workflow of one that belongs to no component: its own spec over its template's.
/// Source: Argo `workflow/util/merge.go` JoinWorkflowSpec.
fn unbound(catalog: &Catalog, mut asked: Workflow) -> Result<Workflow, Vec<Fault>> {
    let Some(reference) = asked.spec.workflow_template_ref.take() else { return Ok(asked) };
    let under = named_spec(catalog, &asked.metadata.namespace, &reference).map_err(|fault| vec![*fault])?;
    if !asked.spec.templates.is_empty() {
        let message = "templates is not allowed to be used with workflowTemplateRef";
        return Err(vec![Fault::new(BAD_BINDING, message)]);
    }
    let suspend = asked.spec.suspend;
    asked.spec = laid_over(under, &asked.spec).map_err(|fault| vec![*fault])?;
    // a template never suspends who uses it
    asked.spec.suspend = suspend;
    let label = if reference.cluster_scope { CLUSTER_TEMPLATE_LABEL } else { TEMPLATE_LABEL };
    asked.metadata.labels.insert(label.to_owned(), reference.name.into());
    Ok(asked)
}

/// Returns a specification with another one under it. A hook, and a label that comes from an expression, is one or the
/// other's, never mixed. Source: Argo `workflow/util/merge.go` MergeTo.
fn laid_over(under: &WorkflowSpec, over: &WorkflowSpec) -> Result<WorkflowSpec, Box<Fault>> {
    let (below, above) = (json(under), json(over));
    let mut merged = argo::strategic_merge(below.clone(), above.clone());
    for keyed in ["/hooks", "/workflowMetadata/labelsFrom"] {
        let of = |value: &Value| value.pointer(keyed).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut entries = of(&below);
        entries.extend(of(&above));
        if let Some(mixed) = merged.pointer_mut(keyed) {
            *mixed = Value::Object(entries);
        }
    }
    let read: Result<WorkflowSpec, _> = serde_json::from_value(merged);
    let mut spec = read.map_err(|error| Box::new(Fault::new(BAD_BINDING, error.to_string())))?;
    spec.arguments = arguments::merged(&under.arguments, &over.arguments, &spec.arguments);
    Ok(spec)
}

/// Lays a workflow over what the server's owner says of all workflows: fields of its specification, labels, annotations.
/// Source: Argo `controller.go` setWorkflowDefaults, `merge.go` JoinWorkflowMetaData.
fn over_defaults(defaults: &Workflow, workflow: &mut Workflow) -> Result<(), Vec<Fault>> {
    workflow.spec = laid_over(&defaults.spec, &workflow.spec).map_err(|fault| vec![*fault])?;
    let (under, metadata) = (&defaults.metadata, &mut workflow.metadata);
    for (name, value) in &under.labels {
        metadata.labels.entry(name.clone()).or_insert_with(|| value.clone());
    }
    for (name, value) in &under.annotations {
        metadata.annotations.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Ok(())
}

/// Returns the gates of a component, each as narrow as trait and scopes together make it.
fn gates(catalog: &Catalog, bound: &BoundComponent) -> Vec<EffectiveGate> {
    let approvals =
        bound.scopes.iter().filter_map(|scope| catalog.scope(scope)?.object.spec.approvals.as_ref());
    let approvals: Vec<_> = approvals.collect();
    let min = approvals.iter().map(|approvals| approvals.min).max().unwrap_or(0);
    let expiry = approvals
        .iter()
        .filter_map(|approvals| go_duration_ms(approvals.expires_after.as_deref()?).ok())
        .min();
    let gates = bound.approval.iter().flat_map(|written| &written.object.gates);
    let effective = gates.map(|gate| {
        let asked = gate.expires_after.as_deref().and_then(|text| go_duration_ms(text).ok());
        EffectiveGate {
            node: gate.node.clone(),
            min: gate.min.unwrap_or(1).max(min).max(1),
            expires_after_ms: asked.into_iter().chain(expiry).min().unwrap_or(DEFAULT_EXPIRY_MS),
        }
    });
    effective.collect()
}

fn template_digest(spec: &WorkflowSpec) -> String {
    let mut spec = json(spec);
    if let Value::Object(fields) = &mut spec {
        fields.shift_remove("arguments");
    }
    digest(&spec)
}

fn parameters_digest(spec: &WorkflowSpec) -> String {
    let parameters = spec.arguments.parameters.iter();
    let values: Map<String, Value> = parameters
        .filter_map(|parameter| {
            Some((parameter.name.clone(), Value::from(parameter.value.as_ref()?.as_str())))
        })
        .collect();
    digest(&Value::Object(values))
}

fn json(spec: &WorkflowSpec) -> Value {
    // a spec holds nothing that JSON has no form for
    serde_json::to_value(spec).unwrap_or(Value::Null)
}
