//! What a stage does, whoever runs the container: prepare, start, signal, bring out, remove, as it is told.
//! Not here: how an engine (`engine`) or a runtime (`runtime`) does each.

use std::{
    io::{BufRead, BufReader},
    net::IpAddr,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Engine, engine, runtime,
    wire::{self, EXITED, GO, KILL, READY, TERMINATE, USABLE, failed, say},
};

/// A container that runs, for whoever finds out whether it can be used; on a thread of its own.
pub struct Running {
    /// What has to hold, as the one who opened the stage wrote it.
    pub probes: Value,
    /// How it is reached.
    pub way: Way,
    exec: Box<Exec>,
    over: Arc<AtomicBool>,
}

/// Runs a command in a container; returns whether it ended with 0 in time.
pub(crate) type Exec = dyn Fn(&[String], Duration) -> bool + Send;

/// How a container is reached, by its stage and by others.
pub(crate) struct Reach {
    /// By its stage.
    pub(crate) way: Way,
    /// By others in its network, if that is known.
    pub(crate) address: Option<IpAddr>,
    /// How a command is run in it.
    pub(crate) exec: Box<Exec>,
}

/// How a container is reached from this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// From inside its network, whose namespace is this file.
    Inside(PathBuf),
    /// At its address in the engine's network.
    At(IpAddr),
    /// Not at all: it has no network.
    None,
}

impl Running {
    /// Runs a command in the container, with its own environment and user; returns whether it ended with 0 in time.
    pub fn exec(&self, argv: &[String], timeout: Duration) -> bool {
        (self.exec)(argv, timeout)
    }
    /// Whether the container has ended.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// Blocks until a container can be used; returns false if it never can.
pub type Prove = fn(&Running) -> bool;

/// A container in somebody's keeping.
pub(crate) trait Keeper {
    /// Gets the image and makes the container.
    async fn prepare(&mut self) -> Result<(), String>;
    /// Starts it, or starts it again.
    async fn start(&mut self) -> Result<(), String>;
    /// Returns how it is reached and how a command is run in it.
    async fn reach(&mut self) -> Result<Reach, String>;
    /// Waits for its end and returns its exit code; may be given up and called again.
    async fn ended(&mut self) -> Result<i32, String>;
    /// Sends TERM, or KILL.
    async fn signal(&mut self, kill: bool);
    /// Brings out what was asked for.
    async fn bring_out(&mut self) -> Result<(), String>;
    /// Removes it, whatever it does.
    async fn remove(&mut self);
}

/// Attends a container, as the first line of standard input, a socket, says; `prove` finds out whether one with probes can
/// be used. Returns the process's exit code.
pub fn attend(prove: Prove) -> i32 {
    wire::speak(|socket| {
        let (request, orders) = wire::request(socket)?;
        let room =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("runtime"))?;
        let orders = listen(orders);
        let task = Task { socket, prove, probes: request.wanted.probes.clone() };
        room.block_on(async {
            match request.settings.engine.clone() {
                Engine::Api { address } => keep(task, orders, engine::Kept::of(request, &address)?).await,
                Engine::Runtime { program } => keep(task, orders, runtime::Kept::of(request, program)).await,
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

/// What a stage was asked to do.
struct Task<'a> {
    socket: &'a UnixStream,
    prove: Prove,
    probes: Option<Value>,
}

async fn keep(
    task: Task<'_>,
    mut orders: mpsc::UnboundedReceiver<String>,
    mut keeper: impl Keeper,
) -> Result<(), String> {
    let prepared = tokio::select! {
        prepared = keeper.prepare() => prepared.map(|()| true),
        // nobody wants it any more
        _ = orders.recv() => Ok(false),
    };
    let kept = match prepared {
        Ok(true) => {
            say(task.socket, READY);
            run(&task, &mut orders, &mut keeper).await
        }
        Ok(false) => Ok(()),
        Err(fault) => Err(fault),
    };
    keeper.remove().await;
    kept
}

/// Starts the container as often as it is told, until nobody needs it.
async fn run(
    task: &Task<'_>,
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
        let (mut proof, _over) = task.prove(keeper).await?;
        let code = loop {
            tokio::select! {
                code = keeper.ended() => break code?,
                usable = proof.found() => say(task.socket, &usable),
                order = orders.recv() => match order.as_deref() {
                    Some(TERMINATE) => keeper.signal(false).await,
                    Some(KILL) => keeper.signal(true).await,
                    Some(GO) => {}
                    _ => return Ok(()),
                }
            }
        };
        keeper.bring_out().await?;
        say(task.socket, &format!("{EXITED} {code}"));
    }
    Ok(())
}

impl Task<'_> {
    /// Begins to find out whether the container can be used.
    async fn prove(&self, keeper: &mut impl Keeper) -> Result<(Proof, Over), String> {
        let over = Over(Arc::new(AtomicBool::new(false)));
        let Some(probes) = self.probes.clone() else { return Ok((Proof(None), over)) };
        let Reach { way, address, exec } = keeper.reach().await?;
        let usable = address.map_or_else(|| USABLE.to_owned(), |address| format!("{USABLE} {address}"));
        let running = Running { probes, way, exec, over: Arc::clone(&over.0) };
        let (tell, told) = oneshot::channel();
        let prove = self.prove;
        let work = move || {
            if prove(&running) {
                // nobody listens once the container has ended
                let _ = tell.send(usable);
            }
        };
        std::thread::Builder::new().spawn(work).map_err(failed("cannot watch the container"))?;
        Ok((Proof(Some(told)), over))
    }
}

/// That a container can be used, once it is found out.
struct Proof(Option<oneshot::Receiver<String>>);

impl Proof {
    /// Waits until it is found out, and for ever after that; may be given up and called again.
    async fn found(&mut self) -> String {
        if let Some(told) = &mut self.0 {
            let found = told.await;
            self.0 = None;
            if let Ok(usable) = found {
                return usable;
            }
        }
        std::future::pending().await
    }
}

/// Tells whoever asks a container that it has ended.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
