//! Durations as Go writes them (`time.ParseDuration`): `8h`, `1h30m`, `1.5s`, `300ms`; whole milliseconds here.

use thiserror::Error;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a duration: write hours, minutes and seconds, such as `8h`, `30m` or `1h30m`")]
pub struct DurationError(String);

/// The units and their nanoseconds.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Returns the milliseconds of a Go duration that is not negative, rounded down.
///
/// # Errors
/// [`DurationError`] if it is no duration, negative, or beyond Go's 292 years.
pub fn go_duration_ms(text: &str) -> Result<u64, DurationError> {
    let error = || DurationError(text.chars().take(64).collect::<String>().escape_debug().to_string());
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(error());
    }
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let (number, behind) =
            rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?);
        let (unit, behind) =
            behind.split_at(behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len()));
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        let part = scaled(number, *size).ok_or_else(error)?;
        nanoseconds =
            nanoseconds.checked_add(part).filter(|sum| *sum <= i64::MAX as u128).ok_or_else(error)?;
        rest = behind;
    }
    u64::try_from(nanoseconds / 1_000_000).map_err(|_| error())
}

/// Returns `number` (digits, perhaps with one dot) times `size`, what is below one cut off.
fn scaled(number: &str, size: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 20 {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut part = whole.checked_mul(size)?;
    let mut place = size;
    for digit in fraction.bytes().take(20) {
        part = part.checked_add(u128::from(digit - b'0') * place / 10)?;
        place /= 10;
    }
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, ms) in [
            ("0", 0),
            ("8h", 28_800_000),
            ("30m", 1_800_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("1.s", 1_000),
            ("300ms", 300),
            ("+2s", 2_000),
            ("1h1m1s1ms1us1ns", 3_661_001),
            ("90µs", 0),
            ("2562047h47m16s", 9_223_372_036_000),
        ] {
            assert_eq!(go_duration_ms(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "8",
            "h",
            "-1h",
            "1d",
            "1h ",
            " 1h",
            "1 h",
            "1.2.3s",
            ".s",
            "1hh",
            "0x1h",
            "9999999999999999h",
            "3000000h",
            "∞",
        ] {
            assert!(go_duration_ms(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.]{0,24}[hmsnuµ.]{0,4}[0-9hms]{0,30}|.{0,20}") {
            let _ = go_duration_ms(&text);
        }

        #[test]
        fn hours_minutes_and_seconds_add_up(h in 0_u64..1000, m in 0_u64..1000, s in 0_u64..1000) {
            let text = format!("{h}h{m}m{s}s");
            proptest::prop_assert_eq!(go_duration_ms(&text), Ok(((h * 60 + m) * 60 + s) * 1000));
        }
    }
}
