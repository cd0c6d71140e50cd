//! `marque cron backfill`: runs for times a schedule was due in the past. Source: Argo `cmd/argo/commands/cron/backfill.go`, which
//! lets a workflow create the runs; here they are submitted one by one, under names that the times give, so that asking
//! twice starts nothing twice. Not here: the schedules themselves, which are applied (`apply`) and kept by the server.

use audit::Clock as _;
use clap::Args;
use engine::cron::{Backfill, MAX_BACKFILL, backfilled, due_between};
use jiff::{Timestamp, civil, fmt::rfc2822, tz::TimeZone};
use runner::clock::{SystemClock, local_zone};

use crate::{args::Global, command::session, error::CliError, exit::Exit, render::table::tame, shell::Shell};

/// Start a run for each time a schedule was due, in your own name.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque cron backfill nightly --start 2026-03-01 --end 2026-03-08 -n finance
  marque cron backfill nightly --start 'Sun, 01 Mar 2026 00:00:00 UTC' --parallel --argname day

One after the other, unless --parallel: they wait for a mutex of the backfill's name. Each run gets the time as the
parameter of --argname and as {{workflow.scheduledTime}}. Runs that a backfill of the same name has started are not
started again.")]
pub struct BackfillArgs {
    /// The CronWorkflow
    #[arg(value_name = "CRONWORKFLOW")]
    pub cron: String,
    /// The backfill's name; made of its times when absent
    #[arg(long)]
    pub name: Option<String>,
    /// Times after this one: RFC 1123, RFC 3339, or YYYY-MM-DD [HH:MM[:SS]] in UTC
    #[arg(long, value_name = "TIME")]
    pub start: String,
    /// Times up to this one; now when absent
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,
    /// All runs at once
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub parallel: bool,
    /// What scripts for `argo` write after `--parallel`
    #[arg(hide = true, value_parser = ["true", "false"])]
    pub parallel_or_not: Option<String>,
    /// The parameter that gets the time
    #[arg(long, value_name = "NAME", default_value = "cronScheduleTime")]
    pub argname: String,
}

/// Starts runs for times of the past.
///
/// # Errors
/// [`CliError`] of the first run that is not started; those before it are.
pub(super) async fn backfill(
    args: &BackfillArgs,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    let start = time("--start", &args.start)?;
    let end = args.end.as_deref().map_or_else(|| Ok(SystemClock.now()), |text| time("--end", text))?;
    if end < start {
        return Err(CliError::Usage("--end is before --start".to_owned()));
    }
    let client = session::connect(global, shell)?;
    let cron = client.cron_workflow(&global.namespace, &args.cron).await?;
    let unfit =
        |error: &dyn std::error::Error| CliError::Usage(format!("cron schedule is malformed: {error}"));
    let times = due_between(&cron.spec, &local_zone(), start, end).map_err(|error| unfit(&error))?;
    if times.is_empty() {
        writeln!(shell.out, "There is no suitable scheduling time.")?;
        return Ok(Exit::OK);
    }
    if times.len() >= MAX_BACKFILL {
        return Err(CliError::Usage(format!(
            "a backfill has fewer than {MAX_BACKFILL} times: ask for a shorter one"
        )));
    }
    let made = || format!("{}-{}", start.as_second(), end.as_second());
    let backfill = Backfill {
        name: args.name.clone().unwrap_or_else(made),
        parameter: args.argname.clone(),
        parallel: args.parallel && args.parallel_or_not.as_deref() != Some("false"),
    };
    writeln!(shell.out, "Backfill task for Cronworkflow {}", tame(&args.cron))?;
    writeln!(shell.out, "Backfill Period :")?;
    let end_shown = args.end.as_deref().map_or_else(|| shown(end), tame);
    writeln!(shell.out, "Start Time : {}", tame(&args.start))?;
    writeln!(shell.out, "End Time : {end_shown}")?;
    writeln!(shell.out, "Total Backfill Schedule: {}", times.len())?;
    for due in times {
        let mut workflow = backfilled(&cron, &backfill, due, &TimeZone::UTC);
        global.namespace.clone_into(&mut workflow.metadata.namespace);
        let name = tame(&workflow.metadata.name);
        match client.create(&global.namespace, &workflow, false).await {
            Ok(_) => writeln!(shell.out, "{name} submitted for {due}")?,
            Err(CliError::Conflict(_)) => writeln!(shell.out, "{name} is there already")?,
            Err(error) => return Err(error),
        }
    }
    Ok(Exit::OK)
}

/// Returns a moment as Argo writes it: RFC 1123, in GMT.
fn shown(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Returns the time that is written, in one of several forms.
fn time(option: &str, text: &str) -> Result<Timestamp, CliError> {
    let text = text.trim();
    let of_day = || {
        let spaced = text.replacen(' ', "T", 1);
        let at: civil::DateTime = spaced.parse().ok().or_else(|| {
            let day: civil::Date = text.parse().ok()?;
            Some(day.at(0, 0, 0, 0))
        })?;
        at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
    };
    let by_name = text.strip_suffix("UTC").map_or_else(|| text.to_owned(), |rest| format!("{rest}GMT"));
    // as Go reads it: the day of the week is not checked
    let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let of_mail = || parser.parse_timestamp(&by_name).ok();
    text.parse().ok().or_else(of_mail).or_else(of_day).ok_or_else(|| {
        let forms = "RFC 1123, RFC 3339, or YYYY-MM-DD [HH:MM[:SS]]";
        CliError::Usage(format!("`{}` of {option} is no time: {forms}", tame(text)))
    })
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_read_in_several_forms() {
        for text in [
            "2026-03-01",
            "2026-03-01 00:00",
            "2026-03-01 00:00:00",
            "2026-03-01T00:00:00Z",
            "2026-03-01T01:00:00+01:00",
            "Sun, 01 Mar 2026 00:00:00 UTC",
            "Sun, 01 Mar 2026 00:00:00 GMT",
            "Sun, 01 Mar 2026 01:00:00 +0100",
        ] {
            assert_eq!(time("--start", text).unwrap().to_string(), "2026-03-01T00:00:00Z", "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "Sun"] {
            let said = time("--end", text).unwrap_err().to_string();
            assert!(said.contains("of --end is no time"), "{said}");
        }
    }
}
