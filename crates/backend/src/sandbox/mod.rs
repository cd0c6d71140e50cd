//! A pod's sandbox, from outside: opening it, starting the command, signalling, noticing its end.
//! Stages, each a process: supervisor → `outer` (makes the namespaces) → `init` (first process in them, builds the root)
//! → the command. They speak in lines over a socket that is the standard input of both stages.
//! Not here: what is put into the pod (`supervise::inputs`), network (there is none).
//! Invariant: if the supervisor or any stage dies, the kernel kills every process of the pod.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use model::argo::fnv1a_32;
use nix::unistd::{Uid, setgroups};
use rustix::fs::{Mode, OFlags, open};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    limits::{POD_UID_BASE, POD_UID_COUNT, SANDBOX_BUILD_MS},
    private::{PrivateCommand, scrub},
    probe::Probe,
    reexec::SANDBOX_ARGUMENT,
    spec::{ContainerSpec, MountSpec, PodSpec, flag, pairs, text, texts},
};

pub(crate) mod init;
pub(crate) mod link;
mod netlink;
pub(crate) mod outer;
mod root;

pub(crate) use netlink::{LOOPBACK, up as bring_up};

/// How the command in a pod ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// With this exit code.
    Exited(i32),
    /// It could not be run, or was lost.
    Error(String),
}

/// What a sandbox is made for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// Whether the built-in program has to be there.
    pub(crate) built_in: bool,
    /// The whole environment.
    pub(crate) env: Vec<(String, String)>,
    /// The working directory; `/` when empty.
    pub(crate) working_dir: String,
    /// The host name.
    pub(crate) host_name: String,
    /// Folders of this machine.
    pub(crate) mounts: Vec<MountSpec>,
    /// The run token's folder, relative to the working directory of the stages; so are the mounts that are not absolute.
    pub(crate) token: Option<String>,
    /// This program, by its path.
    pub(crate) program: String,
    /// What must pass before its command counts as ready.
    pub(crate) probes: Vec<Probe>,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // command and environment may hold secrets
        f.debug_struct("Room").field("mounts", &self.mounts).finish_non_exhaustive()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.argv.zeroize();
        self.env.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

impl Room {
    /// Returns the room that a container of a pod needs.
    pub(crate) fn of(
        spec: &PodSpec,
        (container, command): (&ContainerSpec, &PrivateCommand),
        token: &str,
    ) -> Self {
        let program = std::fs::read_link("/proc/self/exe").unwrap_or_default();
        Self {
            argv: command.argv.clone(),
            built_in: container.built_in,
            env: command.env.clone(),
            working_dir: container.working_dir.clone(),
            host_name: spec.host_name.clone(),
            mounts: container.mounts.clone(),
            token: Some(token.to_owned()),
            program: program.to_string_lossy().into_owned(),
            probes: command.probes.clone(),
        }
    }
    /// Returns a room nothing will happen in.
    fn empty(mounts: Vec<MountSpec>) -> Self {
        Self {
            argv: Vec::new(),
            built_in: false,
            env: Vec::new(),
            working_dir: String::new(),
            host_name: "probe".to_owned(),
            mounts,
            token: None,
            program: String::new(),
            probes: Vec::new(),
        }
    }
    fn to_json(&self) -> Value {
        json!({
            "argv": self.argv,
            "builtIn": self.built_in,
            "env": self.env,
            "workingDir": self.working_dir,
            "hostName": self.host_name,
            "mounts": self.mounts,
            "token": self.token,
            "program": self.program,
            "probes": self.probes,
        })
    }
    fn from_json(value: &Value) -> Option<Self> {
        let map = value.as_object()?;
        Some(Self {
            argv: texts(map.get("argv")?)?,
            built_in: flag(map, "builtIn")?,
            env: pairs(map.get("env")?)?,
            working_dir: text(map, "workingDir")?,
            host_name: text(map, "hostName")?,
            mounts: Vec::deserialize(map.get("mounts")?).ok()?,
            token: map.get("token")?.as_str().map(str::to_owned),
            program: text(map, "program")?,
            probes: Vec::deserialize(map.get("probes")?).ok()?,
        })
    }
}

