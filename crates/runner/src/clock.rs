//! The one door to the time of day. Not here: timers, which the loop of a run keeps.

use jiff::Timestamp;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl audit::Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Returns a reading of the monotonic clock, for measuring spans (progress, benchmarks); never for deciding.
#[expect(clippy::disallowed_methods, reason = "this is the one door to the clock")]
pub fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}
