//! The one way out to a provider: bounded in time and size, never redirected.
//! Not here: which addresses may be asked (see `discovery`).

use std::time::Duration;

use reqwest::{Client, Response, Url, header, redirect::Policy};

use crate::error::ConnectorError;

/// How long an answer may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer, in bytes.
pub(crate) const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// An answer, whole.
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The `Cache-Control` header, empty if there is none.
    pub(crate) cache_control: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Returns a client for the provider at `issuer`.
pub(crate) fn client(issuer: &Url) -> Result<Client, ConnectorError> {
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("marque/", env!("CARGO_PKG_VERSION")));
    if issuer.scheme() == "http" {
        // This machine itself: a proxy would see the tokens, and could not reach it.
        builder = builder.no_proxy();
    }
    builder.build().map_err(ConnectorError::NoClient)
}

/// Gets a document.
pub(crate) async fn get(client: &Client, address: &Url) -> Result<Answer, ConnectorError> {
    let request = client.get(address.clone()).header(header::ACCEPT, "application/json");
    let response = request.send().await.map_err(|source| unreachable(address, source))?;
    whole(address, response).await
}

/// Posts a form.
pub(crate) async fn post(
    client: &Client,
    address: &Url,
    form: &[(&str, &str)],
) -> Result<Answer, ConnectorError> {
    let request = client.post(address.clone()).header(header::ACCEPT, "application/json").form(form);
    let response = request.send().await.map_err(|source| unreachable(address, source))?;
    whole(address, response).await
}

fn unreachable(address: &Url, source: reqwest::Error) -> ConnectorError {
    ConnectorError::Unreachable { address: address.to_string(), source: source.without_url() }
}

/// Returns the error that says the provider's answer makes no sense.
pub(crate) fn bad_answer(address: &Url, problem: impl Into<String>) -> ConnectorError {
    ConnectorError::BadAnswer { address: address.to_string(), problem: problem.into() }
}

async fn whole(address: &Url, mut response: Response) -> Result<Answer, ConnectorError> {
    let status = response.status().as_u16();
    let cache_control = response.headers().get(header::CACHE_CONTROL);
    let cache_control = cache_control.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|source| unreachable(address, source))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(bad_answer(address, format!("it is longer than {MAX_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, cache_control, body })
}
