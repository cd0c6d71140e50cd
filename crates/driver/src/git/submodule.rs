//! Submodules: repositories at places of this one. The credentials are for the repository's own server only.

use std::path::Path;

use gix::{Repository, bstr::ByteSlice as _};

use model::argo::printable_url;

use super::{Cloning, Login, Wanted, check, parsed};
use crate::{DriverError, limits::SUBMODULE_DEPTH};

impl Cloning {
    /// Clones every submodule the index holds a commit of.
    pub(super) fn clone_submodules(
        &self,
        repo: &Repository,
        folder: &Path,
        index: &gix::index::File,
        depth: usize,
    ) -> Result<(), DriverError> {
        let path = folder.join(".gitmodules");
        let is_file = path.symlink_metadata().is_ok_and(|data| data.is_file());
        if !is_file {
            return Ok(());
        }
        if depth >= SUBMODULE_DEPTH {
            return Err(DriverError::TooLarge {
                what: "submodules inside one another",
                limit: SUBMODULE_DEPTH as u64,
            });
        }
        let text = std::fs::read(&path).map_err(DriverError::io(&path))?;
        let modules = gix::submodule::File::from_bytes(&text, path.clone(), &repo.config_snapshot());
        let modules = modules.map_err(|error| self.failed("the submodules", &error))?;
        for name in modules.names().map(ToOwned::to_owned).collect::<Vec<_>>() {
            let bad = || DriverError::BadArtifact(format!("the submodule `{name}` makes no sense"));
            let place = modules.path(name.as_ref()).map_err(|_| bad())?;
            let Some(entry) = index.entry_by_path(place.as_ref()) else { continue };
            let written = modules.url(name.as_ref()).map_err(|_| bad())?;
            let url = self.relative(&written.to_bstring().to_str_lossy())?;
            let shown = printable_url(&url.to_bstring().to_str_lossy());
            check(&self.reach, &url.to_bstring().to_str_lossy(), &url)?;
            let target = folder.join(gix::path::from_bstr(&place).map_err(|_| bad())?);
            // the empty folder that stands for it
            std::fs::remove_dir(&target).map_err(DriverError::io(&target))?;
            let at_home = url.host() == self.url.host() && url.scheme == self.url.scheme;
            let inner = Self {
                reach: self.reach.clone(),
                limits: self.limits,
                login: if at_home { self.login.clone() } else { Login::default() },
                interrupted: self.interrupted.clone(),
                scratch: self.scratch.clone(),
                shown,
                url,
                wanted: Wanted { revision: entry.id.to_string(), ..Wanted::default() },
                submodules: true,
            };
            inner.clone_into(&target, depth + 1)?;
        }
        Ok(())
    }

    /// Returns the URL of a submodule, which may be relative to this repository's.
    fn relative(&self, written: &str) -> Result<gix::Url, DriverError> {
        if !written.starts_with("./") && !written.starts_with("../") {
            return parsed(written);
        }
        let mut url = self.url.clone();
        let own = url.path.to_str_lossy().into_owned();
        let mut parts: Vec<&str> = own.trim_end_matches('/').split('/').collect();
        for part in written.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part == ".." {
                parts.pop();
            } else {
                parts.push(part);
            }
        }
        url.path = parts.join("/").into();
        Ok(url)
    }
}
