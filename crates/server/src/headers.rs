//! Headers every answer carries. Not here: CORS and cookies; there are none.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::answer::is_argo;

/// The release of Argo whose API this is.
pub(crate) const ARGO_VERSION: &str = concat!("v4.1.2+marque-", env!("CARGO_PKG_VERSION"));

const VERSION_HEADER: HeaderName = HeaderName::from_static("grpc-metadata-argo-version");

/// Layer: nothing is sniffed, framed, cached or told to other sites; Argo's version goes to those who are known.
pub(crate) async fn dress(request: Request, next: Next) -> Response {
    let argo = is_argo(request.uri().path());
    let mut answer = next.run(request).await;
    let known = answer.status() != StatusCode::UNAUTHORIZED;
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if argo && known {
        headers.insert(VERSION_HEADER, HeaderValue::from_static(ARGO_VERSION));
    }
    answer
}
