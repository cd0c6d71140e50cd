//! `marque wait`: until runs have ended, without drawing them. Not here: drawing (see `watch`).

use clap::Args;

use super::{follow, session, watch};
use crate::{
    args::Global,
    error::CliError,
    exit::Exit,
    render::{table::tame, tree},
    shell::Shell,
};

/// Wait until runs have ended.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque wait payroll-export-x7k2p -n finance && echo paid

The exit code is 0 only if all of them succeeded.")]
pub struct Wait {
    /// The runs
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
}

/// Waits for runs.
///
/// # Errors
/// [`CliError`].
pub async fn wait(args: &Wait, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let mut exit = Exit::OK;
    for name in &args.names {
        let run = client.get(&global.namespace, name).await?;
        if shell.look.interactive && !watch::phase(&run).is_completed() {
            writeln!(shell.err, "waiting for {}…", tame(&run.metadata.name))?;
        }
        let ended = watch::ended(&client, run).await?;
        let phase = watch::phase(&ended);
        writeln!(shell.out, "{} {}", tame(&ended.metadata.name), tree::phase_name(phase))?;
        if follow::exit(phase) != Exit::OK {
            exit = Exit::FAILED;
        }
    }
    Ok(exit)
}
