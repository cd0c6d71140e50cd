//! `marque run`: one workflow on this machine, without a server, followed to its end. It is decided and recorded all
//! the same: the operating system's user starts it, under the rules for local runs.
//! Not here: putting Marque together (see `local`), drawing (see `follow`).

use std::{path::PathBuf, time::Duration};

use audit::Clock as _;
use clap::Args;
use model::{
    NamespacedName,
    argo::{Mode, NodePhase, NodeStatus, NodeType, Workflow, WorkflowPhase, WorkflowTemplateRef},
    manifest::{Manifest, Written},
    oam::Via,
};
use runner::{LogSelection, PodLine, RunChange, RunView, Submission, clock::SystemClock};
use tokio::sync::{broadcast, mpsc};

use super::{
    answers, follow,
    follow::{Screen, Ticks},
    local::{self, Local},
    parameters, sheets, together,
};
use crate::{
    args::{ArtifactDriver, Format, Global, Isolation, Output, Parameter as Given},
    error::{CliError, SourceText},
    exit::Exit,
    shell::Shell,
};

/// How often the tree is drawn anew at most.
const PACE: Duration = Duration::from_millis(120);
/// How long is waited besides for each node of the run, so that looking at a large one stays a small part of the work.
const PACE_A_NODE: Duration = Duration::from_micros(100);
/// Why a run is stopped that waits for a person where there is none.
const NOBODY: &str = "it waited to be resumed, and standard input had ended";
/// How long connecting to an artifact plugin may take, as Argo has it.
const CONNECTION_TIME: Duration = Duration::from_secs(5);
/// How long the last log lines are waited for.
const LAST_LINES: Duration = Duration::from_secs(5);

/// Run a workflow on this machine, without a server, and follow it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque run hello.yaml
  marque run hello.yaml -p message=hi
  marque run hello.yaml --watch
  marque run hello.yaml --isolation none -o json
  marque run hello.yaml --artifact-driver vault=/run/vault.sock

