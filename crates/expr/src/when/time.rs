//! Quoted dates, which govaluate compares as seconds since 1970. Source: govaluate `parsing.go` tryParseTime over
//! Go's `time.Parse`.
//! Not here: named zones other than UTC, whose offset Go does not know either; a date without a zone is UTC.

/// Go's layouts, in the order govaluate tries them.
const LAYOUTS: [&str; 14] = [
    "Mon Jan _2 15:04:05 2006",
    "Mon Jan _2 15:04:05 MST 2006",
    "Mon Jan 02 15:04:05 -0700 2006",
    "3:04PM",
    "2006-01-02T15:04:05Z07:00",
    "2006-01-02T15:04:05.999999999Z07:00",
    "2006-01-02",
    "2006-01-02 15:04",
    "2006-01-02 15:04:05",
    "2006-01-02 15:04:05-07:00",
    "2006-01-02T15Z0700",
    "2006-01-02T15:04Z0700",
    "2006-01-02T15:04:05Z0700",
    "2006-01-02T15:04:05.999999999Z0700",
];

/// The parts of the layouts, a longer one before its beginning.
const PARTS: [&str; 18] = [
    "2006",
    "Z07:00",
    "-07:00",
    "Z0700",
    "-0700",
    ".999999999",
    "Mon",
    "MST",
    "Jan",
    "_2",
    "01",
    "02",
    "04",
    "05",
    "15",
    "PM",
    "3",
    " ",
];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// A date and time as far as it has been read.
struct Read {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    offset: i64,
}

/// Returns the seconds since 1970 of a text that is a date in one of the layouts.
pub(super) fn unix_seconds(text: &str) -> Option<f64> {
    LAYOUTS.iter().find_map(|layout| by_layout(text, layout))
}

fn by_layout(text: &str, layout: &str) -> Option<f64> {
    let mut read =
        Read { year: 0, month: 1, day: 1, hour: 0, afternoon: None, minute: 0, second: 0, offset: 0 };
    let (mut rest, mut layout) = (text, layout);
    while !layout.is_empty() {
        match PARTS.iter().find_map(|part| layout.strip_prefix(part).map(|behind| (*part, behind))) {
            Some((part, behind)) => {
                rest = read.part(part, rest)?;
                layout = behind;
            }
            None => {
                let mut letters = layout.chars();
                rest = rest.strip_prefix(letters.next()?)?;
                layout = letters.as_str();
            }
        }
    }
    if rest.is_empty() { read.unix_seconds() } else { None }
}

/// Reads a number of `least` to `most` digits.
fn number(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(digits).filter(|(digits, _)| digits.len() >= least)?;
    Some((digits.parse().ok()?, rest))
}

fn name<'a>(text: &'a str, names: &[&str]) -> Option<(i64, &'a str)> {
    let (head, rest) = text.split_at_checked(3)?;
    let at = names.iter().position(|name| name.eq_ignore_ascii_case(head))?;
    Some((i64::try_from(at).ok()?, rest))
}

/// Leaves out a fraction of a second, if there is one.
fn fraction(text: &str) -> &str {
    let Some(behind) = text.strip_prefix(['.', ',']) else { return text };
    let rest = behind.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == behind.len() { text } else { rest }
}

impl Read {
    fn part<'a>(&mut self, part: &str, text: &'a str) -> Option<&'a str> {
        let (field, (value, rest)) = match part {
            // Go takes any number of spaces, or none, for one.
            " " => return Some(text.trim_start_matches(' ')),
            ".999999999" => return Some(fraction(text)),
            "Mon" => return name(text, &DAYS).map(|(_, rest)| rest),
            "MST" => {
                let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
                return (3..=4).contains(&letters).then(|| text.get(letters..)).flatten();
            }
            "PM" => {
                let (half, rest) = text.split_at_checked(2)?;
                self.afternoon = Some(match half {
                    "PM" => true,
                    "AM" => false,
                    _ => return None,
                });
                return Some(rest);
            }
            "Z07:00" | "-07:00" | "Z0700" | "-0700" => return self.zone(part, text),
            "Jan" => {
                let (month, rest) = name(text, &MONTHS)?;
                self.month = month.checked_add(1)?;
                return Some(rest);
            }
            "2006" => (&mut self.year, number(text, 4, 4)?),
            "01" => (&mut self.month, number(text, 2, 2)?),
            "02" => (&mut self.day, number(text, 2, 2)?),
            "_2" => (&mut self.day, number(text.strip_prefix(' ').unwrap_or(text), 1, 2)?),
            "3" | "15" => (&mut self.hour, number(text, 1, 2)?),
            "04" => (&mut self.minute, number(text, 2, 2)?),
            "05" => {
                let (second, rest) = number(text, 2, 2)?;
                (&mut self.second, (second, fraction(rest)))
            }
            _ => return None,
        };
        *field = value;
        Some(rest)
    }

    fn zone<'a>(&mut self, part: &str, text: &'a str) -> Option<&'a str> {
        if part.starts_with('Z') && text.starts_with('Z') {
            return text.strip_prefix('Z');
        }
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let (hours, rest) = number(text.strip_prefix(['+', '-'])?, 2, 2)?;
        let rest = if part.contains(':') { rest.strip_prefix(':')? } else { rest };
        let (minutes, rest) = number(rest, 2, 2)?;
        if hours > 24 || minutes >= 60 {
            return None;
        }
        self.offset = sign * (hours * 3_600 + minutes * 60);
        Some(rest)
    }

    fn unix_seconds(&self) -> Option<f64> {
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            Some(_) => self.hour,
        };
        if hour >= 24 || self.minute >= 60 || self.second >= 60 {
            return None;
        }
        let days = days(self.year, self.month, self.day)?;
        Some((days * 86_400 + hour * 3_600 + self.minute * 60 + self.second - self.offset) as f64)
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}
