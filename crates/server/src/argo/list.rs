//! Lists: which objects of those the caller may see are asked for, and which page of them.
//! Source: Argo `server/workflow/workflow_server.go` ListWorkflows.
//! Not here: who may see what (`runner`).

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use expr::selector::{FieldTerm, LabelSelector, field_selector};
use model::argo::{ObjectMeta, Workflow};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::fields::Fields;
use crate::{ServerError, answer::Rejection, limits::MAX_LIST};

/// The query, read as a `T`; unknown keys are ignored as grpc-gateway does.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Rejection;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(asked)| Self(asked))
            .map_err(|error| Rejection::at(parts.uri.path(), ServerError::BadRequest(error.body_text())))
    }
}

/// The query of a list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    #[serde(rename = "listOptions.labelSelector")]
    label_selector: String,
    #[serde(rename = "listOptions.fieldSelector")]
    field_selector: String,
    #[serde(rename = "listOptions.limit")]
    limit: String,
    #[serde(rename = "listOptions.continue")]
    from: String,
    #[serde(rename = "nameFilter")]
    name_filter: String,
    #[serde(rename = "createdAfter")]
    created_after: String,
    #[serde(rename = "finishedBefore")]
    finished_before: String,
    fields: Option<String>,
}

/// What a list asks for, read.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    labels: LabelSelector,
    terms: Vec<FieldTerm>,
    names: NameFilter,
    created_after: Option<jiff::Timestamp>,
    finished_before: Option<jiff::Timestamp>,
    limit: usize,
    from: usize,
    fields: Fields,
}

/// How `metadata.name` of a field selector is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameFilter {
    Exact,
    Contains,
    Prefix,
    NotEquals,
}

impl ListQuery {
    /// Reads what is asked for.
    ///
    /// # Errors
    /// [`ServerError::BadRequest`].
    pub(crate) fn read(&self) -> Result<Wanted, ServerError> {
        let names = match self.name_filter.as_str() {
            "" | "Exact" => NameFilter::Exact,
            "Contains" => NameFilter::Contains,
            "Prefix" => NameFilter::Prefix,
            "NotEquals" => NameFilter::NotEquals,
            other => return Err(unreadable("nameFilter", other)),
        };
        let limit = number("listOptions.limit", &self.limit)?;
        Ok(Wanted {
            labels: LabelSelector::parse(&self.label_selector).map_err(unread)?,
            terms: known(field_selector(&self.field_selector).map_err(unread)?)?,
            names,
            created_after: time("createdAfter", &self.created_after)?,
            finished_before: time("finishedBefore", &self.finished_before)?,
            limit: if limit == 0 { MAX_LIST } else { limit.min(MAX_LIST) },
            from: number("listOptions.continue", &self.from)?,
            fields: Fields::parse(self.fields.as_deref()),
        })
    }
}

pub(super) fn unread(error: expr::ExprError) -> ServerError {
    ServerError::BadRequest(error.to_string())
}

fn unreadable(what: &str, text: &str) -> ServerError {
    let shown: String = text.chars().take(64).collect();
    ServerError::BadRequest(format!("`{what}` cannot be `{}`", shown.escape_debug()))
}

fn number(what: &str, text: &str) -> Result<usize, ServerError> {
    if text.is_empty() { Ok(0) } else { text.parse().map_err(|_| unreadable(what, text)) }
}

fn time(what: &str, text: &str) -> Result<Option<jiff::Timestamp>, ServerError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| unreadable(what, text)) }
}

/// A field nobody compares would silently match everything.
fn known(terms: Vec<FieldTerm>) -> Result<Vec<FieldTerm>, ServerError> {
    const KNOWN: [&str; 4] = ["metadata.name", "metadata.namespace", "metadata.uid", "status.phase"];
    match terms.iter().find(|term| !KNOWN.contains(&term.field.as_str())) {
        Some(term) => Err(unreadable("listOptions.fieldSelector", &term.field)),
        None => Ok(terms),
    }
}

impl Wanted {
    /// Whether `workflow` is asked for.
    pub(crate) fn matches(&self, workflow: &Workflow) -> bool {
        let phase = workflow.status.as_ref().map_or("", |status| status.phase.as_str());
        self.chooses(&workflow.metadata, phase) && self.times(workflow)
    }

    /// Whether an object without phase or times is asked for.
    pub(crate) fn matches_metadata(&self, metadata: &ObjectMeta) -> bool {
        self.chooses(metadata, "")
    }

    fn chooses(&self, metadata: &ObjectMeta, phase: &str) -> bool {
        self.labels.matches(|key| metadata.labels.get(key).map(|value| value.0.as_str()))
            && self.terms.iter().all(|term| self.term(term, metadata, phase))
    }

    fn term(&self, term: &FieldTerm, metadata: &ObjectMeta, phase: &str) -> bool {
        let actual = match term.field.as_str() {
            "metadata.namespace" => metadata.namespace.as_str(),
            "metadata.uid" => metadata.uid.as_str(),
            "status.phase" => phase,
            "metadata.name" => return self.name(term, &metadata.name),
            _ => return true,
        };
        (actual == term.value) != term.not
    }

    fn name(&self, term: &FieldTerm, name: &str) -> bool {
        if term.not || self.names == NameFilter::NotEquals {
            return name != term.value;
        }
        match self.names {
            NameFilter::Contains => name.contains(&term.value),
            NameFilter::Prefix => name.starts_with(&term.value),
            NameFilter::Exact | NameFilter::NotEquals => name == term.value,
        }
    }

    fn times(&self, workflow: &Workflow) -> bool {
        let created =
            workflow.metadata.creation_timestamp.as_ref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let finished = workflow.status.as_ref().and_then(|status| status.finished_at);
        self.created_after.is_none_or(|after| created.is_some_and(|at| at > after))
            && self.finished_before.is_none_or(|before| finished.is_some_and(|at| at < before))
    }

    /// Returns the page asked for as Argo's list of `kind`; an empty list is `null`.
    pub(crate) fn page(&self, kind: &str, items: Vec<Value>) -> Value {
        let left = items.len().saturating_sub(self.from).saturating_sub(self.limit);
        let page: Vec<Value> = items.into_iter().skip(self.from).take(self.limit).collect();
        let mut metadata = serde_json::Map::new();
        if left > 0 {
            metadata.insert("continue".to_owned(), json!((self.from + self.limit).to_string()));
            metadata.insert("remainingItemCount".to_owned(), json!(left));
        }
        let items = if page.is_empty() { Value::Null } else { Value::Array(page) };
        let mut list =
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": metadata, "items": items});
        self.fields.clean(&mut list);
        list
    }
}
