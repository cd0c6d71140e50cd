//! A run as it goes: on a terminal its tree, redrawn in place, with log lines above it; in a pipe a line for each
//! change. Not here: where the changes come from (see `run`, `watch`).

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use jiff::Timestamp;
use model::argo::{NodeId, NodePhase, NodeStatus, NodeType, Workflow, WorkflowPhase, WorkflowStatus};

use crate::{
    exit::Exit,
    render::{
        span,
        table::{cut, tame},
        tree,
    },
    shell::{Look, Paint},
};

/// What is shown of a run that goes on.
#[derive(Debug)]
pub(crate) struct Screen {
    look: Look,
    /// The lines of the tree that stand on the terminal now.
    drawn: Vec<String>,
    /// The phases that were told already, in a pipe.
    told: BTreeMap<NodeId, NodePhase>,
}

impl Screen {
    /// Returns an empty screen.
    pub(crate) const fn new(look: Look) -> Self {
        Self { look, drawn: Vec::new(), told: BTreeMap::new() }
    }

    /// Shows the run as it is now.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn show(
        &mut self,
        workflow: &Workflow,
        now: Timestamp,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let Some(status) = &workflow.status else { return Ok(()) };
        if !self.look.live {
            return self.tell(status, out);
        }
        let text = tree::tree(&workflow.metadata.name, status, now, self.look);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let most = self.look.height.saturating_sub(2).max(4);
        if lines.len() > most {
            let left_out = lines.len().saturating_sub(most).saturating_add(1);
            lines.drain(..left_out);
            lines.insert(0, self.look.paint(Paint::Faint, format!("… {left_out} lines above")));
        }
        if lines != self.drawn {
            self.erase(out)?;
            self.drawn = lines;
            self.draw(out)?;
        }
        Ok(())
    }

    /// Shows a line of a step's log.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn log(&mut self, step: &str, line: &str, out: &mut dyn Write) -> io::Result<()> {
        self.erase(out)?;
        writeln!(out, "{}", log_line(step, line, self.look))?;
        self.draw(out)
    }

    /// Shows a remark.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn remark(&mut self, remark: &str, out: &mut dyn Write) -> io::Result<()> {
        self.erase(out)?;
        writeln!(out, "{}", self.look.paint(Paint::Waiting, remark))?;
        self.draw(out)
    }

    /// Shows the end: the whole tree, and how it went.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn finish(
        &mut self,
        workflow: &Workflow,
        now: Timestamp,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let Some(status) = &workflow.status else { return Ok(()) };
        if self.look.live {
            self.erase(out)?;
            self.drawn.clear();
        } else {
            self.tell(status, out)?;
        }
        out.write_all(tree::tree(&workflow.metadata.name, status, now, self.look).as_bytes())?;
        writeln!(out, "{}", verdict(workflow, status, self.look))?;
        out.flush()
    }

    /// Tells each change of a phase in a line of its own.
    fn tell(&mut self, status: &WorkflowStatus, out: &mut dyn Write) -> io::Result<()> {
        let drawn = || status.nodes.values().filter(|node| node.node_type != NodeType::StepGroup);
        // what holds others ends after them
        let holds = |node: &&NodeStatus| {
            matches!(node.node_type, NodeType::Steps | NodeType::Dag | NodeType::TaskGroup | NodeType::Retry)
        };
        let ended = |node: &&NodeStatus| holds(node) && node.phase.is_fulfilled();
        for node in drawn().filter(|node| !ended(node)).chain(drawn().rev().filter(ended)) {
            if self.told.insert(node.id.clone(), node.phase) == Some(node.phase) {
                continue;
            }
            let lasted = span::between(node.started_at, node.finished_at);
            let lasted = if lasted.is_empty() || !node.phase.is_fulfilled() {
                lasted
            } else {
                format!(" in {lasted}")
            };
            let why =
                if node.message.is_empty() { String::new() } else { format!(": {}", tame(&node.message)) };
            let symbol = tree::symbol(node, self.look);
            writeln!(out, "{symbol} {} {}{lasted}{why}", tame(&node.display_name), node.phase.as_str())?;
        }
        out.flush()
    }

    fn erase(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.drawn.len() {
            0 => Ok(()),
            lines => write!(out, "\x1b[{lines}A\x1b[J"),
        }
    }

    fn draw(&self, out: &mut dyn Write) -> io::Result<()> {
        for line in &self.drawn {
            writeln!(out, "{line}")?;
        }
        out.flush()
    }
}

/// Returns a line of a log with its step before it.
pub(crate) fn log_line(step: &str, line: &str, look: Look) -> String {
    let step = look.paint(Paint::Active, cut(&tame(step), 40));
    format!("{step} | {}", tame(line))
}

/// Returns how a run ended, in a line.
fn verdict(workflow: &Workflow, status: &WorkflowStatus, look: Look) -> String {
    let phase = look.paint(tree::paint(status.phase), tree::phase_name(status.phase));
    let lasted = span::between(status.started_at, status.finished_at);
    let lasted = if lasted.is_empty() { lasted } else { format!(" in {lasted}") };
    let why = if status.message.is_empty() { String::new() } else { format!(": {}", tame(&status.message)) };
    format!("{} {phase}{lasted}{why}", tame(&workflow.metadata.name))
}

/// Returns the exit code for the phase a run has ended in.
pub(crate) const fn exit(phase: WorkflowPhase) -> Exit {
    match phase {
        WorkflowPhase::Succeeded => Exit::OK,
        _ => Exit::FAILED,
    }
}
