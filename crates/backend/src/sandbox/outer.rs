//! The outer stage: leaves the machine's namespaces and starts the first process of the new ones.
//! Not here: mounts (`root`). It has one thread: the kernel lets no other leave its user namespace.

use std::{io, os::unix::net::UnixStream, process::Command};

use nix::{
    sched::{CloneFlags, setns, unshare},
    unistd::{Gid, Uid},
};

use super::{FAULT, PID, die_with_parent, failed, map_ids, say, socket_of_stage};
use crate::reexec::INIT_ARGUMENT;

/// Runs the stage, `beside` being the process id of another one whose network is shared; returns its exit code.
pub(crate) fn main(beside: Option<&str>) -> i32 {
    let Ok(socket) = socket_of_stage() else { return 1 };
    match run(&socket, beside) {
        Ok(()) => 0,
        Err(fault) => {
            say(&socket, &format!("{FAULT} {fault}"));
            1
        }
    }
}

fn run(socket: &UnixStream, beside: Option<&str>) -> Result<(), String> {
    die_with_parent()?;
    // when memory runs out, a pod goes before the server; lacking that is no reason not to run
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    match beside {
        None => leave()?,
        Some(first) => join(first)?,
    }
    die_with_parent()?;
    let mut init = start_init().map_err(failed("first process"))?;
    say(socket, &format!("{PID} {}", init.id()));
    init.wait().map(drop).map_err(failed("first process"))
}

/// Leaves all namespaces of the machine.
fn leave() -> Result<(), String> {
    let (user, group) = (Uid::effective().as_raw(), Gid::effective().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER | OWN | SHARED).map_err(failed("unshare"))?;
    // root inside, so that the next stage keeps its capabilities over the new namespaces when it is executed
    map_ids(0, user, group)
}

/// Enters the namespaces that a pod's containers share, and leaves the others. The first stage belongs to the same user,
/// who made its user namespace, and so may enter it.
fn join(first: &str) -> Result<(), String> {
    let first: u32 = first.parse().map_err(failed("the stage to join"))?;
    let open = |name: &str| std::fs::File::open(format!("/proc/{first}/ns/{name}")).map_err(failed("join"));
    // all are opened first: from inside the user namespace the paths may lead nowhere
    let shared = [open("user")?, open("net")?, open("ipc")?, open("uts")?];
    for namespace in shared {
        setns(namespace, CloneFlags::empty()).map_err(failed("join"))?;
    }
    unshare(OWN).map_err(failed("unshare"))
}

/// What each container has for itself.
const OWN: CloneFlags =
    CloneFlags::CLONE_NEWNS.union(CloneFlags::CLONE_NEWPID).union(CloneFlags::CLONE_NEWCGROUP);
/// What a pod's containers share.
const SHARED: CloneFlags =
    CloneFlags::CLONE_NEWNET.union(CloneFlags::CLONE_NEWIPC).union(CloneFlags::CLONE_NEWUTS);

fn start_init() -> io::Result<std::process::Child> {
    Command::new("/proc/self/exe").arg(INIT_ARGUMENT).env_clear().spawn()
}
