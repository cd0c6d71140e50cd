//! A line in the server's own log for each request: method, path and status, never the query, a header or a body.
//! Not here: the audit log, which is written by the acts themselves.

use axum::{extract::Request, middleware::Next, response::Response};
use runner::clock::monotonic;
use tracing::Instrument as _;

/// Layer: one span and one line for each request.
pub(crate) async fn traced(request: Request, next: Next) -> Response {
    let span = tracing::info_span!("request", method = %request.method(), path = request.uri().path());
    let begun = monotonic();
    let answer = next.run(request).instrument(span.clone()).await;
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(status = answer.status().as_u16(), took_ms, "answered"));
    answer
}
