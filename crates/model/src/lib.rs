//! The nouns of Argo Workflows and the Open Application Model: what comes in is text, what goes out is
//! checked values, or all the faults of the text with file, line and column.
//!
//! Stages: `yaml` (text to values with places) → `argo` and `oam` (what was written) → `catalog` (what it
//! means together, checked) → `lower` (the effective workflow of a component, ready for the engine).
//!
//! Not here: clock, network, files, who is asking (see `identity`), who may (see `policy`).
//!
//! Invariant: a [`catalog::Catalog`] exists only if every object in it was checked against every other.

pub mod argo;
pub mod canonical;
pub mod catalog;
pub mod core;
#[cfg(test)]
mod corpus;
pub mod cron;
pub mod duration;
pub mod fault;
pub mod id;
pub mod limits;
pub mod lower;
pub mod manifest;
pub mod name;
pub mod oam;
pub mod yaml;

pub use fault::{Code, Fault, Place};
pub use id::{ApplyId, AttemptId, Id, RunId, SessionId, TokenId};
pub use name::{ComponentRef, NamespacedName, ScopeRef};
