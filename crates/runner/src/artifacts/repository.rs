//! Which repository a run has: the one it names, the namespace's default, the server's. Chosen once, as it is submitted,
//! and kept in the run. Source: Argo `workflow/artifactrepositories/artifactrepositories.go`.

use model::{
    Code, Fault, NamespacedName,
    argo::{
        ArtifactRepository, ArtifactRepositoryRef, DEFAULT_REPOSITORY, REPOSITORIES, Workflow, WorkflowStatus,
    },
    core::ConfigMap,
    yaml,
};
use serde_json::{Map, Value, json};
use store::StoredRun;

use crate::RunnerError;

/// The repository a workflow names is not there or makes no sense.
const NO_REPOSITORY: Code = Code("RUN0011");
/// The field of the status that keeps the choice.
const FIELD: &str = "artifactRepositoryRef";

/// Returns the status that a workflow begins with: the repository it was given, if any.
///
/// # Errors
/// [`RunnerError::Faults`] with Argo's message if the one it names is not there.
pub(crate) fn frozen(
    catalog: &model::catalog::Catalog,
    workflow: &Workflow,
    of_server: &Map<String, Value>,
) -> Result<Option<WorkflowStatus>, RunnerError> {
    let namespace = &workflow.metadata.namespace;
    let named = workflow.spec.rest.get(FIELD).filter(|named| !named.is_null());
    let fault = |message: String| RunnerError::Faults(vec![Fault::new(NO_REPOSITORY, message)]);
    let wanted: Option<ArtifactRepositoryRef> = named
        .map(|named| serde_json::from_value(named.clone()))
        .transpose()
        .map_err(|error| fault(format!("`{FIELD}`: {error}")))?;
    let reference = wanted.clone().unwrap_or_default();
    let name = if reference.config_map.is_empty() { REPOSITORIES } else { &reference.config_map };
    let found = catalog.config_map(&NamespacedName::new(namespace.clone(), name));
    let kept = found.and_then(|found| {
        let key = key_of(found, &reference);
        Some((found.data.get(&key)?, key))
    });
    let chosen = match (kept, &wanted) {
        (Some((text, key)), _) => {
            let fields = parsed(&text.0).map_err(|problem| {
                let shown = format!("{namespace}/{name}#{key}");
                fault(format!("failed to find artifact repository \"{shown}\": {problem}"))
            })?;
            json!({"configMap": name, "key": key, "namespace": namespace, "artifactRepository": fields})
        }
        (None, Some(wanted)) => {
            let shown = format!("{}#{}", wanted.config_map, wanted.key);
            let why = if found.is_some() { "it has no such key" } else { "there is no such config map" };
            return Err(fault(format!(
                "failed to find any artifact repository for artifact repository ref \"{shown}\": {why}"
            )));
        }
        // a config map without a default leaves it to the server, as none does
        (None, None) if of_server.is_empty() => return Ok(None),
        (None, None) => json!({"default": true, "artifactRepository": of_server}),
    };
    let mut status = WorkflowStatus::default();
    status.rest.insert(FIELD.to_owned(), chosen);
    Ok(Some(status))
}

fn key_of(found: &ConfigMap, reference: &ArtifactRepositoryRef) -> String {
    if !reference.key.is_empty() {
        return reference.key.clone();
    }
    found.metadata.annotations.get(DEFAULT_REPOSITORY).map(|key| key.0.clone()).unwrap_or_default()
}

fn parsed(text: &str) -> Result<Map<String, Value>, String> {
    let first = |faults: Vec<Fault>| faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
    let documents = yaml::parse("the repository", text).map_err(first)?;
    let Some(document) = documents.into_iter().find(|document| !document.is_empty()) else {
        return Ok(Map::new());
    };
    let fields: Map<String, Value> = yaml::decode(&document).map_err(first)?;
    ArtifactRepository::of(&fields).map_err(|fault| fault.to_string())?;
    Ok(fields)
}

/// Returns the repository that a run was given; none is this machine's own store.
pub(crate) fn repository_of(stored: &StoredRun) -> ArtifactRepository {
    let kept = stored.workflow.status.as_ref().and_then(|status| status.rest.get(FIELD));
    let fields = kept.and_then(|kept| kept.get("artifactRepository")).and_then(Value::as_object);
    // what is kept was read when it was chosen
    fields.and_then(|fields| ArtifactRepository::of(fields).ok()).unwrap_or_default()
}
