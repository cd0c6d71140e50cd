//! Artifacts of HTTP servers: fetched with GET, put with PUT. Also JFrog's Artifactory, which is one.
//! Source: Argo `workflow/artifacts/http/http.go`, `artifactory/artifactory.go`.

use std::{path::Path, sync::Arc};

use futures_util::TryStreamExt as _;
use model::argo::{ArtifactoryArtifact, HttpArtifact, HttpAuth, OAuth2Auth, printable_url};
use reqwest::{Client, Method, Request, Response, StatusCode, Url, header};

use crate::{
    DriverError, Reach, Secrets, Settings,
    client::{self, Tls},
    error::reason,
    files,
    limits::{ANSWER_BYTES, Budget, REDIRECTS},
};

/// How requests are made that an artifact's fields ask for.
struct Asking<'a> {
    reach: &'a Arc<Reach>,
    tls: Tls<'a>,
    headers: header::HeaderMap,
}

/// Fetches an artifact.
pub(crate) async fn load(
    settings: &Settings,
    at: &HttpArtifact,
    secrets: &Secrets,
    target: &Path,
) -> Result<(), DriverError> {
    let asking = Asking::of(settings, at, secrets).await?;
    get(settings, &asking, &at.url, target).await
}

/// Puts an artifact.
pub(crate) async fn save(
    settings: &Settings,
    at: &HttpArtifact,
    secrets: &Secrets,
    source: &Path,
) -> Result<(), DriverError> {
    let asking = Asking::of(settings, at, secrets).await?;
    put(settings, &asking, &at.url, source).await
}

/// Fetches a file of an Artifactory.
pub(crate) async fn load_artifactory(
    settings: &Settings,
    at: &ArtifactoryArtifact,
    secrets: &Secrets,
    target: &Path,
) -> Result<(), DriverError> {
    get(settings, &Asking::of_artifactory(settings, at, secrets)?, &at.url, target).await
}

/// Puts a file into an Artifactory.
pub(crate) async fn save_artifactory(
    settings: &Settings,
    at: &ArtifactoryArtifact,
    secrets: &Secrets,
    source: &Path,
) -> Result<(), DriverError> {
    put(settings, &Asking::of_artifactory(settings, at, secrets)?, &at.url, source).await
}

async fn get(settings: &Settings, asking: &Asking<'_>, url: &str, target: &Path) -> Result<(), DriverError> {
    let shown = printable_url(url);
    let what = format!("loading file from {shown}");
    let url = asking.url(url)?;
    let client = client::following(asking.reach, &asking.tls)?;
    let answer = client.get(url).headers(asking.headers.clone()).send().await;
    let answer = answer.map_err(|error| failed(&what, error))?;
    match answer.status() {
        StatusCode::NOT_FOUND => Err(DriverError::NotFound(shown)),
        status if status.is_success() => {
            let mut budget = Budget::of(settings.limits);
            let content = std::pin::pin!(answer.bytes_stream().into_stream());
            files::write(target, content, &mut budget, |error| failed(&what, error)).await
        }
        status => Err(DriverError::failed(what, format!("failed with {status}"))),
    }
}

/// Puts a file. A redirect is followed by sending the file again (WebHDFS answers so), without credentials if it leads to
/// another host.
async fn put(settings: &Settings, asking: &Asking<'_>, url: &str, source: &Path) -> Result<(), DriverError> {
    let what = format!("saving file to {}", printable_url(url));
    if files::is_folder(source).await? {
        let driver = "saving a folder over HTTP without `archive`";
        return Err(DriverError::Unsupported(driver.to_owned()));
    }
    let mut url = asking.url(url)?;
    let mut headers = asking.headers.clone();
    let client = client::plain(asking.reach, &asking.tls)?;
    for _ in 0..=REDIRECTS {
        let answer = put_once(settings, &client, (&url, &headers), source, &what).await?;
        let next = redirected(&answer).and_then(|to| url.join(to).ok());
        match (answer.status(), next) {
            (StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT, Some(next)) => {
                asking.reach.check(&next)?;
                if next.origin() != url.origin() {
                    headers.clear();
                }
                url = next;
            }
            (status, _) if status.is_success() => return Ok(()),
            (status, _) => return Err(DriverError::failed(what, format!("failed with reason: {status}"))),
        }
    }
    Err(DriverError::failed(what, "too many redirects"))
}

fn redirected(answer: &Response) -> Option<&str> {
    answer.headers().get(header::LOCATION)?.to_str().ok()
}

async fn put_once(
    settings: &Settings,
    client: &Client,
    (url, headers): (&Url, &header::HeaderMap),
    source: &Path,
    what: &str,
) -> Result<Response, DriverError> {
    let file = tokio::fs::File::open(source).await.map_err(DriverError::io(source))?;
    let length = file.metadata().await.map_err(DriverError::io(source))?.len();
    if length > settings.limits.bytes {
        return Err(DriverError::TooLarge { what: "bytes", limit: settings.limits.bytes });
    }
    let mut request = Request::new(Method::PUT, url.clone());
    *request.headers_mut() = headers.clone();
    request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    *request.body_mut() = Some(file.into());
    client.execute(request).await.map_err(|error| failed(what, error))
}

