//! The environment of a pod's container: Argo's own variables, `envFrom`, `env`. Not here: whose ConfigMaps and Secrets
//! these are (`materials`). Source: Kubernetes `kubelet_pods.go` makeEnvironmentVariables, Argo `workflowpod.go`.

use std::collections::BTreeMap;

use engine::Pod;
use jiff::Timestamp;
use model::argo::{Container, EnvFromSource, EnvVar, EnvVarSource, KeySelector};
use policy::RunFacts;
use serde_json::Value;

use crate::{
    BackendError, Materials,
    downward::{field, resource},
    image::expand,
    plan::{host_name, unsupported},
    progress,
};

/// Where programs are looked for.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Names the run token's file; a workflow cannot change it.
const TOKEN_VARIABLE: &str = "MARQUE_RUN_TOKEN_FILE";

/// The most bytes of one variable that a program can be handed (Argo `workflow/common` MaxEnvVarLen).
const LONGEST_VARIABLE: usize = 131_072;
/// What Argo writes in the place of a template that is too long (`workflow/common` EnvVarTemplateOffloaded).
const OFFLOADED: &str = "offloaded";
/// Go's zero time: Argo's word for no deadline.
const NO_DEADLINE: &str = "0001-01-01T00:00:00Z";

/// Name and value of each variable, each name once.
pub(crate) type Variables = Vec<(String, String)>;

/// Whose environment it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The run.
    pub(crate) run: &'a RunFacts,
    /// The pod.
    pub(crate) pod: &'a Pod,
    /// What it is handed.
    pub(crate) materials: &'a Materials,
    /// Its home folder.
    pub(crate) home: &'a str,
    /// The run token's file, if there is one.
    pub(crate) token: Option<&'a str>,
    /// Where it says how far it is.
    pub(crate) progress: &'a str,
    /// When it is started, milliseconds since 1970.
    pub(crate) now_ms: i64,
}

