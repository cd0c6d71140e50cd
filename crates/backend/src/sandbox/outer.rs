//! The outer stage: leaves the machine's namespaces and starts the first process of the new ones.
//! Not here: mounts (`root`). It has one thread: the kernel lets no other leave its user namespace.

use std::{fs::File, io, os::unix::net::UnixStream, process::Command};

use nix::{
    sched::{CloneFlags, setns, unshare},
    unistd::{Gid, Uid},
};

use super::{Beside, FAULT, PID, die_with_parent, failed, map_ids, say, socket_of_stage};
use crate::reexec::INIT_ARGUMENT;

/// Runs the stage; the arguments may name what is shared ([`Beside`]). Returns its exit code.
pub(crate) fn main(args: &[String]) -> i32 {
    let Ok(socket) = socket_of_stage() else { return 1 };
    match run(&socket, args) {
        Ok(()) => 0,
        Err(fault) => {
            say(&socket, &format!("{FAULT} {fault}"));
            1
        }
    }
}

fn run(socket: &UnixStream, args: &[String]) -> Result<(), String> {
    die_with_parent()?;
    // when memory runs out, a pod goes before the server; lacking that is no reason not to run
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => leave()?,
        [Beside::POD, first] => join(first, &["net", "ipc", "uts"], OWN)?,
        [Beside::RUN, first] => join(first, &[], OWN | SHARED)?,
        _ => return Err("bad arguments".to_owned()),
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

/// Enters the user namespace of another stage and those of its namespaces that are `shared`, and leaves the `others`.
/// The other stage belongs to the same user, who made its user namespace, and so may enter it.
fn join(first: &str, shared: &[&str], others: CloneFlags) -> Result<(), String> {
    let first: u32 = first.parse().map_err(failed("the stage to join"))?;
    let open = |name: &str| File::open(format!("/proc/{first}/ns/{name}")).map_err(failed("join"));
    // all are opened first: from inside the user namespace the paths may lead nowhere
    let shared: Vec<File> = ["user"].iter().chain(shared).map(|name| open(name)).collect::<Result<_, _>>()?;
    for namespace in shared {
        setns(namespace, CloneFlags::empty()).map_err(failed("join"))?;
    }
    unshare(others).map_err(failed("unshare"))
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
