//! Go's `time` as far as expressions reach it: moments in a zone, layouts (`2006-01-02`), durations (`1h30m`),
//! names of months and days.
//! Not here: the clock; `now` comes with the environment.

use jiff::{SignedDuration, Timestamp, Zoned, civil, tz::TimeZone};

/// A moment in a time zone.
#[derive(Debug, Clone)]
pub struct Instant(pub(crate) Zoned);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(crate) fn month_name(month: i64) -> &'static str {
    usize::try_from(month.saturating_sub(1)).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("%!Month")
}

pub(crate) fn weekday_name(day: i64) -> &'static str {
    usize::try_from(day).ok().and_then(|at| DAYS.get(at)).copied().unwrap_or("%!Weekday")
}

impl Instant {
    /// Returns the moment in UTC.
    pub fn utc(moment: Timestamp) -> Self {
        Self(moment.to_zoned(TimeZone::UTC))
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        self.0.timestamp()
    }

    pub(crate) fn zone_name(&self) -> String {
        let info = self.0.time_zone().to_offset_info(self.0.timestamp());
        let name = info.abbreviation().to_owned();
        if name.starts_with(['+', '-']) { offset(self.0.offset().seconds(), false, false) } else { name }
    }

    /// As `Time.String()` shows it.
    pub(crate) fn shown(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    pub(crate) fn rfc3339_nano(&self) -> String {
        self.format("2006-01-02T15:04:05.999999999Z07:00")
    }

    pub(crate) fn weekday(&self) -> i64 {
        i64::from(self.0.weekday().to_sunday_zero_offset())
    }

    pub(crate) fn add(&self, nanos: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_nanos(nanos)).ok().map(Self)
    }

    pub(crate) fn since(&self, earlier: &Self) -> i64 {
        let nanos = self.timestamp().duration_since(earlier.timestamp()).as_nanos();
        i64::try_from(nanos).unwrap_or(if nanos > 0 { i64::MAX } else { i64::MIN })
    }

    pub(crate) fn in_zone(&self, zone: TimeZone) -> Self {
        Self(self.0.with_time_zone(zone))
    }

    /// Formats by a Go layout.
    pub(crate) fn format(&self, layout: &str) -> String {
        let mut out = String::new();
        let mut rest = layout;
        while !rest.is_empty() {
            let (before, part, after) = next_part(rest);
            out.push_str(before);
            if let Some(part) = part {
                self.write(part, &mut out);
            }
            rest = after;
        }
        out
    }

    fn write(&self, part: Part, out: &mut String) {
        let zoned = &self.0;
        let hour12 = match zoned.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        let text = match part {
            Part::LongMonth => month_name(i64::from(zoned.month())).to_owned(),
            Part::ShortMonth => month_name(i64::from(zoned.month())).chars().take(3).collect(),
            Part::Month => zoned.month().to_string(),
            Part::Month2 => format!("{:02}", zoned.month()),
            Part::LongDay => weekday_name(self.weekday()).to_owned(),
            Part::ShortDay => weekday_name(self.weekday()).chars().take(3).collect(),
            Part::Day => zoned.day().to_string(),
            Part::DaySpace => format!("{:2}", zoned.day()),
            Part::Day2 => format!("{:02}", zoned.day()),
            Part::YearDay => format!("{:03}", zoned.day_of_year()),
            Part::YearDaySpace => format!("{:3}", zoned.day_of_year()),
            Part::Hour => format!("{:02}", zoned.hour()),
            Part::Hour12 => hour12.to_string(),
            Part::Hour12Two => format!("{hour12:02}"),
            Part::Minute => zoned.minute().to_string(),
            Part::Minute2 => format!("{:02}", zoned.minute()),
            Part::Second => zoned.second().to_string(),
            Part::Second2 => format!("{:02}", zoned.second()),
            Part::Year => format!("{:04}", zoned.year()),
            Part::Year2 => format!("{:02}", zoned.year().rem_euclid(100)),
            Part::Upper => if zoned.hour() >= 12 { "PM" } else { "AM" }.to_owned(),
            Part::Lower => if zoned.hour() >= 12 { "pm" } else { "am" }.to_owned(),
            Part::ZoneName => self.zone_name(),
            Part::Zone { z: true, .. } if zoned.offset().seconds() == 0 => "Z".to_owned(),
            Part::Zone { colon, short, .. } => offset(zoned.offset().seconds(), colon, short),
            Part::Fraction { separator, digits, trim } => {
                let nanos = format!("{:09}", zoned.subsec_nanosecond());
                let mut kept: String = nanos.chars().take(digits).collect();
                if trim {
                    kept.truncate(kept.trim_end_matches('0').len());
                }
                if kept.is_empty() { String::new() } else { format!("{separator}{kept}") }
            }
        };
        out.push_str(&text);
    }
}

