//! Which fields an object may have, and of which types: strict, as Argo's lint and Kubernetes' strict validation are.
//! A shape is data; `check` walks a document by it and reports every unknown field and wrong type at its place, `prune`
//! takes unknown fields out.

use serde_json::Value;

use super::{argo_fields as argo, core_fields as core, oam_fields as oam};
use crate::{
    fault::{Code, Fault},
    yaml::{Data, Document, Entry, Mark, Node, UNKNOWN_FIELD, WRONG_TYPE, did_you_mean},
};

/// How many unknown fields of one object are told of.
const MAX_FAULTS: usize = 200;

/// What a value may hold.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Anything: what is told by decoding, or is nobody's to judge.
    Any,
    /// Text; a number or a boolean is taken for one.
    Text,
    /// True or false.
    Flag,
    /// A whole number.
    Int,
    /// A whole number or text.
    IntOrText,
    /// An amount with a unit, as Kubernetes' `resource.Quantity`.
    Quantity,
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

/// What is wrong with the fields of an object.
pub(super) struct Checked {
    /// What it is refused for.
    pub(super) faults: Vec<Fault>,
    /// Unknown fields within a step: its own Argo checks, what these hold it does not.
    pub(super) overlooked: Vec<Fault>,
}

/// Returns a fault for each unknown field and each value of a wrong type in an object of this kind.
pub(super) fn check(document: &Document, kind: &str) -> Checked {
    let checked = Checked { faults: Vec::new(), overlooked: Vec::new() };
    let mut walk = Walk { document, path: String::new(), checked, steps: 0 };
    walk.walk(document.root(), *of_kind(kind));
    walk.checked
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
    checked: Checked,
    /// How many steps the walk is within.
    steps: usize,
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
                let is_step = matches!(shape, Shape::Strict(_));
                for entry in entries.iter() {
                    self.within(&segment(&entry.key), |walk| walk.entry(entry, known, is_step));
                }
            }
            _ => {
                if let Some(message) = wrong_type(shape, node) {
                    self.told(WRONG_TYPE, message, node.mark);
                }
            }
        }
    }
    fn entry(&mut self, entry: &Entry, known: &'static [(&'static str, Shape)], is_step: bool) {
        if let Some((_, shape)) = known.iter().find(|(name, _)| *name == &*entry.key) {
            let step = usize::from(is_step);
            self.steps += step;
            self.walk(&entry.value, *shape);
            self.steps -= step;
            return;
        }
        let message = format!("unknown field \"{}\"", self.path.trim_start_matches('.'));
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        if let Some(fault) = self.told(UNKNOWN_FIELD, message, entry.mark) {
            fault.help = did_you_mean(&entry.key, &names);
        }
    }
    fn told(&mut self, code: Code, message: String, mark: Option<Mark>) -> Option<&mut Fault> {
        let list = match code {
            UNKNOWN_FIELD if self.steps > 0 => &mut self.checked.overlooked,
            _ => &mut self.checked.faults,
        };
        if list.len() >= MAX_FAULTS {
            return None;
        }
        list.push(self.document.fault(code, message, mark));
        list.last_mut()
    }
    fn within(&mut self, segment: &str, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(segment);
        work(self);
        self.path.truncate(length);
    }
}

/// Returns what is wrong with a value that is not of this shape; nothing stands for any.
fn wrong_type(shape: Shape, node: &Node) -> Option<String> {
    let data = &node.data;
    let fits = match shape {
        _ if matches!(data, Data::Null) => true,
        Shape::Any | Shape::Template => true,
        Shape::Text => !matches!(data, Data::Seq(_) | Data::Map(_)),
        Shape::Flag => matches!(data, Data::Bool(_)),
        Shape::Int => matches!(data, Data::Int(_) | Data::Uint(_)),
        Shape::IntOrText => matches!(data, Data::Int(_) | Data::Uint(_) | Data::Str(_)),
        Shape::Quantity => match data {
            Data::Str(text) => is_quantity(text),
            _ => matches!(data, Data::Int(_) | Data::Uint(_) | Data::Float(_)),
        },
        Shape::List(_) => matches!(data, Data::Seq(_)),
        Shape::Object(_) | Shape::Strict(_) | Shape::Fields(_) => matches!(data, Data::Map(_)),
    };
    let expected = match shape {
        _ if fits => return None,
        Shape::Any | Shape::Template | Shape::Text => "text",
        Shape::Flag => "true or false",
        Shape::Int => "a whole number",
        Shape::IntOrText => "a whole number or text",
        Shape::Quantity => "a quantity such as `500m` or `2Gi`",
        Shape::List(_) => "a list",
        Shape::Object(_) | Shape::Strict(_) | Shape::Fields(_) => "an object",
    };
    Some(format!("expected {expected}, found {}", node.shown()))
}

/// Whether `text` is an amount in Kubernetes' notation. Source: apimachinery `resource/quantity.go`, ParseQuantity.
fn is_quantity(text: &str) -> bool {
    const UNITS: [&str; 16] =
        ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(unsigned);
    let rest = unsigned.get(whole..).unwrap_or_default();
    let (part, unit) = match rest.strip_prefix('.') {
        Some(rest) => (digits(rest), rest.get(digits(rest)..).unwrap_or_default()),
        None => (0, rest),
    };
    let exponent = || {
        let power = unit.strip_prefix(['e', 'E']).unwrap_or_default();
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        !power.is_empty() && power.len() <= 18 && digits(power) == power.len()
    };
    whole + part > 0 && (UNITS.contains(&unit) || exponent())
}

fn segment(key: &str) -> String {
    let key: String = key.chars().take(64).collect();
    format!(".{}", key.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::is_quantity;

    #[test]
    fn quantities_are_kubernetes_quantities() {
        for text in ["0", "1", "+1.5", "-2", ".5", "5.", "100m", "2Gi", "1e3", "1E-3", "12E", "3Ei"] {
            assert!(is_quantity(text), "{text}");
        }
        for text in ["", "x", "1 Gi", "1GB", "1gi", ".", "-", "1e", "1e+", "{{a}}", "1.2.3", "1K"] {
            assert!(!is_quantity(text), "{text}");
        }
    }
}
