//! Each kind of step of Argo's tests, as requests and commands. Not here: waiting (`play`), what is expected (`check`).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    check::{checked, selected},
    play::Play,
    world::{NAMESPACE, Said, World},
};

/// How often a schedule is due that Argo's tests let be due every minute.
pub(super) const TICK: &str = "@every 1s";
/// The same where its runs are counted while more come: the next leaves time to look at these.
pub(super) const SLOW_TICK: &str = "@every 10s";
/// What Argo's tests write for it.
const EVERY_MINUTE: &str = "* * * * *";
/// How long is waited where Argo's tests wait for schedules of every minute.
const TICKS: Duration = Duration::from_secs(3);
/// The word for what the test computes.
const COMPUTED: &str = "<computed>";
const CONDITION: &str = "a condition written in Go";

impl Play {
    /// Plays a step.
    pub(super) async fn step_once(&mut self, step: &Value) -> Result<(), String> {
        let (what, args) = (step["do"].as_str().unwrap_or_default(), &step["args"]);
        match what {
            "given" => self.give(step["kind"].as_str().unwrap_or_default(), step["file"].as_str()),
            "submit" => self.submit().await,
            "wait" if step["until"] == CONDITION => {
                self.unsettled = true;
                Ok(())
            }
            "wait" => self.wait(step["until"].as_str().unwrap_or_default()).await,
            "expect" => self.expect(step).await,
            "expect_node" => self.expect_node(step).await,
            "argo" => self.argo(step).await,
            "exec" => self.kubectl_apply(step).await,
            "sleep" => {
                if step["seconds"].as_u64().is_some_and(|seconds| seconds >= 60) {
                    tokio::time::sleep(TICKS).await;
                }
                self.unsettled = true;
                Ok(())
            }
            "workflow_name" => {
                self.current = args[0].as_str().map(str::to_owned);
                Ok(())
            }
            "add_namespace_limit" => self.world.limit(args[0].as_str().unwrap_or_default()).await,
            "create_workflow_templates" => self.world.apply(&self.all_given("WorkflowTemplate")).await,
            "create_cluster_workflow_templates" => {
                self.world.apply(&self.all_given("ClusterWorkflowTemplate")).await
            }
            "submit_workflows_from_workflow_templates" => self.submit_from("WorkflowTemplate").await,
            "submit_workflows_from_cluster_workflow_templates" => {
                self.submit_from("ClusterWorkflowTemplate").await
            }
            "submit_workflows_from_cron_workflows" => self.submit_from("CronWorkflow").await,
            "config_map" => self.config_map(step).await,
            "shutdown" => self.shut_down(step["strategy"].as_str().unwrap_or_default()).await,
            "delete_workflow" => {
                let path = self.path(self.name().await?);
                self.world.call(Method::DELETE, &path, None).await.map(drop)
            }
            "wait_for_workflow_deletion" | "expect_workflow_deleted" => self.deleted().await,
            "expect_container_logs" => self.expect_logs(step).await,
            "expect_pvc_deleted" => {
                let claims = std::fs::read_dir(self.world.claims()).map_or(0, Iterator::count);
                if claims == 0 { Ok(()) } else { Err(format!("{claims} volumes are claimed still")) }
            }
            "expect_artifact" => self.expect_artifact(args).await,
            "expect_workflow_list" => {
                let items = self.world.list("").await?;
                checked(&step["checks"], &json!({"list": {"items": items}}), "")
            }
            "setup_database_semaphore" => self.limit(args).await,
            // nothing here holds on to an object, and ConfigMaps and limits end with the server
            "remove_finalizers" | "delete_config_map" | "clear_db_semaphore_state" => Ok(()),
            what if what.contains("cron")
                || what.ends_with("new_workflow")
                || what.ends_with("list_count") =>
            {
                self.cron_step(what, step).await
            }
            _ => Err("there is no such step here".to_owned()),
        }
    }

