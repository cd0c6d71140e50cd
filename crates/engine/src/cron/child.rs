//! The Workflow that a CronWorkflow starts. Source: Argo `workflow/common/convert.go`.
//! Not here: when (see `decide`).

use jiff::{Timestamp, Zoned, tz::TimeZone};
use model::{
    argo::{API_VERSION, AnyString, CronWorkflow, ObjectMeta, Parameter, Workflow},
    limits::MAX_WORKFLOW_NAME_BYTES,
};
use serde_json::{Value, json};

use super::{BACKFILL_LABEL, CRON_WORKFLOW_LABEL, SCHEDULED_TIME};

/// The labels that go over from the CronWorkflow: who made it.
const CREATOR_LABELS: [&str; 3] = [
    "workflows.argoproj.io/creator",
    "workflows.argoproj.io/creator-email",
    "workflows.argoproj.io/creator-preferred-username",
];
const INSTANCE_LABEL: &str = "workflows.argoproj.io/controller-instanceid";

/// Returns the Workflow for the time `due`, called `<cron>-<unix seconds>`; its time is written in the zone `local`.
pub fn workflow(cron: &CronWorkflow, due: Timestamp, local: &TimeZone) -> Workflow {
    let mut metadata =
        ObjectMeta { name: format!("{}-{}", cron.metadata.name, due.as_second()), ..ObjectMeta::default() };
    for label in CREATOR_LABELS {
        if let Some(value) = cron.metadata.labels.get(label) {
            metadata.labels.insert(label.to_owned(), value.clone());
        }
    }
    complete(cron, metadata, &due.to_zoned(local.clone()))
}

/// Returns the Workflow that somebody starts by hand from a CronWorkflow; its name is made from `<cron>-`, and
/// nobody's labels go over.
pub fn started_by_hand(cron: &CronWorkflow, now: Timestamp, local: &TimeZone) -> Workflow {
    let metadata = ObjectMeta { generate_name: format!("{}-", cron.metadata.name), ..ObjectMeta::default() };
    complete(cron, metadata, &now.to_zoned(local.clone()))
}

/// What is asked of a backfill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// Its name, part of its Workflows' names.
    pub name: String,
    /// The parameter that gets the time.
    pub parameter: String,
    /// Whether all run at once, rather than one after the other.
    pub parallel: bool,
}

/// Returns the Workflow that makes up for the time `due`, called `<cron>-backfill-<name>-<unix seconds>`, cut where it is
/// too long. Source: Argo `cmd/argo/commands/cron/backfill.go`.
pub fn backfilled(cron: &CronWorkflow, backfill: &Backfill, due: Timestamp, local: &TimeZone) -> Workflow {
    let end = format!("-{}", due.as_second());
    let stem = format!("{}-backfill-{}", cron.metadata.name, backfill.name);
    let most = MAX_WORKFLOW_NAME_BYTES.saturating_sub(end.len());
    let stem: String =
        stem.char_indices().take_while(|(at, c)| at + c.len_utf8() <= most).map(|(_, c)| c).collect();
    let metadata = ObjectMeta { name: stem + &end, ..ObjectMeta::default() };
    let mut workflow = complete(cron, metadata, &due.to_zoned(local.clone()));
    workflow.metadata.rest.shift_remove("ownerReferences");
    let name = AnyString(cron.metadata.name.clone());
    workflow.metadata.labels.insert(BACKFILL_LABEL.to_owned(), name);
    let spec = &mut workflow.spec;
    // as Go writes a time
    let at = AnyString(due.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string());
    spec.arguments.parameters.retain(|known| known.name != backfill.parameter);
    spec.arguments.parameters.push(Parameter {
        name: backfill.parameter.clone(),
        value: Some(at),
        ..Parameter::default()
    });
    if !backfill.parallel {
        spec.priority = Some(i64::from(i32::MAX));
        let mutex = json!({"mutexes": [{"name": backfill.name}]});
        spec.synchronization = serde_json::from_value(mutex).ok();
    }
    workflow
}

fn complete(cron: &CronWorkflow, mut metadata: ObjectMeta, due: &Zoned) -> Workflow {
    metadata.namespace.clone_from(&cron.metadata.namespace);
    metadata.annotations.insert(SCHEDULED_TIME.to_owned(), AnyString(rfc3339(due)));
    if let Some(instance) = cron.metadata.labels.get(INSTANCE_LABEL) {
        metadata.labels.insert(INSTANCE_LABEL.to_owned(), instance.clone());
    }
    metadata.labels.insert(CRON_WORKFLOW_LABEL.to_owned(), AnyString(cron.metadata.name.clone()));
    if let Some(extra) = &cron.spec.workflow_metadata {
        metadata.labels.extend(extra.labels.clone());
        metadata.annotations.extend(extra.annotations.clone());
        if let Some(finalizers) = extra.rest.get("finalizers").filter(|list| list.is_array()) {
            metadata.rest.insert("finalizers".to_owned(), finalizers.clone());
        }
    }
    metadata.rest.insert("ownerReferences".to_owned(), Value::Array(vec![owner(cron)]));
    Workflow {
        api_version: API_VERSION.to_owned(),
        kind: "Workflow".to_owned(),
        metadata,
        spec: cron.spec.workflow_spec.clone(),
        status: None,
    }
}

fn owner(cron: &CronWorkflow) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "CronWorkflow",
        "name": cron.metadata.name,
        "uid": cron.metadata.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Go's `time.RFC3339`: `Z` for UTC, else the offset.
fn rfc3339(at: &Zoned) -> String {
    let format = if at.offset().is_zero() { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%:z" };
    at.strftime(format).to_string()
}
