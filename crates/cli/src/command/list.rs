//! `marque list`: the runs of a namespace that the caller may see. Not here: one run's nodes (see `get`).

use audit::Clock as _;
use clap::Args;
use jiff::Timestamp;
use model::argo::Workflow;
use runner::clock::SystemClock;

use super::{answers, session};
use crate::{
    args::{Format, Global, Output},
    error::CliError,
    exit::Exit,
    render::{
        span,
        table::{cut, table, tame},
        tree,
    },
    shell::{Look, Shell},
};

/// List runs.
#[derive(Debug, Args)]
#[command(
    visible_alias = "ls",
    after_help = "Examples:
  marque list -n finance
  marque list -o name | xargs -n1 marque get"
)]
pub struct List {
    /// Only runs that have not ended
    #[arg(long)]
    pub running: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Lists runs.
///
/// # Errors
/// [`CliError`].
pub async fn list(args: &List, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let mut workflows = session::connect(global, shell)?.list(&global.namespace).await?;
    if args.running {
        workflows
            .retain(|workflow| workflow.status.as_ref().is_none_or(|status| !status.phase.is_completed()));
    }
    if answers::spelled(args.output.format, &workflows, shell.out)? {
        return Ok(Exit::OK);
    }
    if args.output.format == Format::Name {
        for workflow in &workflows {
            writeln!(shell.out, "{}", workflow.metadata.name)?;
        }
        return Ok(Exit::OK);
    }
    if workflows.is_empty() {
        writeln!(shell.err, "no runs in namespace `{}` that you may see", tame(&global.namespace))?;
        return Ok(Exit::OK);
    }
    shell.out.write_all(runs(&workflows, SystemClock.now(), shell.look).as_bytes())?;
    Ok(Exit::OK)
}

/// Returns the table of runs.
pub(crate) fn runs(workflows: &[Workflow], now: Timestamp, look: Look) -> String {
    let rows: Vec<[String; 5]> = workflows.iter().map(|workflow| row(workflow, now, look)).collect();
    table(["NAME", "STATUS", "AGE", "DURATION", "MESSAGE"], &rows)
}

fn row(workflow: &Workflow, now: Timestamp, look: Look) -> [String; 5] {
    let status = workflow.status.clone().unwrap_or_default();
    let created = workflow.metadata.creation_timestamp.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
    [
        tame(&workflow.metadata.name),
        look.paint(tree::paint(status.phase), tree::phase_name(status.phase)),
        span::between(created, Some(now)),
        span::between(status.started_at, status.finished_at.or(Some(now))),
        cut(&tame(&status.message), 60),
    ]
}
