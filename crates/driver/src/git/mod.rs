//! A commit of a git repository, with its history as asked for and its submodules.
//! Not here, and refused by name: repositories on this machine and over git's own protocol; saving. Redirects of a git
//! server are not followed; Git LFS and filters are not applied; a link that leads out of the repository is left out.
//! Source: Argo `workflow/artifacts/git/git.go`.

mod checkout;
mod fetch;
mod ssh;
mod submodule;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use gix::url::Scheme;
use model::argo::{GitArtifact, printable_url};
use zeroize::Zeroizing;

use crate::{DriverError, Limits, Reach, Secrets, Settings};

/// How often the size of what was fetched is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// One repository to be cloned.
struct Cloning {
    reach: Arc<Reach>,
    limits: Limits,
    login: Login,
    interrupted: Arc<AtomicBool>,
    /// A folder that is not there yet, for what must not be part of the artifact.
    scratch: PathBuf,
    url: gix::Url,
    shown: String,
    wanted: Wanted,
    submodules: bool,
}

/// Which part of the history.
#[derive(Clone, Default)]
struct Wanted {
    revision: String,
    branch: String,
    single_branch: bool,
    depth: Option<std::num::NonZeroU32>,
    fetch: Vec<String>,
}

/// What the server is told to know who asks.
#[derive(Clone, Default)]
struct Login {
    user: Option<Zeroizing<String>>,
    password: Option<Zeroizing<String>>,
    ssh_key: Option<Zeroizing<Vec<u8>>>,
    trusts_any_host: bool,
    trusts_any_certificate: bool,
}

/// Clones the repository to `target`.
pub(crate) async fn load(
    settings: &Settings,
    at: &GitArtifact,
    secrets: &Secrets,
    target: &Path,
) -> Result<(), DriverError> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let cloning = Cloning::of(settings, at, secrets, (&interrupted, beside(target, ".ssh")))?;
    let limit = settings.limits.bytes;
    // whoever stops waiting stops the fetching, too
    let _stop = Interrupt(Arc::clone(&interrupted));
    let (folder, own) = (target.to_path_buf(), target.to_path_buf());
    let mut done = tokio::task::spawn_blocking(move || cloning.clone_into(&folder, 0));
    loop {
        tokio::select! {
            done = &mut done => {
                let gone = |error: tokio::task::JoinError| DriverError::failed("git", error.to_string());
                return match done.map_err(gone)? {
                    Err(_) if size(&own) > limit => Err(DriverError::TooLarge { what: "bytes", limit }),
                    done => done,
                };
            }
            () = tokio::time::sleep(LOOK) => {
                let (own, interrupted) = (own.clone(), Arc::clone(&interrupted));
                // a look that fails is repeated
                let _ = tokio::task::spawn_blocking(move || {
                    if size(&own) > limit {
                        interrupted.store(true, Ordering::Relaxed);
                    }
                })
                .await;
            }
        }
    }
}

/// Interrupts the fetching when it is dropped.
struct Interrupt(Arc<AtomicBool>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Returns the bytes of all files below a folder that can be looked at.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of_one = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of_one).fold(0, u64::saturating_add)
}

