//! Workflows on a schedule: what a CronWorkflow starts, skips, stops and deletes at one moment.
//! Source: Argo v4.1.2 `workflow/cron/{controller,operator}.go`, `workflow/common/convert.go`.
//!
//! How it is driven: whoever keeps the CronWorkflow calls [`decide`] when it begins (without a plan), when the
//! plan's [`Plan::wake`] comes, when a child ends, and when the object changes; stores [`Decision::cron`], carries
//! out the rest in the order of the fields, and gives each start's end back by [`started`] or [`refused`].
//!
//! Not here: the clock, storing, submitting; how a schedule is read (see `model::cron`); who may start what.
//!
//! Invariant: one due time of one CronWorkflow always gives the same name, so that it is started once at most.

mod child;
mod condition;
mod decide;
mod next;

pub use child::{Backfill, backfilled, started_by_hand, workflow};
pub use decide::{Child, Decision, Plan, Skip, Start, decide, invalid, refused, started};
pub use next::Rhythm;

use jiff::{Timestamp, tz::TimeZone};
use model::{argo::CronWorkflowSpec, cron::ScheduleError};

/// The most times a backfill names.
pub const MAX_BACKFILL: usize = 10_000;

/// The annotation with the schedule that was used last.
pub const LAST_USED_SCHEDULE: &str = "cronworkflows.argoproj.io/last-used-schedule";
/// The label of a CronWorkflow that has stopped for good.
pub const COMPLETED_LABEL: &str = "workflows.argoproj.io/cron-workflow-completed";
/// The label of a Workflow with the name of its CronWorkflow.
pub const CRON_WORKFLOW_LABEL: &str = "workflows.argoproj.io/cron-workflow";
/// The label of a Workflow of a backfill with the name of its CronWorkflow.
pub const BACKFILL_LABEL: &str = "workflows.argoproj.io/cron-workflow-backfill";
/// The annotation of a Workflow with the time it was due.
pub const SCHEDULED_TIME: &str = "workflows.argoproj.io/scheduled-time";

/// Returns the schedules as they count, ready to be asked when they are due.
///
/// # Errors
/// [`ScheduleError`] for the first that cannot be read.
pub fn rhythms(spec: &CronWorkflowSpec, local: &TimeZone) -> Result<Vec<Rhythm>, ScheduleError> {
    spec.all_schedules().into_iter().map(|text| Rhythm::parse(text, &spec.timezone, local)).collect()
}

/// Returns the times a CronWorkflow was due after `from`, up to and with `to`, the earliest first, each once; not
/// more than [`MAX_BACKFILL`]. Source: Argo `cmd/argo/commands/cron/backfill.go`.
///
/// # Errors
/// [`ScheduleError`].
pub fn due_between(
    spec: &CronWorkflowSpec,
    local: &TimeZone,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Timestamp>, ScheduleError> {
    let rhythms = rhythms(spec, local)?;
    let mut times = Vec::new();
    let mut at = from;
    while times.len() < MAX_BACKFILL
        && let Some(due) = rhythms.iter().filter_map(|rhythm| rhythm.next(at)).min().filter(|due| *due <= to)
    {
        times.push(due);
        at = due;
    }
    Ok(times)
}
