//! What happened: the one door every effect goes through, the record of it, and the Merkle log that proves it.
//! Not here: where the log is kept (`store` implements [`Journal`]), who may (`policy`), clocks (`runner` implements [`Clock`]).
//! Invariant: an [`Audited`] exists only if the attempt is durable; a refusal is recorded too; if the attempt cannot
//! be recorded, nothing happens; if the outcome cannot, nothing is undone and it is alarmed.

use std::future::Future;

use identity::Caller;
use jiff::Timestamp;
use policy::{Action, Permit, Refusal, Rules};

pub mod checkpoint;
mod error;
pub mod merkle;
pub mod record;
pub mod verify;

pub use checkpoint::{Checkpoint, LogKey, LogPublicKey};
pub use error::{AuditError, JournalError};
pub use record::{Attempt, Entry, Outcome, Stored, Unauthenticated};
pub use verify::{Report, VerifyFault, verify};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the time now.
    fn now(&self) -> Timestamp;
}

/// Keeps the log.
pub trait Journal: Send + Sync {
    /// Appends an entry; when it returns, the entry is durable. Returns the entry's number, counted from 0.
    fn append(&self, entry: Entry) -> impl Future<Output = Result<u64, JournalError>> + Send;
    /// Appends an entry after everything appended so far and before everything appended later, without waiting for
    /// it to be durable. If it can't be written the journal raises an alarm by itself.
    fn enqueue(&self, entry: Entry);
}

/// The proof that `A` was allowed and its attempt is on record. Not `Clone`, not `Serialize`; lent by [`act`] only.
#[derive(Debug)]
pub struct Audited<A> {
    permit: Permit<A>,
    entry: u64,
}

impl<A> Audited<A> {
    /// Returns the act.
    pub const fn action(&self) -> &A {
        self.permit.action()
    }
    /// Returns the proof that it was allowed.
    pub const fn permit(&self) -> &Permit<A> {
        &self.permit
    }
    /// Returns the number of the attempt's entry in the log.
    pub const fn entry(&self) -> u64 {
        self.entry
    }
}

/// Why an act did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ActError<E> {
    /// It is not allowed.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The attempt could not be recorded, so nothing was done.
    #[error("nothing was done, because it could not be recorded")]
    Unrecorded(#[source] JournalError),
    /// It was allowed and recorded, and failed.
    #[error(transparent)]
    Failed(E),
}

/// What the door needs: the rules, the journal, the clock.
#[derive(Debug)]
pub struct Door<'a, J, C> {
    /// The rules of this moment.
    pub rules: &'a Rules,
    /// The log.
    pub journal: &'a J,
    /// The clock.
    pub clock: &'a C,
}

/// Decides, records the attempt, does it, records the outcome. The only way to an [`Audited`].
///
/// # Errors
/// [`ActError`]: refused, not recordable, or what `effect` returned.
pub async fn act<A, T, E, J, C, F>(
    door: &Door<'_, J, C>,
    caller: &Caller,
    action: A,
    effect: F,
) -> Result<T, ActError<E>>
where
    A: Action,
    E: std::fmt::Display,
    J: Journal,
    C: Clock,
    F: AsyncFnOnce(&Audited<A>) -> Result<T, E>,
{
    let at = door.clock.now();
    let details = action.details();
    let permit = match door.rules.check(caller, action, at) {
        Ok(permit) => permit,
        Err((_, refusal)) => {
            let entry = Entry::from(Attempt::new(caller, &refusal.decision, details, at));
            door.journal.append(entry).await.map_err(ActError::Unrecorded)?;
            return Err(ActError::Refused(refusal));
        }
    };
    let entry = Entry::from(Attempt::new(caller, permit.decision(), details, at));
    let entry = door.journal.append(entry).await.map_err(ActError::Unrecorded)?;
    let audited = Audited { permit, entry };
    let mut unfinished = Unfinished { journal: door.journal, clock: door.clock, attempt: Some(entry) };
    let result = effect(&audited).await;
    unfinished.attempt = None;
    let outcome = Outcome::new(entry, door.clock.now(), result.as_ref().err().map(ToString::to_string));
    door.journal.enqueue(Entry::Outcome(outcome));
    result.map_err(ActError::Failed)
}

/// An attempt whose outcome is not yet known. Dropped like that (the one who waited went away), it says so in the log.
struct Unfinished<'a, J: Journal, C: Clock> {
    journal: &'a J,
    clock: &'a C,
    attempt: Option<u64>,
}

impl<J: Journal, C: Clock> Drop for Unfinished<'_, J, C> {
    fn drop(&mut self) {
        if let Some(attempt) = self.attempt {
            let error = "abandoned: whoever asked went away before it ended".to_owned();
            self.journal.enqueue(Entry::Outcome(Outcome::new(attempt, self.clock.now(), Some(error))));
        }
    }
}

#[cfg(test)]
mod tests;
