//! Runs one container for whoever supervises a pod: through an engine that speaks Docker's API (Docker, Podman), or by an
//! OCI runtime (runc, crun) on an image that was pulled from a registry or lies in an OCI layout folder.
//! Comes in: what container is wanted. Goes out: its output as it is written, its exit code, and the files asked for.
//! Not here: pods, deadlines, masking, logs, artifacts (`backend`); building images; networks beyond the engine's own.
//!
//! A container is attended by a stage: this program, executed again ([`attend`]), which speaks in lines with whoever
//! opened it ([`Stage`]). When that one is gone, the stage ends the container and removes it.
//!
//! Invariant: a container is started at most once under one name, unless its stage is told to start it again.
//! Invariant: nothing that an image, a layer or a container holds leads a write or a read out of the folder meant for it.

mod attend;
mod engine;
mod error;
mod image;
pub mod limits;
mod network;
mod runtime;
mod settings;
mod stage;
mod tree;
mod wanted;
mod wire;

pub use attend::{Prove, Running, Way, attend};
pub use error::ContainerError;
pub use network::{Network, remove_network};
pub use settings::{Engine, Settings, detect};
pub use stage::{Stage, Word};
pub use wanted::{Bind, Limits, Pull, Request, Wanted, quantity_milli};

/// The hidden first argument of a stage.
pub const ATTEND_ARGUMENT: &str = "__attend";
/// The hidden first argument of what removes a network ([`Network::remove`]).
pub const NETWORK_ARGUMENT: &str = "__network";
