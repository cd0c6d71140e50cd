//! Waits for everything at once: what the pod writes, its end, its deadline, an order to kill it.
//! Not here: how its process is started (`payload`), what becomes of its outputs (`collect`).

use std::{
    collections::BTreeMap,
    fs::{File, Metadata},
    io::{self, Read},
    net::{IpAddr, Ipv4Addr},
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::PathBuf,
};

use engine::{ContainerEnd, PodEnd};
use jiff::Timestamp;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{
    course::{Course, NOT_STARTED, Next, Stage},
    payload::{Payload, is_start_fault},
    read_masker, set_nonblocking,
    stream::Stream,
};
use crate::{
    clock::{self, Moment},
    folder::PodFolder,
    limits::KILL_GRACE_MS,
    logfile::LogWriter,
    mask::Masker,
    private::{Masks, Private},
    progress::{LOOK_MS, Progress},
    readiness,
    sandbox::End,
    spec::{ContainerSpec, MAIN, PodSpec, Role},
};

/// How the pod ended.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The end.
    pub(crate) end: PodEnd,
    /// How its containers ended, by name: all of a set, else those besides the main one, and it if it could not start.
    pub(crate) containers: BTreeMap<String, ContainerEnd>,
}

/// What the supervisor keeps while the pod runs.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    folder: &'a PodFolder,
    spec: &'a PodSpec,
    private: &'a Private,
    masking: Masking,
    kill: PathBuf,
    control: OwnedFd,
    course: Course<'a>,
    lanes: Vec<Lane>,
    deadline: Option<Moment>,
    ordered: Option<PodEnd>,
    /// Where others reach the pod: a daemon tells it once it is ready.
    address: Address,
    /// Tells that it is.
    told: Option<OwnedFd>,
    /// What it says of how far it is, and when that is looked at next.
    progress: Option<(Progress<'a>, Option<Moment>)>,
    /// When those that run beside the main ones are killed, once they have been asked to end.
    rest_until: Option<Moment>,
}

/// Where a pod is reached by the others of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// Nobody reaches it: it is no daemon.
    None,
    /// Here.
    Known(IpAddr),
    /// Where its main container says, once it can be used.
    OfMain,
}

impl Address {
    /// Returns the address of a pod that is known before it runs.
    pub(crate) fn known(address: Option<Ipv4Addr>) -> Self {
        address.map_or(Self::None, |address| Self::Known(address.into()))
    }
}

/// A container while the pod runs.
#[derive(Debug)]
struct Lane {
    payload: Option<Payload>,
    stdout: Option<File>,
    stderr: Option<File>,
    out: Stream,
    err: Stream,
    log: LogWriter,
    /// When it is tried again.
    again: Option<Moment>,
    started_ms: Option<i64>,
    finished_ms: Option<i64>,
}

/// What became readable.
#[derive(Debug, Default)]
struct Ready {
    control: bool,
    /// By container: its standard output, its standard error, its end.
    lanes: Vec<(usize, [bool; 3])>,
}

/// A container that has been prepared: it waits for its start.
pub(crate) type Prepared = Option<(Payload, OwnedFd, OwnedFd)>;

