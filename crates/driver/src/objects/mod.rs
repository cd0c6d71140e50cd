//! Artifacts of object stores: one object, or one a file of a folder.
//! Not here: how each store is reached (`s3`, `cloud`), what a folder on this machine is (`local`).
//! Source: Argo `workflow/artifacts/common`, and `Load`, `Save`, `ListObjects`, `Delete` of each driver.

mod cloud;
mod guard;
mod local;
mod s3;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::{StreamExt as _, TryStreamExt as _};
use model::argo::Location;
use object_store::{
    Error, ObjectMeta, ObjectStore, ObjectStoreExt as _, buffered::BufWriter, path::Path as Key,
};
use tokio::io::AsyncWriteExt as _;

use crate::{DriverError, Limits, Place, Settings, files, limits::Budget};

/// A place in an object store.
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    key: Key,
    /// The bucket, for messages.
    shown: String,
    limits: Limits,
    bucket: Option<s3::Bucket>,
}

/// Returns the place in the object store that holds it.
pub(crate) async fn of(settings: &Settings, place: Place<'_>) -> Result<Objects, DriverError> {
    let key = checked(place.at.key().unwrap_or_default())?;
    at_key(settings, place, key).await
}

/// Returns every key below a place, in order; a bucket's without a key, as Argo's drivers give them.
pub(crate) async fn list(settings: &Settings, place: Place<'_>) -> Result<Vec<String>, DriverError> {
    let all = place.at.key().is_none_or(|key| key.trim_matches('/').is_empty());
    // the namespace's own artifacts are those of all its runs
    let objects = if all && !is_own(place.at) {
        at_key(settings, place, Key::default()).await?
    } else {
        of(settings, place).await?
    };
    let below = objects.below().await?;
    Ok(below.into_iter().map(|object| object.location.to_string()).collect())
}

async fn at_key(settings: &Settings, place: Place<'_>, key: Key) -> Result<Objects, DriverError> {
    let (at, secrets) = (place.at, place.secrets);
    let mut bucket = None;
    let (store, shown): (Arc<dyn ObjectStore>, String) = match at {
        Location::S3(_) if is_own(at) => {
            (local::store(settings, place.namespace).await?, "the namespace's own artifacts".to_owned())
        }
        Location::S3(at) => {
            let (store, made) = s3::store(settings, at, secrets)?;
            bucket = made;
            (store, at.bucket.clone())
        }
        Location::Oss(at) => (s3::oss(settings, at, secrets)?, at.bucket.clone()),
        Location::Gcs(at) => (cloud::gcs(settings, at, secrets)?, at.bucket.clone()),
        Location::Azure(at) => (cloud::azure(settings, at, secrets)?, at.container.clone()),
        other => return Err(DriverError::Unsupported(format!("the artifact driver `{}`", other.driver()))),
    };
    Ok(Objects { store, key, shown, limits: settings.limits, bucket })
}

/// Returns whether a place is among the namespace's own artifacts on this machine.
fn is_own(at: &Location) -> bool {
    matches!(at, Location::S3(s3) if s3.bucket.is_empty() && s3.endpoint.is_empty())
}

/// Returns a key as the stores spell it: without slashes at its ends and doubled ones.
fn checked(key: &str) -> Result<Key, DriverError> {
    let parts: Vec<&str> = key.split('/').filter(|part| !part.is_empty()).collect();
    let bad = || DriverError::BadArtifact(format!("`{}` cannot be an artifact's key", key.escape_debug()));
    if parts.is_empty() {
        return Err(bad());
    }
    Key::parse(parts.join("/")).map_err(|_| bad())
}

impl Objects {
    /// Makes the bucket if that is asked for.
    pub(crate) async fn make_bucket(&self) -> Result<(), DriverError> {
        match &self.bucket {
            Some(bucket) => bucket.make().await,
            None => Ok(()),
        }
    }

    /// Fetches the object, or every object below the key.
    pub(crate) async fn load(&self, target: &Path) -> Result<(), DriverError> {
        let mut budget = Budget::of(self.limits);
        match self.load_one(&self.key, target, &mut budget).await {
            Err(DriverError::NotFound(_)) => {}
            done => return done,
        }
        let below = self.below().await?;
        if below.is_empty() {
            return Err(DriverError::NotFound(format!("{}/{}", self.shown, self.key)));
        }
        for object in below {
            let Some(parts) = object.location.prefix_match(&self.key) else { continue };
            let mut path = target.to_path_buf();
            for part in parts {
                path.push(part.as_ref());
            }
            let parent = path.parent().unwrap_or(target);
            tokio::fs::create_dir_all(parent).await.map_err(DriverError::io(parent))?;
            self.load_one(&object.location, &path, &mut budget).await?;
        }
        Ok(())
    }

