//! What is made of a task: the outcome of an HTTP request, the value of a data transformation.
//! Source: Argo `workflow/executor/agent.go` executeHTTPTemplate, `workflow/data/data.go`.
//! Not here: requests, lists of files (see `runner`). Acts on Kubernetes objects need a cluster.

use expr::lang::{self, Env, Value};
use jiff::Timestamp;
use model::argo::{HttpTemplate, NodeOutputs, NodePhase, TransformationStep};
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
/// holds, or without one with a status of 2xx.
pub fn http_outcome(template: &HttpTemplate, answer: &HttpAnswer, now: Timestamp) -> TaskOutcome {
    let (phase, message) = match judged(template, answer, now) {
        Ok(None) => (NodePhase::Succeeded, String::new()),
        Ok(Some(why)) => (NodePhase::Failed, why),
        Err(why) => (NodePhase::Error, why),
    };
    let outputs = NodeOutputs { result: Some(answer.body.as_str().into()), ..NodeOutputs::default() };
    TaskOutcome { phase, message, outputs }
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

    use super::{HttpAnswer, http_outcome, transformed};

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
        assert_eq!(outcome.outputs.result.as_deref(), Some("all google"));
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
        ] {
            assert_eq!(outcome(holds, 404).0, NodePhase::Succeeded, "{holds}");
        }
        let (phase, message) = outcome("response.body contains \"bing\"", 200);
        assert_eq!(phase, NodePhase::Failed);
        assert_eq!(message, "successCondition 'response.body contains \"bing\"' evaluated false");
        assert_eq!(outcome("response.", 200).0, NodePhase::Error);
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
