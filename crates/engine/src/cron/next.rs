//! When a schedule is due next, as robfig/cron v3 `SpecSchedule.Next` finds it: local times that a change of the
//! clocks leaves out are skipped, those it repeats are due twice. Source: robfig/cron `spec.go`, Go `time.Date`.
//! Not here: how a schedule is read (see `model::cron`).

use jiff::{
    SignedDuration, Span, Timestamp, Zoned,
    civil::{Date, DateTime, time},
    tz::{TimeZone, TimeZoneDatabase},
};
use model::cron::{Fields, Schedule, ScheduleError, Times};

/// Years after which a schedule that is never due is given up (30 February).
const GIVE_UP_YEARS: i16 = 5;

/// A schedule with the time zone it is read in.
#[derive(Debug, Clone)]
pub struct Rhythm {
    times: Times,
    zone: TimeZone,
}

impl Rhythm {
    /// Reads a schedule; `timezone` is the zone of the CronWorkflow, if it names one, `local` the machine's.
    /// A zone in the schedule's own text counts more than both.
    ///
    /// # Errors
    /// [`ScheduleError`] with robfig's words.
    pub fn parse(text: &str, timezone: &str, local: &TimeZone) -> Result<Self, ScheduleError> {
        let schedule = match timezone {
            "" => Schedule::parse(text)?,
            named => Schedule::parse(&format!("CRON_TZ={named} {text}"))?,
        };
        let zone = match schedule.timezone.as_deref() {
            None | Some("Local") => local.clone(),
            Some("" | "UTC") => TimeZone::UTC,
            Some(name) => TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC),
        };
        Ok(Self { times: schedule.times, zone })
    }

    /// Returns when it is due next after `after`, to the second; `None` if it is not within five years.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.times {
            Times::Every(ms) => every(*ms, after, 1),
            Times::Fields(fields) => of_fields(fields, &self.zone, after),
        }
    }

    /// Returns the last time it was due after `after`, until and with `now`.
    pub(super) fn last_until(&self, after: Timestamp, now: Timestamp) -> Option<Timestamp> {
        if let Times::Every(ms) = &self.times {
            let gone = now.duration_since(every(0, after, 0)?).as_nanos();
            let count = u64::try_from(gone.checked_div(i128::from(*ms).checked_mul(1_000_000)?)?).ok()?;
            return if count == 0 { None } else { every(*ms, after, count) };
        }
        // Near times first: a schedule of every minute must not be walked through for years.
        const WINDOWS: [i64; 4] = [3_600, 86_400, 40 * 86_400, i64::MAX];
        for seconds in WINDOWS {
            let begin = now.checked_sub(SignedDuration::from_secs(seconds)).map_or(after, |at| at.max(after));
            let mut last = None;
            let mut due = self.next(begin);
            while let Some(at) = due.filter(|at| *at <= now) {
                last = Some(at);
                due = self.next(at);
            }
            if last.is_some() || begin == after {
                return last;
            }
        }
        None
    }
}

fn every(ms: u64, after: Timestamp, count: u64) -> Option<Timestamp> {
    let whole = Timestamp::from_second(after.as_second()).ok()?;
    whole.checked_add(SignedDuration::from_millis(i64::try_from(ms.checked_mul(count)?).ok()?)).ok()
}

/// Returns the moment of a local time as Go's `time.Date` does: in a gap, moved by the gap; repeated, the first.
fn moment(local: DateTime, zone: &TimeZone) -> Option<Zoned> {
    let utc = local.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let guess = utc.checked_sub(zone.to_offset(utc).duration_since(jiff::tz::Offset::UTC)).ok()?;
    let at = utc.checked_sub(zone.to_offset(guess).duration_since(jiff::tz::Offset::UTC)).ok()?;
    Some(at.to_zoned(zone.clone()))
}

const fn has(set: u64, value: i8) -> bool {
    set >> (value as u32) & 1 == 1
}

fn day_matches(fields: &Fields, date: Date) -> bool {
    let day = has(fields.days, date.day());
    let weekday = has(fields.weekdays, date.weekday().to_sunday_zero_offset());
    if fields.any_day || fields.any_weekday { day && weekday } else { day || weekday }
}

fn of_fields(fields: &Fields, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let start = Timestamp::from_second(after.as_second().checked_add(1)?).ok()?;
    let mut at = start.to_zoned(zone.clone());
    let limit = at.year().checked_add(GIVE_UP_YEARS)?;
    // Whether the smaller fields have been set to their first values.
    let mut reset = false;
    loop {
        if at.year() > limit {
            return None;
        }
        match earliest(fields, zone, &mut at, &mut reset)? {
            Found::Due => return Some(at.timestamp()),
            Found::Again => {}
        }
    }
}

enum Found {
    Due,
    /// A greater field has come round: begin again.
    Again,
}

fn earliest(fields: &Fields, zone: &TimeZone, at: &mut Zoned, reset: &mut bool) -> Option<Found> {
    while !has(fields.months, at.month()) {
        let first =
            if *reset { at.datetime() } else { at.date().first_of_month().to_datetime(time(0, 0, 0, 0)) };
        *reset = true;
        *at = moment(first.checked_add(Span::new().months(1)).ok()?, zone)?;
        if at.month() == 1 {
            return Some(Found::Again);
        }
    }
    while !day_matches(fields, at.date()) {
        let begin = if *reset { at.datetime() } else { at.date().to_datetime(time(0, 0, 0, 0)) };
        *reset = true;
        *at = moment(begin.checked_add(Span::new().days(1)).ok()?, zone)?;
        // A day that has no midnight, or two of them.
        let hour = i64::from(at.hour());
        if hour != 0 {
            let shift = if hour > 12 { 24_i64.checked_sub(hour)? } else { hour.checked_neg()? };
            *at = at.checked_add(SignedDuration::from_hours(shift)).ok()?;
        }
        if at.day() == 1 {
            return Some(Found::Again);
        }
    }
    while !has(fields.hours, at.hour()) {
        if !*reset {
            *at = moment(at.date().to_datetime(time(at.hour(), 0, 0, 0)), zone)?;
            *reset = true;
        }
        *at = at.checked_add(SignedDuration::from_hours(1)).ok()?;
        if at.hour() == 0 {
            return Some(Found::Again);
        }
    }
    while !has(fields.minutes, at.minute()) {
        if !*reset {
            let whole = at.timestamp().as_second();
            let minute = Timestamp::from_second(whole.checked_sub(whole.rem_euclid(60))?).ok()?;
            *at = minute.to_zoned(zone.clone());
            *reset = true;
        }
        *at = at.checked_add(SignedDuration::from_mins(1)).ok()?;
        if at.minute() == 0 {
            return Some(Found::Again);
        }
    }
    let second = at.second();
    if second != 0 {
        *reset = true;
        *at = at.checked_add(SignedDuration::from_secs(60_i64.checked_sub(i64::from(second))?)).ok()?;
        // A second that comes round belongs to the next minute, which is checked again.
        return Some(Found::Again);
    }
    Some(Found::Due)
}