    async fn load_one(&self, key: &Key, target: &Path, budget: &mut Budget) -> Result<(), DriverError> {
        let failed = |error| self.failed("loading", key, &error);
        let content = self.store.get(key).await.map_err(failed)?.into_stream();
        files::write(target, content, budget, failed).await
    }

    /// Puts a file, or every file of a folder.
    pub(crate) async fn save(&self, source: &Path) -> Result<(), DriverError> {
        let mut budget = Budget::of(self.limits);
        if !files::is_folder(source).await? {
            return self.save_one(source, &self.key, &mut budget).await;
        }
        for (path, name) in files::below(source).await? {
            let key = checked(&format!("{}/{name}", self.key))?;
            self.save_one(&path, &key, &mut budget).await?;
        }
        Ok(())
    }

    async fn save_one(&self, source: &Path, key: &Key, budget: &mut Budget) -> Result<(), DriverError> {
        budget.file()?;
        let mut file = tokio::fs::File::open(source).await.map_err(DriverError::io(source))?;
        let length = file.metadata().await.map_err(DriverError::io(source))?.len();
        budget.bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
        let mut writer = BufWriter::new(Arc::clone(&self.store), key.clone());
        let copied = tokio::io::copy(&mut file, &mut writer).await;
        let done = match copied {
            Ok(_) => writer.shutdown().await,
            Err(error) => {
                // the parts that were sent are not to be paid for; that it failed is told anyway
                let _ = writer.abort().await;
                Err(error)
            }
        };
        done.map_err(|error| {
            DriverError::failed(format!("saving {}/{key}", self.shown), guard::cleaned(&error.to_string()))
        })
    }

    /// Deletes the object and every object below its key.
    pub(crate) async fn delete(&self) -> Result<(), DriverError> {
        let mut keys: Vec<Key> = self.below().await?.into_iter().map(|object| object.location).collect();
        keys.push(self.key.clone());
        for key in keys {
            match self.store.delete(&key).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failed("deleting", &key, &error)),
            }
        }
        Ok(())
    }

    /// Returns the objects below the key, in order; those that stand for a folder are left out.
    async fn below(&self) -> Result<Vec<ObjectMeta>, DriverError> {
        let limit = self.limits.files;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let found = self.store.list(Some(&self.key)).take(most.saturating_add(1));
        let found: Result<Vec<ObjectMeta>, Error> = found.try_collect().await;
        let mut found = match found {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(self.failed("listing", &self.key, &error)),
        };
        if found.len() > most {
            return Err(DriverError::TooLarge { what: "files", limit });
        }
        found.sort_by(|a, b| a.location.cmp(&b.location));
        let folders: std::collections::BTreeSet<String> = found
            .iter()
            .flat_map(|object| parents(object.location.as_ref()).map(str::to_owned).collect::<Vec<_>>())
            .collect();
        found.retain(|object| object.size > 0 || !folders.contains(object.location.as_ref()));
        Ok(found)
    }

    fn failed(&self, doing: &str, key: &Key, error: &Error) -> DriverError {
        let at = format!("{}/{key}", self.shown);
        match error {
            Error::NotFound { .. } => DriverError::NotFound(at),
            error => DriverError::failed(format!("{doing} {at}"), guard::explained(error)),
        }
    }
}

/// Returns every folder above a key.
fn parents(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices('/').filter_map(|(at, _)| key.get(..at))
}

/// Returns the folder of a namespace's artifacts on this machine.
fn folder_of(settings: &Settings, namespace: &str) -> PathBuf {
    settings.local.join(namespace)
}

#[cfg(test)]
mod tests {
    use super::{checked, parents};

    #[test]
    fn keys_lead_nowhere_else() {
        for (key, expected) in [
            ("/a//b/", "a/b"),
            ("a b/ü#?.tgz", "a b/ü#?.tgz"),
            ("a/..b/c..", "a/..b/c.."),
            ("%2e%2e/x", "%2e%2e/x"),
        ] {
            assert_eq!(checked(key).unwrap().as_ref(), expected, "{key}");
        }
        for key in ["", "/", "a/../b", "..", "./a", "a/./b", "a\n", "a\0b"] {
            assert!(checked(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn the_folders_above_a_key_are_known() {
        assert_eq!(Vec::from_iter(parents("a/b/c")), ["a", "a/b"]);
    }
}
