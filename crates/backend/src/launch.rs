//! The server's side of a pod: preparing its folder, starting the supervisor, waiting, killing, renewing the token.
//! Not here: what the supervisor does (`supervise`). Nothing here polls.
//! Invariant: the lock passes from the server to the supervisor without a gap, because they share the open file; so a
//! free lock that is empty means that nothing was started.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::Path,
    sync::Arc,
};

use engine::{Pod, PodEnd, PodOutcome};
use nix::{errno::Errno, sys::stat::Mode as NixMode, unistd::mkfifo};
use policy::RunFacts;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};

use crate::{
    BackendError, Isolation, Materials, ProcessConfig,
    folder::{PodFolder, create_private, write},
    outcome,
    plan::plan,
    supervisors::Supervisors,
};

/// Starts the pod under a supervisor, unless it has been started before. Must be called within a tokio runtime.
pub(crate) fn start(
    config: &ProcessConfig,
    supervisors: &Arc<Supervisors>,
    folder: &PodFolder,
    for_whom: (&RunFacts, &Pod),
    materials: &Materials,
) -> Result<(), BackendError> {
    let token = materials.token.as_ref().map(identity::Secret::expose);
    let Some(_starting) = supervisors.begin(folder.path()) else { return Ok(()) };
    create_private(folder.path())?;
    let Some(lock) = take_lock(folder)? else { return Ok(()) };
    if folder.is_begun() {
        return Ok(());
    }
    let (spec, private) = match plan(config, folder, for_whom, materials) {
        Ok(planned) => planned,
        Err(error @ (BackendError::Unsupported(_) | BackendError::BadName { .. })) => {
            let outcome = outcome::bare(PodEnd::Error(error.to_string()));
            outcome::write(folder, &outcome).map_err(BackendError::io(folder.result()))?;
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if token.is_some() || config.isolation != Isolation::None {
        create_private(&folder.token_folder())?;
    }
    if let Some(token) = token {
        write_token(folder, token)?;
    }
    for path in [folder.control()].into_iter().chain(spec.is_daemon.then(|| folder.readiness())) {
        match mkfifo(&path, NixMode::S_IRUSR | NixMode::S_IWUSR) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(BackendError::io(path)(error.into())),
        }
    }
    let text = serde_json::to_vec(&spec).map_err(|error| BackendError::io(folder.spec())(error.into()))?;
    write(&folder.spec(), &text).map_err(BackendError::io(folder.spec()))?;
    let private = private.to_file().map_err(BackendError::io("memory"))?;
    let started = match config.isolation {
        Isolation::None => supervisors.start_shared(&config.program, folder.path(), (&lock, &private)),
        Isolation::Namespaces | Isolation::Containers => {
            supervisors.start_own(&config.program, folder.path(), (lock, private))
        }
    };
    started.map_err(BackendError::io(&config.program))
}

/// Replaces the run token of a pod that has not ended.
pub(crate) fn renew_token(folder: &PodFolder, token: &str) -> Result<(), BackendError> {
    if !exists(folder.path()) || folder.result().exists() {
        return Ok(());
    }
    create_private(&folder.token_folder())?;
    write_token(folder, token)
}

/// Replaces the run token's file, all or nothing.
fn write_token(folder: &PodFolder, token: &str) -> Result<(), BackendError> {
    let path = folder.token();
    let fresh = path.with_extension("new");
    let put = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        io::Write::write_all(&mut file, token.as_bytes())?;
        // the folder belongs to the pod's user once the supervisor has handed it over
        let owner = path.parent().unwrap_or(&path).metadata()?.uid();
        std::os::unix::fs::fchown(&file, Some(owner), Some(owner))?;
        std::fs::rename(&fresh, &path)
    };
    put().map_err(BackendError::io(path.clone()))
}

/// Takes the lock; `None` if a supervisor has it.
fn take_lock(folder: &PodFolder) -> Result<Option<File>, BackendError> {
    let path = folder.lock();
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(BackendError::io(&path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => return Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => {}
        Err(error) => return Err(BackendError::io(path)(error.into())),
    }
    if folder.is_begun() || open_control(folder).is_ok() {
        return Ok(None);
    }
    // nothing of a supervisor: it can only be somebody who waits, and holds the lock for a moment to see it free
    flock(&file, FlockOperation::LockExclusive).map_err(|error| BackendError::io(path)(error.into()))?;
    Ok(Some(file))
}

/// Opens the FIFO for writing, which succeeds only if a supervisor has it open.
fn open_control(folder: &PodFolder) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    open(folder.control(), flags, Mode::empty())
}

/// Blocks until no supervisor holds the lock.
pub(crate) fn wait_for_lock(folder: &PodFolder) -> Result<(), BackendError> {
    let path = folder.lock();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BackendError::io(path)(error)),
    };
    loop {
        match flock(&file, FlockOperation::LockShared) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(BackendError::io(path)(error.into())),
        }
    }
}

/// Returns how a pod ended whose supervisor is gone.
pub(crate) fn ended(folder: &PodFolder, node: &str) -> Result<PodOutcome, BackendError> {
    if let Some(outcome) = outcome::read(folder).map_err(BackendError::io(folder.result()))? {
        return Ok(outcome);
    }
    if folder.is_begun() {
        return Ok(outcome::bare(PodEnd::Error("the supervisor was lost".to_owned())));
    }
    Err(BackendError::NotStarted { node: node.to_owned() })
}

/// Orders the supervisor to kill its pod; one that has not begun will not begin.
pub(crate) fn kill(folder: &PodFolder) -> Result<(), BackendError> {
    if !exists(folder.path()) {
        return Ok(());
    }
    let path = folder.kill();
    let create = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    create.map_err(BackendError::io(path))?;
    match open_control(folder) {
        // a full FIFO wakes the supervisor just as well
        Ok(control) => rustix::io::write(&control, b"k").map(drop).or_else(|error| match error {
            rustix::io::Errno::AGAIN | rustix::io::Errno::PIPE => Ok(()),
            error => Err(BackendError::io(folder.control())(error.into())),
        }),
        // nobody reads it: the supervisor looks for the file after opening the FIFO, or it is gone
        Err(rustix::io::Errno::NXIO | rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(BackendError::io(folder.control())(error.into())),
    }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
