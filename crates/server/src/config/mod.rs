//! The server's configuration: one YAML file, then `MARQUE_*` variables over it. Paths in the file are relative to it.
//! Not here: secrets; there are none in it (the local directory's hashes are in a file of their own).

mod check;
mod directory;
mod read;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use model::{argo::Workflow, oam::Subject};
use serde::{Deserialize, Serialize};

pub(crate) use check::issuer_settings;
pub(crate) use directory::{People, people};
pub(crate) use read::read_text;

/// The configuration of a server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The URL by which clients and other systems know this server; `http://<listen>` when absent.
    pub issuer: Option<String>,
    /// The folder with the database, keys, logs and artifacts.
    pub data: PathBuf,
    /// How pods are kept apart.
    pub isolation: Isolation,
    /// How containers are run, for the isolation `containers`.
    pub containers: Containers,
    /// Pods that may run at once.
    pub parallel_pods: usize,
    /// Runs that may be under way at once, as Argo's controller's `parallelism`; no limit when 0.
    pub parallelism: usize,
    /// Runs of one namespace that may be under way at once; no limit when 0.
    pub namespace_parallelism: usize,
    /// What every workflow leaves open is filled in from this one, as Argo's controller's `workflowDefaults`.
    pub workflow_defaults: serde_json::Map<String, serde_json::Value>,
    /// Entry points by image.
    pub images: BTreeMap<String, Image>,
    /// Folders of this machine that every pod sees.
    pub mounts: Vec<Mount>,
    /// Who may apply manifests that no scope owns yet.
    pub administrators: Vec<Subject>,
    /// Who may read the audit log.
    pub auditors: Vec<Subject>,
    /// The OpenID providers whose tokens count.
    pub issuers: Vec<Issuer>,
    /// The built-in directory.
    pub local_directory: Option<LocalDirectory>,
    /// The tokens that runs get.
    pub run_tokens: RunTokens,
    /// How many ended runs are kept; deleted ones are in the archive still.
    pub retention_policy: RetentionPolicy,
    /// The one namespace that Argo's clients are told of.
    pub managed_namespace: Option<String>,
    /// Links that Argo's clients show.
    pub links: Vec<Link>,
    /// How artifacts are moved.
    pub artifacts: Artifacts,
    /// Executor plugins, in the order they are asked: services that speak Argo's protocol.
    pub executor_plugins: Vec<ExecutorPlugin>,
    /// Artifact plugins, by the names that artifacts call them by: services that speak Argo's protocol.
    pub artifact_drivers: Vec<ArtifactDriver>,
}

/// An artifact plugin that somebody runs beside the server. Source: Argo `config.go` ArtifactDriver, with a socket where a
/// cluster has an image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArtifactDriver {
    /// The name that artifacts call it by.
    pub name: String,
    /// The Unix socket that it listens on; it and the server see the same files.
    pub socket: PathBuf,
    /// How long connecting to it may take, in seconds.
    #[serde(default = "five")]
    pub connection_timeout_seconds: u64,
}

/// Argo's default.
const fn five() -> u64 {
    5
}

/// An executor plugin that somebody runs beside the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecutorPlugin {
    /// Its name, for the record.
    pub name: String,
    /// Its address (`http://127.0.0.1:4355`); `/api/v1/template.execute` is added.
    pub address: String,
    /// The file with the token it is shown, whitespace around it not counted; none when absent.
    pub token_file: Option<PathBuf>,
}

/// How containers are run.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Containers {
    /// An engine's socket (`/run/podman/podman.sock`) or a runtime (`runc`); what is found on this machine when absent.
    pub engine: Option<String>,
    /// The network of containers: `none`, `host`, or one that the engine knows; `none` when absent.
    pub network: Option<String>,
    /// Registries spoken to without TLS, besides this machine's own.
    pub insecure_registries: Vec<String>,
    /// Which registry is asked instead of another.
    pub registry_mirrors: BTreeMap<String, String>,
    /// A `config.json` as `docker login` writes it; the user's own when absent.
    pub credentials: Option<PathBuf>,
    /// Folders below which images named `oci:FOLDER[:TAG]` may lie.
    pub layouts: Vec<PathBuf>,
}

/// How artifacts are moved.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Artifacts {
    /// Networks (`127.0.0.0/8`) that artifacts may be fetched from and put to although they are this machine's, link-local
    /// or a cloud's metadata service.
    pub networks: Vec<String>,
    /// Whether `useSDKCreds` may use the server's own credentials, which are in its environment.
    pub own_credentials: bool,
    /// The repository of workflows that name none, as Argo's configuration writes it; this machine's own store when empty.
    pub repository: serde_json::Map<String, serde_json::Value>,
}

