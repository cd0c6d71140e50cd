//! Artifacts on their way between pods and where they lie: fetched before a pod starts, put after it has ended.
//! Comes in: a pod as the engine wants it, or its outcome. Goes out: files for the backend, places for the engine.
//! Not here: how a place is reached (`driver`), how artifacts are packed (`artifact`), reading them for people (`view`).
//! Invariant: nothing is moved, and no Secret opened for it, without the act that says so on record.

mod collect;
mod fetch;
mod put;
mod read;
mod repository;

use std::path::PathBuf;

use backend::Scratch;
use driver::{ArtifactPlugin, Drivers, Limits, Place, Reach, Secrets, Settings, secret_names};
use identity::Caller;
use model::argo::{ArchiveLocation, Location, NodeId, printable_url};
use serde_json::{Map, Value};
use store::StoredRun;

use crate::{RunnerError, runner::Inner};

pub use read::{ArtifactAsked, OpenArtifact};
pub(crate) use repository::{frozen, repository_of};

/// How artifacts are moved; the server's owner says so.
#[derive(Debug, Clone, Default)]
pub struct ArtifactSettings {
    /// The addresses that artifacts may be fetched from and put to.
    pub reach: Reach,
    /// Whether `useSDKCreds` may use the server's own credentials.
    pub own_credentials: bool,
    /// The repository of workflows that name none, its fields as Argo's configuration writes them; this machine's own
    /// store when empty.
    pub repository: Map<String, Value>,
    /// The services that keep artifacts in ways of their own.
    pub plugins: Vec<ArtifactPlugin>,
}

/// Returns the drivers of a server whose own store is in `folder`.
pub(crate) fn drivers(settings: &ArtifactSettings, folder: &std::path::Path) -> Drivers {
    Drivers::new(Settings {
        reach: std::sync::Arc::new(settings.reach.clone()),
        own_credentials: settings.own_credentials,
        limits: Limits::default(),
        local: folder.join("keyed"),
        plugins: settings.plugins.clone(),
    })
}

/// Returns the place with what it lacks taken from the repository; a key without a repository stays as it is.
fn completed(at: Location, archive: &ArchiveLocation) -> Result<Location, RunnerError> {
    match &archive.location {
        Some(repository) => {
            at.relocated(repository).map_err(|fault| RunnerError::Conflict(fault.to_string()))
        }
        None => Ok(at),
    }
}

/// Returns a place in words for the record, without anything secret.
fn in_words(name: &str, at: &Location) -> String {
    let place = match at {
        Location::Git(at) => printable_url(&at.repo),
        Location::Http(at) => printable_url(&at.url),
        Location::Artifactory(at) => printable_url(&at.url),
        Location::S3(at) => format!("{}/{}", at.bucket, at.key),
        Location::Oss(at) => format!("{}/{}", at.bucket, at.key),
        Location::Gcs(at) => format!("{}/{}", at.bucket, at.key),
        Location::Azure(at) => format!("{}/{}", at.container, at.blob),
        other => other.key().unwrap_or_default().to_owned(),
    };
    match at {
        Location::Plugin(at) => format!("{name} plugin {} {place}", at.name),
        _ => format!("{name} {} {place}", at.driver()),
    }
}

impl Inner {
    /// Returns the values of the Secrets that places name; the act that opens them is on record.
    async fn secrets_of<'a>(
        &self,
        for_whom: (&Caller, &StoredRun),
        node: &NodeId,
        places: impl Iterator<Item = &'a Location>,
    ) -> Result<Secrets, RunnerError> {
        let names = places.flat_map(secret_names).collect();
        let needs = backend::Needs { secrets: names, ..backend::Needs::default() };
        let materials = self.materials(for_whom, node, &needs).await?;
        Ok(Secrets(materials.secrets))
    }

    /// Fetches what lies at a place into a folder of its own and returns its path.
    ///
    /// # Errors
    /// [`RunnerError`]; the error of the place as it is, so that one that is empty can be told.
    pub(crate) async fn fetch_for(
        &self,
        for_whom: (&Caller, &StoredRun),
        node: &NodeId,
        (name, at): (&str, &Location),
    ) -> Result<Scratch, RunnerError> {
        let (caller, stored) = for_whom;
        let secrets = self.secrets_of(for_whom, node, std::iter::once(at)).await?;
        let action = policy::MoveArtifacts {
            run: stored.facts.clone(),
            node: node.clone(),
            fetched: vec![in_words(name, at)],
            put: Vec::new(),
            deleted: Vec::new(),
        };
        let namespace = &stored.facts.name.namespace;
        let fetched = self.act(caller, action, async |_| {
            let folder = self.backend.scratch()?;
            let place = Place { at, namespace, secrets: &secrets };
            self.drivers.load(place, &folder.path().join(FETCHED)).await.map_err(RunnerError::Artifact)?;
            Ok::<_, RunnerError>(folder)
        });
        fetched.await.map_err(unacted)
    }

    /// Returns the keys below a place.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub(crate) async fn list_keys(
        &self,
        for_whom: (&Caller, &StoredRun),
        node: &NodeId,
        at: &Location,
    ) -> Result<Vec<String>, RunnerError> {
        let (caller, stored) = for_whom;
        let archive = repository_of(stored);
        let archive = ArchiveLocation { location: archive.location, logs: archive.archive_logs };
        let at = completed(at.clone(), &archive)?;
        let secrets = self.secrets_of(for_whom, node, std::iter::once(&at)).await?;
        let action = policy::MoveArtifacts {
            run: stored.facts.clone(),
            node: node.clone(),
            fetched: vec![in_words("(list)", &at)],
            put: Vec::new(),
            deleted: Vec::new(),
        };
        let namespace = &stored.facts.name.namespace;
        let listed = self.act(caller, action, async |_| {
            let place = Place { at: &at, namespace, secrets: &secrets };
            self.drivers.list(place).await.map_err(RunnerError::Artifact)
        });
        listed.await.map_err(unacted)
    }
}

/// The name of what was fetched in its folder.
pub(crate) const FETCHED: &str = "fetched";

/// Returns the error of an act that was not done.
fn unacted(error: audit::ActError<RunnerError>) -> RunnerError {
    match error {
        audit::ActError::Refused(refusal) => RunnerError::Refused(refusal),
        audit::ActError::Unrecorded(error) => RunnerError::Unrecorded(error),
        audit::ActError::Failed(error) => error,
    }
}

/// Does file work where it holds up nobody.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, artifact::ArtifactError> + Send + 'static,
) -> Result<T, RunnerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(RunnerError::Packing),
        Err(error) => {
            let source = std::io::Error::other(error);
            Err(RunnerError::Packing(artifact::ArtifactError::Io { path: PathBuf::from("artifact"), source }))
        }
    }
}
