//! Schedules as cron writes them and robfig/cron v3 `ParseStandard` reads them: five fields, or a descriptor such
//! as `@daily` or `@every 1h`, with a time zone in front if wanted (`TZ=Europe/Berlin 0 5 * * *`). The messages
//! are robfig's. Not here: when a schedule is due (see `engine`).

use std::fmt;

use jiff::tz::TimeZoneDatabase;
use thiserror::Error;

use crate::duration::go_duration_ms;

/// A text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ScheduleError(String);

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The IANA name of the time zone that the text itself names.
    pub timezone: Option<String>,
    /// When it is due.
    pub times: Times,
}

/// When a schedule is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// At every minute whose fields are all in these sets.
    Fields(Fields),
    /// Every so many milliseconds, whole seconds, at least one (`@every`).
    Every(u64),
}

/// The sets of a schedule, one bit a value; bit 0 is the value 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// 0 to 59.
    pub minutes: u64,
    /// 0 to 23.
    pub hours: u64,
    /// 1 to 31.
    pub days: u64,
    /// 1 to 12.
    pub months: u64,
    /// 0 to 6; 0 is Sunday.
    pub weekdays: u64,
    /// Whether the days were written as `*` or `?`: then the weekdays alone decide.
    pub any_day: bool,
    /// Whether the weekdays were written as `*` or `?`: then the days alone decide.
    pub any_weekday: bool,
}

/// What one field may hold.
struct Bounds {
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { min: 0, max: 23, names: &[] };
const DAYS: Bounds = Bounds { min: 1, max: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds = Bounds { min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 4_096;

/// Whether `name` is a time zone: `Local`, `UTC`, or one of the IANA database that is part of this program.
pub fn is_timezone(name: &str) -> bool {
    // Go's names are exact where the database's are not
    let known = |name: &str| {
        let found = TimeZoneDatabase::bundled().get(name).ok();
        found.is_some_and(|zone| zone.iana_name().is_some_and(|found| found == name))
    };
    matches!(name, "" | "UTC" | "Local") || (name.len() < 128 && known(name))
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// [`ScheduleError`] with robfig/cron's message.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text.is_empty() {
            return Err(fail("empty spec string"));
        }
        if text.len() > MAX_TEXT {
            return Err(fail("the schedule is too long"));
        }
        let (timezone, spec) = timezone(text)?;
        let times = match spec.strip_prefix('@') {
            Some(_) => descriptor(spec)?,
            None => Times::Fields(fields(spec)?),
        };
        Ok(Self { timezone, times })
    }
}

fn fail(message: impl fmt::Display) -> ScheduleError {
    ScheduleError(message.to_string())
}

fn timezone(text: &str) -> Result<(Option<String>, &str), ScheduleError> {
    let Some(behind) = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) else {
        return Ok((None, text));
    };
    // robfig falls over a zone without a schedule behind it
    let (name, spec) = behind.split_once(' ').unwrap_or((behind, ""));
    if !is_timezone(name) {
        return Err(fail(format_args!("provided bad location {name}: unknown time zone {name}")));
    }
    Ok((Some(name.to_owned()), spec.trim()))
}

