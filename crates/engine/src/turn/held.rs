//! What holds a start up once its template is ready: its locks, then the question for a memoized entry. Its node
//! exists meanwhile, phase Pending. Source: Argo `operator.go` executeTemplate, markNodeWaitingForLock;
//! `workflow/sync/sync_manager.go`.
//! Not here: who gets a lock first (see [`crate::sync`]), what is remembered (see `memoize`).

use std::{collections::BTreeMap, sync::Arc};

use expr::{Unresolved, substitute_json};
use jiff::Timestamp;
use model::argo::{NodeId, NodePhase, NodeSynchronizationStatus, NodeType, Synchronization, WorkflowPhase};
use serde_json::{Map, Value, json};

use super::{Turn, inputs::Ready};
use crate::{
    Command, LockName, LockRequest, Question,
    live::{Body, Locks, Stage, Start, Waits},
    sync::holder_key,
};

/// Returns the locks of `synchronization`, each once, in the order they are written in, semaphores first.
///
/// # Errors
/// Which is written so that it cannot be one.
fn locks_of(synchronization: &Synchronization, namespace: &str) -> Result<Vec<LockName>, String> {
    let namespace = |own: &str| if own.is_empty() { namespace } else { own }.to_owned();
    let mut locks = Vec::new();
    for semaphore in synchronization.all_semaphores() {
        let namespace = namespace(&semaphore.namespace);
        locks.push(match (&semaphore.config_map_key_ref, &semaphore.database) {
            (Some(from), None) => {
                LockName::ConfigMap { namespace, name: from.name.clone(), key: from.key.clone() }
            }
            (None, Some(from)) => LockName::Database { namespace, key: from.key.clone() },
            _ => {
                let reason =
                    "requested configuration is invalid: a semaphore is of a ConfigMap or a database";
                return Err(reason.to_owned());
            }
        });
    }
    for mutex in synchronization.all_mutexes() {
        let (namespace, name) = (namespace(&mutex.namespace), mutex.name.clone());
        locks.push(LockName::Mutex { namespace, name, database: mutex.database });
    }
    let mut seen = std::collections::HashSet::new();
    locks.retain(|lock| seen.insert(lock.clone()));
    Ok(locks)
}

impl Turn {
    /// Returns the start if nothing holds it up; else it goes on later.
    pub(super) fn unless_held_up(
        &mut self,
        mut start: Start,
        ready: &Ready,
        kind: NodeType,
    ) -> Option<Start> {
        // The locks of an attempt are those of its retry node.
        if start.attempt.is_some() {
            return Some(start);
        }
        if let (false, Some(synchronization)) = (start.been.locked, &ready.template.synchronization) {
            match locks_of(synchronization, &self.run.workflow.metadata.namespace) {
                Err(reason) => {
                    self.cannot_start(start, reason);
                    return None;
                }
                Ok(locks) if locks.is_empty() => start.been.locked = true,
                Ok(locks) => {
                    let at = self.wait(start, ready, kind, None);
                    self.ask_for_locks(Some(at), locks);
                    return None;
                }
            }
        }
        if start.been.asked || ready.template.memoize.is_none() {
            Some(start)
        } else {
            self.ask_for_memo(start, ready, kind)
        }
    }

    /// Makes the node of a start that waits, and returns its place.
    pub(super) fn wait(
        &mut self,
        mut start: Start,
        ready: &Ready,
        kind: NodeType,
        question: Option<Question>,
    ) -> usize {
        let at = match start.been.node {
            Some(at) => at,
            None => {
                let at = self.make(self.new_node(&start, kind, NodePhase::Pending), Body::Ended);
                if let Some(node) = self.node_mut(at) {
                    node.inputs = ready.inputs();
                }
                self.limit_time(at, &ready.template, true);
                at
            }
        };
        start.been.node = Some(at);
        let max_age = None;
        if let Some(slot) = self.run.live.slots.get_mut(at) {
            slot.body = Body::Waits(Box::new(Waits { start, question, max_age }));
        }
        self.run.live.active.insert(at);
        at
    }

    /// Takes the start of the node at `at` out of its wait; the node then waits for its turn.
    pub(super) fn wait_over(&mut self, at: usize) -> Option<Waits> {
        let slot = self.run.live.slots.get_mut(at)?;
        if !matches!(slot.body, Body::Waits(_)) {
            return None;
        }
        match std::mem::replace(&mut slot.body, Body::Queued) {
            Body::Waits(waits) => Some(*waits),
            _ => None,
        }
    }

