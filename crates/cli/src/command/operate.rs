//! `marque stop|terminate|suspend|resume|retry|resubmit|node set`: what can be done to runs. Not here: approving gates
//! (see `answer`).

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::{parameters, runs::Selected, session, submit::Then};
use crate::{
    args::{Global, Output, Parameter},
    client::Asked,
    error::CliError,
    exit::Exit,
    render::table::tame,
    shell::Shell,
};

/// Stop runs; their exit handlers still run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque stop payroll-export-x7k2p -n finance --message 'wrong month'
  marque stop payroll-export-x7k2p --node-field-selector displayName=wait

With a selector only the suspend nodes that it means are failed.")]
pub struct Stop {
    /// The runs
    #[command(flatten)]
    pub runs: Selected,
    /// What their status will say
    #[arg(long)]
    pub message: Option<String>,
    /// Only these suspend nodes, as Argo selects them
    #[arg(long, value_name = "SELECTOR")]
    pub node_field_selector: Option<String>,
    /// Only say what would be stopped
    #[arg(long)]
    pub dry_run: bool,
}

/// What is said of runs that are made to run again.
#[derive(Debug, Args)]
pub struct Again {
    /// A file of parameters, in YAML or JSON
    #[arg(short = 'f', long, value_name = "FILE")]
    pub parameter_file: Option<PathBuf>,
    /// Follow the run until it ends
    #[arg(short, long, conflicts_with = "wait")]
    pub watch: bool,
    /// Wait until the runs have ended
    #[arg(long)]
    pub wait: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

impl Again {
    const fn then(&self) -> Then {
        Then { watch: self.watch, wait: self.wait, format: self.output.format }
    }
}

/// Run again what failed of ended runs; what went well stays.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque retry payroll-export-x7k2p -n finance
  marque retry build-x7k2p --restart-successful --node-field-selector templateName=compile
  marque retry build-x7k2p -p version=2

The run goes on in the name of whoever submitted it. A run with gates that were decided is resubmitted instead.")]
pub struct Retry {
    /// The runs
    #[command(flatten)]
    pub runs: Selected,
    /// Run nodes that went well again, too, if the selector means them
    #[arg(long, requires = "node_field_selector")]
    pub restart_successful: bool,
    /// Which nodes, as Argo selects them
    #[arg(long, value_name = "SELECTOR")]
    pub node_field_selector: Option<String>,
    /// A parameter in the place of the run's own
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<Parameter>,
    /// What retry and resubmit have in common
    #[command(flatten)]
    pub again: Again,
}

/// Submit runs once more: new runs, in your own name.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque resubmit build-x7k2p
  marque resubmit build-x7k2p --memoized
  marque resubmit payroll-export-x7k2p -n finance -p month=2026-10 --reason 'wrong month'

With --memoized what went well is taken over and not run again. Gates are asked anew.")]
pub struct Resubmit {
    /// The runs
    #[command(flatten)]
    pub runs: Selected,
    /// Take over what went well
    #[arg(long)]
    pub memoized: bool,
    /// A parameter in the place of the earlier run's
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<Parameter>,
    /// Why; the record keeps it
    #[arg(long)]
    pub reason: Option<String>,
    /// The ticket that asks for it
    #[arg(long)]
    pub ticket: Option<String>,
    /// What retry and resubmit have in common
    #[command(flatten)]
    pub again: Again,
}

/// Change nodes of a run.
#[derive(Debug, Subcommand)]
pub enum Node {
    /// Set the phase, the message or the outputs of suspend nodes that wait
    Set(NodeSet),
}

/// Sets suspend nodes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque node set build-x7k2p --node-field-selector displayName=ask -p answer=yes
  marque node set build-x7k2p --node-field-selector displayName=ask --phase Succeeded

A node with a gate is opened by approval only: `marque approve`.")]
pub struct NodeSet {
    /// The run
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Which nodes, as Argo selects them
    #[arg(long, value_name = "SELECTOR")]
    pub node_field_selector: Option<String>,
    /// An output parameter
    #[arg(short = 'p', long = "output-parameter", value_name = "NAME=VALUE")]
    pub output_parameters: Vec<Parameter>,
    /// The phase: Succeeded, Failed, Error or Skipped
    #[arg(long)]
    pub phase: Option<String>,
    /// What their status will say
    #[arg(long)]
    pub message: Option<String>,
}

/// Terminate runs at once; no exit handler runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque terminate payroll-export-x7k2p -n finance
  marque terminate -l team=data --dry-run")]
pub struct Terminate {
    /// The runs
    #[command(flatten)]
    pub runs: Selected,
    /// Only say what would be terminated
    #[arg(long)]
    pub dry_run: bool,
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
    let asked = Asked {
        message: args.message.clone(),
        selector: args.node_field_selector.clone(),
        ..Asked::default()
    };
    ended(("stop", "stopped"), (&args.runs, args.dry_run), &asked, global, shell).await
}

/// Terminates runs.
///
/// # Errors
/// [`CliError`].
pub async fn terminate(args: &Terminate, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let runs = (&args.runs, args.dry_run);
    ended(("terminate", "terminated"), runs, &Asked::default(), global, shell).await
}

async fn ended(
    (verb, done): (&str, &str),
    (runs, dry_run): (&Selected, bool),
    asked: &Asked,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    for name in runs.names(&client, global).await? {
        if dry_run {
            writeln!(shell.out, "workflow {} {done} (dry-run)", tame(&name))?;
            continue;
        }
        let run = client.operate(verb, &global.namespace, &name, asked).await?;
        writeln!(shell.out, "workflow {} {done}", tame(&run.metadata.name))?;
    }
    Ok(Exit::OK)
}

/// Suspends runs.
///
/// # Errors
/// [`CliError`].
pub async fn suspend(args: &Suspend, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    each(("suspend", "suspended"), &args.names, &Asked::default(), global, shell).await
}

/// Resumes runs.
///
/// # Errors
/// [`CliError`].
pub async fn resume(args: &Resume, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let asked = Asked { selector: args.node_field_selector.clone(), ..Asked::default() };
    each(("resume", "resumed"), &args.names, &asked, global, shell).await
}

/// Retries runs.
///
/// # Errors
/// [`CliError`].
pub async fn retry(args: &Retry, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let given = parameters::all(&args.parameters, args.again.parameter_file.as_deref())?;
    let more = [
        ("restartSuccessful", Value::from(args.restart_successful)),
        ("parameters", parameters::pairs(&given)),
    ];
    let selector = args.node_field_selector.clone();
    let asked = Asked { selector, message: None, more: fields(more) };
    again("retry", &args.runs, &asked, args.again.then(), global, shell).await
}

/// Resubmits runs.
///
/// # Errors
/// [`CliError`].
pub async fn resubmit(args: &Resubmit, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let given = parameters::all(&args.parameters, args.again.parameter_file.as_deref())?;
    let mut more =
        fields([("memoized", Value::from(args.memoized)), ("parameters", parameters::pairs(&given))]);
    for (name, said) in [("reason", &args.reason), ("ticket", &args.ticket)] {
        more.extend(said.as_ref().map(|said| (name.to_owned(), Value::from(said.as_str()))));
    }
    let asked = Asked { more, ..Asked::default() };
    again("resubmit", &args.runs, &asked, args.again.then(), global, shell).await
}

async fn again(
    verb: &str,
    runs: &Selected,
    asked: &Asked,
    then: Then,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let mut exit = Exit::OK;
    for name in runs.names(&client, global).await? {
        let run = client.operate(verb, &global.namespace, &name, asked).await?;
        let ended = then.show(&client, run, shell).await?;
        if ended != Exit::OK {
            exit = ended;
        }
    }
    Ok(exit)
}

/// Changes nodes.
///
/// # Errors
/// [`CliError`].
pub async fn node(args: &Node, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let Node::Set(args) = args;
    let outputs: Map<String, Value> =
        args.output_parameters.iter().map(|given| (given.name.clone(), given.value.clone().into())).collect();
    let mut more = fields([("phase", Value::from(args.phase.clone().unwrap_or_default()))]);
    if !outputs.is_empty() {
        more.insert("outputParameters".to_owned(), Value::from(Value::Object(outputs).to_string()));
    }
    let (selector, message) = (args.node_field_selector.clone(), args.message.clone());
    let asked = Asked { selector, message, more };
    each(("set", "values set"), std::slice::from_ref(&args.name), &asked, global, shell).await
}

/// Returns the fields of a request.
pub(super) fn fields<const N: usize>(given: [(&str, Value); N]) -> Map<String, Value> {
    given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Does `verb` to runs, and tells it by the names that were given, as `argo` does.
async fn each(
    (verb, done): (&str, &str),
    names: &[String],
    asked: &Asked,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    for name in names {
        client.operate(verb, &global.namespace, name, asked).await?;
        writeln!(shell.out, "workflow {} {done}", tame(name))?;
    }
    Ok(Exit::OK)
}
