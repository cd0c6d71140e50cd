//! What a run token says: which run, under which scope, who asked, who approved.
//! Not here: signing it (see `run_token`), deciding that it may be minted (see `policy`).
//! Invariant: a run token lives for ten minutes at most, because [`RunTokenSeconds`] holds no more.

use jiff::Timestamp;
use model::{ComponentRef, NamespacedName, RunId, ScopeRef, TokenId, oam::Via};
use serde_json::{Map, Value, json};

use crate::{error::AuthError, principal::PrincipalKey};

/// The longest subject, in bytes (OpenID Connect Core §2).
const MAX_SUBJECT_BYTES: usize = 255;
/// How long a run token may live, in seconds.
const MAX_SECONDS: u32 = 600;

/// How long a run token lives: 1 to 600 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunTokenSeconds(u32);

impl RunTokenSeconds {
    /// Returns the lifetime of `seconds`, if it is between 1 and 600.
    pub const fn new(seconds: u32) -> Option<Self> {
        if seconds == 0 || seconds > MAX_SECONDS { None } else { Some(Self(seconds)) }
    }
    /// Returns the seconds.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// An approval as a run token repeats it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalClaim {
    /// Who approved.
    pub by: PrincipalKey,
    /// When.
    pub at: Timestamp,
    /// The digest the approval is bound to, hexadecimal.
    pub digest: String,
}

/// The claims of one run token, for one node of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunClaims {
    /// `iss`: this server's issuer URL.
    pub issuer: String,
    /// `aud`: the one audience.
    pub audience: String,
    /// `iat` and `nbf`.
    pub issued_at: Timestamp,
    /// `exp` minus `iat`.
    pub lifetime: RunTokenSeconds,
    /// `jti`.
    pub token: TokenId,
    /// `run_id`.
    pub run: RunId,
    /// `run_attempt`: the attempt of the node, counted from 1.
    pub attempt: u32,
    /// `node_id`.
    pub node_id: String,
    /// `step`: the node's display name.
    pub step: String,
    /// `scope_id`: the innermost scope; none under a namespace's root scope.
    pub scope: Option<ScopeRef>,
    /// `env`.
    pub environment: Option<String>,
    /// `app` and `component`.
    pub component: Option<ComponentRef>,
    /// `template_ref`.
    pub template: NamespacedName,
    /// `template_digest`, SHA-256, hexadecimal.
    pub template_digest: String,
    /// `params_digest`, SHA-256, hexadecimal.
    pub params_digest: String,
    /// `trigger`.
    pub trigger: Via,
    /// `sub_user`: who started the run.
    pub submitter: PrincipalKey,
    /// `act` (RFC 8693 §4.1): who acts for the submitter, the present actor first.
    pub actors: Vec<PrincipalKey>,
    /// `approvals` given so far.
    pub approvals: Vec<ApprovalClaim>,
    /// `decision_id`: the decision that let the node start.
    pub decision_id: String,
    /// `policy_version`: the rules that decided.
    pub policy_version: String,
}

impl RunClaims {
    /// Returns `sub`: `scope:NAMESPACE/SCOPE:env:ENV:wf:TEMPLATE`, the same for every run of the template, so that
    /// clouds can pin it. `-` stands for none; a colon within a part is `%3A`, as GitHub writes it.
    ///
    /// # Errors
    /// [`AuthError::BadRunClaim`] if it is not ASCII or longer than 255 bytes.
    pub fn subject(&self) -> Result<String, AuthError> {
        let part = |text: &str| text.replace('%', "%25").replace(':', "%3A");
        let scope = self.scope.as_ref().map_or_else(|| "-".to_owned(), |scope| part(&scope.to_string()));
        let environment = self.environment.as_deref().map_or_else(|| "-".to_owned(), part);
        let subject = format!("scope:{scope}:env:{environment}:wf:{}", part(&self.template.name));
        let problem = match &subject {
            text if !text.chars().all(|c| c.is_ascii_graphic()) => "is not printable ASCII",
            text if text.len() > MAX_SUBJECT_BYTES => "is longer than 255 bytes",
            _ => return Ok(subject),
        };
        Err(AuthError::BadRunClaim { claim: "sub", problem })
    }

    /// Returns the claims as they are signed.
    pub(crate) fn members(&self) -> Result<Map<String, Value>, AuthError> {
        if self.issuer.is_empty() || self.audience.is_empty() {
            let claim = if self.issuer.is_empty() { "iss" } else { "aud" };
            return Err(AuthError::BadRunClaim { claim, problem: "is empty" });
        }
        let issued = self.issued_at.as_second();
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("iss", json!(self.issuer));
        put("sub", json!(self.subject()?));
        put("aud", json!(self.audience));
        put("exp", json!(issued.saturating_add(i64::from(self.lifetime.get()))));
        put("nbf", json!(issued));
        put("iat", json!(issued));
        put("jti", json!(self.token.to_string()));
        put("run_id", json!(self.run.to_string()));
        put("run_attempt", json!(self.attempt));
        put("node_id", json!(self.node_id));
        put("step", json!(self.step));
        if let Some(scope) = &self.scope {
            put("scope_id", json!(scope.to_string()));
        }
        if let Some(environment) = &self.environment {
            put("env", json!(environment));
        }
        if let Some(component) = &self.component {
            put("app", json!(format!("{}/{}", component.namespace, component.application)));
            put("component", json!(component.component));
        }
        put("template_ref", json!(self.template.to_string()));
        put("template_digest", json!(self.template_digest));
        put("params_digest", json!(self.params_digest));
        put("trigger", json!(trigger(self.trigger)));
        put("sub_user", person(&self.submitter));
        if let Some(act) = chain(&self.actors) {
            put("act", act);
        }
        put("approvals", self.approvals.iter().map(approval).collect());
        put("decision_id", json!(self.decision_id));
        put("policy_version", json!(self.policy_version));
        Ok(members)
    }
}

const fn trigger(via: Via) -> &'static str {
    match via {
        Via::Manual => "user",
        Via::Cron => "cron",
        Via::Event => "event",
        Via::Api => "api",
    }
}

fn person(key: &PrincipalKey) -> Value {
    json!({ "iss": key.issuer, "sub": key.subject })
}

fn approval(approval: &ApprovalClaim) -> Value {
    json!({
        "iss": approval.by.issuer,
        "sub": approval.by.subject,
        "at": approval.at.as_second(),
        "digest": approval.digest,
    })
}

/// Returns the nested form of a chain of actors, the present one outermost.
fn chain(actors: &[PrincipalKey]) -> Option<Value> {
    actors.iter().rev().fold(None, |inner, actor| {
        let mut outer = Map::new();
        outer.insert("iss".to_owned(), json!(actor.issuer));
        outer.insert("sub".to_owned(), json!(actor.subject));
        if let Some(inner) = inner {
            outer.insert("act".to_owned(), inner);
        }
        Some(Value::Object(outer))
    })
}
