//! Durations as Argo writes them: seconds in digits, or a Go duration (`1h2m3.5s`).
//! Source: Argo `workflow/controller/operator.go` parseStringToDuration.

use jiff::SignedDuration;
use model::duration::go_duration_ms;

/// Returns the duration, never negative; `None` if the text is not one or is over a hundred years.
pub(crate) fn parse(text: &str) -> Option<SignedDuration> {
    const LONGEST_MS: u64 = 100 * 366 * 86_400 * 1_000;
    let ms = match text.parse::<u64>() {
        Ok(seconds) => seconds.checked_mul(1_000)?,
        Err(_) => go_duration_ms(text).ok()?,
    };
    i64::try_from(ms).ok().filter(|_| ms <= LONGEST_MS).map(SignedDuration::from_millis)
}

/// Returns the duration as whole days, hours, minutes and seconds, as Argo shows it in messages.
pub(crate) fn human(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let shown: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if shown.is_empty() { "0 seconds".to_owned() } else { shown.join(" ") }
}
