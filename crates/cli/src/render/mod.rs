//! How things look as text: trees of nodes, tables, faults, refusals, YAML. Pure functions from values to text,
//! so that each is compared with a recorded text.
//! Not here: where the text goes (see `shell`), where the values come from (see `client`, `command`).

pub mod decision;
pub mod fault;
pub mod kept;
pub mod live;
#[cfg(test)]
mod live_tests;
pub mod span;
pub mod table;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod yaml;
