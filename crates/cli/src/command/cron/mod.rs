//! `marque cron`: the schedules that a server keeps, as `argo` has the commands. Source: Argo `cmd/argo/commands/cron`.
//! Not here: what they have in common with templates (`kept`), starting what is due (the server).

mod backfill;

use clap::{Args, Subcommand};
use model::{
    argo::{AnyString, CronWorkflow},
    manifest::Manifest,
};

use super::{kept, lint, parameters, session};
use crate::{
    args::{Global, Labels, Parameter},
    client::Kind,
    error::CliError,
    exit::Exit,
    render::table::tame,
    shell::Shell,
};

const KIND: Kind = Kind::CronWorkflow;

/// Work on schedules.
#[derive(Debug, Subcommand)]
pub enum Cron {
    /// Create CronWorkflows
    Create(Create),
    /// Show CronWorkflows
    #[command(after_help = "Examples:
  marque cron get nightly -n ci
  marque cron get nightly -n ci -o yaml")]
    Get(kept::Names),
    /// List the CronWorkflows that you may see
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  marque cron list -n ci
  marque cron list -A -l team=data"
    )]
    List(kept::Listing),
    /// Put CronWorkflows in the place of those of their names
    #[command(after_help = "Examples:
  marque cron update nightly.yaml -n ci")]
    Update(kept::Files),
    /// Delete CronWorkflows; their runs stay
    #[command(after_help = "Examples:
  marque cron delete nightly -n ci")]
    Delete(kept::Deletion),
    /// Check CronWorkflows without a server; objects of other kinds are left alone
    #[command(after_help = "Examples:
  marque cron lint schedules/")]
    Lint(lint::OfKind),
    /// Let CronWorkflows start no run
    #[command(after_help = "Examples:
  marque cron suspend nightly -n ci")]
    Suspend(Which),
    /// Let suspended CronWorkflows start runs again
    #[command(after_help = "Examples:
  marque cron resume nightly -n ci")]
    Resume(Which),
    /// Start a run for each time a schedule was due
    Backfill(backfill::BackfillArgs),
}

/// Create CronWorkflows; what they start needs a scope that lists them as machines.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque cron create nightly.yaml -n ci
  marque cron create nightly.yaml -n ci --name weekly --schedule '0 3 * * 0' -p full=true")]
pub struct Create {
    /// The files
    #[command(flatten)]
    pub files: kept::Files,
    /// The name, in the place of the file's own
    #[arg(long)]
    pub name: Option<String>,
    /// What the name begins with, in the place of the file's own
    #[arg(long, conflicts_with = "name")]
    pub generate_name: Option<String>,
    /// The schedule, in the place of the file's own
    #[arg(long)]
    pub schedule: Option<String>,
    /// Labels besides the file's own
    #[arg(short = 'l', long, value_name = "NAME=VALUE,…")]
    pub labels: Option<Labels>,
    /// A parameter of what is started, in the place of the file's own
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<Parameter>,
    /// A file of parameters, in YAML or JSON
    #[arg(short = 'f', long, value_name = "FILE")]
    pub parameter_file: Option<std::path::PathBuf>,
}

/// CronWorkflows by name.
#[derive(Debug, Args)]
pub struct Which {
    /// Their names
    #[arg(value_name = "CRONWORKFLOW", required = true)]
    pub names: Vec<String>,
}

/// Does what is asked of schedules.
///
/// # Errors
/// [`CliError`].
pub async fn cron(args: &Cron, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    match args {
        Cron::Create(args) => create(args, global, shell).await,
        Cron::Get(args) => kept::get(KIND, args, global, shell).await,
        Cron::List(args) => kept::list(KIND, args, global, shell).await,
        Cron::Update(args) => kept::update(KIND, args, global, shell).await,
        Cron::Delete(args) => kept::delete(KIND, args, global, shell).await,
        Cron::Lint(args) => lint::of_kind(KIND, args, global, shell),
        Cron::Suspend(args) => set_suspended(args, true, global, shell).await,
        Cron::Resume(args) => set_suspended(args, false, global, shell).await,
        Cron::Backfill(args) => backfill::backfill(args, global, shell).await,
    }
}

async fn create(args: &Create, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let given = parameters::all(&args.parameters, args.parameter_file.as_deref())?;
    let mut manifests = kept::read(KIND, &args.files.files, shell)?;
    for manifest in &mut manifests {
        if let Manifest::CronWorkflow(written) = manifest {
            change(&mut written.object, args, &given);
        }
    }
    kept::create_all(KIND, &manifests, args.files.output.format, global, shell).await
}

/// Changes a schedule as the command line says.
fn change(cron: &mut CronWorkflow, args: &Create, given: &[Parameter]) {
    if let Some(name) = &args.name {
        cron.metadata.name.clone_from(name);
    }
    if let Some(stem) = &args.generate_name {
        cron.metadata.name.clear();
        cron.metadata.generate_name.clone_from(stem);
    }
    for (name, value) in args.labels.iter().flat_map(|labels| &labels.0) {
        cron.metadata.labels.insert(name.clone(), AnyString::from(value.as_str()));
    }
    if let Some(schedule) = &args.schedule {
        cron.spec.schedule.clear();
        cron.spec.schedules = vec![schedule.clone()];
    }
    parameters::set(&mut cron.spec.workflow_spec.arguments.parameters, given);
}

async fn set_suspended(
    args: &Which,
    suspended: bool,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    for name in &args.names {
        client.set_suspended(&global.namespace, name, suspended).await?;
        let done = if suspended { "suspended" } else { "resumed" };
        writeln!(shell.out, "CronWorkflow '{}' {done}", tame(name))?;
    }
    Ok(Exit::OK)
}
