//! Artifact plugins: services on a Unix socket that keep artifacts, each named by the server's owner.
//! Source: Argo `pkg/apiclient/artifact/artifact.proto`, `workflow/artifacts/plugin/plugin.go`.
//! Not here: starting a plugin, `OpenStream` (what is read is fetched as a whole), `SaveStream` (experimental in Argo).
//!
//! A plugin shares this machine's files: it is told a path, as Argo's plugins are, and writes or reads there. What it has
//! written is trusted as little as what any other place holds.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::TryFutureExt as _;
use model::argo::PluginArtifact;
use prost::Message;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use crate::{DriverError, Settings, limits::Budget};

/// A service that keeps artifacts. Source: Argo's controller configuration, `artifactDrivers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactPlugin {
    /// The name that artifacts call it by.
    pub name: String,
    /// The Unix socket that it listens on.
    pub socket: PathBuf,
    /// How long connecting to it may take.
    pub connection_time: Duration,
}

/// An artifact as plugins are told of it. Source: `artifact.proto` Artifact.
#[derive(Clone, PartialEq, Message)]
struct Artifact {
    #[prost(message, optional, tag = "5")]
    plugin: Option<Kept>,
}

/// Source: `artifact.proto` PluginArtifact.
#[derive(Clone, PartialEq, Message)]
struct Kept {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    configuration: String,
    #[prost(int32, tag = "3")]
    connection_timeout_seconds: i32,
    #[prost(string, tag = "4")]
    key: String,
}

/// Source: `artifact.proto` LoadArtifactRequest.
#[derive(Clone, PartialEq, Message)]
struct Load {
    #[prost(message, optional, tag = "1")]
    input_artifact: Option<Artifact>,
    #[prost(string, tag = "2")]
    path: String,
}

/// Source: `artifact.proto` SaveArtifactRequest.
#[derive(Clone, PartialEq, Message)]
struct Save {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(message, optional, tag = "2")]
    output_artifact: Option<Artifact>,
}

/// Source: `artifact.proto` DeleteArtifactRequest, ListObjectsRequest.
#[derive(Clone, PartialEq, Message)]
struct About {
    #[prost(message, optional, tag = "1")]
    artifact: Option<Artifact>,
}

/// Source: `artifact.proto` LoadArtifactResponse, SaveArtifactResponse, DeleteArtifactResponse.
#[derive(Clone, PartialEq, Message)]
struct Done {
    #[prost(bool, tag = "1")]
    success: bool,
    #[prost(string, tag = "2")]
    error: String,
}

/// Source: `artifact.proto` ListObjectsResponse.
#[derive(Clone, PartialEq, Message)]
struct Listed {
    #[prost(string, repeated, tag = "1")]
    objects: Vec<String>,
    #[prost(string, tag = "2")]
    error: String,
}

/// A connection to the plugin that keeps one artifact.
pub(crate) struct Plugin<'a> {
    at: &'a PluginArtifact,
    grpc: Grpc<Channel>,
    budget: Budget,
    most_files: u64,
}

impl<'a> Plugin<'a> {
    /// Connects to the plugin that an artifact names.
    pub(crate) async fn of(settings: &Settings, at: &'a PluginArtifact) -> Result<Self, DriverError> {
        let Some(plugin) = settings.plugins.iter().find(|plugin| plugin.name == at.name) else {
            return Err(DriverError::Unsupported(format!("the artifact plugin `{}`", at.name)));
        };
        let own = u64::try_from(at.connection_timeout_seconds).ok().filter(|seconds| *seconds > 0);
        // an artifact may be more patient than the owner, yet not without end: moving it has a limit of its own
        let patience = own.map_or(plugin.connection_time, Duration::from_secs);
        let failed = |reason: String| DriverError::failed(format!("artifact plugin `{}`", at.name), reason);
        let endpoint = Endpoint::from_shared(format!("unix://{}", plugin.socket.display()))
            .map_err(|error| failed(error.to_string()))?
            .connect_timeout(patience);
        let connected = tokio::time::timeout(patience, endpoint.connect()).await;
        let channel = connected
            .map_err(|_| failed(format!("no connection in {patience:?}")))?
            .map_err(|error| failed(in_full(&error)))?;
        let grpc = Grpc::new(channel);
        Ok(Self { at, grpc, budget: Budget::of(settings.limits), most_files: settings.limits.files })
    }

