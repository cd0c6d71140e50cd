//! The pod's process, with or without a sandbox: starting, signalling, noticing its end.
//! Not here: what it writes (`watch`).

use std::{
    io,
    net::IpAddr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use container::{Stage, Word};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    process::{PidfdFlags, pidfd_open},
};

use crate::{
    environment::{PATH, Variables},
    folder::PodFolder,
    image::{ARGOSAY, BUILT_IN},
    private::PrivateCommand,
    probe::Probe,
    sandbox::{End, Session},
    spec::ContainerSpec,
};

/// The pod's process.
#[derive(Debug)]
pub(crate) enum Payload {
    /// A plain process of this user, the leader of its process group.
    Plain(Plain),
    /// In a sandbox.
    Sandboxed(Box<Session>),
    /// In a container.
    Contained(Box<Contained>),
}

/// A container, and what its stage has said of it.
#[derive(Debug)]
pub(crate) struct Contained {
    /// Its stage.
    pub(crate) stage: Stage,
    /// Whether it can be used, and where it is reached then, if that is known.
    usable: Option<Option<IpAddr>>,
}

impl Contained {
    /// Returns a container that waits for its start.
    pub(crate) const fn new(stage: Stage) -> Self {
        Self { stage, usable: None }
    }
    /// Returns how it ended, if it has; hears everything that was said until now.
    fn ended(&mut self) -> io::Result<Option<End>> {
        loop {
            match self.stage.hear()? {
                Some(Word::Exited(code)) => return Ok(Some(End::Exited(code))),
                Some(Word::Fault(why)) => return Ok(Some(End::Error(why))),
                Some(Word::Usable { address }) => self.usable = Some(address),
                Some(Word::Ready) => {}
                None => return Ok(None),
            }
        }
    }
}

/// A plain process.
#[derive(Debug)]
pub(crate) struct Plain {
    child: Child,
    watch: OwnedFd,
    proof: Proof,
}

/// What the probes of a plain process have found.
#[derive(Debug, Default)]
struct Proof {
    passed: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Drop for Proof {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

impl Payload {
    /// Starts a plain process.
    ///
    /// # Errors
    /// A sentence for the node's message.
    pub(crate) fn plain(
        folder: &PodFolder,
        spec: &ContainerSpec,
        private: &PrivateCommand,
    ) -> Result<(Self, ChildStdout, ChildStderr), String> {
        let Some((program, args)) = private.argv.split_first() else { return Err("no command".to_owned()) };
        let work = folder.work();
        let directory = if spec.working_dir.is_empty() { work.as_path() } else { spec.working_dir.as_ref() };
        if spec.built_in {
            link_built_in(folder)
                .map_err(|error| format!("cannot provide the built-in programs: {error}"))?;
        }
        let file = if spec.built_in && program == ARGOSAY {
            folder.programs().join("argosay")
        } else {
            find(program, &private.env, directory)?
        };
        let mut command = Command::new(file);
        command
            .arg0(program)
            .args(args)
            .env_clear()
            .envs(private.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(directory).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| start_fault(program, &error))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err("the command has no output".to_owned());
        };
        let watch = watch_of(&child).map_err(|error| format!("cannot watch the command: {error}"))?;
        let proof = prove(folder, directory, private)?;
        Ok((Self::Plain(Plain { child, watch, proof }), stdout, stderr))
    }
    /// Whether it has passed all its probes, as far as is known.
    pub(crate) fn has_passed(&self) -> bool {
        match self {
            Self::Plain(plain) => plain.proof.passed.load(Ordering::SeqCst),
            Self::Sandboxed(session) => session.has_passed(),
            Self::Contained(contained) => contained.usable.is_some(),
        }
    }
    /// Returns where it is reached by containers of its network, if that is known.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Contained(contained) => contained.usable.flatten(),
            Self::Plain(_) | Self::Sandboxed(_) => None,
        }
    }
    /// Returns what becomes readable when the process ends.
    pub(crate) fn watch(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(plain) => plain.watch.as_fd(),
            Self::Sandboxed(session) => session.as_fd(),
            Self::Contained(contained) => contained.stage.as_fd(),
        }
    }
    /// Returns how it ended, if it has; in a sandbox every process of the pod is gone then.
    pub(crate) fn ended(&mut self) -> io::Result<Option<End>> {
        match self {
            Self::Plain(plain) => {
                let Some(status) = plain.child.try_wait()? else { return Ok(None) };
                // what it left behind in its group ends with it, as a container does; what left the group is out of reach
                signal_group(plain.child.id(), Signal::SIGKILL);
                Ok(Some(End::Exited(code(status))))
            }
            Self::Sandboxed(session) => session.ended(),
            Self::Contained(contained) => contained.ended(),
        }
    }
    /// Asks it to end.
    pub(crate) fn terminate(&mut self) {
        match self {
            Self::Plain(plain) => signal_group(plain.child.id(), Signal::SIGTERM),
            Self::Sandboxed(session) => session.terminate(),
            Self::Contained(contained) => contained.stage.terminate(),
        }
    }
    /// Ends it.
    pub(crate) fn kill(&mut self) {
        match self {
            Self::Plain(plain) => signal_group(plain.child.id(), Signal::SIGKILL),
            Self::Sandboxed(session) => session.kill(),
            Self::Contained(contained) => contained.stage.kill(),
        }
    }
}

