//! Argo's API at Argo's paths, in Argo's shapes (v4.1.2, `api/openapi-spec/swagger.json`).
//! Not here: Marque's own API (`marque`); the parts of Argo that are not served yet are listed in `absent`, and answer
//! 501 to those who are known.

mod about;
mod absent;
mod actions;
mod again;
mod archive;
mod artifacts;
mod events;
mod fields;
mod list;
mod logs;
mod metrics;
mod names;
mod objects;
mod stream;
mod submit;
mod sync;
mod tar;
mod templates;
mod watch;
mod workflows;

use crate::endpoint::Endpoint;

pub(crate) use list::Asked;
pub(crate) use names::{Named, Namespace};

/// The kind of thing a workflow is, in messages.
pub(crate) const WORKFLOWS: &str = "workflows.argoproj.io";

/// Returns Argo's endpoints.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    [
        workflows::endpoints(),
        submit::endpoints(),
        actions::endpoints(),
        again::endpoints(),
        logs::endpoints(),
        watch::endpoints(),
        templates::endpoints(),
        artifacts::endpoints(),
        archive::endpoints(),
        objects::endpoints(),
        events::endpoints(),
        sync::endpoints(),
        metrics::endpoints(),
        about::endpoints(),
        absent::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
