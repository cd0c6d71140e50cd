//! One of Argo's tests while it is played: what is given, which workflow is meant, and waiting for it.
//! Not here: each kind of step (`steps`), what is expected (`check`).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value};

use super::{
    steps::TICK,
    world::{GLANCE, NAMESPACE, World},
};

/// The shortest pause before another look.
const BLINK: Duration = Duration::from_millis(20);
/// From how many milliseconds on a pause between attempts is a long one, and how many times as fast it is played.
const LONG_PAUSE_MS: u64 = 10_000;
const HASTE: u64 = 5;
/// The label of what a test makes.
const LABEL: (&str, &str) = ("workflows.argoproj.io/test", "true");

/// A test that is being played.
pub(super) struct Play {
    pub(super) world: World,
    /// How long one wait may take.
    pub(super) tick: &'static str,
    pub(super) patience: Duration,
    /// What was given last of each kind, by kind.
    pub(super) given: Vec<(String, Value)>,
    /// The workflow that is meant, if one is.
    pub(super) current: Option<String>,
    /// Whether something has to be awaited that the corpus does not tell.
    pub(super) unsettled: bool,
}

impl Play {
    pub(super) fn new(world: World) -> Self {
        Self {
            world,
            tick: TICK,
            patience: Duration::ZERO,
            given: Vec::new(),
            current: None,
            unsettled: false,
        }
    }

    /// Plays a step; in a slow world pods start after the first that is done with what was submitted.
    pub(super) async fn step(&mut self, step: &Value) -> Result<(), String> {
        let done = self.step_in_time(step).await;
        if !matches!(step["do"].as_str(), Some("given" | "submit" | "clear_db_semaphore_state")) {
            self.world.let_go().await?;
        }
        done
    }

    /// Plays a step; after a condition that the corpus does not tell it is tried until it holds.
    async fn step_in_time(&mut self, step: &Value) -> Result<(), String> {
        if !std::mem::take(&mut self.unsettled) {
            return self.step_once(step).await;
        }
        let mut changes = self.world.app.runner().changes();
        let deadline = tokio::time::Instant::now() + self.patience;
        loop {
            match self.step_once(step).await {
                Err(why) if tokio::time::Instant::now() >= deadline => return Err(why),
                Err(_) => glance(&mut changes).await,
                done => return done,
            }
        }
    }

    /// Reads what is given from its file.
    pub(super) fn give(&mut self, kind: &str, file: Option<&str>) -> Result<(), String> {
        let file = file.ok_or("the object is composed by the test")?;
        let documents =
            model::yaml::parse(file, &self.world.file(file)?).map_err(|faults| format!("{faults:?}"))?;
        let document = documents.iter().find(|document| !document.is_empty()).ok_or("an empty file")?;
        let mut object = document.value();
        hasten(&mut object);
        let fields = object.as_object_mut().ok_or("no object")?;
        fields.insert("apiVersion".to_owned(), "argoproj.io/v1alpha1".into());
        fields.insert("kind".to_owned(), kind.into());
        let metadata = entry(fields, "metadata");
        metadata.remove("namespace");
        entry(metadata, "labels").insert(LABEL.0.to_owned(), LABEL.1.into());
        // as Argo's tests read it, and Kubernetes stores it
        model::manifest::Manifest::prune(kind, &mut object);
        self.given.push((kind.to_owned(), object));
        Ok(())
    }

    /// Returns what was given of a kind.
    pub(super) fn all_given(&self, kind: &str) -> Vec<Value> {
        self.given.iter().filter(|(given, _)| given == kind).map(|(_, object)| object.clone()).collect()
    }

    /// Returns the workflow that is meant: the one named, else the newest.
    pub(super) async fn workflow(&self) -> Result<Value, String> {
        match &self.current {
            Some(name) => {
                self.world.call(Method::GET, &format!("/api/v1/workflows/{NAMESPACE}/{name}"), None).await
            }
            None => self.world.list("").await?.into_iter().next().ok_or("there is no workflow".to_owned()),
        }
    }

    /// Returns the workflows that may be meant; none if the one that is meant was deleted.
    async fn candidates(&self) -> Result<Vec<Value>, String> {
        match self.current {
            Some(_) => match self.workflow().await {
                Err(why) if why.starts_with("404") => Ok(Vec::new()),
                found => Ok(vec![found?]),
            },
            None => self.world.list("").await,
        }
    }

