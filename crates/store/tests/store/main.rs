//! The database from outside: a real one in a temporary folder, and proofs from real rules.

#[cfg(test)]
mod attack;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod facts;
mod journal;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod older;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod world;
