//! Methods of times, durations, months, days and versions, as Go has them.

use super::super::{
    operate::to_int,
    print, time,
    value::{Function, Value},
};

/// The methods of a value, or `None` if it has none so called.
pub(in crate::lang) fn find(owner: &Value, name: &str) -> Option<Value> {
    let known = super::super::types::method(&super::super::types::Type::of(owner), name).is_some();
    known.then(|| Value::Function(Function::Method(Box::new(owner.clone()), name.into())))
}

fn arg(args: &[Value], at: usize) -> &Value {
    args.get(at).unwrap_or(&Value::Nil)
}

/// Calls a method.
///
/// # Errors
/// Go's words.
pub(in crate::lang) fn call(owner: &Value, name: &str, args: &[Value]) -> Result<Value, String> {
    let wanted = match (owner, name) {
        (
            _,
            "Add" | "Sub" | "Before" | "After" | "Equal" | "Compare" | "Format" | "In" | "Round" | "Truncate",
        ) => 1,
        (_, "AddDate") => 3,
        _ => 0,
    };
    if args.len() != wanted {
        return Err(format!("invalid number of arguments: expected {wanted}, got {}", args.len()));
    }
    if name == "String" {
        return Ok(Value::text(print::plain(owner)));
    }
    match owner {
        Value::Time(moment) => of_time(moment, name, args),
        Value::Duration(nanos) => of_duration(*nanos, name, args),
        Value::Version(version) => Ok(match name {
            "Major" => Value::Int(i64::try_from(version.major).unwrap_or(i64::MAX)),
            "Minor" => Value::Int(i64::try_from(version.minor).unwrap_or(i64::MAX)),
            "Patch" => Value::Int(i64::try_from(version.patch).unwrap_or(i64::MAX)),
            "Prerelease" => Value::text(version.pre.as_str()),
            "Metadata" => Value::text(version.build.as_str()),
            _ => Value::text(version.to_string()),
        }),
        other => Err(format!("cannot fetch {name} from {}", other.type_name())),
    }
}

fn wrong(value: &Value, wanted: &str) -> String {
    format!("reflect: Call using {} as type {wanted}", value.type_name())
}

#[expect(clippy::cast_precision_loss, reason = "Go gives float64 likewise")]
fn of_duration(nanos: i64, name: &str, args: &[Value]) -> Result<Value, String> {
    let unit = || match arg(args, 0) {
        Value::Duration(unit) => Ok(*unit),
        other => Err(wrong(other, "time.Duration")),
    };
    Ok(match name {
        "Hours" => Value::Float(nanos as f64 / 3.6e12),
        "Minutes" => Value::Float(nanos as f64 / 6e10),
        "Seconds" => Value::Float(nanos as f64 / 1e9),
        "Milliseconds" => Value::Int(nanos / 1_000_000),
        "Microseconds" => Value::Int(nanos / 1_000),
        "Nanoseconds" => Value::Int(nanos),
        "Abs" => Value::Duration(nanos.saturating_abs()),
        "Truncate" => Value::Duration(truncated(nanos, unit()?)),
        _ => Value::Duration(rounded(nanos, unit()?)),
    })
}

fn truncated(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 { nanos } else { nanos.saturating_sub(nanos.wrapping_rem(unit)) }
}

/// To the nearest multiple, halves away from zero.
pub(crate) fn rounded(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanos;
    }
    let rest = nanos.wrapping_rem(unit);
    let base = nanos.saturating_sub(rest);
    if rest.unsigned_abs().saturating_mul(2) < unit.unsigned_abs() {
        base
    } else if nanos < 0 {
        base.saturating_sub(unit)
    } else {
        base.saturating_add(unit)
    }
}

