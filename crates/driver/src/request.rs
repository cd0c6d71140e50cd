//! A request that a workflow asks for itself: an `http` template, a call of an executor plugin.
//! Source: Argo `workflow/executor/agent.go` executeHTTPTemplateRequest; Go `net/http` Client.
//! Not here: what an answer means (`engine::task`).
//! Invariant: no more of an answer is read than [`BODY_BYTES`].

use std::{fmt, sync::Arc, time::Duration};

use model::argo::printable_url;
use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use crate::{
    DriverError, Reach,
    client::{self, Tls},
    error::reason,
    limits::{BODY_BYTES, MOVE_TIME},
};

/// A request.
#[derive(Default)]
pub struct Request {
    /// The method; `GET` when empty.
    pub method: String,
    /// The address, `http` or `https`.
    pub url: String,
    /// Names and values, in order; a name may come several times.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the other side's certificate does not matter.
    pub trusts_all: bool,
    /// How long it may take until the whole answer is read; an hour when absent.
    pub time: Option<Duration>,
    /// Whether a redirect is the answer rather than followed, at most ten times.
    pub stays: bool,
}

impl fmt::Debug for Request {
    /// Headers may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &printable_url(&self.url))
            .finish()
    }
}

/// What was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names and values; a name may come several times.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`BODY_BYTES`].
    pub body: Vec<u8>,
}

/// Sends a request and reads its answer.
///
/// # Errors
/// [`DriverError::Failed`] with Go's words in front (`Get "http://…": `), also if it takes too long (`context deadline
/// exceeded`) or the body is too large; [`DriverError::Unreachable`]; [`DriverError::BadArtifact`] for what cannot be sent.
pub async fn request(reach: &Arc<Reach>, asked: Request) -> Result<Answer, DriverError> {
    let what = what(&asked);
    let url = url(reach, &asked.url)?;
    let bad = |text: String| DriverError::BadArtifact(format!("{what}: {text}"));
    let method = if asked.method.is_empty() { "GET" } else { &asked.method };
    let method = Method::from_bytes(method.as_bytes());
    let method = method.map_err(|_| bad(format!("net/http: invalid method \"{}\"", asked.method)))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &asked.headers {
        let unsendable = || bad(format!("net/http: invalid header field `{name}`"));
        let name_of = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable())?;
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unsendable())?;
        // any of them may come from a Secret
        value.set_sensitive(true);
        headers.append(name_of, value);
    }
    let tls = Tls { trusts_all: asked.trusts_all, ..Tls::default() };
    let client = if asked.stays { client::plain(reach, &tls)? } else { client::patient(reach, &tls)? };
    let asking = client.request(method, url).headers(headers).body(asked.body);
    let failed = |error: reqwest::Error| DriverError::failed(what.clone(), reason(error));
    let work = async {
        let mut answer = asking.send().await.map_err(failed)?;
        let name = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = answer.headers().iter().map(name).collect();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len().saturating_add(chunk.len()) > BODY_BYTES {
                let why = format!("the body of the answer is larger than {BODY_BYTES} bytes");
                return Err(DriverError::failed(what.clone(), why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: answer.status().as_u16(), headers, body })
    };
    match tokio::time::timeout(asked.time.unwrap_or(MOVE_TIME), work).await {
        Ok(answer) => answer,
        Err(_) => Err(DriverError::failed(what.clone(), "context deadline exceeded")),
    }
}

/// Returns the words that Go's client puts before an error.
fn what(asked: &Request) -> String {
    let method = if asked.method.is_empty() { "GET" } else { &asked.method };
    let mut letters = method.chars();
    let first: String = letters.next().into_iter().collect();
    format!("{first}{} \"{}\"", letters.as_str().to_ascii_lowercase(), printable_url(&asked.url))
}

fn url(reach: &Reach, text: &str) -> Result<Url, DriverError> {
    let bad = |problem: &str| DriverError::BadArtifact(format!("`{}` {problem}", printable_url(text)));
    let url = Url::parse(text).map_err(|_| bad("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(&format!("has an unsupported protocol scheme \"{}\"", url.scheme())));
    }
    reach.check(&url)?;
    Ok(url)
}
