//! `marque lint`: manifests checked without a server: each for itself, and all of them together.
//! Not here: what a server holds already (see `apply --dry-run`).

use std::path::PathBuf;

use clap::Args;
use model::{argo::Mode, manifest::Manifest};

use super::{sheets, together};
use crate::{
    args::Global,
    error::{CliError, plural},
    exit::Exit,
    shell::Shell,
};

/// Check manifests without a server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque lint workflow.yaml
  marque lint examples/payroll")]
pub struct Lint {
    /// Files, folders of manifests, or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// Checks manifests.
///
/// # Errors
/// [`CliError::Faults`] with every fault found.
pub fn lint(args: &Lint, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let texts = sheets::read_all(&args.files, shell.input)?;
    let manifests = sheets::parse_all(&texts)?;
    let count = manifests.len();
    let (mut at_rest, mut workflows) = (Vec::new(), Vec::new());
    for mut manifest in manifests {
        manifest.default_namespace(&global.namespace);
        match manifest {
            Manifest::Workflow(written) => workflows.push(written),
            other => at_rest.push(other),
        }
    }
    together::check(at_rest, &workflows, Mode::Lint).map_err(|faults| sheets::faulty(faults, &texts))?;
    writeln!(shell.out, "{} in {}: no fault found", plural(count, "object"), plural(texts.len(), "file"))?;
    Ok(Exit::OK)
}
