//! Objects that the server keeps, as the commands for templates and schedules have them in common: read from files,
//! created, put anew, shown, listed, deleted. Source: Argo `cmd/argo/commands/{template,clustertemplate,cron}`.
//! Not here: what each kind shows of itself (`render::kept`), checking without a server (`lint`).

use std::path::PathBuf;

use audit::Clock as _;
use clap::Args;
use model::manifest::{Manifest, parse_kinds};
use runner::clock::SystemClock;
use serde_json::Value;

use super::{answers, session, sheets};
use crate::{
    args::{Format, Global, Output},
    client::{Client, Kind},
    error::CliError,
    exit::Exit,
    render::{kept, table::tame},
    shell::Shell,
};

/// Files of objects.
#[derive(Debug, Args)]
pub struct Files {
    /// Files, folders of manifests, or `-` for standard input; objects of other kinds in them are left alone
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
    /// Taken for the sake of scripts for `argo`: checking is always strict
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide = true)]
    pub strict: bool,
}

/// Objects by name.
#[derive(Debug, Args)]
pub struct Names {
    /// Their names
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Which objects are listed.
#[derive(Debug, Args)]
pub struct Listing {
    /// Only those whose labels fit
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// Of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// How the answer is spelled
    #[command(flatten)]
    pub output: Output,
}

/// Which objects are deleted.
#[derive(Debug, Args)]
pub struct Deletion {
    /// Their names
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    pub names: Vec<String>,
    /// All of the namespace that may be seen
    #[arg(long)]
    pub all: bool,
}

/// Returns the objects of a kind that the files hold, in their order.
///
/// # Errors
/// [`CliError::Faults`] for what is wrong with them, [`CliError::Usage`] if there is none.
pub(super) fn read(kind: Kind, files: &[PathBuf], shell: &mut Shell<'_>) -> Result<Vec<Manifest>, CliError> {
    let texts = sheets::read_all(files, shell.input)?;
    let mut objects = Vec::new();
    let mut faults = Vec::new();
    for source in &texts {
        match parse_kinds(&source.file, &source.text, &[kind.as_str()]) {
            Ok(found) => objects.extend(found.meant),
            Err(found) => faults.extend(found),
        }
    }
    if !faults.is_empty() {
        return Err(sheets::faulty(faults, &texts));
    }
    if objects.is_empty() {
        return Err(CliError::Usage(format!("no {} found in the given files", kind.as_str())));
    }
    Ok(objects)
}

/// Creates the objects of files, one after the other.
///
/// # Errors
/// As [`read`] and [`create_all`].
pub(super) async fn create(
    kind: Kind,
    args: &Files,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let manifests = read(kind, &args.files, shell)?;
    create_all(kind, &manifests, args.output.format, global, shell).await
}

/// Creates objects, one after the other.
///
/// # Errors
/// [`CliError`] of the first that could not be created; those before it are there.
pub(super) async fn create_all(
    kind: Kind,
    manifests: &[Manifest],
    format: Format,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    for object in manifests.iter().map(Manifest::to_json) {
        let made = client.create_object(kind, &namespace_of(kind, &object, global), &object).await?;
        show(kind, &made, format, shell)?;
    }
    Ok(Exit::OK)
}

/// Puts objects in the place of those of their names, one after the other.
///
/// # Errors
/// [`CliError`] of the first that could not be put; those before it are.
pub(super) async fn update(
    kind: Kind,
    args: &Files,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let objects = read(kind, &args.files, shell)?;
    let client = session::connect(global, shell)?;
    for object in objects.iter().map(Manifest::to_json) {
        let namespace = namespace_of(kind, &object, global);
        let put = client.update_object(kind, (&namespace, name_of(&object)), &object).await?;
        show(kind, &put, args.output.format, shell)?;
    }
    Ok(Exit::OK)
}

/// Shows objects.
///
/// # Errors
/// [`CliError`] of the first that can't be seen.
pub(super) async fn get(
    kind: Kind,
    args: &Names,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    for name in &args.names {
        let found = client.object(kind, &global.namespace, name).await?;
        show(kind, &found, args.output.format, shell)?;
    }
    Ok(Exit::OK)
}

/// Lists objects.
///
/// # Errors
/// [`CliError`].
pub(super) async fn list(
    kind: Kind,
    args: &Listing,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let namespace = if args.all_namespaces { "" } else { global.namespace.as_str() };
    let selector = args.selector.as_deref().map(str::trim);
    let found = session::connect(global, shell)?.objects(kind, namespace, selector).await?;
    let names = found.iter().map(name_of);
    if answers::spelled_or_named(args.output.format, &found, names, shell.out)? {
        return Ok(Exit::OK);
    }
    let table = kept::table(kind, &found, args.all_namespaces, SystemClock.now());
    shell.out.write_all(table.as_bytes())?;
    Ok(Exit::OK)
}

/// Deletes objects.
///
/// # Errors
/// [`CliError`] of the first that could not be deleted; those before it are gone.
pub(super) async fn delete(
    kind: Kind,
    args: &Deletion,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let client = session::connect(global, shell)?;
    for name in names(kind, args, &client, global).await? {
        client.delete_object(kind, &global.namespace, &name).await?;
        writeln!(shell.out, "{} '{}' deleted", kind.as_str(), tame(&name))?;
    }
    Ok(Exit::OK)
}

async fn names(
    kind: Kind,
    args: &Deletion,
    client: &Client,
    global: &Global,
) -> Result<Vec<String>, CliError> {
    if !args.all {
        return Ok(args.names.clone());
    }
    let all = client.objects(kind, &global.namespace, None).await?;
    Ok(all.iter().map(|object| name_of(object).to_owned()).collect())
}

fn name_of(object: &Value) -> &str {
    kept::text(object, "/metadata/name")
}

fn namespace_of(kind: Kind, object: &Value, global: &Global) -> String {
    let own = kept::text(object, "/metadata/namespace");
    match kind {
        Kind::ClusterWorkflowTemplate => String::new(),
        _ if own.is_empty() => global.namespace.clone(),
        _ => own.to_owned(),
    }
}

fn show(kind: Kind, object: &Value, format: Format, shell: &mut Shell<'_>) -> Result<(), CliError> {
    if !answers::spelled_or_named(format, object, [name_of(object)], shell.out)? {
        shell.out.write_all(kept::heading(kind, object, SystemClock.now()).as_bytes())?;
    }
    Ok(())
}
