//! Logs as a stream of lines. Source: Argo `server/workflow/workflow_server.go` WorkflowLogs, `util/logs`.
//! Not here: reading and masking them (`backend`).

use axum::{
    extract::State,
    http::{HeaderMap, Method},
    response::Response,
};
use expr::selector::LabelSelector;
use model::NamespacedName;
use policy::{ListRuns, ViewLog};
use runner::{LogSelection, PodLine, RunnerError};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    WORKFLOWS,
    list::Asked,
    names::Named,
    stream::{self, Spelling},
    workflows::latest,
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
};

/// How many lines wait for a slow client.
const LINES_WAITING: usize = 256;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let acts = [act::<ListRuns>(), act::<ViewLog>()];
    ["/api/v1/workflows/{namespace}/{name}/log", "/api/v1/workflows/{namespace}/{name}/{podName}/log"]
        .map(|path| Endpoint::new(Method::GET, path, &acts, logs).streams())
        .into()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogQuery {
    #[serde(rename = "podName")]
    pod_name: String,
    #[serde(rename = "logOptions.container")]
    container: String,
    #[serde(rename = "logOptions.follow")]
    follow: String,
    #[serde(rename = "logOptions.tailLines")]
    tail_lines: String,
    #[serde(rename = "logOptions.sinceSeconds")]
    since_seconds: String,
    #[serde(rename = "logOptions.timestamps")]
    timestamps: String,
    grep: String,
    selector: String,
}

/// What of the lines a client wants to see.
#[derive(Debug)]
struct Filter {
    grep: String,
    since_ms: Option<i64>,
    timestamps: bool,
}

async fn logs(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    path: axum::extract::RawPathParams,
    headers: HeaderMap,
    Asked(query): Asked<LogQuery>,
) -> Result<Response, ArgoError> {
    let of_path = path.iter().find(|(key, _)| *key == "podName").map(|(_, pod)| pod.to_owned());
    let (selection, filter) = query.read(of_path, app.now().as_millisecond())?;
    let name = latest(&app, &caller, name).await?;
    let (sink, lines) = mpsc::channel(LINES_WAITING);
    let (runner, of) = (app.runner().clone(), name.clone());
    let sending = tokio::spawn(async move { runner.logs(&caller, &of, selection, sink).await });
    let results = begun(&name, lines, sending, filter).await?;
    Ok(stream::answer(&app, Spelling::of(&headers), results))
}

/// Waits for the first line or the end, so that a refusal is the answer and not a line in it; then passes lines on.
async fn begun(
    name: &NamespacedName,
    mut lines: mpsc::Receiver<PodLine>,
    sending: tokio::task::JoinHandle<Result<(), RunnerError>>,
    filter: Filter,
) -> Result<mpsc::Receiver<Result<serde_json::Value, ServerError>>, ServerError> {
    let first = lines.recv().await;
    if first.is_none() {
        let sent = sending.await.map_err(ServerError::internal)?;
        sent.map_err(|error| ServerError::from(error).about(WORKFLOWS, &name.name))?;
        return Ok(mpsc::channel(1).1);
    }
    let (sink, results) = mpsc::channel(LINES_WAITING);
    let about = name.name.clone();
    tokio::spawn(async move {
        let mut line = first;
        while let Some(pod_line) = line {
            if let Some(shown) = filter.shown(&pod_line)
                && sink.send(Ok(shown)).await.is_err()
            {
                return;
            }
            line = lines.recv().await;
        }
        match sending.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => drop(sink.send(Err(ServerError::from(error).about(WORKFLOWS, &about))).await),
            Err(error) => drop(sink.send(Err(ServerError::internal(error))).await),
        }
    });
    Ok(results)
}

impl LogQuery {
    fn read(self, of_path: Option<String>, now_ms: i64) -> Result<(LogSelection, Filter), ServerError> {
        let pod = of_path.or(Some(self.pod_name)).filter(|pod| !pod.is_empty());
        let container = Some(self.container).filter(|container| !container.is_empty());
        if !self.selector.is_empty() {
            LabelSelector::parse(&self.selector).map_err(super::list::unread)?;
            return Err(ServerError::NotImplemented("selecting logs by the labels of pods".to_owned()));
        }
        let since = number("logOptions.sinceSeconds", &self.since_seconds)?;
        let tail = number("logOptions.tailLines", &self.tail_lines)?;
        let follow = truth("logOptions.follow", &self.follow)?;
        let filter = Filter {
            grep: self.grep,
            since_ms: since.map(|seconds| now_ms.saturating_sub(seconds.saturating_mul(1000))),
            timestamps: truth("logOptions.timestamps", &self.timestamps)?,
        };
        let tail = tail.map(|tail| usize::try_from(tail).unwrap_or(usize::MAX));
        Ok((LogSelection { pod, container, follow, tail }, filter))
    }
}

impl Filter {
    fn shown(&self, line: &PodLine) -> Option<serde_json::Value> {
        let content = &line.line.content;
        let wanted =
            content.contains(&self.grep) && self.since_ms.is_none_or(|since| line.line.at_ms >= since);
        let stamp = || {
            jiff::Timestamp::from_millisecond(line.line.at_ms)
                .map_or_else(|_| String::new(), |at| at.to_string())
        };
        let content = if self.timestamps { format!("{} {content}", stamp()) } else { content.clone() };
        wanted.then(|| json!({"content": content, "podName": line.pod_name}))
    }
}

fn number(what: &str, text: &str) -> Result<Option<i64>, ServerError> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse::<i64>().ok().filter(|number| *number >= 0);
    number.map(Some).ok_or_else(|| ServerError::BadRequest(format!("`{what}` is not a number")))
}

fn truth(what: &str, text: &str) -> Result<bool, ServerError> {
    match text {
        "" | "false" | "0" => Ok(false),
        "true" | "1" => Ok(true),
        _ => Err(ServerError::BadRequest(format!("`{what}` is neither `true` nor `false`"))),
    }
}
