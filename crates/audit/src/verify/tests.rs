//! Small logs, whole and damaged.

use aws_lc_rs::signature::Ed25519KeyPair;
use identity::Caller;
use policy::{Decision, Verdict};
use serde_json::Value;

use super::*;
use crate::{
    checkpoint::LogKey,
    record::{Attempt, Outcome, Stored, Unauthenticated},
};

fn key(seed: u8) -> LogKey {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    LogKey::from_pkcs8(pair.to_pkcs8().unwrap().as_ref()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_323_045 + second).unwrap()
}

fn attempt(verdict: Verdict, second: i64) -> Entry {
    let decision = Decision {
        verdict,
        action: "submit",
        resource: "namespace default".to_owned(),
        rules: Vec::new(),
        missing: Vec::new(),
        advice: Vec::new(),
        errors: Vec::new(),
        rules_version: "ab".into(),
        request_digest: "cd".to_owned(),
    };
    Attempt::new(&Caller::local_user("me"), &decision, Value::Null, at(second)).into()
}

/// Allowed with outcome, denied, nobody, allowed without outcome.
fn entries() -> Vec<Entry> {
    vec![
        attempt(Verdict::Allow, 0),
        Entry::Stored(Stored::new(0, 1, "ee".to_owned())),
        Entry::Outcome(Outcome::new(0, at(1), None)),
        attempt(Verdict::Deny, 2),
        Entry::Unauthenticated(Unauthenticated::new(at(3), "IDN0001", "no token", "GET /")),
        attempt(Verdict::Allow, 4),
    ]
}

struct Log {
    found: Vec<Found>,
    checkpoints: Vec<FoundCheckpoint>,
}

/// A log of `entries`, signed at these sizes.
fn log(entries: &[Entry], signed: &[u64]) -> Log {
    let mut frontier = Frontier::default();
    let mut log = Log { found: Vec::new(), checkpoints: Vec::new() };
    let mut sign = |frontier: &Frontier| {
        if signed.contains(&frontier.size()) {
            let note = key(1).sign(frontier.size(), frontier.root());
            log.checkpoints.push(FoundCheckpoint { size: frontier.size(), note });
        }
    };
    sign(&frontier);
    for entry in entries {
        let body = entry.to_body().unwrap();
        let leaf = leaf_hash(&body);
        log.found.push(Found { number: frontier.size(), body, leaf: leaf.to_vec() });
        frontier.push(leaf);
        sign(&frontier);
    }
    log
}

fn check(log: Log) -> Result<Report, Vec<VerifyFault>> {
    verify(log.found, log.checkpoints, key(1).public())
}

#[track_caller]
fn faulty(log: Log, code: Code, record: &str) {
    let faults = check(log).unwrap_err();
    let found = faults.iter().any(|fault| fault.code == code && fault.record.contains(record));
    assert!(found, "{code} at {record} is not among {faults:#?}");
}

#[test]
fn a_whole_log_is_counted() {
    let report = check(log(&entries(), &[0, 3, 5])).unwrap();
    assert_eq!((report.entries, report.signed, report.unsigned(), report.checkpoints), (6, 5, 1, 3));
    assert_eq!((report.allowed, report.denied, report.unauthenticated, report.unfinished), (2, 1, 1, 1));
    assert_eq!((report.first_at, report.last_at), (Some(at(0)), Some(at(4))));
}

#[test]
fn the_empty_log_must_be_signed_too() {
    assert_eq!(check(log(&[], &[0])).unwrap().entries, 0);
    faulty(log(&[], &[]), WRONG_CHECKPOINT, "the log");
    faulty(log(&entries(), &[]), WRONG_CHECKPOINT, "the log");
}

#[test]
fn any_flipped_bit_of_an_entry_or_its_hash_names_the_entry() {
    let whole = log(&entries(), &[6]);
    for n in 0..whole.found.len() {
        let length = whole.found[n].body.len();
        for at in 0..length {
            let mut damaged = log(&entries(), &[6]);
            damaged.found[n].body[at] ^= 1 << (at % 8);
            faulty(damaged, CHANGED, &format!("entry {n}"));
        }
        for at in 0..32 {
            let mut damaged = log(&entries(), &[6]);
            damaged.found[n].leaf[at] ^= 1 << (at % 8);
            faulty(damaged, CHANGED, &format!("entry {n}"));
        }
    }
}

