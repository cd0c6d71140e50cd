//! Dates and durations. `now` comes with the environment; the local zone is UTC.

use jiff::tz::TimeZone;

use super::Args;
use crate::lang::{Instant, Machine, Value, time};

pub(super) const NAMES: &[&str] = &[
    "ago",
    "date",
    "date_in_zone",
    "date_modify",
    "dateInZone",
    "dateModify",
    "duration",
    "durationRound",
    "htmlDate",
    "htmlDateInZone",
    "must_date_modify",
    "mustDateModify",
    "mustToDate",
    "now",
    "toDate",
    "unixEpoch",
];

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    args.exactly(match name {
        "now" => 0,
        "date_in_zone" | "dateInZone" => 3,
        "date" | "date_modify" | "dateModify" | "must_date_modify" | "mustDateModify" | "toDate"
        | "mustToDate" | "htmlDateInZone" => 2,
        _ => 1,
    })?;
    let now = Instant::utc(machine.env.now());
    let zoned = |moment: &Value, zone: &str| {
        let zone = time::zone(zone).unwrap_or(TimeZone::UTC);
        of(moment, &now).in_zone(zone)
    };
    Ok(match name {
        "now" => Value::Time(now),
        "date" => Value::text(zoned(args.get(1), "UTC").format(args.text(0)?)),
        "date_in_zone" | "dateInZone" => Value::text(zoned(args.get(1), args.text(2)?).format(args.text(0)?)),
        "htmlDate" => Value::text(zoned(args.get(0), "UTC").format("2006-01-02")),
        "htmlDateInZone" => Value::text(zoned(args.get(0), args.text(1)?).format("2006-01-02")),
        "ago" => {
            let nanos = now.since(&of(args.get(0), &now));
            Value::text(time::duration(crate::lang::rounded(nanos, 1_000_000_000)))
        }
        "duration" => Value::text(time::duration(seconds(args.get(0)))),
        "durationRound" => Value::text(round_duration(args.get(0), &now)),
        "unixEpoch" => match args.get(0) {
            Value::Time(moment) => Value::text(moment.timestamp().as_second().to_string()),
            other => return Err(Args::wrong(other, "time.Time")),
        },
        "toDate" | "mustToDate" => match time::parse(args.text(0)?, args.text(1)?, &TimeZone::UTC) {
            Ok(moment) => Value::Time(moment),
            Err(reason) if name == "mustToDate" => return Err(reason),
            Err(_) => Value::Time(Instant::utc(
                jiff::Timestamp::from_second(-62_135_596_800).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            )),
        },
        _ => {
            let moment = match args.get(1) {
                Value::Time(moment) => moment.clone(),
                other => return Err(Args::wrong(other, "time.Time")),
            };
            match time::parse_duration(args.text(0)?) {
                Ok(nanos) => {
                    let changed = moment.add(nanos);
                    Value::Time(changed.ok_or_else(|| "time: the result is out of range".to_owned())?)
                }
                Err(reason) if name.starts_with("must") => return Err(reason),
                Err(_) => Value::Time(moment),
            }
        }
    })
}

/// A moment as sprig takes it: a time, seconds since 1970, or now.
fn of(value: &Value, now: &Instant) -> Instant {
    match value {
        Value::Time(moment) => moment.clone(),
        Value::Int(seconds) => {
            jiff::Timestamp::from_second(*seconds).map_or_else(|_| now.clone(), Instant::utc)
        }
        _ => now.clone(),
    }
}

/// Nanoseconds of so many seconds, given as text or int.
fn seconds(value: &Value) -> i64 {
    match value {
        Value::Text(text) => text.parse::<i64>().unwrap_or(0).saturating_mul(1_000_000_000),
        Value::Int(seconds) => seconds.saturating_mul(1_000_000_000),
        _ => 0,
    }
}

fn round_duration(value: &Value, now: &Instant) -> String {
    let nanos = match value {
        Value::Text(text) => time::parse_duration(text).unwrap_or(0),
        Value::Int(nanos) | Value::Duration(nanos) => *nanos,
        Value::Time(moment) => now.since(moment),
        _ => 0,
    };
    let size = nanos.unsigned_abs() / 1_000_000_000;
    let sign = if nanos < 0 { "-" } else { "" };
    const HOUR: u64 = 3_600;
    let units =
        [("y", HOUR * 24 * 365), ("mo", HOUR * 24 * 30), ("d", HOUR * 24), ("h", HOUR), ("m", 60), ("s", 1)];
    let shown = units.iter().find(|(_, unit)| size > *unit || size == *unit && *unit == 1);
    match shown {
        Some((name, unit)) => format!("{sign}{}{name}", size / unit),
        None => "0s".to_owned(),
    }
}
