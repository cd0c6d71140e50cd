//! `marque delete`: takes runs out of sight; the record keeps them. Not here: stopping them (see `operate`).

use audit::Clock as _;
use clap::Args;
use runner::clock::SystemClock;

use super::{runs::Filter, session};
use crate::{args::Global, error::CliError, exit::Exit, render::table::tame, shell::Shell};

/// Delete runs; one that has not ended is terminated first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque delete payroll-export-x7k2p -n finance
  marque delete --completed --older 7d -n ci --dry-run
  marque delete -l team=data --status Failed,Error

Without names it says which by at least one choice, or --all. The record keeps what was deleted.")]
pub struct Delete {
    /// The runs; `@latest` is the newest
    #[arg(value_name = "NAME", required_unless_present_any = [
        "all", "selector", "field_selector", "prefix", "older", "completed", "running", "status", "resubmitted",
    ])]
    pub names: Vec<String>,
    /// All runs that may be seen and that the other choices leave
    #[arg(long)]
    pub all: bool,
    /// Which runs
    #[command(flatten)]
    pub filter: Filter,
    /// Only say what would be deleted
    #[arg(long)]
    pub dry_run: bool,
}

/// Deletes runs.
///
/// # Errors
/// [`CliError`] of the first that is not deleted; those before it are. A name that there is no run of is said.
pub async fn delete(args: &Delete, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let named = args.names.iter().map(|name| (global.namespace.clone(), name.clone()));
    let mut meant: Vec<(String, String)> = named.collect();
    if args.all || !args.filter.is_empty() {
        let runs = args.filter.runs(&client, global, SystemClock.now()).await?;
        meant.extend(runs.into_iter().map(|run| (run.metadata.namespace, run.metadata.name)));
    }
    for (namespace, name) in meant {
        if args.dry_run {
            writeln!(shell.out, "Workflow '{}' deleted (dry-run)", tame(&name))?;
            continue;
        }
        match client.delete(&namespace, &name).await {
            Ok(()) => writeln!(shell.out, "Workflow '{}' deleted", tame(&name))?,
            Err(CliError::NotFound(_)) => writeln!(shell.err, "Workflow '{}' not found", tame(&name))?,
            Err(error) => return Err(error),
        }
    }
    Ok(Exit::OK)
}
