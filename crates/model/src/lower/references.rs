//! Templates of other WorkflowTemplates: copied into the workflow, under names no template can have itself.

use std::collections::{BTreeSet, VecDeque};

use super::BAD_TEMPLATE_REF;
use crate::{
    argo::{Call, Template, TemplateRef, WorkflowSpec},
    catalog::Catalog,
    fault::Fault,
    name::NamespacedName,
};

/// The most templates a workflow may have once its references are resolved.
const MAX_TEMPLATES: usize = 2_000;

/// Returns `spec` with every `templateRef` replaced by a `template` of its own, copied from the
/// WorkflowTemplate of `namespace` or the ClusterWorkflowTemplate that it names. A copy is called
/// `<workflow template>.<template>`, or `cluster/<cluster workflow template>.<template>`: template names hold no dot and
/// no slash, so no other can be called so. Only the template is taken, never the rest of the
/// WorkflowTemplate's spec (Argo `docs/workflow-templates.md`). A reference whose names hold tags stays as it is.
///
/// # Errors
/// A fault for each reference that names nothing.
pub fn resolve_template_refs(
    catalog: &Catalog,
    namespace: &str,
    spec: WorkflowSpec,
) -> Result<WorkflowSpec, Vec<Fault>> {
    let mut resolver =
        Resolver { catalog, namespace, wanted: VecDeque::new(), known: BTreeSet::new(), faults: Vec::new() };
    let mut spec = spec;
    for template in &mut spec.templates {
        resolver.rewrite(template, None);
    }
    while let Some((name, reference)) = resolver.wanted.pop_front() {
        if spec.templates.len() >= MAX_TEMPLATES {
            resolver
                .faults
                .push(Fault::new(BAD_TEMPLATE_REF, format!("more than {MAX_TEMPLATES} templates")));
            break;
        }
        let Some(mut template) = resolver.find(&reference) else { continue };
        template.name = name;
        resolver.rewrite(&mut template, Some(&reference));
        spec.templates.push(template);
    }
    if resolver.faults.is_empty() { Ok(spec) } else { Err(resolver.faults) }
}

struct Resolver<'a> {
    catalog: &'a Catalog,
    namespace: &'a str,
    wanted: VecDeque<(String, TemplateRef)>,
    known: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Resolver<'_> {
    /// Rewrites the calls of a template that was written in the WorkflowTemplate `home`, or in the workflow.
    fn rewrite(&mut self, template: &mut Template, home: Option<&TemplateRef>) {
        for step in template.steps.iter_mut().flatten().flat_map(|group| &mut group.0) {
            self.call(&mut step.call, home);
        }
        for task in template.dag.iter_mut().flat_map(|dag| &mut dag.tasks) {
            self.call(&mut task.call, home);
        }
    }

    fn call(&mut self, call: &mut Call, home: Option<&TemplateRef>) {
        if let Some(inline) = &mut call.inline {
            // Argo allows one level of these, and none below
            let mut calls: Vec<&mut Call> = Vec::new();
            calls.extend(
                inline.steps.iter_mut().flatten().flat_map(|group| &mut group.0).map(|step| &mut step.call),
            );
            calls.extend(inline.dag.iter_mut().flat_map(|dag| &mut dag.tasks).map(|task| &mut task.call));
            for call in calls.into_iter().filter(|call| call.inline.is_none()) {
                self.reference(call, home);
            }
        }
        self.reference(call, home);
    }

    fn reference(&mut self, call: &mut Call, home: Option<&TemplateRef>) {
        // What its names will be is known only when its node starts.
        let has_tags = |reference: &TemplateRef| {
            [&reference.name, &reference.template].iter().any(|name| name.contains("{{"))
        };
        if call.template_ref.as_ref().is_some_and(has_tags) {
            return;
        }
        let reference = match (call.template_ref.take(), home) {
            (Some(reference), _) => reference,
            (None, Some(home)) if !call.template.is_empty() => {
                TemplateRef { template: call.template.clone(), ..home.clone() }
            }
            (None, _) => return,
        };
        let scope = if reference.cluster_scope { "cluster/" } else { "" };
        let name = format!("{scope}{}.{}", reference.name, reference.template);
        call.template.clone_from(&name);
        if self.known.insert(name.clone()) {
            self.wanted.push_back((name, reference));
        }
    }

    fn find(&mut self, reference: &TemplateRef) -> Option<Template> {
        let TemplateRef { name, template, cluster_scope } = reference;
        let spec = if *cluster_scope {
            self.catalog.cluster_template(name).map(|written| &written.object.spec)
        } else {
            let full = NamespacedName::new(self.namespace, name.clone());
            self.catalog.template(&full).map(|other| &other.spec)
        };
        let found =
            spec.and_then(|spec| spec.templates.iter().find(|other| other.name == *template)).cloned();
        let found = found.ok_or_else(|| format!("template reference {name}.{template} not found"));
        found.map_err(|message| self.faults.push(Fault::new(BAD_TEMPLATE_REF, message))).ok()
    }
}
