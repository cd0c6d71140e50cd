//! The supervisors a server has started: handing pods to them, and hearing when a pod has ended.
//! Not here: preparing a pod's folder (`launch`), pods of an earlier server (their locks tell).
//! Invariant: whoever waits for a pod is told, also if its supervisor is killed.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{ChildStdout, Command},
    sync::watch,
};

use crate::{
    reexec::{SUPERVISE_ARGUMENT, WARDEN_ARGUMENT},
    supervise::warden::{END_OF_PATH, send_order},
};

/// The supervisors of one server.
#[derive(Debug, Default)]
pub(crate) struct Supervisors {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Told when the pod in this folder has ended.
    pods: HashMap<PathBuf, Pod>,
    /// The socket of the shared supervisor, and its number.
    warden: Option<(u64, Arc<OwnedFd>)>,
    /// How many shared supervisors there have been.
    wardens: u64,
    /// The pods that are being started at this moment.
    starting: HashSet<PathBuf>,
}

#[derive(Debug)]
struct Pod {
    ended: watch::Sender<()>,
    /// The shared supervisor that has it.
    warden: Option<u64>,
}

impl Supervisors {
    /// Returns what changes when the pod in `folder` has ended; `None` if no supervisor of this server has it.
    pub(crate) fn end_of(&self, folder: &Path) -> Option<watch::Receiver<()>> {
        self.lock().pods.get(folder).map(|pod| pod.ended.subscribe())
    }
    /// Marks the pod in `folder` as being started; `None` if another call is starting it.
    pub(crate) fn begin(self: &Arc<Self>, folder: &Path) -> Option<Starting> {
        let fresh = self.lock().starting.insert(folder.to_owned());
        fresh.then(|| Starting { supervisors: Arc::clone(self), folder: folder.to_owned() })
    }
    /// Starts a supervisor of its own for the pod in `folder`: its standard input is the lock, its standard output what
    /// nobody else may see. Must be called within a tokio runtime.
    pub(crate) fn start_own(
        self: &Arc<Self>,
        program: &Path,
        folder: &Path,
        (lock, private): (File, OwnedFd),
    ) -> io::Result<()> {
        let mut supervisor = command(program);
        supervisor.arg(SUPERVISE_ARGUMENT).arg(folder).stdin(Stdio::from(lock)).stdout(Stdio::from(private));
        let mut child = supervisor.spawn()?;
        drop(supervisor);
        self.note(folder, None);
        let (this, folder) = (Arc::clone(self), folder.to_owned());
        tokio::spawn(async move {
            // whatever it returns, it is gone; how the pod ended is on disk
            let _ = child.wait().await;
            this.lock().pods.remove(&folder);
        });
        Ok(())
    }
    /// Hands the pod in `folder` to the shared supervisor, starting one if there is none. Must be called within a tokio
    /// runtime.
    pub(crate) fn start_shared(
        self: &Arc<Self>,
        program: &Path,
        folder: &Path,
        (lock, private): (&File, &OwnedFd),
    ) -> io::Result<()> {
        let mut attempts = 0;
        loop {
            let (number, socket) = self.warden(program)?;
            self.note(folder, Some(number));
            match send_order(socket.as_fd(), folder, [lock.as_fd(), private.as_fd()]) {
                Ok(()) => return Ok(()),
                // it was killed; nothing was started, for the lock is still here
                Err(error) => {
                    self.lost(number);
                    attempts += 1;
                    if attempts > 1 {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn warden(self: &Arc<Self>, program: &Path) -> io::Result<(u64, Arc<OwnedFd>)> {
        let mut state = self.lock();
        if let Some(warden) = &state.warden {
            return Ok(warden.clone());
        }
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let stdin = Stdio::from(theirs);
        let mut child = command(program).arg(WARDEN_ARGUMENT).stdin(stdin).stdout(Stdio::piped()).spawn()?;
        state.wardens += 1;
        let warden = (state.wardens, Arc::new(ours));
        state.warden = Some(warden.clone());
        drop(state);
        tokio::spawn(listen(Arc::downgrade(self), warden.0, child.stdout.take()));
        tokio::spawn(async move { child.wait().await });
        Ok(warden)
    }
    fn note(&self, folder: &Path, warden: Option<u64>) {
        let ended = watch::Sender::new(());
        self.lock().pods.insert(folder.to_owned(), Pod { ended, warden });
    }
    /// Tells everybody who waits for a pod of this shared supervisor, which is gone.
    fn lost(&self, number: u64) {
        let mut state = self.lock();
        state.pods.retain(|_, pod| pod.warden != Some(number));
        if state.warden.as_ref().is_some_and(|(current, _)| *current == number) {
            state.warden = None;
        }
    }
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pod that is being started, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Starting {
    supervisors: Arc<Supervisors>,
    folder: PathBuf,
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.supervisors.lock().starting.remove(&self.folder);
    }
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Hears from a shared supervisor which pods have ended, until it or the server ends.
async fn listen(supervisors: Weak<Supervisors>, number: u64, output: Option<ChildStdout>) {
    let Some(output) = output else { return };
    let mut folders = BufReader::new(output).split(END_OF_PATH);
    while let Ok(Some(folder)) = folders.next_segment().await {
        let Some(supervisors) = supervisors.upgrade() else { return };
        supervisors.lock().pods.remove(Path::new(OsStr::from_bytes(&folder)));
    }
    if let Some(supervisors) = supervisors.upgrade() {
        supervisors.lost(number);
    }
}
