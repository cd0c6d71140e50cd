//! Who asks whom: the server and the token of this invocation.
//! Not here: getting a token (see `login`).

use url::Url;

use crate::{
    args::Global,
    client::{Client, address, address_text},
    credentials::{self, Credentials},
    error::CliError,
    shell::Shell,
};

/// Returns the address of the server that is meant: named, or logged in to last.
///
/// # Errors
/// [`CliError::NoServer`], [`CliError::Usage`].
pub(crate) fn server(global: &Global, known: &Credentials) -> Result<Url, CliError> {
    let text = global.server.as_ref().or(known.current.as_ref()).ok_or(CliError::NoServer)?;
    address(text)
}

/// Returns a client of the server that is meant, with `MARQUE_TOKEN` or the token that logging in gave.
///
/// # Errors
/// [`CliError`].
pub(crate) fn connect(global: &Global, shell: &Shell<'_>) -> Result<Client, CliError> {
    let known = credentials::load(&shell.around.config_folder)?;
    let server = server(global, &known)?;
    let kept = known.servers.get(address_text(&server)).map(|credential| credential.token.clone());
    Client::new(server, shell.around.token.clone().or(kept))
}
