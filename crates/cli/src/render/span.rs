//! Spans of time as people read them: `8s`, `2m05s`, `3h20m`, `4d06h`.
//! Not here: clocks.

use jiff::Timestamp;

/// Returns a moment as people read it: to the second, in UTC.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Returns the span between two moments; empty when either is unknown.
pub fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => {
            let tenths = to.as_millisecond().saturating_sub(from.as_millisecond()).max(0) / 100;
            let exact = from.subsec_nanosecond() != 0 || to.subsec_nanosecond() != 0;
            // times that came through Argo's API are whole seconds: no tenths are made up
            if exact && tenths < 100 {
                format!("{}.{}s", tenths / 10, tenths % 10)
            } else {
                seconds(tenths / 10)
            }
        }
        _ => String::new(),
    }
}

/// Returns a span of whole seconds; a negative one counts as none.
pub fn seconds(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match seconds.max(0) {
        s if s < MINUTE => format!("{s}s"),
        s if s < HOUR => format!("{}m{:02}s", s / MINUTE, s % MINUTE),
        s if s < DAY => format!("{}h{:02}m", s / HOUR, s % HOUR / MINUTE),
        s => format!("{}d{:02}h", s / DAY, s % DAY / HOUR),
    }
}
