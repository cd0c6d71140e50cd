//! A stage, from outside: opening it, hearing what it says, telling it what to do.
//! Not here: what it does (`engine`, `runtime`).

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::IpAddr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::event::{PollFd, PollFlags, poll};

use crate::{
    ATTEND_ARGUMENT, Request,
    wire::{EXITED, FAULT, GO, KILL, READY, TERMINATE, USABLE},
};

/// A stage that was opened; dropping it ends it.
#[derive(Debug)]
pub struct Stage {
    child: Child,
    socket: UnixStream,
    lines: BufReader<UnixStream>,
    partial: Vec<u8>,
}

/// What a stage says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Everything is prepared.
    Ready,
    /// The container runs and has passed all its probes.
    Usable {
        /// Where others of its network reach it, if that is known.
        address: Option<IpAddr>,
    },
    /// It failed, or was lost.
    Fault(String),
    /// The container has ended, with this exit code.
    Exited(i32),
}

impl Stage {
    /// Opens a stage by executing `program`, which must call [`crate::attend`] for [`ATTEND_ARGUMENT`]. Returns the
    /// container's standard output and standard error, too.
    ///
    /// # Errors
    /// What the system said.
    pub fn open(program: &Path, request: &Request) -> io::Result<(Self, OwnedFd, OwnedFd)> {
        let (mut socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new(program);
        command.arg(ATTEND_ARGUMENT).env_clear().current_dir("/");
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        drop(command);
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        // if the stage has failed already, its words say more than the broken pipe here
        let _ = socket.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes());
        socket.set_nonblocking(true)?;
        let lines = BufReader::new(socket.try_clone()?);
        let stage = Self { child, socket, lines, partial: Vec::new() };
        Ok((stage, stdout.into(), stderr.into()))
    }
    /// Returns what it says, if it says something now.
    ///
    /// # Errors
    /// What the system said.
    pub fn hear(&mut self) -> io::Result<Option<Word>> {
        loop {
            match self.lines.read_until(b'\n', &mut self.partial) {
                Ok(_) if self.partial.ends_with(b"\n") => {
                    let line = String::from_utf8_lossy(&self.partial).trim_end().to_owned();
                    self.partial.clear();
                    return Ok(Some(word_of(&line)));
                }
                Ok(_) => {
                    return Ok(Some(Word::Fault(
                        "what attends the container ended without a word".to_owned(),
                    )));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    /// Waits until it says something or `other` becomes readable; returns what it said, `None` for the other.
    ///
    /// # Errors
    /// What the system said.
    pub fn hear_unless(&mut self, other: BorrowedFd<'_>) -> io::Result<Option<Word>> {
        loop {
            if let Some(word) = self.hear()? {
                return Ok(Some(word));
            }
            let mut fds =
                [PollFd::new(&self.socket, PollFlags::IN), PollFd::from_borrowed_fd(other, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if fds.last().is_some_and(|fd| !fd.revents().is_empty()) {
                return Ok(None);
            }
        }
    }
    /// Lets the container start.
    ///
    /// # Errors
    /// The stage is gone.
    pub fn go(&mut self) -> io::Result<()> {
        self.say(GO)
    }
    /// Sends TERM to the container.
    pub fn terminate(&mut self) {
        // it may have ended by itself
        let _ = self.say(TERMINATE);
    }
    /// Sends KILL to the container.
    pub fn kill(&mut self) {
        let _ = self.say(KILL);
    }
    fn say(&mut self, line: &str) -> io::Result<()> {
        self.socket.write_all(format!("{line}\n").as_bytes())
    }
}

impl AsFd for Stage {
    /// What becomes readable when it says something.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // nobody needs it any more: it ends and removes the container, and then itself
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
        let _ = self.socket.set_nonblocking(false);
        let _ = self.socket.set_read_timeout(Some(crate::limits::ENGINE_AWAY));
        let mut rest = Vec::new();
        let _ = io::Read::take(&mut self.lines, MOST_LAST_WORDS).read_to_end(&mut rest);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most bytes of last words that are waited for.
const MOST_LAST_WORDS: u64 = 64 * 1024;

fn word_of(line: &str) -> Word {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (word, rest.parse::<i32>()) {
        (READY, _) => Word::Ready,
        (USABLE, _) => Word::Usable { address: rest.parse().ok() },
        (EXITED, Ok(code)) => Word::Exited(code),
        (FAULT, _) => Word::Fault(rest.to_owned()),
        _ => Word::Fault(format!("this program cannot attend a container: `{line}`")),
    }
}