impl<'a> Watch<'a> {
    /// Returns the watch of a pod that starts now; a container that is not prepared is a plain process.
    pub(crate) fn new(
        folder: &'a PodFolder,
        (spec, private): (&'a PodSpec, &'a Private),
        control: OwnedFd,
        prepared: Vec<Prepared>,
    ) -> Self {
        let deadline =
            spec.deadline_seconds.and_then(|seconds| Moment::now().after_ms(seconds.saturating_mul(1000)));
        let main = spec.main();
        let lane = |(at, (container, prepared)): (usize, (&ContainerSpec, Prepared))| {
            let (payload, stdout, stderr) = match prepared {
                Some((payload, stdout, stderr)) => (Some(payload), Some(stdout.into()), Some(stderr.into())),
                None => (None, None, None),
            };
            Lane {
                payload,
                stdout,
                stderr,
                out: Stream::new(false, spec.wants_result && main == Some(at)),
                err: Stream::new(true, false),
                log: LogWriter::new(folder.log(&container.name)),
                again: None,
                started_ms: None,
                finished_ms: None,
            }
        };
        Self {
            folder,
            spec,
            private,
            masking: Masking::of(folder.token(), private.masks.clone()),
            kill: folder.kill(),
            control,
            course: Course::new(&spec.containers),
            lanes: spec.containers.iter().zip(prepared).enumerate().map(lane).collect(),
            deadline,
            ordered: None,
            address: Address::None,
            told: None,
            progress: None,
            rest_until: None,
        }
    }
    /// Lets everybody who waits know where the pod is reached, as soon as it is ready.
    pub(crate) const fn tell_when_ready(&mut self, address: Address) {
        self.address = address;
    }
    /// Looks every moment at how far the pod says it is.
    pub(crate) fn look_at_progress(&mut self, progress: Progress<'a>) {
        self.progress = Some((progress, Moment::now().after_ms(LOOK_MS)));
    }
    /// Runs and watches the containers until all have ended and all they wrote has been read.
    ///
    /// # Errors
    /// A sentence for the node's message, if watching itself failed; the pod is killed then.
    pub(crate) fn run(&mut self) -> Result<Ending, String> {
        let watched = self.watch();
        if watched.is_err() {
            self.each_running(Payload::kill);
        }
        watched.map_err(|error| format!("cannot watch the pod: {error}"))?;
        if let Some((progress, _)) = &mut self.progress {
            progress.look(self.folder);
        }
        let now = clock::now_ms();
        let masker = self.masking.current();
        for (lane, (_, stage)) in self.lanes.iter_mut().zip(self.course.stages()) {
            lane.out.finish(now, masker, &mut lane.log);
            lane.err.finish(now, masker, &mut lane.log);
            // as Argo's executor, which runs in the container, says it
            if let Stage::Broken(message) = stage
                && !message.is_empty()
            {
                lane.log.line(now, true, masker.mask_text(format!("Error: {message}")).as_bytes());
            }
            lane.log.flush().map_err(|error| format!("cannot write the log: {error}"))?;
        }
        let end = self.ordered.take().unwrap_or_else(|| self.end());
        Ok(Ending { end, containers: self.container_ends() })
    }
    /// Returns the masker, the log of the container at `main` (or the first), its result, and the containers: what they
    /// hold is there only as long as these are.
    pub(crate) fn into_parts(self, main: Option<usize>) -> (Masker, LogWriter, Option<String>, Vec<Payload>) {
        let mut of_main = (LogWriter::new(self.folder.log(MAIN)), None);
        let mut payloads = Vec::new();
        for (at, lane) in self.lanes.into_iter().enumerate() {
            payloads.extend(lane.payload);
            if at == main.unwrap_or_default() {
                of_main = (lane.log, lane.out.result());
            }
        }
        (self.masking.masker, of_main.0, of_main.1, payloads)
    }

