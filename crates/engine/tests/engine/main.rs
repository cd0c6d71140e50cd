//! The engine driven through its public surface by a simulated world.

#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod binding;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod corpus_arguments;
#[cfg(test)]
mod corpus_loops;
#[cfg(test)]
mod cron;
#[cfg(test)]
mod dag;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod expressions;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod loops;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod progress;
#[cfg(test)]
mod references;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod suspend;
#[cfg(test)]
mod tasks;
