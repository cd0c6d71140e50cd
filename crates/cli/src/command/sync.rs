//! `marque sync`: the limits of semaphores, in ConfigMaps or in the server's own store. Source: Argo
//! `cmd/argo/commands/sync`. Not here: who holds what.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::{answers, session};
use crate::{
    args::{Global, Output},
    client::LimitHome,
    error::CliError,
    exit::Exit,
    render::{kept, table::tame},
    shell::Shell,
};

/// Work on the limits of semaphores.
#[derive(Debug, Subcommand)]
pub enum Sync {
    /// Create a limit
    #[command(after_help = "Examples:
  marque sync create builds --type configmap --cm-name limits --limit 4 -n ci
  marque sync create builds --type database --limit 4 -n ci")]
    Create(Limited),
    /// Show a limit
    #[command(after_help = "Examples:
  marque sync get builds --type configmap --cm-name limits -n ci")]
    Get(Limit),
    /// Change a limit that is there
    #[command(after_help = "Examples:
  marque sync update builds --type configmap --cm-name limits --limit 8 -n ci")]
    Update(Limited),
    /// Delete a limit
    #[command(after_help = "Examples:
  marque sync delete builds --type configmap --cm-name limits -n ci")]
    Delete(Limit),
}

/// Where a limit is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Type {
    /// Under its key in a ConfigMap
    #[value(name = "configmap")]
    ConfigMap,
    /// In the server's own store
    Database,
}

/// A limit.
#[derive(Debug, Args)]
pub struct Limit {
    /// Its key
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Where it is kept
    #[arg(long = "type", value_enum)]
    pub of: Type,
    /// The ConfigMap
    #[arg(long, value_name = "CONFIGMAP", required_if_eq("of", "configmap"))]
    pub cm_name: Option<String>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// A limit and how much it is.
#[derive(Debug, Args)]
pub struct Limited {
    /// Which
    #[command(flatten)]
    pub which: Limit,
    /// How many may hold it at once
    #[arg(long, value_name = "COUNT")]
    pub limit: u32,
}

/// Does what is asked of limits.
///
/// # Errors
/// [`CliError`].
pub async fn sync(args: &Sync, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let namespace = global.namespace.as_str();
    match args {
        Sync::Create(Limited { which, limit }) => {
            let made = client.create_limit((namespace, &which.key), &which.home(), *limit).await?;
            show(Some("Sync limit created"), which, &made, shell)
        }
        Sync::Get(which) => {
            let found = client.limit((namespace, &which.key), &which.home()).await?;
            show(None, which, &found, shell)
        }
        Sync::Update(Limited { which, limit }) => {
            let put = client.update_limit((namespace, &which.key), &which.home(), *limit).await?;
            show(Some("Sync limit updated"), which, &put, shell)
        }
        Sync::Delete(which) => {
            client.delete_limit((namespace, &which.key), &which.home()).await?;
            writeln!(shell.out, "Sync limit deleted")?;
            Ok(Exit::OK)
        }
    }
}

impl Limit {
    fn home(&self) -> LimitHome {
        match self.of {
            Type::ConfigMap => LimitHome::ConfigMap(self.cm_name.clone().unwrap_or_default()),
            Type::Database => LimitHome::Database,
        }
    }
}

fn show(done: Option<&str>, which: &Limit, limit: &Value, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    if answers::spelled(which.output.format, limit, shell.out)? {
        return Ok(Exit::OK);
    }
    if let Some(done) = done {
        writeln!(shell.out, "{done}")?;
    }
    writeln!(shell.out, "Key: {}", tame(kept::text(limit, "/key")))?;
    match which.of {
        Type::ConfigMap => {
            writeln!(shell.out, "Type: configmap")?;
            writeln!(shell.out, "ConfigMap Name: {}", tame(kept::text(limit, "/cmName")))?;
        }
        Type::Database => writeln!(shell.out, "Type: database")?,
    }
    writeln!(shell.out, "Namespace: {}", tame(kept::text(limit, "/namespace")))?;
    writeln!(shell.out, "Limit: {}", limit.get("limit").map(ToString::to_string).unwrap_or_default())?;
    Ok(Exit::OK)
}
