//! What is made of a task: the outcome of an HTTP request, the value of a data transformation, the reply of a plugin.
//! Source: Argo `workflow/executor/agent.go` executeHTTPTemplate, `workflow/data/data.go`,
//! `pkg/plugins/executor/template_executor_plugin.go`.
//! Not here: requests, lists of files (see `runner`). Acts on Kubernetes objects need a cluster.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use expr::lang::{self, Env, Value};
use jiff::Timestamp;
use model::{
    argo::{HttpTemplate, NodeOutputs, NodePhase, TransformationStep},
    duration::go_duration_ms,
};
use serde_json::{Map, Value as Json, json};

use crate::TaskOutcome;

/// What an HTTP server answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// Names and values; a name may come several times.
    pub headers: Vec<(String, String)>,
    /// The body; what is no UTF-8 in it is replaced.
    pub body: String,
}

/// Returns the outcome of a request that was answered: its result is the body, and it succeeds if the template's condition
/// holds, or without one with a status of 2xx. A condition that can't be evaluated fails, without a result.
pub fn http_outcome(template: &HttpTemplate, answer: &HttpAnswer, now: Timestamp) -> TaskOutcome {
    let (phase, message) = match judged(template, answer, now) {
        Ok(None) => (NodePhase::Succeeded, String::new()),
        Ok(Some(why)) => (NodePhase::Failed, why),
        Err(message) => {
            return TaskOutcome { phase: NodePhase::Failed, message, outputs: NodeOutputs::default() };
        }
    };
    let outputs = NodeOutputs { result: Some(answer.body.as_str().into()), ..NodeOutputs::default() };
    TaskOutcome { phase, message, outputs }
}

/// Returns the body of a request: `bodyFrom.bytes` if there is one, else `body`.
///
/// # Errors
/// The bytes are not base64 (RFC 4648 §4).
pub fn http_body(template: &HttpTemplate) -> Result<Vec<u8>, String> {
    let Some(bytes) = template.body_from.as_ref().and_then(|from| from.get("bytes")) else {
        return Ok(template.body.clone().into_bytes());
    };
    let text = bytes.as_str().unwrap_or_default();
    STANDARD.decode(text).map_err(|error| format!("`bodyFrom.bytes` is not base64: {error}"))
}

/// What an executor plugin replies.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginReply {
    node: Option<PluginNode>,
    requeue: Option<String>,
}

/// The node as a plugin says it is. Source: Argo `workflow_types.go` NodeResult.
#[derive(Debug, Clone, Default, PartialEq)]
struct PluginNode {
    phase: Option<NodePhase>,
    message: String,
    outputs: NodeOutputs,
    progress: String,
}

impl PluginReply {
    /// Returns what a plugin's answer says.
    ///
    /// # Errors
    /// It is no JSON of that form.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let bad = |error: serde_json::Error| format!("the plugin's reply cannot be read: {error}");
        let mut reply: Map<String, Json> = serde_json::from_slice(body).map_err(bad)?;
        let mut take = |field: &str| reply.get_mut(field).map(Json::take).filter(|value| !value.is_null());
        let requeue = take("requeue").map(serde_json::from_value).transpose().map_err(bad)?;
        let node: Option<Map<String, Json>> =
            take("node").map(serde_json::from_value).transpose().map_err(bad)?;
        let Some(mut node) = node else { return Ok(Self { node: None, requeue }) };
        let mut take = |field: &str| node.get_mut(field).map(Json::take).unwrap_or_default();
        let phase = match take("phase") {
            Json::Null => None,
            Json::String(text) if text.is_empty() => None,
            phase => Some(serde_json::from_value(phase).map_err(bad)?),
        };
        let text =
            |value: Json| serde_json::from_value::<Option<String>>(value).map(Option::unwrap_or_default);
        let outputs: Option<NodeOutputs> = serde_json::from_value(take("outputs")).map_err(bad)?;
        let message = text(take("message")).map_err(bad)?;
        let progress = text(take("progress")).map_err(bad)?;
        let node = PluginNode { phase, message, outputs: outputs.unwrap_or_default(), progress };
        Ok(Self { node: Some(node), requeue })
    }
    /// Whether the plugin has taken the template.
    pub fn is_taken(&self) -> bool {
        self.node.is_some()
    }
    /// Returns the outcome, if the task has ended.
    pub fn outcome(&self) -> Option<TaskOutcome> {
        let node = self.node.as_ref()?;
        let phase = node.phase.filter(|phase| phase.is_fulfilled())?;
        Some(TaskOutcome { phase, message: node.message.clone(), outputs: node.outputs.clone() })
    }
    /// Whether it says that the task runs.
    pub fn runs(&self) -> bool {
        self.node.as_ref().is_some_and(|node| node.phase == Some(NodePhase::Running))
    }
    /// Returns how far it says the task is.
    pub fn progress(&self) -> Option<String> {
        self.node.as_ref().map(|node| node.progress.clone()).filter(|progress| !progress.is_empty())
    }
    /// Returns after how long it wants to be asked again, if ever.
    ///
    /// # Errors
    /// It is no duration as Go writes it.
    pub fn requeue(&self) -> Result<Option<Duration>, String> {
        let Some(text) = &self.requeue else { return Ok(None) };
        let ms = go_duration_ms(text).map_err(|error| format!("the plugin's `requeue`: {error}"))?;
        Ok((ms > 0).then(|| Duration::from_millis(ms)))
    }
}

