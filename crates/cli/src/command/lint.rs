//! `marque lint`: manifests checked without a server: each for itself, and all of them together.
//! Not here: what a server holds already (see `apply --dry-run`).

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use model::{Fault, argo::Findings, manifest::Manifest};
use serde_json::{Value, json};

use super::{sheets, together};
use crate::{
    args::Global,
    error::{CliError, SourceText, plural},
    exit::Exit,
    shell::{Paint, Shell},
};

/// How the findings are spelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Spelling {
    /// For people
    #[default]
    Text,
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
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// How the findings are spelled
    #[arg(short = 'o', long = "output", value_enum, default_value_t, hide_default_value = true)]
    pub output: Spelling,
    /// Taken for the sake of scripts for `argo lint`: checking is always strict
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide = true)]
    pub strict: bool,
    /// Taken for the sake of scripts for `argo lint`: no server is asked
    #[arg(long, hide = true)]
    pub offline: bool,
}

/// Checks manifests.
///
/// # Errors
/// [`CliError::Faults`] with every fault found, when they are spelled for people.
pub fn lint(args: &Lint, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let texts = sheets::read_all(&args.files, shell.input)?;
    let mut manifests: Vec<Manifest> = Vec::new();
    let mut faults = Vec::new();
    for source in &texts {
        match model::manifest::parse(&source.file, &source.text) {
            Ok(found) => manifests.extend(found),
            Err(found) => faults.extend(found),
        }
    }
    manifests.iter_mut().for_each(|manifest| manifest.default_namespace(&global.namespace));
    let mut findings = together::look_through(&manifests);
    findings.faults.splice(0..0, faults);
    let exit = if findings.faults.is_empty() { Exit::OK } else { Exit::FAILED };
    match args.output {
        Spelling::Json => writeln!(shell.out, "{:#}", by_file(&texts, &findings))?,
        Spelling::Sarif => writeln!(shell.out, "{:#}", sarif(&findings))?,
        Spelling::Text => return for_people(findings, &texts, manifests.len(), shell),
    }
    Ok(exit)
}

fn for_people(
    findings: Findings,
    texts: &[SourceText],
    count: usize,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    for warning in &findings.warnings {
        let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        writeln!(shell.err, "{}: {warning}{help}", shell.look.paint(Paint::Waiting, "warning"))?;
    }
    if !findings.faults.is_empty() {
        return Err(sheets::faulty(findings.faults, texts));
    }
    let warned = match findings.warnings.len() {
        0 => String::new(),
        some => format!(", {}", plural(some, "warning")),
    };
    let what = plural(count, "object");
    writeln!(shell.out, "{what} in {}: no fault found{warned}", plural(texts.len(), "file"))?;
    Ok(Exit::OK)
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
