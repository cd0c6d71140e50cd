//! Waits for everything at once: what the pod writes, its end, its deadline, an order to kill it.
//! Not here: how its process is started (`payload`), what becomes of its outputs (`collect`).

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::PathBuf,
};

use engine::PodEnd;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{payload::Payload, read_masker, set_nonblocking, stream::Stream};
use crate::{
    clock::{self, Moment},
    folder::PodFolder,
    limits::KILL_GRACE_MS,
    logfile::LogWriter,
    mask::Masker,
    private::{Masks, Private},
    sandbox::End,
    spec::PodSpec,
};

/// How the pod ended.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The end.
    pub(crate) end: PodEnd,
}

/// What the supervisor keeps while the pod runs.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    log: &'a mut LogWriter,
    masking: Masking,
    kill: PathBuf,
    control: OwnedFd,
    stdout: Stream,
    stderr: Stream,
    deadline: Option<Moment>,
    ordered: Option<PodEnd>,
}

/// What became readable.
#[derive(Debug, Default)]
struct Ready {
    stdout: bool,
    stderr: bool,
    control: bool,
    payload: bool,
}

impl<'a> Watch<'a> {
    /// Returns the watch of a pod that starts now.
    pub(crate) fn new(
        folder: &PodFolder,
        (spec, private): (&PodSpec, &Private),
        control: OwnedFd,
        log: &'a mut LogWriter,
    ) -> Self {
        let deadline =
            spec.deadline_seconds.and_then(|seconds| Moment::now().after_ms(seconds.saturating_mul(1000)));
        Self {
            log,
            masking: Masking::of(folder.token(), private.masks.clone()),
            kill: folder.kill(),
            control,
            stdout: Stream::new(false, spec.wants_result),
            stderr: Stream::new(true, false),
            deadline,
            ordered: None,
        }
    }
    /// Watches until the pod has ended and all it wrote has been read.
    ///
    /// # Errors
    /// A sentence for the node's message, if watching itself failed; the pod is killed then.
    pub(crate) fn run(
        &mut self,
        payload: &mut Payload,
        stdout: OwnedFd,
        stderr: OwnedFd,
    ) -> Result<Ending, String> {
        let (mut stdout, mut stderr) = (Some(File::from(stdout)), Some(File::from(stderr)));
        let watched = self.watch(payload, &mut stdout, &mut stderr);
        if watched.is_err() {
            payload.kill();
        }
        let end = watched.map_err(|error| format!("cannot watch the pod: {error}"))?;
        let now = clock::now_ms();
        let masker = self.masking.current();
        self.stdout.finish(now, masker, self.log);
        self.stderr.finish(now, masker, self.log);
        self.flush()?;
        let end = match (self.ordered.take(), end) {
            (Some(ordered), _) => ordered,
            (None, End::Exited(code)) => PodEnd::Exited(code),
            (None, End::Error(message)) => PodEnd::Error(message),
        };
        Ok(Ending { end })
    }
    /// Returns the masker, the log and the result.
    pub(crate) fn into_parts(self) -> (Masker, &'a mut LogWriter, Option<String>) {
        (self.masking.masker, self.log, self.stdout.result())
    }

