//! The folder that stands for a repository where none is configured: keys are files below the namespace's folder.

use std::{os::unix::fs::DirBuilderExt as _, sync::Arc};

use object_store::{ObjectStore, local::LocalFileSystem};

use super::folder_of;
use crate::{DriverError, Settings};

/// Returns the store of a namespace.
pub(super) async fn store(settings: &Settings, namespace: &str) -> Result<Arc<dyn ObjectStore>, DriverError> {
    let dots = namespace.is_empty() || namespace.contains('/') || namespace.starts_with('.');
    if dots {
        return Err(DriverError::BadArtifact(format!("`{namespace}` is no namespace")));
    }
    let folder = folder_of(settings, namespace);
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(&folder).map_err(DriverError::io(&folder))?;
    let store = LocalFileSystem::new_with_prefix(&folder);
    let store = store.map_err(|error| DriverError::failed("the namespace's folder", error.to_string()))?;
    Ok(Arc::new(store.with_automatic_cleanup(true)))
}
