//! `marque serve`: the server in the foreground, until it is told to end. Not here: the server (see `server`).

use std::path::PathBuf;

use clap::Args;
use server::{App, Config, ServerError};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::sheets;
use crate::{error::CliError, exit::Exit, shell::Shell};

/// Serve both APIs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque serve --config marque.yaml
  MARQUE_LISTEN=127.0.0.1:2746 marque serve --config marque.yaml

SIGTERM or Ctrl-C ends it: requests are answered, steps go on and are taken up by the next start.")]
pub struct Serve {
    /// The configuration
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// [`CliError`].
pub async fn serve(args: &Serve, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let config = load(args.config.as_deref())?;
    let data = config.data.clone();
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener
        .map_err(|error| CliError::local(format!("`{}` cannot be listened on", config.listen), error))?;
    let address = listener.local_addr()?;
    let app = App::assemble(config, Some(shell.around.program.clone()))
        .await
        .map_err(|error| of_server(error, None))?;
    let mut terminated = signal(SignalKind::terminate())?;
    writeln!(shell.err, "serving on http://{address}, data in {}", data.display())?;
    shell.err.flush()?;
    let end = async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    server::serve(app, listener, end).await.map_err(|error| of_server(error, None))?;
    writeln!(shell.err, "ended")?;
    Ok(Exit::OK)
}

/// Reads the configuration of a file and of `MARQUE_*` variables.
pub(super) fn load(file: Option<&std::path::Path>) -> Result<Config, CliError> {
    // variables that are not text are no settings
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(file, variables).map_err(|error| of_server(error, file))
}

/// Returns the server's error as this program's; faults of the configuration point into its file.
pub(super) fn of_server(error: ServerError, file: Option<&std::path::Path>) -> CliError {
    match error {
        ServerError::BadConfig(faults) => {
            let read = file.and_then(|file| std::fs::read_to_string(file).ok().map(|text| (file, text)));
            let texts: Vec<_> = read
                .map(|(file, text)| crate::error::SourceText { file: file.display().to_string(), text })
                .into_iter()
                .collect();
            sheets::faulty(faults, &texts)
        }
        ServerError::ConfigUnreadable { path, source } => CliError::read(path, source),
        ServerError::Assembly { reason } if reason.contains("--isolation none") => {
            CliError::NoIsolation(reason)
        }
        other => CliError::local("the server cannot serve", other),
    }
}
