//! From the process to a command and back: reads arguments and surroundings once, shows errors, gives the exit code.
//! Not here: what commands do.

use std::{error::Error as _, ffi::OsString, fmt::Write as _, io, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::{
    args::Cli,
    command,
    error::CliError,
    exit::Exit,
    render,
    shell::{Look, Paint, Shell, Surroundings},
};

/// Runs the program on this process's arguments and streams.
pub fn main() -> ExitCode {
    let parsed = parse(std::env::args_os());
    install_tracing(parsed.as_ref().map_or("warn", |cli| cli.global.log_filter()));
    let mut out = io::stdout();
    let mut err = io::stderr();
    // not locked: a command may hand the reading of Enter to a thread
    let mut input = io::BufReader::new(io::stdin());
    let mut shell = Shell {
        out: &mut out,
        err: &mut err,
        input: &mut input,
        look: Look::of_process(),
        around: Surroundings::of_process(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(obey(parsed, &mut shell));
            // a reader of standard input may still block a thread; the program does not wait for it
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => {
            let error = CliError::local("the program cannot start its threads", error);
            show(&error, &mut shell);
            error.exit().into()
        }
    }
}

/// Runs the command that `arguments` (the program's name first) ask for.
pub async fn run(arguments: impl IntoIterator<Item = OsString>, shell: &mut Shell<'_>) -> Exit {
    obey(parse(arguments), shell).await
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches))
}

async fn obey(parsed: Result<Cli, clap::Error>, shell: &mut Shell<'_>) -> Exit {
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error, shell),
    };
    match command::run(cli, shell).await {
        Ok(exit) => exit,
        // whoever reads has gone away (`marque list | head`): no failure of ours
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::OK,
        Err(error) => {
            show(&error, shell);
            error.exit()
        }
    }
}

/// Shows what clap has to say: help and versions are answers, the rest are remarks.
fn usage(error: &clap::Error, shell: &mut Shell<'_>) -> Exit {
    let text = error.render();
    let text = if shell.look.colour { text.ansi().to_string() } else { text.to_string() };
    if error.use_stderr() {
        let _ = shell.err.write_all(text.as_bytes());
        return Exit::USAGE;
    }
    let _ = shell.out.write_all(text.as_bytes());
    Exit::OK
}

/// Shows an error with its causes, its code, and what to do.
fn show(error: &CliError, shell: &mut Shell<'_>) {
    let text = explain(error, shell.look);
    let _ = shell.err.write_all(text.as_bytes());
    let _ = shell.err.flush();
}

/// Returns an error as text: faults drawn, refusals with their reasons, everything else with causes and advice.
pub(crate) fn explain(error: &CliError, look: Look) -> String {
    if let CliError::Faults { faults, sources } = error {
        return render::fault::faults(faults, sources, look);
    }
    let mut text = String::new();
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(causes, ": {error}");
        cause = error.source();
    }
    let label = look.paint(Paint::Bad, format!("error[{}]", error.code()));
    let decision = match error {
        CliError::Refused(refused) => refused.decision.as_ref(),
        _ => None,
    };
    match decision {
        // the message says the same as the decision, in one line
        Some(decision) => {
            let what = format!("{} on {}", decision.action, decision.resource);
            let _ = writeln!(text, "{label}: not allowed: {}", render::table::tame(&what));
            text.push_str(&render::decision::reasons(decision, 2, look));
        }
        None => {
            let _ = writeln!(text, "{label}: {}", render::table::tame(&format!("{error}{causes}")));
        }
    }
    if let CliError::Tampered(faults) = error {
        for fault in faults.iter().skip(1) {
            let _ = writeln!(text, "  - {}", render::table::tame(fault));
        }
    }
    if let Some(advice) = error.advice() {
        let _ = writeln!(text, "  {}: {advice}", look.paint(Paint::Heading, "help"));
    }
    text
}

/// The program's own remarks go to standard error; `MARQUE_LOG` chooses them as `RUST_LOG` does elsewhere, then the command
/// line.
fn install_tracing(otherwise: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MARQUE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(otherwise));
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && io::IsTerminal::is_terminal(&io::stderr());
    let installed = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_writer(io::stderr)
        .try_init();
    // one that is installed already keeps its place: this happens only in tests
    drop(installed);
}
