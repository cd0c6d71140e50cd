//! Where artifacts lie and how they are packed. Source: Argo `workflow_types.go` ArtifactLocation, ArchiveStrategy.
//! Not here: the fields of each driver (see `driver`), moving anything.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Artifact, ArtifactoryArtifact, AzureArtifact, GcsArtifact, GitArtifact, HdfsArtifact, HttpArtifact,
    OssArtifact, PluginArtifact, RawArtifact, S3Artifact,
};

type Rest = serde_json::Map<String, Value>;

/// Where an artifact lies: exactly one driver. What the repository is to fill in may be missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    /// `artifactory`
    Artifactory(ArtifactoryArtifact),
    /// `azure`
    Azure(AzureArtifact),
    /// `git`
    Git(GitArtifact),
    /// `gcs`
    Gcs(GcsArtifact),
    /// `hdfs`
    Hdfs(HdfsArtifact),
    /// `http`
    Http(HttpArtifact),
    /// `oss`
    Oss(OssArtifact),
    /// `raw`
    Raw(RawArtifact),
    /// `s3`
    S3(S3Artifact),
    /// `plugin`
    Plugin(PluginArtifact),
}

/// How an artifact is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Archive {
    /// A gzipped tar; the level from 0 to 9, Go's default when absent.
    Tar {
        /// gzip's level.
        level: Option<i32>,
    },
    /// As it is; a folder file by file.
    #[default]
    None,
    /// A ZIP archive.
    Zip,
}

/// Where a pod's outputs go when they do not say so themselves, and whether its log goes there, too.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArchiveLocation {
    /// The template's `archiveLocation`, else the workflow's repository; its key has no tags left. This machine's own
    /// store if none.
    pub location: Option<Location>,
    /// Whether the log is stored as `main-logs`.
    pub logs: bool,
}

/// What is wrong with an artifact as it is written, in Argo's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ArtifactFault(pub String);

