//! Which program a container runs: its own command, or the entry point known for its image.
//! Not here: pulling images; a process backend has none and runs this machine's programs.
//! Source: Argo `docs/workflow-executors.md` (emissary), Kubernetes "Define a Command and Arguments for a Container".

use std::collections::BTreeMap;

use model::argo::{AnyString, Container};

use crate::{BackendError, Image};

/// Where the built-in `argosay` is in the pods of its images.
pub(crate) const ARGOSAY: &str = "/argosay";
/// The built-in programs; this program becomes one of them when called by its name.
pub(crate) const BUILT_IN: [&str; 2] = ["argosay", "cowsay"];

/// What a container is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// Whether the image has the built-in programs.
    pub(crate) built_in: bool,
}

/// Returns what `container` runs, `$(NAME)` replaced from `env`.
///
/// # Errors
/// [`BackendError::Unsupported`] if there is neither a command nor a known entry point.
pub(crate) fn invocation(
    container: &Container,
    images: &BTreeMap<String, Image>,
    env: &[(String, String)],
) -> Result<Invocation, BackendError> {
    let texts =
        |list: &[AnyString]| -> Vec<String> { list.iter().map(|text| expand(&text.0, env)).collect() };
    let args = texts(&container.args);
    let mut argv = texts(container.command.as_deref().unwrap_or_default());
    if argv.is_empty() {
        let image = lookup(&container.image, images).ok_or_else(|| no_command(&container.image))?;
        argv.clone_from(&image.entrypoint);
        if args.is_empty() {
            argv.extend(image.cmd);
        }
    }
    argv.extend(args);
    if argv.first().is_none_or(String::is_empty) {
        return Err(no_command(&container.image));
    }
    Ok(Invocation { argv, built_in: has_built_in(&container.image) })
}

fn no_command(image: &str) -> BackendError {
    BackendError::Unsupported(format!(
        "failed to look-up entrypoint/cmd for image `{image}`: the command must be specified, or the image's entry point known; add it to `images`"
    ))
}

/// Returns the entry point of an image: by its full name, without its digest, without its tag; then the built-in ones.
fn lookup(image: &str, images: &BTreeMap<String, Image>) -> Option<Image> {
    let (name, rest) = split(image);
    let no_digest = image.split_once('@').map_or(image, |(before, _)| before);
    for key in [image, no_digest, name] {
        if let Some(known) = images.get(key) {
            return Some(known.clone());
        }
    }
    if !has_built_in(image) {
        return None;
    }
    Some(if rest == "v1" || name.ends_with("whalesay") {
        Image { entrypoint: Vec::new(), cmd: vec!["cowsay".to_owned()] }
    } else {
        Image { entrypoint: vec![ARGOSAY.to_owned()], cmd: Vec::new() }
    })
}

/// Splits an image into its name and its tag; a port is no tag.
fn split(image: &str) -> (&str, &str) {
    let image = image.split_once('@').map_or(image, |(before, _)| before);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

/// Whether an image is one of those Argo's tests and examples use, from any of the registries they are published in.
fn has_built_in(image: &str) -> bool {
    let (name, _) = split(image);
    ["", "docker.io/", "index.docker.io/", "quay.io/"]
        .iter()
        .any(|registry| matches!(name.strip_prefix(registry), Some("argoproj/argosay" | "docker/whalesay")))
}

/// Returns `text` with every `$(NAME)` replaced that `env` has; `$$` stands for `$`.
/// Source: Kubernetes `third_party/forked/golang/expansion`.
pub(crate) fn expand(text: &str, env: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let name = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        match name.and_then(|(name, after)| Some((value(env, name)?, after))) {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => out.push('$'),
        }
    }
    out.push_str(rest);
    out
}

fn value<'a>(env: &'a [(String, String)], name: &str) -> Option<&'a str> {
    env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
