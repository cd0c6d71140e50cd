//! Who holds which locks and who waits for them: a table of values, to be kept by whoever carries out
//! [`crate::Command::Lock`]. A holder gets all locks it wants at once or none of them. Those that wait come in order of
//! priority, then age of their workflow, then the order they asked in; a holder gets its locks when nobody before it in
//! any of their queues waits, so nobody waits for ever behind later ones.
//! Source: Argo `workflow/sync/{sync_manager,semaphore,mutex}.go`.
//! Not here: where limits come from (they are given), which workflow asks for what (see `turn::held`).
//!
//! Invariant: a lock never has more new holders than its limit; a limit that shrinks takes nobody's lock away.
//! Invariant: the same calls in the same order give the same answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::argo::NodeId;

use crate::{LockName, LockRequest};

/// Returns the name of a holder as Argo writes it: `<namespace>/<workflow>[/<node id>]`.
pub fn holder_key(namespace: &str, workflow: &str, node: Option<&NodeId>) -> String {
    match node {
        Some(node) => format!("{namespace}/{workflow}/{node}"),
        None => format!("{namespace}/{workflow}"),
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It has all its locks.
    Held {
        /// Who.
        holder: String,
    },
    /// It waits.
    Waits {
        /// Who.
        holder: String,
        /// The first lock that is not free for it, as Argo names it.
        lock: String,
        /// Why, in Argo's words.
        message: String,
        /// Who has that lock.
        holders: Vec<String>,
    },
    /// It can never have them.
    Refused {
        /// Who.
        holder: String,
        /// Why, in Argo's words.
        message: String,
    },
}

/// A place in the queues: the smaller, the earlier.
type Rank = (std::cmp::Reverse<i64>, Timestamp, u64);

#[derive(Debug, Clone, Default)]
struct Lock {
    /// How many may hold it; none if that is not known.
    limit: Option<u32>,
    holders: BTreeSet<String>,
    queue: BTreeMap<Rank, String>,
}

impl Lock {
    fn has_room(&self) -> bool {
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0);
        self.holders.len() < limit
    }
}

#[derive(Debug, Clone)]
struct Asked {
    locks: Vec<LockName>,
    rank: Rank,
    held: bool,
}

/// Who holds which locks and who waits for them.
#[derive(Debug, Clone, Default)]
pub struct LockTable {
    locks: BTreeMap<LockName, Lock>,
    asked: BTreeMap<String, Asked>,
    next: u64,
}

impl LockTable {
    /// Returns an empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many may hold a semaphore; a mutex always has one holder. Returns who got locks by it.
    pub fn set_limit(&mut self, lock: &LockName, limit: u32) -> Vec<Standing> {
        if lock.is_mutex() {
            return Vec::new();
        }
        self.locks.entry(lock.clone()).or_default().limit = Some(limit);
        self.grant(vec![lock.clone()])
    }

    /// Gives locks back to one who held them before a restart, whatever the limits say now.
    pub fn hold(&mut self, holder: &str, request: &LockRequest) {
        let asked = self.note(holder, request, true);
        for lock in &asked.locks {
            self.lock(lock).holders.insert(holder.to_owned());
        }
        self.asked.insert(holder.to_owned(), asked);
    }

    /// Asks for locks; the last answer is the asker's own. Asking again changes nothing and gives the same answer.
    pub fn request(&mut self, holder: &str, request: &LockRequest) -> Vec<Standing> {
        let known = self.asked.get(holder).is_some_and(|asked| asked.held || asked.locks == request.locks);
        let mut answers = Vec::new();
        if !known {
            answers = self.release(holder);
            let asked = self.note(holder, request, false);
            let unlimited = asked.locks.iter().find(|lock| {
                !lock.is_mutex() && self.locks.get(lock).and_then(|lock| lock.limit).unwrap_or(0) == 0
            });
            if let Some(lock) = unlimited {
                let message = format!("failed to initialize semaphore {lock} with limit");
                answers.push(Standing::Refused { holder: holder.to_owned(), message });
                return answers;
            }
            for lock in &asked.locks {
                let rank = asked.rank;
                self.lock(lock).queue.insert(rank, holder.to_owned());
            }
            let locks = asked.locks.clone();
            self.asked.insert(holder.to_owned(), asked);
            answers.extend(self.grant(locks));
            answers.retain(|answer| !matches!(answer, Standing::Held { holder: other } if other == holder));
        }
        answers.extend(self.standing(holder));
        answers
    }

