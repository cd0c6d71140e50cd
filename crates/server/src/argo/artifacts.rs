//! Artifacts: files as they are, folders as a page of links or as tar. Whatever is in them, a browser runs none of it.
//! Source: Argo `server/artifacts/artifact_server.go`.
//! Not here: `/upload-artifacts`.

use std::{path::Path, str::FromStr as _};

use axum::{
    body::Body,
    extract::{RawPathParams, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use model::{NamespacedName, RunId, argo::NodeId};
use policy::{ListRuns, ViewOutput};
use runner::{ArtifactAsked, OpenArtifact};
use tokio::io::AsyncReadExt as _;

use super::{
    WORKFLOWS,
    archive::Uid,
    names::Named,
    tar::archive,
    workflows::{found, latest},
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
};

/// How much of a file is read at once, in bytes.
const CHUNK: usize = 64 * 1024;
/// The most names on a page of links.
const MOST_NAMES: usize = 10_000;
/// What a browser may do with an artifact: show its pictures and styles, run nothing. Argo's.
const POLICY: &str = "sandbox allow-same-origin; base-uri 'none'; default-src 'none'; img-src 'self'; \
                      style-src 'self' 'unsafe-inline'";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let live = [act::<ListRuns>(), act::<ViewOutput>()];
    let kept = [act::<ViewOutput>()];
    const FILES: &str =
        "/artifact-files/{namespace}/{idDiscriminator}/{id}/{nodeId}/{artifactDiscriminator}/{artifactName}";
    const BELOW: &str = "/artifact-files/{namespace}/{idDiscriminator}/{id}/{nodeId}/{artifactDiscriminator}/{artifactName}/{*path}";
    const ROOT: &str =
        "/artifact-files/{namespace}/{idDiscriminator}/{id}/{nodeId}/{artifactDiscriminator}/{artifactName}/";
    let get = |path, acts: &[_]| (path, acts.to_vec());
    let mut all = Vec::new();
    for (path, acts) in [get(FILES, &live), get(ROOT, &live), get(BELOW, &live)] {
        all.push(Endpoint::new(Method::GET, path, &acts, files).streams());
    }
    all.push(
        Endpoint::new(Method::GET, "/artifacts/{namespace}/{name}/{nodeId}/{artifactName}", &live, output)
            .streams(),
    );
    all.push(
        Endpoint::new(
            Method::GET,
            "/input-artifacts/{namespace}/{name}/{nodeId}/{artifactName}",
            &live,
            input,
        )
        .streams(),
    );
    all.push(
        Endpoint::new(Method::GET, "/artifacts-by-uid/{uid}/{nodeId}/{artifactName}", &kept, output_by_uid)
            .streams(),
    );
    all.push(
        Endpoint::new(
            Method::GET,
            "/input-artifacts-by-uid/{uid}/{nodeId}/{artifactName}",
            &kept,
            input_by_uid,
        )
        .streams(),
    );
    all
}

/// What a browser is to do with a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Save it.
    Saved,
    /// Show it, so that a page of an artifact finds its pictures.
    InPlace,
}

fn parameter(path: &RawPathParams, wanted: &str) -> String {
    path.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value.to_owned()).unwrap_or_default()
}

fn asked(path: &RawPathParams, input: bool) -> ArtifactAsked {
    ArtifactAsked {
        node: NodeId::from_text(parameter(path, "nodeId")),
        input,
        name: parameter(path, "artifactName"),
        path: parameter(path, "path"),
    }
}

async fn output(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    path: RawPathParams,
) -> Result<Response, ArgoError> {
    let name = latest(&app, &caller, name).await?;
    let artifact = app.runner().artifact(&caller, &name, &asked(&path, false)).await;
    Ok(send(about(&name, artifact)?, Shown::Saved).await?)
}

async fn input(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    path: RawPathParams,
) -> Result<Response, ArgoError> {
    let name = latest(&app, &caller, name).await?;
    let artifact = app.runner().artifact(&caller, &name, &asked(&path, true)).await;
    Ok(send(about(&name, artifact)?, Shown::Saved).await?)
}

async fn output_by_uid(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Uid(uid): Uid,
    path: RawPathParams,
) -> Result<Response, ArgoError> {
    let artifact = app.runner().archived_artifact(&caller, (uid, None), &asked(&path, false)).await?;
    Ok(send(artifact, Shown::Saved).await?)
}

async fn input_by_uid(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Uid(uid): Uid,
    path: RawPathParams,
) -> Result<Response, ArgoError> {
    let artifact = app.runner().archived_artifact(&caller, (uid, None), &asked(&path, true)).await?;
    Ok(send(artifact, Shown::Saved).await?)
}

/// A file of an artifact, or a page of links to a folder's.
async fn files(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: RawPathParams,
    uri: Uri,
) -> Result<Response, ArgoError> {
    let wanted = asked(&path, false);
    let namespace = parameter(&path, "namespace");
    let id = parameter(&path, "id");
    let bad = |what: &str| ServerError::BadRequest(format!("`{what}` is not known here"));
    if parameter(&path, "artifactDiscriminator") != "outputs" {
        // as in Argo, which serves inputs at paths of their own
        return Err(bad("artifactDiscriminator").into());
    }
    let artifact = match parameter(&path, "idDiscriminator").as_str() {
        "workflows" => {
            let name = latest(&app, &caller, NamespacedName::new(namespace, id)).await?;
            about(&name, app.runner().artifact(&caller, &name, &wanted).await)
        }
        "archived-workflows" => {
            let uid =
                uuid::Uuid::from_str(&id).map_err(|_| ServerError::NotFound { what: WORKFLOWS, name: id })?;
            let of = (RunId::from_uuid(uid), Some(namespace.as_str()));
            app.runner().archived_artifact(&caller, of, &wanted).await.map_err(ServerError::from)
        }
        _ => return Err(bad("idDiscriminator").into()),
    };
    let artifact = artifact.map_err(|error| match error {
        // Argo's answer to a name that is not the node's
        ServerError::NotFound { what: "artifacts", name } => {
            ServerError::internal(format!("artifact `{name}` not found"))
        }
        error => error,
    })?;
    if !is_folder(&artifact.path).await? {
        return Ok(send(artifact, Shown::InPlace).await?);
    }
    if !uri.path().ends_with('/') {
        return Ok(redirect(&format!("{}/", uri.path())));
    }
    let names = names(&artifact.path).await?;
    if names.iter().any(|(name, folder)| name == "index.html" && !folder) {
        return Ok(redirect(&format!("{}index.html", uri.path())));
    }
    Ok(page(&names))
}

