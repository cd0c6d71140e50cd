//! A run as text: what it is, and its nodes as a tree with phases and durations, as `argo get` shows it.
//! Not here: fetching it, redrawing it (see `command::follow`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use jiff::Timestamp;
use model::argo::{NodeId, NodePhase, NodeStatus, NodeType, Workflow, WorkflowPhase, WorkflowStatus};
use serde_json::Value;

use crate::{
    render::{
        span,
        table::{cut, tame, width},
    },
    shell::{Look, Paint},
};

/// The deepest nesting that is drawn.
const DEEPEST: usize = 40;

/// Returns what a run is: name, namespace, component, phase, times, parameters.
pub fn heading(workflow: &Workflow, now: Timestamp, look: Look) -> String {
    let empty = WorkflowStatus::default();
    let status = workflow.status.as_ref().unwrap_or(&empty);
    let meta = &workflow.metadata;
    let label = |name: &str| meta.labels.get(name).map(|value| value.as_str());
    let mut lines: Vec<(&str, String)> =
        vec![("Name:", tame(&meta.name)), ("Namespace:", tame(&meta.namespace))];
    if let (Some(application), Some(component)) = (label("app.oam.dev/name"), label("app.oam.dev/component"))
    {
        lines.push(("Component:", tame(&format!("{application}/{component}"))));
    }
    let account = workflow.spec.rest.get("serviceAccountName").and_then(Value::as_str).unwrap_or("unset");
    lines.push(("ServiceAccount:", tame(account)));
    lines.push(("Status:", look.paint(paint(status.phase), phase_name(status.phase))));
    if !status.message.is_empty() {
        lines.push(("Message:", tame(&status.message)));
    }
    if let Some(at) = created(workflow) {
        lines.push(("Created:", span::moment(at)));
    }
    if let Some(at) = status.started_at {
        lines.push(("Started:", span::moment(at)));
    }
    if let Some(at) = status.finished_at {
        lines.push(("Finished:", span::moment(at)));
    }
    let lasted = span::between(status.started_at, status.finished_at.or(Some(now)));
    if !lasted.is_empty() {
        lines.push(("Duration:", lasted));
    }
    if !status.progress.is_empty() {
        lines.push(("Progress:", tame(&status.progress)));
    }
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name:<20} {value}");
    }
    let parameters = &workflow.spec.arguments.parameters;
    if !parameters.is_empty() {
        text.push_str("Parameters:\n");
        for parameter in parameters {
            let value = parameter.value.as_ref().map(|value| tame(value.as_str())).unwrap_or_default();
            let _ = writeln!(text, "  {:<18} {value}", format!("{}:", tame(&parameter.name)));
        }
    }
    text
}

/// Returns when a run was made.
pub fn created(workflow: &Workflow) -> Option<Timestamp> {
    workflow.metadata.creation_timestamp.as_deref().and_then(|at| at.parse().ok())
}

/// Returns what the nodes of a run gave: parameters with their values, artifacts by name.
pub fn outputs(status: &WorkflowStatus) -> String {
    let mut text = String::new();
    for node in status.nodes.values() {
        let Some(outputs) = &node.outputs else { continue };
        // groups pass on what their steps gave: told once, where it was made
        if !matches!(node.node_type, NodeType::Pod | NodeType::Suspend) {
            continue;
        }
        let named = |name: &str| format!("{}.{}", tame(&node.display_name), tame(name));
        for parameter in &outputs.parameters {
            let value =
                parameter.value.as_ref().map(|value| cut(&tame(value.as_str()), 200)).unwrap_or_default();
            let _ = writeln!(text, "  {:<18} {value}", format!("{}:", named(&parameter.name)));
        }
        if let Some(result) = &outputs.result {
            let _ = writeln!(text, "  {:<18} {}", format!("{}:", named("result")), cut(&tame(result), 200));
        }
        for artifact in &outputs.artifacts {
            let _ = writeln!(text, "  {:<18} (artifact)", format!("{}:", named(&artifact.name)));
        }
    }
    if text.is_empty() { text } else { format!("Outputs:\n{text}") }
}

