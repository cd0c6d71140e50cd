//! Credentials: for each server a bearer token, in one file that only its owner may read, replaced as a whole.
//! Not here: getting a token (see `command::login`), keyrings.
//!
//! Invariant: the file is never wider than 0600, and a crash leaves the old file or the new one.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::CliError;

/// Everything the file holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Credentials {
    /// The format's version: 1.
    #[serde(default = "version")]
    pub version: u32,
    /// The server that is asked when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// What is shown to each server, by address.
    #[serde(default)]
    pub servers: BTreeMap<String, Credential>,
}

const fn version() -> u32 {
    1
}

/// What is shown to one server.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// The bearer token.
    pub token: String,
    /// Whose it is, for display.
    pub user: String,
    /// When it ends, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.user)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Returns the file in the folder of settings.
pub fn path(config_folder: &Path) -> PathBuf {
    config_folder.join("credentials.json")
}

/// Returns what the file holds; nothing when there is none.
///
/// # Errors
/// [`CliError::File`], [`CliError::Credentials`].
pub fn load(config_folder: &Path) -> Result<Credentials, CliError> {
    let path = path(config_folder);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| CliError::Credentials { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Credentials { version: version(), ..Credentials::default() })
        }
        Err(error) => Err(CliError::read(path, error)),
    }
}

/// Replaces the file.
///
/// # Errors
/// [`CliError::File`].
pub fn save(config_folder: &Path, credentials: &Credentials) -> Result<(), CliError> {
    let path = path(config_folder);
    replace(&path, credentials).map_err(|error| CliError::write(path, error))
}

fn replace(path: &Path, credentials: &Credentials) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // the process id keeps two programs apart; whatever an earlier one left behind is taken away first
    let beside = path.with_extension(format!("json.{}", std::process::id()));
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let mut text = serde_json::to_vec_pretty(credentials)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn one() -> Credentials {
        let credential =
            Credential { token: "mqs_secret".to_owned(), user: "olga".to_owned(), expires_at: None };
        let servers = BTreeMap::from([("https://marque.example".to_owned(), credential)]);
        Credentials { version: 1, current: Some("https://marque.example".to_owned()), servers }
    }

    #[test]
    fn what_is_saved_is_loaded_by_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("config").join("marque");
        assert_eq!(load(&folder).unwrap(), Credentials { version: 1, ..Credentials::default() });
        save(&folder, &one()).unwrap();
        assert_eq!(load(&folder).unwrap(), one());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path(&folder)), 0o600);
        assert_eq!(mode(&folder), 0o700);
    }

    #[test]
    fn saving_narrows_a_file_that_was_too_wide_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path()), "{}").unwrap();
        fs::set_permissions(path(folder.path()), fs::Permissions::from_mode(0o644)).unwrap();
        save(folder.path(), &one()).unwrap();
        assert_eq!(fs::metadata(path(folder.path())).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_named_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path()), "not json").unwrap();
        let error = load(folder.path()).unwrap_err();
        assert!(matches!(&error, CliError::Credentials { path, .. } if path.ends_with("credentials.json")));
        assert_eq!(fs::read_to_string(path(folder.path())).unwrap(), "not json");
    }

    #[test]
    fn a_credential_does_not_show_its_token_when_printed() {
        assert!(!format!("{:?}", one()).contains("mqs_secret"));
    }
}
