//! Schedules: one loop that starts, skips, ends and deletes what `engine::cron` decides, and remembers how far each has
//! come. A schedule acts under a name of its own, `workload:cron/<namespace>/<name>`: what it may start is what the
//! scopes list for that name by the path `cron`, and every refusal is on record.
//! Not here: what a schedule says (`model::cron`), what follows from it (`engine::cron`).
//!
//! Invariant: a due time gives a run its name, so that it is started once at most, whatever dies at whatever moment.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use audit::Clock as _;
use engine::cron::{self, Child, Plan, Start};
use identity::Caller;
use model::{
    NamespacedName, RunId,
    argo::{AnyString, CronWorkflow, CronWorkflowStatus, Workflow},
    manifest::Manifest,
    oam::Via,
};
use policy::{AdvanceCron, ListRuns};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::{ObjectKind, Runner, RunnerError, Submission, clock::SystemClock, clock::local_zone};

/// The kind of the facts that say how far a schedule has come.
pub(crate) const CRON_STATUS: &str = "CronStatus";
/// The longest the loop sleeps: clocks are set, and machines sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long it sleeps at least after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What is remembered of a schedule.
#[derive(Debug, Clone, Default, PartialEq)]
struct Kept {
    status: Option<CronWorkflowStatus>,
    /// The schedules that were used last.
    last_used_schedule: Option<String>,
    /// Whether it has stopped for good.
    completed: bool,
}

impl Kept {
    fn of(cron: &CronWorkflow) -> Self {
        let used = cron.metadata.annotations.get(cron::LAST_USED_SCHEDULE);
        Self {
            status: cron.status.clone(),
            last_used_schedule: used.map(|text| text.0.clone()),
            completed: cron.metadata.labels.contains_key(cron::COMPLETED_LABEL),
        }
    }
    fn to_text(&self) -> String {
        json!({
            "status": self.status,
            "lastUsedSchedule": self.last_used_schedule,
            "completed": self.completed,
        })
        .to_string()
    }
    fn from_text(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        Some(Self {
            status: value.get("status").and_then(|status| serde_json::from_value(status.clone()).ok()),
            last_used_schedule: value.get("lastUsedSchedule")?.as_str().map(str::to_owned),
            completed: value.get("completed")?.as_bool()?,
        })
    }
    /// Puts it onto the object as it was written.
    fn dress(self, cron: &mut CronWorkflow) {
        cron.status = self.status;
        let metadata = &mut cron.metadata;
        metadata.annotations.shift_remove(cron::LAST_USED_SCHEDULE);
        metadata.labels.shift_remove(cron::COMPLETED_LABEL);
        if let Some(used) = self.last_used_schedule {
            metadata.annotations.insert(cron::LAST_USED_SCHEDULE.to_owned(), AnyString(used));
        }
        if self.completed {
            metadata.labels.insert(cron::COMPLETED_LABEL.to_owned(), AnyString("true".to_owned()));
        }
    }
}

impl Runner {
    /// Returns what has become of a CronWorkflow, as Argo shows it; nothing yet if it never ran.
    pub async fn cron_status(&self, name: &NamespacedName) -> Value {
        let status = self.kept(name).await.ok().and_then(|kept| kept.status).unwrap_or_default();
        let list = |items: &[Value]| if items.is_empty() { Value::Null } else { json!(items) };
        json!({
            "active": list(&status.active),
            "conditions": list(&status.conditions),
            "lastScheduledTime": status.last_scheduled_time,
            "succeeded": status.succeeded,
            "failed": status.failed,
            "phase": status.phase,
        })
    }

