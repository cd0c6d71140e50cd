//! The one thread that writes: takes changes in order, many to a transaction, each in a savepoint of its own; answers when
//! the transaction is durable.
//! Not here: what a change does (see the file of each noun).
//! Invariant: an answer `Ok` means durable; a change that fails leaves nothing behind and fails no other.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Duration,
};

use audit::Entry;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    StoreError,
    error::damaged,
    log::{Log, Tx, number},
};

/// The most changes of one transaction.
const MAX_BATCH: usize = 512;
/// The most outcomes that are kept to be tried again.
const MAX_UNWRITTEN: usize = 10_000;
/// How long an unsigned tail may wait for company.
const IDLE: Duration = Duration::from_secs(1);

/// What the writer is asked to do.
pub(crate) enum Request {
    /// Make a change.
    Change(Box<dyn Work>),
    /// Append an entry that nobody waits for.
    Enqueue(Box<Entry>),
    /// Sign and end; everything asked before is done first.
    Close(oneshot::Sender<()>),
}

/// A change, and somebody who waits for it.
pub(crate) trait Work: Send {
    /// Does it; whether it went well.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers, now that the transaction is durable or has failed with this reason.
    fn answer(self: Box<Self>, failed: Option<&str>);
}

struct Change<F, T> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Work for Change<F, T>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        self.result = self.work.take().map(|work| work(tx));
        matches!(self.result, Some(Ok(_)))
    }
    fn answer(self: Box<Self>, failed: Option<&str>) {
        let result = match (self.result, failed) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(_)) | None, Some(reason)) => Err(StoreError::NotWritten(reason.to_owned())),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(StoreError::Closed),
        };
        // Whoever asked may have gone away; the change stands all the same.
        drop(self.reply.send(result));
    }
}

/// Returns the request to do `work`, and where its answer arrives.
pub(crate) fn change<F, T>(work: F) -> (Request, oneshot::Receiver<Result<T, StoreError>>)
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    T: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Request::Change(Box::new(Change { work: Some(work), result: None, reply })), answer)
}

/// Starts the writer.
///
/// # Errors
/// [`StoreError::Folder`] if no thread can be had.
pub(crate) fn start(
    connection: Connection,
    log: Log,
) -> Result<(Sender<Request>, std::thread::JoinHandle<()>), StoreError> {
    let (sender, receiver) = channel();
    let writer = Writer { connection, log, unwritten: Vec::new() };
    let builder = std::thread::Builder::new().name("store-writer".to_owned());
    let thread = builder.spawn(move || writer.serve(&receiver)).map_err(StoreError::Folder)?;
    Ok((sender, thread))
}

struct Writer {
    connection: Connection,
    log: Log,
    unwritten: Vec<Entry>,
}

impl Writer {
    fn serve(mut self, requests: &Receiver<Request>) {
        loop {
            let waits = self.log.unsigned() || !self.unwritten.is_empty();
            let next = if waits {
                requests.recv_timeout(IDLE)
            } else {
                requests.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match next {
                Ok(first) => {
                    let (batch, end) = collect(first, requests);
                    self.serve_batch(batch);
                    if let Some(done) = end {
                        self.finish();
                        drop(self);
                        // Whoever asked for the end may have gone away.
                        let _ = done.send(());
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.finish(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.finish();
    }

    /// Writes what is left over and signs it.
    fn finish(&mut self) {
        if self.log.unsigned() || !self.unwritten.is_empty() {
            let failed = self.transact(&mut [], true).err();
            self.alarm(failed.as_deref());
        }
    }

    fn alarm(&self, failed: Option<&str>) {
        if let Some(reason) = failed {
            let waiting = self.unwritten.len();
            tracing::error!(reason, waiting, "the audit log cannot be written; it is tried again");
        }
    }

    fn serve_batch(&mut self, mut batch: Vec<Request>) {
        let failed = self.transact(&mut batch, false).err();
        for request in batch {
            match request {
                Request::Change(work) => work.answer(failed.as_deref()),
                Request::Enqueue(entry) if failed.is_some() => self.keep_for_later(*entry),
                Request::Enqueue(_) | Request::Close(_) => {}
            }
        }
        self.alarm(failed.as_deref());
    }

    fn keep_for_later(&mut self, entry: Entry) {
        if self.unwritten.len() < MAX_UNWRITTEN {
            self.unwritten.push(entry);
        } else {
            tracing::error!("an entry of the audit log is lost: too many wait to be written");
        }
    }

    /// Makes everything in `batch` durable in one transaction, or nothing of it.
    fn transact(&mut self, batch: &mut [Request], sign: bool) -> Result<(), String> {
        let before = self.log.head().clone();
        let result = self.try_transact(batch, sign);
        match result {
            Ok(()) => {
                self.unwritten.clear();
                Ok(())
            }
            Err(error) => {
                if !self.connection.is_autocommit()
                    && let Err(error) = self.connection.execute_batch("ROLLBACK")
                {
                    tracing::error!(error = %error, "a transaction could not be rolled back");
                }
                self.log.back_to(before);
                Err(chain(&error))
            }
        }
    }

    fn try_transact(&mut self, batch: &mut [Request], sign: bool) -> Result<(), StoreError> {
        let Self { connection, log, unwritten } = self;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let last: Option<i64> =
            connection.prepare_cached("SELECT max(number) FROM log")?.query_row([], |row| row.get(0))?;
        if last.map_or(Some(0), |last| number(last).map(|last| last + 1)) != Some(log.size()) {
            return Err(damaged("somebody else wrote to the log"));
        }
        for entry in unwritten.iter() {
            log.append(connection, entry)?;
        }
        for request in batch {
            match request {
                Request::Change(work) => in_savepoint(connection, log, &mut **work)?,
                Request::Enqueue(entry) => match log.append(connection, entry) {
                    Ok(_) => {}
                    Err(StoreError::Audit(error)) => {
                        tracing::error!(error = %error, "an entry of the audit log cannot be written");
                    }
                    Err(error) => return Err(error),
                },
                Request::Close(_) => {}
            }
        }
        if log.due() || (sign && log.unsigned()) {
            log.sign(connection)?;
        }
        connection.execute_batch("COMMIT")?;
        Ok(())
    }
}

/// Does one change so that its failure leaves nothing behind.
///
/// # Errors
/// Only those that concern the whole transaction.
fn in_savepoint(connection: &Connection, log: &mut Log, work: &mut dyn Work) -> Result<(), StoreError> {
    let before = log.head().clone();
    connection.execute_batch("SAVEPOINT one")?;
    let well = work.run(&mut Tx { connection, log });
    if connection.is_autocommit() {
        return Err(damaged("the database gave up the whole transaction"));
    }
    if !well {
        log.back_to(before);
        connection.execute_batch("ROLLBACK TO one")?;
    }
    connection.execute_batch("RELEASE one")?;
    Ok(())
}

/// Takes what waits, up to a batch; and who waits for the end, if it is the last.
fn collect(first: Request, requests: &Receiver<Request>) -> (Vec<Request>, Option<oneshot::Sender<()>>) {
    let mut batch = Vec::new();
    let mut next = Some(first);
    while let Some(request) = next {
        if let Request::Close(done) = request {
            return (batch, Some(done));
        }
        batch.push(request);
        next = if batch.len() < MAX_BATCH { requests.try_recv().ok() } else { None };
    }
    (batch, None)
}

fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