    fn ask_for_locks(&mut self, holder: Option<usize>, locks: Vec<LockName>) {
        let created = self.run.workflow.metadata.creation_timestamp.as_deref();
        let since: Option<Timestamp> = created.and_then(|text| text.parse().ok());
        let request = Arc::new(LockRequest {
            holder: holder.and_then(|at| self.node(at)).map(|node| node.id.clone()),
            locks,
            priority: self.run.workflow.spec.priority.unwrap_or(0),
            since: since.or(self.run.status.started_at).unwrap_or(self.now),
        });
        self.commands.push(Command::Lock(Arc::clone(&request)));
        self.run.live.locks.insert(holder, Locks { request, held: false, waits_for: None });
    }

    fn holder(&self, holder: Option<&NodeId>) -> Option<usize> {
        holder.and_then(|id| self.at(id))
    }

    /// The holder has its locks.
    pub(super) fn locked(&mut self, id: Option<&NodeId>) {
        let holder = self.holder(id);
        let Some(locks) = self.run.live.locks.get_mut(&holder) else { return };
        locks.held = true;
        let waited_for = locks.waits_for.take();
        let names = locks.request.locks.clone();
        self.note_waiting(waited_for.as_deref(), None);
        self.note_holding(&names, &self.holder_key(id), true);
        let Some(at) = holder else { return self.begin_main() };
        let Some(waits) = self.wait_over(at) else { return };
        let mut start = waits.start;
        start.been.locked = true;
        if let Some(node) = self.node_mut(at) {
            node.message = String::new();
            node.synchronization_status = None;
        }
        self.then_start(start);
    }

    fn holder_key(&self, id: Option<&NodeId>) -> String {
        let metadata = &self.run.workflow.metadata;
        holder_key(&metadata.namespace, &metadata.name, id)
    }

    /// The holder waits for its locks.
    pub(super) fn lock_waits(&mut self, id: Option<&NodeId>, lock: &str, message: &str, holders: &[String]) {
        let holder = self.holder(id);
        let Some(locks) = self.run.live.locks.get_mut(&holder) else { return };
        let before = locks.waits_for.replace(lock.to_owned());
        self.note_waiting(before.as_deref(), Some((lock, holders)));
        match holder.and_then(|at| self.node_mut(at)) {
            Some(node) => {
                message.clone_into(&mut node.message);
                let waiting = lock.to_owned();
                node.synchronization_status = Some(Box::new(NodeSynchronizationStatus { waiting }));
            }
            None => message.clone_into(&mut self.run.status.message),
        }
    }

    /// The holder can never have its locks.
    pub(super) fn lock_refused(&mut self, id: Option<&NodeId>, message: &str) {
        let holder = self.holder(id);
        let Some(at) = holder else {
            let message = format!("Failed to acquire the synchronization lock. {message}");
            return self.finish(WorkflowPhase::Failed, message);
        };
        if let Some(waits) = self.wait_over(at) {
            self.cannot_start(waits.start, message.to_owned());
        }
    }

    /// Asks for the run's own locks; returns whether there are any.
    ///
    /// # Errors
    /// Which of them cannot be one.
    pub(super) fn run_must_wait(&mut self) -> Result<bool, String> {
        let Some(synchronization) = self.run.workflow.spec.synchronization.clone() else { return Ok(false) };
        let mut json = serde_json::to_value(&synchronization).unwrap_or_default();
        let synchronization = if json.to_string().contains("{{") {
            let variables = super::variables::of_workflow(&self.run, self.now)?;
            substitute_json(&mut json, &mut |name| variables.get(name).cloned().into(), Unresolved::Keep)
                .map_err(|error| error.to_string())?;
            serde_json::from_value(json).map_err(|error| error.to_string())?
        } else {
            synchronization
        };
        let locks = locks_of(&synchronization, &self.run.workflow.metadata.namespace)?;
        if locks.is_empty() {
            return Ok(false);
        }
        self.run.live.stage = Stage::Locks;
        self.run.status.phase = WorkflowPhase::Pending;
        self.ask_for_locks(None, locks);
        Ok(true)
    }

    /// Gives the locks of a node back, or its place in the queue.
    pub(super) fn unlock(&mut self, holder: Option<usize>) {
        let Some(locks) = self.run.live.locks.remove(&holder) else { return };
        let id = locks.request.holder.clone();
        if locks.held {
            self.note_holding(&locks.request.locks, &self.holder_key(id.as_ref()), false);
        }
        self.note_waiting(locks.waits_for.as_deref(), None);
        self.commands.push(Command::Unlock { holder: id });
    }

