//! Whether the log is whole: takes the entries in order, the checkpoints and the public key; gives a report or the faults,
//! each naming its record.
//! Not here: reading a database (`store`), whether the rest of the store agrees with the log (`store::verify_folder`).
//! Invariant: memory is two bits an entry, whatever the entries hold.

use jiff::Timestamp;
use model::Code;

use crate::{
    checkpoint::{Checkpoint, LogPublicKey},
    merkle::{Frontier, Hash, leaf_hash},
    record::{Entry, RecordedDecision},
};

/// The most faults that are kept; more are only counted.
pub const MAX_FAULTS: usize = 20;

/// One entry as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub number: u64,
    /// The bytes that are hashed.
    pub body: Vec<u8>,
    /// The leaf hash kept beside it.
    pub leaf: Vec<u8>,
}

/// One checkpoint as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCheckpoint {
    /// The size it is kept under.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// What a whole log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// How many entries.
    pub entries: u64,
    /// How many of them the last checkpoint covers; the rest is not yet signed.
    pub signed: u64,
    /// How many checkpoints were checked.
    pub checkpoints: u64,
    /// The root of the tree of all entries.
    pub root: Hash,
    /// Attempts that were allowed.
    pub allowed: u64,
    /// Attempts that were denied.
    pub denied: u64,
    /// Requests by nobody known.
    pub unauthenticated: u64,
    /// Allowed attempts without an outcome: still under way, or cut off by a crash.
    pub unfinished: u64,
    /// The time of the first entry.
    pub first_at: Option<Timestamp>,
    /// The time of the last entry.
    pub last_at: Option<Timestamp>,
}

impl Report {
    /// Returns the number of entries that are not yet signed.
    pub const fn unsigned(&self) -> u64 {
        self.entries - self.signed
    }
}

/// One thing that is wrong with the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{record}: {problem}")]
pub struct VerifyFault {
    /// The stable code.
    pub code: Code,
    /// Which record, as `entry 17 (submit, 2026-01-02T03:04:05Z)`.
    pub record: String,
    /// What is wrong with it.
    pub problem: String,
}

impl VerifyFault {
    /// Returns a fault.
    pub fn new(code: Code, record: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { code, record: record.into(), problem: problem.into() }
    }
}

/// Numbers are not consecutive.
pub const MISNUMBERED: Code = Code("AUD0101");
/// An entry does not have the hash it was given.
pub const CHANGED: Code = Code("AUD0102");
/// The entries do not have the root that was signed.
pub const WRONG_ROOT: Code = Code("AUD0103");
/// A checkpoint does not hold.
pub const WRONG_CHECKPOINT: Code = Code("AUD0104");
/// Entries that were signed are missing.
pub const CUT_OFF: Code = Code("AUD0105");
/// An outcome or a stored record without its attempt.
pub const NO_ATTEMPT: Code = Code("AUD0106");
/// An entry cannot be read.
pub const UNREADABLE: Code = Code("AUD0107");

/// A set of small numbers, a bit each.
#[derive(Debug, Clone, Default)]
struct Numbers(Vec<u64>);

impl Numbers {
    fn insert(&mut self, number: u64) {
        let Ok(word) = usize::try_from(number / 64) else { return };
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (number % 64);
        }
    }
    fn contains(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|word| self.0.get(word));
        word.is_some_and(|bits| bits & (1 << (number % 64)) != 0)
    }
}

/// Checks a log entry by entry.
#[derive(Debug)]
pub struct Verifier<'a> {
    key: &'a LogPublicKey,
    frontier: Frontier,
    allowed: Numbers,
    finished: Numbers,
    outcomes: u64,
    report: Report,
    faults: Vec<VerifyFault>,
    more: u64,
}

impl<'a> Verifier<'a> {
    /// Returns the verifier of an empty log of this key.
    pub fn new(key: &'a LogPublicKey) -> Self {
        let report = Report {
            origin: key.origin().to_owned(),
            entries: 0,
            signed: 0,
            checkpoints: 0,
            root: Frontier::default().root(),
            allowed: 0,
            denied: 0,
            unauthenticated: 0,
            unfinished: 0,
            first_at: None,
            last_at: None,
        };
        Self {
            key,
            frontier: Frontier::default(),
            allowed: Numbers::default(),
            finished: Numbers::default(),
            outcomes: 0,
            report,
            faults: Vec::new(),
            more: 0,
        }
    }

