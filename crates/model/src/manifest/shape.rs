//! Which fields an object may have: strict, as Argo's lint and Kubernetes' strict validation are.
//! A shape is data; `check` walks a document by it and reports every unknown field at its place, `prune` takes them out.

use serde_json::Value;

use super::{argo_fields as argo, core_fields as core, oam_fields as oam};
use crate::{
    fault::Fault,
    yaml::{Data, Document, Entry, Node, UNKNOWN_FIELD, did_you_mean},
};

/// How many unknown fields of one object are told of.
const MAX_FAULTS: usize = 200;

/// What a value may hold.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Anything: a scalar, or an object whose fields are not ours to judge.
    Any,
    /// An object with these fields at most.
    Object(&'static [(&'static str, Shape)]),
    /// An object with these fields at most, of which nothing is dropped: Argo reads a step strictly everywhere.
    Strict(&'static [(&'static str, Shape)]),
    /// A list of these.
    List(&'static Shape),
    /// An object with fields of any name, each of this shape.
    Fields(&'static Shape),
    /// Looked up late, since templates hold templates.
    Template,
}

/// Returns a fault for each unknown field of an object of this kind.
pub(super) fn check(document: &Document, kind: &str) -> Vec<Fault> {
    let mut walk = Walk { document, path: String::new(), faults: Vec::new() };
    walk.walk(document.root(), *of_kind(kind));
    walk.faults
}

fn of_kind(kind: &str) -> &'static Shape {
    match kind {
        "Workflow" => &argo::WORKFLOW,
        "WorkflowTemplate" | "ClusterWorkflowTemplate" => &argo::WORKFLOW_TEMPLATE,
        "CronWorkflow" => &argo::CRON_WORKFLOW,
        "WorkflowEventBinding" => &argo::EVENT_BINDING,
        "ConfigMap" => &core::CONFIG_MAP,
        "Secret" => &core::SECRET,
        "Application" => &oam::APPLICATION,
        "IdentityScope" => &oam::IDENTITY_SCOPE,
        "AccessPolicy" => &oam::ACCESS_POLICY,
        _ => &oam::DEFINITION,
    }
}

/// Takes the unknown fields out of an object of this kind, as Kubernetes prunes what it stores and Go's JSON ignores what
/// it does not know, and spells the others as they are spelled; those of a step stay.
pub(super) fn prune(value: &mut Value, kind: &str) {
    take_out(value, *of_kind(kind));
}

fn take_out(value: &mut Value, shape: Shape) {
    match (shape, value) {
        (Shape::Template, value) => take_out(value, argo::TEMPLATE),
        (Shape::List(item), Value::Array(items)) => {
            items.iter_mut().for_each(|value| take_out(value, *item));
        }
        (Shape::Fields(shape), Value::Object(fields)) => {
            fields.values_mut().for_each(|value| take_out(value, *shape));
        }
        (Shape::Object(known) | Shape::Strict(known), Value::Object(fields)) => {
            for (name, mut value) in std::mem::take(fields) {
                let exact = known.iter().find(|(known, _)| *known == name);
                // to Go's JSON letter case is nothing
                match exact.or_else(|| known.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name))) {
                    Some((known, shape)) => {
                        take_out(&mut value, *shape);
                        fields.insert((*known).to_owned(), value);
                    }
                    None if matches!(shape, Shape::Strict(_)) => {
                        fields.insert(name, value);
                    }
                    None => {}
                }
            }
        }
        _ => {}
    }
}

/// A document while it is walked.
struct Walk<'a> {
    document: &'a Document,
    /// Where the walk is, as Kubernetes writes it: `spec.templates[0].container`.
    path: String,
    faults: Vec<Fault>,
}

impl Walk<'_> {
    fn walk(&mut self, node: &Node, shape: Shape) {
        match (shape, &node.data) {
            (Shape::Template, _) => self.walk(node, argo::TEMPLATE),
            (Shape::List(item), Data::Seq(items)) => {
                for (at, node) in items.iter().enumerate() {
                    self.within(&format!("[{at}]"), |walk| walk.walk(node, *item));
                }
            }
            (Shape::Fields(value), Data::Map(entries)) => {
                for entry in entries.iter() {
                    self.within(&segment(&entry.key), |walk| walk.walk(&entry.value, *value));
                }
            }
            (Shape::Object(known) | Shape::Strict(known), Data::Map(entries)) => {
                for entry in entries.iter() {
                    self.within(&segment(&entry.key), |walk| walk.entry(entry, known));
                }
            }
            // a wrong type is told by decoding
            _ => {}
        }
    }
    fn entry(&mut self, entry: &Entry, known: &'static [(&'static str, Shape)]) {
        if let Some((_, shape)) = known.iter().find(|(name, _)| *name == &*entry.key) {
            return self.walk(&entry.value, *shape);
        }
        if self.faults.len() >= MAX_FAULTS {
            return;
        }
        let message = format!("unknown field \"{}\"", self.path.trim_start_matches('.'));
        let mut fault = self.document.fault(UNKNOWN_FIELD, message, entry.mark);
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        fault.help = did_you_mean(&entry.key, &names);
        self.faults.push(fault);
    }
    fn within(&mut self, segment: &str, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(segment);
        work(self);
        self.path.truncate(length);
    }
}

fn segment(key: &str) -> String {
    let key: String = key.chars().take(64).collect();
    format!(".{}", key.escape_debug())
}
