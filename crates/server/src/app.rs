//! The server put together: configuration, runner, and whoever vouches for callers.
//! Not here: the endpoints (`argo`, `marque`), listening (`listen`).

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use audit::{Clock as _, LogPublicKey};
use backend::{ProcessBackend, ProcessConfig};
use engine::retention::RetentionPolicy;
use jiff::Timestamp;
use policy::ServerPolicy;
use runner::{Runner, RunnerConfig, clock::SystemClock, keys};
use store::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, watch};

use crate::{
    Config, ServerError,
    config::Isolation,
    limits::{MAX_PASSWORDS_AT_ONCE, MAX_REQUESTS_AT_ONCE},
    throttle::Throttle,
    vouchers::Vouchers,
};

/// A server ready to serve; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    runner: Runner,
    vouchers: Vouchers,
    log_key: LogPublicKey,
    throttle: Throttle,
    passwords: Semaphore,
    places: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

impl App {
    /// Puts a server together from its configuration: opens (or makes) keys and database in the data folder, and takes
    /// up the runs that have not ended. `program` is re-executed for each pod; see [`backend::reexec`].
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn assemble(config: Config, program: Option<PathBuf>) -> Result<Self, ServerError> {
        for warning in config.check()? {
            tracing::warn!("{warning}");
        }
        let vouchers = Vouchers::from_config(&config)?;
        let keys_folder = config.data.join("keys");
        let failed = |what: &'static str| {
            move |error: &dyn std::error::Error| ServerError::Assembly {
                reason: format!("{what}: {}", chain(error)),
            }
        };
        let token_key = keys::run_token_key(&keys_folder).map_err(|error| failed("run token key")(&error))?;
        let log_key = keys::log_key(&keys_folder).map_err(|error| failed("audit log key")(&error))?;
        let sealing = keys::sealing_key(&keys_folder).map_err(|error| failed("secrets key")(&error))?;
        let keys = runner::Keys { token: token_key, sealing };
        let log_public_key = log_key.public().clone();
        let program = program.map_or_else(std::env::current_exe, Ok);
        let program = program.map_err(|error| failed("this program's path")(&error))?;
        let store = Store::open(&config.data, log_key).map_err(|error| failed("database")(&error))?;
        let backend = process_config(&config, program).and_then(ProcessBackend::new);
        let backend = backend.map_err(|error| failed("backend")(&error))?;
        let runner = Runner::new(runner_config(&config)?, store, backend, keys).await;
        let runner = runner.map_err(|error| failed("runner")(&error))?;
        let taken_up = runner.take_up().await.map_err(|error| failed("runs under way")(&error))?;
        tracing::info!(taken_up, "runs that had not ended are taken up again");
        runner.keep_schedules();
        runner.keep_retention();
        Ok(Self::of(config, runner, vouchers, log_public_key))
    }

    fn of(config: Config, runner: Runner, vouchers: Vouchers, log_key: LogPublicKey) -> Self {
        let inner = Inner {
            config,
            runner,
            vouchers,
            log_key,
            throttle: Throttle::default(),
            passwords: Semaphore::new(MAX_PASSWORDS_AT_ONCE),
            places: Arc::new(Semaphore::new(MAX_REQUESTS_AT_ONCE)),
            closing: watch::Sender::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Returns what drives the runs.
    pub fn runner(&self) -> &Runner {
        &self.inner.runner
    }

    /// Returns the key that the audit log's checkpoints are verified with.
    pub fn log_key(&self) -> &LogPublicKey {
        &self.inner.log_key
    }

    /// Returns the router, for serving without a listener.
    pub fn router(&self) -> axum::Router {
        crate::endpoint::router(self)
    }

    pub(crate) fn vouchers(&self) -> &Vouchers {
        &self.inner.vouchers
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.inner.throttle
    }

    pub(crate) fn passwords(&self) -> &Semaphore {
        &self.inner.passwords
    }

    /// Returns a place among the requests at once, if there is one left.
    pub(crate) fn places(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        Arc::clone(&self.inner.places).try_acquire_owned()
    }

    /// Returns what turns true when the server closes.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.inner.closing.subscribe()
    }

    /// Ends the streams.
    pub(crate) fn close(&self) {
        self.inner.closing.send_replace(true);
    }

    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }
}

