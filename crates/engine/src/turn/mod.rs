//! One event carried through: checked against the run, applied, and everything that follows from it done.
//! What follows is kept as lists of work, first in first out, so that no depth of templates is a depth of calls.
//! Invariant: an event that is refused or repeated changes nothing.

mod again;
mod artifact;
mod ask;
pub use artifact::artifact_key;
pub(crate) use expression::any_in as has_expressions;
pub use pod::HOST;
mod container_set;
mod daemon;
mod dag;
mod deadline;
mod event;
mod expand;
mod expression;
mod finish;
mod fit;
mod held;
mod hooks;
mod inputs;
mod item;
mod lookup;
mod measure;
mod memoize;
mod node;
mod outputs;
mod patch;
mod pod;
mod reference;
mod resolve;
mod retry;
mod settle;
mod shutdown;
mod start;
mod steps;
mod suspend;
mod task;
mod variables;

use std::{cell::Cell, collections::VecDeque};

use jiff::Timestamp;

use crate::{Command, Event, Rejected, Run, live::Start};

/// Returns the run after `event`, and what must now be done.
///
/// # Errors
/// [`Rejected`] with the run as it was, if the event cannot happen in this state.
pub fn step(run: Run, event: &Event) -> Result<(Run, Vec<Command>), Box<Rejected>> {
    match fit::check(&run, &event.kind) {
        Err(reason) => Err(Box::new(Rejected { run, reason })),
        Ok(fit::Fit::Repeated) => Ok((run, Vec::new())),
        Ok(fit::Fit::New) => {
            let mut turn = Turn {
                run,
                now: event.at,
                commands: Vec::new(),
                work: VecDeque::new(),
                starts: VecDeque::new(),
                draws: Cell::new(0),
            };
            turn.apply(&event.kind);
            turn.work_off();
            turn.look_at_run_hooks();
            turn.work_off();
            Ok((turn.run, turn.commands))
        }
    }
}

/// Something that follows from the event.
#[derive(Debug)]
enum Work {
    /// A node has ended; who waits for it is to be told.
    Ended(usize),
    /// A steps node goes on to its next group.
    Group(usize),
    /// The dependencies of a DAG's task are decided.
    Task(usize, usize),
    /// A node with hooks goes on.
    Hooks(usize),
}

/// The run while an event is carried through.
#[derive(Debug)]
struct Turn {
    run: Run,
    now: Timestamp,
    commands: Vec<Command>,
    work: VecDeque<Work>,
    /// Nodes about to start; they come before all other work, so that few wait here at a time.
    starts: VecDeque<Start>,
    /// Expressions computed, so that each draws other random values.
    draws: Cell<u64>,
}

impl Turn {
    fn work_off(&mut self) {
        loop {
            if let Some(start) = self.starts.pop_front() {
                self.start(start);
                continue;
            }
            let Some(work) = self.work.pop_front() else {
                // whoever was let go on may wait for something else now, and leave the pod to the next
                match self.next_waiting() {
                    Some(next) => self.then_start(next),
                    None => break,
                }
                continue;
            };
            match work {
                Work::Ended(at) => self.ended(at),
                Work::Group(at) => self.next_group(at),
                Work::Task(dag, task) => self.task_is_free(dag, task),
                Work::Hooks(at) => self.look_at_hooks(at),
            }
        }
    }

    /// Takes the first of those that wait for a pod and may have one now: in a run that is to end, hooks go on alone.
    fn next_waiting(&mut self) -> Option<Start> {
        let [others, hooks] = [false, true].map(|hooked| self.has_pod_to_spare(hooked));
        let waiting = &mut self.run.live.waiting;
        match (others, hooks) {
            (false, false) => None,
            (true, true) => waiting.pop_front(),
            _ => {
                let at = waiting.iter().position(|start| start.hooked == hooks)?;
                waiting.remove(at)
            }
        }
    }

    fn then_start(&mut self, start: Start) {
        self.starts.push_back(start);
    }
}
