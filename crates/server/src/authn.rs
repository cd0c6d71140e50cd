//! Who is asking: from the `Authorization` header to a [`Caller`], before anything of the body is read; where webhooks
//! are taken, from the body's signature, too. What is wrong with either goes to the record; the client learns only that
//! it is not valid.
//! Not here: verifying tokens (`identity`), fetching keys (`connector`), who may (`policy`).

use axum::{
    body::Body,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use identity::{Caller, Delivery, Secret, SessionToken};

use crate::{
    App, ServerError, answer::Rejection, argo::Namespace, json::gather, limits::MAX_TOKEN_BYTES, vouchers,
};

/// Somebody for whom an issuer, the local directory or a session vouches.
#[derive(Debug, Clone)]
pub(crate) struct Authenticated(pub(crate) Caller);

/// Why nobody vouches: for the record alone.
#[derive(Debug)]
pub(crate) struct Unvouched {
    /// The reason's stable code.
    pub(crate) code: &'static str,
    /// The reason, without anything secret.
    pub(crate) reason: String,
    /// Whether it is not the token's fault: whoever could vouch cannot be asked now.
    pub(crate) elsewhere: bool,
}

impl Unvouched {
    pub(crate) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), elsewhere: false }
    }
    /// Returns the same as not the token's fault.
    pub(crate) fn elsewhere(mut self, elsewhere: bool) -> Self {
        self.elsewhere = elsewhere;
        self
    }
}

/// The request has no `Authorization` header.
pub(crate) const NO_CREDENTIALS: &str = "SRV0201";
/// The `Authorization` header is not one bearer token.
pub(crate) const NOT_BEARER: &str = "SRV0202";
/// The session token is unknown or has ended.
pub(crate) const NO_SESSION: &str = "SRV0203";
/// The sessions cannot be read.
pub(crate) const SESSIONS_DOWN: &str = "SRV0204";

/// Layer: finds out who asks, or records that it could not and refuses.
pub(crate) async fn require(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match caller(&app, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(Authenticated(caller));
            next.run(request).await
        }
        Err(why) => refused(&app, &why, request.method().clone(), request.uri().path()).await,
    }
}

/// Layer: as [`require`], and what comes without a token may be signed by a client of webhooks of the namespace.
pub(crate) async fn require_or_signed(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return require(State(app), request, next).await;
    }
    let (mut parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let namespace = match Namespace::from_request_parts(&mut parts, &app).await {
        Ok(Namespace(namespace)) => namespace,
        Err(rejection) => return rejection.into_response(),
    };
    let body = match gather(body).await {
        Ok(body) => body,
        Err(error) => return Rejection::at(&path, error).into_response(),
    };
    let signer = {
        let delivery = Delivery { header: &|name| only(&parts.headers, name), body: &body };
        app.runner().webhook_caller(&namespace, &delivery)
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    match signer {
        Some(Ok(caller)) => {
            request.extensions_mut().insert(Authenticated(caller));
            next.run(request).await
        }
        Some(Err(error)) => refused(&app, &vouchers::unvouched(&error), method, &path).await,
        None => refused(&app, &no_credentials(), method, &path).await,
    }
}

async fn refused(app: &App, why: &Unvouched, method: Method, path: &str) -> Response {
    let error = unvouched(app, why, &format!("{method} {path}")).await;
    Rejection::at(path, error).into_response()
}

/// Returns the text of a header that stands once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let one = all.next().filter(|_| all.next().is_none())?;
    one.to_str().ok()
}

/// Records that nobody vouches for a caller; returns how to answer, which is a refusal whether or not it was recorded.
pub(crate) async fn unvouched(app: &App, why: &Unvouched, request: &str) -> ServerError {
    let request: String = request.chars().take(512).collect();
    match app.runner().record_unauthenticated(why.code, &why.reason, &request).await {
        Ok(()) if why.elsewhere => ServerError::NobodyToAsk,
        Ok(()) => ServerError::Unauthenticated,
        Err(error) => {
            tracing::error!(%error, "a refusal could not be recorded");
            ServerError::Unrecorded
        }
    }
}

async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Unvouched> {
    let token = bearer(headers)?;
    if !token.expose().starts_with("mqs_") {
        return app.vouchers().bearer(token.expose(), app.now()).await;
    }
    let no_session = || Unvouched::new(NO_SESSION, "the session token is unknown or has ended");
    let token = SessionToken::parse(token.expose()).ok_or_else(no_session)?;
    let session = app.runner().store().session(token.sha256(), app.now()).await;
    let session =
        session.map_err(|error| Unvouched::new(SESSIONS_DOWN, error.to_string()).elsewhere(true))?;
    session.and_then(|session| app.vouchers().session(session)).ok_or_else(no_session)
}

fn no_credentials() -> Unvouched {
    Unvouched::new(NO_CREDENTIALS, "there is no `Authorization` header")
}

/// Returns the one bearer token of the request.
fn bearer(headers: &HeaderMap) -> Result<Secret, Unvouched> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Err(no_credentials());
    };
    let bad = |reason: &str| Unvouched::new(NOT_BEARER, reason);
    if all.next().is_some() {
        return Err(bad("there is more than one `Authorization` header"));
    }
    let text = value.to_str().map_err(|_| bad("the `Authorization` header is not text"))?;
    let (scheme, token) =
        text.split_once(' ').ok_or_else(|| bad("the `Authorization` header has no token"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(bad("the `Authorization` header is not of the scheme `Bearer`"));
    }
    let token_char = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES || !token.chars().all(token_char) {
        return Err(bad("what follows `Bearer` is not one token"));
    }
    Ok(Secret::new(token))
}

impl FromRequestParts<App> for Authenticated {
    type Rejection = Rejection;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Rejection> {
        // the layer put it there; a request that came by another way has nobody
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Rejection::at(parts.uri.path(), ServerError::Unauthenticated))
    }
}

impl FromRequestParts<App> for BySession {
    type Rejection = Rejection;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Rejection> {
        Ok(Self(bearer(&parts.headers).ok().and_then(|token| SessionToken::parse(token.expose()))))
    }
}

/// The session token of the request, if it came with one: for logging out.
#[derive(Debug)]
pub(crate) struct BySession(pub(crate) Option<SessionToken>);
