//! Marque's own API under `/api/marque/v1`.
//! Not here: Argo's paths.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Client, answer::Explained};
use crate::error::CliError;

/// A session that was begun.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The bearer token.
    pub token: String,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<jiff::Timestamp>,
}

/// Who the server takes the caller for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WhoAmI {
    /// Who vouches.
    pub issuer: String,
    /// The subject.
    pub subject: String,
    /// The issuer's configured name.
    pub provider: String,
    /// The display name.
    pub name: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// How the caller was authenticated.
    pub amr: Vec<String>,
}

/// One file to apply.
#[derive(Debug, Clone, Serialize)]
pub struct Sheet {
    /// Its name, for places in faults and rules.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// What an apply did, or would do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Applied {
    /// The revision's id, if it made one.
    pub revision: Option<String>,
    /// The digest of what was written.
    pub digest: String,
    /// What became of each object.
    pub changes: Vec<Change>,
}

/// What became of one object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Kind, namespace and name.
    pub object: String,
    /// `created`, `configured` or `unchanged`.
    pub change: String,
}

/// The open gates of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gates {
    /// The gates.
    pub gates: Vec<Gate>,
}

/// An open gate.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gate {
    /// The node's id.
    pub node: String,
    /// The node's display name.
    pub display_name: String,
    /// The gate's name.
    pub gate: String,
    /// What an approval binds to.
    pub digest: String,
    /// The parameters that are approved.
    pub parameters: serde_json::Map<String, Value>,
    /// Distinct people needed.
    pub needed: u32,
    /// Approvals given.
    pub given: Vec<Given>,
    /// When it closes.
    pub expires_at: Option<jiff::Timestamp>,
}

/// An approval that was given.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// Who vouches for the approver.
    pub issuer: String,
    /// The approver.
    pub subject: String,
    /// The approver's display name.
    pub name: Option<String>,
    /// When.
    pub at: Option<jiff::Timestamp>,
    /// The reason given.
    pub reason: Option<String>,
}

impl Given {
    /// Returns the approver as people read it.
    pub fn who(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.subject)
    }
}

/// An answer to a gate.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GateAnswer {
    /// The node by name or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The digest that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The ways to log in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Providers {
    /// The providers.
    pub providers: Vec<Provider>,
}

/// A way to log in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// `oidc` or `local`.
    pub kind: String,
    /// The issuer's URL.
    pub issuer: String,
    /// The client that people log in with.
    pub client_id: String,
    /// The audience of the tokens.
    pub audience: Option<String>,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
}

/// A question about starting a component.
#[derive(Debug, Clone, Default)]
pub struct AskedSubmit {
    /// The namespace.
    pub namespace: String,
    /// The application.
    pub application: String,
    /// The component.
    pub component: String,
    /// The reason that would be given.
    pub reason: Option<String>,
    /// Somebody else: a name of the local directory, or `group:NAME`s separated by commas.
    pub as_whom: Option<String>,
}

/// Entries of the audit log.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Entries {
    /// The entries.
    pub entries: Vec<SentEntry>,
}

/// An entry of the audit log as the server sends it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SentEntry {
    /// Its number, counted from 0.
    pub number: u64,
    /// The bytes that are hashed, in base64.
    pub body: String,
    /// Their leaf hash, in base64.
    pub leaf: String,
    /// What they say.
    pub entry: Value,
}

#[derive(Deserialize)]
struct Checkpoint {
    checkpoint: Option<String>,
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

fn path<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    ["api", "marque", "v1"].iter().chain(rest).copied().collect()
}

impl Client {
    /// Begins a session of the local directory.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn log_in(&self, user: &str, password: &str) -> Result<Session, CliError> {
        let body = json!({"user": user, "password": password});
        self.json(self.request(Method::POST, &path(&["login", "local"])).json(&body)).await
    }

    /// Returns the ways to log in.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn providers(&self) -> Result<Providers, CliError> {
        self.json(self.request(Method::GET, &path(&["login"]))).await
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn log_out(&self) -> Result<(), CliError> {
        self.send(self.request(Method::POST, &path(&["logout"]))).await.map(|_| ())
    }

    /// Returns who the server takes the caller for.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn who_am_i(&self) -> Result<WhoAmI, CliError> {
        self.json(self.request(Method::GET, &path(&["whoami"]))).await
    }

    /// Applies manifests, all or none.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn apply(&self, namespace: &str, files: &[Sheet], dry_run: bool) -> Result<Applied, CliError> {
        let body = json!({"files": files, "namespace": namespace, "dryRun": dry_run});
        self.json(self.request(Method::POST, &path(&["apply"])).json(&body)).await
    }

    /// Returns the open gates of a run.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn gates(&self, namespace: &str, name: &str) -> Result<Gates, CliError> {
        self.json(self.request(Method::GET, &path(&["runs", namespace, name, "gates"]))).await
    }

    /// Answers a gate: `verb` is `approve` or `deny`.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn answer_gate(
        &self,
        verb: &str,
        namespace: &str,
        name: &str,
        answer: &GateAnswer,
    ) -> Result<Gate, CliError> {
        self.json(self.request(Method::POST, &path(&["runs", namespace, name, verb])).json(answer)).await
    }

    /// Returns entries of the audit log from `first` on.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn entries(&self, first: u64, limit: u64) -> Result<Entries, CliError> {
        let (first, limit) = (first.to_string(), limit.to_string());
        self.json(self.asking(&path(&["audit", "entries"]), &[("first", &first), ("limit", &limit)])).await
    }

    /// Returns the signed head of the log; none before the first.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn checkpoint(&self) -> Result<Option<String>, CliError> {
        let answer: Checkpoint =
            self.json(self.request(Method::GET, &path(&["audit", "checkpoint"]))).await?;
        Ok(answer.checkpoint)
    }

    /// Returns the public key that the log's head is signed with.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn log_key(&self) -> Result<String, CliError> {
        let answer: Key = self.json(self.request(Method::GET, &path(&["audit", "key"]))).await?;
        Ok(answer.key)
    }

    /// Returns the decision about starting a component.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn explain_submit(&self, asked: &AskedSubmit) -> Result<Explained, CliError> {
        let mut body = json!({
            "action": "submit",
            "component": format!("{}/{}", asked.application, asked.component),
            "namespace": asked.namespace,
            "reason": asked.reason,
        });
        if let (Value::Object(fields), Some(whom)) = (&mut body, &asked.as_whom) {
            let whom = if whom.starts_with("group:") {
                json!(whom.split(',').collect::<Vec<_>>())
            } else {
                json!(whom)
            };
            fields.insert("as".to_owned(), whom);
        }
        self.json(self.request(Method::POST, &path(&["explain"])).json(&body)).await
    }
}
