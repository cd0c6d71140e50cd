//! HTTP clients that connect only to where [`Reach`] lets them: names are looked up here and their addresses filtered, so
//! that a name cannot change its mind between the look and the connection; redirects are looked at, too.
//! Not here: requests. A proxy that the environment names is not used: it would look names up elsewhere.

use std::{io, net::SocketAddr, sync::Arc};

use reqwest::{
    Certificate, Client, ClientBuilder, Identity,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};

use crate::{
    DriverError, Reach,
    error::reason,
    limits::{CONNECT_TIME, MOVE_TIME, REDIRECTS, SILENT_TIME},
};

/// What is particular about a client.
#[derive(Default)]
pub(crate) struct Tls<'a> {
    /// Certificates in PEM that the other side's may be signed by, beside the usual ones.
    pub(crate) authorities: Option<&'a [u8]>,
    /// The client's own certificate and its key, in PEM.
    pub(crate) identity: Option<(&'a [u8], &'a [u8])>,
    /// Whether the other side's certificate does not matter.
    pub(crate) trusts_all: bool,
}

/// Returns a client that follows redirects.
pub(crate) fn following(reach: &Arc<Reach>, tls: &Tls<'_>) -> Result<Client, DriverError> {
    built(builder(reach, tls)?.redirect(follow(reach)))
}

/// Returns a client that follows redirects and waits for an answer as long as it takes.
pub(crate) fn patient(reach: &Arc<Reach>, tls: &Tls<'_>) -> Result<Client, DriverError> {
    built(builder(reach, tls)?.read_timeout(MOVE_TIME).redirect(follow(reach)))
}

fn follow(reach: &Arc<Reach>) -> Policy {
    let look = Arc::clone(reach);
    Policy::custom(move |attempt| {
        if attempt.previous().len() > REDIRECTS {
            return attempt.error(io::Error::other("too many redirects"));
        }
        match look.check(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(error) => attempt.error(error),
        }
    })
}

/// Returns a client that follows none.
pub(crate) fn plain(reach: &Arc<Reach>, tls: &Tls<'_>) -> Result<Client, DriverError> {
    built(builder(reach, tls)?.redirect(Policy::none()))
}

fn built(builder: ClientBuilder) -> Result<Client, DriverError> {
    builder.build().map_err(|error| DriverError::failed("the HTTP client", reason(error)))
}

fn builder(reach: &Arc<Reach>, tls: &Tls<'_>) -> Result<ClientBuilder, DriverError> {
    let mut builder = Client::builder()
        .no_proxy()
        .dns_resolver(Lookup { reach: Arc::clone(reach) })
        .connect_timeout(CONNECT_TIME)
        .read_timeout(SILENT_TIME)
        .timeout(MOVE_TIME)
        .tls_danger_accept_invalid_certs(tls.trusts_all);
    let bad = |error| DriverError::failed("the certificates", reason(error));
    if let Some(pem) = tls.authorities {
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(pem).map_err(bad)?);
    }
    if let Some((certificate, key)) = tls.identity {
        let pem = zeroize::Zeroizing::new([certificate, b"\n", key].concat());
        builder = builder.identity(Identity::from_pem(&pem).map_err(bad)?);
    }
    Ok(builder)
}

/// Looks names up, and keeps to itself what may not be reached.
pub(crate) struct Lookup {
    pub(crate) reach: Arc<Reach>,
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = Arc::clone(&self.reach);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let reachable: Vec<SocketAddr> =
                found.iter().copied().filter(|address| reach.allows(address.ip())).collect();
            if reachable.is_empty() && !found.is_empty() {
                return Err(Box::new(DriverError::Unreachable { host }).into());
            }
            Ok(Box::new(reachable.into_iter()) as Addrs)
        })
    }
}
