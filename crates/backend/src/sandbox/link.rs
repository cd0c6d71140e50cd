//! A stage that links two pods of a run: a pair of interfaces, one in the network of each, with the address of each and
//! the way to the other. The two networks are its standard input and output.
//! It is a process of its own, because it enters both; an ordinary user may do so only from inside the user namespace
//! that both belong to.
//! Not here: which pods (`supervise::network`).

use std::{
    io,
    net::Ipv4Addr,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    process::{Command, Stdio},
};

use nix::sched::{CloneFlags, setns};

use super::netlink;
use crate::reexec::LINK_ARGUMENT;

/// One end of a link.
#[derive(Debug)]
pub(crate) struct LinkEnd<'a> {
    /// The pod's network.
    pub(crate) network: BorrowedFd<'a>,
    /// The pod's address.
    pub(crate) address: Ipv4Addr,
    /// The pod's number in the run.
    pub(crate) number: u32,
}

/// Links two pods; an ordinary user names a process of whose user namespace the networks are.
///
/// # Errors
/// What the kernel said.
pub(crate) fn link(process: Option<u32>, here: &LinkEnd<'_>, there: &LinkEnd<'_>) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    let mut stage = Command::new("/proc/self/exe");
    stage.arg(LINK_ARGUMENT).env_clear();
    for end in [here, there] {
        stage.args([end.address.to_string(), end.number.to_string()]);
    }
    if !nix::unistd::Uid::effective().is_root() {
        stage.args(process.map(|process| process.to_string()));
    }
    let open = |end: &LinkEnd<'_>| end.network.try_clone_to_owned().map(Stdio::from).map_err(said);
    stage.stdin(open(here)?).stdout(open(there)?).stderr(Stdio::piped());
    let ended = stage.output().map_err(said)?;
    if ended.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned())
}

/// Runs the stage; returns its exit code.
pub(crate) fn main(args: &[String]) -> i32 {
    match run(args) {
        Ok(()) => 0,
        Err(why) => {
            // nobody else is told
            let _ = io::Write::write_all(&mut io::stderr(), why.as_bytes());
            1
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let [own, number, other, other_number, more @ ..] = args else { return Err("bad arguments".to_owned()) };
    let bad = |_| "bad arguments".to_owned();
    let (own, other): (Ipv4Addr, Ipv4Addr) = (own.parse().map_err(bad)?, other.parse().map_err(bad)?);
    let index = |number: &String| number.parse::<u32>().map(|number| FIRST_INDEX.saturating_add(number));
    let bad = |_| "bad arguments".to_owned();
    // each interface is named after the pod at its other end
    let (here, there) = (index(other_number).map_err(bad)?, index(number).map_err(bad)?);
    let (stdin, stdout) = (io::stdin(), io::stdout());
    if let [stage, ..] = more {
        let path = Path::new("/proc").join(stage).join("ns/user");
        let user = std::fs::File::open(path).map_err(|error| format!("user namespace: {error}"))?;
        setns(user, CloneFlags::CLONE_NEWUSER).map_err(|error| format!("user namespace: {error}"))?;
    }
    let enter = |network: BorrowedFd<'_>| {
        setns(network, CloneFlags::CLONE_NEWNET).map_err(|error| format!("network namespace: {error}"))
    };
    let said = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    enter(stdin.as_fd())?;
    netlink::add_pair(here, (stdout.as_fd(), there)).map_err(said("link"))?;
    netlink::add_address(here, own, other).map_err(said("address"))?;
    enter(stdout.as_fd())?;
    netlink::up(there).map_err(said("link"))?;
    netlink::add_address(there, other, own).map_err(said("address"))
}

/// Above the indices that the kernel gives.
const FIRST_INDEX: u32 = 1000;
