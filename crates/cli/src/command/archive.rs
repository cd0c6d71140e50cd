//! `marque archive`: runs that have ended and are kept in the archive. Source: Argo `cmd/argo/commands/archive`.
//! Not here: runs that are there still (`list`, `get`), how long either is kept (the server's configuration).

use audit::Clock as _;
use clap::{Args, Subcommand};
use runner::clock::SystemClock;
use serde_json::{Value, json};

use super::{
    answers,
    list::{Columns, runs},
    operate::fields,
    parameters, session,
    submit::Then,
};
use crate::{
    args::{Format, Global, Output, Parameter},
    client::ListQuery,
    error::CliError,
    exit::Exit,
    render::{
        table::{aligned, tame},
        tree,
    },
    shell::Shell,
};

/// Work on archived runs; each is named by its uid.
#[derive(Debug, Subcommand)]
pub enum Archive {
    /// List archived runs
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  marque archive list -n finance
  marque archive list -l team=data -o name"
    )]
    List(ArchiveList),
    /// Show an archived run with its nodes
    #[command(after_help = "Examples:
  marque archive get 0193a1c2-7d2e-7b7a-9d57-6d1f3c2b4a59")]
    Get(ArchiveGet),
    /// Delete archived runs; the record keeps them
    #[command(after_help = "Examples:
  marque archive delete 0193a1c2-7d2e-7b7a-9d57-6d1f3c2b4a59")]
    Delete(ArchiveDelete),
    /// Run again what failed of an archived run
    Retry(ArchiveRetry),
    /// Submit archived runs once more, in your own name
    Resubmit(ArchiveResubmit),
    /// List the keys of the labels that archived runs have
    #[command(after_help = "Examples:
  marque archive list-label-keys")]
    ListLabelKeys,
    /// List the values that a label of archived runs has
    #[command(after_help = "Examples:
  marque archive list-label-values -l team")]
    ListLabelValues(ArchiveLabel),
}

/// Which archived runs are listed.
#[derive(Debug, Args)]
pub struct ArchiveList {
    /// Only runs whose labels fit
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// Only runs whose names begin so
    #[arg(long)]
    pub prefix: Option<String>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Which archived run is shown.
#[derive(Debug, Args)]
pub struct ArchiveGet {
    /// Its uid
    #[arg(value_name = "UID")]
    pub uid: String,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Which archived runs are deleted.
#[derive(Debug, Args)]
pub struct ArchiveDelete {
    /// Their uids
    #[arg(value_name = "UID", required = true)]
    pub uids: Vec<String>,
}

/// Which archived run is retried, and how.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque archive retry 0193a1c2-7d2e-7b7a-9d57-6d1f3c2b4a59")]
pub struct ArchiveRetry {
    /// Its uid
    #[arg(value_name = "UID")]
    pub uid: String,
    /// Run nodes that went well again, too, if the selector means them
    #[arg(long, requires = "node_field_selector")]
    pub restart_successful: bool,
    /// Which nodes, as Argo selects them
    #[arg(long, value_name = "SELECTOR")]
    pub node_field_selector: Option<String>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Which archived run is resubmitted, and how.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque archive resubmit 0193a1c2-7d2e-7b7a-9d57-6d1f3c2b4a59 --memoized")]
pub struct ArchiveResubmit {
    /// Its uid
    #[arg(value_name = "UID")]
    pub uid: String,
    /// Take over what went well
    #[arg(long)]
    pub memoized: bool,
    /// A parameter in the place of the earlier run's
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<Parameter>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// The label whose values are listed.
#[derive(Debug, Args)]
pub struct ArchiveLabel {
    /// The label's key
    #[arg(short = 'l', long, value_name = "KEY")]
    pub selector: String,
}

/// Does what is asked of the archive.
///
/// # Errors
/// [`CliError`].
pub async fn archive(args: &Archive, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    match args {
        Archive::List(args) => list(args, global, shell).await,
        Archive::Get(args) => get(args, global, shell).await,
        Archive::Delete(args) => {
            let client = session::connect(global, shell)?;
            for uid in &args.uids {
                client.delete_archived(uid).await?;
                writeln!(shell.out, "Archived workflow '{}' deleted", tame(uid))?;
            }
            Ok(Exit::OK)
        }
        Archive::Retry(args) => {
            let asked = [
                ("restartSuccessful", json!(args.restart_successful)),
                ("nodeFieldSelector", json!(args.node_field_selector.clone().unwrap_or_default())),
            ];
            again("retry", &args.uid, asked, args.output.format, global, shell).await
        }
        Archive::Resubmit(args) => {
            let asked =
                [("memoized", json!(args.memoized)), ("parameters", parameters::pairs(&args.parameters))];
            again("resubmit", &args.uid, asked, args.output.format, global, shell).await
        }
        Archive::ListLabelKeys => labels("keys", None, global, shell).await,
        Archive::ListLabelValues(args) => labels("values", Some(&args.selector), global, shell).await,
    }
}

async fn list(args: &ArchiveList, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let query = ListQuery::of(args.selector.as_deref(), None);
    let prefix = args.prefix.clone().unwrap_or_default();
    let found = session::connect(global, shell)?.archived(&global.namespace, &prefix, &query).await?;
    let names = found.iter().map(|run| run.metadata.name.as_str());
    if answers::spelled_or_named(args.output.format, &found, names, shell.out)? {
        return Ok(Exit::OK);
    }
    let columns = Columns { uid: true, wide: args.output.format == Format::Wide, ..Columns::default() };
    shell.out.write_all(runs(&found, columns, SystemClock.now(), shell.look).as_bytes())?;
    Ok(Exit::OK)
}

async fn get(args: &ArchiveGet, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let run = session::connect(global, shell)?.archived_run(&args.uid).await?;
    if answers::spelled_or_named(args.output.format, &run, [run.metadata.name.as_str()], shell.out)? {
        return Ok(Exit::OK);
    }
    let now = SystemClock.now();
    shell.out.write_all(tree::heading(&run, now, shell.look).as_bytes())?;
    if let Some(status) = &run.status {
        writeln!(shell.out)?;
        shell.out.write_all(tree::tree(&run.metadata.name, status, now, shell.look).as_bytes())?;
    }
    Ok(Exit::OK)
}

async fn again<const N: usize>(
    verb: &str,
    uid: &str,
    asked: [(&str, Value); N],
    format: Format,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let mut body = fields(asked);
    body.insert("uid".to_owned(), json!(uid));
    body.insert("namespace".to_owned(), json!(global.namespace));
    let run = client.operate_archived(verb, uid, &body).await?;
    Then { watch: false, wait: false, format }.show(&client, run, shell).await
}

async fn labels(
    of: &str,
    selector: Option<&str>,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let found = session::connect(global, shell)?.archived_labels(of, selector).await?;
    let rows: Vec<Vec<String>> = found.iter().map(|label| vec![tame(label)]).collect();
    shell.out.write_all(aligned(&rows).as_bytes())?;
    Ok(Exit::OK)
}