/// Returns why a request has failed, if it has.
fn judged(template: &HttpTemplate, answer: &HttpAnswer, now: Timestamp) -> Result<Option<String>, String> {
    let condition = &template.success_condition;
    if condition.is_empty() {
        let code = answer.status;
        return Ok((!(200..300).contains(&code)).then(|| format!("received non-2xx response code: {code}")));
    }
    let sent = template.headers.iter().map(|header| (header.name.clone(), header.value.clone()));
    let mut env = Env::new(now, 0);
    env.set_json(&Map::from_iter([
        (
            "request".to_owned(),
            json!({
                "method": template.method,
                "url": template.url,
                "body": template.body,
                "bodyBytes": http_body(template)?,
                "headers": headers(sent),
            }),
        ),
        (
            "response".to_owned(),
            json!({
                "statusCode": answer.status,
                "body": answer.body,
                "headers": headers(answer.headers.iter().cloned()),
            }),
        ),
    ]));
    match lang::evaluate_bool(condition, &env) {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some(format!("successCondition '{condition}' evaluated false"))),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns headers as Go's `http.Header` has them: canonical names, a list of values each.
fn headers(given: impl Iterator<Item = (String, String)>) -> Json {
    let mut all: Map<String, Json> = Map::new();
    for (name, value) in given {
        let values = all.entry(canonical(&name)).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(values) = values {
            values.push(Json::String(value));
        }
    }
    Json::Object(all)
}

/// Source: Go `textproto.CanonicalMIMEHeaderKey`.
fn canonical(name: &str) -> String {
    let mut upper = true;
    let letter = |c: char| {
        let c = if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        upper = c == '-';
        c
    };
    name.chars().map(letter).collect()
}

/// Returns the value of a data template, as JSON: the list of files after each step.
///
/// # Errors
/// Which step fails, and why.
pub fn transformed(files: &[String], steps: &[TransformationStep], now: Timestamp) -> Result<String, String> {
    let mut data = Value::of_json(&json!(files));
    for (number, step) in steps.iter().enumerate() {
        if step.expression.is_empty() {
            continue;
        }
        let mut env = Env::new(now, 0);
        env.set("data", data);
        data = lang::evaluate(&step.expression, &env)
            .map_err(|error| format!("failed to transform data in step {number}: {error}"))?;
    }
    data.to_json_text().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::argo::{HttpHeader, HttpTemplate, NodePhase, TransformationStep};
    use serde_json::json;

    use super::{HttpAnswer, PluginReply, http_body, http_outcome, transformed};

    const NONSENSE: &str = "response.";

    fn outcome(condition: &str, status: u16) -> (NodePhase, String) {
        let template = HttpTemplate {
            url: "http://example.com".to_owned(),
            method: "POST".to_owned(),
            headers: vec![HttpHeader { name: "x-one".into(), value: "1".into(), ..HttpHeader::default() }],
            success_condition: condition.to_owned(),
            ..HttpTemplate::default()
        };
        let answer = HttpAnswer {
            status,
            headers: vec![
                ("content-type".into(), "text/plain".into()),
                ("x-two".into(), "a".into()),
                ("X-Two".into(), "b".into()),
            ],
            body: "all google".to_owned(),
        };
        let outcome = http_outcome(&template, &answer, Timestamp::UNIX_EPOCH);
        let result = outcome.outputs.result.as_deref();
        assert_eq!(result, (condition != NONSENSE).then_some("all google"));
        (outcome.phase, outcome.message)
    }

    #[test]
    fn without_a_condition_the_status_decides() {
        assert_eq!(outcome("", 201), (NodePhase::Succeeded, String::new()));
        assert_eq!(outcome("", 404), (NodePhase::Failed, "received non-2xx response code: 404".to_owned()));
    }

    #[test]
    fn a_condition_looks_at_request_and_response() {
        for holds in [
            "response.statusCode == 404",
            "response.body contains \"google\"",
            "response.headers[\"Content-Type\"][0] == \"text/plain\"",
            "response.headers[\"X-Two\"] == [\"a\", \"b\"]",
            "request.headers[\"X-One\"][0] == \"1\" && request.method == \"POST\"",
            "len(request.bodyBytes) == 0",
        ] {
            assert_eq!(outcome(holds, 404).0, NodePhase::Succeeded, "{holds}");
        }
        let (phase, message) = outcome("response.body contains \"bing\"", 200);
        assert_eq!(phase, NodePhase::Failed);
        assert_eq!(message, "successCondition 'response.body contains \"bing\"' evaluated false");
    }

    #[test]
    fn a_condition_that_cannot_be_evaluated_fails() {
        assert_eq!(outcome(NONSENSE, 200).0, NodePhase::Failed);
    }

    #[test]
    fn a_body_may_be_bytes() {
        let body = |from| {
            http_body(&HttpTemplate { body: "text".into(), body_from: from, ..HttpTemplate::default() })
        };
        assert_eq!(body(None).unwrap(), b"text");
        assert_eq!(body(Some(json!({"bytes": "AAH/"}))).unwrap(), [0, 1, 255]);
        assert!(body(Some(json!({"bytes": "?"}))).unwrap_err().contains("base64"));
    }

    #[test]
    fn a_plugin_says_how_a_task_is() {
        let reply = |text: &str| PluginReply::parse(text.as_bytes());
        let nothing = reply("{}").unwrap();
        assert!(!nothing.is_taken() && nothing.outcome().is_none() && nothing.requeue().unwrap().is_none());
        let runs = reply(r#"{"node": {"phase": "Running", "progress": "1/2"}, "requeue": "1m30s"}"#).unwrap();
        assert!(runs.is_taken() && runs.runs() && runs.outcome().is_none());
        assert_eq!(
            (runs.progress().as_deref(), runs.requeue().unwrap().unwrap().as_secs()),
            (Some("1/2"), 90)
        );
        let ended = r#"{"node": {"phase": "Succeeded", "message": "Hello", "outputs": {"result": "r", "parameters":
            [{"name": "p", "value": "1"}]}}}"#;
        let ended = reply(ended).unwrap().outcome().unwrap();
        assert_eq!((ended.phase, ended.message.as_str()), (NodePhase::Succeeded, "Hello"));
        assert_eq!((ended.outputs.result.as_deref(), ended.outputs.parameters.len()), (Some("r"), 1));
        for bad in ["", "[", "1", r#"{"node": {"phase": "Odd"}}"#, r#"{"node": 1, "requeue": 2}"#] {
            assert!(reply(bad).is_err(), "{bad}");
        }
        assert!(reply(r#"{"requeue": "soon"}"#).unwrap().requeue().is_err());
    }

    #[test]
    fn a_list_of_files_goes_through_each_step() {
        let steps = |texts: &[&str]| -> Vec<TransformationStep> {
            texts.iter().map(|text| TransformationStep { expression: (*text).to_owned() }).collect()
        };
        let files = ["a.txt".to_owned(), "b/a.txt".to_owned(), "c.md".to_owned()];
        let value = |texts: &[&str]| transformed(&files, &steps(texts), Timestamp::UNIX_EPOCH);
        assert_eq!(value(&[]).unwrap(), r#"["a.txt","b/a.txt","c.md"]"#);
        assert_eq!(
            value(&["filter(data, {# endsWith '.txt'})", "map(data, {# + '!'})"]).unwrap(),
            r#"["a.txt!","b/a.txt!"]"#
        );
        assert_eq!(value(&["len(data)"]).unwrap(), "3");
        assert!(
            value(&["len(data)", "nothing("])
                .unwrap_err()
                .starts_with("failed to transform data in step 1: ")
        );
    }
}