    /// Fetches the artifact to `target`, where nothing is.
    pub(crate) async fn load(mut self, target: &Path) -> Result<(), DriverError> {
        let request = Load { input_artifact: self.artifact(), path: in_utf8(target)? };
        let done = self.call("Load", request).await?;
        self.done("load", done)?;
        self.look_over(target).await
    }

    /// Puts a file or folder.
    pub(crate) async fn save(mut self, source: &Path) -> Result<(), DriverError> {
        let request = Save { path: in_utf8(source)?, output_artifact: self.artifact() };
        let done = self.call("Save", request).await?;
        self.done("save", done)
    }

    /// Returns the keys below the artifact's, in order.
    pub(crate) async fn list(mut self) -> Result<Vec<String>, DriverError> {
        let request = About { artifact: self.artifact() };
        let Listed { mut objects, error } = self.call("ListObjects", request).await?;
        if !error.is_empty() {
            return Err(self.failed("list objects", &error));
        }
        if u64::try_from(objects.len()).is_ok_and(|count| count > self.most_files) {
            return Err(DriverError::TooLarge { what: "files", limit: self.most_files });
        }
        objects.sort();
        Ok(objects)
    }

    /// Deletes the artifact; what is not there is deleted already.
    pub(crate) async fn delete(mut self) -> Result<(), DriverError> {
        let request = About { artifact: self.artifact() };
        match self.call("Delete", request).await {
            Ok(done) => self.done("delete", done),
            Err(DriverError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn artifact(&self) -> Option<Artifact> {
        let plugin = Kept {
            name: self.at.name.clone(),
            configuration: self.at.configuration.clone(),
            connection_timeout_seconds: self.at.connection_timeout_seconds,
            key: self.at.key.clone(),
        };
        Some(Artifact { plugin: Some(plugin) })
    }

    async fn call<Q, A>(&mut self, method: &'static str, request: Q) -> Result<A, DriverError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let path = PathAndQuery::try_from(format!("/artifact.ArtifactService/{method}"));
        let path = path.map_err(|error| self.failed(method, &error.to_string()))?;
        let ready = self.grpc.ready().map_err(|error| Status::unavailable(in_full(&error)));
        let answered = match ready.await {
            Ok(()) => self.grpc.unary(Request::new(request), path, ProstCodec::<Q, A>::default()).await,
            Err(status) => Err(status),
        };
        answered.map(tonic::Response::into_inner).map_err(|status| match status.code() {
            Code::NotFound => {
                DriverError::NotFound(format!("`{}` of plugin `{}`", self.at.key, self.at.name))
            }
            _ => self.failed(method, status.message()),
        })
    }

    fn done(&self, what: &str, done: Done) -> Result<(), DriverError> {
        if done.success { Ok(()) } else { Err(self.failed(what, &done.error)) }
    }

    /// Returns an error with Argo's text.
    fn failed(&self, what: &str, reason: &str) -> DriverError {
        DriverError::failed(format!("plugin {} {} failed", self.at.name, what.to_lowercase()), reason)
    }

    /// Refuses what a plugin must not leave: nothing at all, links, devices, more than may be moved.
    async fn look_over(&mut self, target: &Path) -> Result<(), DriverError> {
        let mut waiting = vec![target.to_path_buf()];
        while let Some(path) = waiting.pop() {
            let kind = match tokio::fs::symlink_metadata(&path).await {
                Ok(kind) => kind,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(self.failed("load", "it says that it succeeded, and there is no file"));
                }
                Err(error) => return Err(DriverError::io(path)(error)),
            };
            if kind.is_dir() {
                let mut entries = tokio::fs::read_dir(&path).await.map_err(DriverError::io(&path))?;
                while let Some(entry) = entries.next_entry().await.map_err(DriverError::io(&path))? {
                    waiting.push(entry.path());
                }
            } else if kind.is_file() {
                self.budget.file()?;
                self.budget.bytes(usize::try_from(kind.len()).unwrap_or(usize::MAX))?;
            } else {
                let inner = path.strip_prefix(target).unwrap_or(&path).display();
                let problem =
                    format!("plugin `{}` left `{inner}`, neither a file nor a folder", self.at.name);
                return Err(DriverError::BadArtifact(problem));
            }
        }
        Ok(())
    }
}

/// Returns an error with everything that caused it, in one line.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn in_utf8(path: &Path) -> Result<String, DriverError> {
    let problem = || DriverError::BadArtifact(format!("`{}` is not UTF-8", path.display()));
    path.to_str().map(str::to_owned).ok_or_else(problem)
}
