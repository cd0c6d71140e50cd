//! The limits requests meet, by name, and the layers that hold them. Not here: limits of texts (see `model::limits`).

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{App, ServerError, answer::Rejection};

/// The largest request body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// The largest head of a request, in bytes.
pub(crate) const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The most headers of a request.
pub(crate) const MAX_HEADERS: usize = 64;
/// The longest a client may take to send the head of a request.
pub(crate) const MAX_HEAD_TIME: Duration = Duration::from_secs(10);
/// The longest a request may take that is not a stream.
pub(crate) const MAX_REQUEST_TIME: Duration = Duration::from_secs(60);
/// The longest a stream may last; clients open it again, with a token that still counts.
pub(crate) const MAX_STREAM_TIME: Duration = Duration::from_secs(3600);
/// The most requests at once, streams included.
pub(crate) const MAX_REQUESTS_AT_ONCE: usize = 512;
/// The most connections at once.
pub(crate) const MAX_CONNECTIONS: usize = 1024;
/// The longest bearer token, in bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// The most entries of the audit log in one answer.
pub(crate) const MAX_ENTRIES: u64 = 1000;
/// The most items of a list in one answer when the client does not say.
pub(crate) const MAX_LIST: usize = 5000;
/// The most passwords checked at once: each costs memory and time on purpose.
pub(crate) const MAX_PASSWORDS_AT_ONCE: usize = 4;

/// Layer: refuses a body that says it is too large before reading any of it.
pub(crate) async fn bounded(request: Request, next: Next) -> Response {
    let declared = request.headers().get(axum::http::header::CONTENT_LENGTH);
    let length = declared.and_then(|value| value.to_str().ok()).and_then(|value| value.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        let error = ServerError::BodyTooLarge { limit: MAX_BODY_BYTES };
        return Rejection::at(request.uri().path(), error).into_response();
    }
    next.run(request).await
}

/// Layer: refuses what comes when there is no place left. The place is held until the answer's body has ended.
pub(crate) async fn concurrent(State(app): State<App>, request: Request, next: Next) -> Response {
    let Ok(place) = app.places() else {
        return Rejection::at(request.uri().path(), ServerError::Busy).into_response();
    };
    let answer = next.run(request).await;
    let (parts, body) = answer.into_parts();
    let body = axum::body::Body::new(Held { body, _place: place });
    Response::from_parts(parts, body)
}

/// Layer: ends what takes too long. Not for streams.
pub(crate) async fn timely(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match tokio::time::timeout(MAX_REQUEST_TIME, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => {
            Rejection::at(&path, ServerError::TooSlow { seconds: MAX_REQUEST_TIME.as_secs() }).into_response()
        }
    }
}

/// A body that holds a place among the requests at once.
struct Held {
    body: axum::body::Body,
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl http_body::Body for Held {
    type Data = bytes::Bytes;
    type Error = axum::Error;
    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
