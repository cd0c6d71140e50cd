//! What is written down, one line each. A serialized type is a promise: each record has a version, and a line written by an
//! older release stays readable.
//! Not here: secrets, ever: no token, no parameter's value, no query string; e-mail addresses and group names neither.
//! Invariant: [`Entry::to_body`] gives the RFC 8785 form and never more than [`MAX_ENTRY_BYTES`].

use aws_lc_rs::digest::{SHA256, digest};
use identity::{Caller, PrincipalKind};
use jiff::Timestamp;
use model::{RunId, canonical::canonical_json};
use policy::{Decision, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::AuditError;

/// The most bytes of one entry. Source: C2SP `tlog-tiles`, entry bundles.
pub const MAX_ENTRY_BYTES: usize = 65_535;
/// The most bytes of a name, an id or a subject, as JSON spells it.
pub const MAX_NAME_BYTES: usize = 512;
/// The most bytes of a sentence, as JSON spells it.
pub const MAX_TEXT_BYTES: usize = 2_048;
/// The most rules of a decision that are written down.
pub const MAX_RULES: usize = 32;
/// The most missing facts, errors and authentication methods that are written down, each.
pub const MAX_ITEMS: usize = 8;
/// The most bytes of an act's details; longer ones are replaced by their digest.
pub const MAX_DETAILS_BYTES: usize = 8_192;

/// What every part may take at most; the rest is field names and numbers.
const WORST: usize = MAX_RULES * (2 * MAX_NAME_BYTES + 64)
    + MAX_ITEMS * (2 * MAX_NAME_BYTES + 64)
    + 10 * MAX_NAME_BYTES
    + MAX_TEXT_BYTES
    + MAX_DETAILS_BYTES
    + 1_024;
const _: () = assert!(WORST <= MAX_ENTRY_BYTES, "the limits of the parts exceed the limit of an entry");

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Entry {
    /// Somebody tried something.
    Attempt(Box<Attempt>),
    /// How an allowed attempt went.
    Outcome(Outcome),
    /// What the store kept for an allowed attempt; in the log exactly if it is in the store.
    Stored(Stored),
    /// Somebody could not even be identified.
    Unauthenticated(Unauthenticated),
}

/// Somebody tried something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The record's version: 1.
    pub v: u32,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub principal: RecordedPrincipal,
    /// The run in whose name it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_run: Option<String>,
    /// The action's name, as `submit`.
    pub action: String,
    /// What it is done to, in text.
    pub resource: String,
    /// Whether it was allowed.
    pub decision: RecordedDecision,
    /// The rules that decided.
    pub rules: Vec<RecordedRule>,
    /// Facts the request lacked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Errors of policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// The version of the rules.
    pub rules_version: String,
    /// SHA-256 of everything that was asked, hexadecimal.
    pub request_digest: String,
    /// What about the act is worth proving (`policy::Action::details`).
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

/// Who tried it, with no more than telling people apart needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedPrincipal {
    /// The issuer.
    pub iss: String,
    /// The subject.
    pub sub: String,
    /// The issuer's configured name.
    pub provider: String,
    /// Person or machine.
    pub kind: RecordedKind,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-256 of the canonical list of groups, hexadecimal.
    pub groups_digest: String,
    /// Authentication methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Authentication context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// When the person last authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
}

/// Person or machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordedKind {
    /// A person.
    User,
    /// A machine.
    Workload,
}

/// Whether it was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordedDecision {
    /// It was.
    Allow,
    /// It was not.
    Deny,
}

/// A rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRule {
    /// Its id.
    pub id: String,
    /// Where it is written, as `file:line:column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// How an allowed attempt went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The record's version: 1.
    pub v: u32,
    /// When.
    pub at: Timestamp,
    /// The number of the attempt's entry.
    pub attempt: u64,
    /// The error, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What the store kept for an allowed attempt. Written in the same transaction, so it has no time of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// The record's version: 1.
    pub v: u32,
    /// The number of the attempt's entry.
    pub attempt: u64,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 over the rows, every column, hexadecimal.
    pub digest: String,
}

/// Somebody could not be identified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unauthenticated {
    /// The record's version: 1.
    pub v: u32,
    /// When.
    pub at: Timestamp,
    /// The stable code of the reason.
    pub code: String,
    /// Why.
    pub reason: String,
    /// Method and path, without query.
    pub request: String,
}

impl Attempt {
    /// Returns the record of this decision; `details` is what the act itself wants proven.
    pub fn new(caller: &Caller, decision: &Decision, details: Value, at: Timestamp) -> Self {
        let rule = |rule: &policy::RuleRef| RecordedRule {
            id: cut(&rule.id, MAX_NAME_BYTES),
            place: rule.place.as_ref().map(|place| cut(&place.to_string(), MAX_NAME_BYTES)),
        };
        Self {
            v: 1,
            at,
            principal: RecordedPrincipal::of(caller),
            on_behalf_run: caller.run().as_ref().map(RunId::to_string),
            action: cut(decision.action, MAX_NAME_BYTES),
            resource: cut(&decision.resource, MAX_TEXT_BYTES),
            decision: match decision.verdict {
                Verdict::Allow => RecordedDecision::Allow,
                Verdict::Deny => RecordedDecision::Deny,
            },
            rules: decision.rules.iter().take(MAX_RULES).map(rule).collect(),
            missing: cut_all(&decision.missing),
            errors: cut_all(&decision.errors),
            rules_version: cut(&decision.rules_version, MAX_NAME_BYTES),
            request_digest: cut(&decision.request_digest, MAX_NAME_BYTES),
            details: cut_details(details),
        }
    }
}

