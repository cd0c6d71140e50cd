//! Tasks: what a template wants that needs no pod: an HTTP request, a list of keys, an executor plugin.
//! Source: Argo `workflow/executor/agent.go`, `workflow/data/data.go`, `workflow/util/plugins/plugin.go`.
//! Not here: what an answer means (`engine::task`). Acts on Kubernetes objects need a cluster, and say so.
//! As with Argo's agent, a task that was under way when the server ended is done again by the next start.

use std::{sync::Arc, time::Duration};

use audit::{ActError, Clock as _};
use backend::Needs;
use driver::{Answer, DriverError, Reach, Request};
use engine::{
    EventKind, Task, TaskOutcome,
    task::{HttpAnswer, PluginReply, http_body, http_outcome, transformed},
};
use identity::Caller;
use model::argo::{DataTemplate, HttpTemplate, NodeOutputs, NodePhase, TemplateKind, printable_url};
use policy::PerformTask;
use serde_json::json;
use store::StoredRun;
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

use crate::{RunnerError, clock::SystemClock, drive::Input, pods::asked_to_die, runner::Inner};

/// How many tasks are under way at once; Argo's agent has 16 workers a workflow.
pub(crate) const TASKS_AT_ONCE: usize = 64;
/// How long a plugin may take for an answer. Source: Argo `workflow/executor/plugins/rpc/plugin.go`.
const PLUGIN_TIME: Duration = Duration::from_secs(30);
/// How often a plugin is asked that is not there yet, or says that it can't answer now.
const PLUGIN_TRIES: u32 = 5;

/// An executor plugin that the server's owner runs: a service that speaks Argo's protocol.
#[derive(Clone)]
pub struct ExecutorPlugin {
    /// Its name.
    pub name: String,
    /// Its address, to which `/api/v1/template.execute` is added.
    pub address: String,
    /// What it is shown as a bearer token.
    pub token: Zeroizing<String>,
}

impl std::fmt::Debug for ExecutorPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecutorPlugin").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One task from its command to its end.
pub(crate) struct TaskWork {
    pub(crate) inner: Arc<Inner>,
    pub(crate) stored: Arc<StoredRun>,
    pub(crate) caller: Caller,
    pub(crate) inbox: mpsc::UnboundedSender<Input>,
    pub(crate) killed: watch::Receiver<bool>,
}

impl TaskWork {
    pub(crate) async fn run(self, task: Arc<Task>) {
        let mut killed = self.killed.clone();
        let limit = task.deadline_seconds.map(Duration::from_secs);
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let outcome = tokio::select! {
            outcome = self.perform(&task) => outcome,
            // its node has ended
            () = asked_to_die(&mut killed) => return,
            () = over => bare(NodePhase::Failed, "Step exceeded its deadline"),
        };
        self.tell(EventKind::TaskFinished { node: task.node.clone(), outcome });
    }

    async fn perform(&self, task: &Task) -> TaskOutcome {
        let template = &task.template;
        let done = match template.kinds().first() {
            Some(TemplateKind::Http) => match &template.http {
                Some(http) => self.http(task, http).await,
                None => return bare(NodePhase::Error, "an `http` template without its fields"),
            },
            Some(TemplateKind::Data) => match &template.data {
                Some(data) => self.data(task, data).await,
                None => return bare(NodePhase::Error, "a `data` template without its fields"),
            },
            Some(TemplateKind::Plugin) => self.plugin(task).await,
            Some(TemplateKind::Resource) => {
                let why = "a `resource` template acts on objects of Kubernetes: it needs a cluster, and none is configured";
                return bare(NodePhase::Error, why);
            }
            kind => {
                let kind = kind.map_or("nothing", |kind| kind.as_str());
                return bare(NodePhase::Error, &format!("a `{kind}` template is no task"));
            }
        };
        match done {
            Ok(outcome) => outcome,
            // what could not be done has failed, as with Argo's agent
            Err(error @ (RunnerError::Artifact(_) | RunnerError::Conflict(_))) => {
                bare(NodePhase::Failed, &error.to_string())
            }
            Err(error) => bare(NodePhase::Error, &error.to_string()),
        }
    }

