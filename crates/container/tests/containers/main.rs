//! Containers for real: an OCI runtime with images out of layout folders and a registry, and an engine's socket.
//! Not here: pods (`backend`). Where a machine has no runtime, engine, registry or busybox, a test says so and returns.

#[cfg(test)]
mod engine;
#[cfg(test)]
mod image;
#[cfg(test)]
mod place;
#[cfg(test)]
mod podman;
#[cfg(test)]
mod run;
