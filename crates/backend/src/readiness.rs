//! That a daemon is ready, from its supervisor to whoever waits for it: a file with its address, and a FIFO that becomes
//! readable when the file is there and stays so until the supervisor is gone.
//! Not here: when it is ready (`supervise::watch`).

use std::{fs, io, os::fd::OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use tokio::net::unix::pipe;

use crate::{
    BackendError,
    folder::{PodFolder, replace},
};

/// Tells everybody who waits that the pod is ready at `address`, for as long as what is returned lives.
pub(crate) fn tell(folder: &PodFolder, address: &str) -> io::Result<OwnedFd> {
    replace(&folder.ready(), address.as_bytes())?;
    // open for reading too: what is written stays until the last one closes it
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let signal = open(folder.readiness(), flags, Mode::empty())?;
    rustix::io::write(&signal, b"r")?;
    Ok(signal)
}

/// Waits until the pod is ready; returns its address.
pub(crate) async fn wait(folder: &PodFolder) -> Result<String, BackendError> {
    let path = folder.readiness();
    let signal = match pipe::OpenOptions::new().open_receiver(&path) {
        Ok(signal) => signal,
        // no daemon, or one that was never started
        Err(error) if error.kind() == io::ErrorKind::NotFound => return std::future::pending().await,
        Err(error) => return Err(BackendError::io(path)(error)),
    };
    // the FIFO is open before the file is looked for, so that nothing is missed in between
    if let Some(address) = address(folder)? {
        return Ok(address);
    }
    signal.readable().await.map_err(BackendError::io(path))?;
    match address(folder)? {
        Some(address) => Ok(address),
        // its supervisor is gone
        None => std::future::pending().await,
    }
}

fn address(folder: &PodFolder) -> Result<Option<String>, BackendError> {
    match fs::read_to_string(folder.ready()) {
        Ok(address) => Ok(Some(address)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackendError::io(folder.ready())(error)),
    }
}
