//! `marque apply`: manifests to the server, all of them or none. Not here: checking them, which the server does
//! against everything it holds.

use std::path::PathBuf;

use clap::Args;

use super::{answers, session, sheets};
use crate::{
    args::{Format, Global, Output},
    client::Sheet,
    error::{CliError, SourceText},
    exit::Exit,
    render::table::tame,
    shell::{Paint, Shell},
};

/// Apply manifests: all of them, or none.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque apply -f examples/payroll --dry-run
  marque apply -f examples/payroll -f extra.yaml

A folder stands for the .yaml, .yml and .json files in it, not for folders within it.")]
pub struct Apply {
    /// A file, a folder of manifests, or `-` for standard input
    #[arg(short, long = "filename", value_name = "PATH", required = true)]
    pub filenames: Vec<PathBuf>,
    /// Only print the plan
    #[arg(long)]
    pub dry_run: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Applies manifests.
///
/// # Errors
/// [`CliError`].
pub async fn apply(args: &Apply, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let texts = sheets::read_all(&args.filenames, shell.input)?;
    // what is no manifest at all is told without asking the server
    sheets::parse_all(&texts)?;
    let client = session::connect(global, shell)?;
    let files: Vec<Sheet> =
        texts.iter().map(|text| Sheet { name: text.file.clone(), text: text.text.clone() }).collect();
    let applied = client
        .apply(&global.namespace, &files, args.dry_run)
        .await
        .map_err(|error| pointing_into(error, texts))?;
    if answers::spelled(args.output.format, &applied, shell.out)? {
        return Ok(Exit::OK);
    }
    for change in &applied.changes {
        let object = tame(&change.object);
        if args.output.format == Format::Name {
            writeln!(shell.out, "{object}")?;
            continue;
        }
        let paint = if change.change == "unchanged" { Paint::Faint } else { Paint::Good };
        let dry = if args.dry_run { " (dry run)" } else { "" };
        writeln!(shell.out, "{object} {}{dry}", shell.look.paint(paint, tame(&change.change)))?;
    }
    if let (Format::Text, Some(revision)) = (args.output.format, &applied.revision) {
        writeln!(shell.err, "revision {}", tame(revision))?;
    }
    Ok(Exit::OK)
}

/// Gives faults that the server found the texts they point into.
fn pointing_into(error: CliError, texts: Vec<SourceText>) -> CliError {
    match error {
        CliError::Faults { faults, .. } => CliError::Faults { faults, sources: texts },
        other => other,
    }
}
