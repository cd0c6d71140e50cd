//! The network of a run: a pod that others may reach (a daemon) has an address, and every pod of the run that starts
//! while it lives is linked with it. Each pod keeps a network of its own, so no port is taken by another one.
//! What the pods of a run know of each other lies in the run's folder, written by supervisors under a lock: how many
//! there are, and for each daemon its number and where below `/proc` its network is found.
//! Not here: the links themselves (`sandbox::link`). Runs without daemons have none of this.
//! Invariant: only pods of one run are linked, and never with the machine's own network.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    net::Ipv4Addr,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use nix::sched::{CloneFlags, unshare};
use rustix::fs::{FlockOperation, flock};

use crate::{
    folder::{PodFolder, checked_name, create_private, write},
    limits::RUN_DAEMONS,
    sandbox::{
        LOOPBACK, Session, bring_up,
        link::{LinkEnd, link},
    },
};

/// The network of a pod, and how the others of its run find it.
#[derive(Debug)]
pub(crate) struct Entrance {
    network: File,
    /// A path below `/proc`, good for as long as the pod's supervisor lives.
    path: String,
    /// The process in whose user namespace it is, if an ordinary user made it.
    stage: Option<u32>,
}

impl Entrance {
    /// Returns the network of a sandbox.
    ///
    /// # Errors
    /// A sentence for the node's message.
    pub(crate) fn of(session: &Session) -> Result<Self, String> {
        let path = format!("{}/ns/net", session.stage());
        let network = open_network(&path).map_err(|error| fault(&error))?;
        Ok(Self { network, path, stage: Some(session.stage()) })
    }
    /// Makes a network with nothing in it but a loopback; it lives as long as somebody has it open. Needs root.
    ///
    /// # Errors
    /// A sentence for the node's message.
    pub(crate) fn make() -> Result<Self, String> {
        // a thread of its own leaves the machine's network, and nobody else does
        let make = || -> io::Result<File> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            bring_up(LOOPBACK)?;
            File::open("/proc/thread-self/ns/net")
        };
        let made = std::thread::Builder::new().spawn(make).map(std::thread::JoinHandle::join);
        let network = match made {
            Ok(Ok(made)) => made,
            Ok(Err(_)) => Err(io::Error::other("its thread was lost")),
            Err(error) => Err(error),
        };
        let network = network.map_err(|error| format!("cannot make the pod's network: {error}"))?;
        let path = format!("{}/fd/{}", std::process::id(), network.as_raw_fd());
        Ok(Self { network, path, stage: None })
    }
    /// Returns the file of the network's namespace.
    pub(crate) fn file(&self) -> String {
        format!("/proc/{}", self.path)
    }
}

/// A pod's place among the others of its run; others find it as long as this lives.
#[derive(Debug)]
pub(crate) struct Membership {
    address: Ipv4Addr,
    entry: Option<PathBuf>,
}

impl Membership {
    /// Returns the pod's address.
    pub(crate) const fn address(&self) -> Ipv4Addr {
        self.address
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(entry) = &self.entry {
            // whoever finds it sees that the pod's lock is free
            let _ = fs::remove_file(entry);
        }
    }
}

/// The run's folder, while nobody else of it changes anything.
#[derive(Debug)]
pub(crate) struct Locked {
    folder: PathBuf,
    file: File,
    pod: PodFolder,
}

/// A daemon that lives.
struct Neighbour {
    number: u32,
    /// The process that its network is found by.
    process: u32,
    network: File,
}

