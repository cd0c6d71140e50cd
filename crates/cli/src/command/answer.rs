//! `marque approve` and `marque deny`: answers to a gate, bound to the digest of what was looked at.
//! Not here: who may (the server decides), plain suspend nodes (see `operate`).

use clap::Args;

use super::{gates, session};
use crate::{
    args::Global, client::GateAnswer, error::CliError, exit::Exit, render::table::tame, shell::Shell,
};

/// What both answers take.
#[derive(Debug, Args)]
pub struct Answer {
    /// The run
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The gate's node, if several are open
    #[arg(long)]
    pub node: Option<String>,
    /// The digest that `marque gates` showed: the answer counts only if it is still that
    #[arg(long, value_name = "SHA256")]
    pub digest: Option<String>,
    /// Why; the record keeps it
    #[arg(long)]
    pub reason: Option<String>,
}

/// Approve a gate.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque gates payroll-export-x7k2p -n finance
  marque approve payroll-export-x7k2p -n finance --digest 3f2a… --reason 'checked the totals'

Without --digest it is asked for on a terminal after showing what is approved.")]
pub struct Approve {
    /// What both answers take
    #[command(flatten)]
    pub answer: Answer,
}

/// Refuse a gate: its node fails.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque deny payroll-export-x7k2p -n finance --reason 'totals do not add up'")]
pub struct Deny {
    /// What both answers take
    #[command(flatten)]
    pub answer: Answer,
}

/// Approves a gate.
///
/// # Errors
/// [`CliError`].
pub async fn approve(args: &Approve, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    answer("approve", "approved", &args.answer, global, shell).await
}

/// Refuses a gate.
///
/// # Errors
/// [`CliError`].
pub async fn deny(args: &Deny, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    answer("deny", "denied", &args.answer, global, shell).await
}

async fn answer(
    verb: &str,
    done: &str,
    args: &Answer,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let mut digest = args.digest.clone();
    if digest.is_none() && shell.look.interactive {
        let open = client.gates(&global.namespace, &args.name).await?;
        let wanted = |gate: &&crate::client::Gate| {
            args.node.as_ref().is_none_or(|node| *node == gate.node || *node == gate.display_name)
        };
        if let Some(gate) = open.gates.iter().find(wanted) {
            write!(shell.err, "{}{verb} this? [y/N] ", gates::described(gate, shell.look))?;
            shell.err.flush()?;
            let mut line = String::new();
            shell.input.read_line(&mut line)?;
            if !matches!(line.trim(), "y" | "Y" | "yes") {
                writeln!(shell.err, "nothing was done")?;
                return Ok(Exit::FAILED);
            }
            digest = Some(gate.digest.clone());
        }
    }
    let answer = GateAnswer { node: args.node.clone(), digest, reason: args.reason.clone() };
    let gate = client.answer_gate(verb, &global.namespace, &args.name, &answer).await?;
    let count = match verb {
        "approve" => format!(" ({} of {})", gate.given.len(), gate.needed),
        _ => String::new(),
    };
    writeln!(shell.out, "gate {} of {} {done}{count}", tame(&gate.display_name), tame(&args.name))?;
    Ok(Exit::OK)
}
