//! The decision of one moment. Source: Argo `workflow/cron/operator.go` run, enforceRuntimePolicy,
//! shouldOutstandingWorkflowsBeRun, reconcileActiveWfs, enforceHistoryLimit.
//! Not here: the conditions themselves (see `condition`), what a Workflow looks like (see `child`).

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use model::argo::{API_VERSION, AnyString, CronWorkflow, CronWorkflowStatus, Workflow, WorkflowPhase};
use serde_json::{Value, json};

use super::{COMPLETED_LABEL, LAST_USED_SCHEDULE, child, condition, next::Rhythm, rhythms};

/// A Workflow that carries the CronWorkflow's label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uid: String,
    /// Its phase.
    pub phase: WorkflowPhase,
    /// When it ended, if it has.
    pub finished: Option<Timestamp>,
}

/// When the schedules of a CronWorkflow are due next. It is not stored: whoever drives begins without one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The schedules it was made for.
    schedules: String,
    due: Vec<Option<Timestamp>>,
}

impl Plan {
    /// Returns when [`decide`] must be called again at the latest; `None` if nothing is due any more.
    pub fn wake(&self) -> Option<Timestamp> {
        self.due.iter().flatten().min().copied()
    }
}

/// A Workflow to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// When it was due.
    pub due: Timestamp,
    /// The Workflow. If one of its name exists already, it has been started before, and nothing is to be done.
    pub workflow: Workflow,
}

/// Why a due time passes without a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// `spec.suspend`.
    Suspended,
    /// Its `stopStrategy` has stopped it for good.
    Stopped,
    /// Its `when` is false.
    When,
    /// `Forbid`, and a run before has not ended.
    Forbidden,
    /// `Replace`, and a later time is due as well.
    Replaced,
    /// Something is wrong with it; the status has a condition that says what.
    Error,
}

/// What is to be done at one moment, in the order of the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The CronWorkflow with its new status, labels and annotations, to be stored if it differs.
    pub cron: CronWorkflow,
    /// The names of Workflows to be terminated (`Replace`).
    pub terminate: Vec<String>,
    /// The Workflows to be started.
    pub start: Vec<Start>,
    /// The names of Workflows to be deleted: ended, and over the limits of history.
    pub delete: Vec<String>,
    /// The due times that pass without a start.
    pub skipped: Vec<(Timestamp, Skip)>,
    /// What to call [`decide`] with next time.
    pub plan: Plan,
}

/// Decides what `cron` does at `now`, whose Workflows are `children`. Without a plan, or after its schedules have
/// changed, a run that was missed is made up for if `startingDeadlineSeconds` says so.
pub fn decide(
    cron: &CronWorkflow,
    children: &[Child],
    now: Timestamp,
    local: &TimeZone,
    plan: Option<&Plan>,
) -> Decision {
    let mut decision = Decision {
        cron: cron.clone(),
        terminate: Vec::new(),
        start: Vec::new(),
        delete: outlived(cron, children),
        skipped: Vec::new(),
        plan: Plan::default(),
    };
    reconcile(&mut decision.cron, children, now);
    let rhythms = match rhythms(&cron.spec, local) {
        Ok(rhythms) => rhythms,
        Err(error) => {
            decision.cron = invalid(decision.cron, &format!("cron schedule is malformed: {error}"));
            return decision;
        }
    };
    let schedules = schedule_text(cron);
    let planned = plan.filter(|plan| plan.schedules == schedules && plan.due.len() == rhythms.len());
    let due = match planned {
        Some(plan) => plan.due.iter().flatten().filter(|due| **due <= now).copied().collect(),
        None => missed(cron, &rhythms, now).into_iter().collect(),
    };
    run(&mut decision, due, now, local);
    let next = |(at, rhythm): (usize, &Rhythm)| {
        let kept = planned.and_then(|plan| plan.due.get(at).copied().flatten()).filter(|due| *due > now);
        kept.or_else(|| rhythm.next(now))
    };
    let stopped = status(&mut decision.cron).phase == STOPPED;
    let due = if stopped { Vec::new() } else { rhythms.iter().enumerate().map(next).collect() };
    decision.plan = Plan { schedules, due };
    decision
}

const STOPPED: &str = "Stopped";

fn status(cron: &mut CronWorkflow) -> &mut CronWorkflowStatus {
    cron.status.get_or_insert_with(CronWorkflowStatus::default)
}

