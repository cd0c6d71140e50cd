//! Drivers against the services they speak to, with the vendors' own clients as second opinion.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is a test")]

mod cloud;
mod git;
mod local;
mod peer;
mod plugin;
mod s3;
mod web;
