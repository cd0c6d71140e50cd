//! Slows down guessing of passwords: after a few failures for one user from one peer, and after more for one peer
//! whatever the user, the next attempts wait.
//! Not here: locking accounts (anybody could then lock anybody out).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

/// Failures after which a user waits, from one peer.
const FREE_FAILURES: u32 = 5;
/// Failures after which a peer waits, whatever the user.
const FREE_FAILURES_OF_PEER: u32 = 30;
/// The first wait; it doubles with each failure.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Failures are forgotten after this.
const FORGET_AFTER: Duration = Duration::from_secs(900);
/// How much of a user's name is looked at, in characters: nobody fills the memory with long ones.
const NAME_CHARS: usize = 64;
/// The most things remembered at once.
const MOST_REMEMBERED: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Peer(Option<IpAddr>),
    User(Option<IpAddr>, String),
}

impl Who {
    fn user(peer: Option<IpAddr>, user: &str) -> Self {
        Self::User(peer, user.chars().take(NAME_CHARS).collect())
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

/// Counts failed logins.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    failures: Mutex<HashMap<Who, Failures>>,
}

impl Throttle {
    /// Returns how many seconds this user from this peer has to wait, if they have to.
    pub(crate) fn wait(&self, peer: Option<IpAddr>, user: &str, now: Timestamp) -> Option<u64> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |who: &Who, free: u32| failures.get(who).and_then(|failures| failures.left(free, now));
        let of_user = left(&Who::user(peer, user), FREE_FAILURES);
        of_user.max(left(&Who::Peer(peer), FREE_FAILURES_OF_PEER))
    }

    /// Remembers that a login failed.
    pub(crate) fn failed(&self, peer: Option<IpAddr>, user: &str, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST_REMEMBERED {
            failures.retain(|_, failures| !failures.is_forgotten(now));
        }
        for who in [Who::Peer(peer), Who::user(peer, user)] {
            if failures.len() >= MOST_REMEMBERED && !failures.contains_key(&who) {
                continue;
            }
            let entry = failures.entry(who).or_insert(Failures { count: 0, last: now });
            if entry.is_forgotten(now) {
                entry.count = 0;
            }
            *entry = Failures { count: entry.count.saturating_add(1), last: now };
        }
    }

    /// Forgets the failures of a user who got in. Those of the peer stay: one good password buys no more guesses.
    pub(crate) fn succeeded(&self, peer: Option<IpAddr>, user: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&Who::user(peer, user));
    }
}

impl Failures {
    fn is_forgotten(self, now: Timestamp) -> bool {
        now.duration_since(self.last).unsigned_abs() >= FORGET_AFTER
    }
    fn left(self, free: u32, now: Timestamp) -> Option<u64> {
        let beyond = self.count.checked_sub(free)?;
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(beyond)).min(LONGEST_WAIT);
        let gone = Duration::try_from(now.duration_since(self.last)).unwrap_or_default();
        let left = wait.checked_sub(gone).filter(|left| !left.is_zero())?;
        Some(left.as_secs().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn five_failures_are_free_then_the_wait_doubles_and_is_bounded() {
        let throttle = Throttle::default();
        for _ in 0..4 {
            throttle.failed(None, "mallory", at(0));
        }
        assert_eq!(throttle.wait(None, "mallory", at(0)), None);
        let mut waits = Vec::new();
        for _ in 0..10 {
            throttle.failed(None, "mallory", at(0));
            waits.push(throttle.wait(None, "mallory", at(0)).unwrap());
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(throttle.wait(None, "mallory", at(301)), None);
        assert_eq!(throttle.wait(None, "alice", at(0)), None, "others do not wait");
    }

    #[test]
    fn many_users_from_one_peer_wait_together_and_another_peer_does_not() {
        let throttle = Throttle::default();
        let (here, there) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([127, 0, 0, 2])));
        for n in 0..40 {
            throttle.failed(here, &format!("user{n}"), at(0));
        }
        throttle.succeeded(here, "user0");
        assert!(throttle.wait(here, "somebody-new", at(0)).is_some());
        assert_eq!(throttle.wait(there, "somebody-new", at(0)), None);
    }

    #[test]
    fn a_clock_that_jumps_back_frees_nobody_and_success_frees_the_user() {
        let throttle = Throttle::default();
        for _ in 0..6 {
            throttle.failed(None, "alice", at(0));
        }
        assert!(throttle.wait(None, "alice", at(-60)).is_some());
        throttle.succeeded(None, "alice");
        assert_eq!(throttle.wait(None, "alice", at(0)), None);
    }
}
