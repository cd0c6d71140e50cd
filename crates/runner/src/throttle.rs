//! How many runs are under way at once: those that are too many wait, by priority and then by age.
//! Not here: pods that wait for a place (`pods`), locks (`locks`).
//! Source: Argo `workflow/sync/multi_throttler.go`. The label that Argo reads of a Namespace is its root scope's here; whoever
//! owns that does not own the server, so it narrows the server's limit and never widens it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use engine::EventKind;
use jiff::Timestamp;
use model::{
    RunId,
    argo::{WorkflowPhase, WorkflowStatus},
    catalog::Catalog,
};
use policy::RunFacts;
use store::StoredRun;

use crate::{Parallelism, drive::Input, runner::Inner, runner::lock};

/// What Argo says to a workflow that waits (`operator.go`).
const TOO_MANY: &str =
    "Workflow processing has been postponed because too many workflows are already running";

/// Whether a run waits until there are fewer.
pub(crate) fn waits(status: &WorkflowStatus) -> bool {
    status.phase == WorkflowPhase::Pending && status.message == TOO_MANY
}

/// Returns what happens to a run that has to wait.
pub(crate) fn postponed() -> EventKind {
    EventKind::Postponed { message: TOO_MANY.to_owned() }
}

/// How many may be under way.
struct Limits<'a> {
    of_server: Parallelism,
    /// A namespace's own; none when zero.
    of_namespace: &'a dyn Fn(&str) -> usize,
}

/// The runs under way, and those that wait.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    limits: Parallelism,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The namespaces of the runs under way.
    running: HashMap<RunId, String>,
    in_namespace: HashMap<String, usize>,
    /// Those that wait, the next one first, with their namespaces.
    pending: BTreeMap<Rank, String>,
}

/// The higher the priority, the earlier; among equals the older comes first.
type Rank = (Reverse<i64>, Timestamp, RunId);

/// A run that is to begin.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    rank: Rank,
    namespace: String,
}

impl Waiting {
    /// Returns what of a run says when it begins.
    pub(crate) fn of(stored: &StoredRun) -> Self {
        let priority = stored.workflow.spec.priority.unwrap_or_default();
        let rank = (Reverse(priority), stored.created_at, stored.facts.id);
        Self { rank, namespace: stored.facts.name.namespace.clone() }
    }
}

impl State {
    fn has_room(&self, limits: &Limits<'_>, namespace: &str) -> bool {
        let here = self.in_namespace.get(namespace).copied().unwrap_or_default();
        let below = |limit: usize, count: usize| limit == 0 || count < limit;
        below(limits.of_server.all, self.running.len())
            && below(limits.of_server.in_namespace, here)
            && below((limits.of_namespace)(namespace), here)
    }
    fn run(&mut self, run: RunId, namespace: &str) {
        if self.running.insert(run, namespace.to_owned()).is_none() {
            let count = self.in_namespace.entry(namespace.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }
    fn end(&mut self, run: RunId) {
        self.pending.retain(|(.., waiting), _| *waiting != run);
        let Some(namespace) = self.running.remove(&run) else { return };
        if let Some(count) = self.in_namespace.get_mut(&namespace) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.in_namespace.remove(&namespace);
            }
        }
    }
    /// Takes out the runs that may begin now.
    fn admit(&mut self, limits: &Limits<'_>) -> Vec<RunId> {
        let mut admitted = Vec::new();
        while let Some((rank, namespace)) = self.next(limits) {
            self.pending.remove(&rank);
            self.run(rank.2, &namespace);
            admitted.push(rank.2);
        }
        admitted
    }
    fn next(&self, limits: &Limits<'_>) -> Option<(Rank, String)> {
        let next = self.pending.iter().find(|(_, namespace)| self.has_room(limits, namespace))?;
        Some((*next.0, next.1.clone()))
    }
}

impl Throttle {
    pub(crate) fn with(limits: Parallelism) -> Self {
        Self { limits, state: Mutex::default() }
    }
    /// Counts a run that begins, or lets it wait; returns whether it begins. `of_namespace` is a namespace's own limit.
    fn admit(&self, run: &Waiting, of_namespace: &dyn Fn(&str) -> usize) -> bool {
        let mut state = lock(&self.state);
        let begins = state.has_room(&Limits { of_server: self.limits, of_namespace }, &run.namespace);
        if begins {
            state.run(run.rank.2, &run.namespace);
        } else {
            state.pending.insert(run.rank, run.namespace.clone());
        }
        begins
    }
    /// Lets a run wait that waited before the server was started.
    pub(crate) fn wait(&self, run: &Waiting) {
        lock(&self.state).pending.insert(run.rank, run.namespace.clone());
    }
    /// Counts a run that is under way, whatever the limits say.
    pub(crate) fn runs(&self, run: &RunFacts) {
        lock(&self.state).run(run.id, &run.name.namespace);
    }
    fn end(&self, run: Option<RunId>, of_namespace: &dyn Fn(&str) -> usize) -> Vec<RunId> {
        let mut state = lock(&self.state);
        if let Some(run) = run {
            state.end(run);
        }
        state.admit(&Limits { of_server: self.limits, of_namespace })
    }
}

