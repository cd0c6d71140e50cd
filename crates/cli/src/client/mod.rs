//! A typed client of both of a server's APIs: Argo's (`argo`, `archive`, `objects`, `sync`) and Marque's own (`marque`).
//! Not here: what to do with the answers (see `command`), keeping credentials (see `credentials`).
//!
//! Invariant: a token goes only into the `Authorization` header, only to the server it is for, never along a
//! redirect, and in clear only within this machine.

pub mod answer;
mod archive;
mod argo;
mod marque;
mod objects;
mod stream;
mod sync;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

pub use argo::{Asked, ListQuery};
pub use marque::{
    Applied, AskedSubmit, Change, Entries, Gate, GateAnswer, Gates, Given, Provider, Providers, SentEntry,
    Session, Sheet, WhoAmI,
};
pub use objects::Kind;
pub use stream::Lines;
pub use sync::LimitHome;

use crate::{
    error::{CliError, Refused},
    render::fault::Drawable,
};
use answer::Problem;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take that is not a stream.
const ANSWER: Duration = Duration::from_secs(120);

/// A client of one server, for one caller.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
    token: Option<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server.as_str()).finish_non_exhaustive()
    }
}

/// Returns the address of a server as a person wrote it, or why it is none.
///
/// # Errors
/// [`CliError::Usage`].
pub fn address(text: &str) -> Result<Url, CliError> {
    let bad = |why: &str| CliError::Usage(format!("`{text}` is not the address of a server: {why}"));
    let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad("it must begin with https:// (or http:// on this machine)"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(bad("no user, password, query or fragment belongs there"));
    }
    Ok(url)
}

/// Returns the text under which a server's credentials are kept.
pub fn address_text(server: &Url) -> &str {
    server.as_str().trim_end_matches('/')
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Client {
    /// Returns a client of `server` that shows `token`, if there is one.
    ///
    /// # Errors
    /// [`CliError::Usage`] if the token would go over the network in clear.
    pub fn new(server: Url, token: Option<String>) -> Result<Self, CliError> {
        if server.scheme() != "https" && !is_this_machine(&server) {
            let why = format!(
                "`{}` is neither https nor on this machine: nothing secret is sent there",
                address_text(&server)
            );
            return Err(CliError::Usage(why));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("marque/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| CliError::local("an HTTP client cannot be made", error))?;
        Ok(Self { http, server, token })
    }

    /// Returns the server's address.
    pub fn server(&self) -> &str {
        address_text(&self.server)
    }

    /// Returns the address of a path given segment by segment, each escaped.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.authorized(self.http.request(method, self.url(path)))
    }

    /// Returns a GET with a query; nothing secret belongs into one.
    fn asking(&self, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        self.authorized(self.http.get(url))
    }

    /// Returns the value of the `Authorization` header, if the caller has a token.
    pub fn authorization(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("Bearer {token}"))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match self.authorization() {
            Some(value) => request.header(header::AUTHORIZATION, value),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, CliError> {
        let sent = request.send().await;
        let response =
            sent.map_err(|source| CliError::Unreachable { server: self.server().to_owned(), source })?;
        if response.status().is_success() { Ok(response) } else { Err(self.failure(response).await) }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CliError> {
        let response = self.send(request.timeout(ANSWER)).await?;
        let body = response.bytes().await;
        let body =
            body.map_err(|source| CliError::Unreachable { server: self.server().to_owned(), source })?;
        serde_json::from_slice(&body).map_err(|error| self.not_understood(error))
    }

    fn not_understood(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CliError {
        CliError::Answer { server: self.server().to_owned(), source: error.into() }
    }

    async fn failure(&self, response: Response) -> CliError {
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        let problem = serde_json::from_slice::<Problem>(&body).unwrap_or_default();
        failure(self.server(), status, problem)
    }
}

/// Returns the error for a status and a body: one function for both APIs.
fn failure(server: &str, status: StatusCode, problem: Problem) -> CliError {
    /// gRPC's `FAILED_PRECONDITION`, which Argo's API answers with status 400.
    const FAILED_PRECONDITION: u64 = 9;
    let said = |otherwise: &str| match problem.text() {
        "" => otherwise.to_owned(),
        text => text.to_owned(),
    };
    match status {
        StatusCode::UNAUTHORIZED => {
            CliError::NotLoggedIn { server: server.to_owned(), reason: said("no valid token") }
        }
        StatusCode::FORBIDDEN => {
            CliError::Refused(Box::new(Refused { message: said("not allowed"), decision: problem.decision }))
        }
        StatusCode::NOT_FOUND => CliError::NotFound(said("not found")),
        StatusCode::CONFLICT => CliError::Conflict(said("not possible in this state")),
        _ if problem.code.as_u64() == Some(FAILED_PRECONDITION) => {
            CliError::Conflict(said("not possible in this state"))
        }
        status if status.is_client_error() && !problem.faults.is_empty() => {
            let faults = problem.faults.into_iter().map(Drawable::from).collect();
            CliError::Faults { faults, sources: Vec::new() }
        }
        status if status.is_client_error() => {
            let detail = said(&format!("the request makes no sense to the server ({})", status.as_u16()));
            CliError::BadRequest(Box::new(Problem { detail, ..problem }))
        }
        status => {
            let code = match &problem.code {
                Value::String(code) => format!(" [{code}]"),
                _ => String::new(),
            };
            CliError::Server {
                status: status.as_u16(),
                message: format!("{}{code}", said("no reason given")),
            }
        }
    }
}