    /// Returns the Workflow that somebody who may see a CronWorkflow starts from it by hand. It is started by them, with
    /// their own rights, and belongs to nobody.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn started_by_hand(
        &self,
        caller: &Caller,
        name: &NamespacedName,
    ) -> Result<Workflow, RunnerError> {
        let found = self.object(caller, ObjectKind::CronWorkflow, name).await?;
        let Manifest::CronWorkflow(written) = found else {
            return Err(RunnerError::Conflict("the object is no CronWorkflow".to_owned()));
        };
        let mut workflow = cron::started_by_hand(&written.object, SystemClock.now(), &local_zone());
        workflow.metadata.rest.shift_remove("ownerReferences");
        Ok(workflow)
    }

    /// Keeps the schedules until the runner is shut down. Call once, after [`Runner::take_up`].
    pub fn keep_schedules(&self) -> tokio::task::JoinHandle<()> {
        let keeper =
            Keeper { runner: self.clone(), plans: HashMap::new(), children: HashMap::new(), failed: false };
        tokio::spawn(keeper.run())
    }

    async fn kept(&self, name: &NamespacedName) -> Result<Kept, RunnerError> {
        let kept = self.store().fact(CRON_STATUS, &name.namespace, &name.name).await?;
        Ok(kept.and_then(|text| Kept::from_text(&text)).unwrap_or_default())
    }
}

/// The loop.
struct Keeper {
    runner: Runner,
    plans: HashMap<NamespacedName, Plan>,
    /// Whose run each is, of those that were started and may not have ended.
    children: HashMap<RunId, NamespacedName>,
    /// Whether the last look failed: then the next is not taken at once.
    failed: bool,
}