The files hold one Workflow, and what it refers to: WorkflowTemplates, ClusterWorkflowTemplates, ConfigMaps, Secrets, PersistentVolumeClaims; or one WorkflowTemplate alone.
Ctrl-C stops the run (its exit handler still runs), Ctrl-C again terminates it.")]
pub struct Run {
    /// Files; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// A parameter of the workflow
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<Given>,
    /// How steps are kept apart
    #[arg(long, value_enum, default_value = "namespaces")]
    pub isolation: Isolation,
    /// The folder of data; without it, the user's own
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// An artifact plugin: the name that artifacts call it by, and the Unix socket that it listens on
    #[arg(long = "artifact-driver", value_name = "NAME=SOCKET")]
    pub artifact_drivers: Vec<ArtifactDriver>,
    /// Show the tree of nodes alone, without log lines; where there is no terminal, a line for each change
    #[arg(short, long)]
    pub watch: bool,
    /// Whether log lines are shown: without `--watch` they are
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub log: Option<bool>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Runs the workflow of a file.
///
/// # Errors
/// [`CliError`].
pub async fn run(args: &Run, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let texts = sheets::read_all(&args.files, shell.input)?;
    let mut asked = asked(sheets::parse_all(&texts)?, &texts, &global.namespace)?;
    parameters::set(&mut asked.workflow.object.spec.arguments.parameters, &args.parameters);
    // nothing is opened, made or stored before the file makes sense by itself
    let checked = together::check(asked.at_rest.clone(), std::slice::from_ref(&asked.workflow), Mode::Submit);
    checked.map_err(|faults| sheets::faulty(faults, &texts))?;
    let folder = local::folder(args.data.as_ref(), &shell.around);
    let local =
        local::open(&folder, args.isolation.into(), plugins(&args.artifact_drivers)?, &shell.around).await?;
    let result = start_and_follow(args, asked, &texts, &local, shell).await;
    local.runner.shut_down().await;
    result
}

/// Returns the artifact plugins that were given, no two of one name.
fn plugins(given: &[ArtifactDriver]) -> Result<Vec<driver::ArtifactPlugin>, CliError> {
    let mut plugins: Vec<driver::ArtifactPlugin> = Vec::new();
    for ArtifactDriver { name, socket } in given {
        if plugins.iter().any(|plugin| plugin.name == *name) {
            return Err(CliError::Usage(format!("`--artifact-driver` names `{name}` twice")));
        }
        let (name, socket) = (name.clone(), socket.clone());
        plugins.push(driver::ArtifactPlugin { name, socket, connection_time: CONNECTION_TIME });
    }
    Ok(plugins)
}

/// What the file asks for.
struct Wanted {
    workflow: Written<Workflow>,
    at_rest: Vec<Manifest>,
}

/// Sorts what the files hold: one Workflow, and what it refers to; or one template alone.
fn asked(manifests: Vec<Manifest>, texts: &[SourceText], namespace: &str) -> Result<Wanted, CliError> {
    let mut workflows = Vec::new();
    let mut templates = Vec::new();
    let mut others = Vec::new();
    for manifest in manifests {
        match manifest {
            Manifest::Workflow(written) => workflows.push(written),
            Manifest::WorkflowTemplate(mut written) => {
                default_namespace(&mut written.object.metadata.namespace, namespace);
                templates.push(written);
            }
            mut other @ (Manifest::ClusterWorkflowTemplate(_)
            | Manifest::ConfigMap(_)
            | Manifest::Secret(_)
            | Manifest::PersistentVolumeClaim(_)) => {
                other.default_namespace(namespace);
                others.push(other);
            }
            other => {
                let (kind, _, name) = other.key();
                let why = format!(
                    "`run` takes Workflows and what they refer to; {kind} `{name}` needs a server (`marque apply`)"
                );
                return Err(sheets::unfit(why, sheets::place_of(&other), texts));
            }
        }
    }
    let mut workflow = match (workflows.pop(), templates.as_slice()) {
        (Some(workflow), _) if workflows.is_empty() => workflow,
        (None, [template]) => {
            let (name, namespace) = (&template.object.metadata.name, &template.object.metadata.namespace);
            Written::new(of_template(name, namespace), model::yaml::Places::default())
        }
        (found, _) => {
            let count = workflows.len().saturating_add(usize::from(found.is_some()));
            return Err(sheets::unfit(
                format!("exactly one Workflow is run; there are {count}"),
                None,
                texts,
            ));
        }
    };
    default_namespace(&mut workflow.object.metadata.namespace, namespace);
    let at_rest = templates.into_iter().map(Manifest::WorkflowTemplate).chain(others).collect();
    Ok(Wanted { workflow, at_rest })
}

fn default_namespace(of_object: &mut String, otherwise: &str) {
    if of_object.is_empty() {
        otherwise.clone_into(of_object);
    }
}

/// Returns a Workflow that runs a whole template.
pub(super) fn of_template(name: &str, namespace: &str) -> Workflow {
    let mut workflow = Workflow {
        api_version: model::argo::API_VERSION.to_owned(),
        kind: "Workflow".to_owned(),
        ..Workflow::default()
    };
    workflow.metadata.generate_name = format!("{name}-");
    namespace.clone_into(&mut workflow.metadata.namespace);
    workflow.spec.workflow_template_ref =
        Some(WorkflowTemplateRef { name: name.to_owned(), cluster_scope: false });
    workflow
}

async fn start_and_follow(
    args: &Run,
    asked: Wanted,
    texts: &[SourceText],
    local: &Local,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let Wanted { workflow, at_rest } = asked;
    let Local { runner, caller } = local;
    let told = |error| local::of_runner(error, texts);
    if !at_rest.is_empty() {
        runner.apply(caller, at_rest, false).await.map_err(told)?;
    }
    let earlier = runner.take_up().await.map_err(told)?;
    if earlier > 0 {
        writeln!(
            shell.err,
            "note: {} of before had not ended and goes on now",
            crate::error::plural(earlier, "run")
        )?;
    }
    let changes = runner.changes();
    let reason = Some("marque run".to_owned());
    let submission =
        Submission { workflow: workflow.object, via: Via::Manual, reason, ticket: None, dry_run: false };
    let view = runner.submit(caller, submission).await.map_err(told)?;
    let text = args.output.format == Format::Text;
    let log = text && args.log.unwrap_or(!args.watch);
    let following = Following { local, name: view.facts.name.clone(), log, shown: text };
    let end = following.to_the_end(view, changes, shell).await?;
    let phase = end.workflow.status.as_ref().map_or(WorkflowPhase::Unknown, |status| status.phase);
    if !answers::spelled(args.output.format, &end.workflow, shell.out)? && args.output.format == Format::Name
    {
        writeln!(shell.out, "{}", end.workflow.metadata.name)?;
    }
    Ok(follow::exit(phase))
}

/// A run that is followed.
struct Following<'a> {
    local: &'a Local,
    name: NamespacedName,
    log: bool,
    shown: bool,
}

