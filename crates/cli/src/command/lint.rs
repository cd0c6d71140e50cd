//! `marque lint`: manifests checked without a server: each for itself, and all of them together.
//! Not here: what a server holds already (see `apply --dry-run`).

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use model::{
    Fault,
    argo::Findings,
    manifest::{Manifest, OfKinds, parse, parse_kinds},
};
use serde_json::{Value, json};

use super::{sheets, together};
use crate::{
    args::Global,
    client::Kind,
    error::{CliError, SourceText, plural},
    exit::Exit,
    render::{
        fault::{self, Drawable},
        table::tame,
    },
    shell::{Paint, Shell},
};

/// How the findings are spelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Spelling {
    /// For people
    #[default]
    #[value(alias = "pretty")]
    Text,
    /// A line for each finding
    Simple,
    /// A list with one element a file
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Check manifests without a server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque lint workflow.yaml
  marque lint examples/payroll
  marque lint -o sarif workflow.yaml > findings.sarif

The files are checked together: what one refers to may be in another. Warnings tell of what means something only on
Kubernetes, and of spellings that Argo 4 removed; they don't make a file invalid.")]
pub struct Lint {
    /// Files, folders of manifests, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only objects of these kinds: all, workflows, workflowtemplates, clusterworkflowtemplates, cronworkflows
    #[arg(long, value_name = "KIND,…", value_delimiter = ',')]
    pub kinds: Vec<Kinds>,
    /// How the findings are spelled
    #[arg(short = 'o', long = "output", value_enum, default_value_t, hide_default_value = true)]
    pub output: Spelling,
    /// Taken for the sake of scripts for `argo lint`: checking is always strict
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide = true)]
    pub strict: bool,
    /// Taken for the sake of scripts for `argo lint`: no server is asked
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide = true)]
    pub offline: bool,
}

/// Kinds of objects, as `argo lint` calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kinds {
    /// Everything
    All,
    /// Workflows
    #[value(name = "workflows", alias = "wf")]
    Workflows,
    /// WorkflowTemplates
    #[value(name = "workflowtemplates", alias = "wftmpl")]
    WorkflowTemplates,
    /// ClusterWorkflowTemplates
    #[value(name = "clusterworkflowtemplates", alias = "cwft")]
    ClusterWorkflowTemplates,
    /// CronWorkflows
    #[value(name = "cronworkflows", alias = "cron")]
    CronWorkflows,
}

impl Kinds {
    const fn kind(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::Workflows => Some("Workflow"),
            Self::WorkflowTemplates => Some("WorkflowTemplate"),
            Self::ClusterWorkflowTemplates => Some("ClusterWorkflowTemplate"),
            Self::CronWorkflows => Some("CronWorkflow"),
        }
    }
}

/// Check objects of one kind without a server.
#[derive(Debug, Args)]
pub struct OfKind {
    /// Files, folders of manifests, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How the findings are spelled
    #[arg(short = 'o', long = "output", value_enum, default_value_t, hide_default_value = true)]
    pub output: Spelling,
    /// Taken for the sake of scripts for `argo lint`: checking is always strict
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide = true)]
    pub strict: bool,
}

/// What is checked, and how it is told.
struct Asked<'a> {
    /// How the command is called.
    command: &'a str,
    files: &'a [PathBuf],
    /// All kinds when empty.
    kinds: Vec<&'static str>,
    output: Spelling,
}

/// Checks manifests.
///
/// # Errors
/// [`CliError::File`]; faults that were found are told, and make the exit code.
pub fn lint(args: &Lint, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let all = args.kinds.contains(&Kinds::All);
    let kinds = args.kinds.iter().filter_map(|kind| kind.kind()).filter(|_| !all).collect();
    let asked = Asked { command: "lint", files: &args.files, kinds, output: args.output };
    checked(&asked, global, shell)
}

/// Checks the objects of one kind; others in the files are only what these may refer to.
///
/// # Errors
/// [`CliError::File`]; faults that were found are told, and make the exit code.
pub(super) fn of_kind(
    kind: Kind,
    args: &OfKind,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let command = match kind {
        Kind::WorkflowTemplate => "template lint",
        Kind::ClusterWorkflowTemplate => "cluster-template lint",
        Kind::CronWorkflow => "cron lint",
    };
    let asked = Asked { command, files: &args.files, kinds: vec![kind.as_str()], output: args.output };
    checked(&asked, global, shell)
}