    /// Sends a request; what an answer repeats of the Secrets it was given is masked, as in the output of pods.
    async fn http(&self, task: &Task, http: &HttpTemplate) -> Result<TaskOutcome, RunnerError> {
        let selectors =
            http.headers.iter().filter_map(|header| header.value_from.as_ref()?.secret_key_ref.as_ref());
        let secrets = selectors.map(|selector| selector.name.clone()).collect();
        let needs = Needs { secrets, ..Needs::default() };
        let given = self.inner.materials((&self.caller, &self.stored), &task.node, &needs).await?.secrets;
        let given = driver::Secrets(given);
        let mut used: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        let mut headers = Vec::new();
        for header in &http.headers {
            let from = header.value_from.as_ref().and_then(|from| from.secret_key_ref.as_ref());
            let secret = given.bytes(from).map_err(RunnerError::Artifact)?;
            used.extend(secret.map(|secret| Zeroizing::new(secret.to_vec())));
            let value = secret
                .map_or_else(|| header.value.clone(), |bytes| String::from_utf8_lossy(bytes).into_owned());
            headers.push((header.name.clone(), value));
        }
        let seconds = http.timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let request = Request {
            method: http.method.clone(),
            url: http.url.clone(),
            headers,
            body: http_body(http).map_err(RunnerError::Conflict)?,
            trusts_all: http.insecure_skip_verify,
            time: seconds.map(Duration::from_secs),
            stays: false,
        };
        let method = if http.method.is_empty() { "GET" } else { &http.method };
        let what = format!("{method} {}", printable_url(&http.url));
        let reach = Arc::new(self.inner.config.artifacts.reach.clone());
        let answer = self.ask(task, what, request, &reach).await.map_err(|error| match error {
            RunnerError::Artifact(error) => {
                RunnerError::Conflict(masked(error.to_string().as_bytes(), &used))
            }
            other => other,
        })?;
        let answer = HttpAnswer {
            status: answer.status,
            headers: answer
                .headers
                .into_iter()
                .map(|(name, value)| (name, masked(value.as_bytes(), &used)))
                .collect(),
            body: masked(&answer.body, &used),
        };
        Ok(http_outcome(http, &answer, SystemClock.now()))
    }

    /// Lists the keys below a place and sends the list through the steps.
    async fn data(&self, task: &Task, data: &DataTemplate) -> Result<TaskOutcome, RunnerError> {
        self.tell(EventKind::PodRunning { node: task.node.clone() });
        let source = data.source.artifact_paths.as_ref();
        let source = source.ok_or_else(|| RunnerError::Conflict("no data source is given".to_owned()))?;
        let at = source.location().map_err(|fault| RunnerError::Conflict(fault.to_string()))?;
        let at =
            at.ok_or_else(|| RunnerError::Conflict("You need to configure artifact storage".to_owned()))?;
        let place = self.inner.tasks.acquire().await;
        let keys = self.inner.list_keys((&self.caller, &self.stored), &task.node, &at).await?;
        drop(place);
        let steps = data.transformation.clone();
        let work = tokio::task::spawn_blocking(move || transformed(&keys, &steps, SystemClock.now()));
        let result = work.await.map_err(|error| RunnerError::Conflict(error.to_string()))?;
        let result = result.map_err(RunnerError::Conflict)?;
        let outputs = NodeOutputs { result: Some(result), ..NodeOutputs::default() };
        Ok(TaskOutcome { phase: NodePhase::Succeeded, message: String::new(), outputs })
    }

