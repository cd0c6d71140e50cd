//! Streams: newline-delimited JSON, or server-sent events for those who accept them.
//! Source: Argo `server/apiserver`, `pkg/apiclient/http1`.
//! Not here: what is streamed.

use std::convert::Infallible;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{App, ServerError, answer::argo_error_value, limits::MAX_STREAM_TIME};

/// How a stream is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Lines,
    Events,
}

impl Spelling {
    /// Returns how this client wants its streams.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accepts.into_iter().any(|value| value.contains("text/event-stream")) {
            Self::Events
        } else {
            Self::Lines
        }
    }
    fn content_type(self) -> &'static str {
        match self {
            Self::Lines => "application/json",
            Self::Events => "text/event-stream",
        }
    }
    fn spell(self, value: &Value) -> Bytes {
        Bytes::from(match self {
            Self::Lines => format!("{value}\n"),
            Self::Events => format!("data: {value}\n\n"),
        })
    }
}

/// Returns the answer that sends what comes out of `results`, until it ends, the server closes, or the longest time a
/// stream may last is over.
pub(super) fn answer(
    app: &App,
    spelling: Spelling,
    results: mpsc::Receiver<Result<Value, ServerError>>,
) -> Response {
    let spelled = received(results).map(move |result| {
        let value = match result {
            Ok(value) => json!({ "result": value }),
            Err(error) => json!({"error": argo_error_value(&error)}),
        };
        Ok::<_, Infallible>(spelling.spell(&value))
    });
    let mut closing = app.closing();
    let over = async move {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => {}
            () = tokio::time::sleep(MAX_STREAM_TIME) => {}
        }
    };
    let mut answer = Response::new(Body::from_stream(spelled.take_until(over)));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(spelling.content_type()));
    answer
}

fn received<T>(receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|item| (item, receiver))
    })
}