impl Location {
    /// Returns the location that an artifact's or repository's fields say: the first driver that is set, in the order
    /// in which Argo looks (`ArtifactLocation.Get`). Other fields are not looked at.
    ///
    /// # Errors
    /// [`ArtifactFault`] if the driver's fields are not what they should be.
    pub fn of(fields: &Rest) -> Result<Option<Self>, ArtifactFault> {
        for driver in DRIVERS {
            if let Some(value) = fields.get(*driver).filter(|value| !value.is_null()) {
                return Self::of_driver(driver, value).map(Some);
            }
        }
        Ok(None)
    }
    /// Returns the location that `value` says for `driver`.
    ///
    /// # Errors
    /// [`ArtifactFault`].
    pub fn of_driver(driver: &str, value: &Value) -> Result<Self, ArtifactFault> {
        fn read<T: DeserializeOwned>(driver: &str, value: &Value) -> Result<T, ArtifactFault> {
            T::deserialize(value).map_err(|error| ArtifactFault(format!("`{driver}`: {error}")))
        }
        Ok(match driver {
            "artifactory" => Self::Artifactory(read(driver, value)?),
            "azure" => Self::Azure(read(driver, value)?),
            "git" => Self::Git(read(driver, value)?),
            "gcs" => Self::Gcs(read(driver, value)?),
            "hdfs" => Self::Hdfs(read(driver, value)?),
            "http" => Self::Http(read(driver, value)?),
            "oss" => Self::Oss(read(driver, value)?),
            "raw" => Self::Raw(read(driver, value)?),
            "s3" => Self::S3(read(driver, value)?),
            "plugin" => Self::Plugin(read(driver, value)?),
            other => return Err(ArtifactFault(format!("there is no artifact driver `{other}`"))),
        })
    }
    /// Returns the driver's name: the field it is written in.
    pub const fn driver(&self) -> &'static str {
        match self {
            Self::Artifactory(_) => "artifactory",
            Self::Azure(_) => "azure",
            Self::Git(_) => "git",
            Self::Gcs(_) => "gcs",
            Self::Hdfs(_) => "hdfs",
            Self::Http(_) => "http",
            Self::Oss(_) => "oss",
            Self::Raw(_) => "raw",
            Self::S3(_) => "s3",
            Self::Plugin(_) => "plugin",
        }
    }
    /// Returns the driver's fields as they are written.
    pub fn fields(&self) -> Value {
        let value = match self {
            Self::Artifactory(at) => serde_json::to_value(at),
            Self::Azure(at) => serde_json::to_value(at),
            Self::Git(at) => serde_json::to_value(at),
            Self::Gcs(at) => serde_json::to_value(at),
            Self::Hdfs(at) => serde_json::to_value(at),
            Self::Http(at) => serde_json::to_value(at),
            Self::Oss(at) => serde_json::to_value(at),
            Self::Raw(at) => serde_json::to_value(at),
            Self::S3(at) => serde_json::to_value(at),
            Self::Plugin(at) => serde_json::to_value(at),
        };
        // all of them are maps of texts, so there is no way to fail
        value.unwrap_or_default()
    }
    /// Whether nothing is left for a repository to fill in. Source: Argo `workflow_types.go` HasLocation of each driver.
    pub fn is_complete(&self) -> bool {
        match self {
            Self::Artifactory(at) => !at.url.is_empty() && at.username_secret.is_some(),
            Self::Azure(at) => !at.endpoint.is_empty() && !at.container.is_empty() && !at.blob.is_empty(),
            Self::Git(at) => !at.repo.is_empty(),
            Self::Gcs(at) => !at.bucket.is_empty() && !at.key.is_empty(),
            Self::Hdfs(at) => !at.addresses.is_empty(),
            Self::Http(at) => !at.url.is_empty(),
            Self::Oss(at) => !at.bucket.is_empty() && !at.endpoint.is_empty() && !at.key.is_empty(),
            Self::Raw(_) => true,
            Self::S3(at) => !at.endpoint.is_empty() && !at.bucket.is_empty() && !at.key.is_empty(),
            Self::Plugin(at) => !at.name.is_empty() && !at.key.is_empty(),
        }
    }
    /// Returns the key, path or URL; none for drivers without one (`git`, `raw`).
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Artifactory(at) => Some(&at.url),
            Self::Azure(at) => Some(&at.blob),
            Self::Gcs(at) => Some(&at.key),
            Self::Hdfs(at) => Some(&at.path),
            Self::Http(at) => Some(&at.url),
            Self::Oss(at) => Some(&at.key),
            Self::S3(at) => Some(&at.key),
            Self::Plugin(at) => Some(&at.key),
            Self::Git(_) | Self::Raw(_) => None,
        }
    }
    /// Sets the key or path; of a URL only the path.
    ///
    /// # Errors
    /// [`ArtifactFault`] in Argo's words for drivers without one, and for what is no URL.
    pub fn set_key(&mut self, key: &str) -> Result<(), ArtifactFault> {
        let driver = self.driver();
        match self {
            Self::Artifactory(at) => at.url = with_path(&at.url, key)?,
            Self::Http(at) => at.url = with_path(&at.url, key)?,
            Self::Azure(at) => key.clone_into(&mut at.blob),
            Self::Gcs(at) => key.clone_into(&mut at.key),
            Self::Hdfs(at) => key.clone_into(&mut at.path),
            Self::Oss(at) => key.clone_into(&mut at.key),
            Self::S3(at) => key.clone_into(&mut at.key),
            Self::Plugin(at) => key.clone_into(&mut at.key),
            Self::Git(_) | Self::Raw(_) => {
                return Err(ArtifactFault(format!(
                    "key unsupported: cannot set key for artifact type {driver}"
                )));
            }
        }
        Ok(())
    }
    /// Appends a part of an artifact to its key, path or URL. Source: Argo `ArtifactLocation.AppendToKey`.
    ///
    /// # Errors
    /// [`ArtifactFault`] in Argo's words for `git` and `raw`, and if the part leads out of the artifact.
    pub fn append_to_key(&mut self, sub_path: &str) -> Result<(), ArtifactFault> {
        if sub_path.split('/').any(|part| part == "..") {
            return Err(ArtifactFault(format!("subPath `{sub_path}` holds `..`")));
        }
        let key = match &*self {
            Self::Artifactory(ArtifactoryArtifact { url, .. }) | Self::Http(HttpArtifact { url, .. }) => {
                path_of(url)?
            }
            Self::Git(_) | Self::Raw(_) => {
                let driver = self.driver();
                return Err(ArtifactFault(format!(
                    "key unsupported: cannot get key for artifact type {driver}"
                )));
            }
            _ => self.key().unwrap_or_default().to_owned(),
        };
        self.set_key(&joined(&key, sub_path))
    }
    /// Returns this location with everything but the key taken from `repository` if it is not complete.
    /// Source: Argo `ArtifactLocation.Relocate`.
    ///
    /// # Errors
    /// [`ArtifactFault`] if there is no key to keep.
    pub fn relocated(self, repository: &Self) -> Result<Self, ArtifactFault> {
        if self.is_complete() {
            return Ok(self);
        }
        let key = self.key().filter(|key| !key.is_empty()).ok_or_else(|| {
            let driver = self.driver();
            ArtifactFault(format!("key unsupported: cannot get key for artifact type {driver}"))
        })?;
        let mut moved = repository.clone();
        moved.set_key(key)?;
        Ok(moved)
    }
}

