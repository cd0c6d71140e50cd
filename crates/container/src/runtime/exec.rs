//! A command in a container of a runtime that runs. Source: `runc exec --process`, `crun exec --process`.
//! Not here: why (`backend`'s probes).
//! Invariant: a command that does not end in time is killed; none outlives the question.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::{sys::wait::waitpid, unistd::Pid};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde_json::{Value, json};

use super::{command, write_private};

/// How a command is run beside a container's first process.
pub(super) struct Beside {
    /// The runtime.
    pub(super) program: PathBuf,
    /// The container's folder.
    pub(super) folder: PathBuf,
    /// The container's name.
    pub(super) name: String,
    /// The container's first process, as the bundle tells it.
    pub(super) process: Value,
}

impl Beside {
    /// Runs a command as the container's user in the container's environment; returns whether it ended with 0 in time.
    pub(super) fn run(&self, argv: &[String], timeout: Duration) -> bool {
        self.try_run(argv, timeout).unwrap_or_default()
    }
    fn try_run(&self, argv: &[String], timeout: Duration) -> io::Result<bool> {
        let (file, number) = (self.folder.join("exec.json"), self.folder.join("exec.pid"));
        let mut process = self.process.clone();
        if let Some(map) = process.as_object_mut() {
            map.insert("args".to_owned(), json!(argv));
        }
        write_private(&file, process.to_string().as_bytes())?;
        let started = self.start(&file, &number);
        // the environment may hold secrets
        let _ = fs::remove_file(&file);
        if !started? {
            return Ok(false);
        }
        let id: i32 = fs::read_to_string(&number)?.trim().parse().map_err(io::Error::other)?;
        let watch = rustix::process::Pid::from_raw(id).ok_or(io::ErrorKind::InvalidData)?;
        let watch = pidfd_open(watch, PidfdFlags::empty())?;
        let timeout = Timespec::try_from(timeout).ok();
        let ended = poll(&mut [PollFd::new(&watch, PollFlags::IN)], timeout.as_ref());
        if !matches!(ended, Ok(count) if count > 0) {
            // it may end at this very moment
            let _ = pidfd_send_signal(&watch, Signal::KILL);
        }
        // this process has adopted it
        let status = waitpid(Pid::from_raw(id), None)?;
        Ok(ended? > 0 && matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)))
    }
    /// Starts the command; returns whether that went well.
    fn start(&self, file: &Path, number: &Path) -> io::Result<bool> {
        let mut command = command(&self.program, &self.folder, "exec.log", "exec");
        command.args(["--detach", "--process"]).arg(file).arg("--pid-file").arg(number).arg(&self.name);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        Ok(status.success())
    }
}
