//! `marque logs`: the log lines of a run, each with its step before it. Not here: masking (see `backend`).

use std::collections::BTreeMap;

use audit::Clock as _;
use clap::Args;
use jiff::Timestamp;
use model::argo::{NodeType, Workflow, pod_name};
use runner::clock::SystemClock;

use super::{follow, runs::Span, session};
use crate::{
    args::Global, client::answer::LogEntry, error::CliError, exit::Exit, render::table::tame, shell::Shell,
};

/// Show the logs of a run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque logs payroll-export-x7k2p -n finance
  marque logs @latest upload -f
  marque logs @latest --grep ERROR --since 10m")]
pub struct Logs {
    /// The run; `@latest` is the newest
    #[arg(value_name = "NAME")]
    pub name: String,
    /// One step: its name, its node's id or its pod's name
    #[arg(value_name = "NODE")]
    pub node: Option<String>,
    /// Go on until the steps have ended
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines of each step
    #[arg(long, value_name = "LINES")]
    pub tail: Option<u32>,
    /// Only lines that hold this text
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// Only lines that are not older: 90s, 10m, 3h, 7d
    #[arg(long, value_name = "SPAN", conflicts_with = "since_time")]
    pub since: Option<Span>,
    /// Only lines that are not from before a time: RFC 3339
    #[arg(long, value_name = "TIME")]
    pub since_time: Option<Timestamp>,
    /// Of this container of each pod
    #[arg(short, long, value_name = "NAME", default_value = "main")]
    pub container: String,
    /// Lines with the time they were written at
    #[arg(long)]
    pub timestamps: bool,
    /// Lines as they are, without the step before them
    #[arg(long)]
    pub no_prefix: bool,
}

/// Shows logs.
///
/// # Errors
/// [`CliError`].
pub async fn logs(args: &Logs, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let namespace = &global.namespace;
    let run = client.get(namespace, &args.name).await?;
    let name = run.metadata.name.clone();
    let mut steps = steps(&run);
    let pod = args.node.as_deref().map(|node| pod_of(&run, node)).transpose()?;
    let query = query(args, pod.as_deref(), SystemClock.now());
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut lines = client.logs(namespace, &name, &query).await?;
    while let Some(entry) = lines.next::<LogEntry>().await? {
        if args.no_prefix {
            writeln!(shell.out, "{}", tame(&entry.content))?;
            continue;
        }
        if !steps.contains_key(&entry.pod_name) {
            // a step that began after the run was looked at
            steps = self::steps(&client.get(namespace, &name).await?);
        }
        let step = steps.entry(entry.pod_name.clone()).or_insert(entry.pod_name);
        writeln!(shell.out, "{}", follow::log_line(step, &entry.content, shell.look))?;
        shell.out.flush()?;
    }
    Ok(Exit::OK)
}

/// Returns what is asked of the server.
fn query(args: &Logs, pod: Option<&str>, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("logOptions.container", args.container.clone()),
        ("logOptions.follow", args.follow.to_string()),
        ("logOptions.timestamps", args.timestamps.to_string()),
    ];
    let since_time = args.since_time.map(|at| now.duration_since(at).as_secs().max(0).to_string());
    let since = args.since.map(|Span(since)| since.as_secs().to_string()).or(since_time);
    query.extend(pod.map(|pod| ("podName", pod.to_owned())));
    query.extend(args.tail.map(|lines| ("logOptions.tailLines", lines.to_string())));
    query.extend(since.map(|seconds| ("logOptions.sinceSeconds", seconds)));
    query.extend(args.grep.clone().map(|text| ("grep", text)));
    query
}

/// Returns the display names of a run's steps by their pods' names.
fn steps(run: &Workflow) -> BTreeMap<String, String> {
    let Some(status) = &run.status else { return BTreeMap::new() };
    let pods = status.nodes.values().filter(|node| node.node_type == NodeType::Pod);
    pods.map(|node| {
        (pod_name(&run.metadata.name, &node.name, &node.template_name), node.display_name.clone())
    })
    .collect()
}

/// Returns the name of the pod of the step that is meant.
fn pod_of(run: &Workflow, wanted: &str) -> Result<String, CliError> {
    let nodes = run.status.iter().flat_map(|status| status.nodes.values());
    let pods: Vec<(String, String, String)> = nodes
        .filter(|node| node.node_type == NodeType::Pod)
        .map(|node| {
            let pod = pod_name(&run.metadata.name, &node.name, &node.template_name);
            (pod, node.id.to_string(), node.display_name.clone())
        })
        .collect();
    let found =
        pods.iter().find(|(pod, id, display)| [pod, id, display].into_iter().any(|name| name == wanted));
    found.map(|(pod, ..)| pod.clone()).ok_or_else(|| {
        let known: Vec<&str> = pods.iter().map(|(_, _, display)| display.as_str()).collect();
        CliError::NotFound(format!(
            "step `{wanted}` of `{}` not found among: {}",
            run.metadata.name,
            known.join(", ")
        ))
    })
}
