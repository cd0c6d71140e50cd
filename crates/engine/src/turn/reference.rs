//! Templates of other WorkflowTemplates: where a node's template was written, under which name it is shown, and
//! references that are resolved only when their node starts, because their names hold variables.
//! Source: Argo `templateresolution/context.go`, `workflow_types.go` GetTemplateScope, SetStoredTemplate.
//! A reference that was resolved before the run began is a template of the workflow's own, called
//! `<WorkflowTemplate>.<template>` (or `cluster/<ClusterWorkflowTemplate>.<template>`).

use std::sync::Arc;

use model::argo::{Call, NodeStatus, Template, TemplateRef};
use serde_json::Value;

use super::Turn;
use crate::{
    Answer, Question,
    live::{Home, Start},
    plan::Compiled,
};

/// What precedes the name of a ClusterWorkflowTemplate.
const CLUSTER: &str = "cluster/";

/// Splits the name of a copied template into where it was written and its name there.
fn copied(name: &str) -> Option<(Home, &str)> {
    let (home, template) = name.rsplit_once('.')?;
    Some(match home.strip_prefix(CLUSTER) {
        Some(home) => (Home { name: home.to_owned(), cluster_scope: true }, template),
        None => (Home { name: home.to_owned(), cluster_scope: false }, template),
    })
}

/// Returns the name of a template where it was written.
pub(super) fn short(name: &str) -> &str {
    copied(name).map_or(name, |(_, short)| short)
}

fn scope_of(home: &Home) -> String {
    let kind = if home.cluster_scope { "cluster" } else { "namespaced" };
    format!("{kind}/{}", home.name)
}

fn question(reference: &TemplateRef) -> Question {
    Question::Templates { name: reference.name.clone(), cluster_scope: reference.cluster_scope }
}

fn home_of(reference: &TemplateRef) -> Home {
    Home { name: reference.name.clone(), cluster_scope: reference.cluster_scope }
}

/// What of a reference is known.
pub(super) enum Found {
    Known(Arc<Compiled>),
    Unknown(Question),
}

impl Turn {
    /// Returns where the templates of the steps or DAG node at `boundary` are looked up by name.
    fn home_of_boundary(&self, boundary: Option<usize>) -> Option<Home> {
        let frame = self.run.live.frame(boundary?)?;
        match &frame.home {
            Some(home) => Some((**home).clone()),
            None => copied(&frame.compiled.template.name).map(|(home, _)| home),
        }
    }

    /// Returns how a node's template is shown: its name, or what refers to it, and the scope of who calls it.
    pub(super) fn shown_template(
        &self,
        boundary: Option<usize>,
        name: &str,
        reference: Option<&TemplateRef>,
    ) -> (String, Option<TemplateRef>, String) {
        let home = self.home_of_boundary(boundary);
        let scope = match &home {
            Some(home) => scope_of(home),
            None => format!("local/{}", self.run.workflow.metadata.name),
        };
        if reference.is_some() {
            return (String::new(), reference.cloned(), scope);
        }
        match copied(name) {
            Some((of, short)) if home.as_ref() == Some(&of) => (short.to_owned(), None, scope),
            Some((of, short)) => {
                let Home { name, cluster_scope } = of;
                let reference = TemplateRef { name, template: short.to_owned(), cluster_scope };
                (String::new(), Some(reference), scope)
            }
            None => (name.to_owned(), None, scope),
        }
    }

    fn referenced(&self, home: &Home, template: &str) -> Option<Arc<Compiled>> {
        if let Some(templates) = self.run.live.referenced.get(home) {
            return templates.get(template).cloned();
        }
        let prefix = if home.cluster_scope { CLUSTER } else { "" };
        self.run.plan.template(&format!("{prefix}{}.{template}", home.name)).cloned()
    }

    /// Returns the template that is called by name from `home`, or by reference.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn find_template(&self, start: &Start) -> Result<Found, String> {
        if let Some(reference) = &start.reference {
            let home = home_of(reference);
            if let Some(found) = self.referenced(&home, &reference.template) {
                return Ok(Found::Known(found));
            }
            let missing =
                || format!("template reference {}.{} not found", reference.name, reference.template);
            if self.run.live.referenced.contains_key(&home) {
                return Err(missing());
            }
            let question = question(reference);
            return match super::ask::told(&start.known, &question) {
                None => Ok(Found::Unknown(question)),
                Some(Answer::NotFound(message) | Answer::Refused(message)) => Err(message.clone()),
                Some(_) => Err(missing()),
            };
        }
        let found = match &start.home {
            Some(home) => self.referenced(home, &start.template_name),
            None => self.run.plan.template(&start.template_name).cloned(),
        };
        found.map(Found::Known).ok_or_else(|| format!("template name '{}' undefined", start.template_name))
    }

    /// Returns the template that is called from the steps or DAG node at `boundary`, if it is known already.
    pub(super) fn called_template(&self, boundary: usize, call: &Call) -> Option<Arc<Compiled>> {
        match (&call.template_ref, self.home_for(Some(boundary))) {
            (Some(reference), _) => self.referenced(&home_of(reference), &reference.template),
            (None, Some(home)) => self.referenced(&home, &call.template),
            (None, None) => self.run.plan.template(&call.template).cloned(),
        }
    }

    /// Returns where a template called from the steps or DAG node at `boundary` is looked up, if not in the workflow.
    pub(super) fn home_for(&self, boundary: Option<usize>) -> Option<Arc<Home>> {
        self.run.live.frame(boundary?)?.home.clone()
    }

    /// Returns the template of a node, if it has one.
    pub(super) fn template_of_node(&self, node: &NodeStatus) -> Option<Arc<Compiled>> {
        if let Some(reference) = &node.template_ref {
            return self.referenced(&home_of(reference), &reference.template);
        }
        let at = |rest: &str, cluster_scope| {
            self.referenced(&Home { name: rest.to_owned(), cluster_scope }, &node.template_name)
        };
        match node.template_scope.split_once('/') {
            Some(("namespaced", name)) => at(name, false),
            Some(("cluster", name)) => at(name, true),
            _ => self.run.plan.template(&node.template_name).cloned(),
        }
    }

    /// Pins the templates of a WorkflowTemplate for the rest of the run.
    pub(super) fn pin(&mut self, question: &Question, answer: &Answer) {
        if let (Question::Templates { name, cluster_scope }, Answer::Templates(templates)) =
            (question, answer)
        {
            let home = Home { name: name.clone(), cluster_scope: *cluster_scope };
            let compiled = templates
                .iter()
                .map(|template| (template.name.clone(), Arc::new(self.run.plan.compile(template.clone()))));
            let compiled = Arc::new(compiled.collect());
            self.run.live.referenced.entry(home).or_insert(compiled);
        }
    }

    /// Notes a template that was written elsewhere in the run's status, once.
    pub(super) fn note_stored(&mut self, scope: &str, reference: Option<&TemplateRef>, template: &Template) {
        let key = match reference {
            Some(reference) => format!("{}/{}", scope_of(&home_of(reference)), reference.template),
            None if scope.starts_with("local/") => return,
            None => format!("{scope}/{}", short(&template.name)),
        };
        let stored = self
            .run
            .status
            .rest
            .entry("storedTemplates")
            .or_insert_with(|| Value::Object(Default::default()));
        if let Some(stored) = stored.as_object_mut().filter(|stored| !stored.contains_key(&key)) {
            let template = Template { name: short(&template.name).to_owned(), ..template.clone() };
            stored.insert(key, serde_json::to_value(template).unwrap_or_default());
        }
    }
}