fn of_time(moment: &time::Instant, name: &str, args: &[Value]) -> Result<Value, String> {
    let zoned = &moment.0;
    let stamp = moment.timestamp();
    let small = |number: i8| Value::Int(i64::from(number));
    let span = || match arg(args, 0) {
        Value::Duration(nanos) => Ok(*nanos),
        other => Err(wrong(other, "time.Duration")),
    };
    let other = || match arg(args, 0) {
        Value::Time(other) => Ok(other),
        other => Err(wrong(other, "time.Time")),
    };
    let out_of_range = || "time: the result is out of range".to_owned();
    Ok(match name {
        "Year" => Value::Int(i64::from(zoned.year())),
        "Month" => Value::Month(i64::from(zoned.month())),
        "Day" => small(zoned.day()),
        "Hour" => small(zoned.hour()),
        "Minute" => small(zoned.minute()),
        "Second" => small(zoned.second()),
        "Nanosecond" => Value::Int(i64::from(zoned.subsec_nanosecond())),
        "YearDay" => Value::Int(i64::from(zoned.day_of_year())),
        "Weekday" => Value::Weekday(moment.weekday()),
        "Unix" => Value::Int(stamp.as_second()),
        "UnixMilli" => Value::Int(stamp.as_millisecond()),
        "UnixMicro" => Value::Int(stamp.as_microsecond()),
        "UnixNano" => Value::Int(i64::try_from(stamp.as_nanosecond()).unwrap_or(i64::MAX)),
        "IsZero" => Value::Bool(stamp.as_second() == -62_135_596_800),
        "Add" => Value::Time(moment.add(span()?).ok_or_else(out_of_range)?),
        "Sub" => Value::Duration(moment.since(other()?)),
        "Before" => Value::Bool(stamp < other()?.timestamp()),
        "After" => Value::Bool(stamp > other()?.timestamp()),
        "Equal" => Value::Bool(stamp == other()?.timestamp()),
        "Compare" => Value::Int(stamp.cmp(&other()?.timestamp()) as i64),
        "Format" => match arg(args, 0) {
            Value::Text(layout) => Value::text(moment.format(layout)),
            other => return Err(wrong(other, "string")),
        },
        "UTC" | "Local" => Value::Time(moment.in_zone(jiff::tz::TimeZone::UTC)),
        "In" => match arg(args, 0) {
            Value::Zone(zone) => Value::Time(moment.in_zone(zone.clone())),
            other => return Err(wrong(other, "*time.Location")),
        },
        "Location" => Value::Zone(zoned.time_zone().clone()),
        "AddDate" => {
            let (years, months, days) = (to_int(arg(args, 0))?, to_int(arg(args, 1))?, to_int(arg(args, 2))?);
            Value::Time(add_date(moment, years, months, days).ok_or_else(out_of_range)?)
        }
        "Truncate" | "Round" => {
            let unit = span()?;
            let nanos = i64::try_from(stamp.as_nanosecond()).map_err(|_| out_of_range())?;
            let nanos = if name == "Round" { rounded(nanos, unit) } else { truncated(nanos, unit) };
            let stamp = jiff::Timestamp::from_nanosecond(i128::from(nanos)).map_err(|_| out_of_range())?;
            Value::Time(time::Instant(stamp.to_zoned(zoned.time_zone().clone())))
        }
        _ => return Err(format!("cannot fetch {name} from time.Time")),
    })
}

/// Days that a month does not have flow into the next one, as in Go.
fn add_date(moment: &time::Instant, years: i64, months: i64, days: i64) -> Option<time::Instant> {
    let zoned = &moment.0;
    let total = i64::from(zoned.year())
        .checked_add(years)?
        .checked_mul(12)?
        .checked_add(i64::from(zoned.month()).checked_sub(1)?)?
        .checked_add(months)?;
    let year = i16::try_from(total.div_euclid(12)).ok()?;
    let month = i8::try_from(total.rem_euclid(12).checked_add(1)?).ok()?;
    let first = jiff::civil::Date::new(year, month, 1).ok()?;
    let days = i64::from(zoned.day()).checked_sub(1)?.checked_add(days)?;
    let date = first.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    let moment = date.to_datetime(zoned.time()).to_zoned(zoned.time_zone().clone()).ok()?;
    Some(time::Instant(moment))
}
