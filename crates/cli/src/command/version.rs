//! `marque version`. Not here: Argo's version negotiation.

use clap::Args;
use serde_json::{Value, json};

use super::{answers, session};
use crate::{
    args::{Global, Output},
    error::CliError,
    exit::Exit,
    render::table::tame,
    shell::Shell,
};

/// Print the version of this program, and of the server if one is named.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque version
  marque version --server https://marque.example -o json")]
pub struct Version {
    /// Only the number
    #[arg(long)]
    pub short: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Prints versions.
///
/// # Errors
/// [`CliError`].
pub async fn version(args: &Version, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let own = env!("CARGO_PKG_VERSION");
    let served = match &global.server {
        Some(_) => Some(session::connect(global, shell)?.version().await?),
        None => None,
    };
    let served = served.as_ref().and_then(|answer| answer.get("version")).and_then(Value::as_str);
    if answers::spelled(args.output.format, &json!({"marque": own, "server": served}), shell.out)? {
        return Ok(Exit::OK);
    }
    if args.short {
        writeln!(shell.out, "marque: {own}")?;
    } else {
        writeln!(shell.out, "marque {own}")?;
    }
    if let Some(served) = served {
        writeln!(shell.out, "server {}", tame(served))?;
    }
    Ok(Exit::OK)
}
