//! The timers of one run: what is due is found without looking at those that are not.
//! Not here: what follows when one fires (`engine`), the time of day (`clock`).

use std::collections::{BTreeSet, HashMap};

use engine::TimerId;
use jiff::Timestamp;

/// The timers of a run that are set and have not fired.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// When each fires.
    at: HashMap<TimerId, Timestamp>,
    /// The same, the first one first.
    due: BTreeSet<(Timestamp, TimerId)>,
}

impl Timers {
    /// Sets a timer; one that is set already fires at the new time instead.
    pub(crate) fn set(&mut self, timer: TimerId, at: Timestamp) {
        self.cancel(&timer);
        self.due.insert((at, timer.clone()));
        self.at.insert(timer, at);
    }
    /// Forgets a timer, if it is set.
    pub(crate) fn cancel(&mut self, timer: &TimerId) {
        if let Some(at) = self.at.remove(timer) {
            self.due.remove(&(at, timer.clone()));
        }
    }
    /// Returns when a timer fires, if it is set.
    pub(crate) fn get(&self, timer: &TimerId) -> Option<Timestamp> {
        self.at.get(timer).copied()
    }
    /// Returns when the first one fires.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }
    /// Takes out those that fire by `now`, the first one first.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<TimerId> {
        let mut taken = Vec::new();
        while self.first().is_some_and(|at| at <= now)
            && let Some((_, timer)) = self.due.pop_first()
        {
            self.at.remove(&timer);
            taken.push(timer);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }
    fn timer(node: &str) -> TimerId {
        TimerId::NodeDeadline(model::argo::NodeId::from_text(node))
    }

    #[test]
    fn those_that_are_due_fire_once_in_order_and_the_others_stay() {
        let mut timers = Timers::default();
        for (node, second) in [("a", 3), ("b", 1), ("c", 9), ("d", 2), ("e", 1)] {
            timers.set(timer(node), at(second));
        }
        timers.set(timer("d"), at(8));
        timers.cancel(&timer("e"));
        assert_eq!((timers.first(), timers.get(&timer("d"))), (Some(at(1)), Some(at(8))));
        assert_eq!(timers.take_due(at(5)), [timer("b"), timer("a")]);
        assert_eq!(timers.take_due(at(5)), []);
        assert_eq!((timers.first(), timers.get(&timer("a"))), (Some(at(8)), None));
        assert_eq!(timers.take_due(at(9)), [timer("d"), timer("c")]);
        assert_eq!(timers.first(), None);
    }
}
