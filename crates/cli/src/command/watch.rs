//! `marque watch`: a run of the server, followed to its end. Not here: runs of this machine (see `run`).

use audit::Clock as _;
use clap::Args;
use model::argo::{Workflow, WorkflowPhase};
use runner::clock::SystemClock;

use super::{follow, follow::Screen, session};
use crate::{
    args::Global,
    client::{Client, answer::WatchEvent},
    error::CliError,
    exit::Exit,
    shell::Shell,
};

/// Follow a run until it ends.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque watch payroll-export-x7k2p -n finance

The exit code is 0 only if the run succeeded.")]
pub struct Watch {
    /// The run; `@latest` is the newest
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// Follows a run.
///
/// # Errors
/// [`CliError`].
pub async fn watch(args: &Watch, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let run = client.get(&global.namespace, &args.name).await?;
    to_the_end(&client, run, shell).await
}

/// Follows a run, drawing it, until it has ended or is deleted.
pub(super) async fn to_the_end(
    client: &Client,
    run: Workflow,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let mut screen = Screen::new(shell.look);
    let last =
        each_change(client, run, &mut |workflow| screen.show(workflow, SystemClock.now(), shell.out)).await?;
    screen.finish(&last, SystemClock.now(), shell.out)?;
    Ok(follow::exit(phase(&last)))
}

/// Tells `changed` of each change of a run until it has ended, and returns its last state.
///
/// # Errors
/// [`CliError`], among them [`CliError::NotFound`] if it is deleted before it has ended.
pub(super) async fn each_change(
    client: &Client,
    run: Workflow,
    changed: &mut dyn FnMut(&Workflow) -> std::io::Result<()>,
) -> Result<Workflow, CliError> {
    let (namespace, name) = (run.metadata.namespace.clone(), run.metadata.name.clone());
    loop {
        let mut events = client.watch(&namespace, Some(&name)).await?;
        // asked after the stream was opened, so that nothing falls between
        let now = client.get(&namespace, &name).await?;
        changed(&now)?;
        if phase(&now).is_completed() {
            return Ok(now);
        }
        while let Some(event) = events.next::<WatchEvent>().await? {
            if event.object.metadata.name != name {
                continue;
            }
            if event.kind == "DELETED" {
                return Err(CliError::NotFound(format!("run `{name}` was deleted")));
            }
            changed(&event.object)?;
            if phase(&event.object).is_completed() {
                return Ok(event.object);
            }
        }
        // a stream may be closed by whatever stands between; it is opened again
    }
}

/// Returns the phase of a run.
pub(super) fn phase(run: &Workflow) -> WorkflowPhase {
    run.status.as_ref().map_or(WorkflowPhase::Unknown, |status| status.phase)
}
