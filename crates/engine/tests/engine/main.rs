//! The engine driven through its public surface by a simulated world.

mod corpus;
mod dag;
mod driver;
mod limits;
mod loops;
mod replay;
mod retry;
mod steps;
mod suspend;