fn offset(seconds: i32, colon: bool, short: bool) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    if short {
        format!("{sign}{hours:02}")
    } else if colon {
        format!("{sign}{hours:02}:{minutes:02}")
    } else {
        format!("{sign}{hours:02}{minutes:02}")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    LongMonth,
    ShortMonth,
    Month,
    Month2,
    LongDay,
    ShortDay,
    Day,
    DaySpace,
    Day2,
    YearDay,
    YearDaySpace,
    Hour,
    Hour12,
    Hour12Two,
    Minute,
    Minute2,
    Second,
    Second2,
    Year,
    Year2,
    Upper,
    Lower,
    ZoneName,
    Zone { z: bool, colon: bool, short: bool },
    Fraction { separator: char, digits: usize, trim: bool },
}

const PARTS: &[(&str, Part)] = &[
    ("January", Part::LongMonth),
    ("Jan", Part::ShortMonth),
    ("Monday", Part::LongDay),
    ("Mon", Part::ShortDay),
    ("MST", Part::ZoneName),
    ("002", Part::YearDay),
    ("01", Part::Month2),
    ("02", Part::Day2),
    ("03", Part::Hour12Two),
    ("04", Part::Minute2),
    ("05", Part::Second2),
    ("06", Part::Year2),
    ("15", Part::Hour),
    ("1", Part::Month),
    ("2006", Part::Year),
    ("__2", Part::YearDaySpace),
    ("_2", Part::DaySpace),
    ("2", Part::Day),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::Upper),
    ("pm", Part::Lower),
    ("-07:00", Part::Zone { z: false, colon: true, short: false }),
    ("-0700", Part::Zone { z: false, colon: false, short: false }),
    ("-07", Part::Zone { z: false, colon: false, short: true }),
    ("Z07:00", Part::Zone { z: true, colon: true, short: false }),
    ("Z0700", Part::Zone { z: true, colon: false, short: false }),
    ("Z07", Part::Zone { z: true, colon: false, short: true }),
];

/// Splits a layout before its first part: what stands before, the part, what stands behind.
fn next_part(layout: &str) -> (&str, Option<Part>, &str) {
    for (at, _) in layout.char_indices() {
        let Some((before, here)) = layout.split_at_checked(at) else { continue };
        for (text, part) in PARTS {
            if let Some(after) = here.strip_prefix(text) {
                let word = matches!(part, Part::ShortMonth | Part::ShortDay);
                if word && after.starts_with(|one: char| one.is_ascii_lowercase()) {
                    continue;
                }
                return (before, Some(*part), after);
            }
        }
        let mut chars = here.chars();
        if let (Some(separator @ ('.' | ',')), Some(digit @ ('0' | '9'))) = (chars.next(), chars.next()) {
            let digits = here.chars().skip(1).take_while(|one| *one == digit).count();
            let after = here.get(digits.saturating_add(1)..).unwrap_or_default();
            if !after.starts_with(|one: char| one.is_ascii_digit()) {
                let part = Part::Fraction { separator, digits, trim: digit == '9' };
                return (before, Some(part), after);
            }
        }
    }
    (layout, None, "")
}

/// Reads a moment by a Go layout; without a zone in the text it is in `zone`.
///
/// # Errors
/// Go's words.
pub(crate) fn parse(layout: &str, text: &str, zone: &TimeZone) -> Result<Instant, String> {
    let failed = || {
        let (text, layout) = (super::print::quoted(text), super::print::quoted(layout));
        format!("parsing time {text} as {layout}: cannot parse {text} as {layout}")
    };
    let mut fields = Fields { year: 1, month: 1, day: 1, ..Fields::default() };
    let (mut layout_rest, mut rest) = (layout, text);
    while !layout_rest.is_empty() {
        let (before, part, after) = next_part(layout_rest);
        rest = rest.strip_prefix(before).ok_or_else(failed)?;
        if let Some(part) = part {
            rest = fields.read(part, rest).ok_or_else(failed)?;
            // A fraction of seconds is read even where the layout has none.
            let fraction = matches!(part, Part::Second | Part::Second2)
                && !matches!(next_part(after), ("", Some(Part::Fraction { .. }), _))
                && rest.starts_with(['.', ','])
                && rest.chars().nth(1).is_some_and(|one| one.is_ascii_digit());
            if fraction {
                let part = Part::Fraction { separator: '.', digits: 9, trim: true };
                rest = fields.read(part, rest).ok_or_else(failed)?;
            }
        }
        layout_rest = after;
    }
    if !rest.is_empty() {
        let extra = super::print::quoted(rest);
        return Err(format!("parsing time {}: extra text: {extra}", super::print::quoted(text)));
    }
    fields
        .moment(zone)
        .ok_or_else(|| format!("parsing time {}: day out of range", super::print::quoted(text)))
}

