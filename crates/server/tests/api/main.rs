//! The API as clients see it: a real database, real pods, no listener.

mod bad_input;
mod doors;
mod harness;
mod listening;
mod recorded;
mod story;
mod streams;
mod templates;