    fn watch(
        &mut self,
        payload: &mut Payload,
        stdout: &mut Option<File>,
        stderr: &mut Option<File>,
    ) -> io::Result<End> {
        for pipe in [&*stdout, &*stderr].into_iter().flatten() {
            set_nonblocking(pipe)?;
        }
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let ready = self.wait(payload, stdout.as_ref(), stderr.as_ref())?;
            let end = if ready.payload { payload.ended()? } else { None };
            // the pod is over: what is in the pipes now is all that counts
            let rounds = if end.is_some() { LAST_READS } else { 1 };
            if ready.stdout || end.is_some() {
                read_pipe(stdout, &mut self.stdout, &mut self.masking, self.log, &mut buffer, rounds)?;
            }
            if ready.stderr || end.is_some() {
                read_pipe(stderr, &mut self.stderr, &mut self.masking, self.log, &mut buffer, rounds)?;
            }
            self.log.flush()?;
            if let Some(end) = end {
                return Ok(end);
            }
            if ready.control {
                self.obey(payload);
            }
            self.keep_deadline(payload);
        }
    }

    fn wait(&self, payload: &Payload, stdout: Option<&File>, stderr: Option<&File>) -> io::Result<Ready> {
        let mut fds = vec![
            PollFd::from_borrowed_fd(payload.watch(), PollFlags::IN),
            PollFd::new(&self.control, PollFlags::IN),
        ];
        fds.extend(stdout.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(stderr.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let timeout =
            self.deadline.and_then(|deadline| Timespec::try_from(deadline.left(Moment::now())).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = || ready.next().unwrap_or_default();
        let (payload, control) = (next(), next());
        let stdout = stdout.is_some() && next();
        let stderr = stderr.is_some() && next();
        Ok(Ready { stdout, stderr, control, payload })
    }
    /// Empties the FIFO; what to do is said by the file, which can't get lost.
    fn obey(&mut self, payload: &mut Payload) {
        let mut buffer = [0; 64];
        while matches!(rustix::io::read(&self.control, &mut buffer), Ok(read) if read > 0) {}
        if self.kill.exists() {
            self.end_it(payload, PodEnd::Killed);
        }
    }
    fn keep_deadline(&mut self, payload: &mut Payload) {
        if self.deadline.is_some_and(|deadline| deadline <= Moment::now()) {
            if self.ordered.is_some() {
                payload.kill();
                self.deadline = Moment::now().after_ms(KILL_GRACE_MS);
            } else {
                self.end_it(payload, PodEnd::DeadlineExceeded);
            }
        }
    }
    /// Asks the pod to end; the deadline from now on is that of KILL.
    fn end_it(&mut self, payload: &mut Payload, why: PodEnd) {
        if self.ordered.is_none() {
            self.ordered = Some(why);
            self.deadline = Moment::now().after_ms(KILL_GRACE_MS);
            payload.terminate();
        }
    }
    fn flush(&mut self) -> Result<(), String> {
        self.log.flush().map_err(|error| format!("cannot write the log: {error}"))
    }
}

/// How often a pipe is read when the pod is over: more than a pipe can hold, and not for ever, for a process that left
/// its group may go on writing.
const LAST_READS: usize = 32;
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

fn read_pipe(
    pipe: &mut Option<File>,
    stream: &mut Stream,
    masking: &mut Masking,
    log: &mut LogWriter,
    buffer: &mut [u8],
    rounds: usize,
) -> io::Result<()> {
    for _ in 0..rounds {
        let Some(file) = pipe else { return Ok(()) };
        match file.read(buffer) {
            Ok(0) => *pipe = None,
            Ok(read) => {
                stream.take(buffer.get(..read).unwrap_or_default(), clock::now_ms(), masking.current(), log);
                log.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The masker of a token that is replaced now and then, and of what stays.
#[derive(Debug)]
struct Masking {
    token: PathBuf,
    others: Masks,
    seen: Option<(u64, i64, i64)>,
    masker: Masker,
}

impl Masking {
    fn of(token: PathBuf, others: Masks) -> Self {
        let masker = Masker::new(others.clone());
        let mut masking = Self { token, others, seen: None, masker };
        masking.current();
        masking
    }
    /// Returns the masker for what was just read: a pod can't write a token before its file is in place, so looking
    /// after the reading is early enough.
    fn current(&mut self) -> &Masker {
        let now = self.token.metadata().ok().as_ref().map(identity);
        if now.is_some() && now != self.seen {
            self.seen = now;
            self.masker = read_masker(&self.token, &self.others);
        }
        &self.masker
    }
}

fn identity(data: &Metadata) -> (u64, i64, i64) {
    (data.ino(), data.mtime(), data.mtime_nsec())
}