    /// Waits until the workflow that is meant, or any if none is, is as `until` says; that one is meant from then on.
    pub(super) async fn wait(&mut self, until: &str) -> Result<(), String> {
        let mut changes = self.world.app.runner().changes();
        let deadline = tokio::time::Instant::now() + self.patience;
        loop {
            let mut never = None;
            let seen = self.candidates().await?;
            if until == "done" && self.current.is_some() && seen.is_empty() {
                // what is deleted as soon as it has ended has ended
                return Ok(());
            }
            for workflow in &seen {
                match reached(workflow, until) {
                    Ok(true) => {
                        self.current = workflow["metadata"]["name"].as_str().map(str::to_owned);
                        return Ok(());
                    }
                    Ok(false) => {}
                    Err(why) => never = Some(why),
                }
            }
            if let (Some(why), Some(_)) = (never, &self.current) {
                return Err(why);
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(format!(
                    "not within {:?}: {}",
                    self.patience,
                    seen.iter().map(told).collect::<String>()
                ));
            }
            glance(&mut changes).await;
        }
    }

    /// Waits until `look` gives true.
    pub(super) async fn until(
        &self,
        what: &str,
        look: impl AsyncFn(&World) -> Result<bool, String>,
    ) -> Result<(), String> {
        let mut changes = self.world.app.runner().changes();
        let deadline = tokio::time::Instant::now() + self.patience;
        while !look(&self.world).await? {
            if tokio::time::Instant::now() >= deadline {
                return Err(format!("not within {:?}: {what}", self.patience));
            }
            glance(&mut changes).await;
        }
        Ok(())
    }
}

async fn glance(changes: &mut tokio::sync::broadcast::Receiver<runner::RunChange>) {
    tokio::time::sleep(BLINK).await;
    let _ = tokio::time::timeout(GLANCE, changes.recv()).await;
}

/// Makes long pauses between attempts shorter.
fn hasten(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hasten),
        Value::Object(fields) => {
            for (name, field) in fields {
                let long = field.as_str().and_then(|text| model::duration::go_duration_ms(text).ok());
                match long.filter(|ms| *ms >= LONG_PAUSE_MS) {
                    Some(ms) if matches!(name.as_str(), "duration" | "maxDuration") => {
                        *field = format!("{}ms", ms / HASTE).into();
                    }
                    _ => hasten(field),
                }
            }
        }
        _ => {}
    }
}

fn entry<'a>(fields: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let field = fields.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !field.is_object() {
        *field = Value::Object(Map::new());
    }
    field.as_object_mut().unwrap()
}

/// Returns whether a workflow is as `until` says.
///
/// # Errors
/// Why it never will be.
fn reached(workflow: &Value, until: &str) -> Result<bool, String> {
    let status = &workflow["status"];
    let phase = status["phase"].as_str().unwrap_or_default();
    let ended = matches!(phase, "Succeeded" | "Failed" | "Error");
    let pod = |phase: &str| {
        let mut nodes = status["nodes"].as_object().into_iter().flatten();
        nodes.any(|(_, node)| node["type"] == "Pod" && node["phase"] == phase)
    };
    Ok(match until {
        "done" | "completed" => ended,
        "started" => !status["startedAt"].is_null(),
        // what has ended was running before, if there was time for it
        "Running" => ended || phase == "Running",
        "a pod is running" => pod("Running") || (ended && pod("Succeeded")),
        "a pod has failed" => pod("Failed"),
        "waiting on a mutex" => status["synchronization"]["mutex"]["waiting"]
            .as_array()
            .is_some_and(|waiting| !waiting.is_empty()),
        "Pending" if phase.is_empty() => true,
        "Pending" | "Succeeded" | "Failed" | "Error" => {
            if ended && phase != until {
                return Err(told(workflow));
            }
            phase == until
        }
        _ => return Err(format!("`{until}` is not known")),
    })
}

/// Returns what a reader wants to know of a workflow that is not as it should be.
fn told(workflow: &Value) -> String {
    let (name, status) = (&workflow["metadata"]["name"], &workflow["status"]);
    let nodes = status["nodes"].as_object().into_iter().flatten();
    let nodes: Vec<String> = nodes
        .filter(|(_, node)| node["phase"] != "Succeeded")
        .map(|(_, node)| format!("{} {} {}", node["displayName"], node["phase"], node["message"]))
        .take(6)
        .collect();
    format!("{name} is {} {}; {}", status["phase"], status["message"], nodes.join(", "))
}
