//! The network of a pod in containers. With a runtime the supervisor makes it, and links it with those of the run's
//! daemons as a sandbox's. An engine makes networks itself: the pods of a run that has daemons are in one of the run's own,
//! which the last of them removes; the containers beside the main one share its place in it.
//! Not here: links (`network`), what an engine is told (crate `container`). Where the owner lets containers use the
//! machine's own network, they do, daemons too.
//! Invariant: only pods of one run are in a network of an engine that this makes.

use std::{fs::File, net::Ipv4Addr, path::Path};

use container::{Engine, Network, Settings, Wanted};
use rustix::fs::{FlockOperation, flock};

use super::{
    network::{Entrance, Locked, Membership, open_locked},
    watch::Address,
};
use crate::{
    folder::PodFolder,
    spec::{ContainerSpec, PodSpec, Role},
};

/// The network of a pod; the pod leaves it when this is dropped.
#[derive(Debug)]
pub(super) enum PodNetwork {
    /// The machine's own.
    OfMachine,
    /// One that the supervisor has made; with the pod's place among those of its run, if it has daemons.
    Made(Entrance, Option<Membership>),
    /// The engine's, or one that it makes for the run.
    OfEngine(Option<RunNetwork>),
}

impl PodNetwork {
    /// Makes the network of a pod, or joins that of its run.
    ///
    /// # Errors
    /// A sentence for the node's message.
    pub(super) fn of(folder: &PodFolder, spec: &PodSpec, settings: &Settings) -> Result<Self, String> {
        if settings.network == "host" {
            return Ok(Self::OfMachine);
        }
        match &settings.engine {
            Engine::Api { address } => RunNetwork::join(folder, spec.is_daemon, address).map(Self::OfEngine),
            Engine::Runtime { .. } => {
                let entrance = Entrance::make()?;
                let run = Locked::of(folder, spec.is_daemon)?;
                let membership = run.map(|run| run.join(&entrance, spec.is_daemon)).transpose()?;
                Ok(Self::Made(entrance, membership))
            }
        }
    }
    /// Places a container of the pod in it.
    pub(super) fn place(&self, wanted: &mut Wanted, spec: &PodSpec, container: &ContainerSpec) {
        match self {
            Self::OfMachine => {}
            Self::Made(entrance, _) => wanted.network_of = Some(entrance.file()),
            Self::OfEngine(run) => {
                let main = spec.main().and_then(|main| spec.containers.get(main)?.wanted.as_ref());
                match (&container.role, main) {
                    // what runs before the main one can't share what is not there yet
                    (Role::Sidecar, Some(main)) => wanted.network_of = Some(main.name.clone()),
                    _ => wanted.network = run.as_ref().map(|run| run.network.name.clone()),
                }
            }
        }
    }
    /// Returns where the pod is reached, if it is a daemon.
    pub(super) fn address(&self, spec: &PodSpec) -> Address {
        match self {
            _ if !spec.is_daemon => Address::None,
            Self::OfMachine => Address::known(Some(Ipv4Addr::LOCALHOST)),
            Self::Made(_, membership) => Address::known(membership.as_ref().map(Membership::address)),
            Self::OfEngine(_) => Address::OfMain,
        }
    }
}

/// An engine's network that the pods of a run share.
#[derive(Debug)]
pub(super) struct RunNetwork {
    network: Network,
    /// Locked by everybody who uses it.
    users: File,
}

impl RunNetwork {
    /// Joins the network of the pod's run; `None` if nobody is to be reached in it.
    fn join(folder: &PodFolder, is_daemon: bool, engine: &Path) -> Result<Option<Self>, String> {
        let known = folder.network();
        if !is_daemon && !known.exists() {
            return Ok(None);
        }
        let users = open_locked(&known, USERS, FlockOperation::LockShared)?;
        let run = known.parent().and_then(Path::file_name).unwrap_or_default();
        let name = format!("marque-{}", run.to_string_lossy());
        Ok(Some(Self { network: Network { engine: engine.to_owned(), name }, users }))
    }
}

impl Drop for RunNetwork {
    fn drop(&mut self) {
        if flock(&self.users, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // the engine keeps it if it is in use all the same; the next pod of the run will try again
            let _ = self.network.remove(Path::new("/proc/self/exe"));
        }
    }
}

/// The file that everybody locks who uses the network.
const USERS: &str = ".users";
