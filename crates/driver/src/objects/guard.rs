//! The HTTP client that object stores use: ours, so that it reaches only what it may.

use std::{fmt, pin::Pin, sync::Arc};

use object_store::{
    ClientOptions, Error, RetryConfig,
    client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService},
};
use reqwest::Client;

use crate::{
    DriverError, Reach,
    client::{self, Tls},
    limits::{RETRIES, SILENT_TIME},
};

/// Gives every request to our client after a look at its address.
#[derive(Clone)]
pub(super) struct Guard {
    client: Client,
    reach: Arc<Reach>,
}

impl Guard {
    /// Returns a guard; `authorities` are certificates the store's may be signed by.
    pub(super) fn new(reach: &Arc<Reach>, authorities: Option<&[u8]>) -> Result<Self, DriverError> {
        let client = client::following(reach, &Tls { authorities, ..Tls::default() })?;
        Ok(Self { client, reach: Arc::clone(reach) })
    }
    /// Returns it as the stores call it.
    pub(super) fn client(&self) -> HttpClient {
        HttpClient::new(self.clone())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl HttpConnector for Guard {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.client())
    }
}

impl HttpService for Guard {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let refused = |error: DriverError| HttpError::new(HttpErrorKind::Unknown, error);
            let url = request.uri().to_string();
            let url = reqwest::Url::parse(&url).map_err(|_| {
                refused(DriverError::BadArtifact("the store's address is not a URL".to_owned()))
            })?;
            self.reach.check(&url).map_err(refused)?;
            self.client.call(request).await
        })
    }
}

/// Returns how often and how long a request is repeated that a store could not answer.
pub(super) fn retries() -> RetryConfig {
    RetryConfig { max_retries: RETRIES, retry_timeout: SILENT_TIME, ..RetryConfig::default() }
}

/// Returns why a store failed, without URLs that are signed.
pub(super) fn explained(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    cleaned(&text)
}

/// Cuts the query of every URL in a text: signatures and tokens are there.
pub(super) fn cleaned(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        match (word.contains("://"), word.split_once('?')) {
            (true, Some((before, _))) => {
                clean.push_str(before);
                clean.push(' ');
            }
            _ => clean.push_str(word),
        }
    }
    clean.trim_end().chars().take(2_000).collect()
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn signatures_are_cut_out_of_messages() {
        let text = "error sending request for url (https://h/b/k?X-Amz-Signature=abc) twice? yes";
        assert_eq!(cleaned(text), "error sending request for url (https://h/b/k twice? yes");
    }
}
