//! Remembers: objects and their revisions, runs and their events, approvals, sessions, and the audit log, in one
//! SQLite database (WAL, synchronous=FULL, one writer thread with group commit).
//! Not here: deciding (`policy`), what happens next (`engine`), logs and artifacts (files of the `backend`).
//! Invariant: a change takes an [`audit::Audited`], a read of content a [`policy::Permit`]; the event log is the truth, the
//! rest is derived; whatever is kept is also in the audit log by its digest, in the same transaction.

mod approvals;
mod error;
mod events;
mod facts;
mod journal;
mod log;
mod objects;
mod plan;
mod readers;
mod runs;
mod schema;
mod sessions;
mod stored;
pub mod verify;
mod witness;
mod writer;

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
    thread::JoinHandle,
};

use audit::LogKey;
use rusqlite::Connection;
use tokio::sync::oneshot;

pub use crate::{
    approvals::Approval,
    error::StoreError,
    events::events_digest,
    facts::{Fact, fact_digest},
    journal::{EntryProof, MAX_ENTRIES, StoredEntry},
    plan::{ApplyPlan, GIVEN_TWICE, NOT_KEPT, plan_apply},
    runs::{StoredRun, run_digest},
    sessions::Session,
    verify::verify_folder,
};
use crate::{log::Log, log::Tx, readers::Readers, writer::Request};

/// The name of the database in its folder.
pub const DATABASE: &str = "marque.db";
const LOCK: &str = "marque.lock";

/// The database; cheap to clone. It is closed when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    requests: Sender<Request>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Arc<Readers>,
    // Held until the end: the operating system lets go of it when the process dies, however it dies.
    _lock: File,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.readers.close();
        let (done, _) = oneshot::channel();
        let asked = self.requests.send(Request::Close(done)).is_ok();
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && (asked || thread.is_finished())
            && thread.join().is_err()
        {
            tracing::error!("the writer of the database ended badly");
        }
    }
}

impl Store {
    /// Opens or creates the database in `folder`, migrates it, checks the end of the log against the last checkpoint,
    /// rebuilds what is derived if it is not as it must be, and starts the writer. `key` signs the log's head.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::Damaged`], [`StoreError::Audit`] if the log was signed
    /// with another key, [`StoreError::Folder`], [`StoreError::Sqlite`].
    pub fn open(folder: &Path, key: LogKey) -> Result<Self, StoreError> {
        private_folder(folder)?;
        let lock = private_file(&folder.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::InUse,
            TryLockError::Error(error) => StoreError::Folder(error),
        })?;
        let path = folder.join(DATABASE);
        drop(private_file(&path)?);
        let mut connection = Connection::open(&path)?;
        schema::prepare(&connection)?;
        schema::migrate(&mut connection)?;
        Self::serve(&path, lock, connection, key)
    }

    fn serve(path: &Path, lock: File, mut connection: Connection, key: LogKey) -> Result<Self, StoreError> {
        let stale = schema::stale_runs(&connection)?;
        if !stale.is_empty() {
            tracing::warn!(?stale, "derived columns of runs were not as they must be and are made anew");
            let transaction = connection.transaction()?;
            schema::derive(&transaction)?;
            transaction.commit()?;
        }
        let mut log = Log::load(&connection, key)?;
        if log.unsigned() {
            let transaction = connection.transaction()?;
            log.sign(&transaction)?;
            transaction.commit()?;
        }
        let (requests, writer) = writer::start(connection, log)?;
        let readers = Arc::new(Readers::new(path));
        let inner = Inner { requests, writer: Mutex::new(Some(writer)), readers, _lock: lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Signs the end of the log and closes the database; whatever was asked before is done first. Later changes are
    /// answered with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.inner.readers.close();
        let (done, ended) = oneshot::channel();
        if self.send(Request::Close(done)).is_ok() {
            // An error means that the writer has ended already.
            drop(ended.await);
        }
    }

    fn send(&self, request: Request) -> Result<(), StoreError> {
        self.inner.requests.send(request).map_err(|_| StoreError::Closed)
    }

    /// Makes a change and waits until it is durable.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (request, answer) = writer::change(work);
        self.send(request)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Reads in one snapshot.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.inner.readers);
        let permit = self.inner.readers.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        let result = tokio::task::spawn_blocking(move || readers.read(work)).await;
        drop(permit);
        result.map_err(|_| StoreError::Closed)?
    }
}

fn private_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(StoreError::Folder)
}

/// Opens or creates a file that only its owner may read.
fn private_file(path: &Path) -> Result<File, StoreError> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(StoreError::Folder)
}

#[cfg(test)]
mod tests;