#[test]
fn an_entry_rewritten_with_its_hash_fails_at_the_next_checkpoint() {
    let mut damaged = log(&entries(), &[3, 6]);
    damaged.found[4].body = attempt(Verdict::Allow, 9).to_body().unwrap();
    damaged.found[4].leaf = leaf_hash(&damaged.found[4].body).to_vec();
    let faults = check(damaged).unwrap_err();
    assert_eq!((faults[0].code, faults[0].record.as_str()), (WRONG_ROOT, "checkpoint of 6 entries"));
    assert!(faults[0].problem.contains("between 3 and 5"), "{faults:?}");
}

#[test]
fn a_missing_a_repeated_and_a_moved_entry_are_found() {
    let mut missing = log(&entries(), &[6]);
    missing.found.remove(3);
    faulty(missing, MISNUMBERED, "entry 4");
    let mut repeated = log(&entries(), &[6]);
    repeated.found.insert(3, repeated.found[3].clone());
    faulty(repeated, MISNUMBERED, "entry 3");
    let mut moved = log(&entries(), &[6]);
    moved.found.swap(3, 4);
    faulty(moved, MISNUMBERED, "entry 4");
}

#[test]
fn a_log_shorter_than_what_was_signed_was_cut_off() {
    let mut cut = log(&entries(), &[3, 6]);
    cut.found.truncate(4);
    faulty(cut, CUT_OFF, "checkpoint of 6 entries");
    let mut emptied = log(&entries(), &[6]);
    emptied.found.clear();
    faulty(emptied, CUT_OFF, "checkpoint of 6 entries");
}

#[test]
fn checkpoints_of_another_key_of_another_size_or_shrinking_are_found() {
    let mut forged = log(&entries(), &[3, 6]);
    let root = check(log(&entries(), &[6])).unwrap().root;
    forged.checkpoints[1].note = key(2).sign(6, root);
    faulty(forged, WRONG_CHECKPOINT, "checkpoint of 6");
    let mut other = log(&entries(), &[3, 6]);
    other.checkpoints[1].note = other.checkpoints[0].note.clone();
    faulty(other, WRONG_CHECKPOINT, "checkpoint of 6");
    let mut shrinking = log(&entries(), &[3, 6]);
    shrinking.checkpoints.swap(0, 1);
    faulty(shrinking, WRONG_CHECKPOINT, "checkpoint of 3");
}

#[test]
fn an_outcome_belongs_to_one_earlier_allowed_attempt() {
    let outcome = |attempt| Entry::Outcome(Outcome::new(attempt, at(9), None));
    let stored = |attempt| Entry::Stored(Stored::new(attempt, 1, "ee".to_owned()));
    for (entry, what) in [
        (outcome(0), "a second outcome"),
        (outcome(3), "of a denied attempt"),
        (outcome(4), "of nobody"),
        (outcome(6), "of itself"),
        (outcome(9), "of the future"),
        (outcome(1 << 52), "of nothing"),
        (stored(3), "stored for a denied attempt"),
        (stored(6), "stored for itself"),
    ] {
        let mut entries = entries();
        entries.push(entry);
        let faults = check(log(&entries, &[7])).expect_err(what);
        assert_eq!((faults.len(), faults[0].code), (1, NO_ATTEMPT), "{what}: {faults:?}");
        assert!(faults[0].record.starts_with("entry 6 ("), "{what}: {faults:?}");
    }
}

#[test]
fn only_the_first_faults_are_kept_and_the_rest_is_counted() {
    let many: Vec<Entry> = (0..100).map(|n| attempt(Verdict::Deny, n)).collect();
    let mut damaged = log(&many, &[100]);
    damaged.found.iter_mut().for_each(|found| found.leaf = vec![0; 32]);
    let faults = check(damaged).unwrap_err();
    assert_eq!(faults.len(), MAX_FAULTS + 1);
    assert!(faults[MAX_FAULTS].problem.starts_with("81 more"), "{:?}", faults[MAX_FAULTS]);
}

#[test]
fn what_an_attacker_writes_into_an_entry_does_not_reach_the_terminal() {
    let body = "{\"action\":\"\u{1b}[31mred\u{1b}[0m\\n\\u001b]0;title\\u0007\",\"at\":\"now\"}";
    let name = name_of(3, body.as_bytes());
    assert!(!name.chars().any(char::is_control), "{name:?}");
    assert!(name_of(3, "{\"action\":\"".repeat(9).as_bytes()).starts_with("entry 3"));
}