impl<'a> Asking<'a> {
    async fn of(
        settings: &'a Settings,
        at: &'a HttpArtifact,
        secrets: &'a Secrets,
    ) -> Result<Self, DriverError> {
        let mut asking =
            Self { reach: &settings.reach, tls: Tls::default(), headers: header::HeaderMap::new() };
        for header in &at.headers {
            asking.header(&header.name, &header.value, false)?;
        }
        if let Some(auth) = &at.auth {
            asking.authenticate(auth, secrets).await?;
        }
        Ok(asking)
    }

    fn of_artifactory(
        settings: &'a Settings,
        at: &'a ArtifactoryArtifact,
        secrets: &'a Secrets,
    ) -> Result<Self, DriverError> {
        let mut asking =
            Self { reach: &settings.reach, tls: Tls::default(), headers: header::HeaderMap::new() };
        let user = secrets.text(at.username_secret.as_ref())?;
        if let Some(user) = user {
            asking.basic(user, secrets.text(at.password_secret.as_ref())?.unwrap_or_default())?;
        }
        Ok(asking)
    }

    fn url(&self, text: &str) -> Result<Url, DriverError> {
        let bad = |problem: &str| DriverError::BadArtifact(format!("`{}` {problem}", printable_url(text)));
        let url = Url::parse(text).map_err(|_| bad("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("is neither `http` nor `https`"));
        }
        self.reach.check(&url)?;
        Ok(url)
    }

    fn header(&mut self, name: &str, value: &str, secret: bool) -> Result<(), DriverError> {
        let bad = || DriverError::BadArtifact(format!("header `{name}` cannot be sent"));
        let name_of = header::HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = header::HeaderValue::from_str(value).map_err(|_| bad())?;
        value.set_sensitive(secret);
        self.headers.append(name_of, value);
        Ok(())
    }

    fn basic(&mut self, user: &str, password: &str) -> Result<(), DriverError> {
        self.header("authorization", &basic(user, password), true)
    }

    async fn authenticate(&mut self, auth: &HttpAuth, secrets: &'a Secrets) -> Result<(), DriverError> {
        let certificate = secrets.bytes(auth.client_cert.client_cert_secret.as_ref())?;
        let key = secrets.bytes(auth.client_cert.client_key_secret.as_ref())?;
        self.tls.identity = certificate.zip(key);
        if let Some(user) = secrets.text(auth.basic_auth.username_secret.as_ref())? {
            let password = secrets.text(auth.basic_auth.password_secret.as_ref())?;
            self.basic(user, password.unwrap_or_default())?;
        }
        if !auth.oauth2.is_empty() {
            let token = self.token(&auth.oauth2, secrets).await?;
            self.header("authorization", &format!("Bearer {token}"), true)?;
        }
        Ok(())
    }

    /// Gets a token with client credentials (RFC 6749 §4.4): the client's secret is in the header, or in the body if the
    /// server does not take that, as Go's client does.
    async fn token(&self, auth: &OAuth2Auth, secrets: &Secrets) -> Result<String, DriverError> {
        let needed = |text: Option<&str>, what: &str| {
            text.map(str::to_owned)
                .ok_or_else(|| DriverError::BadArtifact(format!("`oauth2` lacks `{what}`")))
        };
        let id = needed(secrets.text(auth.client_id_secret.as_ref())?, "clientIDSecret")?;
        let secret = needed(secrets.text(auth.client_secret_secret.as_ref())?, "clientSecretSecret")?;
        let url = self.url(&needed(secrets.text(auth.token_url_secret.as_ref())?, "tokenURLSecret")?)?;
        let client = client::plain(self.reach, &self.tls)?;
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        if !auth.scopes.is_empty() {
            form.push(("scope", auth.scopes.join(" ")));
        }
        form.extend(auth.endpoint_params.iter().map(|param| (param.key.as_str(), param.value.clone())));
        let encoded: [String; 2] =
            [&id, &secret].map(|text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
        let [user, password] = &encoded;
        let header = basic(user, password);
        let in_header = client.post(url.clone()).header(header::AUTHORIZATION, header).form(&form);
        let what = "getting an OAuth 2.0 token";
        let mut answer = in_header.send().await.map_err(|error| failed(what, error))?;
        if !answer.status().is_success() {
            form.extend([("client_id", id), ("client_secret", secret)]);
            answer = client.post(url).form(&form).send().await.map_err(|error| failed(what, error))?;
        }
        if !answer.status().is_success() {
            return Err(DriverError::failed(what, format!("failed with {}", answer.status())));
        }
        let answer = read(answer, what).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
        let token = answer.get("access_token").and_then(serde_json::Value::as_str);
        token.map(str::to_owned).ok_or_else(|| DriverError::failed(what, "there is none in the answer"))
    }
}

/// Returns the header's value that tells user and password (RFC 7617).
pub(crate) fn basic(user: &str, password: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Reads a short answer.
async fn read(mut answer: Response, what: &str) -> Result<Vec<u8>, DriverError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(what, error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES {
            return Err(DriverError::failed(what, "the answer is too long"));
        }
    }
    Ok(bytes)
}

/// Returns the error of a request; one that was not let out says so.
fn failed(what: &str, error: reqwest::Error) -> DriverError {
    DriverError::failed(what, reason(error))
}