    async fn cron_step(&mut self, what: &str, step: &Value) -> Result<(), String> {
        let crons = format!("/api/v1/cron-workflows/{NAMESPACE}");
        if what == "create_cron_workflow" {
            let mut cron = self.all_given("CronWorkflow").pop().ok_or("no CronWorkflow was given")?;
            for schedule in cron["spec"]["schedules"].as_array_mut().into_iter().flatten() {
                if *schedule == EVERY_MINUTE {
                    *schedule = self.tick.into();
                }
            }
            self.world.let_start(cron["metadata"]["name"].as_str()).await;
            return self
                .world
                .call(Method::POST, &crons, Some(json!({"cronWorkflow": cron})))
                .await
                .map(drop);
        }
        let name = self.cron_name()?;
        let path = format!("{crons}/{name}");
        match what {
            "suspend_cron_workflow" => {
                self.world.call(Method::PUT, &format!("{path}/suspend"), None).await.map(drop)
            }
            "resume_cron_workflow" => {
                self.world.call(Method::PUT, &format!("{path}/resume"), None).await.map(drop)
            }
            "expect_cron" => {
                let cron = self.world.call(Method::GET, &path, None).await?;
                checked(&step["checks"], &json!({"cron": cron}), &name)
            }
            "wait_for_cron_workflow" => {
                self.unsettled = true;
                Ok(())
            }
            "wait_for_cron_workflow_completed" => {
                let look = async |world: &World| {
                    Ok(world.call(Method::GET, &path, None).await?["status"]["phase"] == "Stopped")
                };
                self.until("the schedule stops", look).await
            }
            "wait_for_workflow_list_count" => {
                self.unsettled = true;
                let count = usize::try_from(step["args"][1].as_u64().unwrap_or_default()).unwrap_or_default();
                self.until("so many workflows", async |world| Ok(world.list("").await?.len() == count)).await
            }
            "wait_for_new_workflow" => {
                self.unsettled = true;
                let old = self.current.take();
                let look = async |world: &World| {
                    let names = world.list("").await?;
                    Ok(names.iter().any(|workflow| workflow["metadata"]["name"].as_str() != old.as_deref()))
                };
                self.until("another workflow", look).await
            }
            "expect_workflow_list_from_cron_workflow" => {
                let items = self.world.list(&format!("workflows.argoproj.io/cron-workflow={name}")).await?;
                checked(&step["checks"], &json!({"list": {"items": items}}), &name)
            }
            _ => Err("there is no such step here".to_owned()),
        }
    }

    fn cron_name(&self) -> Result<String, String> {
        let cron = self.all_given("CronWorkflow").pop().ok_or("no CronWorkflow was given")?;
        Ok(cron["metadata"]["name"].as_str().unwrap_or_default().to_owned())
    }

    async fn name(&self) -> Result<String, String> {
        let workflow = self.workflow().await?;
        Ok(workflow["metadata"]["name"].as_str().unwrap_or_default().to_owned())
    }

    fn path(&self, name: String) -> String {
        format!("/api/v1/workflows/{NAMESPACE}/{name}")
    }

    async fn submit(&mut self) -> Result<(), String> {
        self.world.be_busy().await?;
        let workflow = self.all_given("Workflow").pop().ok_or("no Workflow was given")?;
        self.create(workflow).await
    }

    async fn create(&mut self, workflow: Value) -> Result<(), String> {
        let path = format!("/api/v1/workflows/{NAMESPACE}");
        let made = self.world.call(Method::POST, &path, Some(json!({"workflow": workflow}))).await?;
        self.current = made["metadata"]["name"].as_str().map(str::to_owned);
        Ok(())
    }

    async fn submit_from(&mut self, kind: &str) -> Result<(), String> {
        for object in self.all_given(kind) {
            let options = json!({"labels": "workflows.argoproj.io/test=true"});
            let body = json!({
                "resourceKind": kind,
                "resourceName": object["metadata"]["name"],
                "submitOptions": options,
            });
            let path = format!("/api/v1/workflows/{NAMESPACE}/submit");
            let made = self.world.call(Method::POST, &path, Some(body)).await?;
            self.current = made["metadata"]["name"].as_str().map(str::to_owned);
        }
        Ok(())
    }

    async fn config_map(&self, step: &Value) -> Result<(), String> {
        let metadata = json!({"name": step["name"], "namespace": NAMESPACE, "labels": step["labels"]});
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": step["data"]});
        self.world.apply(&[object]).await
    }

    /// Sets the limit of a semaphore of the database: `NAMESPACE/KEY` and how many.
    async fn limit(&self, args: &Value) -> Result<(), String> {
        let named = args[0].as_str().and_then(|name| name.split_once('/'));
        let (namespace, key) = named.ok_or("no limit is named")?;
        let body = json!({"namespace": namespace, "key": key, "limit": args[1], "type": "DATABASE"});
        self.world.call(Method::POST, &format!("/api/v1/sync/{namespace}"), Some(body)).await.map(drop)
    }

    async fn shut_down(&self, strategy: &str) -> Result<(), String> {
        let path = format!("{}/{}", self.path(self.name().await?), strategy.to_lowercase());
        self.world.call(Method::PUT, &path, None).await.map(drop)
    }

    async fn deleted(&self) -> Result<(), String> {
        let path = self.path(self.current.clone().ok_or("no workflow is meant")?);
        let gone = async |world: &World| match world.call(Method::GET, &path, None).await {
            Err(why) if why.starts_with("404") => Ok(true),
            Err(why) => Err(why),
            Ok(_) => Ok(false),
        };
        self.until("it is deleted", gone).await
    }

    async fn expect(&self, step: &Value) -> Result<(), String> {
        let workflow = self.workflow().await?;
        checked(&step["checks"], &workflow, workflow["metadata"]["name"].as_str().unwrap_or_default())
    }

