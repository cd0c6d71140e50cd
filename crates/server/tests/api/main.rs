//! The API as clients see it: a real database, real pods, no listener.

#[cfg(test)]
mod again;
#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod cron;
#[cfg(test)]
mod daemons;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod events;
#[cfg(test)]
mod garbage;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod listening;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod progress;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod story;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod throttle;
