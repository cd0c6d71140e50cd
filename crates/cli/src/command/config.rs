//! `marque config check`: what is wrong with a configuration, and what is allowed but worth a word.
//! Not here: reading it (see `server::config`).

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::serve;
use crate::{
    error::CliError,
    exit::Exit,
    shell::{Paint, Shell},
};

/// Check a configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check a configuration: also for controls that could never fire
    Check(Check),
}

/// Check a configuration: also for controls that could never fire.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque config check marque.yaml")]
pub struct Check {
    /// The configuration
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Checks a configuration.
///
/// # Errors
/// [`CliError::Faults`] with every fault, [`CliError::File`].
pub fn config(args: &Config, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let Config::Check(Check { file }) = args;
    let config = serve::load(Some(file))?;
    let warnings = config.check().map_err(|error| serve::of_server(error, Some(file)))?;
    for warning in warnings {
        writeln!(shell.out, "{}: {warning}", shell.look.paint(Paint::Waiting, "warning"))?;
    }
    writeln!(shell.out, "{}: no fault found", file.display())?;
    Ok(Exit::OK)
}