impl Inner {
    /// Counts a run that begins, or lets it wait; returns whether it begins.
    pub(crate) fn has_room_for(&self, run: &Waiting) -> bool {
        let rules = self.rules();
        self.throttle.admit(run, &|namespace| limit_of(rules.catalog(), namespace))
    }

    /// Forgets a run that is no longer under way, and lets begin who waited for it.
    pub(crate) fn make_room(&self, ended: Option<RunId>) {
        let rules = self.rules();
        for run in self.throttle.end(ended, &|namespace| limit_of(rules.catalog(), namespace)) {
            if let Some(inbox) = self.inbox(run) {
                // a closed inbox means that the runner is shutting down; the next start lets it begin
                let _ = inbox.send(Input::Event(EventKind::Started));
            }
        }
    }
}

fn limit_of(catalog: &Catalog, namespace: &str) -> usize {
    let root = catalog.namespace_root(namespace).and_then(|root| catalog.scope(root));
    root.and_then(|root| root.object.parallelism_limit()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> RunId {
        format!("run_00000000-0000-7000-8000-{number:012}").parse().unwrap()
    }

    fn waiting(number: u64, namespace: &str, priority: i64) -> Waiting {
        let created = Timestamp::from_second(i64::try_from(number).unwrap()).unwrap();
        Waiting { rank: (Reverse(priority), created, id(number)), namespace: namespace.to_owned() }
    }

    const NONE: &dyn Fn(&str) -> usize = &|_| 0;

    #[test]
    fn a_namespaces_own_limit_narrows_the_servers() {
        let throttle = Throttle::with(Parallelism { all: 0, in_namespace: 2 });
        let own = |namespace: &str| if namespace == "a" { 1 } else { 9 };
        assert!(throttle.admit(&waiting(1, "a", 0), &own));
        assert!(!throttle.admit(&waiting(2, "a", 0), &own));
        assert!(throttle.admit(&waiting(3, "b", 0), &own));
        assert!(throttle.admit(&waiting(4, "b", 0), &own));
        assert!(!throttle.admit(&waiting(5, "b", 0), &own));
        assert_eq!(throttle.end(None, &own), []);
        assert_eq!(throttle.end(None, NONE), [id(2)], "the label was taken away");
    }

    #[test]
    fn those_that_wait_begin_by_priority_then_by_age() {
        let throttle = Throttle::with(Parallelism { all: 1, in_namespace: 0 });
        assert!(throttle.admit(&waiting(9, "a", 0), NONE));
        for (number, priority) in [(3, 0), (2, 0), (4, 5), (5, -1)] {
            assert!(!throttle.admit(&waiting(number, "a", priority), NONE));
        }
        let mut order = Vec::new();
        let mut ended = vec![id(9)];
        while let Some(run) = ended.pop() {
            ended = throttle.end(Some(run), NONE);
            order.extend(ended.iter().copied());
        }
        assert_eq!(order, [4, 2, 3, 5].map(id));
    }

    #[test]
    fn a_full_namespace_does_not_hold_up_another() {
        let throttle = Throttle::with(Parallelism { all: 3, in_namespace: 1 });
        assert!(throttle.admit(&waiting(1, "a", 0), NONE));
        assert!(!throttle.admit(&waiting(2, "a", 9), NONE));
        assert!(throttle.admit(&waiting(3, "b", 0), NONE));
        assert!(throttle.admit(&waiting(4, "c", 0), NONE));
        assert!(!throttle.admit(&waiting(5, "d", 0), NONE));
        assert_eq!(throttle.end(Some(id(3)), NONE), [id(5)]);
        assert_eq!(throttle.end(Some(id(2)), NONE), [], "one that waited and was given up");
        assert_eq!(throttle.end(Some(id(1)), NONE), []);
        assert!(throttle.admit(&waiting(6, "a", 0), NONE));
    }

    #[test]
    fn zero_is_no_limit() {
        let throttle = Throttle::default();
        assert!((1..100).all(|number| throttle.admit(&waiting(number, "a", 0), NONE)));
    }
}