/// The schedules with their time zone, as the annotation keeps them.
fn schedule_text(cron: &CronWorkflow) -> String {
    let one = |text: &str| match cron.spec.timezone.as_str() {
        "" => text.to_owned(),
        zone => format!("CRON_TZ={zone} {text}"),
    };
    cron.spec.all_schedules().into_iter().map(one).collect::<Vec<_>>().join(",")
}

fn uses_new_schedule(cron: &CronWorkflow) -> bool {
    cron.metadata.annotations.get(LAST_USED_SCHEDULE).map(AnyString::as_str) != Some(&schedule_text(cron))
}

/// Returns the run that was missed and is still to be started: the last one of the first schedule that has one.
fn missed(cron: &CronWorkflow, rhythms: &[Rhythm], now: Timestamp) -> Option<Timestamp> {
    if uses_new_schedule(cron) {
        return None;
    }
    let last: Timestamp = cron.status.as_ref()?.last_scheduled_time.as_ref()?.parse().ok()?;
    let deadline = SignedDuration::from_secs(cron.spec.starting_deadline_seconds?);
    let in_time = |due: &Timestamp| due.checked_add(deadline).is_ok_and(|until| now < until);
    rhythms.iter().find_map(|rhythm| rhythm.last_until(last, now).filter(in_time))
}

fn run(decision: &mut Decision, mut due: Vec<Timestamp>, now: Timestamp, local: &TimeZone) {
    due.sort_unstable();
    due.dedup();
    let replaces = decision.cron.spec.concurrency_policy == "Replace";
    let last = due.last().copied();
    for at in due {
        if uses_new_schedule(&decision.cron) {
            let schedules = schedule_text(&decision.cron);
            decision.cron.metadata.annotations.insert(LAST_USED_SCHEDULE.to_owned(), AnyString(schedules));
        }
        let verdict = match replaces && last != Some(at) {
            true => Err(Skip::Replaced),
            false => proceed(decision, now),
        };
        match verdict {
            Ok(()) => {
                let workflow = child::workflow(&decision.cron, at, local);
                decision.start.push(Start { due: at, workflow });
            }
            Err(skip) => decision.skipped.push((at, skip)),
        }
    }
}

/// Whether a due run starts; terminates those it replaces.
fn proceed(decision: &mut Decision, now: Timestamp) -> Result<(), Skip> {
    let cron = &mut decision.cron;
    remove_condition(cron, SPEC_ERROR);
    check_stop(cron, now).map_err(|reason| {
        let name = &cron.metadata.name;
        *cron = invalid(
            cron.clone(),
            &format!("failed to check CronWorkflow '{name}' stopping condition: {reason}"),
        );
        Skip::Error
    })?;
    if cron.spec.suspend {
        return Err(Skip::Suspended);
    }
    if status(cron).phase == STOPPED {
        return Err(Skip::Stopped);
    }
    match condition::when(cron, now) {
        Ok(true) => {}
        Ok(false) => return Err(Skip::When),
        Err(reason) => {
            *cron = refused(cron.clone(), &format!("run policy error: {reason}"));
            return Err(Skip::Error);
        }
    }
    let active = !status(cron).active.is_empty() || !decision.start.is_empty();
    match decision.cron.spec.concurrency_policy.as_str() {
        "" | "Allow" => Ok(()),
        "Forbid" if active => Err(Skip::Forbidden),
        "Forbid" => Ok(()),
        "Replace" => {
            let names = status(&mut decision.cron).active.iter().filter_map(|one| text(one, "name"));
            decision.terminate.extend(names.map(str::to_owned));
            Ok(())
        }
        other => {
            let reason = format!("run policy error: invalid ConcurrencyPolicy: {other}");
            decision.cron = refused(decision.cron.clone(), &reason);
            Err(Skip::Error)
        }
    }
}

fn check_stop(cron: &mut CronWorkflow, now: Timestamp) -> Result<(), String> {
    if condition::stops(cron, now)? {
        status(cron).phase = STOPPED.to_owned();
        cron.metadata.labels.insert(COMPLETED_LABEL.to_owned(), AnyString("true".to_owned()));
    }
    Ok(())
}

fn text<'a>(reference: &'a Value, field: &str) -> Option<&'a str> {
    reference.get(field).and_then(Value::as_str)
}

