//! Applying manifests. Not here: what is wrong with them (`model`), what they change (`runner`).

use axum::{Json, extract::State, http::Method};
use model::{
    Fault,
    manifest::{self, Manifest},
};
use policy::ApplyManifests;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App, ServerError,
    answer::Problem,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

/// The most files of one apply.
const MAX_FILES: usize = 1000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::POST, "/api/marque/v1/apply", &[act::<ApplyManifests>()], apply)]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ApplyRequest {
    files: Vec<File>,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    text: String,
}

async fn apply(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Sent(request): Sent<ApplyRequest>,
) -> Result<Json<Value>, Problem> {
    let manifests = read(&request)?;
    let plan = app.runner().apply(&caller, manifests, request.dry_run).await?;
    let changes: Vec<Value> =
        plan.changes.iter().map(|(object, change)| json!({"object": object, "change": change})).collect();
    let revision = (!request.dry_run && !plan.write.is_empty()).then(|| plan.id.to_string());
    Ok(Json(json!({
        "revision": revision,
        "base": plan.base.map(|base| base.to_string()),
        "changes": changes,
        "digest": plan.digest,
        "dryRun": request.dry_run,
    })))
}

/// Returns every object of every file, or every fault of every file.
fn read(request: &ApplyRequest) -> Result<Vec<Manifest>, ServerError> {
    if request.files.len() > MAX_FILES {
        return Err(ServerError::BadRequest(format!("there are more than {MAX_FILES} files")));
    }
    let (mut manifests, mut faults): (Vec<Manifest>, Vec<Fault>) = (Vec::new(), Vec::new());
    for file in &request.files {
        match manifest::parse(&file.name, &file.text) {
            Ok(read) => manifests.extend(read),
            Err(found) => faults.extend(found),
        }
    }
    if !faults.is_empty() {
        return Err(ServerError::Faults(faults));
    }
    let namespace = if request.namespace.is_empty() { "default" } else { &request.namespace };
    manifests.iter_mut().for_each(|manifest| manifest.default_namespace(namespace));
    Ok(manifests)
}
