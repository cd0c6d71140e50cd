//! SSH: this machine's `ssh` with nothing of its user's configuration, to an address that was looked at.

use std::{
    ffi::OsString,
    fs,
    net::ToSocketAddrs as _,
    os::unix::{
        ffi::OsStringExt as _,
        fs::{DirBuilderExt as _, OpenOptionsExt as _},
    },
    path::PathBuf,
    sync::Arc,
};

use gix::protocol::transport::client::blocking_io::ssh::{ProgramKind, connect};

use super::Login;
use crate::{DriverError, Reach, limits::CONNECT_TIME};

/// A program that speaks SSH with one key to one address; what it needs is in a folder that goes with it.
pub(super) struct Program {
    folder: PathBuf,
}

impl Program {
    /// Returns the program for a repository's server.
    pub(super) fn of(
        reach: &Arc<Reach>,
        login: &Login,
        url: &gix::Url,
        folder: PathBuf,
    ) -> Result<Self, DriverError> {
        let Some(key) = &login.ssh_key else {
            return Err(DriverError::BadArtifact(
                "a repository over SSH needs `sshPrivateKeySecret`".to_owned(),
            ));
        };
        let host = url.host().unwrap_or_default().to_owned();
        let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'));
        if !plain || host.starts_with('-') {
            return Err(DriverError::BadArtifact("the host of the repository makes no sense".to_owned()));
        }
        let port = url.port.unwrap_or(22);
        let found = (host.as_str(), port).to_socket_addrs();
        let found =
            found.map_err(|error| DriverError::failed(format!("looking up `{host}`"), error.to_string()))?;
        let address = found.map(|found| found.ip()).find(|address| reach.allows(*address));
        let address = address.ok_or(DriverError::Unreachable { host: host.clone() })?;
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(DriverError::io(&folder))?;
        let program = Self { folder };
        let known_as = if port == 22 { host } else { format!("[{host}]:{port}") };
        let trust = if login.trusts_any_host {
            "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null"
        } else {
            "-o StrictHostKeyChecking=yes"
        };
        let seconds = CONNECT_TIME.as_secs();
        let script = format!(
            "exec ssh -F /dev/null -i \"${{0%/*}}/key\" -o IdentitiesOnly=yes -o IdentityAgent=none \
             -o BatchMode=yes -o LogLevel=ERROR -o ConnectTimeout={seconds} -o HostName={address} \
             -o 'HostKeyAlias={known_as}' {trust} \"$@\"\n"
        );
        program.write("key", &[key.as_slice(), b"\n"].concat())?;
        program.write("ssh", script.as_bytes())?;
        Ok(program)
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), DriverError> {
        let path = self.folder.join(name);
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, content))
            .map_err(DriverError::io(&path))
    }

    /// Returns how it is called: a shell reads it. As a program of its own it could be refused as busy, since a process that
    /// another thread starts meanwhile holds the file open for writing until it is another program.
    pub(super) fn options(&self) -> connect::Options {
        let script = self.folder.join("ssh").into_os_string().into_encoded_bytes();
        let mut command = b"sh '".to_vec();
        for byte in script {
            match byte {
                b'\'' => command.extend_from_slice(br"'\''"),
                other => command.push(other),
            }
        }
        command.push(b'\'');
        let command = OsString::from_vec(command);
        connect::Options { command: Some(command), disallow_shell: false, kind: Some(ProgramKind::Ssh) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // nobody is left to tell; the folder is this user's alone
        let _ = fs::remove_dir_all(&self.folder);
    }
}
