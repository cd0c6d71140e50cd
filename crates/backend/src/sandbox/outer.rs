//! The outer stage: leaves the machine's namespaces and starts the first process of the new ones.
//! Not here: mounts (`root`). It has one thread: the kernel lets no other leave its user namespace.

use std::{io, os::unix::net::UnixStream, process::Command};

use nix::{
    sched::{CloneFlags, unshare},
    unistd::{Gid, Uid},
};

use super::{FAULT, PID, die_with_parent, failed, map_ids, say, socket_of_stage};
use crate::reexec::INIT_ARGUMENT;

/// Runs the stage; returns its exit code.
pub(crate) fn main() -> i32 {
    let Ok(socket) = socket_of_stage() else { return 1 };
    match run(&socket) {
        Ok(()) => 0,
        Err(fault) => {
            say(&socket, &format!("{FAULT} {fault}"));
            1
        }
    }
}

fn run(socket: &UnixStream) -> Result<(), String> {
    die_with_parent()?;
    // when memory runs out, a pod goes before the server; lacking that is no reason not to run
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    let (user, group) = (Uid::effective().as_raw(), Gid::effective().as_raw());
    unshare(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWCGROUP,
    )
    .map_err(failed("unshare"))?;
    // root inside, so that the next stage keeps its capabilities over the new namespaces when it is executed
    map_ids(0, user, group)?;
    die_with_parent()?;
    let mut init = start_init().map_err(failed("first process"))?;
    say(socket, &format!("{PID} {}", init.id()));
    init.wait().map(drop).map_err(failed("first process"))
}

fn start_init() -> io::Result<std::process::Child> {
    Command::new("/proc/self/exe").arg(INIT_ARGUMENT).env_clear().spawn()
}
