//! `marque submit`: starts runs on the server, from files, from a component, or from what the server keeps.
//! Source of the words and options: Argo `cmd/argo/commands/submit.go`. Not here: deciding whether it may.

use std::path::PathBuf;

use audit::Clock as _;
use clap::Args;
use engine::cron::{SCHEDULED_TIME, started_by_hand};
use model::{
    argo::{AnyString, Workflow, WorkflowTemplateRef},
    manifest::Manifest,
};
use runner::clock::{SystemClock, local_zone};

use super::{answers, follow, parameters, run, session, sheets, watch};
use crate::{
    args::{Format, Global, Labels, Output, Parameter},
    client::{Client, Kind},
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
  marque submit --from cronworkflow/nightly -n ci --scheduled-time 2026-03-01T02:00:00Z

With --wait or --watch the exit code is 0 only if the run succeeded.")]
pub struct Submit {
    /// Files of Workflows; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present = "from", conflicts_with = "from")]
    pub files: Vec<PathBuf>,
    /// A component, as APPLICATION/COMPONENT; or workflowtemplate/NAME, clusterworkflowtemplate/NAME, cronworkflow/NAME
    #[arg(long, value_name = "APP/COMPONENT")]
    pub from: Option<String>,
    /// A parameter of the run
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<Parameter>,
    /// A file of parameters, in YAML or JSON
    #[arg(short = 'f', long, value_name = "FILE")]
    pub parameter_file: Option<PathBuf>,
    /// What the run is to be like
    #[command(flatten)]
    pub run: OfRun,
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
    #[arg(long, conflicts_with_all = ["watch", "wait", "server_dry_run"])]
    pub dry_run: bool,
    /// As --dry-run, and show the run as the server would make it
    #[arg(long, conflicts_with_all = ["watch", "wait"])]
    pub server_dry_run: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// What a run is to be like, in the place of what is written. Source: Argo `workflow_types.go` SubmitOpts.
#[derive(Debug, Default, Args)]
pub struct OfRun {
    /// The run's name
    #[arg(long)]
    pub name: Option<String>,
    /// What the run's name begins with
    #[arg(long, conflicts_with = "name")]
    pub generate_name: Option<String>,
    /// Labels of the run
    #[arg(short = 'l', long, value_name = "NAME=VALUE,…")]
    pub labels: Option<Labels>,
    /// Annotations of the run
    #[arg(long, value_name = "NAME=VALUE,…")]
    pub annotations: Option<Labels>,
    /// The template that it begins with
    #[arg(long, value_name = "TEMPLATE")]
    pub entrypoint: Option<String>,
    /// Which run goes first where there is not room for all: the higher number
    #[arg(long)]
    pub priority: Option<i32>,
    /// The time that a schedule's run is for
    #[arg(long, value_name = "TIME")]
    pub scheduled_time: Option<String>,
}

/// Starts a run.
///
/// # Errors
/// [`CliError`].
pub async fn submit(args: &Submit, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let given = parameters::all(&args.parameters, args.parameter_file.as_deref())?;
    let asked = match &args.from {
        Some(from) => vec![of(from, &global.namespace)?],
        None => {
            from_files(&args.files, global, shell)?.into_iter().map(Box::new).map(Asked::Workflow).collect()
        }
    };
    let client = session::connect(global, shell)?;
    let mut exit = Exit::OK;
    for asked in asked {
        let (started, written) = start(args, asked, &given, &client).await?;
        let ended = if args.dry_run || args.server_dry_run {
            would_be(args.output.format, if args.dry_run { &written } else { &started }, shell)?
        } else {
            let then = Then { watch: args.watch, wait: args.wait, format: args.output.format };
            then.show(&client, started, shell).await?
        };
        if ended != Exit::OK {
            exit = ended;
        }
    }
    Ok(exit)
}

/// What a run is made of.
enum Asked {
    /// All of it is written here, or it is what the server keeps.
    Workflow(Box<Workflow>),
    /// A schedule that the server keeps: its namespace and name.
    Cron(String, String),
}

/// Starts one run; returns it, and as it was asked for.
async fn start(
    args: &Submit,
    asked: Asked,
    given: &[Parameter],
    client: &Client,
) -> Result<(Workflow, Workflow), CliError> {
    let mut workflow = match asked {
        Asked::Workflow(workflow) => *workflow,
        Asked::Cron(namespace, name) => {
            let cron = client.cron_workflow(&namespace, &name).await?;
            let mut workflow = started_by_hand(&cron, SystemClock.now(), &local_zone());
            workflow.metadata.namespace = namespace;
            workflow
        }
    };
    change(&mut workflow, args);
    parameters::set(&mut workflow.spec.arguments.parameters, given);
    let namespace = workflow.metadata.namespace.clone();
    match client.create(&namespace, &workflow, args.dry_run || args.server_dry_run).await {
        Ok(started) => Ok((started, workflow)),
        Err(error) => Err(with_reasons(error, args, client, &namespace).await),
    }
}

/// Returns the annotations of a run that the command line asks for.
fn annotations(args: &Submit) -> Vec<(String, String)> {
    let mut all = args.run.annotations.clone().unwrap_or_default().0;
    let said = [
        ("marque.dev/reason", &args.reason),
        ("marque.dev/ticket", &args.ticket),
        (SCHEDULED_TIME, &args.run.scheduled_time),
    ];
    all.extend(said.into_iter().filter_map(|(name, said)| Some((name.to_owned(), said.clone()?))));
    all
}

/// Changes a Workflow as the command line says.
fn change(workflow: &mut Workflow, args: &Submit) {
    let metadata = &mut workflow.metadata;
    if let Some(name) = &args.run.name {
        metadata.name.clone_from(name);
    }
    if let Some(stem) = &args.run.generate_name {
        metadata.name.clear();
        metadata.generate_name.clone_from(stem);
    }
    let text = |value: String| AnyString::from(value.as_str());
    let labels = args.run.labels.clone().unwrap_or_default().0;
    metadata.labels.extend(labels.into_iter().map(|(name, value)| (name, text(value))));
    metadata.annotations.extend(annotations(args).into_iter().map(|(name, value)| (name, text(value))));
    if let Some(entrypoint) = &args.run.entrypoint {
        workflow.spec.entrypoint.clone_from(entrypoint);
    }
    if let Some(priority) = args.run.priority {
        workflow.spec.priority = Some(priority.into());
    }
}

fn would_be(format: Format, run: &Workflow, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let name = if run.metadata.name.is_empty() { &run.metadata.generate_name } else { &run.metadata.name };
    if !answers::spelled_or_named(format, run, [name.as_str()], shell.out)? {
        writeln!(shell.out, "{} would be submitted (dry run: nothing was started)", tame(name))?;
    }
    Ok(Exit::OK)
}

/// What follows when a run has been started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Then {
    /// It is followed to its end.
    pub(super) watch: bool,
    /// Its end is waited for.
    pub(super) wait: bool,
    /// How it is spelled.
    pub(super) format: Format,
}

impl Then {
    /// Shows a run that has been started, as far as is asked.
    ///
    /// # Errors
    /// [`CliError`].
    pub(super) async fn show(
        self,
        client: &Client,
        started: Workflow,
        shell: &mut Shell<'_>,
    ) -> Result<Exit, CliError> {
        let for_people = matches!(self.format, Format::Text | Format::Wide);
        if self.watch && for_people {
            writeln!(shell.err, "{} submitted", tame(&started.metadata.name))?;
            return watch::to_the_end(client, started, shell).await;
        }
        let (run, exit) = if self.wait || self.watch {
            let ended = watch::ended(client, started).await?;
            let exit = follow::exit(watch::phase(&ended));
            (ended, exit)
        } else {
            (started, Exit::OK)
        };
        if !answers::spelled_or_named(self.format, &run, [run.metadata.name.as_str()], shell.out)? {
            shell.out.write_all(tree::heading(&run, SystemClock.now(), shell.look).as_bytes())?;
        }
        Ok(exit)
    }
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

fn from_files(files: &[PathBuf], global: &Global, shell: &mut Shell<'_>) -> Result<Vec<Workflow>, CliError> {
    let texts = sheets::read_all(files, shell.input)?;
    let mut workflows = Vec::new();
    for manifest in sheets::parse_all(&texts)? {
        match manifest {
            Manifest::Workflow(written) => {
                let mut workflow = written.object;
                if workflow.metadata.namespace.is_empty() {
                    global.namespace.clone_into(&mut workflow.metadata.namespace);
                }
                workflows.push(workflow);
            }
            other => {
                let (kind, _, name) = other.key();
                let why = format!("{kind} `{name}` is not run but applied: `marque apply -f`");
                return Err(sheets::unfit(why, sheets::place_of(&other), &texts));
            }
        }
    }
    if workflows.is_empty() {
        return Err(sheets::unfit("there is no Workflow to submit".to_owned(), None, &texts));
    }
    Ok(workflows)
}

/// Returns application and component of `APP/COMPONENT`.
pub(super) fn component_of(from: &str) -> Option<(&str, &str)> {
    let (application, component) = from.split_once('/')?;
    let named = !application.is_empty() && !component.is_empty() && !component.contains('/');
    (named && kept(application).is_none()).then_some((application, component))
}

/// Returns the kind of what the server keeps that is called so. Source: Argo `cmd/argo/commands/submit.go`.
fn kept(kind: &str) -> Option<Kind> {
    Some(match kind.to_ascii_lowercase().as_str() {
        "workflowtemplate" | "workflowtemplates" | "wftmpl" => Kind::WorkflowTemplate,
        "clusterworkflowtemplate" | "clusterworkflowtemplates" | "cwft" | "cwftmpl" => {
            Kind::ClusterWorkflowTemplate
        }
        "cronworkflow" | "cronworkflows" | "cronwf" | "cwf" => Kind::CronWorkflow,
        _ => return None,
    })
}

/// Returns what runs a component, or what the server keeps.
fn of(from: &str, namespace: &str) -> Result<Asked, CliError> {
    if let Some((kind, name)) = from.split_once('/')
        && let (Some(kind), false) = (kept(kind), name.is_empty())
    {
        let of_template = |cluster_scope| {
            let mut workflow = run::of_template(name, namespace);
            workflow.spec.workflow_template_ref =
                Some(WorkflowTemplateRef { name: name.to_owned(), cluster_scope });
            Asked::Workflow(Box::new(workflow))
        };
        return Ok(match kind {
            Kind::WorkflowTemplate => of_template(false),
            Kind::ClusterWorkflowTemplate => of_template(true),
            Kind::CronWorkflow => Asked::Cron(namespace.to_owned(), name.to_owned()),
        });
    }
    let Some((application, component)) = component_of(from) else {
        return Err(CliError::Usage(format!(
            "`{from}` is neither APPLICATION/COMPONENT nor workflowtemplate/NAME, clusterworkflowtemplate/NAME or cronworkflow/NAME"
        )));
    };
    let mut workflow = run::of_template(component, namespace);
    workflow.spec.workflow_template_ref = None;
    for (label, value) in [(APPLICATION, application), (COMPONENT, component)] {
        workflow.metadata.labels.insert(label.to_owned(), AnyString::from(value));
    }
    Ok(Asked::Workflow(Box::new(workflow)))
}