impl Locked {
    /// Locks what the pods of a run know of each other; `None` if there is nothing to know.
    ///
    /// # Errors
    /// A sentence for the node's message.
    pub(crate) fn of(pod: &PodFolder, is_daemon: bool) -> Result<Option<Self>, String> {
        let folder = pod.network();
        if !is_daemon && !folder.exists() {
            return Ok(None);
        }
        let file = open_locked(&folder, COUNT, FlockOperation::LockExclusive)?;
        Ok(Some(Self { folder, file, pod: pod.clone() }))
    }
    /// Returns a process whose user namespace the pod has to share, if it is to be linked by an ordinary user.
    pub(crate) fn relative(&self) -> Option<u32> {
        if nix::unistd::Uid::effective().is_root() {
            return None;
        }
        self.neighbours().ok()?.first().map(|neighbour| neighbour.process)
    }
    /// Links a pod with every daemon of its run, and makes it one of them if it is one.
    ///
    /// # Errors
    /// A sentence for the node's message.
    pub(crate) fn join(mut self, pod: &Entrance, is_daemon: bool) -> Result<Membership, String> {
        let number = self.next_number().map_err(|error| fault(&error))?;
        let address = address(number);
        let here = LinkEnd { network: pod.network.as_fd(), address, number };
        for other in self.neighbours().map_err(|error| fault(&error))? {
            let network = other.network.as_fd();
            let there = LinkEnd { network, address: self::address(other.number), number: other.number };
            link(pod.stage, &here, &there)
                .map_err(|why| format!("cannot link the pod with a daemon of its run: {why}"))?;
        }
        let mut membership = Membership { address, entry: None };
        if is_daemon {
            let entry = self.folder.join(self.pod.path().file_name().unwrap_or_default());
            write(&entry, format!("{number} {}", pod.path).as_bytes()).map_err(|error| fault(&error))?;
            membership.entry = Some(entry);
        }
        Ok(membership)
    }

    fn next_number(&mut self) -> io::Result<u32> {
        let mut text = String::new();
        (&mut self.file).take(16).read_to_string(&mut text)?;
        let next = text.trim().parse::<u32>().unwrap_or(0) + 1;
        if next > MOST_NUMBERS {
            return Err(io::Error::other("it has had too many pods"));
        }
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(next.to_string().as_bytes())?;
        Ok(next)
    }
    /// Returns the daemons of the run that live.
    fn neighbours(&self) -> io::Result<Vec<Neighbour>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| checked_name(name).is_ok()) else { continue };
            if let Some(neighbour) = neighbour(&self.folder.with_file_name(name), &entry.path()) {
                found.push(neighbour);
            }
        }
        if found.len() > RUN_DAEMONS {
            return Err(io::Error::other(format!("it has more than {RUN_DAEMONS} daemons at once")));
        }
        Ok(found)
    }
}

/// Returns the daemon whose folder is `pod`, unless it has ended.
fn neighbour(pod: &Path, entry: &Path) -> Option<Neighbour> {
    let text = fs::read_to_string(entry).ok()?;
    let (number, path) = text.split_once(' ')?;
    let (process, _) = path.split_once('/')?;
    let (number, process) = (number.parse().ok()?, process.parse().ok()?);
    let network = open_network(path).ok();
    // looked at after the network was opened: as long as its supervisor lives, so does the process
    let lock = File::open(PodFolder::at(pod).lock()).ok()?;
    if flock(&lock, FlockOperation::NonBlockingLockShared) != Err(rustix::io::Errno::WOULDBLOCK) {
        // it was killed
        let _ = fs::remove_file(entry);
        return None;
    }
    Some(Neighbour { number, process, network: network? })
}

/// Opens a file of the run's folder, each made if it is not there, and waits until it is locked.
///
/// # Errors
/// A sentence for the node's message.
pub(crate) fn open_locked(folder: &Path, name: &str, lock: FlockOperation) -> Result<File, String> {
    let open = || {
        create_private(folder).map_err(io::Error::other)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(folder.join(name))?;
        flock(&file, lock)?;
        Ok(file)
    };
    open().map_err(|error: io::Error| fault(&error))
}

/// Opens the network of a pod by its path below `/proc`.
fn open_network(path: &str) -> io::Result<File> {
    let network = File::open(Path::new("/proc").join(path))?;
    if network.metadata()?.ino() == fs::metadata("/proc/self/ns/net")?.ino() {
        return Err(io::Error::other("it is the machine's own"));
    }
    Ok(network)
}

/// Returns the address of the pod with this number.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(FIRST_ADDRESS.saturating_add(number))
}

fn fault(error: &io::Error) -> String {
    format!("cannot enter the network of the run: {error}")
}

/// The file that holds how many pods there have been, and is locked.
const COUNT: &str = ".count";
/// 10.0.0.0
const FIRST_ADDRESS: u32 = 0x0a00_0000;
/// All of 10.0.0.0/8.
const MOST_NUMBERS: u32 = 0x00ff_fffe;