/// Finds out whether a plain process is ready, beside everything else; wakes its supervisor when it is.
fn prove(folder: &PodFolder, directory: &Path, private: &PrivateCommand) -> Result<Proof, String> {
    let proof = Proof::default();
    if private.probes.is_empty() {
        proof.passed.store(true, Ordering::SeqCst);
        return Ok(proof);
    }
    let (passed, over) = (Arc::clone(&proof.passed), Arc::clone(&proof.over));
    let (control, directory, private) = (folder.control(), directory.to_owned(), private.clone());
    let work = move || {
        let mut exec =
            |argv: &[String], timeout| exec(argv, &private, &directory, timeout).unwrap_or_default();
        if Probe::await_all(&private.probes, &|| over.load(Ordering::SeqCst), &mut exec) {
            passed.store(true, Ordering::SeqCst);
            // full, it wakes the supervisor just as well
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let _ =
                open(&control, flags, Mode::empty()).and_then(|control| rustix::io::write(&control, b"r"));
        }
    };
    std::thread::Builder::new().spawn(work).map_err(|error| format!("cannot watch the command: {error}"))?;
    Ok(proof)
}

/// Runs a command beside the process; returns whether it ended with 0 in time.
fn exec(argv: &[String], private: &PrivateCommand, directory: &Path, timeout: Duration) -> io::Result<bool> {
    let (program, args) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let file = find(program, &private.env, directory).map_err(io::Error::other)?;
    let env = private.env.iter().map(|(name, value)| (name, value));
    let mut command = Command::new(file);
    command.arg0(program).args(args).env_clear().envs(env).current_dir(directory).process_group(0);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let end = watch_of(&child).and_then(|end| {
        let timeout = Timespec::try_from(timeout).ok();
        Ok(poll(&mut [PollFd::new(&end, PollFlags::IN)], timeout.as_ref())?)
    });
    signal_group(child.id(), Signal::SIGKILL);
    let status = child.wait()?;
    Ok(end? > 0 && status.success())
}

/// Lets this program be called by the names of the built-in ones.
fn link_built_in(folder: &PodFolder) -> io::Result<()> {
    let this = std::env::current_exe()?;
    crate::folder::create_private(&folder.programs()).map_err(io::Error::other)?;
    BUILT_IN.iter().try_for_each(|name| {
        match std::os::unix::fs::symlink(&this, folder.programs().join(name)) {
            // another container of the pod has them, too
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    })
}

fn watch_of(child: &Child) -> io::Result<OwnedFd> {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    Ok(pidfd_open(pid.ok_or(io::ErrorKind::InvalidInput)?, PidfdFlags::empty())?)
}

fn signal_group(id: u32, signal: Signal) {
    if let Ok(id) = i32::try_from(id) {
        // its end may have come first
        let _ = killpg(Pid::from_raw(id), signal);
    }
}

/// Returns the exit code as a shell tells it: 128 + signal for a killed process.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// Looks a program up in the pod's own PATH, as Argo's emissary does.
fn find(program: &str, env: &Variables, directory: &std::path::Path) -> Result<std::path::PathBuf, String> {
    let path = env.iter().rev().find(|(name, _)| name == "PATH").map_or(PATH, |(_, value)| value.as_str());
    look_up(program, path, directory).ok_or_else(|| not_found(program))
}

/// Returns the file `program` names: itself if it holds a separator, else the first executable of that name in `path`.
pub(crate) fn look_up(program: &str, path: &str, directory: &std::path::Path) -> Option<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let executable = |file: &std::path::Path| {
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        let file = directory.join(program);
        return executable(&file).then_some(file);
    }
    let first = |name: &str| {
        path.split(':').map(|folder| directory.join(folder).join(name)).find(|file| executable(file))
    };
    // images called `python` have a `python`; many a machine only has a `python3` (PEP 394)
    first(program).or_else(|| if program == "python" { first("python3") } else { None })
}

/// Returns Argo's message for a program that is not there (`cmd/argoexec/commands/emissary.go`).
pub(crate) fn not_found(program: &str) -> String {
    if program.contains('/') {
        format!("failed to find name in PATH: exec: \"{program}\": stat {program}: no such file or directory")
    } else {
        format!("failed to find name in PATH: exec: \"{program}\": executable file not found in $PATH")
    }
}

/// Returns the message for a program that could not be executed.
pub(crate) fn start_fault(program: &str, error: &io::Error) -> String {
    format!("failed to start command: exec {program}: {error}")
}

/// Whether a message is one of a program that is not there or could not be executed, which is the container's own failure,
/// not the machine's.
pub(crate) fn is_start_fault(message: &str) -> bool {
    ["failed to find name in PATH: ", "failed to start command: "]
        .iter()
        .any(|start| message.starts_with(start))
}