fn descriptor(spec: &str) -> Result<Times, ScheduleError> {
    let at = |minutes, hours, days, months, weekdays| {
        let fields = Fields {
            minutes,
            hours,
            days: if days == 0 { all(&DAYS) } else { days },
            months: if months == 0 { all(&MONTHS) } else { months },
            weekdays: if weekdays == 0 { all(&WEEKDAYS) } else { weekdays },
            any_day: days == 0,
            any_weekday: weekdays == 0,
        };
        Ok(Times::Fields(fields))
    };
    match spec {
        "@yearly" | "@annually" => at(1, 1, 1 << 1, 1 << 1, 0),
        "@monthly" => at(1, 1, 1 << 1, 0, 0),
        "@weekly" => at(1, 1, 0, 0, 1),
        "@daily" | "@midnight" => at(1, 1, 0, 0, 0),
        "@hourly" => at(1, all(&HOURS), 0, 0, 0),
        _ => match spec.strip_prefix("@every ") {
            Some(text) => {
                // Go takes a negative duration and makes a second of it
                let positive = text.strip_prefix('-').unwrap_or(text);
                let ms = go_duration_ms(positive).map_err(|_| {
                    fail(format_args!(
                        "failed to parse duration {spec}: time: invalid duration {}",
                        quoted(text)
                    ))
                })?;
                let ms = if positive.len() < text.len() { 0 } else { ms };
                Ok(Times::Every((ms - ms % 1_000).max(1_000)))
            }
            None => Err(fail(format_args!("unrecognized descriptor: {spec}"))),
        },
    }
}

fn all(bounds: &Bounds) -> u64 {
    bits(bounds.min, bounds.max, 1)
}

fn bits(from: u32, to: u32, step: u32) -> u64 {
    let steps = usize::try_from(step.max(1)).unwrap_or(usize::MAX);
    (from..=to.min(63)).step_by(steps).fold(0, |set, bit| set | 1 << bit)
}

fn fields(spec: &str) -> Result<Fields, ScheduleError> {
    let parts: Vec<&str> = spec.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = parts.as_slice() else {
        return Err(fail(format_args!(
            "expected exactly 5 fields, found {}: [{}]",
            parts.len(),
            parts.join(" ")
        )));
    };
    let (days, any_day) = field(days, &DAYS)?;
    let (weekdays, any_weekday) = field(weekdays, &WEEKDAYS)?;
    Ok(Fields {
        minutes: field(minutes, &MINUTES)?.0,
        hours: field(hours, &HOURS)?.0,
        days,
        months: field(months, &MONTHS)?.0,
        weekdays,
        any_day,
        any_weekday,
    })
}

/// Returns the set of a field, and whether it is written as any value.
fn field(text: &str, bounds: &Bounds) -> Result<(u64, bool), ScheduleError> {
    let (mut set, mut any) = (0, false);
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (more, star) = range(part, bounds)?;
        set |= more;
        any |= star;
    }
    Ok((set, any))
}

