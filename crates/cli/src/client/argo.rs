//! Argo's REST API at Argo's paths, as far as this program needs it. Source: Argo v4.1.2 `api/openapi-spec/swagger.json`.
//! Not here: gRPC.

use model::argo::{CronWorkflow, Workflow};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Kind, Lines, answer::WorkflowList};
use crate::error::CliError;

/// Which runs are listed; an empty selector leaves none out.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// A selector of labels.
    pub labels: String,
    /// A selector of fields.
    pub fields: String,
}

impl ListQuery {
    /// Returns the query of a selector of labels and one of fields.
    pub fn of(labels: Option<&str>, fields: Option<&str>) -> Self {
        Self { labels: labels.unwrap_or_default().to_owned(), fields: fields.unwrap_or_default().to_owned() }
    }
}

/// What an operation on a run takes beside its name.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// A selector of nodes.
    pub selector: Option<String>,
    /// A message.
    pub message: Option<String>,
    /// Further fields of the request.
    pub more: serde_json::Map<String, Value>,
}

const ROOT: [&str; 3] = ["api", "v1", "workflows"];

fn path<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    ROOT.iter().chain(rest).copied().collect()
}

impl Client {
    /// Starts a run of a whole Workflow.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn create(
        &self,
        namespace: &str,
        workflow: &Workflow,
        dry_run: bool,
    ) -> Result<Workflow, CliError> {
        let body = json!({"namespace": namespace, "workflow": workflow, "serverDryRun": dry_run});
        self.json(self.request(Method::POST, &path(&[namespace])).json(&body)).await
    }

    /// Returns the runs of a namespace that the caller may see, or of all namespaces if it is empty, the newest first.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn list(&self, namespace: &str, query: &ListQuery) -> Result<Vec<Workflow>, CliError> {
        let selectors =
            [("listOptions.labelSelector", &query.labels), ("listOptions.fieldSelector", &query.fields)];
        let asked = selectors.into_iter().map(|(name, text)| (name, text.trim()));
        let asked: Vec<(&str, &str)> = asked.filter(|(_, text)| !text.is_empty()).collect();
        let list: WorkflowList = self.json(self.asking(&path(&[namespace]), &asked)).await?;
        Ok(list.items.unwrap_or_default())
    }

    /// Returns a run.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Workflow, CliError> {
        self.json(self.request(Method::GET, &path(&[namespace, name]))).await
    }

    /// Returns a schedule, without its status.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn cron_workflow(&self, namespace: &str, name: &str) -> Result<CronWorkflow, CliError> {
        let mut answer = self.object(Kind::CronWorkflow, namespace, name).await?;
        if let Value::Object(fields) = &mut answer {
            fields.shift_remove("status");
        }
        serde_json::from_value(answer).map_err(|error| self.not_understood(error))
    }

    /// Deletes a run.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn delete(&self, namespace: &str, name: &str) -> Result<(), CliError> {
        let _: Value = self.json(self.request(Method::DELETE, &path(&[namespace, name]))).await?;
        Ok(())
    }

    /// Does `verb` to a run: `stop`, `terminate`, `suspend` or `resume`.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn operate(
        &self,
        verb: &str,
        namespace: &str,
        name: &str,
        asked: &Asked,
    ) -> Result<Workflow, CliError> {
        let mut body = json!({"namespace": namespace, "name": name});
        if let Value::Object(fields) = &mut body {
            let given = [("nodeFieldSelector", &asked.selector), ("message", &asked.message)];
            for (field, value) in given {
                if let Some(value) = value {
                    fields.insert(field.to_owned(), Value::from(value.as_str()));
                }
            }
            fields.extend(asked.more.clone());
        }
        self.json(self.request(Method::PUT, &path(&[namespace, name, verb])).json(&body)).await
    }

    /// Subscribes to the changes of a namespace's runs, or of one.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn watch(&self, namespace: &str, name: Option<&str>) -> Result<Lines, CliError> {
        let selector = name.map(|name| format!("metadata.name={name}"));
        let query: Vec<(&str, &str)> =
            selector.iter().map(|selector| ("listOptions.fieldSelector", selector.as_str())).collect();
        let request = self.asking(&["api", "v1", "workflow-events", namespace], &query);
        Ok(Lines::new(self.clone(), self.send(request).await?))
    }

    /// Returns the log of a run, or of one of its pods, as `query` asks.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn logs(&self, namespace: &str, name: &str, query: &[(&str, &str)]) -> Result<Lines, CliError> {
        let request = self.asking(&path(&[namespace, name, "log"]), query);
        Ok(Lines::new(self.clone(), self.send(request).await?))
    }

    /// Returns what the server is.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn version(&self) -> Result<Value, CliError> {
        self.json(self.request(Method::GET, &["api", "v1", "version"])).await
    }
}
