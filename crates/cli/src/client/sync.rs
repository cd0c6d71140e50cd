//! The limits of semaphores, at Argo's paths. Source: Argo v4.1.2 `pkg/apiclient/sync/sync.proto`.
//! Not here: ConfigMaps as such, which are applied (`marque`).

use reqwest::Method;
use serde_json::{Value, json};

use super::Client;
use crate::error::CliError;

/// Where a limit is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitHome {
    /// Under its key in this ConfigMap.
    ConfigMap(String),
    /// In the server's own store.
    Database,
}

impl LimitHome {
    const fn of(&self) -> (&'static str, &str) {
        match self {
            Self::ConfigMap(name) => ("CONFIG_MAP", name.as_str()),
            Self::Database => ("DATABASE", ""),
        }
    }
    fn body(&self, (namespace, key): (&str, &str), limit: u32) -> Value {
        let (of, name) = self.of();
        json!({"namespace": namespace, "key": key, "type": of, "cmName": name, "limit": limit})
    }
    const fn query(&self) -> [(&'static str, &str); 2] {
        let (of, name) = self.of();
        [("type", of), ("cmName", name)]
    }
}

impl Client {
    /// Creates a limit of the namespace and key, and returns it.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn create_limit(
        &self,
        (namespace, key): (&str, &str),
        home: &LimitHome,
        limit: u32,
    ) -> Result<Value, CliError> {
        let request = self.request(Method::POST, &["api", "v1", "sync", namespace]);
        self.json(request.json(&home.body((namespace, key), limit))).await
    }

    /// Returns a limit.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn limit(&self, (namespace, key): (&str, &str), home: &LimitHome) -> Result<Value, CliError> {
        self.json(self.asking(&["api", "v1", "sync", namespace, key], &home.query())).await
    }

    /// Changes a limit, and returns it.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn update_limit(
        &self,
        (namespace, key): (&str, &str),
        home: &LimitHome,
        limit: u32,
    ) -> Result<Value, CliError> {
        let request = self.request(Method::PUT, &["api", "v1", "sync", namespace, key]);
        self.json(request.json(&home.body((namespace, key), limit))).await
    }

    /// Deletes a limit.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn delete_limit(
        &self,
        (namespace, key): (&str, &str),
        home: &LimitHome,
    ) -> Result<(), CliError> {
        let request = self.request(Method::DELETE, &["api", "v1", "sync", namespace, key]);
        let _: Value = self.json(request.query(&home.query())).await?;
        Ok(())
    }
}
