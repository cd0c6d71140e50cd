//! Who holds which locks: the one table of this server, fed by the commands of runs, answered into their inboxes.
//! Not here: the order in which locks are given (`engine::sync`), limits as objects (`apply`, `limits`).
//! Invariant: locks that a run held before a restart are its own again before anybody else gets any.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use engine::{
    EventKind, LockName, LockRequest,
    sync::{LockTable, Standing, holder_key},
};
use model::{NamespacedName, RunId, argo::NodeId};
use policy::RunFacts;

use crate::{drive::Input, runner::Inner};

/// Who holds which locks, and who stands behind each holder's name.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    table: LockTable,
    holders: HashMap<String, (RunId, Option<NodeId>)>,
    /// The semaphores that were asked for, whose limits are looked at again when objects change.
    semaphores: Vec<LockName>,
    /// The limits that the database keeps.
    kept: HashMap<(String, String), u32>,
}

impl Locks {
    /// Returns the locks with the limits that the database keeps.
    pub(crate) fn with(kept: impl IntoIterator<Item = ((String, String), u32)>) -> Self {
        let state = State { kept: kept.into_iter().collect(), ..State::default() };
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Gives a run the locks back that it held before a restart.
    pub(crate) fn hold_again(&self, run: &RunFacts, held: &[std::sync::Arc<LockRequest>]) {
        let mut state = self.locks.state();
        for request in held {
            let key = key_of(run, request.holder.as_ref());
            state.holders.insert(key.clone(), (run.id, request.holder.clone()));
            state.table.hold(&key, request);
        }
    }

    /// Asks for locks in a run's name.
    pub(crate) fn take_locks(&self, run: &RunFacts, request: &LockRequest) {
        let key = key_of(run, request.holder.as_ref());
        let answers = {
            let mut state = self.locks.state();
            state.holders.insert(key.clone(), (run.id, request.holder.clone()));
            let mut answers = Vec::new();
            for lock in &request.locks {
                answers.extend(self.look_at_limit(&mut state, lock));
            }
            answers.extend(state.table.request(&key, request));
            self.addressed(&mut state, answers)
        };
        self.tell_all(answers);
    }

    /// Gives locks back in a run's name.
    pub(crate) fn give_locks_back(&self, run: &RunFacts, holder: Option<&NodeId>) {
        let key = key_of(run, holder);
        let answers = {
            let mut state = self.locks.state();
            state.holders.remove(&key);
            let answers = state.table.release(&key);
            self.addressed(&mut state, answers)
        };
        self.tell_all(answers);
    }

    /// Looks at everything again that depends on objects, after they have changed: schedules, the limits of semaphores.
    pub(crate) fn objects_changed(&self) {
        self.schedules.notify_one();
        self.look_at_limits();
        self.make_room(None);
    }

    /// Looks at the limits of all semaphores again.
    pub(crate) fn look_at_limits(&self) {
        let answers = {
            let mut state = self.locks.state();
            let known = state.semaphores.clone();
            let mut answers = Vec::new();
            for lock in &known {
                answers.extend(self.look_at_limit(&mut state, lock));
            }
            self.addressed(&mut state, answers)
        };
        self.tell_all(answers);
    }

    /// Notes the limit that the database keeps of a key, or that it keeps none any more.
    pub(crate) fn note_limit(&self, namespace: &str, key: &str, limit: Option<u64>) {
        {
            let mut state = self.locks.state();
            let name = (namespace.to_owned(), key.to_owned());
            match limit.and_then(|limit| u32::try_from(limit).ok()) {
                Some(limit) => drop(state.kept.insert(name, limit)),
                None => drop(state.kept.remove(&name)),
            }
        }
        self.look_at_limits();
    }

    fn look_at_limit(&self, state: &mut State, lock: &LockName) -> Vec<Standing> {
        let limit = match lock {
            LockName::Mutex { .. } => return Vec::new(),
            LockName::ConfigMap { namespace, name, key } => {
                let rules = self.rules();
                let config_map =
                    rules.catalog().config_map(&NamespacedName::new(namespace.clone(), name.clone()));
                config_map
                    .and_then(|config_map| config_map.data.get(key))
                    .and_then(|text| text.as_str().trim().parse().ok())
            }
            LockName::Database { namespace, key } => {
                state.kept.get(&(namespace.clone(), key.clone())).copied()
            }
        };
        if !state.semaphores.contains(lock) {
            state.semaphores.push(lock.clone());
        }
        state.table.set_limit(lock, limit.unwrap_or(0))
    }

    /// Returns each answer with the run it is for.
    fn addressed(&self, state: &mut State, answers: Vec<Standing>) -> Vec<(RunId, EventKind)> {
        let mut addressed = Vec::with_capacity(answers.len());
        for answer in answers {
            let key = match &answer {
                Standing::Held { holder }
                | Standing::Waits { holder, .. }
                | Standing::Refused { holder, .. } => holder,
            };
            let Some((run, holder)) = state.holders.get(key).cloned() else { continue };
            let kind = match answer {
                Standing::Held { .. } => EventKind::Locked { holder },
                Standing::Waits { lock, message, holders, .. } => {
                    EventKind::LockWaits { holder, lock, message, holders }
                }
                Standing::Refused { message, .. } => EventKind::LockRefused { holder, message },
            };
            addressed.push((run, kind));
        }
        addressed
    }

    fn tell_all(&self, answers: Vec<(RunId, EventKind)>) {
        for (run, kind) in answers {
            if let Some(inbox) = self.inbox(run) {
                // a closed inbox means that the run has ended or the runner is shutting down
                let _ = inbox.send(Input::Event(kind));
            }
        }
    }
}

fn key_of(run: &RunFacts, holder: Option<&NodeId>) -> String {
    holder_key(&run.name.namespace, &run.name.name, holder)
}
