//! The port of this machine on which the browser hands over the login's answer (RFC 8252 §7.3).
//! Not here: the exchange of the code (see `redeem`).
//! Invariant: an [`AuthorizationCode`] exists only if its answer carried this attempt's `state`, came on the
//! loopback address, and named the right issuer where the provider promises to.

use std::{net::Ipv4Addr, time::Duration};

use identity::Secret;
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    error::ConnectorError,
    login::{LoginClient, LoginOptions, LoginSecrets},
};

/// The path of the redirect.
const PATH: &str = "/callback";
/// The longest request head, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How long a browser may take to send its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The most connections at a time; browsers open some in advance.
const MAX_CONNECTIONS: usize = 16;

/// A login that waits for its answer.
#[derive(Debug)]
pub struct LoginAttempt {
    listener: TcpListener,
    port: u16,
    authorization_url: Url,
    expected: Expected,
}

/// What the answer is checked against.
#[derive(Debug, Clone)]
struct Expected {
    issuer: String,
    names_issuer: bool,
    redirect_uri: String,
    resource: Option<String>,
    secrets: LoginSecrets,
}

/// The code that a login was answered with, with all that its exchange needs; good for one exchange.
#[derive(Debug)]
pub struct AuthorizationCode {
    pub(crate) code: Secret,
    pub(crate) redirect_uri: String,
    pub(crate) resource: Option<String>,
    pub(crate) secrets: LoginSecrets,
}

/// What a request to the port comes to.
enum Outcome {
    /// Not the answer; keep waiting.
    Other { status: &'static str, text: &'static str },
    /// The answer.
    Answer(Box<Result<AuthorizationCode, ConnectorError>>),
}

impl LoginAttempt {
    pub(crate) async fn open(
        client: &LoginClient,
        options: &LoginOptions,
        secrets: LoginSecrets,
    ) -> Result<Self, ConnectorError> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ConnectorError::NoListener)?;
        let port = listener.local_addr().map_err(ConnectorError::NoListener)?.port();
        let redirect_uri = format!("http://127.0.0.1:{port}{PATH}");
        let authorization_url = client.authorization_url(options, &secrets, &redirect_uri);
        let expected = Expected {
            issuer: client.keys.config().issuer().to_owned(),
            names_issuer: client.names_issuer,
            redirect_uri,
            resource: options.resource.clone(),
            secrets,
        };
        Ok(Self { listener, port, authorization_url, expected })
    }

    /// Returns the address to open in a browser.
    pub const fn authorization_url(&self) -> &Url {
        &self.authorization_url
    }

    /// Waits for the browser to bring the answer. Requests without this attempt's `state` are turned away and do
    /// not end the wait, so that another page cannot break a login.
    ///
    /// # Errors
    /// [`ConnectorError::LoginRefused`], [`ConnectorError::MixUp`], [`ConnectorError::BadAnswer`],
    /// [`ConnectorError::NoListener`], [`ConnectorError::TimedOut`] after `timeout`.
    pub async fn wait(self, timeout: Duration) -> Result<AuthorizationCode, ConnectorError> {
        let seconds = timeout.as_secs();
        let waited = tokio::time::timeout(timeout, self.serve()).await;
        waited.unwrap_or(Err(ConnectorError::TimedOut { seconds }))
    }

    async fn serve(self) -> Result<AuthorizationCode, ConnectorError> {
        let host = format!("127.0.0.1:{}", self.port);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    let (stream, _) = accepted.map_err(ConnectorError::NoListener)?;
                    connections.spawn(converse(stream, host.clone(), self.expected.clone()));
                }
                Some(done) = connections.join_next() => {
                    if let Ok(Some(answer)) = done {
                        return answer;
                    }
                }
            }
        }
    }
}

/// Reads one request, answers it, and returns the login's answer if it was that.
async fn converse(
    mut stream: TcpStream,
    host: String,
    expected: Expected,
) -> Option<Result<AuthorizationCode, ConnectorError>> {
    let head = tokio::time::timeout(HEAD_TIMEOUT, read_head(&mut stream)).await.ok()??;
    let outcome = judge(&head, &host, expected);
    let (status, text) = match &outcome {
        Outcome::Other { status, text } => (*status, *text),
        Outcome::Answer(answer) if answer.is_ok() => {
            ("200 OK", "The answer has reached the terminal. This window can be closed.")
        }
        Outcome::Answer(_) => ("200 OK", "The login did not succeed; the terminal says why."),
    };
    // The answer counts even if the browser does not stay to read the page.
    let _ = stream.write_all(page(status, text).as_bytes()).await;
    let _ = stream.shutdown().await;
    match outcome {
        Outcome::Other { .. } => None,
        Outcome::Answer(answer) => Some(*answer),
    }
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        head.extend_from_slice(buffer.get(..read)?);
        if head.len() > MAX_HEAD_BYTES {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

/// Returns a small page. Nothing of the request is repeated in it.
fn page(status: &str, text: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Marque</title>\
         <body style=\"font: 1.2rem system-ui; margin: 4rem auto; max-width: 40rem\"><h1>Marque</h1><p>{text}</p></body></html>\n"
    );
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         referrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn judge(head: &str, host: &str, expected: Expected) -> Outcome {
    let other = |status, text| Outcome::Other { status, text };
    let mut lines = head.split("\r\n");
    let mut request = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
    // A page elsewhere whose name was made to resolve to this machine sends another host.
    let mut hosts =
        lines.filter_map(|line| line.split_once(':')).filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    if hosts.next().map(|(_, value)| value.trim()) != Some(host) || hosts.next().is_some() {
        return other("400 Bad Request", "This request was not meant for this machine.");
    }
    let Some(query) = target.strip_prefix(PATH).and_then(|rest| rest.strip_prefix('?')) else {
        return other("404 Not Found", "There is nothing here.");
    };
    if method != "GET" {
        return other("405 Method Not Allowed", "There is nothing here.");
    }
    let answer = Parameters::parse(query);
    if !answer.one("state").is_some_and(|state| expected.secrets.state.matches(state)) {
        return other("400 Bad Request", "This is not the answer to the login that is waiting.");
    }
    Outcome::Answer(Box::new(code(&answer, expected)))
}

/// The parameters of the answer.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }
    /// Returns a parameter that is there exactly once (RFC 6749 §3.1 forbids more).
    fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let first = values.next();
        if values.next().is_some() { None } else { first.map(|(_, value)| value.as_str()) }
    }
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}

fn code(answer: &Parameters, expected: Expected) -> Result<AuthorizationCode, ConnectorError> {
    let named = answer.one("iss");
    if (expected.names_issuer || answer.has("iss")) && named != Some(expected.issuer.as_str()) {
        return Err(ConnectorError::MixUp);
    }
    if answer.has("error") {
        let shown = |name| {
            answer.one(name).unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect()
        };
        return Err(ConnectorError::LoginRefused {
            error: shown("error"),
            description: shown("error_description"),
        });
    }
    let code =
        answer.one("code").filter(|code| !code.is_empty()).ok_or_else(|| ConnectorError::BadAnswer {
            address: expected.issuer.clone(),
            problem: "the login's answer has no code".to_owned(),
        })?;
    Ok(AuthorizationCode {
        code: Secret::new(code),
        redirect_uri: expected.redirect_uri,
        resource: expected.resource,
        secrets: expected.secrets,
    })
}