    /// Asks the plugins one after the other until one takes the template, and that one again for as long as it wants.
    async fn plugin(&self, task: &Task) -> Result<TaskOutcome, RunnerError> {
        let name = &self.stored.facts.name;
        let metadata = json!({
            "name": name.name, "namespace": name.namespace, "uid": self.stored.facts.id.uuid().to_string(),
        });
        let body = json!({ "workflow": { "metadata": metadata }, "template": task.template }).to_string();
        loop {
            let Some(reply) = self.first_reply(task, &body).await? else {
                return Ok(bare(NodePhase::Failed, "no plugin executed the template"));
            };
            if let Some(outcome) = reply.outcome() {
                return Ok(outcome);
            }
            if reply.runs() {
                self.tell(EventKind::PodRunning { node: task.node.clone() });
            }
            if let Some(progress) = reply.progress() {
                self.tell(EventKind::Progress { node: task.node.clone(), progress });
            }
            match reply.requeue().map_err(RunnerError::Conflict)? {
                Some(wait) => tokio::time::sleep(wait).await,
                // it never says how it ends: a deadline or somebody ends it
                None => std::future::pending().await,
            }
        }
    }

    async fn first_reply(&self, task: &Task, body: &str) -> Result<Option<PluginReply>, RunnerError> {
        for plugin in &self.inner.config.executor_plugins {
            let answer = self.call(task, plugin, body).await?;
            if answer.status == 404 {
                continue;
            }
            if answer.status != 200 {
                let said = masked(
                    &answer.body,
                    std::slice::from_ref(&Zeroizing::new(plugin.token.as_bytes().to_vec())),
                );
                return Err(RunnerError::Conflict(format!("{}: {said}", answer.status)));
            }
            let reply = PluginReply::parse(&answer.body).map_err(RunnerError::Conflict)?;
            if reply.is_taken() {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    async fn call(&self, task: &Task, plugin: &ExecutorPlugin, body: &str) -> Result<Answer, RunnerError> {
        let mut wait = Duration::from_secs(1);
        let mut tries = 1;
        loop {
            let request = Request {
                method: "POST".to_owned(),
                url: format!("{}/api/v1/template.execute", plugin.address.trim_end_matches('/')),
                headers: vec![
                    ("Content-Type".to_owned(), "application/json".to_owned()),
                    ("Authorization".to_owned(), format!("Bearer {}", plugin.token.as_str())),
                ],
                body: body.as_bytes().to_vec(),
                time: Some(PLUGIN_TIME),
                // the token is for the plugin alone
                stays: true,
                ..Request::default()
            };
            // the server's owner has named its address
            let reach = Arc::new(Reach::everywhere());
            let answer = self.ask(task, format!("plugin {}", plugin.name), request, &reach).await;
            let again = match &answer {
                Ok(answer) => answer.status == 503,
                Err(RunnerError::Artifact(DriverError::Failed { reason, .. })) => reason.contains("refused"),
                Err(_) => false,
            };
            if !again || tries == PLUGIN_TRIES {
                return answer;
            }
            tries += 1;
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2);
        }
    }

    async fn ask(
        &self,
        task: &Task,
        what: String,
        request: Request,
        reach: &Arc<Reach>,
    ) -> Result<Answer, RunnerError> {
        let _place = self.inner.tasks.acquire().await;
        let action = PerformTask { run: self.stored.facts.clone(), node: task.node.clone(), what };
        let asked = self.inner.act(&self.caller, action, async |_| driver::request(reach, request).await);
        asked.await.map_err(|error| match error {
            ActError::Refused(refusal) => RunnerError::Refused(refusal),
            ActError::Unrecorded(error) => RunnerError::Unrecorded(error),
            ActError::Failed(error) => RunnerError::Artifact(error),
        })
    }

    fn tell(&self, kind: EventKind) {
        // a closed inbox means that the runner is shutting down; the next start does the task again
        let _ = self.inbox.send(Input::Event(kind));
    }
}

fn bare(phase: NodePhase, message: &str) -> TaskOutcome {
    TaskOutcome { phase, message: message.to_owned(), outputs: NodeOutputs::default() }
}

fn masked(text: &[u8], secrets: &[Zeroizing<Vec<u8>>]) -> String {
    String::from_utf8_lossy(&backend::masked(text, secrets)).into_owned()
}
