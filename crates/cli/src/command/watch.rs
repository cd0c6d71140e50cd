//! `marque watch`: a run of the server, followed to its end. Not here: runs of this machine (see `run`).

use audit::Clock as _;
use clap::Args;
use model::argo::{Workflow, WorkflowPhase};
use runner::clock::SystemClock;

use super::{
    follow,
    follow::{Screen, Ticks},
    session,
};
use crate::{
    args::Global,
    client::{Client, Lines, answer::WatchEvent},
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
    let mut ticks = Ticks::new(shell.look);
    let mut changes = Changes::of(client, run);
    loop {
        if changes.open().await? {
            screen.show(&changes.run, SystemClock.now(), shell.out)?;
        }
        if phase(&changes.run).is_completed() {
            break;
        }
        tokio::select! {
            changed = changes.next() => if changed? {
                screen.show(&changes.run, SystemClock.now(), shell.out)?;
            },
            tick = ticks.next() => screen.tick(tick, &changes.run, SystemClock.now(), shell.out)?,
        }
    }
    let now = SystemClock.now();
    screen.head(&changes.run, now, shell.out)?;
    screen.finish(&changes.run, now, shell.out)?;
    Ok(follow::exit(phase(&changes.run)))
}

/// Waits until a run has ended, and returns its last state.
///
/// # Errors
/// [`CliError`], among them [`CliError::NotFound`] if it is deleted before it has ended.
pub(super) async fn ended(client: &Client, run: Workflow) -> Result<Workflow, CliError> {
    let mut changes = Changes::of(client, run);
    loop {
        changes.open().await?;
        if phase(&changes.run).is_completed() {
            return Ok(changes.run);
        }
        changes.next().await?;
    }
}

/// The changes of a run, as the server tells them.
struct Changes<'a> {
    client: &'a Client,
    /// The run as it was told last.
    run: Workflow,
    events: Option<Lines>,
}

impl<'a> Changes<'a> {
    const fn of(client: &'a Client, run: Workflow) -> Self {
        Self { client, run, events: None }
    }

    /// Begins to listen, if it does not already, and asks how the run is; returns whether it did.
    async fn open(&mut self) -> Result<bool, CliError> {
        if self.events.is_some() {
            return Ok(false);
        }
        let metadata = &self.run.metadata;
        let (namespace, name) = (metadata.namespace.as_str(), metadata.name.as_str());
        let events = self.client.watch(namespace, Some(name)).await?;
        // asked after the stream was opened, so that nothing falls between
        let run = self.client.get(namespace, name).await?;
        (self.run, self.events) = (run, Some(events));
        Ok(true)
    }

    /// Waits for the next message and returns whether it told of the run; may be given up at any time.
    async fn next(&mut self) -> Result<bool, CliError> {
        let Some(events) = &mut self.events else { return Ok(false) };
        let name = &self.run.metadata.name;
        match events.next::<WatchEvent>().await? {
            Some(event) if event.object.metadata.name != *name => Ok(false),
            Some(event) if event.kind == "DELETED" => {
                Err(CliError::NotFound(format!("run `{name}` was deleted")))
            }
            Some(event) => {
                self.run = event.object;
                Ok(true)
            }
            // a stream may be closed by whatever stands between; it is opened again
            None => {
                self.events = None;
                Ok(false)
            }
        }
    }
}

/// Returns the phase of a run.
pub(super) fn phase(run: &Workflow) -> WorkflowPhase {
    run.status.as_ref().map_or(WorkflowPhase::Unknown, |status| status.phase)
}