/// Returns the user a pod runs as, if the supervisor is root: one of its own, so that pods and the server are strangers
/// to each other even where files and processes meet. An ordinary user can lend only itself.
pub(crate) fn pod_user(folder: &Path) -> Option<u32> {
    Uid::effective().is_root().then(|| POD_UID_BASE + fnv1a_32(&folder.to_string_lossy()) % POD_UID_COUNT)
}

/// Gives up the supplementary groups of root, which would let the pod's user read what root's group may.
pub(crate) fn drop_groups() -> io::Result<()> {
    setgroups(&[]).map_err(io::Error::from)
}

/// Tries whether a sandbox can be built.
///
/// # Errors
/// What the kernel said.
pub(crate) fn probe(program: &Path, mounts: Vec<MountSpec>) -> Result<(), String> {
    let owner = Uid::effective().is_root().then_some(POD_UID_BASE + POD_UID_COUNT);
    let (session, _, _) = Session::open(program, &Room::empty(mounts), owner, Beside::Nobody)?;
    session.root().map(drop).map_err(|error| format!("the sandbox's root cannot be opened: {error}"))
}

/// What a sandbox shares with another one, given the process id of its outer stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nothing.
    Nobody,
    /// Network, host name and shared memory, as the containers of a pod do.
    Pod(u32),
    /// The user namespace alone: they may be linked.
    Run(u32),
}

impl Beside {
    const POD: &str = "pod";
    const RUN: &str = "run";

    fn args(self) -> Vec<String> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Pod(stage) => vec![Self::POD.to_owned(), stage.to_string()],
            Self::Run(stage) => vec![Self::RUN.to_owned(), stage.to_string()],
        }
    }
}

/// A sandbox that has been built.
#[derive(Debug)]
pub(crate) struct Session {
    stage: Child,
    socket: UnixStream,
    lines: BufReader<UnixStream>,
    partial: Vec<u8>,
    init: u32,
    passed: bool,
}

