//! The names in Argo's paths, checked before anything else sees them.
//! Not here: names in bodies (see `runner`).

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use model::{NamespacedName, name::check_subdomain};

use crate::{App, ServerError, answer::Rejection};

/// The namespace of the path; empty for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Namespace(pub(crate) String);

/// The namespace and name of the path.
#[derive(Debug, Clone)]
pub(crate) struct Named(pub(crate) NamespacedName);

/// Returns the parameter `key` of the path, decoded; empty if the path has none.
pub(crate) async fn parameter(parts: &mut Parts, app: &App, key: &str) -> Result<String, Rejection> {
    let bad = |path: &str| Rejection::at(path, ServerError::BadRequest("the path is not text".to_owned()));
    let all = RawPathParams::from_request_parts(parts, app).await.map_err(|_| bad(parts.uri.path()))?;
    let found = all.iter().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned());
    Ok(found.unwrap_or_default())
}

impl FromRequestParts<App> for Namespace {
    type Rejection = Rejection;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Rejection> {
        let namespace = parameter(parts, app, "namespace").await?;
        if !namespace.is_empty() {
            check_subdomain("namespace", &namespace).map_err(|fault| at(parts, fault))?;
        }
        Ok(Self(namespace))
    }
}

impl FromRequestParts<App> for Named {
    type Rejection = Rejection;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Rejection> {
        let namespace = parameter(parts, app, "namespace").await?;
        let name = parameter(parts, app, "name").await?;
        check_subdomain("namespace", &namespace).map_err(|fault| at(parts, fault))?;
        if name != LATEST {
            check_subdomain("name", &name).map_err(|fault| at(parts, fault))?;
        }
        Ok(Self(NamespacedName::new(namespace, name)))
    }
}

/// Argo's word for the newest workflow of a namespace.
pub(crate) const LATEST: &str = "@latest";

fn at(parts: &Parts, fault: model::Fault) -> Rejection {
    Rejection::at(parts.uri.path(), ServerError::Faults(vec![fault]))
}
