//! `marque gates`: what waits for approval, and what exactly an approval binds to. Not here: approving (see `answer`).

use std::fmt::Write as _;

use clap::Args;
use serde_json::Value;

use super::{answers, session};
use crate::{
    args::{Format, Global, Output},
    client::Gate,
    error::CliError,
    exit::Exit,
    render::{span, table::tame},
    shell::{Look, Paint, Shell},
};

/// Show the open gates of a run, and what an approval binds to.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque gates payroll-export-x7k2p -n finance")]
pub struct Gates {
    /// The run
    #[arg(value_name = "NAME")]
    pub name: String,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Shows gates.
///
/// # Errors
/// [`CliError`].
pub async fn gates(args: &Gates, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let gates = session::connect(global, shell)?.gates(&global.namespace, &args.name).await?;
    if answers::spelled(args.output.format, &gates, shell.out)? {
        return Ok(Exit::OK);
    }
    for gate in &gates.gates {
        if args.output.format == Format::Name {
            writeln!(shell.out, "{}", tame(&gate.display_name))?;
        } else {
            shell.out.write_all(described(gate, shell.look).as_bytes())?;
        }
    }
    if gates.gates.is_empty() && args.output.format == Format::Text {
        writeln!(shell.err, "no gate of `{}` is open", tame(&args.name))?;
    }
    Ok(Exit::OK)
}

/// Returns a gate as people read it.
pub(crate) fn described(gate: &Gate, look: Look) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", look.paint(Paint::Heading, tame(&gate.display_name)));
    let approvers: Vec<String> = gate.given.iter().map(|given| tame(given.who())).collect();
    let given = if approvers.is_empty() { String::new() } else { format!(" ({})", approvers.join(", ")) };
    let _ = writeln!(text, "  approvals  {} of {}{given}", gate.given.len(), gate.needed);
    if let Some(at) = gate.expires_at {
        let _ = writeln!(text, "  open until {}", span::moment(at));
    }
    let _ = writeln!(text, "  digest     {}", tame(&gate.digest));
    for (name, value) in &gate.parameters {
        let value = match value {
            Value::String(value) => tame(value),
            other => other.to_string(),
        };
        let _ = writeln!(text, "  {:<10} {value}", format!("{}:", tame(name)));
    }
    text
}