impl Following<'_> {
    /// Follows until the run has ended; Ctrl-C stops it, and the second terminates it.
    async fn to_the_end(
        &self,
        begun: RunView,
        mut changes: broadcast::Receiver<RunChange>,
        shell: &mut Shell<'_>,
    ) -> Result<RunView, CliError> {
        let mut screen = Screen::new(shell.look);
        let mut lines = self.lines();
        let mut view = begun;
        let mut dirty = true;
        let mut interrupts = 0_u32;
        let mut waiting_told = false;
        let mut ticks = Ticks::new(shell.look);
        let mut pace = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Ok(change) if change.name == self.name => {
                        dirty = true;
                        if change.phase.is_completed() {
                            pace.set(tokio::time::sleep(Duration::ZERO));
                        }
                    }
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => dirty = true,
                    Err(broadcast::error::RecvError::Closed) => return Ok(view),
                },
                Some(line) = lines.recv() => screen.log(&line.display_name, &line.line.content, shell.out)?,
                () = &mut pace, if dirty => {
                    view = self.view().await?;
                    dirty = false;
                    pace.set(tokio::time::sleep(pace_of(&view)));
                    if self.shown {
                        screen.show(&view.workflow, SystemClock.now(), shell.out)?;
                    }
                    if has_ended(&view) {
                        break;
                    }
                    if !waiting_told && waits(&view) {
                        waiting_told = true;
                        if self.shown {
                            screen.remark(waiting(shell.look.interactive), shell.out)?;
                        }
                        self.resume_on_enter();
                    }
                    waiting_told &= waits(&view);
                }
                tick = ticks.next() => {
                    if self.shown {
                        screen.tick(tick, &view.workflow, SystemClock.now(), shell.out)?;
                    }
                }
                signal = tokio::signal::ctrl_c() => {
                    signal.map_err(|error| CliError::local("Ctrl-C cannot be heard", error))?;
                    interrupts = interrupts.saturating_add(1);
                    self.interrupt(interrupts).await?;
                    if self.shown {
                        screen.remark(interrupted(interrupts), shell.out)?;
                    }
                    dirty = true;
                }
            }
        }
        // the last lines are on their way; the log ends by itself when they are sent
        while let Ok(Some(line)) = tokio::time::timeout(LAST_LINES, lines.recv()).await {
            screen.log(&line.display_name, &line.line.content, shell.out)?;
        }
        if self.shown {
            screen.finish(&view.workflow, SystemClock.now(), shell.out)?;
        }
        Ok(view)
    }

    async fn view(&self) -> Result<RunView, CliError> {
        let view = self.local.runner.view(&self.local.caller, &self.name).await;
        view.map_err(|error| local::of_runner(error, &[]))
    }

    /// Returns the lines of the run's log as they come; none when they are not wanted.
    fn lines(&self) -> mpsc::Receiver<PodLine> {
        let (sink, lines) = mpsc::channel(256);
        if self.log {
            let (runner, caller, name) =
                (self.local.runner.clone(), self.local.caller.clone(), self.name.clone());
            tokio::spawn(async move {
                let selection = LogSelection { follow: true, ..LogSelection::default() };
                if let Err(error) = runner.logs(&caller, &name, selection, sink).await {
                    tracing::warn!(%error, "the log cannot be followed");
                }
            });
        }
        lines
    }

    async fn interrupt(&self, times: u32) -> Result<(), CliError> {
        let Local { runner, caller } = self.local;
        let done = if times == 1 {
            runner.stop(caller, &self.name, Some("stopped by Ctrl-C".to_owned())).await
        } else {
            runner.terminate(caller, &self.name).await
        };
        match done {
            // it ended in the meantime
            Ok(_) | Err(runner::RunnerError::Conflict(_)) => Ok(()),
            Err(error) => Err(local::of_runner(error, &[])),
        }
    }

    /// Resumes the run when a line comes in; stops it when none ever will, because nobody else can resume it.
    fn resume_on_enter(&self) {
        let (runner, caller, name) =
            (self.local.runner.clone(), self.local.caller.clone(), self.name.clone());
        let (entered, heard) = tokio::sync::oneshot::channel();
        // a thread of its own, because reading a terminal cannot be called off
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            let _ = entered.send(matches!(read, Ok(read) if read > 0));
        });
        tokio::spawn(async move {
            let done = match heard.await {
                Ok(true) => runner.resume(&caller, &name, None).await,
                Ok(false) => runner.stop(&caller, &name, Some(NOBODY.to_owned())).await,
                Err(_) => return,
            };
            if let Err(error) = done {
                tracing::warn!(%error, "the run can neither be resumed nor stopped");
            }
        });
    }
}

