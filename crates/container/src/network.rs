//! A network of an engine that the containers of one run share, as long as there is one of them.
//! Not here: who shares it (`backend`); a runtime, which has no networks of its own.
//! Invariant: a network is removed only when no container is in it, which the engine sees to.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bollard::{API_DEFAULT_VERSION, Docker, models::NetworkCreateRequest};
use serde::{Deserialize, Serialize};

use crate::{
    NETWORK_ARGUMENT,
    engine::{LABEL, said},
    limits::ENGINE_SECONDS,
};

/// A network of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The path of the engine's socket.
    pub engine: PathBuf,
    /// Its name.
    pub name: String,
}

impl Network {
    /// Removes it, if no container is in it, by executing `program`, which must call [`remove_network`] for
    /// [`NETWORK_ARGUMENT`].
    ///
    /// # Errors
    /// What the system said.
    pub fn remove(&self, program: &Path) -> io::Result<()> {
        let mut command = Command::new(program);
        command.arg(NETWORK_ARGUMENT).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let text = serde_json::to_vec(self)?;
        let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(&text));
        child.wait()?;
        written
    }
}

/// Removes the [`Network`] that standard input names; returns the process's exit code.
pub fn remove_network() -> i32 {
    let mut text = Vec::new();
    let read = io::stdin().take(REQUEST_BYTES).read_to_end(&mut text);
    let Some(network) = read.ok().and_then(|_| serde_json::from_slice::<Network>(&text).ok()) else {
        return 1;
    };
    let Ok(room) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return 1 };
    let address = network.engine.to_string_lossy();
    let Ok(docker) = Docker::connect_with_unix(&address, ENGINE_SECONDS, API_DEFAULT_VERSION) else {
        return 1;
    };
    i32::from(room.block_on(docker.remove_network(&network.name)).is_err())
}

/// Makes a network of this name if there is none; one that is `closed` leads nowhere but to its own containers.
pub(crate) async fn make(docker: &Docker, name: &str, closed: bool) -> Result<(), String> {
    let exists = async || docker.inspect_network(name, None).await.is_ok();
    if exists().await {
        return Ok(());
    }
    let request = NetworkCreateRequest {
        name: name.to_owned(),
        internal: Some(closed),
        labels: Some([(LABEL.to_owned(), name.to_owned())].into()),
        ..NetworkCreateRequest::default()
    };
    match docker.create_network(request).await {
        Ok(_) => Ok(()),
        // another pod of the run was faster
        Err(_) if exists().await => Ok(()),
        Err(error) => Err(format!("cannot make the network of the run: {}", said(&error))),
    }
}

/// The most bytes of what is asked.
const REQUEST_BYTES: u64 = 16 * 1024;
