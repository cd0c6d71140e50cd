//! Output artifacts: files as they are, folders as tar. Whatever is in them, a browser neither runs nor shows it.
//! Source: Argo `server/artifacts/artifact_server.go`.
//! Not here: input artifacts and listings of folders (`absent`).

use std::path::{Path, PathBuf};

use axum::{
    body::Body,
    extract::{RawPathParams, State},
    http::{HeaderName, HeaderValue, Method, header},
    response::Response,
};
use model::argo::NodeId;
use policy::{ListRuns, ViewOutput};
use tokio::io::AsyncReadExt as _;

use super::{
    WORKFLOWS,
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

pub(super) fn endpoints() -> Vec<Endpoint> {
    let path = "/artifacts/{namespace}/{name}/{nodeId}/{artifactName}";
    vec![Endpoint::new(Method::GET, path, &[act::<ListRuns>(), act::<ViewOutput>()], output).streams()]
}

async fn output(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    path: RawPathParams,
) -> Result<Response, ArgoError> {
    let parameter =
        |wanted: &str| path.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value.to_owned());
    let node = NodeId::from_text(parameter("nodeId").unwrap_or_default());
    let artifact = parameter("artifactName").unwrap_or_default();
    let name = latest(&app, &caller, name).await?;
    let file = app.runner().artifact(&caller, &name, &node, &artifact).await;
    let file = match file {
        Err(runner::RunnerError::NotFound { what, name }) if what != WORKFLOWS => {
            return Err(ServerError::NotFound { what, name }.into());
        }
        other => found(&name, other)?,
    };
    Ok(send(&file, &artifact).await?)
}

async fn send(file: &Path, artifact: &str) -> Result<Response, ServerError> {
    let about = tokio::fs::symlink_metadata(file).await.map_err(ServerError::internal)?;
    let safe: String = artifact
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    let stored_name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (body, file_name) = if about.is_dir() {
        (archive(file.to_owned()), format!("{safe}.tar"))
    } else if about.is_file() {
        let packed = stored_name.ends_with(".tgz");
        (read(file.to_owned(), about.len()).await?, if packed { format!("{safe}.tgz") } else { safe })
    } else {
        return Err(ServerError::internal(format!("`{}` is neither file nor folder", file.display())));
    };
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    let mut add = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    add(header::CONTENT_TYPE, "application/octet-stream");
    add(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{file_name}\""));
    add(
        header::CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
    if about.is_file() {
        add(header::CONTENT_LENGTH, &about.len().to_string());
    }
    Ok(answer)
}

async fn read(path: PathBuf, length: u64) -> Result<Body, ServerError> {
    let file = tokio::fs::File::open(&path).await.map_err(ServerError::internal)?;
    let chunks = futures_util::stream::try_unfold(file.take(length), async |mut file| {
        let mut chunk = bytes::BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (chunk.freeze(), file)))
    });
    Ok(Body::from_stream(chunks))
}
