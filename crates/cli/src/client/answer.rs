//! What a server answers, as far as this program reads it: lenient where a newer server may say more.
//! Not here: sending requests.

use std::fmt;

use model::argo::Workflow;
use serde::{Deserialize, Serialize};

/// RFC 9457 problem details of Marque's own API, and Argo's `{code, message}`, in one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// Our stable code; Argo's bodies have a number here.
    pub code: serde_json::Value,
    /// What is wrong (ours).
    pub detail: String,
    /// What is wrong (Argo's).
    pub message: String,
    /// The decision behind a refusal.
    pub decision: Option<Explained>,
    /// Faults in what was sent.
    pub faults: Vec<SentFault>,
    /// The HTTP status, where Argo sends an error in the middle of a stream.
    pub http_code: Option<u16>,
}

impl Problem {
    /// Returns what is wrong, whichever API said it.
    pub fn text(&self) -> &str {
        if self.detail.is_empty() { &self.message } else { &self.detail }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A fault the server found in what was sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SentFault {
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The file, as it was named when sent.
    pub file: Option<String>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column, counted from 1.
    pub column: Option<u32>,
    /// What to do.
    pub help: Option<String>,
}

/// A decision with its reasons.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Explained {
    /// `allow` or `deny`.
    pub verdict: String,
    /// What was asked.
    pub action: String,
    /// On what.
    pub resource: String,
    /// The rules that made it.
    pub rules: Vec<ExplainedRule>,
    /// Facts that were missing.
    pub missing: Vec<String>,
    /// What would help.
    pub advice: Vec<String>,
    /// Errors of policies.
    pub errors: Vec<String>,
    /// The version of the rules.
    pub rules_version: String,
    /// The digest of what was asked.
    pub request_digest: String,
}

/// A rule of a decision.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExplainedRule {
    /// Its id.
    pub id: String,
    /// What it says.
    pub says: String,
    /// Where it is written, as `file:line:column`.
    pub place: Option<String>,
}

/// Argo's list of workflows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct WorkflowList {
    /// The workflows; null when there are none.
    pub items: Option<Vec<Workflow>>,
}

/// Argo's list of objects of another kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ObjectList {
    /// The objects; null when there are none.
    pub items: Option<Vec<serde_json::Value>>,
}

/// A message of one of Argo's streams.
#[derive(Debug, Clone, Deserialize)]
pub struct StreamMessage<T> {
    /// What it carries.
    pub result: Option<T>,
    /// Why the stream ends early.
    pub error: Option<Problem>,
}

/// A change of a workflow.
#[derive(Debug, Clone, Deserialize)]
pub struct WatchEvent {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The workflow after it.
    pub object: Workflow,
}

/// A line of a log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogEntry {
    /// The line.
    pub content: String,
    /// The pod it is of.
    pub pod_name: String,
}

impl From<&policy::Decision> for Explained {
    fn from(decision: &policy::Decision) -> Self {
        let verdict = match decision.verdict {
            policy::Verdict::Allow => "allow",
            policy::Verdict::Deny => "deny",
        };
        let rules = decision.rules.iter().map(|rule| ExplainedRule {
            id: rule.id.clone(),
            says: rule.says.clone(),
            place: rule.place.as_ref().map(ToString::to_string),
        });
        Self {
            verdict: verdict.to_owned(),
            action: decision.action.to_owned(),
            resource: decision.resource.clone(),
            rules: rules.collect(),
            missing: decision.missing.clone(),
            advice: decision.advice.clone(),
            errors: decision.errors.clone(),
            rules_version: decision.rules_version.to_string(),
            request_digest: decision.request_digest.clone(),
        }
    }
}
