//! The supervisor: a process in a session of its own, that outlives the server. Sandboxed pods have one each, because
//! a sandbox is built by a process; plain pods share one (`warden`), because executing this program once more would cost
//! more than most commands.
//! Comes in: the pod's folder and its lock. Goes out: log, artifacts, `result.json`.
//! Not here: tokio, configuration, the network; it must start fast.
//! Invariant: the pod's process is started at most once: that it starts is durable before (in the lock), and the lock is held all along.

use std::{
    fs, io,
    net::Ipv4Addr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::{DirBuilderExt, PermissionsExt},
    },
    path::Path,
};

use engine::{CollectedOutputs, ContainerEnd, PodEnd, PodOutcome};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use zeroize::Zeroizing;

use crate::{
    Isolation, clock,
    folder::{PodFolder, TOKEN_FOLDER, create_private},
    limits::{SPEC_BYTES, TOKEN_BYTES},
    mask::Masker,
    outcome,
    plan::SCRIPT_IN_POD,
    private::{Masks, Private},
    progress::{self, Progress},
    sandbox::{Beside, Room, Session},
    spec::PodSpec,
};

pub(crate) mod collect;
mod contained;
pub(crate) mod course;
pub(crate) mod files;
pub(crate) mod inputs;
mod linked;
pub(crate) mod network;
pub(crate) mod payload;
pub(crate) mod stream;
pub(crate) mod warden;
pub(crate) mod watch;

use files::PodFiles;
use network::{Entrance, Membership};
use payload::Payload;
use watch::{Address, Ending, Watch};

/// Supervises the one pod whose folder is `path`, its lock being standard input and what nobody else may see standard
/// output; returns the process's exit code.
pub(crate) fn main(path: &Path) -> i32 {
    // a leader of a process group keeps its session; that happens only if it was started by hand
    let _ = nix::unistd::setsid();
    let Ok(private) = io::stdout().as_fd().try_clone_to_owned() else { return EXIT_NO_RESULT };
    pod(path, io::stdin(), private)
}

/// Supervises the pod whose folder is `path` while holding `lock`; returns an exit code.
fn pod(path: &Path, lock: impl AsFd, private: OwnedFd) -> i32 {
    let folder = PodFolder::at(path);
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return EXIT_BUSY;
    }
    if folder.is_begun() {
        return 0;
    }
    let outcome = match read_specs(&folder, private) {
        Ok(specs) => supervise(&folder, &specs, lock.as_fd())
            .unwrap_or_else(|message| outcome::bare(PodEnd::Error(specs.1.masked(&message)))),
        Err(message) => outcome::bare(PodEnd::Error(message)),
    };
    let written = outcome::write(&folder, &outcome);
    // nobody is left to use it; it would expire by itself
    let _ = fs::remove_file(folder.token());
    if written.is_ok() { 0 } else { EXIT_NO_RESULT }
}

/// The supervisor's exit code if another one has the lock.
const EXIT_BUSY: i32 = 75;
/// The supervisor's exit code if the outcome could not be written.
const EXIT_NO_RESULT: i32 = 74;

/// All a supervisor is told of a pod.
type Specs = (PodSpec, Private);

fn supervise(folder: &PodFolder, specs: &Specs, lock: BorrowedFd<'_>) -> Result<PodOutcome, String> {
    // the FIFO is open before the file is looked for, so that no order to kill is lost in between
    let control = open_control(folder).map_err(|error| format!("cannot open the control FIFO: {error}"))?;
    if folder.kill().exists() {
        return Ok(outcome::bare(PodEnd::Killed));
    }
    match specs.0.isolation {
        Isolation::None => supervise_plain(folder, specs, (control, lock)),
        Isolation::Namespaces => supervise_sandboxed(folder, specs, (control, lock)),
        Isolation::Containers => {
            let settings = specs.0.containers_by.as_ref().ok_or("`pod.json` is damaged")?;
            contained::supervise(folder, specs, (control, lock), settings)
        }
    }
}

