//! The kept forms of things that have none of their own: versioned JSON that mirrors them field by field, so that a change
//! of theirs cannot change what older databases mean.
//! Not here: Argo's and OAM's objects, which `model` reads and writes.

mod answer;
mod event;
mod place;
mod run;

pub(crate) use event::{event_from_text, event_to_text};
pub(crate) use run::{facts_from_text, principal_from_text, principal_to_text, run_from_text, run_to_text};

#[cfg(test)]
mod tests;