#[derive(Default)]
struct Fields {
    year: i16,
    month: i8,
    day: i8,
    year_day: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    afternoon: Option<bool>,
    offset: Option<i32>,
    zone_name: Option<String>,
}

/// Takes between `least` and `most` digits.
fn digits(text: &str, least: usize, most: usize) -> Option<(i32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, rest) = text.split_at_checked(count)?;
    Some((number.parse().ok()?, rest))
}

fn name<'a>(text: &'a str, names: &[&str], short: bool) -> Option<(usize, &'a str)> {
    names.iter().enumerate().find_map(|(at, name)| {
        let wanted: String = if short { name.chars().take(3).collect() } else { (*name).to_owned() };
        let (head, rest) = text.split_at_checked(wanted.len())?;
        head.eq_ignore_ascii_case(&wanted).then_some((at, rest))
    })
}

impl Fields {
    fn read<'a>(&mut self, part: Part, text: &'a str) -> Option<&'a str> {
        let small = |range: std::ops::RangeInclusive<i32>, found: (i32, &'a str)| {
            range.contains(&found.0).then(|| (i8::try_from(found.0).unwrap_or(0), found.1))
        };
        let rest;
        match part {
            Part::LongMonth | Part::ShortMonth => {
                let (at, after) = name(text, &MONTHS, part == Part::ShortMonth)?;
                self.month = i8::try_from(at.saturating_add(1)).ok()?;
                rest = after;
            }
            Part::LongDay | Part::ShortDay => rest = name(text, &DAYS, part == Part::ShortDay)?.1,
            Part::Month => (self.month, rest) = small(1..=12, digits(text, 1, 2)?)?,
            Part::Month2 => (self.month, rest) = small(1..=12, digits(text, 2, 2)?)?,
            Part::Day => (self.day, rest) = small(0..=31, digits(text, 1, 2)?)?,
            Part::DaySpace => (self.day, rest) = small(0..=31, digits(text.trim_start_matches(' '), 1, 2)?)?,
            Part::Day2 => (self.day, rest) = small(0..=31, digits(text, 2, 2)?)?,
            Part::YearDay | Part::YearDaySpace => {
                let (number, after) = digits(text.trim_start_matches(' '), 1, 3)?;
                self.year_day = Some(i16::try_from(number).ok()?);
                rest = after;
            }
            Part::Hour => (self.hour, rest) = small(0..=23, digits(text, 2, 2)?)?,
            Part::Hour12 => (self.hour, rest) = small(0..=12, digits(text, 1, 2)?)?,
            Part::Hour12Two => (self.hour, rest) = small(0..=12, digits(text, 2, 2)?)?,
            Part::Minute => (self.minute, rest) = small(0..=59, digits(text, 1, 2)?)?,
            Part::Minute2 => (self.minute, rest) = small(0..=59, digits(text, 2, 2)?)?,
            Part::Second => (self.second, rest) = small(0..=59, digits(text, 1, 2)?)?,
            Part::Second2 => (self.second, rest) = small(0..=59, digits(text, 2, 2)?)?,
            Part::Year => {
                let (number, after) = digits(text, 4, 4)?;
                self.year = i16::try_from(number).ok()?;
                rest = after;
            }
            Part::Year2 => {
                let (number, after) = digits(text, 2, 2)?;
                let century = if number >= 69 { 1900 } else { 2000 };
                self.year = i16::try_from(number.saturating_add(century)).ok()?;
                rest = after;
            }
            Part::Upper | Part::Lower => {
                let (word, after) = text.split_at_checked(2)?;
                self.afternoon = Some(match word {
                    "AM" if part == Part::Upper => false,
                    "PM" if part == Part::Upper => true,
                    "am" if part == Part::Lower => false,
                    "pm" if part == Part::Lower => true,
                    _ => return None,
                });
                rest = after;
            }
            Part::ZoneName => {
                let count = text.bytes().take_while(u8::is_ascii_uppercase).count();
                let (word, after) = text.split_at_checked(count)?;
                if !(3..=5).contains(&count) {
                    return None;
                }
                self.zone_name = Some(word.to_owned());
                rest = after;
            }
            Part::Zone { z: true, .. } if text.starts_with('Z') => {
                self.offset = Some(0);
                rest = text.get(1..)?;
            }
            Part::Zone { colon, short, .. } => rest = self.read_offset(text, colon, short)?,
            Part::Fraction { trim, digits: wanted, .. } => {
                let Some(after) = text.strip_prefix(['.', ',']) else { return trim.then_some(text) };
                let count = after.bytes().take_while(u8::is_ascii_digit).count();
                if count == 0 || (!trim && count != wanted) {
                    return None;
                }
                let (number, after) = after.split_at_checked(count)?;
                let padded: String = number.chars().chain(std::iter::repeat('0')).take(9).collect();
                self.nanos = padded.parse().ok()?;
                rest = after;
            }
        }
        Some(rest)
    }

    fn read_offset<'a>(&mut self, text: &'a str, colon: bool, short: bool) -> Option<&'a str> {
        let negative = text.starts_with('-');
        let after = text.strip_prefix(['+', '-'])?;
        let (hours, mut after) = digits(after, 2, 2)?;
        let mut minutes = 0;
        if !short {
            if colon {
                after = after.strip_prefix(':')?;
            }
            (minutes, after) = digits(after, 2, 2)?;
        }
        let seconds = hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60));
        self.offset = Some(if negative { seconds.saturating_neg() } else { seconds });
        Some(after)
    }

    fn moment(self, zone: &TimeZone) -> Option<Instant> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour.saturating_add(12),
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = match self.year_day {
            Some(day) => {
                let first = civil::Date::new(self.year, 1, 1).ok()?;
                first.checked_add(jiff::Span::new().try_days(i64::from(day.saturating_sub(1))).ok()?).ok()?
            }
            None => civil::Date::new(self.year, self.month, self.day).ok()?,
        };
        let time = civil::Time::new(hour, self.minute, self.second, self.nanos).ok()?;
        let zone = match (self.offset, self.zone_name.as_deref()) {
            (Some(0), _) | (None, Some("UTC")) => TimeZone::UTC,
            (Some(seconds), _) => jiff::tz::Offset::from_seconds(seconds).ok()?.to_time_zone(),
            (None, _) => zone.clone(),
        };
        date.to_datetime(time).to_zoned(zone).ok().map(Instant)
    }
}

