//! The file of the local directory: who is in it, by name and argon2id hash.
//! Not here: checking passwords (`identity`).

use std::{collections::BTreeSet, path::Path};

use identity::{LocalDirectory, LocalUser, Secret};
use model::{Fault, yaml};
use serde::Deserialize;

use super::read::{BAD_SETTING, read_text};
use crate::ServerError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    users: Vec<User>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct User {
    name: String,
    password_hash: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    disabled: bool,
}

/// The people of the local directory.
#[derive(Debug)]
pub(crate) struct People {
    /// The directory.
    pub(crate) directory: LocalDirectory,
    /// Those whose sessions do not count any more.
    pub(crate) disabled: BTreeSet<String>,
}

/// Reads the people of the directory in `file`; `issuer` is this server's own URL, which vouches for them.
///
/// # Errors
/// [`ServerError::ConfigUnreadable`], [`ServerError::BadConfig`] with every fault.
pub(crate) fn people(file: &Path, issuer: &str) -> Result<People, ServerError> {
    let text = read_text(file)?;
    parse(&file.display().to_string(), &text, issuer).map_err(ServerError::BadConfig)
}

fn parse(file: &str, text: &str, issuer: &str) -> Result<People, Vec<Fault>> {
    let documents = yaml::parse(file, text)?;
    let Some(document) = documents.iter().find(|document| !document.is_empty()) else {
        return Err(vec![Fault::new(
            BAD_SETTING,
            format!("`{file}` has no users, so nobody could ever log in"),
        )]);
    };
    let File { users } = yaml::decode(document)?;
    if users.is_empty() {
        let fault = Fault::new(BAD_SETTING, "there are no users, so nobody could ever log in");
        return Err(vec![fault.at(document.place())]);
    }
    let disabled = users.iter().filter(|user| user.disabled).map(|user| user.name.clone()).collect();
    let users = users.into_iter().map(|user| LocalUser {
        name: user.name,
        password_hash: Secret::new(user.password_hash),
        groups: user.groups,
        display_name: user.display_name,
        email: user.email,
        disabled: user.disabled,
    });
    let directory = LocalDirectory::parse(users.collect(), issuer).map_err(|errors| {
        let fault =
            |error: identity::AuthError| Fault::new(error.code(), error.to_string()).at(document.place());
        errors.into_iter().map(fault).collect::<Vec<_>>()
    })?;
    Ok(People { directory, disabled })
}