const fn waiting(interactive: bool) -> &'static str {
    if interactive {
        "waits to be resumed: press Enter to let it go on, Ctrl-C to stop it"
    } else {
        "waits to be resumed: a line of standard input lets it go on, its end stops it"
    }
}

const fn interrupted(times: u32) -> &'static str {
    if times == 1 { "stopping; Ctrl-C again terminates" } else { "terminating" }
}

/// Returns how long to wait before looking at a run again.
fn pace_of(view: &RunView) -> Duration {
    let nodes = view.workflow.status.as_ref().map_or(0, |status| status.nodes.len());
    PACE.max(PACE_A_NODE.saturating_mul(u32::try_from(nodes).unwrap_or(u32::MAX)))
}

fn has_ended(view: &RunView) -> bool {
    view.workflow.status.as_ref().is_some_and(|status| status.phase.is_completed())
}

/// Whether nothing goes on but suspend nodes that wait for somebody, not for a time.
fn waits(view: &RunView) -> bool {
    let Some(status) = &view.workflow.status else { return false };
    let timed = |node: &NodeStatus| {
        let template =
            view.workflow.spec.templates.iter().find(|template| template.name == node.template_name);
        let suspend = template.and_then(|template| template.suspend.as_ref());
        suspend.is_none_or(|suspend| !suspend.duration.is_empty())
    };
    let leaf = |node: &&NodeStatus| matches!(node.node_type, NodeType::Pod | NodeType::Suspend);
    let under_way = status.nodes.values().filter(|node| !node.phase.is_fulfilled());
    let mut leaves = under_way.filter(leaf).peekable();
    let waits = |node: &NodeStatus| {
        node.node_type == NodeType::Suspend && node.phase == NodePhase::Running && !timed(node)
    };
    leaves.peek().is_some() && leaves.all(waits)
}
