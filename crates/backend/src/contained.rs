//! Pods in real containers: what a container of a pod needs of an engine or runtime, and finding one.
//! Not here: running it (`supervise::contained`, crate `container`), networks (`supervise::linked`).

use std::path::{Path, PathBuf};

use container::{Engine, Limits, Pull, Settings, Wanted, quantity_milli};
use model::argo::Container;
use serde_json::{Map, Value};

use crate::{
    BackendError,
    image::{Invocation, expand},
    plan::unsupported,
};

/// Returns how containers are run: by the engine or runtime that `named` says (a socket, a program), or by what is found
/// on this machine; a runtime's images are kept below `folder`. `variable` returns an environment variable.
///
/// # Errors
/// [`BackendError::Container`] if there is none.
pub fn container_settings(
    folder: &Path,
    named: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Settings, BackendError> {
    let engine = match named {
        Some(named) => Engine::named(named, &variable("PATH").unwrap_or_default())?,
        None => container::detect(&variable)?,
    };
    let folder = std::path::absolute(folder).map_err(BackendError::io(folder))?;
    let mut settings = Settings::new(engine, folder.join("images"));
    // as `docker` and `podman` find it
    settings.credentials = [
        variable("DOCKER_CONFIG").map(|folder| PathBuf::from(folder).join("config.json")),
        variable("HOME").map(|home| PathBuf::from(home).join(".docker/config.json")),
    ]
    .into_iter()
    .flatten()
    .find(|file| file.is_file());
    Ok(settings)
}

/// Returns what `container` runs in its image: its own command and arguments, `$(NAME)` replaced from `env`, and how many
/// words of that are the command.
pub(crate) fn invocation(container: &Container, env: &[(String, String)]) -> (Invocation, usize) {
    let texts = |list: &[model::argo::AnyString]| list.iter().map(|text| expand(&text.0, env)).collect();
    let mut argv: Vec<String> = texts(container.command.as_deref().unwrap_or_default());
    let words = argv.len();
    argv.extend::<Vec<String>>(texts(&container.args));
    (Invocation { argv, built_in: false }, words)
}

/// Returns what is wanted of an engine or runtime for `container`, but for what may hold a secret: arguments, environment.
///
/// # Errors
/// [`BackendError::Unsupported`] if it names no image, or what it asks for is not understood.
pub(crate) fn wanted(name: String, container: &Container) -> Result<Wanted, BackendError> {
    if container.image.is_empty() {
        return Err(unsupported("a container has no `image`".to_owned()));
    }
    let rest = &container.rest;
    let policy = rest.get("imagePullPolicy").and_then(Value::as_str).unwrap_or_default();
    let pull = Pull::named(policy).ok_or_else(|| unsupported(format!("`{policy}` is no imagePullPolicy")))?;
    let context = rest.get("securityContext").and_then(Value::as_object);
    let number = |field: &str| context.and_then(|context| context.get(field)?.as_u64());
    let user = number("runAsUser").map(|user| match number("runAsGroup") {
        Some(group) => format!("{user}:{group}"),
        None => user.to_string(),
    });
    let read_only = context.and_then(|context| context.get("readOnlyRootFilesystem")?.as_bool());
    Ok(Wanted {
        name,
        image: container.image.clone(),
        pull,
        working_dir: container.working_dir.clone(),
        user: user.unwrap_or_default(),
        read_only: read_only.unwrap_or_default(),
        limits: limits(rest.get("resources").and_then(|resources| resources.get("limits")?.as_object()))?,
        ..Wanted::default()
    })
}

fn limits(limits: Option<&Map<String, Value>>) -> Result<Limits, BackendError> {
    let milli = |field: &str| {
        let Some(value) = limits.and_then(|limits| limits.get(field)) else { return Ok(None) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let wrong = || unsupported(format!("`{text}` of `resources.limits.{field}` is no quantity"));
        quantity_milli(&text).map(Some).ok_or_else(wrong)
    };
    Ok(Limits { memory_bytes: milli("memory")?.map(|milli| milli / 1000), cpu_milli: milli("cpu")? })
}

/// Returns a name no other container of this machine has: of letters, digits and `-`.
pub(crate) fn container_name(pod: &str, container: &str) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(96).collect()
    };
    format!("marque-{}-{:08x}-{}", plain(pod), model::argo::fnv1a_32(pod), plain(container))
}