impl RecordedPrincipal {
    fn of(caller: &Caller) -> Self {
        let principal = caller.principal();
        Self {
            iss: cut(&principal.key.issuer, MAX_NAME_BYTES),
            sub: cut(&principal.key.subject, MAX_NAME_BYTES),
            provider: cut(&principal.provider, MAX_NAME_BYTES),
            kind: match principal.kind {
                PrincipalKind::User => RecordedKind::User,
                PrincipalKind::Workload => RecordedKind::Workload,
            },
            name: principal.name.as_ref().map(|name| cut(name, MAX_NAME_BYTES)),
            groups_digest: model::canonical::digest(&json!(principal.groups)),
            amr: principal.amr.iter().take(MAX_ITEMS).map(|method| cut(method, 64)).collect(),
            acr: principal.acr.as_ref().map(|acr| cut(acr, MAX_NAME_BYTES)),
            auth_time: principal.auth_time,
        }
    }
}

impl Outcome {
    /// Returns the record of an outcome.
    pub fn new(attempt: u64, at: Timestamp, error: Option<String>) -> Self {
        Self { v: 1, at, attempt, error: error.map(|error| cut(&error, MAX_TEXT_BYTES)) }
    }
}

impl Stored {
    /// Returns the record of `rows` rows with this digest.
    pub const fn new(attempt: u64, rows: u64, digest: String) -> Self {
        Self { v: 1, attempt, rows, digest }
    }
}

impl Unauthenticated {
    /// Returns the record of a request by nobody known; everything from the first `?` on is left out of `request`.
    pub fn new(at: Timestamp, code: &str, reason: &str, request: &str) -> Self {
        let path = request.split_once(['?', '#']).map_or(request, |(path, _)| path);
        Self {
            v: 1,
            at,
            code: cut(code, MAX_NAME_BYTES),
            reason: cut(reason, MAX_TEXT_BYTES),
            request: cut(path, MAX_TEXT_BYTES),
        }
    }
}

impl From<Attempt> for Entry {
    fn from(attempt: Attempt) -> Self {
        Self::Attempt(Box::new(attempt))
    }
}

impl Entry {
    /// Returns the bytes that are hashed and kept: RFC 8785 JSON on one line.
    ///
    /// # Errors
    /// [`AuditError::TooLong`] if it is longer than [`MAX_ENTRY_BYTES`], which no record made by this room's constructors is.
    pub fn to_body(&self) -> Result<Vec<u8>, AuditError> {
        let value = serde_json::to_value(self).map_err(|error| AuditError::BadEntry(error.to_string()))?;
        let body = canonical_json(&value).into_bytes();
        if body.len() > MAX_ENTRY_BYTES { Err(AuditError::TooLong(body.len())) } else { Ok(body) }
    }
    /// Reads an entry back. Strict: the bytes must be exactly those [`Entry::to_body`] gives.
    ///
    /// # Errors
    /// [`AuditError::BadEntry`].
    pub fn from_body(body: &[u8]) -> Result<Self, AuditError> {
        if body.len() > MAX_ENTRY_BYTES {
            return Err(AuditError::TooLong(body.len()));
        }
        let bad = |error: serde_json::Error| AuditError::BadEntry(error.to_string());
        let value: Value = serde_json::from_slice(body).map_err(bad)?;
        if canonical_json(&value).as_bytes() != body {
            return Err(AuditError::BadEntry("it is not in canonical form".to_owned()));
        }
        let version = value.get("v").and_then(Value::as_u64);
        if version != Some(1) {
            return Err(AuditError::BadEntry("its version is not known to this release".to_owned()));
        }
        serde_json::from_value(value).map_err(bad)
    }
    /// Returns when it happened; a [`Stored`] has no time of its own.
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Attempt(attempt) => Some(attempt.at),
            Self::Outcome(outcome) => Some(outcome.at),
            Self::Unauthenticated(nobody) => Some(nobody.at),
            Self::Stored(_) => None,
        }
    }
}

fn cut_all(texts: &[String]) -> Vec<String> {
    texts.iter().take(MAX_ITEMS).map(|text| cut(text, MAX_NAME_BYTES)).collect()
}

fn cut_details(details: Value) -> Value {
    let text = canonical_json(&details);
    if text.len() <= MAX_DETAILS_BYTES {
        return details;
    }
    json!({ "cut": true, "sha256": model::canonical::digest(&details) })
}

/// Returns `text`, cut so that its JSON spelling has `max` bytes at most; a cut text ends with a part of its digest, so two
/// texts that are cut alike can still be told apart.
fn cut(text: &str, max: usize) -> String {
    let cost = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if u32::from(c) < 0x20 => 6,
        c => c.len_utf8(),
    };
    if text.chars().map(cost).sum::<usize>() + 2 <= max {
        return text.to_owned();
    }
    let mark: String =
        digest(&SHA256, text.as_bytes()).as_ref().iter().take(8).map(|b| format!("{b:02x}")).collect();
    let mark = format!("\u{2026}#{mark}");
    let mut left = max.saturating_sub(mark.len() + 2);
    let begin = text.chars().take_while(|c| {
        let fits = cost(*c) <= left;
        left = left.saturating_sub(cost(*c));
        fits
    });
    begin.collect::<String>() + &mark
}

#[cfg(test)]
mod tests;
