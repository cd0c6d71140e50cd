//! Fetching: which refs, over which transport, and which commit is meant.

use std::sync::{Arc, Mutex};

use gix::{
    ObjectId, Repository,
    protocol::transport::{
        Protocol,
        client::blocking_io::{
            Transport,
            http::{self, reqwest},
        },
    },
    remote::{fetch::Shallow, fetch::Tags, ref_map},
    url::Scheme,
};

use super::{Cloning, ssh};
use crate::{
    DriverError,
    client::Lookup,
    http::basic,
    limits::{CONNECT_TIME, SILENT_TIME},
};

impl Cloning {
    /// Fetches what is wanted, points HEAD to it and returns the commit; none if the repository is empty.
    pub(super) fn fetch(&self, repo: &Repository) -> Result<Option<ObjectId>, DriverError> {
        let url = self.url.clone();
        let ssh = match url.scheme {
            Scheme::Ssh => Some(ssh::Program::of(&self.reach, &self.login, &url, self.scratch.clone())?),
            _ => None,
        };
        let default = match ssh {
            Some(program) => {
                let connected = gix::protocol::transport::client::blocking_io::ssh::connect(
                    url,
                    Protocol::V2,
                    program.options(),
                    false,
                );
                let transport = connected.map_err(|error| self.failed("connecting to the server", &error))?;
                self.receive(repo, transport, None)?
            }
            None => {
                let options = self.http_options();
                let transport = http::Transport::<reqwest::Remote>::new(url, Protocol::V2, false);
                self.receive(repo, transport, Some(options))?
            }
        };
        let Some(default) = default else { return Ok(None) };
        let commit = self.resolve(repo, &default)?;
        let branch = if self.wanted.branch.is_empty() { &default } else { &self.wanted.branch };
        let head = if self.wanted.revision.is_empty() {
            let name = format!("refs/heads/{branch}");
            repo.reference(name.as_str(), commit, gix::refs::transaction::PreviousValue::Any, "clone")
                .map_err(|error| self.failed("making the branch", &error))?;
            format!("ref: {name}\n")
        } else {
            format!("{commit}\n")
        };
        let path = repo.git_dir().join("HEAD");
        std::fs::write(&path, head).map_err(DriverError::io(&path))?;
        self.remember_remote(repo)?;
        Ok(Some(commit))
    }

    /// Writes where it came from, without credentials.
    fn remember_remote(&self, repo: &Repository) -> Result<(), DriverError> {
        let path = repo.git_dir().join("config");
        let mut text = std::fs::read_to_string(&path).map_err(DriverError::io(&path))?;
        let url = self.shown.replace(['"', '\\', '\n'], "");
        text.push_str(&format!(
            "[remote \"origin\"]\n\turl = \"{url}\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
        ));
        std::fs::write(&path, text).map_err(DriverError::io(&path))
    }

    /// Fetches over a transport and returns the name of the server's default branch; none if the repository is empty.
    fn receive<T: Transport + Send>(
        &self,
        repo: &Repository,
        transport: T,
        options: Option<http::Options>,
    ) -> Result<Option<String>, DriverError> {
        let wanted = &self.wanted;
        let one = |branch: &str| format!("+refs/heads/{branch}:refs/remotes/origin/{branch}");
        let mut specs = vec!["+HEAD:refs/remotes/origin/HEAD".to_owned()];
        specs.push(if wanted.single_branch {
            one(&wanted.branch)
        } else {
            "+refs/heads/*:refs/remotes/origin/*".to_owned()
        });
        specs.extend(wanted.fetch.iter().cloned());
        // a branch that is not there is not to keep HEAD's name from being told
        let remote = repo
            .remote_at_without_url_rewrite(self.url.clone())
            .map(|remote| {
                remote.with_fetch_tags(if wanted.single_branch { Tags::Included } else { Tags::All })
            })
            .and_then(|remote| {
                remote.with_refspecs(specs.iter().map(String::as_str), gix::remote::Direction::Fetch)
            })
            .map_err(|error| self.failed("the refs", &error))?;
        // no helper of this machine is asked for credentials
        let mut connection = remote.to_connection_with_transport(transport).with_credentials(|_| Ok(None));
        if let Some(options) = options {
            connection = connection.with_transport_options(Box::new(options));
        }
        let failed = |error: gix::Error| self.failed("fetching", &error);
        let prepared = connection.prepare_fetch(gix::progress::Discard, ref_map::Options::default());
        let prepared = prepared.map_err(failed)?;
        let prepared = match wanted.depth {
            Some(depth) => prepared.with_shallow(Shallow::DepthAtRemote(depth)),
            None => prepared,
        };
        let refs = &prepared.ref_map().remote_refs;
        if refs.is_empty() {
            return Ok(None);
        }
        let default = default_branch(refs);
        prepared.receive(gix::progress::Discard, &self.interrupted).map_err(failed)?;
        Ok(Some(default))
    }