impl Session {
    /// Builds a sandbox; its command waits for [`Session::go`]. Returns standard output and standard error, too.
    ///
    /// # Errors
    /// What the kernel said.
    pub(crate) fn open(
        program: &Path,
        room: &Room,
        owner: Option<u32>,
        beside: Beside,
    ) -> Result<(Self, OwnedFd, OwnedFd), String> {
        let said = |error: io::Error| error.to_string();
        let (socket, theirs) = UnixStream::pair().map_err(said)?;
        let mut command = Command::new(program);
        command.arg(SANDBOX_ARGUMENT).args(beside.args()).env_clear();
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(owner) = owner {
            command.uid(owner).gid(owner);
        }
        let mut stage = command.spawn().map_err(said)?;
        drop(command);
        let (Some(stdout), Some(stderr)) = (stage.stdout.take(), stage.stderr.take()) else {
            return Err("no pipes".to_owned());
        };
        socket.set_read_timeout(Some(Duration::from_millis(SANDBOX_BUILD_MS))).map_err(said)?;
        let lines = BufReader::new(socket.try_clone().map_err(said)?);
        let mut session =
            Self { stage, socket, lines, partial: Vec::new(), init: 0, passed: room.probes.is_empty() };
        // if the stage has failed already, its words below say more than the broken pipe here
        let mut room = room.to_json();
        let mut line = Zeroizing::new(room.to_string());
        scrub(&mut room);
        line.push('\n');
        let _ = session.socket.write_all(line.as_bytes());
        session.await_ready()?;
        session.socket.set_nonblocking(true).map_err(said)?;
        Ok((session, stdout.into(), stderr.into()))
    }
    /// Returns the process id of its outer stage, which lives as long as the sandbox.
    pub(crate) fn stage(&self) -> u32 {
        self.stage.id()
    }
    /// Returns the root folder of the pod.
    pub(crate) fn root(&self) -> io::Result<OwnedFd> {
        let path = format!("/proc/{}/root", self.init);
        Ok(open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
    }
    /// Starts the command; again, when it has ended.
    pub(crate) fn go(&mut self) -> io::Result<()> {
        self.say(GO)
    }
    /// Sends TERM to the command.
    pub(crate) fn terminate(&mut self) {
        // it may have ended by itself
        let _ = self.say(TERMINATE);
    }
    /// Sends KILL to every process of the pod.
    pub(crate) fn kill(&mut self) {
        let _ = self.say(KILL);
    }
    /// Returns how the command ended, if it has; every process of the pod is gone then.
    pub(crate) fn ended(&mut self) -> io::Result<Option<End>> {
        loop {
            match self.lines.read_until(b'\n', &mut self.partial) {
                Ok(_) if self.partial.ends_with(b"\n") => {
                    let line = String::from_utf8_lossy(&self.partial).trim_end().to_owned();
                    self.partial.clear();
                    self.passed |= line == PASSED;
                    if let Some(end) = end_of(&line) {
                        return Ok(Some(end));
                    }
                }
                Ok(_) => return Ok(Some(End::Error("the sandbox ended without a word".to_owned()))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    /// Whether the command, if it runs, has passed all its probes as far as [`Session::ended`] has heard.
    pub(crate) const fn has_passed(&self) -> bool {
        self.passed
    }
    /// Returns what becomes readable when the command ends.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.socket.write_all(format!("{line}\n").as_bytes())
    }
    fn await_ready(&mut self) -> Result<(), String> {
        let mut ready = false;
        while !ready || self.init == 0 {
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(0) => return Err("the sandbox ended while it was built".to_owned()),
                Err(error) => return Err(format!("the sandbox was not ready in time: {error}")),
                Ok(_) => {}
            }
            match line.trim_end().split_once(' ').unwrap_or((line.trim_end(), "")) {
                (READY, _) => ready = true,
                (PID, id) => self.init = id.parse().map_err(|_| "the sandbox has no process".to_owned())?,
                (FAULT, why) => return Err(why.to_owned()),
                _ => return Err("this program cannot become a sandbox".to_owned()),
            }
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // the first process dies with its parent, and everything in the pod with it
        let _ = self.stage.kill();
        let _ = self.stage.wait();
    }
}

fn end_of(line: &str) -> Option<End> {
    let (word, rest) = line.split_once(' ')?;
    match word {
        EXITED => {
            Some(rest.parse().map_or_else(|_| End::Error(format!("bad exit code `{rest}`")), End::Exited))
        }
        FAULT => Some(End::Error(rest.to_owned())),
        _ => None,
    }
}

/// Said by `init`: the root is built.
const READY: &str = "ready";
/// Said by `outer`: the process id of `init`.
const PID: &str = "pid";
/// Said by both: it failed.
const FAULT: &str = "fault";
/// Said by `init`: the command has passed all its probes.
const PASSED: &str = "passed";
/// Said by `init`: the command ended.
const EXITED: &str = "exited";
/// Said to `init`: start the command.
const GO: &str = "go";
/// Said to `init`: send TERM.
const TERMINATE: &str = "term";
/// Said to `init`: kill everything.
const KILL: &str = "kill";

/// Returns the stages' end of the socket.
fn socket_of_stage() -> io::Result<UnixStream> {
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Says `line`; nobody listening means that the supervisor is gone, and this process soon, too.
fn say(socket: &UnixStream, line: &str) {
    let mut socket = socket;
    let _ = socket.write_all(format!("{line}\n").as_bytes());
}

/// Names what failed.
fn failed<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

/// Maps one user and one group into the new user namespace of this process.
fn map_ids(inside: u32, outside_user: u32, outside_group: u32) -> Result<(), String> {
    let write = |file: &str, text: String| std::fs::write(format!("/proc/self/{file}"), text);
    write("setgroups", "deny".to_owned()).map_err(failed("setgroups"))?;
    write("uid_map", format!("{inside} {outside_user} 1")).map_err(failed("uid_map"))?;
    write("gid_map", format!("{inside} {outside_group} 1")).map_err(failed("gid_map"))
}

/// Lets this process die with its parent.
fn die_with_parent() -> Result<(), String> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(failed("death signal"))
}