/// Returns a time zone by its IANA name; the empty one and `UTC` are UTC.
///
/// # Errors
/// Go's words.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    match name {
        "" | "UTC" | "Local" => Ok(TimeZone::UTC),
        _ => TimeZone::get(name).map_err(|_| format!("unknown time zone {name}")),
    }
}

/// Returns a duration as Go prints it: `1h30m0s`, `1.5ms`.
pub(crate) fn duration(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    if size == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let decimal = |whole: u64, unit: u64, width: usize| {
        let (number, part) = (whole / unit, whole % unit);
        let fraction = format!("{part:0width$}");
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { number.to_string() } else { format!("{number}.{fraction}") }
    };
    if size < 1_000_000_000 {
        return match size {
            0..1_000 => format!("{sign}{size}ns"),
            1_000..1_000_000 => format!("{sign}{}µs", decimal(size, 1_000, 3)),
            _ => format!("{sign}{}ms", decimal(size, 1_000_000, 6)),
        };
    }
    let minutes = size / 60_000_000_000;
    let seconds = decimal(size % 60_000_000_000, 1_000_000_000, 9);
    if minutes == 0 {
        format!("{sign}{seconds}s")
    } else if minutes < 60 {
        format!("{sign}{minutes}m{seconds}s")
    } else {
        format!("{sign}{}h{}m{seconds}s", minutes / 60, minutes % 60)
    }
}

/// Reads a duration as Go does: `1h30m`, `-1.5s`, `100ms`.
///
/// # Errors
/// Go's words.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let shown = super::print::quoted(text);
    let invalid = || format!("time: invalid duration {shown}");
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: f64 = 0.0;
    let mut exact: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|one: char| !(one.is_ascii_digit() || one == '.')).unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(end).ok_or_else(invalid)?;
        if number.is_empty() || number == "." || number.matches('.').count() > 1 {
            return Err(invalid());
        }
        let end = after.find(|one: char| one.is_ascii_digit() || one == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at_checked(end).ok_or_else(invalid)?;
        let scale: i64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(format!("time: missing unit in duration {shown}")),
            _ => {
                let unit = super::print::quoted(unit);
                return Err(format!("time: unknown unit {unit} in duration {shown}"));
            }
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        exact = exact.saturating_add(whole.saturating_mul(i128::from(scale)));
        if !fraction.is_empty() {
            let fraction: f64 = format!("0.{fraction}").parse().map_err(|_| invalid())?;
            #[expect(clippy::cast_precision_loss, reason = "units are small")]
            let scale = scale as f64;
            total += (fraction * scale).floor();
        }
        rest = next;
    }
    #[expect(clippy::cast_possible_truncation, reason = "fractions of units are small")]
    let exact = exact.saturating_add(total as i128);
    let size = i64::try_from(exact).map_err(|_| invalid())?;
    Ok(if negative { size.saturating_neg() } else { size })
}
