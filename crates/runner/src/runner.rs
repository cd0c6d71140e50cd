//! The runner itself: rules of the moment, the one door, runs under way. Not here: what the doors lead to
//! (`submit`, `operate`, `gates`, `view`, `logs`, `apply`).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use audit::{ActError, Audited, Clock as _, Door, Entry, Journal, JournalError};
use backend::ProcessBackend;
use identity::{Caller, RunTokenKey};
use model::{RunId, argo::WorkflowStatus, manifest::Manifest};
use policy::{Action, Rules};
use store::Store;
use tokio::sync::{Semaphore, broadcast, mpsc};

use crate::{
    ChangeKind, Metrics, RunChange, RunnerConfig, RunnerError, SealingKey, artifacts,
    clock::SystemClock,
    drive::Input,
    limits::SYNC_LIMIT,
    locks::Locks,
    retention::Retention,
    throttle::{self, Throttle, Waiting},
    view::replayed,
};

/// How many changes a slow subscriber may lag behind before it is told so.
const CHANGES_KEPT: usize = 4096;
/// How many ended runs' statuses are kept at hand.
const ENDED_KEPT: usize = 128;

/// The runner's own keys.
#[derive(Debug)]
pub struct Keys {
    /// Signs run tokens.
    pub token: RunTokenKey,
    /// Seals Secrets.
    pub sealing: SealingKey,
}

/// What drives runs; cheap to clone.
#[derive(Debug, Clone)]
pub struct Runner {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: RunnerConfig,
    pub(crate) store: Store,
    pub(crate) backend: ProcessBackend,
    pub(crate) drivers: driver::Drivers,
    pub(crate) token_key: RunTokenKey,
    pub(crate) sealing_key: SealingKey,
    pub(crate) rules: RwLock<Current>,
    /// Held while a plan is made and written, so that two applies don't race.
    pub(crate) applying: tokio::sync::Mutex<()>,
    pub(crate) active: Mutex<HashMap<RunId, mpsc::UnboundedSender<Input>>>,
    pub(crate) ended: Mutex<Vec<(RunId, Arc<WorkflowStatus>)>>,
    pub(crate) changes: broadcast::Sender<RunChange>,
    pub(crate) pods: Arc<Semaphore>,
    pub(crate) tasks: Semaphore,
    pub(crate) metrics: Metrics,
    pub(crate) locks: Locks,
    pub(crate) retention: Retention,
    pub(crate) throttle: Throttle,
    /// Held while an ended run is begun again, so that two retries don't race.
    pub(crate) retrying: tokio::sync::Mutex<()>,
    /// Told when schedules may have changed, and when the runner is shut down.
    pub(crate) schedules: tokio::sync::Notify,
}

/// The rules of this moment, and what they were compiled from.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) rules: Arc<Rules>,
    pub(crate) manifests: Arc<Vec<Manifest>>,
    pub(crate) revision: Option<model::ApplyId>,
}

