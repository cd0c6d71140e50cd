//! `marque audit`: the record read, and proved. Verifying happens on this machine, whoever sent the record.
//! Not here: the proofs themselves (see `audit`), what a store must agree with (see `store::verify_folder`).

use std::{fs, path::PathBuf};

use ::audit::{
    LogKey, LogPublicKey, Report, VerifyFault,
    verify::{Found, FoundCheckpoint},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{answers, session};
use crate::{
    args::{Format, Global, Output},
    client::{Client, SentEntry},
    error::CliError,
    exit::Exit,
    render::table::{cut, table, tame},
    shell::{Look, Paint, Shell},
};

/// Entries that are asked for at once.
const PAGE: u64 = 500;

/// Read and verify the record.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Show entries of the record
    Log(Log),
    /// Prove that the record is whole
    Verify(Verify),
}

/// Show entries of the record.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque audit log
  marque audit log --first 0 --limit 10 -o json")]
pub struct Log {
    /// The first entry; without it, the last ones are shown
    #[arg(long, value_name = "NUMBER")]
    pub first: Option<u64>,
    /// How many entries
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub limit: u64,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Prove that the record is whole.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque audit verify
  marque audit verify --data /var/lib/marque --key log.pub

Without --data the server's log is fetched and verified on this machine. A key that comes from the same
place as the log proves only that nobody else changed it: keep a copy of the key, and name it with --key.")]
pub struct Verify {
    /// A data folder, verified as it lies there
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The file of the log's public key; without it, the one beside the log
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Reads or verifies the record.
///
/// # Errors
/// [`CliError`], among them [`CliError::Tampered`].
pub async fn audit(args: &Audit, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    match args {
        Audit::Log(args) => log(args, global, shell).await,
        Audit::Verify(args) => verify(args, global, shell).await,
    }
}

async fn log(args: &Log, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    let entries = match args.first {
        Some(first) => fetch(&client, first, first.saturating_add(args.limit)).await?,
        None => last(&client, args.limit).await?,
    };
    if answers::spelled(args.output.format, &entries, shell.out)? {
        return Ok(Exit::OK);
    }
    if args.output.format == Format::Name {
        for entry in &entries {
            writeln!(shell.out, "{}", entry.number)?;
        }
        return Ok(Exit::OK);
    }
    shell.out.write_all(entries_table(&entries, shell.look).as_bytes())?;
    Ok(Exit::OK)
}

/// Returns the last entries: from behind the signed head, and what has come since.
async fn last(client: &Client, limit: u64) -> Result<Vec<SentEntry>, CliError> {
    let size = client.checkpoint().await?.as_deref().and_then(size_of).unwrap_or_default();
    let mut entries = fetch(client, size.saturating_sub(limit), size.saturating_add(PAGE)).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let surplus = entries.len().saturating_sub(most);
    entries.drain(..surplus);
    Ok(entries)
}

/// Returns the size in a checkpoint's second line. Source: C2SP `tlog-checkpoint`.
fn size_of(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}

/// Returns the entries from `first` up to `end` (not included), as far as there are any.
async fn fetch(client: &Client, first: u64, end: u64) -> Result<Vec<SentEntry>, CliError> {
    let mut entries: Vec<SentEntry> = Vec::new();
    let mut next = first;
    while next < end {
        let wanted = PAGE.min(end.saturating_sub(next));
        let page = client.entries(next, wanted).await?.entries;
        let Some(number) = page.last().map(|entry| entry.number) else { break };
        next = number.saturating_add(1).max(next.saturating_add(1));
        // reading is on record too: whoever waits for an empty page reads on for ever
        let at_the_end = u64::try_from(page.len()).is_ok_and(|count| count < wanted);
        entries.extend(page);
        if at_the_end {
            break;
        }
    }
    Ok(entries)
}

async fn verify(args: &Verify, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let pinned = args.key.as_ref().map(read_key).transpose()?;
    let verified = match &args.data {
        Some(data) => {
            let key = pinned.map_or_else(|| key_beside(data), Ok)?;
            store::verify_folder(data, &key)
        }
        None => verify_server(&session::connect(global, shell)?, pinned).await?,
    };
    let report = verified.map_err(|faults| {
        CliError::Tampered(faults.iter().map(|fault| format!("{fault} [{}]", fault.code)).collect())
    })?;
    if !answers::spelled(args.output.format, &report_value(&report), shell.out)? {
        shell.out.write_all(report_text(&report, shell.look).as_bytes())?;
    }
    Ok(Exit::OK)
}

/// Fetches a server's whole log and verifies it here.
async fn verify_server(
    client: &Client,
    pinned: Option<LogPublicKey>,
) -> Result<Result<Report, Vec<VerifyFault>>, CliError> {
    let key = match pinned {
        Some(key) => key,
        None => parse_key(&client.log_key().await?)?,
    };
    let Some(note) = client.checkpoint().await? else {
        return Err(CliError::Tampered(vec!["the log has no signed head yet".to_owned()]));
    };
    let size = size_of(&note)
        .ok_or_else(|| CliError::Tampered(vec!["the log's signed head makes no sense".to_owned()]))?;
    let mut found = Vec::new();
    for entry in fetch(client, 0, size).await? {
        let decoded = |text: &str| {
            let damaged =
                || CliError::Tampered(vec![format!("entry {} is not sent as base64", entry.number)]);
            STANDARD.decode(text).map_err(|_| damaged())
        };
        found.push(Found { number: entry.number, body: decoded(&entry.body)?, leaf: decoded(&entry.leaf)? });
    }
    Ok(::audit::verify::verify(found, [FoundCheckpoint { size, note }], &key))
}

fn read_key(file: &PathBuf) -> Result<LogPublicKey, CliError> {
    parse_key(&fs::read_to_string(file).map_err(|error| CliError::read(file, error))?)
}

fn parse_key(text: &str) -> Result<LogPublicKey, CliError> {
    LogPublicKey::parse(text.trim())
        .map_err(|error| CliError::local("the log's public key cannot be read", error))
}

/// Returns the public half of the key in a data folder; never makes one.
fn key_beside(data: &std::path::Path) -> Result<LogPublicKey, CliError> {
    let path = data.join("keys").join("audit-log.p8");
    let bytes = fs::read(&path).map_err(|error| CliError::read(&path, error))?;
    let key = LogKey::from_pkcs8(&bytes);
    key.map(|key| key.public().clone())
        .map_err(|error| CliError::local("the log's key cannot be read", error))
}

/// Returns what a whole log holds, as people read it.
pub(crate) fn report_text(report: &Report, look: Look) -> String {
    let good = look.paint(Paint::Good, "the record is whole");
    let root = STANDARD.encode(report.root);
    format!(
        "{good}: {}, {} of them under a signed head ({} checked)\n  \
         {} allowed, {} denied, {} by nobody known, {} without an outcome\n  log  {}\n  root {root}\n",
        counted(report.entries, "entry", "entries"),
        report.signed,
        counted(report.checkpoints, "checkpoint", "checkpoints"),
        report.allowed,
        report.denied,
        report.unauthenticated,
        report.unfinished,
        report.origin,
    )
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn report_value(report: &Report) -> Value {
    serde_json::json!({
        "verified": true,
        "origin": report.origin,
        "entries": report.entries,
        "signed": report.signed,
        "checkpoints": report.checkpoints,
        "root": STANDARD.encode(report.root),
        "allowed": report.allowed,
        "denied": report.denied,
        "unauthenticated": report.unauthenticated,
        "unfinished": report.unfinished,
    })
}

/// Returns entries as a table.
pub(crate) fn entries_table(entries: &[SentEntry], look: Look) -> String {
    let rows: Vec<[String; 5]> = entries.iter().map(|entry| row(entry, look)).collect();
    table(["ENTRY", "TIME", "WHO", "WHAT", "RESULT"], &rows)
}

fn row(sent: &SentEntry, look: Look) -> [String; 5] {
    let text = |path: &str| sent.entry.pointer(path).and_then(Value::as_str).map(tame).unwrap_or_default();
    let at = text("/at").split('.').next().unwrap_or_default().trim_end_matches('Z').replace('T', " ");
    let (who, what, result) = match text("/kind").as_str() {
        "attempt" => {
            let what = format!("{} {}", text("/action"), text("/resource"));
            let run = if text("/onBehalfRun").is_empty() { "" } else { " (run)" };
            let paint = if text("/decision") == "allow" { Paint::Good } else { Paint::Bad };
            (format!("{}{run}", text("/principal/sub")), what, look.paint(paint, text("/decision")))
        }
        "outcome" => {
            let attempt = sent.entry.get("attempt").and_then(Value::as_u64).unwrap_or_default();
            let error = text("/error");
            let result =
                if error.is_empty() { "done".to_owned() } else { look.paint(Paint::Bad, cut(&error, 50)) };
            (String::new(), format!("outcome of {attempt}"), result)
        }
        "stored" => {
            let attempt = sent.entry.get("attempt").and_then(Value::as_u64).unwrap_or_default();
            (String::new(), format!("stored for {attempt}"), String::new())
        }
        "unauthenticated" => {
            ("nobody known".to_owned(), text("/request"), look.paint(Paint::Bad, text("/reason")))
        }
        other => (String::new(), other.to_owned(), String::new()),
    };
    [sent.number.to_string(), at, cut(&who, 30), cut(&what, 60), cut_painted(result)]
}

/// A painted cell is short by construction; others are cut.
fn cut_painted(cell: String) -> String {
    if cell.contains('\u{1b}') { cell } else { cut(&cell, 60) }
}
