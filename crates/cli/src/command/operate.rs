//! `marque stop|terminate|suspend|resume`: what can be done to runs under way. Not here: approving gates (see `answer`).

use clap::Args;

use super::session;
use crate::{args::Global, client::Asked, error::CliError, exit::Exit, render::table::tame, shell::Shell};

/// Stop runs; their exit handlers still run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque stop payroll-export-x7k2p -n finance --message 'wrong month'")]
pub struct Stop {
    /// The runs
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// What their status will say
    #[arg(long)]
    pub message: Option<String>,
}

/// Terminate runs at once; no exit handler runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque terminate payroll-export-x7k2p -n finance")]
pub struct Terminate {
    /// The runs
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
}

/// Let runs start no new node.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque suspend payroll-export-x7k2p -n finance")]
pub struct Suspend {
    /// The runs
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
}

/// Let suspended runs, and their suspend nodes without a gate, go on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque resume payroll-export-x7k2p -n finance
  marque resume payroll-export-x7k2p --node-field-selector displayName=wait

A node with a gate is opened by approval only: `marque approve`.")]
pub struct Resume {
    /// The runs
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// Which nodes, as Argo selects them
    #[arg(long, value_name = "SELECTOR")]
    pub node_field_selector: Option<String>,
}

/// Stops runs.
///
/// # Errors
/// [`CliError`].
pub async fn stop(args: &Stop, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let asked = Asked { message: args.message.clone(), selector: None };
    each("stop", "stopping", &args.names, &asked, global, shell).await
}

/// Terminates runs.
///
/// # Errors
/// [`CliError`].
pub async fn terminate(args: &Terminate, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    each("terminate", "terminating", &args.names, &Asked::default(), global, shell).await
}

/// Suspends runs.
///
/// # Errors
/// [`CliError`].
pub async fn suspend(args: &Suspend, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    each("suspend", "suspended", &args.names, &Asked::default(), global, shell).await
}

/// Resumes runs.
///
/// # Errors
/// [`CliError`].
pub async fn resume(args: &Resume, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let asked = Asked { selector: args.node_field_selector.clone(), message: None };
    each("resume", "resumed", &args.names, &asked, global, shell).await
}

async fn each(
    verb: &str,
    done: &str,
    names: &[String],
    asked: &Asked,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    for name in names {
        let run = client.operate(verb, &global.namespace, name, asked).await?;
        writeln!(shell.out, "{} {done}", tame(&run.metadata.name))?;
    }
    Ok(Exit::OK)
}
