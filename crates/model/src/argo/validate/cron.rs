//! CronWorkflows and WorkflowEventBindings. Source: Argo `validate.CronWorkflow`.

use super::{
    BAD_SCHEDULE, BAD_WORKFLOW, FindTemplate, Findings, Mode, UNKNOWN_TEMPLATE, Validation, names::shown,
    too_long, walk::Walker,
};
use crate::{
    argo::{CronWorkflow, ObjectMeta, WorkflowEventBinding, WorkflowSpec},
    cron::{Schedule, is_timezone},
    fault::Fault,
    limits::MAX_CRON_WORKFLOW_NAME_BYTES,
    yaml::Places,
};

/// The label by which Argo names the CronWorkflow of a Workflow.
const CRON_LABEL: &str = "workflows.argoproj.io/cron-workflow";
/// The annotation that holds the time for which a Workflow was started.
const SCHEDULED_TIME: &str = "workflows.argoproj.io/scheduled-time";

/// Returns every fault of a CronWorkflow and of the Workflows it would start, and what Argo accepts but will not do
/// what it seems to.
pub fn validate_cron_workflow(
    object: &CronWorkflow,
    templates: &dyn FindTemplate,
    places: &Places,
    defaults: Option<&WorkflowSpec>,
) -> Findings {
    let mut findings = Findings::default();
    let spec = &object.spec;
    let name = &object.metadata.name;
    findings.faults.extend(too_long("cron workflow", name, MAX_CRON_WORKFLOW_NAME_BYTES, places));
    let mut fault = |message: String, path: &str| {
        findings.faults.push(Fault::new(BAD_SCHEDULE, message).at(places.nearest(path)));
    };
    let schedules = spec.all_schedules();
    if schedules.is_empty() {
        fault("cron workflow must have at least one schedule".to_owned(), "spec");
    }
    for (position, schedule) in schedules.into_iter().enumerate() {
        if let Err(why) = Schedule::parse(schedule) {
            let path = if spec.schedule.is_empty() {
                format!("spec.schedules[{position}]")
            } else {
                "spec.schedule".to_owned()
            };
            fault(format!("cron schedule {} is malformed: {why}", shown(schedule)), &path);
        }
    }
    if !is_timezone(&spec.timezone) {
        fault(format!("invalid timezone {:?}", shown(&spec.timezone)), "spec.timezone");
    }
    if !["", "Allow", "Forbid", "Replace"].contains(&spec.concurrency_policy.as_str()) {
        let message = format!("'{}' is not a valid concurrencyPolicy", shown(&spec.concurrency_policy));
        fault(message, "spec.concurrencyPolicy");
    }
    if spec.starting_deadline_seconds.is_some_and(|seconds| seconds < 0) {
        fault("startingDeadlineSeconds must be positive".to_owned(), "spec.startingDeadlineSeconds");
    }
    let metadata = metadata_of_runs(object);
    let validation =
        Validation { mode: Mode::Submit, templates, places, metadata: Some(&metadata), defaults };
    let mut of_runs = Walker::new(&spec.workflow_spec, &validation, "spec.workflowSpec").workflow();
    for fault in &mut of_runs.faults {
        fault.message = format!("cannot validate Workflow: {}", fault.message);
    }
    findings.faults.append(&mut of_runs.faults);
    findings.warnings.append(&mut of_runs.warnings);
    findings
}

/// Returns the labels and annotations of the Workflows that a CronWorkflow starts. Source: Argo
/// `workflow/common/convert.go`.
fn metadata_of_runs(object: &CronWorkflow) -> ObjectMeta {
    let mut metadata = object.spec.workflow_metadata.clone().unwrap_or_default();
    metadata.labels.insert(CRON_LABEL.to_owned(), object.metadata.name.as_str().into());
    metadata.annotations.insert(SCHEDULED_TIME.to_owned(), "".into());
    metadata
}

/// Returns the faults of a WorkflowEventBinding. Argo looks at one only when an event comes, so a template that is
/// not there is a warning.
pub fn validate_event_binding(
    object: &WorkflowEventBinding,
    templates: &dyn FindTemplate,
    places: &Places,
) -> Findings {
    let mut findings = Findings::default();
    let fault = |code, message: String, path: &str| Fault::new(code, message).at(places.nearest(path));
    if object.spec.event.selector.is_empty() {
        let message = "spec.event.selector is required".to_owned();
        findings.faults.push(fault(BAD_WORKFLOW, message, "spec.event"));
    }
    let Some(submit) = &object.spec.submit else { return findings };
    let reference = &submit.workflow_template_ref;
    let path = "spec.submit.workflowTemplateRef";
    if reference.name.is_empty() {
        let message = "spec.submit.workflowTemplateRef.name is required".to_owned();
        findings.faults.push(fault(BAD_WORKFLOW, message, path));
    } else if templates.find(&reference.name, reference.cluster_scope).is_none() {
        let message = format!("workflow template `{}` not found", shown(&reference.name));
        findings.warnings.push(fault(UNKNOWN_TEMPLATE, message, path));
    }
    findings
}