    /// Returns the commit that is meant: a branch, tag or commit, else the tip of the branch.
    fn resolve(&self, repo: &Repository, default: &str) -> Result<ObjectId, DriverError> {
        let wanted = &self.wanted;
        let names: Vec<String> = if wanted.revision.is_empty() {
            let branch = if wanted.branch.is_empty() { default } else { &wanted.branch };
            vec![format!("refs/remotes/origin/{branch}")]
        } else {
            let name = &wanted.revision;
            ["refs/remotes/origin/", "refs/tags/", "refs/", ""].map(|before| format!("{before}{name}")).into()
        };
        let found = names.iter().find_map(|name| {
            let id = repo.rev_parse_single(name.as_str()).ok()?;
            Some(id.object().ok()?.peel_to_commit().ok()?.id)
        });
        found.ok_or_else(|| {
            let name = names.last().map(String::as_str).unwrap_or_default();
            DriverError::NotFound(format!("`{name}` in {}: reference not found", self.shown))
        })
    }

    /// Returns how HTTP is spoken: only to where it may, without redirects, without a proxy and without this machine's
    /// credentials. The user's are sent over plain HTTP, too, as Argo does.
    fn http_options(&self) -> http::Options {
        let (look, check) = (Arc::clone(&self.reach), Arc::clone(&self.reach));
        let trusts_all = self.login.trusts_any_certificate;
        let backend = reqwest::Options {
            configure_client: Some(Box::new(move |builder| {
                Ok(builder
                    .no_proxy()
                    .dns_resolver(Arc::new(Lookup { reach: Arc::clone(&look) }))
                    .connect_timeout(CONNECT_TIME)
                    .timeout(None)
                    .tls_danger_accept_invalid_certs(trusts_all)
                    .tcp_user_timeout(SILENT_TIME))
            })),
            configure_request: Some(Box::new(move |request| {
                check.check(request.url()).map_err(gix::Error::from_error)
            })),
        };
        let password = self.login.password.as_ref().map(|password| password.as_str()).unwrap_or_default();
        let header = |user: &zeroize::Zeroizing<String>| format!("Authorization: {}", basic(user, password));
        http::Options {
            extra_headers: self.login.user.as_ref().map(header).into_iter().collect(),
            follow_redirects: http::options::FollowRedirects::None,
            backend: Some(Arc::new(Mutex::new(backend))),
            ..http::Options::default()
        }
    }
}

/// Returns the branch that HEAD stands for on the server.
fn default_branch(refs: &[gix::protocol::handshake::Ref]) -> String {
    use gix::protocol::handshake::Ref;
    let of_head = refs.iter().find_map(|known| match known {
        Ref::Symbolic { full_ref_name, target, .. } if full_ref_name == "HEAD" => Some(target.to_string()),
        _ => None,
    });
    of_head.as_deref().and_then(|name| name.strip_prefix("refs/heads/")).unwrap_or("HEAD").to_owned()
}
