//! Ended runs whose time is over are deleted: by their own `ttlStrategy`, and by how many of them the server keeps. Each
//! is deleted in its own name, on record; the archive has it still.
//! Not here: when that is (`engine::retention`), the archive (`archive`).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use audit::Clock as _;
use engine::retention::{RetentionPolicy, expires_at};
use identity::{Caller, Principal};
use jiff::{SignedDuration, Timestamp};
use model::{
    RunId,
    argo::{WorkflowPhase, WorkflowStatus},
};
use policy::{ExpireRun, RunFacts};
use store::{StoreError, StoredRun};
use tokio::sync::Notify;

use crate::{ChangeKind, Runner, RunnerError, clock::SystemClock, runner::lock};

/// The longest the loop sleeps: clocks are set, and machines sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// After how long a run is tried again that could not be deleted.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// The ended runs that will be deleted some time.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    policy: RetentionPolicy,
    kept: Mutex<Kept>,
    /// Told when there is something new to wait for, and when the runner is shut down.
    told: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    runs: HashMap<RunId, Ended>,
    due: BTreeSet<(Timestamp, RunId)>,
    /// Those of which only so many are kept, oldest first.
    counted: HashMap<&'static str, BTreeSet<(Timestamp, RunId)>>,
}

/// An ended run.
#[derive(Debug, Clone)]
struct Ended {
    facts: RunFacts,
    submitter: Principal,
    created_at: Timestamp,
    phase: WorkflowPhase,
    due: Option<Timestamp>,
}

impl Kept {
    fn forget(&mut self, run: RunId) -> Option<Ended> {
        let ended = self.runs.remove(&run)?;
        if let Some(due) = ended.due {
            self.due.remove(&(due, run));
        }
        if let Some(counted) = self.counted.get_mut(ended.phase.as_str()) {
            counted.remove(&(ended.created_at, run));
        }
        Some(ended)
    }

    fn keep(&mut self, ended: Ended, limited: bool) {
        let id = ended.facts.id;
        self.forget(id);
        if let Some(due) = ended.due {
            self.due.insert((due, id));
        }
        if limited {
            self.counted.entry(ended.phase.as_str()).or_default().insert((ended.created_at, id));
        }
        self.runs.insert(id, ended);
    }
}

impl Retention {
    pub(crate) fn with(policy: RetentionPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Notes that a run has ended so.
    pub(crate) fn note(&self, stored: &StoredRun, status: &WorkflowStatus) {
        let due = expires_at(stored.workflow.spec.ttl_strategy.as_ref(), status.phase, status.finished_at);
        self.keep(Ended {
            facts: stored.facts.clone(),
            submitter: stored.submitter.clone(),
            created_at: stored.created_at,
            phase: status.phase,
            due,
        });
    }

    fn keep(&self, ended: Ended) {
        let limited = self.policy.limit(ended.phase).is_some();
        if limited || ended.due.is_some() {
            lock(&self.kept).keep(ended, limited);
            self.told.notify_one();
        }
    }

    /// Forgets a run that was deleted by somebody.
    pub(crate) fn forget(&self, run: RunId) {
        lock(&self.kept).forget(run);
    }

    pub(crate) fn close(&self) {
        self.told.notify_one();
    }

    /// Takes out the runs whose time is over, and the oldest of those that are too many.
    fn take_due(&self, now: Timestamp) -> Vec<Ended> {
        let mut kept = lock(&self.kept);
        let mut over: BTreeSet<RunId> =
            kept.due.iter().take_while(|(due, _)| *due <= now).map(|(_, run)| *run).collect();
        for phase in [WorkflowPhase::Succeeded, WorkflowPhase::Failed, WorkflowPhase::Error] {
            let (Some(limit), Some(counted)) = (self.policy.limit(phase), kept.counted.get(phase.as_str()))
            else {
                continue;
            };
            let still = counted.iter().filter(|(_, run)| !over.contains(run)).map(|(_, run)| *run);
            let still: Vec<RunId> = still.collect();
            over.extend(still.iter().take(still.len().saturating_sub(limit)));
        }
        over.into_iter().filter_map(|run| kept.forget(run)).collect()
    }

    fn pause(&self) -> Duration {
        let first = lock(&self.kept).due.first().map(|(due, _)| *due);
        let left = first.map(|due| Duration::try_from(due.duration_since(SystemClock.now())));
        // not before it is due: a timer counts whole milliseconds
        let left = left.map(|left| left.unwrap_or_default() + Duration::from_millis(1));
        left.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }
}

impl Runner {
    /// Deletes ended runs whose time is over until the runner is shut down. Call once, after [`Runner::take_up`].
    pub fn keep_retention(&self) -> tokio::task::JoinHandle<()> {
        let runner = self.clone();
        tokio::spawn(async move {
            if let Err(error) = runner.note_ended().await {
                tracing::error!(%error, "runs that ended before cannot be read; they are kept");
            }
            while !runner.inner.pods.is_closed() {
                let now = SystemClock.now();
                for ended in runner.inner.retention.take_due(now) {
                    runner.expire(ended, now).await;
                }
                tokio::select! {
                    () = tokio::time::sleep(runner.inner.retention.pause()) => {}
                    () = runner.inner.retention.told.notified() => {}
                }
            }
        })
    }

    /// Notes the runs that had ended before this start.
    async fn note_ended(&self) -> Result<(), RunnerError> {
        for stored in self.store().kept_ended_runs().await? {
            let limited = self.inner.retention.policy.limit(stored.phase).is_some();
            if stored.workflow.spec.ttl_strategy.is_some() || limited || stored.workflow.spec.pod_gc.is_some()
            {
                let seen = self.inner.look(stored.facts.id).await?;
                self.inner.collect_pods(&Arc::new(stored.clone()), &seen.status, None);
                self.inner.retention.note(&stored, &seen.status);
            }
        }
        Ok(())
    }

    async fn expire(&self, ended: Ended, now: Timestamp) {
        let run = ended.facts.clone();
        // a retry that is being decided comes first
        let _no_retry = self.inner.retrying.lock().await;
        if self.inner.inbox(run.id).is_some() {
            return; // it goes on; its next end counts
        }
        let caller = Caller::for_run(ended.submitter.clone(), run.id);
        let action = ExpireRun { run: run.clone() };
        let expired = self.act(&caller, action, async |go| {
            self.inner.collect_before_deletion(run.id).await?;
            Ok::<_, RunnerError>(self.store().expire_run(go).await?)
        });
        match expired.await {
            Ok(()) => self.inner.changed(&run, ChangeKind::Deleted, WorkflowPhase::Unknown),
            Err(audit::ActError::Failed(RunnerError::Store(StoreError::NotFound(_)))) => {}
            Err(error) => {
                tracing::error!(run = %run.id, %error, "a run whose time is over was not deleted");
                let due = now.checked_add(AGAIN).ok();
                self.inner.retention.keep(Ended { due, ..ended });
            }
        }
    }
}
