//! Reaches where artifacts lie beyond this machine's own outputs: HTTP servers, object stores, git repositories, and the
//! folder that stands for a repository where none is configured.
//! Comes in: a place, the values of the Secrets it names, a file or folder. Goes out: the same.
//! Not here: packing (`artifact`), which artifact goes where (`engine`), whether anybody may (`policy`). HDFS is
//! refused by name.
//!
//! Invariant: no address is reached that [`Reach`] does not allow, whatever a name resolves to.
//! Invariant: no credential is in an error.

mod client;
mod error;
mod files;
mod git;
mod http;
pub mod limits;
mod objects;
mod plugin;
mod reach;
mod request;
mod secrets;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use model::argo::Location;

use crate::plugin::Plugin;

pub use error::DriverError;
pub use limits::Limits;
pub use plugin::ArtifactPlugin;
pub use reach::Reach;
pub use request::{Answer, Request, request};
pub use secrets::{Secrets, secret_names};

/// What all drivers share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Drivers {
    settings: Arc<Settings>,
}

/// How artifacts are moved; the server's owner says so.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The addresses that may be reached.
    pub reach: Arc<Reach>,
    /// Whether `useSDKCreds` may use the server's own credentials (the variables of its environment).
    pub own_credentials: bool,
    /// What moving one artifact may take.
    pub limits: Limits,
    /// The folder in which artifacts lie that have a key and no repository, a folder for each namespace.
    pub local: PathBuf,
    /// The services that keep artifacts in ways of their own.
    pub plugins: Vec<ArtifactPlugin>,
}

/// A place and what is needed to reach it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Where.
    pub at: &'a Location,
    /// The namespace of the workflow, for keys without a repository.
    pub namespace: &'a str,
    /// The values of the Secrets it names.
    pub secrets: &'a Secrets,
}

impl Drivers {
    /// Returns the drivers with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// Fetches what lies at a place to `target`, where nothing is: a file, or a folder if that is what is there.
    ///
    /// # Errors
    /// [`DriverError::NotFound`] if nothing is there; [`DriverError`]. What was fetched until then is left at `target`.
    pub async fn load(&self, place: Place<'_>, target: &Path) -> Result<(), DriverError> {
        self.in_time(async {
            match place.at {
                Location::Http(at) => http::load(&self.settings, at, place.secrets, target).await,
                Location::Artifactory(at) => {
                    http::load_artifactory(&self.settings, at, place.secrets, target).await
                }
                Location::Git(at) => git::load(&self.settings, at, place.secrets, target).await,
                Location::Raw(at) => {
                    tokio::fs::write(target, &at.data).await.map_err(DriverError::io(target))
                }
                Location::Plugin(at) => Plugin::of(&self.settings, at).await?.load(target).await,
                _ => objects::of(&self.settings, place).await?.load(target).await,
            }
        })
        .await
    }

    /// Puts a file or folder to a place. A folder becomes one object a file.
    ///
    /// # Errors
    /// [`DriverError`].
    pub async fn save(&self, place: Place<'_>, source: &Path) -> Result<(), DriverError> {
        self.in_time(async {
            match place.at {
                Location::Http(at) => http::save(&self.settings, at, place.secrets, source).await,
                Location::Artifactory(at) => {
                    http::save_artifactory(&self.settings, at, place.secrets, source).await
                }
                Location::Git(_) => Err(DriverError::Unsupported("saving to `git`".to_owned())),
                Location::Raw(_) => Err(DriverError::Unsupported("saving to `raw`".to_owned())),
                Location::Plugin(at) => Plugin::of(&self.settings, at).await?.save(source).await,
                _ => {
                    let objects = objects::of(&self.settings, place).await?;
                    objects.make_bucket().await?;
                    objects.save(source).await
                }
            }
        })
        .await
    }

    /// Returns the keys below a place, in order.
    ///
    /// # Errors
    /// [`DriverError::Unsupported`] for places that cannot tell; [`DriverError`].
    pub async fn list(&self, place: Place<'_>) -> Result<Vec<String>, DriverError> {
        let what = place.at.driver();
        self.in_time(async {
            match place.at {
                Location::Http(_) | Location::Artifactory(_) | Location::Git(_) | Location::Raw(_) => {
                    Err(DriverError::Unsupported(format!("listing `{what}`")))
                }
                Location::Plugin(at) => Plugin::of(&self.settings, at).await?.list().await,
                _ => objects::list(&self.settings, place).await,
            }
        })
        .await
    }

    /// Deletes what lies at a place, a folder with all in it; what is not there is deleted already.
    ///
    /// # Errors
    /// [`DriverError::Unsupported`] for places that cannot; [`DriverError`].
    pub async fn delete(&self, place: Place<'_>) -> Result<(), DriverError> {
        let what = place.at.driver();
        self.in_time(async {
            match place.at {
                Location::Http(_) | Location::Artifactory(_) | Location::Git(_) | Location::Raw(_) => {
                    Err(DriverError::Unsupported(format!("deleting from `{what}`")))
                }
                Location::Plugin(at) => Plugin::of(&self.settings, at).await?.delete().await,
                _ => objects::of(&self.settings, place).await?.delete().await,
            }
        })
        .await
    }

    async fn in_time<T>(
        &self,
        moving: impl Future<Output = Result<T, DriverError>>,
    ) -> Result<T, DriverError> {
        let time = self.settings.limits.time;
        let over = |_| DriverError::failed("moving the artifact", format!("not done in {time:?}"));
        tokio::time::timeout(time, moving).await.map_err(over)?
    }
}
