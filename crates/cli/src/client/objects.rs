//! Templates and schedules that the server keeps, at Argo's paths. Source: Argo v4.1.2 `api/openapi-spec/swagger.json`.
//! Not here: what is in them (`model`), runs (`argo`).

use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, answer::ObjectList};
use crate::error::CliError;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// WorkflowTemplate.
    WorkflowTemplate,
    /// ClusterWorkflowTemplate: in no namespace.
    ClusterWorkflowTemplate,
    /// CronWorkflow.
    CronWorkflow,
}

impl Kind {
    /// Returns the kind as its specification spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WorkflowTemplate => "WorkflowTemplate",
            Self::ClusterWorkflowTemplate => "ClusterWorkflowTemplate",
            Self::CronWorkflow => "CronWorkflow",
        }
    }
    /// Returns the path of all of them.
    fn path(self, namespace: &str) -> Vec<&str> {
        let mut path = vec!["api", "v1"];
        match self {
            Self::WorkflowTemplate => path.extend(["workflow-templates", namespace]),
            Self::ClusterWorkflowTemplate => path.push("cluster-workflow-templates"),
            Self::CronWorkflow => path.extend(["cron-workflows", namespace]),
        }
        path
    }
    fn body(self, namespace: &str, object: &Value) -> Value {
        match self {
            Self::WorkflowTemplate => json!({"namespace": namespace, "template": object}),
            Self::ClusterWorkflowTemplate => json!({"template": object}),
            Self::CronWorkflow => json!({"namespace": namespace, "cronWorkflow": object}),
        }
    }
}

impl Client {
    /// Creates an object and returns it as it is kept.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn create_object(
        &self,
        kind: Kind,
        namespace: &str,
        object: &Value,
    ) -> Result<Value, CliError> {
        let request = self.request(Method::POST, &kind.path(namespace));
        self.json(request.json(&kind.body(namespace, object))).await
    }

    /// Puts an object in the place of the one of its name, and returns it as it is kept.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn update_object(
        &self,
        kind: Kind,
        (namespace, name): (&str, &str),
        object: &Value,
    ) -> Result<Value, CliError> {
        let request = self.request(Method::PUT, &one(kind, namespace, name));
        self.json(request.json(&kind.body(namespace, object))).await
    }

    /// Returns an object.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn object(&self, kind: Kind, namespace: &str, name: &str) -> Result<Value, CliError> {
        self.json(self.request(Method::GET, &one(kind, namespace, name))).await
    }

    /// Returns the objects of a namespace that the caller may see, or of all namespaces if it is empty; with a selector
    /// only those whose labels fit.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn objects(
        &self,
        kind: Kind,
        namespace: &str,
        selector: Option<&str>,
    ) -> Result<Vec<Value>, CliError> {
        let query: Vec<(&str, &str)> =
            selector.iter().map(|selector| ("listOptions.labelSelector", *selector)).collect();
        let list: ObjectList = self.json(self.asking(&kind.path(namespace), &query)).await?;
        Ok(list.items.unwrap_or_default())
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn delete_object(&self, kind: Kind, namespace: &str, name: &str) -> Result<(), CliError> {
        let _: Value = self.json(self.request(Method::DELETE, &one(kind, namespace, name))).await?;
        Ok(())
    }

    /// Lets a schedule start no run any more, or again.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn set_suspended(&self, namespace: &str, name: &str, suspended: bool) -> Result<(), CliError> {
        let mut path = one(Kind::CronWorkflow, namespace, name);
        path.push(if suspended { "suspend" } else { "resume" });
        let body = json!({"namespace": namespace, "name": name});
        let _: Value = self.json(self.request(Method::PUT, &path).json(&body)).await?;
        Ok(())
    }
}

fn one<'a>(kind: Kind, namespace: &'a str, name: &'a str) -> Vec<&'a str> {
    let mut path = kind.path(namespace);
    path.push(name);
    path
}
