//! `marque get`: one run with its nodes. Not here: how it is followed (see `watch`).

use audit::Clock as _;
use clap::Args;
use runner::clock::SystemClock;

use super::{answers, session, watch};
use crate::{
    args::{Global, Output},
    error::CliError,
    exit::Exit,
    render::tree,
    shell::Shell,
};

/// Show a run with its nodes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque get payroll-export-x7k2p -n finance
  marque get @latest -o yaml
  marque get @latest --watch")]
pub struct Get {
    /// The run; `@latest` is the newest
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Follow the run until it ends, as `marque watch` does
    #[arg(short, long, conflicts_with = "format")]
    pub watch: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Shows a run.
///
/// # Errors
/// [`CliError`].
pub async fn get(args: &Get, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let workflow = client.get(&global.namespace, &args.name).await?;
    if args.watch {
        return watch::to_the_end(&client, workflow, shell).await;
    }
    let name = workflow.metadata.name.as_str();
    if answers::spelled_or_named(args.output.format, &workflow, [name], shell.out)? {
        return Ok(Exit::OK);
    }
    let now = SystemClock.now();
    shell.out.write_all(tree::heading(&workflow, now, shell.look).as_bytes())?;
    if let Some(status) = &workflow.status {
        shell.out.write_all(tree::outputs(status).as_bytes())?;
        writeln!(shell.out)?;
        shell.out.write_all(tree::tree(name, status, now, shell.look).as_bytes())?;
    }
    Ok(Exit::OK)
}