    /// Gives everything back that the run holds or waits for.
    pub(super) fn unlock_all(&mut self) {
        for (_, locks) in std::mem::take(&mut self.run.live.locks) {
            self.commands.push(Command::Unlock { holder: locks.request.holder.clone() });
        }
        self.run.status.rest.shift_remove("synchronization");
    }

    /// Shows in `status.synchronization` who holds `locks`. Source: Argo `workflow_types.go` LockAcquired.
    fn note_holding(&mut self, locks: &[LockName], key: &str, held: bool) {
        let mut shown = Shown::of(self.run.status.rest.shift_remove("synchronization"));
        for lock in locks {
            let name = lock.to_string();
            if lock.is_mutex() {
                let holding = &mut shown.mutex.0;
                holding.shift_remove(&name);
                if held {
                    holding.insert(name, json!(key));
                }
            } else {
                let holders = shown.semaphore.0.entry(name.clone()).or_insert_with(|| json!([]));
                if let Some(list) = holders.as_array_mut() {
                    list.retain(|holder| holder != key);
                    if held {
                        list.push(json!(key));
                    } else if list.is_empty() {
                        shown.semaphore.0.shift_remove(&name);
                    }
                }
            }
        }
        self.show(shown);
    }

    /// Shows in `status.synchronization` which locks are waited for; `no_longer` only if nobody else waits for it.
    fn note_waiting(&mut self, no_longer: Option<&str>, now: Option<(&str, &[String])>) {
        if no_longer.is_none() && now.is_none() {
            return;
        }
        let still =
            |name: &str| self.run.live.locks.values().any(|locks| locks.waits_for.as_deref() == Some(name));
        let gone = no_longer.filter(|name| !still(name));
        let mut shown = Shown::of(self.run.status.rest.shift_remove("synchronization"));
        if let Some(name) = gone {
            shown.mutex.1.shift_remove(name);
            shown.semaphore.1.shift_remove(name);
        }
        if let Some((name, holders)) = now {
            let is_mutex = self.run.live.locks.values().any(|locks| {
                locks.request.locks.iter().any(|lock| lock.is_mutex() && lock.to_string() == name)
            });
            if is_mutex {
                shown.mutex.1.insert(name.to_owned(), json!(holders.first().cloned().unwrap_or_default()));
            } else {
                shown.semaphore.1.insert(name.to_owned(), json!(holders));
            }
        }
        self.show(shown);
    }

    fn show(&mut self, shown: Shown) {
        let value = shown.value();
        if value.as_object().is_some_and(|fields| !fields.is_empty()) {
            self.run.status.rest.insert("synchronization".to_owned(), value);
        }
    }
}

/// `status.synchronization`, by lock: who holds it, who has what is waited for.
#[derive(Default)]
struct Shown {
    mutex: (Map<String, Value>, Map<String, Value>),
    semaphore: (Map<String, Value>, Map<String, Value>),
}

impl Shown {
    fn of(value: Option<Value>) -> Self {
        let list = |kind: &str, side: &str, name: &str, who: &str| -> Map<String, Value> {
            let list = value.as_ref().and_then(|value| value.get(kind)?.get(side)?.as_array());
            let entry = |one: &Value| {
                Some((one.get(name)?.as_str()?.to_owned(), one.get(who).cloned().unwrap_or_default()))
            };
            list.into_iter().flatten().filter_map(entry).collect()
        };
        Self {
            mutex: (list("mutex", "holding", "mutex", "holder"), list("mutex", "waiting", "mutex", "holder")),
            semaphore: (
                list("semaphore", "holding", "semaphore", "holders"),
                list("semaphore", "waiting", "semaphore", "holders"),
            ),
        }
    }

    fn value(self) -> Value {
        let side = |entries: Map<String, Value>, name: &str, who: &str| -> Vec<Value> {
            let entry = |(lock, by): (String, Value)| {
                let fields = BTreeMap::from([(name, json!(lock)), (who, by)]);
                json!(fields)
            };
            entries.into_iter().map(entry).collect()
        };
        let mut all = Map::new();
        for (kind, who, (holding, waiting)) in
            [("mutex", "holder", self.mutex), ("semaphore", "holders", self.semaphore)]
        {
            let mut fields = Map::new();
            for (name, entries) in
                [("holding", side(holding, kind, who)), ("waiting", side(waiting, kind, who))]
            {
                if !entries.is_empty() {
                    fields.insert(name.to_owned(), Value::Array(entries));
                }
            }
            if !fields.is_empty() {
                all.insert(kind.to_owned(), Value::Object(fields));
            }
        }
        Value::Object(all)
    }
}
