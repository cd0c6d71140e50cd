//! `marque delete`: takes runs out of sight; the record keeps them. Not here: stopping them (see `operate`).

use clap::Args;

use super::session;
use crate::{args::Global, error::CliError, exit::Exit, render::table::tame, shell::Shell};

/// Delete runs; one that has not ended is terminated first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque delete payroll-export-x7k2p -n finance")]
pub struct Delete {
    /// The runs
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
}

/// Deletes runs.
///
/// # Errors
/// [`CliError`].
pub async fn delete(args: &Delete, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    for name in &args.names {
        client.delete(&global.namespace, name).await?;
        writeln!(shell.out, "{} deleted", tame(name))?;
    }
    Ok(Exit::OK)
}
