//! `marque whoami`: who the server takes the caller for. Not here: what the caller may (see `explain`).

use clap::Args;

use super::{answers, session};
use crate::{
    args::{Format, Global, Output},
    error::CliError,
    exit::Exit,
    render::table::tame,
    shell::Shell,
};

/// Say who the server takes you for.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque whoami
  marque whoami -o json")]
pub struct Whoami {
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Says who the caller is.
///
/// # Errors
/// [`CliError`].
pub async fn whoami(args: &Whoami, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let me = client.who_am_i().await?;
    if answers::spelled(args.output.format, &me, shell.out)? {
        return Ok(Exit::OK);
    }
    if args.output.format == Format::Name {
        writeln!(shell.out, "{}", tame(&me.subject))?;
        return Ok(Exit::OK);
    }
    let lines = [
        ("User:", tame(&me.subject)),
        ("Name:", tame(me.name.as_deref().unwrap_or_default())),
        ("Groups:", tame(&me.groups.join(", "))),
        ("Vouched by:", tame(&format!("{} ({})", me.provider, me.issuer))),
        ("Methods:", tame(&me.amr.join(", "))),
        ("Server:", client.server().to_owned()),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(shell.out, "{name:<12}{value}")?;
    }
    Ok(Exit::OK)
}