/// Returns the result, a missing run by the name that was asked for.
fn about(
    name: &NamespacedName,
    artifact: Result<OpenArtifact, runner::RunnerError>,
) -> Result<OpenArtifact, ServerError> {
    match artifact {
        Err(runner::RunnerError::NotFound { what, name }) if what != WORKFLOWS => {
            Err(ServerError::NotFound { what, name })
        }
        other => found(name, other),
    }
}

async fn is_folder(path: &Path) -> Result<bool, ServerError> {
    Ok(tokio::fs::symlink_metadata(path).await.map_err(ServerError::internal)?.is_dir())
}

/// Returns the files and folders of a folder, in order, each with whether it is a folder.
async fn names(folder: &Path) -> Result<Vec<(String, bool)>, ServerError> {
    let mut names = Vec::new();
    let mut entries = tokio::fs::read_dir(folder).await.map_err(ServerError::internal)?;
    while let Some(entry) = entries.next_entry().await.map_err(ServerError::internal)? {
        let kind = entry.file_type().await.map_err(ServerError::internal)?;
        if (kind.is_dir() || kind.is_file()) && names.len() < MOST_NAMES {
            names.push((entry.file_name().to_string_lossy().into_owned(), kind.is_dir()));
        }
    }
    names.sort();
    Ok(names)
}

fn redirect(to: &str) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    add(&mut answer, header::LOCATION, to);
    answer
}

fn page(names: &[(String, bool)]) -> Response {
    let mut text = "<html><body><ul>\n<li><a href=\"..\">..</a></li>\n".to_owned();
    for (name, folder) in names {
        let slash = if *folder { "/" } else { "" };
        let (link, shown) = (encoded(name), escaped(name));
        text.push_str(&format!("<li><a href=\"./{link}{slash}\">{shown}{slash}</a></li>\n"));
    }
    text.push_str("</ul></body></html>");
    let mut answer = Response::new(Body::from(text));
    add(&mut answer, header::CONTENT_TYPE, "text/html; charset=utf-8");
    guarded(&mut answer);
    answer
}

/// Returns a name as a part of a URL.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Returns a name as text of a page.
fn escaped(name: &str) -> String {
    name.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

fn add(answer: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// Sets the headers that keep a browser from running what is shown.
fn guarded(answer: &mut Response) {
    add(answer, header::CONTENT_SECURITY_POLICY, POLICY);
    add(answer, header::X_FRAME_OPTIONS, "SAMEORIGIN");
    add(answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
}

async fn send(artifact: OpenArtifact, shown: Shown) -> Result<Response, ServerError> {
    let file = artifact.path.clone();
    let data = tokio::fs::symlink_metadata(&file).await.map_err(ServerError::internal)?;
    let safe: String = artifact
        .file_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    let (body, file_name, length) = if data.is_dir() {
        (archive(file, artifact), format!("{safe}.tar"), None)
    } else if data.is_file() {
        (read(artifact, data.len()).await?, safe, Some(data.len()))
    } else {
        return Err(ServerError::internal(format!("`{}` is neither file nor folder", file.display())));
    };
    let mut answer = Response::new(body);
    add(&mut answer, header::CONTENT_TYPE, content_type(&file_name));
    let how = if shown == Shown::Saved { "attachment" } else { "inline" };
    add(&mut answer, header::CONTENT_DISPOSITION, &format!("{how}; filename=\"{file_name}\""));
    guarded(&mut answer);
    if let Some(length) = length {
        add(&mut answer, header::CONTENT_LENGTH, &length.to_string());
    }
    Ok(answer)
}

/// Returns the type that a name's ending says, as Argo's server tells it; a stream of bytes for all others.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("txt" | "log") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        Some("xml") => "text/xml; charset=utf-8",
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        Some("webp") => "image/webp",
        Some("tgz" | "gz") => "application/gzip",
        Some("zip") => "application/zip",
        Some("tar") => "application/x-tar",
        _ => "application/octet-stream",
    }
}

async fn read(artifact: OpenArtifact, length: u64) -> Result<Body, ServerError> {
    let file = tokio::fs::File::open(&artifact.path).await.map_err(ServerError::internal)?;
    let from = (file.take(length), artifact);
    let chunks = futures_util::stream::try_unfold(from, async |(mut file, artifact)| {
        let mut chunk = bytes::BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (chunk.freeze(), (file, artifact))))
    });
    Ok(Body::from_stream(chunks))
}

#[cfg(test)]
mod tests {
    use super::{encoded, escaped};

    #[test]
    fn names_cannot_break_out_of_a_page() {
        let name = "<a href=\"javascript:x\">'&/ü";
        assert!(!encoded(name).contains(['<', '"', ':', '/', '&', '\'']), "{}", encoded(name));
        assert!(!escaped(name).contains(['<', '>', '"', '\'']), "{}", escaped(name));
    }
}
