//! Taking events. Source: Argo `server/event/event_server.go`, `pkg/apiclient/event/event.proto`.
//! Not here: which runs an event starts (`runner`), listing the bindings (`objects`), who signed an event (`authn`).

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Method},
};
use engine::binding::{Incoming, metadata};
use policy::{SendEvent, SubmitRun, ViewOutput, ViewRun};
use serde_json::{Value, json};

use super::names::{Namespace, parameter};
use crate::{
    App, ServerError,
    answer::{ArgoError, Rejection},
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::SentAny,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let acts = [act::<SendEvent>(), act::<SubmitRun>(), act::<ViewRun>(), act::<ViewOutput>()];
    vec![
        Endpoint::new(Method::POST, "/api/v1/events/{namespace}/", &acts, receive).or_signed(),
        Endpoint::new(Method::POST, "/api/v1/events/{namespace}/{discriminator}", &acts, receive).or_signed(),
    ]
}

/// The longest discriminator, in bytes: it goes into the record.
const MAX_DISCRIMINATOR_BYTES: usize = 253;

/// The discriminator of the path; empty if there is none.
struct Discriminator(String);

impl axum::extract::FromRequestParts<App> for Discriminator {
    type Rejection = Rejection;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        app: &App,
    ) -> Result<Self, Self::Rejection> {
        let text = parameter(parts, app, "discriminator").await?;
        if text.len() > MAX_DISCRIMINATOR_BYTES || text.chars().any(char::is_control) {
            let message = "the discriminator is longer than 253 bytes, or holds control characters";
            let error = ServerError::BadRequest(message.to_owned());
            return Err(Rejection::at(parts.uri.path(), error));
        }
        Ok(Self(text))
    }
}

async fn receive(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Discriminator(discriminator): Discriminator,
    headers: HeaderMap,
    SentAny(payload): SentAny,
) -> Result<Json<Value>, ArgoError> {
    // a header that is not text can be compared with nothing
    let texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let event = Incoming { metadata: metadata(texts), namespace, discriminator, payload };
    let namespace = event.namespace.clone();
    app.runner().send_event(&caller, &event).await.map_err(|error| match ServerError::from(error) {
        // as when a run is started: who may not know of the namespace learns nothing of its bindings
        ServerError::NotFound { .. } => ServerError::Closed { namespace },
        error => error,
    })?;
    Ok(Json(json!({})))
}
