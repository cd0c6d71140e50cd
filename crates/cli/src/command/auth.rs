//! `marque auth token`: the credentials of this session, for other clients of the server's APIs.
//! Source: Argo `cmd/argo/commands/auth/token.go`. Not here: getting some (`login`).

use clap::Subcommand;

use super::session;
use crate::{args::Global, error::CliError, exit::Exit, shell::Shell};

/// Work on the credentials of this session.
#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Print the value of the `Authorization` header; keep it to yourself
    #[command(after_help = "Examples:
  curl -H \"Authorization: $(marque auth token)\" \"$MARQUE_SERVER/api/v1/workflows/finance\"")]
    Token,
}

/// Does what is asked of credentials.
///
/// # Errors
/// [`CliError::NotLoggedIn`] if there are none; [`CliError`].
pub fn auth(args: &Auth, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let Auth::Token = args;
    let client = session::connect(global, shell)?;
    let header = client.authorization().ok_or_else(|| CliError::NotLoggedIn {
        server: client.server().to_owned(),
        reason: "there is no session".to_owned(),
    })?;
    writeln!(shell.out, "{header}")?;
    Ok(Exit::OK)
}
