//! What a provider says about itself (OpenID Connect Discovery §4, RFC 8414), checked against what is configured.
//! Not here: aliases of issuers; the document must name the configured issuer to the letter.

use identity::{check_endpoint, strict_object};
use reqwest::{Client, Url};
use serde_json::{Map, Value};

use crate::{
    error::ConnectorError,
    fetch::{bad_answer, get},
};

/// The path of the document below the issuer (OpenID Connect Discovery §4).
const PATH: &str = "/.well-known/openid-configuration";

/// The parts of the document that are used.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    /// Where the keys are.
    pub(crate) jwks_uri: Url,
    /// Where people log in, if they can.
    pub(crate) authorization_endpoint: Option<Url>,
    /// Where codes are exchanged, if they can be.
    pub(crate) token_endpoint: Option<Url>,
    /// Whether the answer to a login names its issuer (RFC 9207).
    pub(crate) names_issuer: bool,
    /// The address of the document, for messages.
    pub(crate) address: Url,
}

/// Fetches and checks the document of `issuer`.
pub(crate) async fn discover(client: &Client, issuer: &str) -> Result<Metadata, ConnectorError> {
    let address = check_endpoint("issuer", &format!("{}{PATH}", issuer.strip_suffix('/').unwrap_or(issuer)))?;
    let answer = get(client, &address).await?;
    if answer.status != 200 {
        return Err(bad_answer(&address, format!("status {}", answer.status)));
    }
    parse(&answer.body, issuer, address)
}

fn parse(body: &[u8], issuer: &str, address: Url) -> Result<Metadata, ConnectorError> {
    let document = strict_object(body).ok_or_else(|| bad_answer(&address, "it is not a JSON object"))?;
    let found = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
    if found != issuer {
        let found = found.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(ConnectorError::WrongIssuer { configured: issuer.to_owned(), found });
    }
    let jwks_uri = endpoint(&document, "jwks_uri", &address)?;
    let jwks_uri = jwks_uri.ok_or_else(|| bad_answer(&address, "it has no `jwks_uri`"))?;
    if let Some(methods) = document.get("code_challenge_methods_supported").and_then(Value::as_array)
        && !methods.iter().any(|method| method.as_str() == Some("S256"))
    {
        return Err(bad_answer(&address, "it cannot do PKCE with S256"));
    }
    Ok(Metadata {
        jwks_uri,
        authorization_endpoint: endpoint(&document, "authorization_endpoint", &address)?,
        token_endpoint: endpoint(&document, "token_endpoint", &address)?,
        names_issuer: document.get("authorization_response_iss_parameter_supported")
            == Some(&Value::Bool(true)),
        address,
    })
}

fn endpoint(
    document: &Map<String, Value>,
    name: &'static str,
    own: &Url,
) -> Result<Option<Url>, ConnectorError> {
    let Some(value) = document.get(name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| bad_answer(own, format!("its `{name}` is not text")))?;
    let url = check_endpoint(name, text).map_err(|reason| bad_answer(own, reason.to_string()))?;
    if own.scheme() == "https" && url.scheme() != "https" {
        return Err(bad_answer(own, format!("its `{name}` leads from https to http")));
    }
    Ok(Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example.com/realms/one";

    #[track_caller]
    fn check(document: &str, expected: &str) {
        let address = Url::parse("https://id.example.com/doc").unwrap();
        let outcome = match parse(document.as_bytes(), ISSUER, address) {
            Ok(metadata) => metadata.jwks_uri.to_string(),
            Err(error) => error.to_string(),
        };
        assert!(outcome.contains(expected), "`{outcome}` lacks `{expected}`");
    }

    #[test]
    fn a_document_must_name_the_configured_issuer_to_the_letter() {
        let document =
            |issuer: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"https://k.example.com/k"}}"#);
        check(&document(ISSUER), "https://k.example.com/k");
        for other in [
            "https://id.example.com/realms/one/",
            "https://ID.example.com/realms/one",
            "https://id.example.com/realms/On",
            "",
        ] {
            check(&document(other), "names the issuer");
        }
        check(r#"{"jwks_uri":"https://k.example.com/k"}"#, "names the issuer");
        let twice = format!(
            r#"{{"issuer":"https://evil","issuer":"{ISSUER}","jwks_uri":"https://k.example.com/k"}}"#
        );
        check(&twice, "not a JSON object");
    }

    #[test]
    fn endpoints_may_not_lead_to_http_or_to_the_clouds_credentials() {
        let document = |uri: &str| format!(r#"{{"issuer":"{ISSUER}","jwks_uri":{uri}}}"#);
        check(&document(r#""http://id.example.com/k""#), "neither https nor http on this machine");
        check(&document(r#""http://127.0.0.1/k""#), "from https to http");
        check(&document(r#""https://169.254.169.254/latest""#), "link-local");
        check(&document(r#""https://[fd00:ec2::254]/latest""#), "link-local");
        check(&document(r#""https://[::ffff:169.254.169.254]/latest""#), "link-local");
        check(&document(r#""https://id.example.com@evil.example/""#), "user name");
        check(&document(r#""file:///etc/passwd""#), "neither https");
        check(&document("7"), "not text");
        check(&document("null"), "not text");
        check(&format!(r#"{{"issuer":"{ISSUER}"}}"#), "no `jwks_uri`");
    }

    #[test]
    fn a_provider_that_can_only_do_plain_pkce_is_refused() {
        let document = |methods: &str| {
            format!(
                r#"{{"issuer":"{ISSUER}","jwks_uri":"https://k.example.com/k","code_challenge_methods_supported":{methods}}}"#
            )
        };
        check(&document(r#"["plain"]"#), "PKCE");
        check(&document(r#"["plain","S256"]"#), "https://k.example.com/k");
    }
}
