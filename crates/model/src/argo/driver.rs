//! The fields of each artifact driver. Source: Argo `workflow_types.go` S3Artifact and its siblings.
//! Not here: what is the same for all of them (see `artifact`).
//! Invariant: no credential is in here, only the names of Secrets that hold them; what may hold one all the same (the
//! value of a header, the user part of a URL) is not printed by `Debug`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::KeySelector;

type Rest = serde_json::Map<String, Value>;

/// An object of an S3 bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct S3Artifact {
    /// Host and port of the service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    /// The region.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Whether the service speaks HTTP without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    /// The access key's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<KeySelector>,
    /// The secret key's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_secret: Option<KeySelector>,
    /// The session token's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token_secret: Option<KeySelector>,
    /// The Secret of the certificates the service's own is checked against.
    #[serde(rename = "caSecret", skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<KeySelector>,
    /// Whether this machine's own credentials are used.
    #[serde(rename = "useSDKCreds", skip_serializing_if = "std::ops::Not::not")]
    pub use_sdk_creds: bool,
    /// The object's key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Every other field, verbatim (`roleARN`, `createBucketIfNotPresent`, `encryptionOptions` …).
    #[serde(flatten)]
    pub rest: Rest,
}

/// An object of a bucket of Alibaba's OSS.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OssArtifact {
    /// The URL of the service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    /// The access key's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<KeySelector>,
    /// The secret key's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_secret: Option<KeySelector>,
    /// Whether this machine's own credentials are used.
    #[serde(rename = "useSDKCreds", skip_serializing_if = "std::ops::Not::not")]
    pub use_sdk_creds: bool,
    /// The object's key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Every other field, verbatim (`securityToken`, `lifecycleRule` …).
    #[serde(flatten)]
    pub rest: Rest,
}

/// An object of a bucket of Google Cloud Storage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GcsArtifact {
    /// The bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    /// The Secret of the service account's key file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_key_secret: Option<KeySelector>,
    /// The object's key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A blob of a container of Azure storage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AzureArtifact {
    /// The URL of the account's blob service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The container.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// The account key's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_key_secret: Option<KeySelector>,
    /// Whether this machine's own credentials are used.
    #[serde(rename = "useSDKCreds", skip_serializing_if = "std::ops::Not::not")]
    pub use_sdk_creds: bool,
    /// The blob's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub blob: String,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// The answer of an HTTP server; written with PUT.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpArtifact {
    /// The URL.
    pub url: String,
    /// Headers of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HttpArtifactHeader>,
    /// How the request is authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<HttpAuth>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A header of a request.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpArtifactHeader {
    /// Its name.
    pub name: String,
    /// Its value, which may be a secret.
    pub value: String,
}

/// How a request is authenticated: what is set of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpAuth {
    /// A client certificate.
    #[serde(skip_serializing_if = "ClientCertAuth::is_empty")]
    pub client_cert: ClientCertAuth,
    /// OAuth 2.0 client credentials (RFC 6749 §4.4).
    #[serde(rename = "oauth2", skip_serializing_if = "OAuth2Auth::is_empty")]
    pub oauth2: OAuth2Auth,
    /// User and password.
    #[serde(skip_serializing_if = "BasicAuth::is_empty")]
    pub basic_auth: BasicAuth,
}

/// User and password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BasicAuth {
    /// The user's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_secret: Option<KeySelector>,
    /// The password's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<KeySelector>,
}

/// A client certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientCertAuth {
    /// The certificate's Secret (PEM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cert_secret: Option<KeySelector>,
    /// The key's Secret (PEM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_secret: Option<KeySelector>,
}

/// OAuth 2.0 client credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OAuth2Auth {
    /// The client id's Secret.
    #[serde(rename = "clientIDSecret", skip_serializing_if = "Option::is_none")]
    pub client_id_secret: Option<KeySelector>,
    /// The client secret's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_secret: Option<KeySelector>,
    /// The Secret of the token endpoint's URL.
    #[serde(rename = "tokenURLSecret", skip_serializing_if = "Option::is_none")]
    pub token_url_secret: Option<KeySelector>,
    /// The scopes asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Further parameters of the request for a token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoint_params: Vec<OAuth2EndpointParam>,
}

/// A further parameter of the request for a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OAuth2EndpointParam {
    /// Its name.
    pub key: String,
    /// Its value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// A commit of a git repository; only an input.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitArtifact {
    /// The URL, or `user@host:path`.
    pub repo: String,
    /// A commit, tag or branch; the branch's tip when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// How many commits of history; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u64>,
    /// Further refs to fetch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<String>,
    /// The user's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_secret: Option<KeySelector>,
    /// The password's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<KeySelector>,
    /// The Secret of the SSH private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_private_key_secret: Option<KeySelector>,
    /// Whether any host key is trusted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_ignore_host_key: bool,
    /// Whether submodules are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disable_submodules: bool,
    /// Whether only one branch is fetched.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub single_branch: bool,
    /// The branch; the server's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// Every other field, verbatim (`insecureSkipTLS` …).
    #[serde(flatten)]
    pub rest: Rest,
}

/// A file of a JFrog Artifactory.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactoryArtifact {
    /// The URL.
    pub url: String,
    /// The user's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_secret: Option<KeySelector>,
    /// The password's Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<KeySelector>,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A file of a Hadoop file system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HdfsArtifact {
    /// Hosts and ports of the name nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The path.
    pub path: String,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

/// What an artifact plugin keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginArtifact {
    /// The plugin's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The key.
    pub key: String,
    /// What the plugin reads, in a language of its own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub configuration: String,
    /// How long connecting to the plugin may take, in seconds; as the server's owner says when 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub connection_timeout_seconds: i32,
    /// Every other field, verbatim.
    #[serde(flatten)]
    pub rest: Rest,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// Returns a URL without the user, the password and the query, any of which may be a secret.
pub fn printable_url(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

impl ClientCertAuth {
    /// Whether nothing is set.
    pub const fn is_empty(&self) -> bool {
        self.client_cert_secret.is_none() && self.client_key_secret.is_none()
    }
}

impl OAuth2Auth {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl BasicAuth {
    /// Whether nothing is set.
    pub const fn is_empty(&self) -> bool {
        self.username_secret.is_none() && self.password_secret.is_none()
    }
}

impl fmt::Debug for HttpArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = printable_url(&self.url);
        f.debug_struct("HttpArtifact")
            .field("url", &url)
            .field("headers", &self.headers)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HttpArtifactHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpArtifactHeader").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for GitArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitArtifact")
            .field("repo", &printable_url(&self.repo))
            .field("revision", &self.revision)
            .field("branch", &self.branch)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ArtifactoryArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = printable_url(&self.url);
        f.debug_struct("ArtifactoryArtifact").field("url", &url).finish_non_exhaustive()
    }
}