/// The drivers in the order in which Argo looks for them.
const DRIVERS: &[&str] =
    &["artifactory", "azure", "git", "gcs", "hdfs", "http", "oss", "raw", "s3", "plugin"];

impl Artifact {
    /// Returns where it is said to lie; none if its fields say nothing.
    ///
    /// # Errors
    /// [`ArtifactFault`].
    pub fn location(&self) -> Result<Option<Location>, ArtifactFault> {
        match (Location::of(&self.rest)?, &self.raw) {
            (None, Some(raw)) => Ok(Some(Location::Raw(raw.clone()))),
            (found, _) => Ok(found),
        }
    }
    /// Returns how it is said to be packed; none if nothing is said.
    ///
    /// # Errors
    /// [`ArtifactFault`].
    pub fn archive_strategy(&self) -> Result<Option<Archive>, ArtifactFault> {
        self.archive.as_ref().map_or(Ok(None), Archive::of)
    }
}

impl Archive {
    /// Returns the strategy that `archive` says; none if it says nothing.
    ///
    /// # Errors
    /// [`ArtifactFault`] for a level that is no number.
    pub fn of(archive: &Value) -> Result<Option<Self>, ArtifactFault> {
        let set = |field: &str| archive.get(field).filter(|value| !value.is_null());
        if let Some(tar) = set("tar") {
            let level = tar.get("compressionLevel").filter(|value| !value.is_null());
            let number = |level: &Value| level.as_i64().and_then(|level| i32::try_from(level).ok());
            let fault = || ArtifactFault("`compressionLevel` is not a number".to_owned());
            let level = level.map(|level| number(level).ok_or_else(fault)).transpose()?;
            return Ok(Some(Self::Tar { level }));
        }
        Ok(set("none").map(|_| Self::None).or_else(|| set("zip").map(|_| Self::Zip)))
    }
}

/// Whether a key is one of this machine's own artifact store: a run's UUID, a node and a name, and perhaps a part of the
/// artifact. No other artifact may have such a key and no bucket, so that a key a user wrote leads to nobody's outputs.
pub fn is_own_artifact_key(key: &str) -> bool {
    let mut parts = key.split('/');
    parts.next().is_some_and(|run| uuid::Uuid::try_parse(run).is_ok()) && parts.count() >= 2
}

/// Joins two parts of a key as Go's `path.Join` does, which also keeps a leading slash.
fn joined(first: &str, second: &str) -> String {
    let parts = first.split('/').chain(second.split('/')).filter(|part| !part.is_empty() && *part != ".");
    let path = parts.collect::<Vec<_>>().join("/");
    if first.starts_with('/') { format!("/{path}") } else { path }
}

/// Splits a URL before its path and before its query.
fn split_url(url: &str) -> Result<(&str, &str, &str), ArtifactFault> {
    let fault = || ArtifactFault("the artifact's URL has no scheme or host".to_owned());
    let host = url.find("://").map(|at| at + 3).ok_or_else(fault)?;
    let (_, from_host) = url.split_at(host);
    let path = from_host.find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    let (before, from_path) = url.split_at(path);
    let (path, query) = from_path.split_at(from_path.find(['?', '#']).unwrap_or(from_path.len()));
    Ok((before, path, query))
}

fn path_of(url: &str) -> Result<String, ArtifactFault> {
    split_url(url).map(|(_, path, _)| path.to_owned())
}

fn with_path(url: &str, path: &str) -> Result<String, ArtifactFault> {
    if path.contains("://") {
        return Ok(path.to_owned());
    }
    let (before, _, query) = split_url(url)?;
    Ok(format!("{before}/{}{query}", path.trim_start_matches('/')))
}