impl Cloning {
    fn of(
        settings: &Settings,
        at: &GitArtifact,
        secrets: &Secrets,
        (interrupted, scratch): (&Arc<AtomicBool>, PathBuf),
    ) -> Result<Self, DriverError> {
        let secret = |text: Option<&str>| text.map(|text| Zeroizing::new(text.to_owned()));
        let insecure = at.rest.get("insecureSkipTLS").and_then(serde_json::Value::as_bool) == Some(true);
        if at.single_branch && at.branch.is_empty() {
            let problem = "single branch mode without a branch specified";
            return Err(DriverError::BadArtifact(problem.to_owned()));
        }
        let depth =
            at.depth.and_then(|depth| std::num::NonZeroU32::new(u32::try_from(depth).unwrap_or(u32::MAX)));
        let mut url = parsed(&at.repo)?;
        check(&settings.reach, &at.repo, &url)?;
        let written = (url.user().map(str::to_owned), url.password().map(str::to_owned));
        if url.scheme != Scheme::Ssh {
            url.set_user(None);
            url.set_password(None);
        }
        let login = Login {
            user: secret(secrets.text(at.username_secret.as_ref())?.or(written.0.as_deref())),
            password: secret(secrets.text(at.password_secret.as_ref())?.or(written.1.as_deref())),
            ssh_key: secrets
                .bytes(at.ssh_private_key_secret.as_ref())?
                .map(|bytes| Zeroizing::new(bytes.to_vec())),
            trusts_any_host: at.insecure_ignore_host_key,
            trusts_any_certificate: insecure,
        };
        let wanted = Wanted {
            revision: at.revision.clone(),
            branch: at.branch.clone(),
            single_branch: at.single_branch,
            depth,
            fetch: at.fetch.clone(),
        };
        Ok(Self {
            reach: Arc::clone(&settings.reach),
            limits: settings.limits,
            login,
            interrupted: Arc::clone(interrupted),
            scratch,
            url,
            shown: printable_url(&at.repo),
            wanted,
            submodules: !at.disable_submodules,
        })
    }

    /// Clones into a new folder; `depth` counts the repositories around this one.
    fn clone_into(&self, folder: &Path, depth: usize) -> Result<(), DriverError> {
        std::fs::create_dir(folder).map_err(DriverError::io(folder))?;
        let repo = gix::ThreadSafeRepository::init_opts(
            folder,
            gix::create::Kind::WithWorktree,
            gix::create::Options::default(),
            // nothing of this machine's configuration, and no log that would need somebody's name
            gix::open::Options::isolated().config_overrides(["core.logAllRefUpdates=false"]),
        );
        let repo = repo.map_err(|error| self.failed("making the folder", &error))?.to_thread_local();
        let Some(commit) = self.fetch(&repo)? else { return Ok(()) };
        let index = self.check_out(&repo, folder, commit)?;
        if self.submodules {
            self.clone_submodules(&repo, folder, &index, depth)?;
        }
        Ok(())
    }

    /// Returns the error of something that gix did not do, with its causes but without anything secret.
    fn failed(&self, doing: &str, error: &(dyn std::error::Error + 'static)) -> DriverError {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = inner.source();
        }
        let secrets = [&self.login.user, &self.login.password];
        for secret in secrets.into_iter().flatten().filter(|secret| !secret.is_empty()) {
            reason = reason.replace(secret.as_str(), "***");
        }
        DriverError::failed(format!("{doing} of {}", self.shown), reason)
    }
}

/// Returns the URL, if its scheme is one that leads to another machine.
fn parsed(text: &str) -> Result<gix::Url, DriverError> {
    let shown = printable_url(text);
    let bad = |_| DriverError::BadArtifact(format!("`{shown}` is not the URL of a repository"));
    let url = gix::url::parse(text).map_err(bad)?;
    match url.scheme {
        Scheme::Http | Scheme::Https | Scheme::Ssh if url.host().is_some() => Ok(url),
        _ => Err(DriverError::Unsupported(format!("the scheme of the repository `{shown}`"))),
    }
}

/// Refuses an address that may not be reached; a name is looked up by whoever connects.
fn check(reach: &Reach, text: &str, url: &gix::Url) -> Result<(), DriverError> {
    match url.scheme {
        Scheme::Ssh => Ok(()),
        _ => {
            let bad = |_| DriverError::BadArtifact(format!("`{}` is not a URL", printable_url(text)));
            reach.check(&url::Url::parse(text).map_err(bad)?)
        }
    }
}

/// Returns a place beside `folder` that only this process knows of.
fn beside(folder: &Path, what: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(what);
    folder.with_file_name(name)
}
