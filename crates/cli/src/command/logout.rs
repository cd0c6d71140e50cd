//! `marque logout`: ends the session at the server and forgets the token. Not here: other sessions.

use clap::Args;

use super::session;
use crate::{
    args::Global,
    client::{Client, address_text},
    credentials,
    error::CliError,
    exit::Exit,
    shell::Shell,
};

/// End the session.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque logout
  marque logout --server https://marque.example")]
pub struct Logout {}

/// Ends the session. The token is forgotten even if the server can't be reached.
///
/// # Errors
/// [`CliError`].
pub async fn logout(_: &Logout, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let folder = &shell.around.config_folder;
    let mut known = credentials::load(folder)?;
    let server = session::server(global, &known)?;
    let Some(credential) = known.servers.remove(address_text(&server)) else {
        writeln!(shell.out, "not logged in to {}", address_text(&server))?;
        return Ok(Exit::OK);
    };
    if known.current.as_deref() == Some(address_text(&server)) {
        known.current = known.servers.keys().next().cloned();
    }
    credentials::save(folder, &known)?;
    let client = Client::new(server, Some(credential.token))?;
    match client.log_out().await {
        // a session that has ended already, or a token of a provider, which only the provider ends
        Ok(()) | Err(CliError::NotLoggedIn { .. } | CliError::NotFound(_) | CliError::BadRequest(_)) => {}
        Err(error) => {
            writeln!(
                shell.err,
                "note: the server was not told ({error}); the token here is gone all the same"
            )?;
        }
    }
    writeln!(shell.out, "logged out of {}", client.server())?;
    Ok(Exit::OK)
}
