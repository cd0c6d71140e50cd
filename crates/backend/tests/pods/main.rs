//! The process backend from outside: real processes, real sandboxes. Every attack is run by a real payload.
//! A machine without namespaces says so plainly and runs the rest.

#[cfg(test)]
use std::time::Duration;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod contained;
#[cfg(test)]
mod daemon;
#[cfg(test)]
#[path = "../probe/door.rs"]
mod door;
#[cfg(test)]
mod fetched;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod life;
#[cfg(test)]
mod materials;
#[cfg(test)]
mod outputs;
#[cfg(test)]
mod progress;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod several;

/// The longest a test waits for what must happen; reaching it is a failure.
#[cfg(test)]
const PATIENCE: Duration = Duration::from_secs(60);
