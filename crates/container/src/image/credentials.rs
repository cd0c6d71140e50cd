//! Who logs in to a registry, from a `config.json` as `docker login` writes it.
//! Not here: credential helpers, which are programs.

use std::{collections::BTreeMap, fs::File};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::read_document;
use crate::Settings;

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Document {
    auths: BTreeMap<String, Auth>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
}

/// Returns user and password for a registry, if there are any.
///
/// # Errors
/// A sentence that holds nothing of the file's content.
pub(crate) fn for_registry(settings: &Settings, host: &str) -> Result<Option<(String, String)>, String> {
    let Some(path) = &settings.credentials else { return Ok(None) };
    let said = |why: String| format!("the credentials in `{}`: {why}", path.display());
    let text = read_document(File::open(path).map_err(|error| said(error.to_string()))?).map_err(said)?;
    find(&text, host).map_err(|why| said(why.to_owned()))
}

/// Returns user and password for a registry from the text of a `config.json`.
pub(super) fn find(text: &[u8], host: &str) -> Result<Option<(String, String)>, &'static str> {
    let document: Document = serde_json::from_slice(text).map_err(|_| "it is not a `config.json`")?;
    let bare = |key: &str| {
        let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
        key.split('/').next().unwrap_or_default().to_owned()
    };
    let same = |key: &str| {
        let key = bare(key);
        key == host || (is_hub(&key) && is_hub(host))
    };
    let Some((_, auth)) = document.auths.iter().find(|(key, _)| same(key)) else { return Ok(None) };
    if auth.auth.is_empty() {
        return Ok((!auth.username.is_empty()).then(|| (auth.username.clone(), auth.password.clone())));
    }
    let pair = STANDARD.decode(&auth.auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair
        .as_deref()
        .and_then(|pair| pair.split_once(':'))
        .ok_or("an `auth` is not `user:password` in base64")?;
    Ok(Some((pair.0.to_owned(), pair.1.trim_end_matches('\0').to_owned())))
}

fn is_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}
