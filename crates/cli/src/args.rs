//! The command line: which commands there are and what they share. Each command's own arguments stand in its file.
//! Not here: doing anything. Invariant: no argument ever carries a password or a token.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{command, exit::EXIT_CODES_HELP};

/// An identity-aware control plane for Argo Workflows.
#[derive(Debug, Parser)]
#[command(name = "marque", version, max_term_width = 100, after_long_help = EXIT_CODES_HELP, propagate_version = false)]
#[command(
    long_about = "Marque runs Argo Workflows, unmodified, on one machine, and knows for each run who asked, under which \
scope, what it may touch, who approved, and can prove all of it.\n\n\
New here? `marque demo` tells the whole story in ten seconds; `marque run FILE` runs a workflow without any server."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What all commands share.
    #[command(flatten)]
    pub global: Global,
}

/// What all commands share.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// The server's address; without it, the one that was logged in to last
    #[arg(long, env = "MARQUE_SERVER", global = true, value_name = "URL", hide_env_values = true)]
    pub server: Option<String>,
    /// The namespace
    #[arg(
        short,
        long,
        env = "MARQUE_NAMESPACE",
        global = true,
        default_value = "default",
        hide_env_values = true
    )]
    pub namespace: String,
    /// Tell on standard error what is done
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// How much is told on standard error: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub loglevel: Option<LogLevel>,
    /// Taken for the sake of scripts for `argo`: there is no client of Kubernetes that could tell anything
    #[arg(long, global = true, value_name = "NUMBER", hide = true)]
    pub gloglevel: Option<u32>,
}

/// How much the program tells of its own work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What failed
    Error,
    /// What may have to be looked at
    Warn,
    /// What was done
    Info,
    /// How it was done
    Debug,
    /// Everything
    Trace,
}

impl Global {
    /// Returns what is told by default, in the words of `RUST_LOG`.
    pub const fn log_filter(&self) -> &'static str {
        match self.loglevel {
            None if self.verbose => "warn,cli=debug",
            Some(LogLevel::Error) => "error",
            None | Some(LogLevel::Warn) => "warn",
            Some(LogLevel::Info) => "info",
            Some(LogLevel::Debug) => "warn,cli=debug",
            Some(LogLevel::Trace) => "info,cli=trace",
        }
    }
}

/// How an answer is spelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only, one a line
    Name,
    /// For people, with more columns where there are
    Wide,
}

/// The choice of how an answer is spelled.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Output {
    /// How the answer is spelled
    #[arg(short = 'o', long = "output", value_enum, default_value_t, hide_default_value = true)]
    pub format: Format,
}

/// A parameter given as `name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Labels given as `name=value,…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(pub Vec<(String, String)>);

impl FromStr for Labels {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let label = |text: &str| match text.trim().split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err("labels are given as NAME=VALUE,…".to_owned()),
        };
        text.split(',').filter(|text| !text.trim().is_empty()).map(label).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Parameter {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("a parameter is given as NAME=VALUE".to_owned()),
        }
    }
}

/// An artifact plugin that runs on this machine: the name that artifacts call it by, and its Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactDriver {
    /// Its name.
    pub name: String,
    /// The socket that it listens on.
    pub socket: PathBuf,
}

impl FromStr for ArtifactDriver {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, socket)) if !name.is_empty() && !socket.is_empty() => {
                Ok(Self { name: name.to_owned(), socket: socket.into() })
            }
            _ => Err("an artifact plugin is given as NAME=SOCKET".to_owned()),
        }
    }
}

/// How steps are kept apart on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Isolation {
    /// Each step in namespaces of its own: no network, no other files, no other processes
    Namespaces,
    /// Each step in a container of its image, by Docker, Podman, runc or crun
    Containers,
    /// Plain processes of the user, without a sandbox
    None,
}

impl From<Isolation> for backend::Isolation {
    fn from(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Namespaces => Self::Namespaces,
            Isolation::Containers => Self::Containers,
            Isolation::None => Self::None,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell the whole story in the terminal: four people, a refusal, an approval, a proof
    Demo(command::demo::Demo),
    /// Run a workflow on this machine, without a server, and follow it
    Run(command::run::Run),
    /// Serve both APIs
    Serve(command::serve::Serve),
    /// Check a configuration
    #[command(subcommand)]
    Config(command::config::Config),
    /// Log in to a server
    Login(command::login::Login),
    /// End the session
    Logout(command::logout::Logout),
    /// Say who the server takes you for
    Whoami(command::whoami::Whoami),
    /// Apply manifests: all of them, or none
    Apply(command::apply::Apply),
    /// Start a run on the server
    Submit(command::submit::Submit),
    /// List runs
    List(command::list::List),
    /// Show a run with its nodes
    Get(command::get::Get),
    /// Show the logs of a run
    Logs(command::logs::Logs),
    /// Follow a run until it ends
    Watch(command::watch::Watch),
    /// Wait until runs have ended
    Wait(command::wait::Wait),
    /// Stop a run; its exit handler still runs
    Stop(command::operate::Stop),
    /// Terminate a run at once
    Terminate(command::operate::Terminate),
    /// Let a run start no new node
    Suspend(command::operate::Suspend),
    /// Let a suspended run go on
    Resume(command::operate::Resume),
    /// Run again what failed of ended runs
    Retry(command::operate::Retry),
    /// Submit runs once more, in your own name
    Resubmit(command::operate::Resubmit),
    /// Work on schedules
    #[command(subcommand)]
    Cron(command::cron::Cron),
    /// Work on archived runs
    #[command(subcommand)]
    Archive(command::archive::Archive),
    /// Work on the credentials of this session
    #[command(subcommand)]
    Auth(command::auth::Auth),
    /// Work on the limits of semaphores
    #[command(subcommand)]
    Sync(command::sync::Sync),
    /// Work on the WorkflowTemplates of a namespace
    #[command(subcommand)]
    Template(command::template::Template),
    /// Work on the templates that all namespaces share
    #[command(subcommand)]
    ClusterTemplate(command::template::ClusterTemplate),
    /// Change nodes of a run
    #[command(subcommand)]
    Node(command::operate::Node),
    /// Delete runs
    Delete(command::delete::Delete),
    /// Show the open gates of a run, and what an approval binds to
    Gates(command::gates::Gates),
    /// Approve a gate
    Approve(command::answer::Approve),
    /// Refuse a gate: its node fails
    Deny(command::answer::Deny),
    /// Explain a decision before it is made
    #[command(subcommand)]
    Explain(command::explain::Explain),
    /// Read and verify the record
    #[command(subcommand)]
    Audit(command::audit::Audit),
    /// Check manifests without a server
    Lint(command::lint::Lint),
    /// Write Argo 3's spellings as Argo 4 has them
    Convert(command::convert::Convert),
    /// Try a text in one of Argo's languages, with given variables
    Eval(command::eval::Eval),
    /// Print the completions of a shell
    Completion(command::completion::Completion),
    /// Print the version of this program, and of the server if one is named
    Version(command::version::Version),
}
