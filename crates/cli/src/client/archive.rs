//! The archive of runs that have ended, at Argo's paths. Source: Argo v4.1.2 `api/openapi-spec/swagger.json`.
//! Not here: runs that are not in the archive (`argo`).

use model::argo::Workflow;
use reqwest::Method;
use serde_json::{Map, Value};

use super::{Client, ListQuery, answer::WorkflowList};
use crate::error::CliError;

const ROOT: [&str; 3] = ["api", "v1", "archived-workflows"];

impl Client {
    /// Returns the archived runs of a namespace that the caller may see.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn archived(
        &self,
        namespace: &str,
        prefix: &str,
        query: &ListQuery,
    ) -> Result<Vec<Workflow>, CliError> {
        let asked = [
            ("namespace", namespace),
            ("namePrefix", prefix),
            ("listOptions.labelSelector", query.labels.trim()),
            ("listOptions.fieldSelector", query.fields.trim()),
        ];
        let asked: Vec<(&str, &str)> = asked.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        let list: WorkflowList = self.json(self.asking(&ROOT, &asked)).await?;
        Ok(list.items.unwrap_or_default())
    }

    /// Returns an archived run.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn archived_run(&self, uid: &str) -> Result<Workflow, CliError> {
        self.json(self.request(Method::GET, &of(uid))).await
    }

    /// Deletes an archived run.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn delete_archived(&self, uid: &str) -> Result<(), CliError> {
        let _: Value = self.json(self.request(Method::DELETE, &of(uid))).await?;
        Ok(())
    }

    /// Does `verb` to an archived run: `retry` or `resubmit`.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn operate_archived(
        &self,
        verb: &str,
        uid: &str,
        asked: &Map<String, Value>,
    ) -> Result<Workflow, CliError> {
        let mut path = of(uid);
        path.push(verb);
        self.json(self.request(Method::PUT, &path).json(asked)).await
    }

    /// Returns the keys of labels that archived runs have (`keys`), or the values of a label (`values`, with a selector
    /// that is the label's key).
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn archived_labels(&self, of: &str, selector: Option<&str>) -> Result<Vec<String>, CliError> {
        let last = format!("archived-workflows-label-{of}");
        let asked: Vec<(&str, &str)> =
            selector.iter().map(|selector| ("listOptions.labelSelector", *selector)).collect();
        let answer: Value = self.json(self.asking(&["api", "v1", &last], &asked)).await?;
        let items = answer.get("items").and_then(Value::as_array).into_iter().flatten();
        Ok(items.filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

fn of(uid: &str) -> Vec<&str> {
    ROOT.into_iter().chain([uid]).collect()
}
