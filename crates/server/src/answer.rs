//! How a refusal or failure is spelled: Argo's `{code, message}` on Argo's paths, RFC 9457 problem details on ours.
//! Not here: which status it has (see `error`).

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use policy::{Decision, Refusal};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{ServerError, app::chain};

/// An error on one of Argo's paths.
#[derive(Debug)]
pub(crate) struct ArgoError(pub(crate) ServerError);

/// An error on one of Marque's own paths.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) ServerError);

/// An error of an extractor or layer, which serve both kinds of path.
#[derive(Debug)]
pub(crate) struct Rejection {
    error: ServerError,
    argo: bool,
}

impl Rejection {
    /// Returns the error as it is shown at `path`.
    pub(crate) fn at(path: &str, error: ServerError) -> Self {
        Self { error, argo: is_argo(path) }
    }
}

/// Whether `path` is one of Argo's.
pub(crate) fn is_argo(path: &str) -> bool {
    const ARGO: [&str; 7] = [
        "/api/v1",
        "/artifacts",
        "/artifact-files",
        "/input-artifacts",
        "/upload-artifacts",
        "/oauth2",
        "/metrics",
    ];
    ARGO.iter().any(|prefix| path.starts_with(prefix))
}

impl<E: Into<ServerError>> From<E> for ArgoError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<E: Into<ServerError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// Argo's error body (`grpc.gateway.runtime.Error`).
#[derive(Serialize)]
struct ArgoBody {
    code: u32,
    message: String,
}

