//! `marque completion`: completions for a shell. Not here: installing them.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell as Kind;

use crate::{args::Cli, error::CliError, exit::Exit, shell::Shell};

/// Print the completions of a shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque completion bash > ~/.local/share/bash-completion/completions/marque
  marque completion zsh > \"${fpath[1]}/_marque\"")]
pub struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub shell: Kind,
}

/// Prints completions.
///
/// # Errors
/// [`CliError::Output`].
pub fn completion(args: &Completion, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "marque", &mut text);
    shell.out.write_all(&text)?;
    Ok(Exit::OK)
}
