//! `marque submit`: starts a run on the server, from a file or from a component. Not here: deciding whether it may.

use std::path::PathBuf;

use clap::Args;
use model::{
    argo::{AnyString, Workflow},
    manifest::Manifest,
};

use super::{answers, follow, parameters, run, session, sheets, watch};
use crate::{
    args::{Format, Global, Output, Parameter},
    client::Client,
    error::CliError,
    exit::Exit,
    render::{table::tame, tree},
    shell::Shell,
};

/// The label that names a run's application. Source: OAM v0.3.0 `metadata.md`.
const APPLICATION: &str = "app.oam.dev/name";
/// The label that names a run's component.
const COMPONENT: &str = "app.oam.dev/component";

/// Start a run on the server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque submit workflow.yaml --watch
  marque submit --from payroll/payroll-export -n finance --reason 'monthly run'
  marque submit --from payroll/payroll-export -n finance -p month=2026-10 --reason rerun --ticket CHG-1042
  marque submit --from payroll/payroll-export -n finance --reason test --dry-run

With --wait or --watch the exit code is 0 only if the run succeeded.")]
pub struct Submit {
    /// The file of a Workflow; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present = "from", conflicts_with = "from")]
    pub file: Option<PathBuf>,
    /// A component, as APPLICATION/COMPONENT, or a WorkflowTemplate, as workflowtemplate/NAME
    #[arg(long, value_name = "APP/COMPONENT")]
    pub from: Option<String>,
    /// A parameter of the run
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<Parameter>,
    /// Why; the record keeps it
    #[arg(long)]
    pub reason: Option<String>,
    /// The ticket that asks for it
    #[arg(long)]
    pub ticket: Option<String>,
    /// Follow the run until it ends
    #[arg(short, long, conflicts_with = "wait")]
    pub watch: bool,
    /// Wait until the run has ended
    #[arg(long)]
    pub wait: bool,
    /// Only check and decide; start nothing
    #[arg(long, conflicts_with_all = ["watch", "wait"])]
    pub dry_run: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Starts a run.
///
/// # Errors
/// [`CliError`].
pub async fn submit(args: &Submit, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let mut workflow = match (&args.file, &args.from) {
        (Some(file), _) => from_file(file, global, shell)?,
        (None, Some(from)) => of(from, &global.namespace)?,
        (None, None) => return Err(CliError::Usage("name a file or --from a component".to_owned())),
    };
    parameters::set(&mut workflow.spec.arguments.parameters, &args.parameters);
    for (annotation, said) in [("marque.dev/reason", &args.reason), ("marque.dev/ticket", &args.ticket)] {
        if let Some(said) = said {
            workflow.metadata.annotations.insert(annotation.to_owned(), AnyString::from(said.as_str()));
        }
    }
    let client = session::connect(global, shell)?;
    let namespace = workflow.metadata.namespace.clone();
    let started = match client.create(&namespace, &workflow, args.dry_run).await {
        Ok(started) => started,
        Err(error) => return Err(with_reasons(error, args, &client, &namespace).await),
    };
    shown(args, &client, started, shell).await
}

async fn shown(
    args: &Submit,
    client: &Client,
    started: Workflow,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let name = tame(&started.metadata.name);
    if args.watch && args.output.format == Format::Text {
        writeln!(shell.err, "{name} submitted")?;
        return watch::to_the_end(client, started, shell).await;
    }
    if args.wait || args.watch {
        let ended = watch::ended(client, started).await?;
        let phase = watch::phase(&ended);
        if !answers::spelled(args.output.format, &ended, shell.out)? {
            match args.output.format {
                Format::Name => writeln!(shell.out, "{name}")?,
                _ => writeln!(shell.out, "{name} {}", tree::phase_name(phase))?,
            }
        }
        return Ok(follow::exit(phase));
    }
    if answers::spelled(args.output.format, &started, shell.out)? {
        return Ok(Exit::OK);
    }
    match (args.output.format, args.dry_run) {
        (Format::Name, _) => writeln!(shell.out, "{name}")?,
        (_, true) => writeln!(shell.out, "{name} would be submitted (dry run: nothing was started)")?,
        (_, false) => writeln!(shell.out, "{name} submitted")?,
    }
    Ok(Exit::OK)
}

/// Argo's path tells a refusal in one line; the reasons with their places come from asking for an explanation.
async fn with_reasons(error: CliError, args: &Submit, client: &Client, namespace: &str) -> CliError {
    let (CliError::Refused(refused), Some(from)) = (&error, &args.from) else { return error };
    let Some((application, component)) = component_of(from) else { return error };
    if refused.decision.is_some() {
        return error;
    }
    let asked = crate::client::AskedSubmit {
        namespace: namespace.to_owned(),
        application: application.to_owned(),
        component: component.to_owned(),
        reason: args.reason.clone(),
        ..crate::client::AskedSubmit::default()
    };
    match client.explain_submit(&asked).await {
        // the explanation knows nothing of parameters and tickets: it may allow what was refused
        Ok(decision) if decision.verdict == "deny" => {
            let message = refused.message.clone();
            CliError::Refused(Box::new(crate::error::Refused { message, decision: Some(decision) }))
        }
        _ => error,
    }
}

fn from_file(file: &PathBuf, global: &Global, shell: &mut Shell<'_>) -> Result<Workflow, CliError> {
    let texts = sheets::read_all(std::slice::from_ref(file), shell.input)?;
    let mut workflows = Vec::new();
    for manifest in sheets::parse_all(&texts)? {
        match manifest {
            Manifest::Workflow(written) => workflows.push(written.object),
            other => {
                let (kind, _, name) = other.key();
                let why = format!("{kind} `{name}` is not run but applied: `marque apply -f`");
                return Err(sheets::unfit(why, sheets::place_of(&other), &texts));
            }
        }
    }
    let count = workflows.len();
    match (workflows.pop(), count) {
        (Some(mut workflow), 1) => {
            if workflow.metadata.namespace.is_empty() {
                global.namespace.clone_into(&mut workflow.metadata.namespace);
            }
            Ok(workflow)
        }
        _ => {
            Err(sheets::unfit(format!("exactly one Workflow is submitted; there are {count}"), None, &texts))
        }
    }
}

/// Returns application and component of `APP/COMPONENT`.
pub(super) fn component_of(from: &str) -> Option<(&str, &str)> {
    let (application, component) = from.split_once('/')?;
    let named = !application.is_empty() && !component.is_empty() && !component.contains('/');
    (named && !is_template(application)).then_some((application, component))
}

fn is_template(kind: &str) -> bool {
    ["workflowtemplate", "workflowtemplates", "wftmpl"].contains(&kind.to_ascii_lowercase().as_str())
}

/// Returns the Workflow that runs a component or a template.
fn of(from: &str, namespace: &str) -> Result<Workflow, CliError> {
    match from.split_once('/') {
        Some((kind, name)) if is_template(kind) && !name.is_empty() => Ok(run::of_template(name, namespace)),
        _ => {
            let why = || {
                CliError::Usage(format!(
                    "`{from}` is neither APPLICATION/COMPONENT nor workflowtemplate/NAME"
                ))
            };
            let (application, component) = component_of(from).ok_or_else(why)?;
            let mut workflow = run::of_template(component, namespace);
            workflow.spec.workflow_template_ref = None;
            for (label, value) in [(APPLICATION, application), (COMPONENT, component)] {
                workflow.metadata.labels.insert(label.to_owned(), AnyString::from(value));
            }
            Ok(workflow)
        }
    }
}