/// The address of the peer; not there when there is no listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

fn process_config(config: &Config, program: PathBuf) -> Result<ProcessConfig, backend::BackendError> {
    let image = |(name, image): (&String, &crate::config::Image)| {
        (name.clone(), backend::Image { entrypoint: image.entrypoint.clone(), cmd: image.cmd.clone() })
    };
    let mount = |mount: &crate::config::Mount| backend::Mount {
        host: mount.host.clone(),
        path: mount.path.clone(),
        writable: mount.writable,
    };
    Ok(ProcessConfig {
        folder: config.data.clone(),
        isolation: match config.isolation {
            Isolation::Namespaces => backend::Isolation::Namespaces,
            Isolation::Containers => backend::Isolation::Containers,
            Isolation::None => backend::Isolation::None,
        },
        images: config.images.iter().map(image).collect(),
        mounts: config.mounts.iter().map(mount).collect(),
        containers: container_settings(config)?,
        program,
    })
}

/// Returns how containers are run, if pods are in some.
fn container_settings(config: &Config) -> Result<Option<backend::ContainerSettings>, backend::BackendError> {
    if config.isolation != Isolation::Containers {
        return Ok(None);
    }
    let said = &config.containers;
    let variable = |name: &str| std::env::var(name).ok();
    let found = backend::container_settings(&config.data, said.engine.as_deref(), variable)?;
    Ok(Some(backend::ContainerSettings {
        network: said.network.clone().unwrap_or(found.network),
        insecure: said.insecure_registries.clone(),
        mirrors: said.registry_mirrors.clone(),
        credentials: said.credentials.clone().or(found.credentials),
        layouts: said.layouts.clone(),
        ..found
    }))
}

fn runner_config(config: &Config) -> Result<RunnerConfig, ServerError> {
    let plugins = config.executor_plugins.iter().map(executor_plugin);
    Ok(RunnerConfig {
        executor_plugins: plugins.collect::<Result<_, _>>()?,
        issuer: config.issuer_url(),
        run_token_audience: config.run_tokens.audience.clone(),
        run_token_seconds: config.run_tokens.seconds,
        parallel_pods: config.parallel_pods,
        parallelism: runner::Parallelism {
            all: config.parallelism,
            in_namespace: config.namespace_parallelism,
        },
        // what is no workflow was refused as the configuration was read
        workflow_defaults: config.workflow_under_all().ok().flatten().map(Arc::new),
        retention: RetentionPolicy {
            completed: config.retention_policy.completed,
            failed: config.retention_policy.failed,
            errored: config.retention_policy.errored,
        },
        policy: ServerPolicy {
            administrators: config.administrators.clone(),
            auditors: config.auditors.clone(),
            local: false,
        },
        artifacts: runner::ArtifactSettings {
            // what is no network was refused as the configuration was read
            reach: driver::Reach::with_networks(&config.artifacts.networks).unwrap_or_default(),
            own_credentials: config.artifacts.own_credentials,
            repository: config.artifacts.repository.clone(),
            plugins: config.artifact_drivers.iter().map(artifact_plugin).collect(),
        },
    })
}

fn artifact_plugin(said: &crate::config::ArtifactDriver) -> driver::ArtifactPlugin {
    driver::ArtifactPlugin {
        name: said.name.clone(),
        socket: said.socket.clone(),
        connection_time: std::time::Duration::from_secs(said.connection_timeout_seconds),
    }
}

fn executor_plugin(said: &crate::config::ExecutorPlugin) -> Result<runner::ExecutorPlugin, ServerError> {
    let token = said.token_file.as_deref().map(crate::config::read_text).transpose()?;
    let token = zeroize::Zeroizing::new(token.unwrap_or_default());
    Ok(runner::ExecutorPlugin {
        name: said.name.clone(),
        address: said.address.clone(),
        token: zeroize::Zeroizing::new(token.trim().to_owned()),
    })
}

/// Returns an error with everything that caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
