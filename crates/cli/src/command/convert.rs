//! `marque convert`: manifests in the spellings of Argo 3 written in those of version 4, as `argo convert` does; comments
//! and everything else stay as they are.
//! Not here: how a text is changed (see `model::argo::renew`).

use std::{fs, io::Write as _, path::PathBuf};

use clap::{Args, ValueEnum};
use model::argo::{Renewed, renew};

use super::sheets;
use crate::{
    error::{CliError, SourceText, plural},
    exit::Exit,
    shell::Shell,
};

/// Write Argo 3's spellings as Argo 4 has them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque convert cron.yaml > cron-4.yaml
  marque convert --write old/
  marque convert -o json - < cron.yaml

`schedule` becomes `schedules`, `mutex` and `semaphore` become `mutexes` and `semaphores`, `podPriority` a comment.
Comments, order and everything else stay as they are. The result goes to standard output; several files are separated
by `---`.")]
pub struct Convert {
    /// Files, folders of manifests, or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write the files anew instead of printing them
    #[arg(short, long, conflicts_with = "output")]
    pub write: bool,
    /// How the result is spelled; JSON has no comments
    #[arg(short = 'o', long, value_enum)]
    pub output: Option<Spelling>,
}

/// How converted manifests are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Spelling {
    /// As they were, in all else
    Yaml,
    /// JSON, one object after the other
    Json,
}

/// Prints manifests in the spellings of version 4, or writes them anew.
///
/// # Errors
/// [`CliError::Faults`] if a file is not YAML or has a field that cannot be changed; nothing is written then.
pub fn convert(args: &Convert, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    if args.write && args.files.iter().any(|file| file.as_os_str() == "-") {
        return Err(CliError::Usage("standard input cannot be written anew: leave out `--write`".to_owned()));
    }
    let texts = sheets::read_all(&args.files, shell.input)?;
    let mut converted = Vec::new();
    let mut faults = Vec::new();
    for source in &texts {
        match renew(&source.file, &source.text) {
            Ok(Renewed { left: Some(fault), .. }) => faults.push(fault),
            Ok(renewed) => converted.push((source, renewed)),
            Err(found) => faults.extend(found),
        }
    }
    if !faults.is_empty() {
        return Err(sheets::faulty(faults, &texts));
    }
    match args.output {
        _ if args.write => write_anew(&converted, shell)?,
        Some(Spelling::Json) => print_json(&converted, shell)?,
        _ => print(&converted, shell)?,
    }
    Ok(Exit::OK)
}

fn print(converted: &[(&SourceText, Renewed)], shell: &mut Shell<'_>) -> Result<(), CliError> {
    for (at, (_, Renewed { text, .. })) in converted.iter().enumerate() {
        if at > 0 && !text.starts_with("---") {
            writeln!(shell.out, "---")?;
        }
        // a file's missing last line end would join it with what follows
        let several = converted.len() > 1 && !text.ends_with('\n');
        write!(shell.out, "{text}{}", if several { "\n" } else { "" })?;
    }
    Ok(())
}

fn print_json(converted: &[(&SourceText, Renewed)], shell: &mut Shell<'_>) -> Result<(), CliError> {
    for (source, Renewed { text, .. }) in converted {
        let documents = model::yaml::parse(&source.file, text).map_err(|faults| {
            sheets::faulty(faults, &[SourceText { file: source.file.clone(), text: text.clone() }])
        })?;
        for document in documents.iter().filter(|document| !document.is_empty()) {
            writeln!(shell.out, "{:#}", document.value())?;
        }
    }
    Ok(())
}

fn write_anew(converted: &[(&SourceText, Renewed)], shell: &mut Shell<'_>) -> Result<(), CliError> {
    for (source, renewed) in converted.iter().filter(|(_, renewed)| renewed.changes > 0) {
        // opened, not replaced: links and modes stay
        let failed = |error| CliError::local(format!("`{}` cannot be written", source.file), error);
        let mut file =
            fs::OpenOptions::new().write(true).truncate(true).open(&source.file).map_err(failed)?;
        file.write_all(renewed.text.as_bytes()).map_err(failed)?;
        writeln!(shell.out, "{}: {}", source.file, plural(renewed.changes, "field"))?;
    }
    Ok(())
}