impl Surroundings<'_> {
    /// Returns the environment of one of the pod's containers.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] with Kubernetes' message if a value is nowhere to be had.
    pub(crate) fn variables(&self, container: &Container) -> Result<Variables, BackendError> {
        let mut env: Variables = [
            ("PATH", PATH.to_owned()),
            ("HOME", self.home.to_owned()),
            ("HOSTNAME", host_name(&self.pod.pod_name)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        env.extend(self.of_argo(container));
        for source in &container.env_from {
            for (name, value) in self.all_keys(source)? {
                set(&mut env, name, value);
            }
        }
        for variable in &container.env {
            let Some(value) = self.value(container, variable, &env)? else { continue };
            let name = variable.name.clone();
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(unsupported(format!("`{name}` can't be an environment variable")));
            }
            set(&mut env, name, value);
        }
        // a workflow cannot change these
        for (name, value) in self.of_argo(container) {
            set(&mut env, name, value);
        }
        env.retain(|(known, _)| known != TOKEN_VARIABLE);
        env.extend(self.token.map(|path| (TOKEN_VARIABLE.to_owned(), path.to_owned())));
        Ok(env)
    }

    /// Returns the variables that Argo gives every container of a pod. Source: Argo `workflowpod.go`.
    fn of_argo(&self, container: &Container) -> Variables {
        let (run, pod) = (self.run, self.pod);
        let template = serde_json::to_string(&pod.template).unwrap_or_default();
        let template = if template.len() > LONGEST_VARIABLE { OFFLOADED.to_owned() } else { template };
        let seconds = pod.deadline_seconds.and_then(|seconds| i64::try_from(seconds).ok());
        let deadline = seconds
            .and_then(|seconds| {
                Timestamp::from_millisecond(self.now_ms)
                    .ok()?
                    .checked_add(jiff::SignedDuration::from_secs(seconds))
                    .ok()
            })
            .map_or_else(|| NO_DEADLINE.to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        [
            ("ARGO_CONTAINER_NAME", container_name(container).to_owned()),
            ("ARGO_TEMPLATE", template),
            ("ARGO_NODE_ID", pod.node.to_string()),
            ("ARGO_INCLUDE_SCRIPT_OUTPUT", pod.wants_result.to_string()),
            ("ARGO_DEADLINE", deadline),
            ("ARGO_WORKFLOW_NAME", run.name.name.clone()),
            ("ARGO_WORKFLOW_UID", run.id.uuid().to_string()),
            ("ARGO_POD_NAME", pod.pod_name.clone()),
            ("ARGO_PROGRESS_FILE", self.progress.to_owned()),
            ("ARGO_PROGRESS_PATCH_TICK_DURATION", progress::LOOK.to_owned()),
            ("ARGO_PROGRESS_FILE_TICK_DURATION", progress::LOOK.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Returns a variable's value; `None` if it comes from something optional that is not there.
    fn value(
        &self,
        container: &Container,
        variable: &EnvVar,
        env: &Variables,
    ) -> Result<Option<String>, BackendError> {
        let Some(source) = &variable.value_from else {
            return Ok(Some(variable.value.as_ref().map(|value| expand(&value.0, env)).unwrap_or_default()));
        };
        self.sourced(container, source)?
            .map(|bytes| {
                String::from_utf8(bytes).map_err(|_| {
                    unsupported(format!("the value of environment variable `{}` is no text", variable.name))
                })
            })
            .transpose()
    }
    fn sourced(&self, container: &Container, source: &EnvVarSource) -> Result<Option<Vec<u8>>, BackendError> {
        if let Some(key) = &source.config_map_key_ref {
            return self.one_key("ConfigMap", self.materials.config_maps.get(&key.name), key);
        }
        if let Some(key) = &source.secret_key_ref {
            return self.one_key("Secret", self.materials.secrets.get(&key.name), key);
        }
        let text = |part: &str, field: &str| {
            source.rest.get(part).and_then(|part| part.get(field)).and_then(Value::as_str)
        };
        if let Some(path) = text("fieldRef", "fieldPath") {
            return field(self.run, self.pod, path).map(String::into_bytes).map(Some).map_err(config_error);
        }
        if let Some(name) = text("resourceFieldRef", "resource") {
            let divisor = text("resourceFieldRef", "divisor");
            return resource(container, name, divisor)
                .map(String::into_bytes)
                .map(Some)
                .map_err(config_error);
        }
        let kind = source.rest.keys().next().map_or("nothing", String::as_str);
        Err(unsupported(format!("an environment variable's value can't come from `{kind}` on one machine")))
    }
    fn one_key<V: AsRef<[u8]>>(
        &self,
        kind: &str,
        object: Option<&BTreeMap<String, V>>,
        key: &KeySelector,
    ) -> Result<Option<Vec<u8>>, BackendError> {
        let found = object.and_then(|keys| keys.get(&key.key));
        match (found, object) {
            (Some(value), _) => Ok(Some(value.as_ref().to_vec())),
            (None, _) if key.optional == Some(true) => Ok(None),
            (None, None) => Err(not_found(kind, &key.name)),
            (None, Some(_)) => Err(config_error(format!(
                "couldn't find key {} in {kind} {}/{}",
                key.key, self.run.name.namespace, key.name
            ))),
        }
    }
    fn all_keys(&self, source: &EnvFromSource) -> Result<Variables, BackendError> {
        let (kind, selector) = match (&source.config_map_ref, &source.secret_ref) {
            (Some(selector), _) => ("ConfigMap", selector),
            (None, Some(selector)) => ("Secret", selector),
            (None, None) => return Ok(Variables::new()),
        };
        let named = |keys: &BTreeMap<String, Vec<u8>>| prefixed(&source.prefix, keys);
        let found = if kind == "ConfigMap" {
            self.materials.config_maps.get(&selector.name).map(named)
        } else {
            self.materials.secrets.get(&selector.name).map(|keys| prefixed(&source.prefix, keys))
        };
        match found {
            Some(variables) => Ok(variables),
            None if selector.optional == Some(true) => Ok(Variables::new()),
            None => Err(not_found(kind, &selector.name)),
        }
    }
}

/// Returns the variables of an object's keys; those that cannot be variables are left out, as Kubernetes does.
fn prefixed<V: AsRef<[u8]>>(prefix: &str, keys: &BTreeMap<String, V>) -> Variables {
    let variable = |(key, value): (&String, &V)| {
        let name = format!("{prefix}{key}");
        let value = String::from_utf8(value.as_ref().to_vec()).ok()?;
        (is_name(&name) && !value.contains('\0')).then_some((name, value))
    };
    keys.iter().filter_map(variable).collect()
}

/// Source: Kubernetes `validation.IsEnvVarName`.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(allowed)
}

fn set(env: &mut Variables, name: String, value: String) {
    env.retain(|(known, _)| *known != name);
    env.push((name, value));
}

/// Returns a container's name in its pod.
pub(crate) fn container_name(container: &Container) -> &str {
    if container.name.is_empty() { "main" } else { &container.name }
}

/// Returns the error for an object that does not exist.
fn not_found(kind: &str, name: &str) -> BackendError {
    config_error(format!("{} {name:?} not found", kind.to_lowercase()))
}

/// Source: Kubernetes `container.ErrCreateContainerConfig`, as Argo shows it of a pod that cannot begin.
fn config_error(message: String) -> BackendError {
    unsupported(format!("CreateContainerConfigError: {message}"))
}
