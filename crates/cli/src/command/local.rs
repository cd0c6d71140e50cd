//! Marque on this machine without a server: store, backend and runner in one folder, for the operating system's user.
//! Not here: showing anything. Invariant: the isolation is the one that was asked for, or there is none of it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use backend::{BackendError, Isolation, ProcessBackend, ProcessConfig};
use engine::retention::RetentionPolicy;
use identity::Caller;
use model::oam::Subject;
use policy::ServerPolicy;
use runner::{Runner, RunnerConfig, RunnerError};
use store::Store;

use crate::{
    command::sheets,
    error::{CliError, Refused, SourceText},
    shell::Surroundings,
};

/// The issuer of run tokens that no server publishes keys for.
const ISSUER: &str = "http://localhost/marque-run";
/// Seconds a run token lives.
const TOKEN_SECONDS: u32 = 600;

/// Marque on this machine.
#[derive(Debug)]
pub(crate) struct Local {
    /// What drives runs.
    pub(crate) runner: Runner,
    /// The operating system's user.
    pub(crate) caller: Caller,
}

/// Returns Marque over `folder`, made if it is not there, with what earlier runs left to do taken up again; artifacts may
/// be kept by these plugins.
///
/// # Errors
/// [`CliError`].
pub(crate) async fn open(
    folder: &Path,
    isolation: Isolation,
    plugins: Vec<driver::ArtifactPlugin>,
    around: &Surroundings,
) -> Result<Local, CliError> {
    make_private(folder)?;
    let backend = backend(folder, isolation, around)?;
    let failed = |what: &str| {
        let what = format!("{what} `{}`", folder.display());
        move |error: Box<dyn std::error::Error + Send + Sync>| CliError::Local { what, source: error }
    };
    let keys = folder.join("keys");
    let log_key =
        runner::keys::log_key(&keys).map_err(|error| failed("no key for the log in")(error.into()))?;
    let token_key =
        runner::keys::run_token_key(&keys).map_err(|error| failed("no key for tokens in")(error.into()))?;
    let sealing =
        runner::keys::sealing_key(&keys).map_err(|error| failed("no key for secrets in")(error.into()))?;
    let keys = runner::Keys { token: token_key, sealing };
    let store = Store::open(folder, log_key)
        .map_err(|error| failed("the database cannot be opened in")(error.into()))?;
    let user = Subject::User { issuer: "os".to_owned(), subject: around.user.clone() };
    let policy = ServerPolicy { administrators: vec![user.clone()], auditors: vec![user], local: true };
    let parallel = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let config = RunnerConfig {
        issuer: ISSUER.to_owned(),
        run_token_audience: "marque".to_owned(),
        run_token_seconds: TOKEN_SECONDS,
        parallel_pods: parallel,
        parallelism: runner::Parallelism::default(),
        workflow_defaults: None,
        retention: RetentionPolicy::default(),
        policy,
        // whoever runs it reaches as much without it
        artifacts: runner::ArtifactSettings {
            reach: driver::Reach::everywhere(),
            own_credentials: true,
            plugins,
            ..runner::ArtifactSettings::default()
        },
        executor_plugins: Vec::new(),
    };
    let runner = Runner::new(config, store, backend, keys).await.map_err(|error| of_runner(error, &[]))?;
    Ok(Local { runner, caller: Caller::local_user(&around.user) })
}

/// Makes the folder, for its owner alone.
pub(crate) fn make_private(folder: &Path) -> Result<(), CliError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| CliError::write(folder, error))
}

/// Returns the backend, after trying whether the isolation is to be had.
fn backend(folder: &Path, isolation: Isolation, around: &Surroundings) -> Result<ProcessBackend, CliError> {
    let failed = |error: BackendError| match error {
        BackendError::NoNamespaces { .. } | BackendError::Container(_) => {
            CliError::NoIsolation(error.to_string())
        }
        other => CliError::local("steps cannot be run on this machine", other),
    };
    let variable = |name: &str| std::env::var(name).ok();
    let containers = (isolation == Isolation::Containers)
        .then(|| backend::container_settings(folder, None, variable))
        .transpose()
        .map_err(failed)?;
    let config = ProcessConfig {
        folder: folder.to_owned(),
        isolation,
        images: BTreeMap::new(),
        mounts: Vec::new(),
        containers,
        program: around.program.clone(),
    };
    ProcessBackend::new(config).map_err(failed)
}

/// Returns the folder that is meant: the one given, or the user's own.
pub(crate) fn folder(given: Option<&PathBuf>, around: &Surroundings) -> PathBuf {
    given.cloned().unwrap_or_else(|| around.data_folder.clone())
}

/// Returns the runner's error as this program's, its faults pointing into `texts`.
pub(crate) fn of_runner(error: RunnerError, texts: &[SourceText]) -> CliError {
    match error {
        RunnerError::Refused(refusal) => CliError::Refused(Box::new(Refused {
            message: refusal.to_string(),
            decision: Some((&refusal.decision).into()),
        })),
        RunnerError::Faults(faults) => sheets::faulty(faults, texts),
        RunnerError::NotFound { .. } => CliError::NotFound(error.to_string()),
        RunnerError::Conflict(why) => CliError::Conflict(why),
        RunnerError::Backend(error @ BackendError::NoNamespaces { .. }) => {
            CliError::NoIsolation(error.to_string())
        }
        other => CliError::local(other.to_string(), other),
    }
}
