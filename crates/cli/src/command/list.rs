//! `marque list`: the runs of a namespace that the caller may see. Not here: one run's nodes (see `get`).

use audit::Clock as _;
use clap::Args;
use jiff::Timestamp;
use model::argo::{NodePhase, NodeType, Parameter, Workflow};
use runner::clock::SystemClock;

use super::{
    answers,
    runs::{Filter, Span},
    session,
};
use crate::{
    args::{Format, Global, Output},
    error::CliError,
    exit::Exit,
    render::{
        span,
        table::{aligned, cut, tame},
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
  marque list -A --running -o wide
  marque list -l team=data --status Failed --since 24h
  marque list -o name | xargs -n1 marque get"
)]
pub struct List {
    /// Which runs
    #[command(flatten)]
    pub filter: Filter,
    /// Only runs that were made not longer ago: 90s, 10m, 3h, 7d
    #[arg(long, value_name = "SPAN")]
    pub since: Option<Span>,
    /// Not more than these, the newest
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<usize>,
    /// Without the headings
    #[arg(long)]
    pub no_headers: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Lists runs.
///
/// # Errors
/// [`CliError`].
pub async fn list(args: &List, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let now = SystemClock.now();
    let mut workflows = args.filter.runs(&session::connect(global, shell)?, global, now).await?;
    if let Some(Span(since)) = args.since {
        workflows.retain(|run| {
            tree::created(run).is_some_and(|at| now.duration_since(at).unsigned_abs() <= since)
        });
    }
    workflows.truncate(args.limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX));
    let names = workflows.iter().map(|workflow| workflow.metadata.name.as_str());
    if answers::spelled_or_named(args.output.format, &workflows, names, shell.out)? {
        return Ok(Exit::OK);
    }
    let wide = args.output.format == Format::Wide;
    let columns = Columns { namespace: args.filter.all_namespaces, wide, ..Columns::default() };
    let table = runs(&workflows, columns, now, shell.look);
    let table = if args.no_headers { table.split_once('\n').map_or("", |(_, rows)| rows) } else { &table };
    shell.out.write_all(table.as_bytes())?;
    if workflows.is_empty() && shell.look.interactive {
        writeln!(shell.err, "no such runs in namespace `{}` that you may see", tame(&global.namespace))?;
    }
    Ok(Exit::OK)
}

/// Which columns are shown besides the usual ones.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Columns {
    /// The namespace.
    pub(crate) namespace: bool,
    /// The uid.
    pub(crate) uid: bool,
    /// Pods under way and ended, and the parameters.
    pub(crate) wide: bool,
}

/// Returns the table of runs.
pub(crate) fn runs(workflows: &[Workflow], columns: Columns, now: Timestamp, look: Look) -> String {
    let mut rows = vec![heads(columns)];
    rows.extend(workflows.iter().map(|workflow| row(workflow, columns, now, look)));
    aligned(&rows)
}

fn heads(columns: Columns) -> Vec<String> {
    let mut heads = Vec::new();
    if columns.namespace {
        heads.push("NAMESPACE");
    }
    heads.extend(["NAME", "STATUS", "AGE", "DURATION", "PRIORITY"]);
    if columns.wide {
        heads.extend(["P/R/C", "PARAMETERS"]);
    }
    if columns.uid {
        heads.push("UID");
    }
    heads.push("MESSAGE");
    heads.into_iter().map(str::to_owned).collect()
}

fn row(workflow: &Workflow, columns: Columns, now: Timestamp, look: Look) -> Vec<String> {
    let status = workflow.status.clone().unwrap_or_default();
    let mut cells = Vec::new();
    if columns.namespace {
        cells.push(tame(&workflow.metadata.namespace));
    }
    cells.extend([
        tame(&workflow.metadata.name),
        look.paint(tree::paint(status.phase), tree::phase_name(status.phase)),
        span::between(tree::created(workflow), Some(now)),
        span::between(status.started_at, status.finished_at.or(Some(now))),
        workflow.spec.priority.unwrap_or_default().to_string(),
    ]);
    if columns.wide {
        let pods = status.nodes.values().filter(|node| node.node_type == NodeType::Pod);
        let (mut pending, mut running, mut completed) = (0_usize, 0_usize, 0_usize);
        for node in pods {
            match node.phase {
                NodePhase::Pending => pending += 1,
                NodePhase::Running => running += 1,
                _ => completed += 1,
            }
        }
        cells.push(format!("{pending}/{running}/{completed}"));
        let value = |parameter: &Parameter| {
            let value = parameter.value.as_ref().map(|value| value.as_str()).unwrap_or_default();
            format!("{}={value}", parameter.name)
        };
        let parameters: Vec<String> = workflow.spec.arguments.parameters.iter().map(value).collect();
        cells.push(cut(&tame(&parameters.join(",")), 60));
    }
    if columns.uid {
        cells.push(tame(&workflow.metadata.uid));
    }
    cells.push(cut(&tame(&status.message), 60));
    cells
}
