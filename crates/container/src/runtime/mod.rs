//! A container of an OCI runtime: a bundle is made of the image and handed to `runc` or `crun`.
//! Source: OCI runtime-spec `bundle.md`, `runtime.md` (create, start, kill, delete).
//! Not here: the bundle's configuration (`bundle`), images (`image`).
//! Invariant: the container's first process is this process's own child, so its end can't be missed nor its number reused.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    sys::wait::{WaitStatus, waitpid},
    unistd::Pid,
};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{
    Request,
    attend::{Keeper, Reach, Way},
    image::{self, Image},
    limits::PATH_DEPTH,
};

mod accounts;
mod bundle;
mod exec;

/// A container in a runtime's keeping.
pub(crate) struct Kept {
    request: Request,
    program: PathBuf,
    image: Option<Image>,
    first: Option<First>,
    /// What the first process is, as the bundle tells it; only where a command may be run beside it.
    process: Option<Value>,
}

/// The first process of a container.
struct First {
    id: i32,
    watch: OwnedFd,
    end: JoinHandle<Result<i32, String>>,
}

impl Kept {
    /// Returns it before anything was done.
    pub(crate) const fn of(request: Request, program: PathBuf) -> Self {
        Self { request, program, image: None, first: None, process: None }
    }
    /// Makes the container; its command waits for [`Keeper::start`].
    fn create(&mut self) -> Result<(), String> {
        let folder = self.request.folder.clone();
        let image = self.image.as_ref().ok_or("there is no image")?;
        let config = bundle::config(&self.request, image)?;
        if self.request.wanted.probes.is_some() {
            self.process = config.get("process").cloned();
        }
        let path = folder.join("config.json");
        let io_failed = |error: io::Error| format!("cannot make the bundle: {error}");
        write_private(&path, config.to_string().as_bytes()).map_err(io_failed)?;
        let number = folder.join("first.pid");
        let mut command = self.command("create");
        command.arg("--bundle").arg(&folder).arg("--pid-file").arg(&number).arg(&self.request.wanted.name);
        // the container inherits standard output and standard error
        let status = command.stdin(Stdio::null()).status();
        // command and environment may hold secrets
        let _ = fs::remove_file(&path);
        let status = status.map_err(|error| format!("{}: {error}", self.program.display()))?;
        if !status.success() {
            return Err(format!("failed to start command: {}", self.last_words()));
        }
        let id = fs::read_to_string(&number).map_err(io_failed)?;
        let id: i32 = id.trim().parse().map_err(|_| "the runtime names no process".to_owned())?;
        let watch = rustix::process::Pid::from_raw(id).ok_or(io::ErrorKind::InvalidData.into());
        let watch = watch.and_then(|id| Ok(pidfd_open(id, PidfdFlags::empty())?)).map_err(io_failed)?;
        let end = tokio::task::spawn_blocking(move || reap(Pid::from_raw(id)));
        self.first = Some(First { id, watch, end });
        Ok(())
    }
    fn command(&self, what: &str) -> Command {
        command(&self.program, &self.request.folder, "runtime.log", what)
    }
    /// Returns the last thing the runtime said.
    fn last_words(&self) -> String {
        let text = fs::read_to_string(self.request.folder.join("runtime.log")).unwrap_or_default();
        let line =
            text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("the runtime said nothing");
        // runc writes `time="…" level=error msg="…"`, crun `… : message`
        let message = line.split_once("msg=").map_or(line, |(_, message)| message);
        message.trim().trim_matches('"').replace("\\\"", "\"")
    }
    /// Lets the runtime forget the container, which has ended or is ended by that.
    fn delete(&self) {
        let mut command = self.command("delete");
        command.arg("--force").arg(&self.request.wanted.name);
        // it may be gone already
        let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

impl Keeper for Kept {
    async fn prepare(&mut self) -> Result<(), String> {
        nix::sys::prctl::set_child_subreaper(true)
            .map_err(|error| format!("cannot adopt the container: {error}"))?;
        let (wanted, settings) = (&self.request.wanted, &self.request.settings);
        let image =
            image::get(&wanted.image, wanted.pull, settings).await.map_err(|error| error.to_string())?;
        let folder = &self.request.folder;
        let failed = |error: io::Error| format!("cannot make the container's files: {error}");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let (from, to) = (image.rootfs.clone(), folder.join("rootfs"));
        let copied = tokio::task::spawn_blocking(move || copy(&from, &to, 0)).await;
        copied.map_err(|error| error.to_string())?.map_err(failed)?;
        self.image = Some(image);
        self.create()
    }
    async fn start(&mut self) -> Result<(), String> {
        if self.first.is_none() {
            self.delete();
            self.create()?;
        }
        let mut command = self.command("start");
        let status = command.arg(&self.request.wanted.name).stdin(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(format!("failed to start command: {}", self.last_words())),
            Err(error) => Err(format!("{}: {error}", self.program.display())),
        }
    }
    async fn reach(&mut self) -> Result<Reach, String> {
        let id = self.first.as_ref().map(|first| first.id).ok_or("the container was not started")?;
        let beside = exec::Beside {
            program: self.program.clone(),
            folder: self.request.folder.clone(),
            name: self.request.wanted.name.clone(),
            process: self.process.clone().unwrap_or_default(),
        };
        let way = Way::Inside(PathBuf::from(format!("/proc/{id}/ns/net")));
        let exec = Box::new(move |argv: &[String], timeout| beside.run(argv, timeout));
        Ok(Reach { way, address: None, exec })
    }
    async fn ended(&mut self) -> Result<i32, String> {
        let Some(first) = &mut self.first else { return Err("the container was not started".to_owned()) };
        let end = (&mut first.end).await.map_err(|error| error.to_string())?;
        self.first = None;
        end
    }
    async fn signal(&mut self, kill: bool) {
        if let Some(first) = &self.first {
            // it may have ended by itself
            let _ = pidfd_send_signal(&first.watch, if kill { Signal::KILL } else { Signal::TERM });
        }
    }
    async fn bring_out(&mut self) -> Result<(), String> {
        // its files lie in the folder already
        Ok(())
    }
    async fn remove(&mut self) {
        if self.first.is_some() {
            self.signal(true).await;
            // that it has ended is all that counts
            let _ = self.ended().await;
        }
        self.delete();
    }
}

/// Returns a command of the runtime for the container of `folder`, where its state is and where this command's `log` goes.
fn command(program: &Path, folder: &Path, log: &str, what: &str) -> Command {
    let mut command = Command::new(program);
    command.arg("--root").arg(folder.join("state")).arg("--log").arg(folder.join(log));
    command.arg(what).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
    command
}

/// Waits for the end of a child and returns its exit code, as a shell tells it.
fn reap(id: Pid) -> Result<i32, String> {
    match waitpid(id, None) {
        Ok(WaitStatus::Exited(_, code)) => Ok(code),
        Ok(WaitStatus::Signaled(_, signal, _)) => Ok(128 + signal as i32),
        Ok(other) => Err(format!("the container's end is not known: {other:?}")),
        Err(error) => Err(format!("the container's end is not known: {error}")),
    }
}

fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, text)
}

/// Copies an image's files, owners and modes kept where that is allowed; file systems that can, share the blocks.
fn copy(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    if depth > PATH_DEPTH {
        return Err(io::Error::other(format!("a path is deeper than {PATH_DEPTH} folders")));
    }
    let owned = nix::unistd::Uid::effective().is_root();
    fs::DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let data = source.symlink_metadata()?;
        if data.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if data.is_dir() {
            copy(&source, &target, depth + 1)?;
        } else if data.is_file() {
            fs::copy(&source, &target)?;
        }
        if owned {
            std::os::unix::fs::lchown(&target, Some(data.uid()), Some(data.gid()))?;
        }
        if data.is_file() {
            // a change of owner takes the set-user bit away
            fs::set_permissions(&target, fs::Permissions::from_mode(data.mode() & 0o7777))?;
        }
    }
    fs::set_permissions(to, fs::Permissions::from_mode(from.metadata()?.mode() & 0o7777))
}
