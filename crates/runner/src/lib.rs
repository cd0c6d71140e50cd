//! Drives runs: one inbox and one loop for each, a permit for every command, the doors to clock and randomness.
//! Not here: deciding what comes next (`engine`), HTTP (`server`), keeping things (`store`), processes (`backend`).
//! Invariant: decide, remember, then act: no command is carried out before the event that caused it is durable.

mod again;
mod apply;
mod archive;
mod artifacts;
mod ask;
pub mod clock;
mod cron;
mod drive;
mod error;
mod events;
mod garbage;
mod gates;
pub mod keys;
mod limits;
mod locks;
mod logs;
mod materials;
mod metrics;
mod objects;
mod operate;
mod pods;
pub mod random;
mod retention;
mod runner;
mod seal;
mod submit;
mod tasks;
mod templates;
mod throttle;
mod timers;
mod token;
mod types;
mod view;

pub use again::Resubmission;
pub use artifacts::{ArtifactAsked, ArtifactSettings, OpenArtifact};
pub use error::RunnerError;
pub use metrics::Metrics;
pub use objects::ObjectKind;
pub use runner::{Keys, Runner};
pub use seal::SealingKey;
pub use tasks::ExecutorPlugin;
pub use types::*;