/// Reads `number`, `number-number`, `*` or `?`, each perhaps with `/step`.
fn range(text: &str, bounds: &Bounds) -> Result<(u64, bool), ScheduleError> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts.first().copied().unwrap_or("").split('-').collect();
    let first = ends.first().copied().unwrap_or("");
    let single = ends.len() == 1;
    let (from, mut to, mut star) = match first {
        "*" | "?" => (bounds.min, bounds.max, true),
        _ => {
            let from = number_or_name(first, bounds)?;
            let to = match ends.get(1) {
                None => from,
                Some(end) if ends.len() == 2 => number_or_name(end, bounds)?,
                Some(_) => return Err(fail(format_args!("too many hyphens: {text}"))),
            };
            (from, to, false)
        }
    };
    let step = match parts.as_slice() {
        [_] => 1,
        [_, step] => {
            let step = number(step)?;
            // `5/15` means from 5 on
            if single {
                to = bounds.max;
            }
            if step > 1 {
                star = false;
            }
            step
        }
        _ => return Err(fail(format_args!("too many slashes: {text}"))),
    };
    if from < bounds.min {
        return Err(fail(format_args!("beginning of range ({from}) below minimum ({}): {text}", bounds.min)));
    }
    if to > bounds.max {
        return Err(fail(format_args!("end of range ({to}) above maximum ({}): {text}", bounds.max)));
    }
    if from > to {
        return Err(fail(format_args!("beginning of range ({from}) beyond end of range ({to}): {text}")));
    }
    if step == 0 {
        return Err(fail(format_args!("step of range should be a positive number: {text}")));
    }
    Ok((bits(from, to, step), star))
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<u32, ScheduleError> {
    let lower = text.to_lowercase();
    match (bounds.min..).zip(bounds.names).find(|(_, name)| **name == lower) {
        Some((value, _)) => Ok(value),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u32, ScheduleError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let wrong = |why: &str| {
        fail(format_args!("failed to parse int from {text}: strconv.Atoi: parsing {}: {why}", quoted(text)))
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("invalid syntax"));
    }
    let value: i64 =
        text.strip_prefix('+').unwrap_or(text).parse().map_err(|_| wrong("value out of range"))?;
    if value < 0 {
        return Err(fail(format_args!("negative number ({value}) not allowed: {text}")));
    }
    // past every bound all values are alike
    Ok(u32::try_from(value).unwrap_or(u32::MAX))
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    #[test]
    fn schedules_are_read_or_refused_as_robfig_does() {
        let (Some(cases), Some(answers)) =
            (corpus::find("golden/cron.txt"), corpus::find("golden/cron-go.txt"))
        else {
            return;
        };
        let read = |path| std::fs::read_to_string(path).unwrap();
        let (cases, answers) = (read(cases), read(answers));
        assert!(cases.lines().count() > 100 && cases.lines().count() == answers.lines().count());
        for (case, answer) in cases.lines().zip(answers.lines()) {
            let [text, zone, ..] = case.split('|').collect::<Vec<_>>()[..] else { panic!("{case}") };
            let text = if zone.is_empty() { text.to_owned() } else { format!("CRON_TZ={zone} {text}") };
            match (Schedule::parse(&text), answer.strip_prefix("ERR ")) {
                (Ok(_), None) => {}
                (Err(found), Some(wanted)) => assert_eq!(found.to_string(), wanted, "{text}"),
                (found, _) => panic!("{text}: {found:?}, Go: {answer}"),
            }
        }
    }

    fn fields_of(text: &str) -> Fields {
        match Schedule::parse(text).unwrap().times {
            Times::Fields(fields) => fields,
            Times::Every(_) => panic!("{text}"),
        }
    }

    #[test]
    fn fields_are_sets() {
        let fields = fields_of("*/20 1-3,5 ? Jan-mar/2 MON,3");
        assert_eq!(fields.minutes, 1 | 1 << 20 | 1 << 40);
        assert_eq!(fields.hours, 0b10_1110);
        assert_eq!(fields.months, 1 << 1 | 1 << 3);
        assert_eq!(fields.weekdays, 1 << 1 | 1 << 3);
        assert_eq!((fields.any_day, fields.any_weekday), (true, false));
        assert!(!fields_of("0 0 */2 * *").any_day, "a star with a step counts as written");
        assert_eq!(fields_of("7/20 * * * *").minutes, 1 << 7 | 1 << 27 | 1 << 47);
        assert_eq!(fields_of("@weekly").weekdays, 1);
        assert_eq!(Schedule::parse("@every 1h0.5s").unwrap().times, Times::Every(3_600_000));
        assert_eq!(Schedule::parse("@every 1ms").unwrap().times, Times::Every(1_000));
        let zoned = Schedule::parse("CRON_TZ=Asia/Tokyo  0 5 * * *").unwrap();
        assert_eq!(zoned.timezone.as_deref(), Some("Asia/Tokyo"));
    }

    #[test]
    fn what_is_no_schedule_is_told_why() {
        for (text, why) in [
            ("", "empty spec string"),
            ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
            ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            ("TZ=No/Where * * * * *", "provided bad location No/Where: unknown time zone No/Where"),
            ("@every x", "failed to parse duration @every x: time: invalid duration \"x\""),
        ] {
            assert_eq!(Schedule::parse(text).unwrap_err().to_string(), why, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_schedule_or_not(text in "[-*/,?0-9a-zA-Z@ ]{0,40}|\\PC{0,40}") {
            let _ = Schedule::parse(&text);
        }
    }
}
