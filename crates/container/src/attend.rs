//! What a stage does, whoever runs the container: prepare, start, signal, bring out, remove, as it is told.
//! Not here: how an engine (`engine`) or a runtime (`runtime`) does each.

use std::{
    io::{BufRead, BufReader},
    os::unix::net::UnixStream,
};

use tokio::sync::mpsc;

use crate::{
    Engine, engine, runtime,
    wire::{self, EXITED, GO, KILL, READY, TERMINATE, failed, say},
};

/// A container in somebody's keeping.
pub(crate) trait Keeper {
    /// Gets the image and makes the container; returns the process in whose namespaces it is, if that is known.
    async fn prepare(&mut self) -> Result<Option<u32>, String>;
    /// Starts it, or starts it again.
    async fn start(&mut self) -> Result<(), String>;
    /// Waits for its end and returns its exit code; may be given up and called again.
    async fn ended(&mut self) -> Result<i32, String>;
    /// Sends TERM, or KILL.
    async fn signal(&mut self, kill: bool);
    /// Brings out what was asked for.
    async fn bring_out(&mut self) -> Result<(), String>;
    /// Removes it, whatever it does.
    async fn remove(&mut self);
}

/// Attends a container, as the first line of standard input, a socket, says; returns the process's exit code.
pub fn attend() -> i32 {
    wire::speak(|socket| {
        let (request, orders) = wire::request(socket)?;
        let room =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("runtime"))?;
        let orders = listen(orders);
        room.block_on(async {
            match request.settings.engine.clone() {
                Engine::Api { address } => keep(socket, orders, engine::Kept::of(request, &address)?).await,
                Engine::Runtime { program } => {
                    keep(socket, orders, runtime::Kept::of(request, program)).await
                }
            }
        })
    })
}

/// Reads orders on a thread of its own; the channel closes when nobody is left to give any.
fn listen(orders: BufReader<UnixStream>) -> mpsc::UnboundedReceiver<String> {
    let (tell, told) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in orders.lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

async fn keep(
    socket: &UnixStream,
    mut orders: mpsc::UnboundedReceiver<String>,
    mut keeper: impl Keeper,
) -> Result<(), String> {
    let prepared = tokio::select! {
        prepared = keeper.prepare() => prepared.map(Some),
        // nobody wants it any more
        _ = orders.recv() => Ok(None),
    };
    let kept = match prepared {
        Ok(Some(seen_by)) => {
            say(socket, &seen_by.map_or_else(|| READY.to_owned(), |id| format!("{READY} {id}")));
            run(socket, &mut orders, &mut keeper).await
        }
        Ok(None) => Ok(()),
        Err(fault) => Err(fault),
    };
    keeper.remove().await;
    kept
}

/// Starts the container as often as it is told, until nobody needs it.
async fn run(
    socket: &UnixStream,
    orders: &mut mpsc::UnboundedReceiver<String>,
    keeper: &mut impl Keeper,
) -> Result<(), String> {
    while let Some(order) = orders.recv().await {
        match order.as_str() {
            GO => {}
            TERMINATE | KILL => continue,
            _ => break,
        }
        keeper.start().await?;
        let code = loop {
            tokio::select! {
                code = keeper.ended() => break code?,
                order = orders.recv() => match order.as_deref() {
                    Some(TERMINATE) => keeper.signal(false).await,
                    Some(KILL) => keeper.signal(true).await,
                    Some(GO) => {}
                    _ => return Ok(()),
                }
            }
        };
        keeper.bring_out().await?;
        say(socket, &format!("{EXITED} {code}"));
    }
    Ok(())
}
