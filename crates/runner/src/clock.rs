//! The one door to the time of day and to the machine's time zone. Not here: timers, which the loop of a run keeps.

use jiff::{Timestamp, tz::TimeZone};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl audit::Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Returns the machine's time zone; UTC if it has none.
pub fn local_zone() -> TimeZone {
    TimeZone::try_system().unwrap_or(TimeZone::UTC)
}

/// Returns a reading of the monotonic clock, for measuring spans (progress, benchmarks); never for deciding.
#[expect(clippy::disallowed_methods, reason = "this is the one door to the clock")]
pub fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}
