//! Schedules: what has become of a CronWorkflow. Not here: what a schedule says (`model::cron`).

use model::NamespacedName;
use serde_json::{Value, json};

use crate::Runner;

/// The kind of the facts that say how far a schedule has come.
pub(crate) const CRON_STATUS: &str = "CronStatus";

impl Runner {
    /// Returns what has become of a CronWorkflow, as Argo shows it; nothing yet if it never ran.
    pub async fn cron_status(&self, name: &NamespacedName) -> Value {
        let kept = self.store().fact(CRON_STATUS, &name.namespace, &name.name).await;
        let read = kept.ok().flatten().and_then(|text| serde_json::from_str(&text).ok());
        read.unwrap_or_else(
            || json!({"active": null, "conditions": null, "succeeded": 0, "failed": 0, "phase": ""}),
        )
    }
}
