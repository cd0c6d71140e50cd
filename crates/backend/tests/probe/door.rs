//! The door of a machine with one user: rules that allow the operating system's user, a journal in memory, a still clock.
//! Not here: a server; this is what the probe and the tests of this room pass through.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use audit::{ActError, Audited, Clock, Door, Entry, Journal, JournalError, act};
use backend::BackendError;
use identity::{Caller, Principal};
use jiff::Timestamp;
use model::{NamespacedName, RunId, catalog::Catalog, oam::Via};
use policy::{Action, Rules, RunFacts, ServerPolicy};

/// A journal that counts.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl Journal for Counting {
    async fn append(&self, _entry: Entry) -> Result<u64, JournalError> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed))
    }
    fn enqueue(&self, _entry: Entry) {}
}

/// A clock that stands still.
#[derive(Debug)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Rules, journal, clock and the caller they allow.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) rules: Rules,
    journal: Counting,
    pub(crate) caller: Caller,
}

impl House {
    /// Returns the house of the operating system's user.
    pub(crate) fn of_local_user() -> Option<Self> {
        let server = ServerPolicy { local: true, ..ServerPolicy::default() };
        let rules = Rules::compile(Arc::new(Catalog::default()), &server).ok()?;
        Some(Self { rules, journal: Counting::default(), caller: Caller::local_user("probe") })
    }
    /// Returns the facts of a run of this user.
    pub(crate) fn facts(&self, id: RunId) -> RunFacts {
        RunFacts {
            id,
            name: NamespacedName::new("default", "probe"),
            component: None,
            scopes: Vec::new(),
            submitter: self.caller.principal().key.clone(),
            via: Via::Manual,
        }
    }
    /// Acts in a run's name.
    ///
    /// # Errors
    /// [`ActError`].
    pub(crate) async fn act_for_run<A, T, F>(
        &self,
        run: RunId,
        action: A,
        effect: F,
    ) -> Result<T, ActError<BackendError>>
    where
        A: Action,
        F: AsyncFnOnce(&Audited<A>) -> Result<T, BackendError>,
    {
        let door = Door { rules: &self.rules, journal: &self.journal, clock: &Still };
        let submitter: Principal = self.caller.principal().clone();
        act(&door, &Caller::for_run(submitter, run), action, effect).await
    }
}
