//! How a stage and whoever opened it speak: lines over the socket that is the stage's standard input.
//! Not here: what they do.

use std::{
    fmt::Display,
    io::{self, BufRead, BufReader, Write},
    os::{fd::AsFd, unix::net::UnixStream},
};

use crate::Request;

/// Said by a stage: everything is prepared.
pub(crate) const READY: &str = "ready";
/// Said by a stage: it failed, and why.
pub(crate) const FAULT: &str = "fault";
/// Said by a stage: the container can be used; its address follows, if it has one that others reach.
pub(crate) const USABLE: &str = "usable";
/// Said by a stage: the container has ended, with this code.
pub(crate) const EXITED: &str = "exited";
/// Said to a stage: start the container.
pub(crate) const GO: &str = "go";
/// Said to a stage: send TERM.
pub(crate) const TERMINATE: &str = "term";
/// Said to a stage: send KILL.
pub(crate) const KILL: &str = "kill";

/// Does a stage's work and says what went wrong; returns the process's exit code.
pub(crate) fn speak(work: impl FnOnce(&UnixStream) -> Result<(), String>) -> i32 {
    let Ok(socket) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else { return 1 };
    match work(&socket) {
        Ok(()) => 0,
        Err(fault) => {
            say(&socket, &format!("{FAULT} {}", fault.replace('\n', " ")));
            1
        }
    }
}

/// Says a line; nobody listening means that the supervisor is gone, and this process soon, too.
pub(crate) fn say(mut socket: &UnixStream, line: &str) {
    let _ = socket.write_all(format!("{line}\n").as_bytes());
}

/// Reads the request, which is the first line.
pub(crate) fn request(socket: &UnixStream) -> Result<(Request, BufReader<UnixStream>), String> {
    let mut orders = BufReader::new(socket.try_clone().map_err(failed("socket"))?);
    let mut line = String::new();
    orders.read_line(&mut line).map_err(failed("socket"))?;
    Ok((serde_json::from_str(&line).map_err(failed("bad request"))?, orders))
}

/// Names what failed.
pub(crate) fn failed<E: Display>(what: &'static str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}
