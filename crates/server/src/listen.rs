//! Listening: connections with bounded heads, bounded times and a bounded number, ended in good order.
//! Not here: TLS, HTTP/2; a proxy does that.

use std::{future::Future, sync::Arc, time::Duration};

use axum::http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tower::{ServiceExt as _, util::MapRequest};

use crate::{
    App, ServerError,
    app::Peer,
    limits::{MAX_CONNECTIONS, MAX_HEAD_BYTES, MAX_HEAD_TIME, MAX_HEADERS},
};

/// How long connections may still take when the server ends.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How long to wait when the machine has no more sockets to give.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is ready: then takes no more connections, ends streams, lets requests end, and stops
/// driving runs. Those that are under way are taken up by the next start.
///
/// # Errors
/// [`ServerError::Listener`] if the listener has no address.
pub async fn serve(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServerError> {
    let address = listener.local_addr().map_err(ServerError::Listener)?;
    tracing::info!(%address, "serving");
    let router = app.router();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (end, ending) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut shutdown => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, ending) = (router.clone(), ending.clone());
                connections.spawn(async move {
                    connection(stream, Peer(peer.ip()), router, ending).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(BREATH).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    app.close();
    end.send_replace(true);
    let ended =
        tokio::time::timeout(LAST_WORDS, async { while connections.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!("some requests had not ended and were broken off");
        connections.abort_all();
    }
    app.runner().shut_down().await;
    Ok(())
}

async fn connection(stream: TcpStream, peer: Peer, router: axum::Router, mut ending: watch::Receiver<bool>) {
    // an answer that is not sent at once is worth more than this failing
    let _ = stream.set_nodelay(true);
    let service = MapRequest::new(router, move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEAD_TIME)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.boxed_clone()));
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return log(ended),
        _ = ending.wait_for(|ending| *ending) => connection.as_mut().graceful_shutdown(),
    }
    log(connection.await);
}

/// What a client does to its connection is no failure of the server.
fn log(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
