//! The server's own keys, each in a file of its own that only the owner may read; made on first use.
//! Not here: what they sign. Invariant: a key file is never overwritten.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use audit::LogKey;
use aws_lc_rs::signature::Ed25519KeyPair;
use identity::RunTokenKey;
use zeroize::Zeroizing;

use crate::seal::SealingKey;

/// A key could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be written or read.
    #[error("the key file `{path}` cannot be used")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read the file.
    #[error("the key file `{0}` may be read by others; make it yours alone (chmod 600)")]
    Exposed(PathBuf),
    /// The file does not hold a key.
    #[error("the key file `{0}` does not hold a key")]
    NotAKey(PathBuf),
}

/// Returns the key that signs run tokens, from `folder/run-token.p8`.
///
/// # Errors
/// [`KeyError`].
pub fn run_token_key(folder: &Path) -> Result<RunTokenKey, KeyError> {
    let path = folder.join("run-token.p8");
    let bytes = load_or_make(&path, || RunTokenKey::generate_pkcs8(&crate::random::system()).ok())?;
    RunTokenKey::from_pkcs8(&bytes).map_err(|_| KeyError::NotAKey(path))
}

/// Returns the key that signs the audit log's checkpoints, from `folder/audit-log.p8`.
///
/// # Errors
/// [`KeyError`].
pub fn log_key(folder: &Path) -> Result<LogKey, KeyError> {
    let path = folder.join("audit-log.p8");
    let bytes = load_or_make(&path, || Ed25519KeyPair::generate_pkcs8(&crate::random::system()).ok())?;
    LogKey::from_pkcs8(&bytes).map_err(|_| KeyError::NotAKey(path))
}

/// Returns the key that seals Secrets, from `folder/secrets.key`.
///
/// # Errors
/// [`KeyError`].
pub fn sealing_key(folder: &Path) -> Result<SealingKey, KeyError> {
    let path = folder.join("secrets.key");
    let bytes = Zeroizing::new(load_or_make(&path, || crate::random::bytes::<32>().ok())?);
    SealingKey::from_bytes(&bytes).ok_or(KeyError::NotAKey(path))
}

fn load_or_make<B: AsRef<[u8]>>(path: &Path, make: impl FnOnce() -> Option<B>) -> Result<Vec<u8>, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    match fs::read(path) {
        Ok(bytes) => {
            let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
            if mode & 0o077 == 0 { Ok(bytes) } else { Err(KeyError::Exposed(path.to_owned())) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = make().ok_or_else(|| KeyError::NotAKey(path.to_owned()))?;
            // written beside and linked into place, so that a crash leaves a whole key or none
            let beside = path.with_extension("new");
            let _ = fs::remove_file(&beside);
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&beside)
                .map_err(failed)?;
            file.write_all(made.as_ref()).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            fs::hard_link(&beside, path).map_err(failed)?;
            fs::remove_file(&beside).map_err(failed)?;
            Ok(made.as_ref().to_vec())
        }
        Err(error) => Err(failed(error)),
    }
}