/// Returns the nodes of a run as a tree, the exit handler's as a tree of its own.
pub fn tree(name: &str, status: &WorkflowStatus, now: Timestamp, look: Look) -> String {
    let family = Family::of(status);
    let mut rows = Vec::new();
    for root in &family.roots {
        if let Some(node) = status.nodes.get(root) {
            family.rows(status, node, &Branch::default(), &mut rows);
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let shown: Vec<Row> = rows.into_iter().map(|row| row.shown(name, now, look)).collect();
    let mut widths = [0_usize; 3];
    for row in &shown {
        for (widest, cell) in widths.iter_mut().zip([&row.step, &row.template, &row.lasted]) {
            *widest = (*widest).max(width(cell));
        }
    }
    let head = Row {
        step: "STEP".to_owned(),
        template: "TEMPLATE".to_owned(),
        lasted: "DURATION".to_owned(),
        message: "MESSAGE".to_owned(),
    };
    for (widest, cell) in widths.iter_mut().zip([&head.step, &head.template, &head.lasted]) {
        *widest = (*widest).max(width(cell));
    }
    let mut text = look.paint(Paint::Faint, head.line(widths, look.width));
    text.push('\n');
    for row in shown {
        text.push_str(&row.line(widths, look.width));
        text.push('\n');
    }
    text
}

/// Returns the symbol of a node, as `argo` draws it.
pub fn symbol(node: &NodeStatus, look: Look) -> String {
    let waiting = node.node_type == NodeType::Suspend && node.phase == NodePhase::Running;
    let (paint, symbol) = match node.phase {
        _ if waiting => (Paint::Waiting, "ǁ"),
        NodePhase::Pending => (Paint::Waiting, "◷"),
        NodePhase::Running => (Paint::Active, "●"),
        NodePhase::Succeeded => (Paint::Good, "✔"),
        NodePhase::Skipped | NodePhase::Omitted => (Paint::Faint, "○"),
        NodePhase::Failed => (Paint::Bad, "✖"),
        NodePhase::Error => (Paint::Bad, "⚠"),
    };
    look.paint(paint, symbol)
}

/// Returns the colour of a workflow's phase.
pub const fn paint(phase: WorkflowPhase) -> Paint {
    match phase {
        WorkflowPhase::Succeeded => Paint::Good,
        WorkflowPhase::Failed | WorkflowPhase::Error => Paint::Bad,
        WorkflowPhase::Running => Paint::Active,
        WorkflowPhase::Pending | WorkflowPhase::Unknown => Paint::Waiting,
    }
}

/// Returns a workflow's phase as people read it.
pub const fn phase_name(phase: WorkflowPhase) -> &'static str {
    match phase {
        WorkflowPhase::Unknown => "Pending",
        other => other.as_str(),
    }
}

/// Who stands under whom.
struct Family {
    roots: Vec<NodeId>,
    children: BTreeMap<NodeId, Vec<NodeId>>,
}

impl Family {
    /// A node stands under the retry or loop that made it, else under its boundary; groups of steps are not drawn.
    fn of(status: &WorkflowStatus) -> Self {
        let mut made_by = BTreeMap::new();
        for node in status.nodes.values() {
            if matches!(node.node_type, NodeType::Retry | NodeType::TaskGroup) {
                let attempts = node.children.iter().filter(|child| is_made_by(status, node, child));
                made_by.extend(attempts.map(|child| (child.clone(), node.id.clone())));
            }
        }
        let mut family = Self { roots: Vec::new(), children: BTreeMap::new() };
        for node in status.nodes.values().filter(|node| node.node_type != NodeType::StepGroup) {
            let parent = made_by.get(&node.id).or(node.boundary_id.as_ref());
            match parent.filter(|parent| status.nodes.contains_key(*parent) && **parent != node.id) {
                Some(parent) => family.children.entry(parent.clone()).or_default().push(node.id.clone()),
                None => family.roots.push(node.id.clone()),
            }
        }
        family
    }

    fn rows<'a>(
        &self,
        status: &'a WorkflowStatus,
        node: &'a NodeStatus,
        branch: &Branch,
        rows: &mut Vec<Unshown<'a>>,
    ) {
        let Branch { prefix, last, depth } = branch;
        let own = match last {
            None => String::new(),
            Some(false) => format!("{prefix}├─"),
            Some(true) => format!("{prefix}└─"),
        };
        rows.push(Unshown { lead: own, node });
        if *depth >= DEEPEST {
            return;
        }
        let beneath = match last {
            None => prefix.clone(),
            Some(false) => format!("{prefix}│ "),
            Some(true) => format!("{prefix}  "),
        };
        let children = self.children.get(&node.id).map(Vec::as_slice).unwrap_or_default();
        let mut seen = BTreeSet::new();
        let children: Vec<_> = children
            .iter()
            .filter(|child| seen.insert(*child))
            .filter_map(|child| status.nodes.get(child))
            .collect();
        for (index, child) in children.iter().enumerate() {
            let last = Some(index.saturating_add(1) == children.len());
            let branch = Branch { prefix: beneath.clone(), last, depth: depth.saturating_add(1) };
            self.rows(status, child, &branch, rows);
        }
    }
}

/// Where in the tree a row hangs.
#[derive(Default)]
struct Branch {
    /// What is drawn before it.
    prefix: String,
    /// Whether it is its parent's last; a root has no parent.
    last: Option<bool>,
    /// How deep it hangs.
    depth: usize,
}

/// Whether `child` is an attempt of a retry or an item of a loop, and not what comes after it.
fn is_made_by(status: &WorkflowStatus, parent: &NodeStatus, child: &NodeId) -> bool {
    let Some(rest) = status.nodes.get(child).and_then(|child| child.name.strip_prefix(&parent.name)) else {
        return false;
    };
    rest.starts_with('(')
}

struct Unshown<'a> {
    lead: String,
    node: &'a NodeStatus,
}

struct Row {
    step: String,
    template: String,
    lasted: String,
    message: String,
}

impl Unshown<'_> {
    fn shown(self, workflow: &str, now: Timestamp, look: Look) -> Row {
        let node = self.node;
        let display = if node.display_name.is_empty() { &node.name } else { &node.display_name };
        let display = if display.is_empty() { workflow } else { display };
        let under_way = !node.phase.is_fulfilled();
        let ran = !matches!(node.phase, NodePhase::Skipped | NodePhase::Omitted);
        Row {
            step: format!("{}{} {}", self.lead, symbol(node, look), tame(display)),
            template: tame(&node.template_name),
            lasted: if ran {
                span::between(node.started_at, node.finished_at.or(under_way.then_some(now)))
            } else {
                String::new()
            },
            message: tame(&node.message),
        }
    }
}

impl Row {
    fn line(&self, widths: [usize; 3], columns: usize) -> String {
        let mut line = String::new();
        for (cell, widest) in [&self.step, &self.template, &self.lasted].into_iter().zip(widths) {
            let gap = widest.saturating_sub(width(cell)).saturating_add(2);
            let _ = write!(line, "{cell}{:gap$}", "");
        }
        let left = columns.saturating_sub(width(&line)).max(20);
        line.push_str(&cut(&self.message, left));
        line.truncate(line.trim_end().len());
        line
    }
}