impl Keeper {
    async fn run(mut self) {
        let mut changes = self.runner.changes();
        let mut concerned = self.all();
        while !self.runner.inner.pods.is_closed() {
            self.failed = false;
            for name in std::mem::take(&mut concerned) {
                if let Err(error) = self.look_at(&name).await {
                    tracing::error!(cron = %name, %error, "a schedule could not be looked at");
                    self.failed = true;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => concerned = self.due(),
                () = self.runner.inner.schedules.notified() => concerned = self.all(),
                change = changes.recv() => match change {
                    Ok(change) if change.phase.is_completed() => {
                        concerned.extend(self.children.remove(&change.id));
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => concerned = self.all(),
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    /// Returns all that there are, and those there are no more.
    fn all(&self) -> BTreeSet<NamespacedName> {
        let rules = self.runner.rules();
        let there = rules.catalog().cron_workflows().map(|(name, _)| name.clone());
        there.chain(self.plans.keys().cloned()).collect()
    }
    fn due(&self) -> BTreeSet<NamespacedName> {
        let now = SystemClock.now();
        let is_due = |plan: &Plan| plan.wake().is_some_and(|wake| wake <= now);
        self.plans.iter().filter(|(_, plan)| is_due(plan)).map(|(name, _)| name.clone()).collect()
    }
    fn pause(&self) -> Duration {
        let wake = self.plans.values().filter_map(Plan::wake).min();
        let left = wake.map(|wake| wake.duration_since(SystemClock.now()));
        // not before it is due: a timer counts whole milliseconds
        let left = left.map(|left| Duration::try_from(left).unwrap_or_default() + Duration::from_millis(1));
        let least = if self.failed { AFTER_FAILURE } else { Duration::ZERO };
        left.unwrap_or(LONGEST_SLEEP).clamp(least, LONGEST_SLEEP)
    }

    async fn look_at(&mut self, name: &NamespacedName) -> Result<(), RunnerError> {
        let rules = self.runner.rules();
        let caller = Caller::for_schedule(&name.namespace, &name.name);
        let Some(written) = rules.catalog().cron_workflow(name) else {
            self.plans.remove(name);
            return self.remember(&caller, name, None).await;
        };
        let kept = self.runner.kept(name).await?;
        let mut cron = written.object.clone();
        cron.metadata.namespace.clone_from(&name.namespace);
        kept.clone().dress(&mut cron);
        let children = self.children_of(&caller, name).await?;
        let zone = local_zone();
        let decision = cron::decide(&cron, &children, SystemClock.now(), &zone, self.plans.get(name));
        self.plans.insert(name.clone(), decision.plan);
        let mut cron = decision.cron;
        for (due, why) in decision.skipped {
            tracing::info!(cron = %name, %due, ?why, "a due time passes without a start");
        }
        let of = |run: &str| NamespacedName::new(name.namespace.clone(), run);
        for run in &decision.terminate {
            if let Err(error) = self.runner.terminate(&caller, &of(run)).await {
                tracing::error!(cron = %name, run, %error, "a run was not replaced");
            }
        }
        for start in decision.start {
            cron = self.start(&caller, name, cron, start).await?;
        }
        for run in &decision.delete {
            if let Err(error) = self.runner.delete(&caller, &of(run)).await {
                tracing::warn!(cron = %name, run, %error, "a run over the limit of history was not deleted");
            }
        }
        let now = Kept::of(&cron);
        if now == kept { Ok(()) } else { self.remember(&caller, name, Some(now)).await }
    }

    /// Starts a run that is due, unless it has been started before.
    async fn start(
        &mut self,
        caller: &Caller,
        name: &NamespacedName,
        cron: CronWorkflow,
        start: Start,
    ) -> Result<CronWorkflow, RunnerError> {
        let run = NamespacedName::new(name.namespace.clone(), start.workflow.metadata.name.clone());
        if self.runner.store().run_facts(&run).await?.is_none() {
            let submission = Submission {
                workflow: start.workflow.clone(),
                via: Via::Cron,
                reason: None,
                ticket: None,
                dry_run: false,
            };
            if let Err(error) = self.runner.submit_owned(caller, submission).await {
                let message = format!("Failed to submit Workflow: {error}");
                tracing::warn!(cron = %name, due = %start.due, %error, "a due run was not started");
                return Ok(cron::refused(cron, &message));
            }
        }
        let Some(facts) = self.runner.store().run_facts(&run).await? else { return Ok(cron) };
        self.children.insert(facts.id, name.clone());
        Ok(cron::started(cron, &start, &facts.id.uuid().to_string()))
    }

    /// Returns the runs that a schedule has started and that are not deleted.
    async fn children_of(
        &mut self,
        caller: &Caller,
        name: &NamespacedName,
    ) -> Result<Vec<Child>, RunnerError> {
        let rules = self.runner.rules();
        let list = ListRuns { namespace: name.namespace.clone() };
        let permit = rules.check(caller, list, SystemClock.now());
        let permit = permit.map_err(|(_, refusal)| RunnerError::Refused(refusal))?;
        let mut children = Vec::new();
        for facts in self.runner.store().runs_facts(&permit).await? {
            if facts.via != Via::Cron || facts.submitter != caller.principal().key {
                continue;
            }
            let seen = self.runner.inner.look(facts.id).await?;
            let status = &seen.status;
            if !status.phase.is_completed() {
                self.children.insert(facts.id, name.clone());
            }
            children.push(Child {
                name: facts.name.name,
                uid: facts.id.uuid().to_string(),
                phase: status.phase,
                finished: status.finished_at,
            });
        }
        Ok(children)
    }

    /// Remembers how far a schedule has come, or forgets it.
    async fn remember(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        kept: Option<Kept>,
    ) -> Result<(), RunnerError> {
        let body = kept.as_ref().map(Kept::to_text);
        if body.is_none() && self.runner.kept(name).await? == Kept::default() {
            return Ok(());
        }
        let digest = body.as_deref().map(store::fact_digest).unwrap_or_default();
        let NamespacedName { namespace, name } = name.clone();
        let action = AdvanceCron { namespace, name: name.clone(), digest };
        let done = self.runner.act(caller, action, async |go| self.runner.store().keep_fact(go, body).await);
        done.await.map_err(|error| RunnerError::from_act(error, "cronworkflows.argoproj.io", name))
    }
}
