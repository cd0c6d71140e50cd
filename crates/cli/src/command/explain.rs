//! `marque explain`: a decision before it is made, with the rules that make it and where each is written.
//! Not here: deciding (see `policy`, behind the server).

use clap::{Args, Subcommand};

use super::{answers, session, submit};
use crate::{
    args::{Global, Output},
    client::AskedSubmit,
    error::CliError,
    exit::Exit,
    render,
    shell::Shell,
};

/// Explain a decision before it is made.
#[derive(Debug, Subcommand)]
pub enum Explain {
    /// Whether a component may be started
    Submit(ExplainSubmit),
}

/// Whether a component may be started.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque explain submit payroll/payroll-export -n finance --reason 'monthly run'
  marque explain submit payroll/payroll-export -n finance --as carla
  marque explain submit payroll/payroll-export -n finance --as group:finance,group:contractors

The exit code is 0 whether it may or not: the explanation is the answer.")]
pub struct ExplainSubmit {
    /// The component, as APPLICATION/COMPONENT
    #[arg(value_name = "APP/COMPONENT")]
    pub component: String,
    /// Somebody else: a name of the local directory, or anybody in group:NAME[,group:NAME…]
    #[arg(long = "as", value_name = "WHO")]
    pub as_whom: Option<String>,
    /// The reason that would be given
    #[arg(long)]
    pub reason: Option<String>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Explains a decision.
///
/// # Errors
/// [`CliError`].
pub async fn explain(args: &Explain, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let Explain::Submit(args) = args;
    let why = || CliError::Usage(format!("`{}` is not of the form APPLICATION/COMPONENT", args.component));
    let (application, component) = submit::component_of(&args.component).ok_or_else(why)?;
    let asked = AskedSubmit {
        namespace: global.namespace.clone(),
        application: application.to_owned(),
        component: component.to_owned(),
        reason: args.reason.clone(),
        as_whom: args.as_whom.clone(),
    };
    let decision = session::connect(global, shell)?.explain_submit(&asked).await?;
    if !answers::spelled(args.output.format, &decision, shell.out)? {
        shell.out.write_all(render::decision::decision(&decision, 0, shell.look).as_bytes())?;
    }
    Ok(Exit::OK)
}