/// How many ended runs are kept, by how they ended: all of them where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionPolicy {
    /// Those that Succeeded.
    pub completed: Option<usize>,
    /// Those that Failed.
    pub failed: Option<usize>,
    /// Those in phase Error.
    pub errored: Option<usize>,
}

/// How pods are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// By namespaces.
    Namespaces,
    /// In containers of the images that templates name.
    Containers,
    /// Not at all.
    None,
}

/// The entry point of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Image {
    /// The entry point.
    pub entrypoint: Vec<String>,
    /// The default arguments.
    pub cmd: Vec<String>,
}

/// A folder of this machine that every pod sees.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// On this machine.
    pub host: PathBuf,
    /// In the pod.
    pub path: PathBuf,
    /// Whether pods may write.
    #[serde(default)]
    pub writable: bool,
}

/// An OpenID provider whose tokens count.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issuer {
    /// The name by which policies know it.
    pub name: String,
    /// The `iss`, exactly.
    pub issuer: String,
    /// The audiences by which this server is known to it.
    pub audiences: Vec<String>,
    /// The client that people log in with.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The scopes asked for at login.
    #[serde(default = "login_scopes")]
    pub scopes: Vec<String>,
    /// The algorithms accepted; all that are safe when absent.
    #[serde(default)]
    pub algorithms: Option<Vec<String>>,
    /// The `typ` headers accepted of an access token; `at+jwt` when absent.
    #[serde(default)]
    pub accept_typ: Option<Vec<String>>,
    /// The claim with the groups.
    #[serde(default)]
    pub groups_claim: Option<String>,
    /// The number of groups at which the provider silently stops.
    #[serde(default)]
    pub groups_truncated_at: Option<usize>,
    /// What marks a machine.
    #[serde(default)]
    pub workload: Option<ClaimValue>,
    /// How long after `iat` a token is accepted, in seconds.
    #[serde(default)]
    pub max_token_age_seconds: Option<u32>,
    /// How far the clocks may differ, in seconds.
    #[serde(default)]
    pub clock_skew_seconds: Option<u32>,
}

fn login_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).into()
}

/// A claim and its value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimValue {
    /// The claim.
    pub claim: String,
    /// The value.
    pub value: String,
}

/// The built-in directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalDirectory {
    /// The file with the people.
    pub file: PathBuf,
    /// Minutes a login lasts.
    #[serde(default = "session_minutes")]
    pub session_minutes: u32,
}

const fn session_minutes() -> u32 {
    480
}

/// The tokens that runs get.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunTokens {
    /// Their `aud`.
    pub audience: String,
    /// Seconds they live; 600 at most.
    pub seconds: u32,
}

impl Default for RunTokens {
    fn default() -> Self {
        Self { audience: "marque-runs".to_owned(), seconds: 600 }
    }
}

/// A link that Argo's clients show. Source: Argo `workflow_types.go` Link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Where it is shown.
    pub scope: String,
    /// Where it leads.
    pub url: String,
    /// Where it opens.
    #[serde(default)]
    pub target: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 2746)),
            issuer: None,
            data: PathBuf::from("marque-data"),
            isolation: Isolation::Namespaces,
            containers: Containers::default(),
            parallel_pods: 8,
            parallelism: 0,
            namespace_parallelism: 0,
            workflow_defaults: serde_json::Map::new(),
            images: BTreeMap::new(),
            mounts: Vec::new(),
            administrators: Vec::new(),
            auditors: Vec::new(),
            issuers: Vec::new(),
            local_directory: None,
            run_tokens: RunTokens::default(),
            retention_policy: RetentionPolicy::default(),
            managed_namespace: None,
            links: Vec::new(),
            artifacts: Artifacts::default(),
            executor_plugins: Vec::new(),
            artifact_drivers: Vec::new(),
        }
    }
}

impl Config {
    /// Returns the workflow whose fields stand under every other's; none if nothing is said.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn workflow_under_all(&self) -> Result<Option<Workflow>, serde_json::Error> {
        if self.workflow_defaults.is_empty() {
            return Ok(None);
        }
        serde_json::from_value(serde_json::Value::Object(self.workflow_defaults.clone())).map(Some)
    }
    /// Returns the URL by which this server is known, without a slash at its end.
    pub fn issuer_url(&self) -> String {
        let url = self.issuer.clone().unwrap_or_else(|| format!("http://{}", self.listen));
        url.trim_end_matches('/').to_owned()
    }
}