/// Takes a lock whatever happened to the thread that held it before: the values behind these locks are replaced
/// whole, never left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runner {
    /// Returns a runner over this store and backend; compiles the rules of the stored catalog.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn new(
        config: RunnerConfig,
        store: Store,
        backend: ProcessBackend,
        keys: Keys,
    ) -> Result<Self, RunnerError> {
        let (catalog, manifests, revision) = store.catalog().await?;
        let rules = Rules::compile(Arc::new(catalog), &config.policy).map_err(RunnerError::Faults)?;
        let kept = store.facts(SYNC_LIMIT).await?;
        let limits = kept.into_iter().filter_map(|fact| {
            let limit = fact.body.parse().ok()?;
            Some(((fact.namespace, fact.name), limit))
        });
        let limits: Vec<((String, String), u32)> = limits.collect();
        let pods = Arc::new(Semaphore::new(config.parallel_pods.max(1)));
        let retention = Retention::with(config.retention);
        let throttle = Throttle::with(config.parallelism);
        let rules = RwLock::new(Current { rules: Arc::new(rules), manifests: Arc::new(manifests), revision });
        let drivers = artifacts::drivers(&config.artifacts, backend.folder());
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                store,
                backend,
                drivers,
                token_key: keys.token,
                sealing_key: keys.sealing,
                rules,
                applying: tokio::sync::Mutex::new(()),
                active: Mutex::default(),
                ended: Mutex::default(),
                changes: broadcast::channel(CHANGES_KEPT).0,
                pods,
                tasks: Semaphore::new(crate::tasks::TASKS_AT_ONCE),
                metrics: Metrics::default(),
                locks: Locks::with(limits),
                retention,
                throttle,
                retrying: tokio::sync::Mutex::new(()),
                schedules: tokio::sync::Notify::new(),
            }),
        })
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Returns how runs are driven.
    pub fn config(&self) -> &RunnerConfig {
        &self.inner.config
    }

    /// Returns the numbers that workflows measure.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Returns the key that signs run tokens, for its public half.
    pub fn token_key(&self) -> &RunTokenKey {
        &self.inner.token_key
    }

    /// Returns the rules of this moment.
    pub fn rules(&self) -> Arc<Rules> {
        self.inner.rules()
    }

    /// Subscribes to the changes of runs; each message names a run that changed. The subscriber asks [`Runner::view`]
    /// again for each, so rights are checked every time.
    pub fn changes(&self) -> broadcast::Receiver<RunChange> {
        self.inner.changes.subscribe()
    }

    /// Decides, records, does `effect`, records: the one door, with this runner's rules, journal and clock.
    ///
    /// # Errors
    /// [`ActError`].
    pub async fn act<A, T, E, F>(&self, caller: &Caller, action: A, effect: F) -> Result<T, ActError<E>>
    where
        A: Action,
        E: std::fmt::Display,
        F: AsyncFnOnce(&Audited<A>) -> Result<T, E>,
    {
        self.inner.act(caller, action, effect).await
    }

    /// Records that somebody could not be identified.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn record_unauthenticated(
        &self,
        code: &str,
        reason: &str,
        request: &str,
    ) -> Result<(), JournalError> {
        let entry = audit::Unauthenticated::new(SystemClock.now(), code, reason, request);
        self.inner.store.append(Entry::Unauthenticated(entry)).await.map(|_| ())
    }

    /// Takes up again every run that has not ended; returns how many. Call once, before serving.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn take_up(&self) -> Result<usize, RunnerError> {
        let mut taken = 0;
        let mut all = Vec::new();
        for stored in self.inner.store.unfinished_runs().await? {
            let (stored, events) = self.inner.store.replay(stored.facts.id).await?;
            let run = replayed(&stored, &events)?;
            self.inner.hold_again(&stored.facts, &run.held_locks());
            if throttle::waits(run.status()) {
                self.inner.throttle.wait(&Waiting::of(&stored));
            } else if !events.is_empty() {
                self.inner.throttle.runs(&stored.facts);
            }
            all.push((stored, events, run));
        }
        for (stored, events, run) in all {
            taken += 1;
            if events.is_empty() {
                // accepted, and killed before the first event was written
                self.inner.begin(stored, engine::EventKind::Started).await?;
                continue;
            }
            self.inner.collect_pods(&Arc::new(stored.clone()), run.status(), None);
            let next = u64::try_from(events.len()).unwrap_or(u64::MAX);
            self.inner.drive(stored.clone(), run, next);
            // approvals that were recorded and not acted on
            for gate in self.inner.open_gates(&stored).await? {
                self.inner.open_if_enough(&gate).await;
            }
        }
        self.inner.make_room(None);
        Ok(taken)
    }

    /// Stops driving: no new pods; those that run go on and are taken up by the next start. Writes the last checkpoint.
    pub async fn shut_down(&self) {
        self.inner.pods.close();
        self.inner.retention.close();
        self.inner.schedules.notify_one();
        let active = std::mem::take(&mut *lock(&self.inner.active));
        for inbox in active.into_values() {
            // wakes the loop, which sees that it is none of the active ones any more
            let _ = inbox.send(Input::Look(tokio::sync::oneshot::channel().0));
        }
        self.inner.store.close().await;
    }
}

impl Inner {
    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner).rules)
    }

    pub(crate) async fn act<A, T, E, F>(
        &self,
        caller: &Caller,
        action: A,
        effect: F,
    ) -> Result<T, ActError<E>>
    where
        A: Action,
        E: std::fmt::Display,
        F: AsyncFnOnce(&Audited<A>) -> Result<T, E>,
    {
        let rules = self.rules();
        let door = Door { rules: &rules, journal: &self.store, clock: &SystemClock };
        audit::act(&door, caller, action, effect).await
    }

    pub(crate) fn announce(&self, change: RunChange) {
        // nobody listening is no failure
        let _ = self.changes.send(change);
    }

    pub(crate) fn inbox(&self, run: RunId) -> Option<mpsc::UnboundedSender<Input>> {
        lock(&self.active).get(&run).cloned()
    }

    pub(crate) fn remember_ended(&self, run: RunId, status: Arc<WorkflowStatus>) {
        let mut ended = lock(&self.ended);
        ended.retain(|(id, _)| *id != run);
        if ended.len() >= ENDED_KEPT {
            ended.remove(0);
        }
        ended.push((run, status));
    }

    pub(crate) fn forget_ended(&self, run: RunId) {
        lock(&self.ended).retain(|(id, _)| *id != run);
    }

    pub(crate) fn changed(
        &self,
        facts: &policy::RunFacts,
        kind: ChangeKind,
        phase: model::argo::WorkflowPhase,
    ) {
        self.announce(RunChange { name: facts.name.clone(), id: facts.id, kind, phase });
    }
}
