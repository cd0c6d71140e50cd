//! The supervisor's clock: a supervisor is a process of its own, so nobody can hand it the time.
//! Not here: the server's clock (`runner`); inside the server only a pod's deadline is told by it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Returns the time, milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the supervisor is a process of its own and stamps log lines")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A moment of the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Instant);

impl Moment {
    /// Returns this moment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the supervisor is a process of its own and keeps deadlines"
    )]
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }
    /// Returns the moment `ms` milliseconds later; `None` if that is beyond the clock.
    pub(crate) fn after_ms(self, ms: u64) -> Option<Self> {
        self.0.checked_add(Duration::from_millis(ms)).map(Self)
    }
    /// Returns how long it is from `now` to this moment; zero if it has passed.
    pub(crate) fn left(self, now: Self) -> Duration {
        self.0.saturating_duration_since(now.0)
    }
}