    fn watch(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match self.course.next() {
                Next::Start(ready) => {
                    for at in ready {
                        self.start(at)?;
                    }
                    continue;
                }
                Next::EndTheRest => self.end_the_rest(),
                Next::Wait => {}
                Next::Over => return Ok(()),
            }
            self.tell_if_ready()?;
            let ready = self.wait()?;
            for (at, [stdout, stderr, payload]) in ready.lanes {
                self.look_at(at, [stdout, stderr, payload], &mut buffer)?;
            }
            if ready.control {
                self.obey();
            }
            self.keep_time();
        }
    }

    fn start(&mut self, at: usize) -> io::Result<()> {
        let (Some(lane), Some(container), Some(command)) =
            (self.lanes.get_mut(at), self.spec.containers.get(at), self.private.commands.get(at))
        else {
            return Ok(());
        };
        let started = match &mut lane.payload {
            Some(Payload::Sandboxed(session)) => {
                session.go().map_err(|error| format!("the sandbox ended before the command: {error}"))
            }
            Some(Payload::Contained(contained)) => contained
                .stage
                .go()
                .map_err(|error| format!("the container ended before the command: {error}")),
            _ => Payload::plain(self.folder, container, command).map(|(payload, stdout, stderr)| {
                lane.payload = Some(payload);
                lane.stdout = Some(File::from(OwnedFd::from(stdout)));
                lane.stderr = Some(File::from(OwnedFd::from(stderr)));
            }),
        };
        let now = clock::now_ms();
        match started {
            Ok(()) => {
                for pipe in [&lane.stdout, &lane.stderr].into_iter().flatten() {
                    set_nonblocking(pipe)?;
                }
                lane.started_ms.get_or_insert(now);
                self.course.started(at);
            }
            Err(message) => {
                lane.finished_ms = Some(now);
                self.course.broken(at, message);
            }
        }
        Ok(())
    }

    fn look_at(&mut self, at: usize, ready: [bool; 3], buffer: &mut [u8]) -> io::Result<()> {
        let Some(lane) = self.lanes.get_mut(at) else { return Ok(()) };
        let [stdout, stderr, payload] = ready;
        let end = match &mut lane.payload {
            Some(running) if payload => running.ended()?,
            _ => None,
        };
        // it is over: what is in the pipes now is all that counts
        let rounds = if end.is_some() { LAST_READS } else { 1 };
        let (masking, log) = (&mut self.masking, &mut lane.log);
        if stdout || end.is_some() {
            read_pipe(&mut lane.stdout, &mut lane.out, masking, log, buffer, rounds)?;
        }
        if stderr || end.is_some() {
            read_pipe(&mut lane.stderr, &mut lane.err, masking, log, buffer, rounds)?;
        }
        lane.log.flush()?;
        let Some(end) = end else { return Ok(()) };
        lane.finished_ms = Some(clock::now_ms());
        match end {
            End::Error(message) => self.course.broken(at, message),
            End::Exited(code) => {
                lane.again = self.course.ended(at, code).and_then(|pause| Moment::now().after_ms(pause));
                if self.ordered.is_some() {
                    self.course.stop();
                }
            }
        }
        Ok(())
    }

    fn wait(&self) -> io::Result<Ready> {
        let running: Vec<(usize, &Lane, &Payload)> = self
            .lanes
            .iter()
            .enumerate()
            .filter(|(at, _)| self.course.stage(*at) == Some(&Stage::Running))
            .filter_map(|(at, lane)| Some((at, lane, lane.payload.as_ref()?)))
            .collect();
        let mut fds = vec![PollFd::new(&self.control, PollFlags::IN)];
        for (_, lane, payload) in &running {
            fds.push(PollFd::from_borrowed_fd(payload.watch(), PollFlags::IN));
            fds.extend(lane.stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
            fds.extend(lane.stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        }
        let look = self.progress.as_ref().and_then(|(_, at)| *at);
        let again = self.lanes.iter().filter_map(|lane| lane.again);
        let moments = again.chain(self.deadline).chain(self.rest_until).chain(look);
        let left = moments.map(|moment| moment.left(Moment::now())).min();
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = || ready.next().unwrap_or_default();
        let control = next();
        let lanes = running.iter().map(|(at, lane, _)| {
            let payload = next();
            let stdout = lane.stdout.is_some() && next();
            let stderr = lane.stderr.is_some() && next();
            (*at, [stdout, stderr, payload])
        });
        Ok(Ready { lanes: lanes.collect(), control })
    }
    fn tell_if_ready(&mut self) -> io::Result<()> {
        if self.address == Address::None || self.told.is_some() || self.ordered.is_some() {
            return Ok(());
        }
        let is_ready =
            |((container, stage), lane): ((&ContainerSpec, &Stage), &Lane)| match (&container.role, stage) {
                (Role::Init, stage) => stage.is_over(),
                (_, Stage::Running) => lane.payload.as_ref().is_some_and(Payload::has_passed),
                // to a cluster, what waits for others in a set runs
                (_, stage) => self.spec.is_set && !stage.is_over(),
            };
        if self.course.stages().zip(&self.lanes).all(is_ready)
            && let Some(address) = self.known_address()
        {
            self.told = Some(readiness::tell(self.folder, &address.to_string())?);
        }
        Ok(())
    }
    fn known_address(&self) -> Option<IpAddr> {
        match self.address {
            Address::None => None,
            Address::Known(address) => Some(address),
            Address::OfMain => {
                let main = self.spec.containers.iter().position(|container| container.role.is_main())?;
                self.lanes.get(main)?.payload.as_ref()?.address()
            }
        }
    }
    /// Empties the FIFO; what to do is said by the file, which can't get lost.
    fn obey(&mut self) {
        let mut buffer = [0; 64];
        while matches!(rustix::io::read(&self.control, &mut buffer), Ok(read) if read > 0) {}
        if self.kill.exists() {
            self.end_it(PodEnd::Killed);
        }
    }
    fn keep_time(&mut self) {
        let now = Moment::now();
        let is_over = |moment: &Option<Moment>| moment.is_some_and(|moment| moment <= now);
        if is_over(&self.deadline) {
            if self.ordered.is_some() {
                self.each_running(Payload::kill);
                self.deadline = now.after_ms(KILL_GRACE_MS);
            } else {
                self.end_it(PodEnd::DeadlineExceeded);
            }
        }
        if is_over(&self.rest_until) {
            self.each_running(Payload::kill);
            self.rest_until = now.after_ms(KILL_GRACE_MS);
        }
        if let Some((progress, at)) = &mut self.progress
            && is_over(at)
        {
            progress.look(self.folder);
            *at = now.after_ms(LOOK_MS);
        }
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            if is_over(&lane.again) {
                lane.again = None;
                if self.ordered.is_none() {
                    self.course.pause_over(at);
                }
            }
        }
    }
    /// Asks the pod to end; the deadline from now on is that of KILL.
    fn end_it(&mut self, why: PodEnd) {
        if self.ordered.is_none() {
            self.ordered = Some(why);
            self.deadline = Moment::now().after_ms(KILL_GRACE_MS);
            self.course.stop();
            self.each_running(Payload::terminate);
        }
    }
    /// Asks what runs beside the main containers to end.
    fn end_the_rest(&mut self) {
        if self.rest_until.is_none() {
            self.rest_until = Moment::now().after_ms(KILL_GRACE_MS);
            self.each_running(Payload::terminate);
        }
    }
    fn each_running(&mut self, act: impl Fn(&mut Payload)) {
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            if self.course.stage(at) == Some(&Stage::Running)
                && let Some(payload) = &mut lane.payload
            {
                act(payload);
            }
        }
    }
    /// Returns the pod's end: that of the first main container that did not end well.
    fn end(&self) -> PodEnd {
        let mains = self.course.stages().filter(|(container, _)| container.role.is_main());
        for (_, stage) in mains {
            match stage {
                Stage::Ended(0) => {}
                Stage::Ended(code) | Stage::Pausing(code) => return PodEnd::Exited(*code),
                Stage::Broken(message)
                    if message.is_empty() || self.spec.is_set || is_start_fault(message) =>
                {
                    return PodEnd::Exited(NOT_STARTED);
                }
                Stage::Broken(message) => return PodEnd::Error(message.clone()),
                Stage::Waiting | Stage::Running => return PodEnd::Error("a container was lost".to_owned()),
            }
        }
        PodEnd::Exited(0)
    }
    fn container_ends(&self) -> BTreeMap<String, ContainerEnd> {
        let time = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let told = self.course.stages().zip(&self.lanes).filter(|((container, stage), _)| {
            let told = self.spec.is_set || !container.role.is_main();
            let could_not_start = matches!(stage, Stage::Broken(message) if is_start_fault(message));
            stage.is_over() && (told || could_not_start)
        });
        let end = |((container, stage), lane): ((&ContainerSpec, &Stage), &Lane)| {
            let (exit_code, message) = match stage {
                Stage::Ended(code) => (Some(*code), String::new()),
                Stage::Broken(message) => (None, message.clone()),
                _ => return None,
            };
            let finished_at = time(lane.finished_ms.or(Some(clock::now_ms())))?;
            let started_at = time(lane.started_ms);
            Some((container.name.clone(), ContainerEnd { exit_code, message, started_at, finished_at }))
        };
        told.filter_map(end).collect()
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