    /// Gives a holder's locks back, or its place in the queues. Returns who got locks by it.
    pub fn release(&mut self, holder: &str) -> Vec<Standing> {
        let Some(asked) = self.asked.remove(holder) else { return Vec::new() };
        for lock in &asked.locks {
            let state = self.lock(lock);
            state.holders.remove(holder);
            state.queue.remove(&asked.rank);
        }
        self.grant(asked.locks)
    }

    /// Returns how a holder stands; none if it wants nothing.
    pub fn standing(&self, holder: &str) -> Option<Standing> {
        let asked = self.asked.get(holder)?;
        let holder = holder.to_owned();
        if asked.held {
            return Some(Standing::Held { holder });
        }
        let blocks = |lock: &&LockName| {
            self.locks.get(*lock).is_some_and(|state| {
                !state.has_room() || state.queue.first_key_value().is_some_and(|(_, first)| *first != holder)
            })
        };
        let lock = asked.locks.iter().find(blocks).or_else(|| asked.locks.first())?;
        let state = self.locks.get(lock)?;
        let limit = i64::from(state.limit.unwrap_or(0));
        let left = limit.saturating_sub(i64::try_from(state.holders.len()).unwrap_or(i64::MAX));
        let message = format!("Waiting for {lock} lock. Lock status: {left}/{limit}");
        let holders = state.holders.iter().cloned().collect();
        Some(Standing::Waits { holder, lock: lock.to_string(), message, holders })
    }

    /// Returns who holds `lock`.
    pub fn holders(&self, lock: &LockName) -> Vec<&str> {
        self.locks.get(lock).into_iter().flat_map(|state| &state.holders).map(String::as_str).collect()
    }

    fn note(&mut self, _holder: &str, request: &LockRequest, held: bool) -> Asked {
        let rank = (std::cmp::Reverse(request.priority), request.since, self.next);
        self.next = self.next.saturating_add(1);
        Asked { locks: request.locks.clone(), rank, held }
    }

    fn lock(&mut self, name: &LockName) -> &mut Lock {
        let state = self.locks.entry(name.clone()).or_default();
        if name.is_mutex() {
            state.limit = Some(1);
        }
        state
    }

    /// Gives locks to those who are first in all their queues, as long as there is room; begins with the queues of
    /// `freed`.
    fn grant(&mut self, freed: Vec<LockName>) -> Vec<Standing> {
        let mut granted = Vec::new();
        let mut open = freed;
        while let Some(lock) = open.pop() {
            let Some(first) = self.locks.get(&lock).and_then(|state| state.queue.first_key_value()) else {
                continue;
            };
            let holder = first.1.clone();
            let Some(asked) = self.asked.get_mut(&holder) else { continue };
            let free = |lock: &LockName| {
                self.locks.get(lock).is_some_and(|state| {
                    state.has_room()
                        && state.queue.first_key_value().is_some_and(|(_, first)| *first == holder)
                })
            };
            if !asked.locks.iter().all(free) {
                continue;
            }
            asked.held = true;
            let (locks, rank) = (asked.locks.clone(), asked.rank);
            for lock in &locks {
                let state = self.lock(lock);
                state.queue.remove(&rank);
                state.holders.insert(holder.clone());
            }
            open.extend(locks);
            granted.push(Standing::Held { holder });
        }
        granted
    }
}