/// Brings the list of active Workflows up to date and counts those that have ended.
fn reconcile(cron: &mut CronWorkflow, children: &[Child], now: Timestamp) {
    let namespace = cron.metadata.namespace.clone();
    let known = status(cron);
    for child in children.iter().filter(|child| !child.phase.is_completed()) {
        if !known.active.iter().any(|one| text(one, "uid") == Some(&child.uid)) {
            known.active.push(reference(&child.name, &child.uid, &namespace));
        }
    }
    for one in std::mem::take(&mut status(cron).active) {
        match children.iter().find(|child| text(&one, "uid") == Some(&child.uid)) {
            Some(child) if !child.phase.is_completed() => status(cron).active.push(one),
            Some(child) => {
                let status = status(cron);
                match child.phase {
                    WorkflowPhase::Succeeded => status.succeeded = status.succeeded.saturating_add(1),
                    _ => status.failed = status.failed.saturating_add(1),
                }
                if let Err(reason) = check_stop(cron, now) {
                    let name = &cron.metadata.name;
                    let message =
                        format!("failed to check CronWorkflow '{name}' stopping condition: {reason}");
                    *cron = invalid(cron.clone(), &message);
                }
            }
            None => {}
        }
    }
}

fn reference(name: &str, uid: &str, namespace: &str) -> Value {
    json!({"apiVersion": API_VERSION, "kind": "Workflow", "name": name, "namespace": namespace, "uid": uid})
}

/// Returns the names of the ended Workflows over the limits, the oldest of each kind.
fn outlived(cron: &CronWorkflow, children: &[Child]) -> Vec<String> {
    let limit =
        |given: Option<i32>, usual: usize| given.and_then(|n| usize::try_from(n).ok()).unwrap_or(usual);
    let over = |keep: usize, chosen: fn(WorkflowPhase) -> bool| {
        let mut ended: Vec<&Child> = children.iter().filter(|child| chosen(child.phase)).collect();
        ended.sort_by_key(|child| std::cmp::Reverse(child.finished));
        ended.into_iter().skip(keep).map(|child| child.name.clone()).collect::<Vec<_>>()
    };
    let mut names =
        over(limit(cron.spec.successful_jobs_history_limit, 3), |phase| phase == WorkflowPhase::Succeeded);
    names.extend(over(limit(cron.spec.failed_jobs_history_limit, 1), |phase| {
        matches!(phase, WorkflowPhase::Failed | WorkflowPhase::Error)
    }));
    names
}

const SPEC_ERROR: &str = "SpecError";
const SUBMISSION_ERROR: &str = "SubmissionError";

fn remove_condition(cron: &mut CronWorkflow, kind: &str) {
    status(cron).conditions.retain(|one| text(one, "type") != Some(kind));
}

fn set_condition(cron: &mut CronWorkflow, kind: &str, message: &str) {
    remove_condition(cron, kind);
    status(cron).conditions.push(json!({"type": kind, "message": message, "status": "True"}));
}

/// Returns the CronWorkflow after one of its Workflows was started.
#[must_use]
pub fn started(mut cron: CronWorkflow, start: &Start, uid: &str) -> CronWorkflow {
    remove_condition(&mut cron, SUBMISSION_ERROR);
    let namespace = cron.metadata.namespace.clone();
    let status = status(&mut cron);
    if !status.active.iter().any(|one| text(one, "uid") == Some(uid)) {
        status.active.push(reference(&start.workflow.metadata.name, uid, &namespace));
    }
    "Active".clone_into(&mut status.phase);
    status.last_scheduled_time = Some(start.due.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    cron
}

/// Returns the CronWorkflow after a Workflow could not be started: counted as failed. The message of a refused
/// submission begins with `Failed to submit Workflow: `.
#[must_use]
pub fn refused(mut cron: CronWorkflow, message: &str) -> CronWorkflow {
    set_condition(&mut cron, SUBMISSION_ERROR, message);
    let status = status(&mut cron);
    status.failed = status.failed.saturating_add(1);
    cron
}

/// Returns the CronWorkflow after its spec was found wrong.
#[must_use]
pub fn invalid(mut cron: CronWorkflow, message: &str) -> CronWorkflow {
    set_condition(&mut cron, SPEC_ERROR, message);
    cron
}
