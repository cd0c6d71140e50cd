//! The program `marque` as a library: arguments in, text and an exit code out. One file a command, each a function
//! that writes where it is told, so that it is tested without a process.
//!
//! Not here: deciding (`policy`), driving runs (`runner`), serving (`server`); this room translates and shows.
//!
//! Invariant: nothing secret is taken from the command line or put into an address, and nothing a workflow says
//! reaches a terminal with its control characters.

pub mod args;
pub mod client;
pub mod command;
pub mod credentials;
pub mod error;
pub mod exit;
pub mod render;
pub mod shell;
mod terminal;

pub use terminal::{main, run};