fn supervise_plain(
    folder: &PodFolder,
    (spec, private): &Specs,
    (control, lock): (OwnedFd, BorrowedFd<'_>),
) -> Result<PodOutcome, String> {
    let files = PodFiles::of_machine().map_err(|error| format!("cannot open the root folder: {error}"))?;
    if spec.containers.iter().any(|container| container.working_dir.is_empty()) {
        create_private(&folder.work()).map_err(|error| error.to_string())?;
    }
    inputs::place(&files, folder, spec, &folder.script().to_string_lossy())?;
    mark_started(lock)?;
    let payloads = spec.containers.iter().map(|_| None).collect();
    create_private(&folder.said()).map_err(|error| error.to_string())?;
    let said = folder.said().join(progress::FILE).to_string_lossy().into_owned();
    let mut watch = Watch::new(folder, (spec, private), control, payloads);
    watch.look_at_progress(Progress::of(&files, said));
    // it is reached where every process of this machine is
    watch.tell_when_ready(Address::known(spec.is_daemon.then_some(Ipv4Addr::LOCALHOST)));
    let ending = watch.run()?;
    Ok(finish(Some(&files), folder, spec, watch, ending))
}

fn supervise_sandboxed(
    folder: &PodFolder,
    (spec, private): &Specs,
    (control, lock): (OwnedFd, BorrowedFd<'_>),
) -> Result<PodOutcome, String> {
    let token = prepare(folder, spec)?;
    let run = network::Locked::of(folder, spec.is_daemon)?;
    let relative = run.as_ref().and_then(network::Locked::relative).map_or(Beside::Nobody, Beside::Run);
    let mut sessions: Vec<(Session, OwnedFd, OwnedFd)> = Vec::new();
    // all rooms are there before any command runs
    for container in spec.containers.iter().zip(&private.commands) {
        let room = Room::of(spec, container, &token);
        let beside = sessions.first().map_or(relative, |(session, ..)| Beside::Pod(session.stage()));
        sessions.push(Session::open(Path::new("/proc/self/exe"), &room, spec.user, beside)?);
    }
    let membership = match (run, sessions.first()) {
        (Some(run), Some((session, ..))) => Some(run.join(&Entrance::of(session)?, spec.is_daemon)?),
        _ => None,
    };
    let mut of_main = None;
    let contents = spec.containers.iter().zip(&private.commands).zip(&sessions);
    for (at, ((container, command), (session, ..))) in contents.enumerate() {
        let root = session.root().map_err(|error| format!("cannot open the sandbox: {error}"))?;
        let files = PodFiles::below(root, spec.user);
        inputs::place_files(&files, &command.files)?;
        if container.has_inputs {
            inputs::place(&files, folder, spec, SCRIPT_IN_POD)?;
        }
        if spec.main() == Some(at) {
            of_main = Some(files);
        }
    }
    mark_started(lock)?;
    let payload = |(session, stdout, stderr)| Some((Payload::Sandboxed(Box::new(session)), stdout, stderr));
    let payloads = sessions.into_iter().map(payload).collect();
    let mut watch = Watch::new(folder, (spec, private), control, payloads);
    if let Some(files) = &of_main {
        watch.look_at_progress(Progress::of(files, progress::FILE_IN_POD.to_owned()));
    }
    let address = membership.as_ref().filter(|_| spec.is_daemon).map(Membership::address);
    watch.tell_when_ready(Address::known(address));
    let ending = watch.run()?;
    // nobody is linked with it any more, before its process ids belong to others
    drop(membership);
    Ok(finish(of_main.as_ref(), folder, spec, watch, ending))
}

/// Makes the pod's folders and goes to where the sandbox finds them by relative paths; returns that of the run token's
/// folder. The pod's user can't pass the folders above the backend's, and sees nothing of this working directory later.
fn prepare(folder: &PodFolder, spec: &PodSpec) -> Result<String, String> {
    hand_over_token(folder, spec.user).map_err(|error| format!("cannot hand over the run token: {error}"))?;
    let enter = |path: &Path| {
        std::env::set_current_dir(path).map_err(|error| format!("cannot enter the pod's folder: {error}"))
    };
    if spec.folders.is_empty() {
        enter(&folder.token_folder())?;
        return Ok(".".to_owned());
    }
    enter(folder.top())?;
    let token = format!("{}/{}", folder.relative(), TOKEN_FOLDER);
    let failed = |error: io::Error| format!("cannot make the pod's volumes: {error}");
    for path in &spec.folders {
        make_volume(Path::new(path), spec.user).map_err(failed)?;
    }
    if spec.user.is_some() {
        for way in spec.folders.iter().chain([&token]).flat_map(|path| Path::new(path).ancestors().skip(1)) {
            let way = if way.as_os_str().is_empty() { Path::new(".") } else { way };
            // whoever knows a name may pass; what lies there is closed by its own mode
            fs::set_permissions(way, fs::Permissions::from_mode(0o711)).map_err(failed)?;
        }
    }
    Ok(token)
}

fn make_volume(path: &Path, owner: Option<u32>) -> io::Result<()> {
    let above = path.parent().unwrap_or(path);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(above)?;
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    match owner {
        Some(owner) => std::os::unix::fs::lchown(path, Some(owner), Some(owner)),
        None => Ok(()),
    }
}

/// Collects the outputs and says how the pod ended.
fn finish(
    files: Option<&PodFiles>,
    folder: &PodFolder,
    spec: &PodSpec,
    watch: Watch<'_>,
    ending: Ending,
) -> PodOutcome {
    let Ending { end, containers } = ending;
    // a sandbox and its volumes are gone with its payload
    let (masker, mut log, result, _payloads) = watch.into_parts(spec.main());
    let containers = containers.into_iter().map(|(name, end)| {
        let message = masker.mask_text(end.message);
        (name, ContainerEnd { message, ..end })
    });
    let containers = containers.collect();
    let files = files.filter(|_| matches!(end, PodEnd::Exited(_)));
    let Some(files) = files else {
        let outputs = CollectedOutputs { result, ..CollectedOutputs::default() };
        let end = match end {
            PodEnd::Error(message) => PodEnd::Error(masker.mask_text(message)),
            end => end,
        };
        return PodOutcome { containers, ..PodOutcome::new(end, outputs) };
    };
    let collected = collect::collect(files, folder, spec, &masker);
    for note in &collected.notes {
        log.line(clock::now_ms(), true, masker.mask_text(note.clone()).as_bytes());
    }
    // a log that can't be written must not hide how the pod ended
    let _ = log.flush();
    let end = match (end, collected.fault) {
        // the command's own failure says more than what is missing because of it
        (PodEnd::Exited(0), Some(fault)) => PodEnd::Error(masker.mask_text(fault)),
        (end, _) => end,
    };
    let outputs =
        CollectedOutputs { parameters: collected.parameters, artifacts: collected.artifacts, result };
    PodOutcome { containers, ..PodOutcome::new(end, outputs) }
}

fn read_specs(folder: &PodFolder, private: OwnedFd) -> Result<Specs, String> {
    let private = Private::from_file(private)
        .map_err(|error| format!("cannot read what only the supervisor may see: {error}"))?;
    let text = read_limited(&folder.spec(), SPEC_BYTES)
        .map_err(|error| format!("cannot read `pod.json`: {error}"))?;
    let spec: PodSpec = serde_json::from_slice(&text).map_err(|_| "`pod.json` is damaged".to_owned())?;
    if spec.containers.len() != private.commands.len() {
        return Err("`pod.json` is damaged".to_owned());
    }
    Ok((spec, private))
}

/// Returns the masker of the pod's run token as it is now and of its other secrets.
pub(crate) fn read_masker(token: &Path, others: &Masks) -> Masker {
    let token = read_limited(token, TOKEN_BYTES).map(Zeroizing::new);
    Masker::new(token.into_iter().chain(others.iter().cloned()).collect())
}

fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, limit), &mut text)?;
    Ok(text)
}

fn open_control(folder: &PodFolder) -> io::Result<OwnedFd> {
    // open for writing too, else every writer that closes would look like the end of it
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(open(folder.control(), flags, Mode::empty())?)
}

/// Writes the time into the lock, durably: from now on the pod is never started again.
fn mark_started(lock: BorrowedFd<'_>) -> Result<(), String> {
    let now = clock::now_ms().to_string();
    let written = rustix::io::pwrite(lock, now.as_bytes(), 0).and_then(|_| rustix::fs::fsync(lock));
    written.map_err(|error| format!("cannot record that the pod starts: {error}"))
}

/// Makes the run token readable by the pod's user, if that is not this process's.
fn hand_over_token(folder: &PodFolder, owner: Option<u32>) -> io::Result<()> {
    let Some(owner) = owner else { return Ok(()) };
    crate::sandbox::drop_groups()?;
    for path in [folder.token_folder(), folder.token()] {
        if path.exists() {
            std::os::unix::fs::chown(&path, Some(owner), Some(owner))?;
        }
    }
    Ok(())
}

/// Makes a pipe's end return at once when it is empty.
pub(crate) fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(&fd)?;
    Ok(rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?)
}
