//! The table of endpoints: each with its method, its path, and the acts it does (all recorded) or the reason why it is
//! public. The router is made from the table, so there is no endpoint outside it.
//! Not here: what the endpoints do.

use std::collections::BTreeMap;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse as _,
    routing::{MethodFilter, MethodRouter, on},
};
use policy::{Action, EffectKind};

use crate::{App, ServerError, answer::Rejection, argo, authn, headers, limits, marque, trace};

/// One endpoint.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) acts: Vec<Act>,
    pub(crate) pace: Pace,
    handler: MethodRouter<App>,
}

/// Who gets in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    /// Everybody, for this reason.
    Public(&'static str),
    /// Everybody whom somebody vouches for; the endpoint's acts are then decided and recorded.
    Vouched,
    /// The same, and whoever signs the body as a client of webhooks.
    VouchedOrSigned,
}

/// An act an endpoint does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Act {
    pub(crate) name: &'static str,
    pub(crate) effect: EffectKind,
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It ends soon.
    Answer,
    /// It goes on.
    Stream,
}

/// Returns the act `A`, for the table.
pub(crate) const fn act<A: Action>() -> Act {
    Act { name: A::NAME, effect: A::EFFECT }
}

impl Endpoint {
    /// Returns an endpoint for those somebody vouches for.
    pub(crate) fn new<H, T>(method: Method, path: &'static str, acts: &[Act], handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self { access: Access::Vouched, acts: acts.to_vec(), ..Self::public(method, path, "", handler) }
    }
    /// Returns an endpoint for everybody, and why that is right.
    pub(crate) fn public<H, T>(method: Method, path: &'static str, why: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        // every method of the tables below is one that has a filter
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE);
        Self {
            method,
            path,
            access: Access::Public(why),
            acts: Vec::new(),
            pace: Pace::Answer,
            handler: on(filter, handler),
        }
    }
    /// Returns the public endpoint as one that does these acts.
    pub(crate) fn acting(mut self, acts: &[Act]) -> Self {
        self.acts = acts.to_vec();
        self
    }
    /// Returns the endpoint as one that takes signed bodies, too.
    pub(crate) const fn or_signed(mut self) -> Self {
        self.access = Access::VouchedOrSigned;
        self
    }
    /// Returns the endpoint as one that goes on.
    pub(crate) const fn streams(mut self) -> Self {
        self.pace = Pace::Stream;
        self
    }
    fn layered(self, app: &App) -> MethodRouter<App> {
        let handler = match self.access {
            Access::Public(_) => self.handler,
            Access::Vouched => self.handler.route_layer(from_fn_with_state(app.clone(), authn::require)),
            Access::VouchedOrSigned => {
                self.handler.route_layer(from_fn_with_state(app.clone(), authn::require_or_signed))
            }
        };
        // around all: finding out who asks can take time, too
        if self.pace == Pace::Answer { handler.route_layer(from_fn(limits::timely)) } else { handler }
    }
}

/// Returns every endpoint there is.
pub(crate) fn all() -> Vec<Endpoint> {
    argo::endpoints().into_iter().chain(marque::endpoints()).collect()
}

/// Returns the table as text, a line each: method and path, who gets in, the acts with what they do to the world.
pub fn endpoints() -> String {
    let mut endpoints = all();
    endpoints.sort_by(|a, b| (a.path, a.method.as_str()).cmp(&(b.path, b.method.as_str())));
    let line = |endpoint: &Endpoint| {
        let effect = |act: &Act| match act.effect {
            EffectKind::Read => format!("{} (read)", act.name),
            EffectKind::Change => format!("{} (change)", act.name),
        };
        let acts: Vec<String> = endpoint.acts.iter().map(effect).collect();
        let acts = if acts.is_empty() { "-".to_owned() } else { acts.join(", ") };
        let stream = if endpoint.pace == Pace::Stream { " stream" } else { "" };
        let who = match endpoint.access {
            Access::Public(why) => format!("public: {why}"),
            Access::Vouched => "vouched".to_owned(),
            Access::VouchedOrSigned => "vouched or signed".to_owned(),
        };
        format!("{} {} | {who}{stream} | {acts}\n", endpoint.method, endpoint.path)
    };
    endpoints.iter().map(line).collect()
}

/// Returns the router made from the table.
pub(crate) fn router(app: &App) -> Router {
    let mut by_path: BTreeMap<&'static str, MethodRouter<App>> = BTreeMap::new();
    for endpoint in all() {
        let path = endpoint.path;
        let handler = endpoint.layered(app);
        let there = by_path.remove(path).unwrap_or_default();
        by_path.insert(path, there.merge(handler));
    }
    let router =
        by_path.into_iter().fold(Router::new(), |router, (path, handler)| router.route(path, handler));
    router
        .fallback(async |uri: axum::http::Uri| {
            Rejection::at(uri.path(), ServerError::NoSuchPath).into_response()
        })
        .method_not_allowed_fallback(async |uri: axum::http::Uri| {
            Rejection::at(uri.path(), ServerError::MethodNotAllowed).into_response()
        })
        .layer(from_fn(limits::bounded))
        .layer(from_fn_with_state(app.clone(), limits::concurrent))
        .layer(from_fn(headers::dress))
        .layer(from_fn(trace::traced))
        .with_state(app.clone())
}
