//! Marque's own API under `/api/marque/v1`, and the documents other systems find this server by. Errors are RFC 9457
//! problem details; a refusal carries its decision.
//! Not here: Argo's API (`argo`); a description in OpenAPI, which is a later issue.

mod apply;
mod explain;
mod gates;
mod login;
mod record;
mod wellknown;

use crate::endpoint::Endpoint;

/// Returns Marque's endpoints.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    [
        login::endpoints(),
        apply::endpoints(),
        explain::endpoints(),
        gates::endpoints(),
        record::endpoints(),
        wellknown::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
