//! A run as it goes: on a terminal its tree, redrawn in place, with log lines above it; in a pipe a line for each
//! change. Not here: where the changes come from (see `run`, `watch`).

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use jiff::Timestamp;
use model::argo::{NodeId, NodePhase, NodeStatus, NodeType, Workflow, WorkflowPhase, WorkflowStatus};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Interval, MissedTickBehavior},
};

use crate::{
    exit::Exit,
    render::{
        live::Live,
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
    /// The tree, on a terminal.
    live: Live,
    /// The phases that were told already, in a pipe.
    told: BTreeMap<NodeId, NodePhase>,
}

impl Screen {
    /// Returns an empty screen.
    pub(crate) fn new(look: Look) -> Self {
        Self { look, live: Live::default(), told: BTreeMap::new() }
    }

    /// Takes note of the terminal's new size, in columns and lines.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn resized(&mut self, (width, height): (usize, usize), out: &mut dyn Write) -> io::Result<()> {
        (self.look.width, self.look.height) = (width, height);
        self.live.resized(width, out)
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
        lines.push(state(workflow, status, now, self.look));
        let most = self.look.height.saturating_sub(1).max(4);
        let over = lines.len().saturating_sub(most);
        if over > 0 {
            // the heading stays, and so does what is below: it moves
            let left_out = over.saturating_add(1);
            let told = self.look.paint(Paint::Faint, format!("… {left_out} lines"));
            lines.splice(1..left_out.saturating_add(1), [told]);
        }
        self.live.draw(&lines, self.look.width, out)
    }

    /// Shows a line of a step's log.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn log(&mut self, step: &str, line: &str, out: &mut dyn Write) -> io::Result<()> {
        self.line(&log_line(step, line, self.look), out)
    }

    /// Shows a remark.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn remark(&mut self, remark: &str, out: &mut dyn Write) -> io::Result<()> {
        self.line(&self.look.paint(Paint::Waiting, remark), out)
    }

    fn line(&mut self, line: &str, out: &mut dyn Write) -> io::Result<()> {
        if self.look.live { self.live.tell(line, out) } else { writeln!(out, "{line}") }
    }

    /// Tells what the run is, in a pipe: on a terminal the tree and its last line say it.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn head(&self, workflow: &Workflow, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        if self.look.live {
            return Ok(());
        }
        writeln!(out, "{}", tree::heading(workflow, now, self.look))
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
            self.live.erase(out)?;
        } else {
            self.tell(status, out)?;
        }
        out.write_all(tree::tree(&workflow.metadata.name, status, now, self.look).as_bytes())?;
        writeln!(out, "{}", state(workflow, status, now, self.look))?;
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
}

/// Returns a line of a log with its step before it.
pub(crate) fn log_line(step: &str, line: &str, look: Look) -> String {
    let step = look.paint(Paint::Active, cut(&tame(step), 40));
    format!("{step} | {}", tame(line))
}

/// Returns how a run stands or ended, in a line.
fn state(workflow: &Workflow, status: &WorkflowStatus, now: Timestamp, look: Look) -> String {
    let phase = look.paint(tree::paint(status.phase), tree::phase_name(status.phase));
    let (preposition, until) =
        if status.phase.is_completed() { ("in", status.finished_at) } else { ("for", Some(now)) };
    let lasted = span::between(status.started_at, until);
    let lasted = if lasted.is_empty() { lasted } else { format!(" {preposition} {lasted}") };
    let progress = if status.phase.is_completed() || status.progress.is_empty() {
        String::new()
    } else {
        format!(", {} done", tame(&status.progress))
    };
    let why = if status.message.is_empty() { String::new() } else { format!(": {}", tame(&status.message)) };
    format!("{} {phase}{lasted}{progress}{why}", tame(&workflow.metadata.name))
}

/// Tells when what is drawn is to be drawn anew though nothing happened: durations grow, and a terminal's size changes.
#[derive(Debug)]
pub(crate) struct Ticks {
    second: Interval,
    resized: Option<Signal>,
}

/// Why to draw anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    /// A second has passed.
    Second,
    /// The terminal has this size now, in columns and lines.
    Resized((usize, usize)),
}

impl Ticks {
    /// Returns the ticks of a screen; only a terminal's ever tell.
    pub(crate) fn new(look: Look) -> Self {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let resized = if look.live { signal(SignalKind::window_change()).ok() } else { None };
        Self { second, resized }
    }

    /// Waits for the next one; may be given up at any time.
    pub(crate) async fn next(&mut self) -> Tick {
        // without a terminal nothing is drawn in place
        let Some(resized) = &mut self.resized else { return std::future::pending().await };
        loop {
            tokio::select! {
                _ = self.second.tick() => return Tick::Second,
                _ = resized.recv() => {
                    if let Some((width, height)) = terminal_size::terminal_size() {
                        return Tick::Resized((usize::from(width.0), usize::from(height.0)));
                    }
                }
            }
        }
    }
}

impl Screen {
    /// Draws the run anew because of a tick.
    ///
    /// # Errors
    /// Writing failed.
    pub(crate) fn tick(
        &mut self,
        tick: Tick,
        workflow: &Workflow,
        now: Timestamp,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if let Tick::Resized(size) = tick {
            self.resized(size, out)?;
        }
        self.show(workflow, now, out)
    }
}

/// Returns the exit code for the phase a run has ended in.
pub(crate) const fn exit(phase: WorkflowPhase) -> Exit {
    match phase {
        WorkflowPhase::Succeeded => Exit::OK,
        _ => Exit::FAILED,
    }
}