fn checked(asked: &Asked<'_>, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    if asked.files.is_empty() {
        // in the words of `argo`
        writeln!(shell.err, "Error: requires at least 1 arg(s), only received 0")?;
        writeln!(shell.err, "Usage:\n  marque {} FILE...", asked.command)?;
        return Ok(Exit::USAGE);
    }
    let texts = sheets::read_all(asked.files, shell.input)?;
    let (mut meant, mut others): (Vec<Manifest>, Vec<Manifest>) = (Vec::new(), Vec::new());
    let mut faults = Vec::new();
    for source in &texts {
        let parsed = match asked.kinds.as_slice() {
            [] => parse(&source.file, &source.text).map(|meant| OfKinds { meant, others: Vec::new() }),
            kinds => parse_kinds(&source.file, &source.text, kinds),
        };
        match parsed {
            Ok(found) => {
                meant.extend(found.meant);
                others.extend(found.others);
            }
            Err(found) => faults.extend(found),
        }
    }
    if meant.is_empty() && faults.is_empty() {
        writeln!(shell.err, "found nothing to lint in the specified paths, failing...")?;
        return Ok(Exit::FAILED);
    }
    meant.iter_mut().chain(&mut others).for_each(|manifest| manifest.default_namespace(&global.namespace));
    let mut findings = together::look_through(&meant, &others);
    findings.faults.splice(0..0, faults);
    match asked.output {
        Spelling::Json => writeln!(shell.out, "{:#}", by_file(&texts, &findings))?,
        Spelling::Sarif => writeln!(shell.out, "{:#}", sarif(&findings))?,
        Spelling::Simple => for_lines(&findings, shell)?,
        Spelling::Text => for_people(&findings, &texts, meant.len(), shell)?,
    }
    Ok(if findings.faults.is_empty() { Exit::OK } else { Exit::FAILED })
}

fn for_people(
    findings: &Findings,
    texts: &[SourceText],
    count: usize,
    shell: &mut Shell<'_>,
) -> Result<(), CliError> {
    for warning in &findings.warnings {
        let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        writeln!(shell.err, "{}: {warning}{help}", shell.look.paint(Paint::Waiting, "warning"))?;
    }
    if !findings.faults.is_empty() {
        let drawn: Vec<Drawable> = findings.faults.iter().cloned().map(Drawable::from).collect();
        shell.err.write_all(fault::faults(&drawn, texts, shell.look).as_bytes())?;
        let mark = shell.look.paint(Paint::Bad, "✖");
        writeln!(shell.err, "{mark} {} linting errors found!", drawn.len())?;
        return Ok(());
    }
    let warned = match findings.warnings.len() {
        0 => String::new(),
        some => format!(", {}", plural(some, "warning")),
    };
    let (what, files) = (plural(count, "object"), plural(texts.len(), "file"));
    let mark = shell.look.paint(Paint::Good, "✔");
    writeln!(shell.out, "{mark} no linting errors found! ({what} in {files}{warned})")?;
    Ok(())
}

/// A line for each finding, as compilers have them.
fn for_lines(findings: &Findings, shell: &mut Shell<'_>) -> Result<(), CliError> {
    for (name, found) in [("error", &findings.faults), ("warning", &findings.warnings)] {
        for fault in found {
            let place = fault.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            writeln!(shell.out, "{place}{name}: {}", tame(&fault.message))?;
        }
    }
    Ok(())
}

fn by_file(texts: &[SourceText], findings: &Findings) -> Value {
    let of = |file: &str, all: &[Fault]| -> Vec<Value> {
        let first = texts.first().map(|text| text.file.as_str());
        // what is written nowhere is told with the first file
        let belongs = |fault: &&Fault| match &fault.place {
            Some(place) => *place.file == *file,
            None => Some(file) == first,
        };
        all.iter().filter(belongs).map(shown).collect()
    };
    let file = |source: &SourceText| {
        let errors = of(&source.file, &findings.faults);
        json!({
            "file": source.file,
            "valid": errors.is_empty(),
            "errors": errors,
            "warnings": of(&source.file, &findings.warnings),
        })
    };
    Value::Array(texts.iter().map(file).collect())
}

fn shown(fault: &Fault) -> Value {
    let (line, column) = fault.place.as_ref().map_or((1, 1), |place| (place.line, place.column));
    json!({"message": fault.message, "line": line, "column": column})
}

/// Source: OASIS SARIF 2.1.0.
fn sarif(findings: &Findings) -> Value {
    let faults = findings.faults.iter().map(|fault| (fault, "error"));
    let warnings = findings.warnings.iter().map(|fault| (fault, "warning"));
    let all: Vec<(&Fault, &str)> = faults.chain(warnings).collect();
    let mut codes: Vec<&str> = all.iter().map(|(fault, _)| fault.code.0).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| json!({ "id": code })).collect();
    let result = |(fault, level): &(&Fault, &str)| {
        let text = match &fault.help {
            Some(help) => format!("{}; {help}", fault.message),
            None => fault.message.clone(),
        };
        let mut result = json!({"ruleId": fault.code.0, "level": level, "message": {"text": text}});
        if let (Some(place), Some(fields)) = (&fault.place, result.as_object_mut()) {
            let region = json!({"startLine": place.line, "startColumn": place.column});
            let location = json!({"artifactLocation": {"uri": *place.file}, "region": region});
            fields.insert("locations".to_owned(), json!([{ "physicalLocation": location }]));
        }
        result
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "marque", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": all.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}
