//! What a node leaves behind when it has ended: its locks go back, its outputs are remembered, its end is measured, its
//! daemons are killed; and what is shown of the run as a whole. Source: Argo `operator.go` executeTemplate,
//! `workflow_types.go` Conditions.

use serde_json::{Value, json};

use super::Turn;

impl Turn {
    /// Does, once, what follows from the end of the node at `at` wherever it stands.
    pub(super) fn settled(&mut self, at: usize) {
        if !self.node(at).is_some_and(|node| node.phase.is_fulfilled()) {
            return;
        }
        self.unlock(Some(at));
        self.forget_time(at);
        self.kill_daemons(Some(at));
        if let Some(compiled) = self.run.live.measured.remove(&at) {
            self.measure_end(at, &compiled);
            self.remember(at);
        }
    }

    /// Shows a condition of the run; a later one of the same type takes the place of an earlier.
    pub(super) fn condition(&mut self, kind: &str, status: bool, message: Option<&str>) {
        let mut shown = json!({ "type": kind, "status": if status { "True" } else { "False" } });
        if let (Some(message), Some(fields)) = (message, shown.as_object_mut()) {
            fields.insert("message".to_owned(), json!(message));
        }
        let conditions = self.run.status.rest.entry("conditions").or_insert_with(|| json!([]));
        let Some(list) = conditions.as_array_mut() else { return };
        match list.iter_mut().find(|one| one.get("type").and_then(Value::as_str) == Some(kind)) {
            Some(known) => *known = shown,
            None => list.push(shown),
        }
    }
}
