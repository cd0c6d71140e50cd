//! Quoted dates, which govaluate compares as seconds since 1970. Source: govaluate `parsing.go` tryParseTime.
//! Not here: formats with names of days or months, and zones by name; a date without a zone is UTC.

/// Returns the seconds since 1970 of `2006-01-02`, optionally with `[ T]15:04[:05[.9]]` and a zone.
pub(super) fn unix_seconds(text: &str) -> Option<f64> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = days(date)?;
    if rest.is_empty() {
        return Some((days * 86_400) as f64);
    }
    let iso = rest.starts_with('T');
    let clock = rest.strip_prefix(['T', ' '])?;
    let zone_at = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
    let (time, zone) = clock.split_at_checked(zone_at)?;
    if zone.is_empty() == iso || (!iso && zone == "Z") {
        return None;
    }
    let seconds = seconds(time, iso)?;
    Some((days * 86_400 + seconds - offset(zone)?) as f64)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days since 1970-01-01 of a proleptic Gregorian date.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if parts.next().is_some() || !(1..=longest).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn seconds(time: &str, iso: bool) -> Option<i64> {
    let (whole, fraction) =
        time.split_once('.').map_or((time, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut parts = whole.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = match parts.next() {
        Some(minute) => digits(minute, 2)?,
        None if iso => 0,
        None => return None,
    };
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    let fraction_is_digits = fraction.is_none_or(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()));
    let fits = hour < 24 && minute < 60 && second < 60 && parts.next().is_none() && fraction_is_digits;
    fits.then_some(hour * 3_600 + minute * 60 + second)
}

fn offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.as_bytes().first() {
        None => return Some(0),
        Some(b'Z') => return (zone == "Z").then_some(0),
        Some(b'-') => (-1, zone.strip_prefix('-')?),
        Some(_) => (1, zone.strip_prefix('+')?),
    };
    let (hour, minute) = rest.split_at_checked(2)?;
    let minute = digits(minute.strip_prefix(':').unwrap_or(minute), 2)?;
    Some(sign * (digits(hour, 2)? * 3_600 + minute * 60))
}