    async fn expect_node(&self, step: &Value) -> Result<(), String> {
        let workflow = self.workflow().await?;
        let name = workflow["metadata"]["name"].as_str().unwrap_or_default();
        let (checks, select) = (&step["checks"], &step["select"]);
        if select == CONDITION {
            let mut nodes = workflow["status"]["nodes"].as_object().into_iter().flatten();
            let fits = nodes.any(|(_, node)| checked(checks, &json!({"node": node}), name).is_ok());
            return if fits { Ok(()) } else { Err("no node is as expected".to_owned()) };
        }
        let node = selected(&workflow, select, name).ok_or_else(|| format!("no node is {select}"))?;
        checked(checks, &json!({"node": node}), name).map_err(|why| format!("of node {select}: {why}"))
    }

    async fn expect_logs(&self, step: &Value) -> Result<(), String> {
        let name = self.name().await?;
        let container = step["args"][0].as_str().unwrap_or("wait");
        let path = format!("{}/log?logOptions.container={container}", self.path(name.clone()));
        let stream = self.world.call(Method::GET, &path, None).await?;
        let lines = stream.as_str().map_or_else(|| stream.to_string(), str::to_owned);
        let told = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let logs: Vec<String> =
            told.filter_map(|line| line["result"]["content"].as_str().map(str::to_owned)).collect();
        checked(&step["checks"], &json!({"logs": logs.join("\n")}), &name)
    }

    async fn expect_artifact(&self, args: &Value) -> Result<(), String> {
        let (workflow, artifact) = (self.workflow().await?, args[1].as_str().unwrap_or_default());
        let nodes = workflow["status"]["nodes"].as_object().into_iter().flatten();
        for (id, node) in nodes {
            let mut artifacts = node["outputs"]["artifacts"].as_array().into_iter().flatten();
            if artifacts.any(|found| found["name"] == artifact) {
                let path = format!("/artifacts/{NAMESPACE}/{}/{id}/{artifact}", self.name().await?);
                return self.world.call(Method::GET, &path, None).await.map(drop);
            }
        }
        Err(format!("no node has the artifact `{artifact}`"))
    }

    /// Does what `kubectl apply -f FILE` would.
    async fn kubectl_apply(&mut self, step: &Value) -> Result<(), String> {
        let args: Vec<&str> =
            step["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let (Some("kubectl"), ["apply", "-f", file]) = (step["command"].as_str(), args.as_slice()) else {
            return Err("it enters or changes a pod by kubectl".to_owned());
        };
        let documents =
            model::yaml::parse(file, &self.world.file(file)?).map_err(|faults| format!("{faults:?}"))?;
        let object = documents[0].value();
        let said = if object["kind"] == "Workflow" {
            match self.create(object).await {
                Ok(()) => Said { ok: true, text: String::new() },
                Err(text) => Said { ok: false, text },
            }
        } else {
            self.world.command(&["apply", "-f", file].map(str::to_owned), None).await?
        };
        as_told(step, &said)
    }

    async fn argo(&mut self, step: &Value) -> Result<(), String> {
        let (mut args, mut token): (Vec<String>, Option<String>) = (Vec::new(), None);
        let mut given = step["args"].as_array().into_iter().flatten().filter_map(Value::as_str).peekable();
        while let Some(arg) = given.next() {
            if arg == "--token" {
                token = given.next().filter(|token| *token != COMPUTED).map(str::to_owned);
                continue;
            }
            args.push(match arg {
                COMPUTED if args.last().is_some_and(|last| last == "--field-selector") => {
                    format!("metadata.name={}", self.name().await?)
                }
                COMPUTED if args.len() == 1 => self.name().await?,
                COMPUTED => return Err("an argument is computed by the test".to_owned()),
                _ => arg.to_owned(),
            });
        }
        let said = self.world.command(&args, token.as_deref()).await?;
        if matches!(args.first().map(String::as_str), Some("submit" | "resubmit")) {
            // the one that it tells of; schedules start others meanwhile
            let told = said.text.lines().find_map(|line| line.strip_prefix("Name:"));
            self.current = told.map(|name| name.trim().to_owned());
        }
        as_told(step, &said)
    }
}

/// Returns what is wrong with what a command said.
fn as_told(step: &Value, said: &Said) -> Result<(), String> {
    let shown: String = said.text.chars().take(400).collect();
    if step["error"].as_bool().is_some_and(|error| error == said.ok) {
        return Err(format!("it {} with: {shown}", if said.ok { "succeeds" } else { "fails" }));
    }
    let texts = |field: &str| -> Vec<String> {
        match &step[field] {
            Value::String(text) => vec![text.clone()],
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    for text in texts("output_contains") {
        if !said.text.contains(&text) {
            return Err(format!("it does not say `{text}` but: {shown}"));
        }
    }
    for text in texts("output_not_contains") {
        if said.text.contains(&text) {
            return Err(format!("it says `{text}`: {shown}"));
        }
    }
    for pattern in texts("output_matches") {
        if !regex::Regex::new(&pattern).map_err(|error| error.to_string())?.is_match(&said.text) {
            return Err(format!("it does not say `{pattern}` but: {shown}"));
        }
    }
    Ok(())
}
