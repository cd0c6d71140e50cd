//! The supervisor: a process in a session of its own, that outlives the server. Sandboxed pods have one each, because
//! a sandbox is built by a process; plain pods share one (`warden`), because executing this program once more would cost
//! more than most commands.
//! Comes in: the pod's folder and its lock. Goes out: log, artifacts, `result.json`.
//! Not here: tokio, configuration, the network; it must start fast.
//! Invariant: the pod's process is started at most once: that it starts is durable before (in the lock), and the lock is held all along.

use std::{
    fs, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use engine::{CollectedOutputs, PodEnd, PodOutcome};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use zeroize::Zeroizing;

use crate::{
    Isolation, clock,
    folder::PodFolder,
    limits::{SPEC_BYTES, TOKEN_BYTES},
    logfile::LogWriter,
    mask::Masker,
    outcome,
    plan::SCRIPT_IN_POD,
    private::{Masks, Private},
    sandbox::{self, Room, Session},
    spec::PodSpec,
};

pub(crate) mod collect;
pub(crate) mod files;
pub(crate) mod inputs;
pub(crate) mod payload;
pub(crate) mod stream;
pub(crate) mod warden;
pub(crate) mod watch;

use files::PodFiles;
use payload::Payload;
use watch::{Ending, Watch};

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
    let mut log = LogWriter::new(folder.log());
    let outcome = match read_specs(&folder, private) {
        Ok(specs) => supervise(&folder, &specs, lock.as_fd(), &mut log)
            .unwrap_or_else(|message| outcome::bare(PodEnd::Error(specs.1.masked(&message)))),
        Err(message) => outcome::bare(PodEnd::Error(message)),
    };
    // a log that can't be written must not hide how the pod ended
    let _ = log.flush();
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

fn supervise(
    folder: &PodFolder,
    specs: &Specs,
    lock: BorrowedFd<'_>,
    log: &mut LogWriter,
) -> Result<PodOutcome, String> {
    // the FIFO is open before the file is looked for, so that no order to kill is lost in between
    let control = open_control(folder).map_err(|error| format!("cannot open the control FIFO: {error}"))?;
    if folder.kill().exists() {
        return Ok(outcome::bare(PodEnd::Killed));
    }
    match specs.0.isolation {
        Isolation::None => supervise_plain(folder, specs, (control, lock), log),
        Isolation::Namespaces => supervise_sandboxed(folder, specs, (control, lock), log),
    }
}

fn supervise_plain(
    folder: &PodFolder,
    (spec, private): &Specs,
    (control, lock): (OwnedFd, BorrowedFd<'_>),
    log: &mut LogWriter,
) -> Result<PodOutcome, String> {
    let files = PodFiles::of_machine().map_err(|error| format!("cannot open the root folder: {error}"))?;
    if spec.working_dir.is_empty() {
        crate::folder::create_private(&folder.work()).map_err(|error| error.to_string())?;
    }
    inputs::place(&files, folder, spec, &folder.script().to_string_lossy())?;
    mark_started(lock)?;
    let (mut payload, stdout, stderr) = Payload::plain(folder, spec, private)?;
    let mut watch = Watch::new(folder, (spec, private), control, log);
    let ending = watch.run(&mut payload, stdout.into(), stderr.into())?;
    Ok(finish(&files, folder, spec, watch, ending))
}

fn supervise_sandboxed(
    folder: &PodFolder,
    (spec, private): &Specs,
    (control, lock): (OwnedFd, BorrowedFd<'_>),
    log: &mut LogWriter,
) -> Result<PodOutcome, String> {
    let owner = sandbox::pod_user(folder.path());
    hand_over_token(folder, owner).map_err(|error| format!("cannot hand over the run token: {error}"))?;
    // the pod's user can't pass the folders above; the sandbox finds the token by its own working directory
    std::env::set_current_dir(folder.token_folder())
        .map_err(|error| format!("cannot enter the pod's folder: {error}"))?;
    let room = Room::of(spec, private);
    let (session, stdout, stderr) = Session::open(Path::new("/proc/self/exe"), &room, owner)?;
    let files =
        PodFiles::below(session.root().map_err(|error| format!("cannot open the sandbox: {error}"))?, owner);
    inputs::place(&files, folder, spec, SCRIPT_IN_POD)?;
    mark_started(lock)?;
    let mut payload = Payload::Sandboxed(Box::new(session));
    if let Payload::Sandboxed(session) = &mut payload {
        session.go().map_err(|error| format!("the sandbox ended before the command: {error}"))?;
    }
    let mut watch = Watch::new(folder, (spec, private), control, log);
    let ending = watch.run(&mut payload, stdout, stderr)?;
    let outcome = finish(&files, folder, spec, watch, ending);
    drop(files);
    drop(payload);
    Ok(outcome)
}

/// Collects the outputs and says how the pod ended.
fn finish(
    files: &PodFiles,
    folder: &PodFolder,
    spec: &PodSpec,
    watch: Watch<'_>,
    ending: Ending,
) -> PodOutcome {
    let (masker, log, result) = watch.into_parts();
    if !matches!(ending.end, PodEnd::Exited(_)) {
        let outputs = CollectedOutputs { result, ..CollectedOutputs::default() };
        let end = match ending.end {
            PodEnd::Error(message) => PodEnd::Error(masker.mask_text(message)),
            end => end,
        };
        return PodOutcome::new(end, outputs);
    }
    let collected = collect::collect(files, folder, spec, &masker);
    for note in &collected.notes {
        log.line(clock::now_ms(), true, masker.mask_text(note.clone()).as_bytes());
    }
    let end = match (&ending.end, collected.fault) {
        // the command's own failure says more than what is missing because of it
        (PodEnd::Exited(0), Some(fault)) => PodEnd::Error(masker.mask_text(fault)),
        (end, _) => end.clone(),
    };
    let outputs =
        CollectedOutputs { parameters: collected.parameters, artifacts: collected.artifacts, result };
    PodOutcome::new(end, outputs)
}

fn read_specs(folder: &PodFolder, private: OwnedFd) -> Result<Specs, String> {
    let private = Private::from_file(private)
        .map_err(|error| format!("cannot read what only the supervisor may see: {error}"))?;
    let text = read_limited(&folder.spec(), SPEC_BYTES)
        .map_err(|error| format!("cannot read `pod.json`: {error}"))?;
    serde_json::from_slice(&text)
        .ok()
        .as_ref()
        .and_then(PodSpec::from_json)
        .map(|spec| (spec, private))
        .ok_or_else(|| "`pod.json` is damaged".to_owned())
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
