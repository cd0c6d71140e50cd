//! What to do next: takes a run and an event, gives the next run and commands.
//!
//! Rooms: `plan` (a workflow compiled once: templates, DAG edges, what is refused) → `live` (what is under way)
//! → `turn` (one event carried through). Words, node names, messages are Argo's
//! (`workflow/controller/{operator,steps,dag}.go`).
//!
//! Not here: clock, network, storage, who is asking (see `policy`).
//!
//! Invariant: replaying a run's events in order gives the same run.
//! Invariant: the cost of an event grows with the nodes it touches, never with the nodes of the run; a
//! shutdown, a deadline and the list of failures for an exit handler look at all nodes, once each.

pub mod binding;
mod command;
pub mod cron;
mod duration;
mod error;
mod event;
pub mod garbage;
mod live;
pub mod operate;
mod options;
mod plan;
mod resources;
pub mod retention;
mod run;
pub mod sync;
pub mod task;
mod turn;

pub use command::{
    Command, InputSource, LockName, LockRequest, Measurement, MemoEntry, Observed, Pod, PodInput, Question,
    Task,
};
pub use error::{BindingError, Rejected, StepError};
pub use event::{
    Answer, CollectedOutputs, ContainerEnd, Event, EventKind, PodEnd, PodOutcome, ShutdownStrategy,
    StoredArtifact, TaskOutcome, TimerId,
};
pub use options::{Gate, RunOptions};
pub use run::Run;
pub use turn::{HOST, artifact_key, step};
