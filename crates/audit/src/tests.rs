//! The door: what is recorded, in which order, and what is not done.

use std::{
    cell::RefCell,
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use model::catalog::Catalog;
use policy::{EditTemplate, ServerPolicy, ViewAudit};

use super::*;
use crate::record::RecordedDecision;

struct Ticks(AtomicI64);
impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_767_323_045 + self.0.fetch_add(1, Ordering::SeqCst)).unwrap()
    }
}

/// A journal in memory, that may refuse.
#[derive(Default)]
struct Memory {
    entries: Mutex<Vec<Entry>>,
    full: bool,
}
impl Journal for Memory {
    async fn append(&self, entry: Entry) -> Result<u64, JournalError> {
        if self.full {
            return Err(JournalError { reason: "full".to_owned() });
        }
        self.enqueue(entry);
        Ok(self.entries.lock().unwrap().len() as u64 - 1)
    }
    fn enqueue(&self, entry: Entry) {
        self.entries.lock().unwrap().push(entry);
    }
}

fn rules() -> Rules {
    let server = ServerPolicy { administrators: Vec::new(), auditors: Vec::new(), local: true };
    Rules::compile(Arc::new(Catalog::default()), &server).unwrap()
}

fn edit() -> EditTemplate {
    EditTemplate { namespace: "default".to_owned(), name: "hello".to_owned(), digest: "ab".to_owned() }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// What the journal holds when the act is done, in words.
fn words(journal: &Memory) -> Vec<String> {
    let entries = journal.entries.lock().unwrap();
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Attempt(attempt) => match attempt.decision {
                RecordedDecision::Allow => format!("allowed {}", attempt.action),
                RecordedDecision::Deny => format!("denied {}", attempt.action),
            },
            Entry::Outcome(outcome) => {
                format!("outcome of {}: {}", outcome.attempt, outcome.error.as_deref().unwrap_or("well"))
            }
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn the_attempt_is_on_record_before_the_effect_and_the_outcome_after() {
    let (rules, journal, clock) = (rules(), Memory::default(), Ticks(AtomicI64::new(0)));
    let door = Door { rules: &rules, journal: &journal, clock: &clock };
    let seen = RefCell::new(Vec::new());
    let done = now(act(&door, &Caller::local_user("me"), edit(), async |go| {
        seen.replace(words(&journal));
        assert_eq!((go.entry(), go.action()), (0, &edit()));
        Ok::<_, String>(7)
    }));
    assert_eq!(done.unwrap(), 7);
    assert_eq!(seen.into_inner(), ["allowed editTemplate"]);
    assert_eq!(words(&journal), ["allowed editTemplate", "outcome of 0: well"]);
}

#[test]
fn the_details_of_the_act_are_recorded() {
    let (rules, journal, clock) = (rules(), Memory::default(), Ticks(AtomicI64::new(0)));
    let door = Door { rules: &rules, journal: &journal, clock: &clock };
    now(act(&door, &Caller::local_user("me"), edit(), async |_| Ok::<_, String>(()))).unwrap();
    let entries = journal.entries.lock().unwrap();
    let Some(Entry::Attempt(attempt)) = entries.first() else { panic!("{entries:?}") };
    assert_eq!(attempt.details, serde_json::json!({ "name": "hello", "digest": "ab" }));
    assert_eq!((attempt.principal.iss.as_str(), attempt.principal.sub.as_str()), ("os", "me"));
}

#[test]
fn a_failure_is_an_outcome() {
    let (rules, journal, clock) = (rules(), Memory::default(), Ticks(AtomicI64::new(0)));
    let door = Door { rules: &rules, journal: &journal, clock: &clock };
    let failed =
        now(act(&door, &Caller::local_user("me"), edit(), async |_| Err::<(), _>("no room".to_owned())));
    assert!(matches!(failed, Err(ActError::Failed(error)) if error == "no room"));
    assert_eq!(words(&journal), ["allowed editTemplate", "outcome of 0: no room"]);
}

#[test]
fn a_refusal_is_recorded_and_nothing_is_done() {
    let (rules, journal, clock) = (rules(), Memory::default(), Ticks(AtomicI64::new(0)));
    let door = Door { rules: &rules, journal: &journal, clock: &clock };
    let refused = now(act(&door, &Caller::local_user("me"), ViewAudit {}, async |_| -> Result<(), String> {
        panic!("it was done")
    }));
    assert!(matches!(refused, Err(ActError::Refused(_))));
    assert_eq!(words(&journal), ["denied viewAudit"]);
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let (rules, clock) = (rules(), Ticks(AtomicI64::new(0)));
    let journal = Memory { full: true, ..Memory::default() };
    let door = Door { rules: &rules, journal: &journal, clock: &clock };
    let caller = Caller::local_user("me");
    let allowed = now(act(&door, &caller, edit(), async |_| -> Result<(), String> { panic!("it was done") }));
    assert!(matches!(allowed, Err(ActError::Unrecorded(_))));
    let denied =
        now(act(&door, &caller, ViewAudit {}, async |_| -> Result<(), String> { panic!("it was done") }));
    assert!(matches!(denied, Err(ActError::Unrecorded(_))), "a refusal that cannot be recorded says so too");
}

#[test]
fn an_act_whose_asker_goes_away_has_an_outcome_too() {
    let (rules, journal, clock) = (rules(), Memory::default(), Ticks(AtomicI64::new(0)));
    let door = Door { rules: &rules, journal: &journal, clock: &clock };
    let caller = Caller::local_user("me");
    {
        let mut acting = pin!(act(&door, &caller, edit(), async |_| {
            std::future::pending::<()>().await;
            Ok::<_, String>(())
        }));
        assert!(acting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(words(&journal), ["allowed editTemplate"]);
    }
    assert_eq!(words(&journal)[1], "outcome of 0: abandoned: whoever asked went away before it ended");
}