    /// Returns how many entries have been taken.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Returns the frontier of the entries taken so far.
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Adds a fault found elsewhere.
    pub fn fault(&mut self, fault: VerifyFault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Takes the next entry; returns it if it can be read.
    pub fn entry(&mut self, found: &Found) -> Option<Entry> {
        let expected = self.frontier.size();
        let entry = Entry::from_body(&found.body);
        let name = name_of(found.number, &found.body);
        if found.number != expected {
            let problem = format!(
                "the number {expected} is expected here; an entry is missing or has another's number"
            );
            self.fault(VerifyFault::new(MISNUMBERED, &name, problem));
        }
        let leaf = leaf_hash(&found.body);
        let kept = Hash::try_from(found.leaf.as_slice()).unwrap_or(leaf);
        if found.leaf != leaf {
            let problem = "its text does not have the hash that was kept beside it; one of them was changed";
            self.fault(VerifyFault::new(CHANGED, &name, problem));
        }
        self.frontier.push(kept);
        match entry {
            Ok(entry) => {
                self.count(expected, &name, &entry);
                Some(entry)
            }
            Err(error) => {
                self.fault(VerifyFault::new(UNREADABLE, &name, error.to_string()));
                None
            }
        }
    }

    fn count(&mut self, number: u64, name: &str, entry: &Entry) {
        self.report.first_at = self.report.first_at.or(entry.at());
        self.report.last_at = entry.at().or(self.report.last_at);
        match entry {
            Entry::Attempt(attempt) if attempt.decision == RecordedDecision::Allow => {
                self.allowed.insert(number);
                self.report.allowed += 1;
            }
            Entry::Attempt(_) => self.report.denied += 1,
            Entry::Unauthenticated(_) => self.report.unauthenticated += 1,
            Entry::Outcome(outcome) => {
                // Only then is the number below that of this entry, and the set no larger than the log.
                if !self.belongs(number, name, outcome.attempt) {
                    return;
                }
                if self.finished.contains(outcome.attempt) {
                    let problem = format!("the attempt {} has an outcome already", outcome.attempt);
                    self.fault(VerifyFault::new(NO_ATTEMPT, name, problem));
                } else {
                    self.finished.insert(outcome.attempt);
                    self.outcomes += 1;
                }
            }
            Entry::Stored(stored) => {
                self.belongs(number, name, stored.attempt);
            }
        }
    }

    fn belongs(&mut self, number: u64, name: &str, attempt: u64) -> bool {
        let belongs = attempt < number && self.allowed.contains(attempt);
        if !belongs {
            let problem =
                format!("it belongs to entry {attempt}, which is no earlier attempt that was allowed");
            self.fault(VerifyFault::new(NO_ATTEMPT, name, problem));
        }
        belongs
    }

    /// Takes the checkpoint that covers exactly the entries taken so far; returns it if it holds.
    pub fn checkpoint(&mut self, found: &FoundCheckpoint) -> Option<Checkpoint> {
        let name = format!("checkpoint of {} entries", found.size);
        let checkpoint = match Checkpoint::open(&found.note, self.key) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                self.fault(VerifyFault::new(WRONG_CHECKPOINT, name, error.to_string()));
                return None;
            }
        };
        if checkpoint.size != found.size {
            let problem = format!("it was signed for {} entries", checkpoint.size);
            self.fault(VerifyFault::new(WRONG_CHECKPOINT, name, problem));
            return None;
        }
        if checkpoint.size < self.report.signed {
            let problem = format!("an earlier checkpoint covers {} entries", self.report.signed);
            self.fault(VerifyFault::new(WRONG_CHECKPOINT, name, problem));
            return None;
        }
        if checkpoint.size > self.size() {
            let problem = format!("only {} entries are kept; the end of the log was cut off", self.size());
            self.fault(VerifyFault::new(CUT_OFF, name, problem));
            return None;
        }
        if checkpoint.size != self.size() || checkpoint.root != self.frontier.root() {
            let problem = format!(
                "the entries do not have the root that was signed; an entry between {} and {} was changed",
                self.report.signed,
                found.size.saturating_sub(1)
            );
            self.fault(VerifyFault::new(WRONG_ROOT, name, problem));
            return None;
        }
        self.report.signed = checkpoint.size;
        self.report.checkpoints += 1;
        Some(checkpoint)
    }

    /// Returns the report of a whole log.
    ///
    /// # Errors
    /// The first [`MAX_FAULTS`] faults.
    pub fn finish(mut self) -> Result<Report, Vec<VerifyFault>> {
        if self.report.checkpoints == 0 && self.faults.is_empty() {
            let problem = "no checkpoint is kept, so nothing vouches for the entries";
            self.faults.push(VerifyFault::new(WRONG_CHECKPOINT, "the log", problem));
        }
        if self.more > 0 {
            let problem = format!("{} more faults were found", self.more);
            self.faults.push(VerifyFault::new(CHANGED, "the log", problem));
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        self.report.entries = self.frontier.size();
        self.report.root = self.frontier.root();
        self.report.unfinished = self.report.allowed.saturating_sub(self.outcomes);
        Ok(self.report)
    }
}

/// Checks a whole log: `entries` in order, `checkpoints` in order of size.
///
/// # Errors
/// The first [`MAX_FAULTS`] faults, each naming its record.
pub fn verify(
    entries: impl IntoIterator<Item = Found>,
    checkpoints: impl IntoIterator<Item = FoundCheckpoint>,
    key: &LogPublicKey,
) -> Result<Report, Vec<VerifyFault>> {
    let mut verifier = Verifier::new(key);
    let mut checkpoints = checkpoints.into_iter().peekable();
    let mut entries = entries.into_iter();
    loop {
        while let Some(checkpoint) = checkpoints.next_if(|checkpoint| checkpoint.size <= verifier.size()) {
            verifier.checkpoint(&checkpoint);
        }
        let Some(entry) = entries.next() else { break };
        verifier.entry(&entry);
    }
    for checkpoint in checkpoints {
        verifier.checkpoint(&checkpoint);
    }
    verifier.finish()
}

/// Returns what an entry is called in faults: number, action and time, as far as its text still tells.
pub fn name_of(number: u64, body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
    let what = text("action").or_else(|| text("kind"));
    let parts: Vec<&str> = what.into_iter().chain(text("at")).collect();
    if parts.is_empty() {
        return format!("entry {number}");
    }
    let shown: String = parts.join(", ").chars().take(120).collect();
    format!("entry {number} ({})", shown.escape_debug())
}

#[cfg(test)]
mod tests;