/// Returns the gRPC code, and the HTTP status that grpc-gateway gives it.
const fn grpc(error: &ServerError) -> (u32, StatusCode) {
    match error {
        ServerError::Unauthenticated | ServerError::LoginRefused => (16, StatusCode::UNAUTHORIZED),
        ServerError::Refused(refusal) if !refusal.may_know => (5, StatusCode::NOT_FOUND),
        ServerError::Refused(_) | ServerError::Closed { .. } => (7, StatusCode::FORBIDDEN),
        ServerError::NotFound { .. } | ServerError::NoSuchPath => (5, StatusCode::NOT_FOUND),
        ServerError::Faults(_) | ServerError::BadRequest(_) | ServerError::BadConfig(_) => {
            (3, StatusCode::BAD_REQUEST)
        }
        ServerError::BodyTooLarge { .. } => (8, StatusCode::PAYLOAD_TOO_LARGE),
        ServerError::NotJson(_) => (3, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ServerError::Exists { .. } => (6, StatusCode::CONFLICT),
        ServerError::Conflict(_) => (9, StatusCode::BAD_REQUEST),
        ServerError::NotImplemented(_) | ServerError::MethodNotAllowed => (12, StatusCode::NOT_IMPLEMENTED),
        ServerError::Throttled { .. } => (8, StatusCode::TOO_MANY_REQUESTS),
        ServerError::TooSlow { .. }
        | ServerError::Busy
        | ServerError::Unrecorded
        | ServerError::NobodyToAsk => (14, StatusCode::SERVICE_UNAVAILABLE),
        ServerError::ConfigUnreadable { .. }
        | ServerError::Assembly { .. }
        | ServerError::Listener(_)
        | ServerError::Undispatched(_)
        | ServerError::Internal(_) => (13, StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Returns Argo's error body as a value, for the middle of a stream.
pub(crate) fn argo_error_value(error: &ServerError) -> Value {
    let (code, status) = grpc(error);
    let reason = status.canonical_reason().unwrap_or("Error");
    json!({"grpc_code": code, "http_code": status.as_u16(), "message": error.to_string(), "http_status": reason})
}

impl IntoResponse for ArgoError {
    fn into_response(self) -> Response {
        log(&self.0);
        let (code, status) = grpc(&self.0);
        let message = match &self.0 {
            ServerError::Faults(faults) => faults.iter().map(fault_line).collect::<Vec<_>>().join("\n"),
            other => other.to_string(),
        };
        let answer = (status, Json(ArgoBody { code, message })).into_response();
        with_headers(&self.0, answer)
    }
}

fn fault_line(fault: &model::Fault) -> String {
    match &fault.help {
        Some(help) => format!("{fault} ({help})"),
        None => fault.to_string(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        log(&self.0);
        let status = self.0.status();
        let mut body = json!({
            "type": format!("urn:marque:error:{}", self.0.code()),
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": self.0.to_string(),
            "code": self.0.code().0,
        });
        if let Value::Object(fields) = &mut body {
            match &self.0 {
                ServerError::Faults(faults) => {
                    fields.insert("faults".to_owned(), faults.iter().map(fault_value).collect());
                }
                ServerError::Refused(refusal) if refusal.may_know => {
                    fields.insert("decision".to_owned(), decision_value(&refusal.decision));
                }
                _ => {}
            }
        }
        let mut answer = (status, Json(body)).into_response();
        answer
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        with_headers(&self.0, answer)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        if self.argo { ArgoError(self.error).into_response() } else { Problem(self.error).into_response() }
    }
}

fn with_headers(error: &ServerError, mut answer: Response) -> Response {
    let mut add = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    };
    match error {
        ServerError::Unauthenticated => add(header::WWW_AUTHENTICATE, "Bearer"),
        ServerError::Throttled { seconds } => add(header::RETRY_AFTER, &seconds.to_string()),
        ServerError::Busy | ServerError::Unrecorded | ServerError::NobodyToAsk => {
            add(header::RETRY_AFTER, "5")
        }
        _ => {}
    }
    answer
}

/// Errors that are not the caller's doing are written down where the owner looks, with everything that caused them.
fn log(error: &ServerError) {
    if !error.status().is_server_error() || matches!(error, ServerError::NotImplemented(_)) {
        return;
    }
    tracing::error!(code = error.code().0, error = chain(error), "a request failed");
}

/// Returns a refusal in one line: what is not allowed, what was missing, and how to get access.
pub(crate) fn refusal_text(refusal: &Refusal) -> String {
    if !refusal.may_know {
        return "not found".to_owned();
    }
    let decision = &refusal.decision;
    let mut text = refusal.to_string();
    let says: Vec<&str> =
        decision.rules.iter().map(|rule| rule.says.as_str()).filter(|says| !says.is_empty()).collect();
    if !says.is_empty() {
        text = format!("{text}: {}", says.join("; "));
    }
    if !decision.missing.is_empty() {
        text = format!("{text}; missing: {}", decision.missing.join(", "));
    }
    if !decision.advice.is_empty() {
        text = format!("{text}. {}", decision.advice.join(". "));
    }
    text
}

/// Returns a decision as our API shows it.
pub(crate) fn decision_value(decision: &Decision) -> Value {
    let rules: Vec<Value> = decision
        .rules
        .iter()
        .map(|rule| json!({"id": rule.id, "says": rule.says, "place": rule.place.as_ref().map(ToString::to_string)}))
        .collect();
    json!({
        "verdict": match decision.verdict { policy::Verdict::Allow => "allow", policy::Verdict::Deny => "deny" },
        "action": decision.action,
        "resource": decision.resource,
        "rules": rules,
        "missing": decision.missing,
        "advice": decision.advice,
        "errors": decision.errors,
        "rulesVersion": &*decision.rules_version,
        "requestDigest": decision.request_digest,
    })
}

/// Returns a fault as our API shows it.
pub(crate) fn fault_value(fault: &model::Fault) -> Value {
    json!({
        "code": fault.code.0,
        "message": fault.message,
        "file": fault.place.as_ref().map(|place| &*place.file),
        "line": fault.place.as_ref().map(|place| place.line),
        "column": fault.place.as_ref().map(|place| place.column),
        "help": fault.help,
    })
}
