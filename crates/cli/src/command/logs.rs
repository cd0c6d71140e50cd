//! `marque logs`: the log lines of a run, each with its step before it. Not here: masking (see `backend`).

use std::collections::BTreeMap;

use clap::Args;
use model::argo::{NodeType, Workflow, pod_name};

use super::{follow, session};
use crate::{
    args::Global, client::answer::LogEntry, error::CliError, exit::Exit, render::table::tame, shell::Shell,
};

/// Show the logs of a run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque logs payroll-export-x7k2p -n finance
  marque logs @latest upload -f")]
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
    let mut lines = client.logs(namespace, &name, pod.as_deref(), args.follow, args.tail).await?;
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
