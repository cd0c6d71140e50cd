//! The supervisor that a server's plain pods share: a thread a pod. It lives until its server is gone and its last pod
//! has ended. Orders come as packets over the socket that is its standard input: a pod's folder, with the pod's
//! lock and what nobody else may see.
//! When a pod has ended, its folder is written to standard output.
//! Not here: what supervising is (`super`).
//! Invariant: a thread changes nothing that belongs to the whole process (directory, user, signals).

use std::{
    ffi::OsStr,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
    thread::{Builder, JoinHandle},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::{
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, recvmsg, sendmsg,
    },
};

use crate::limits::PATH_BYTES;

/// Ends a path on standard output.
pub(crate) const END_OF_PATH: u8 = 0;
/// How many files go with an order.
const FILES: usize = 2;
/// The stack of a pod's thread in bytes.
const STACK_BYTES: usize = 512 * 1024;

/// Supervises pods as they come; returns the process's exit code.
pub(crate) fn main() -> i32 {
    let _ = nix::unistd::setsid();
    // each pod takes a handful of files
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while let Ok(Some((folder, [lock, private]))) = receive_order(io::stdin().as_fd()) {
        threads.retain(|thread| !thread.is_finished());
        let work = move || {
            super::pod(&folder, &lock, private);
            drop(lock);
            let mut ended = folder.into_os_string().into_vec();
            ended.push(END_OF_PATH);
            // one write, so that threads do not mix; a server that is gone will look at the lock
            let _ = rustix::io::write(io::stdout(), &ended);
        };
        if let Ok(thread) = Builder::new().stack_size(STACK_BYTES).spawn(work) {
            threads.push(thread);
        }
    }
    for thread in threads {
        // a thread that panicked has let go of its lock, which says enough
        let _ = thread.join();
    }
    0
}

/// Sends the order to supervise the pod in `folder`, with its lock and what nobody else may see.
pub(crate) fn send_order(
    socket: BorrowedFd<'_>,
    folder: &Path,
    files: [BorrowedFd<'_>; FILES],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&files));
    let path = [IoSlice::new(folder.as_os_str().as_bytes())];
    loop {
        match sendmsg(socket, &path, &mut control, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Receives an order; `None` when the server is gone.
fn receive_order(socket: BorrowedFd<'_>) -> io::Result<Option<(PathBuf, [OwnedFd; FILES])>> {
    let mut path = vec![0; PATH_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(&mut path)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            received => break received?,
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    path.truncate(received.bytes);
    let files = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Vec::from_iter(files).try_into().ok(),
        _ => None,
    });
    Ok(files.map(|files| (PathBuf::from(OsStr::from_bytes(&path)), files)))
}
