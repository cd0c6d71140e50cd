//! The numbers of holders that semaphores of the database have. Source: Argo `server/sync`.
//! Not here: those of ConfigMaps, which are objects (`apply`); who holds what (see `engine`).

use identity::Caller;
use policy::{DeleteObject, EditObject, ViewObject};
use store::{StoreError, fact_digest};

use crate::{Runner, RunnerError};

/// The kind of the facts that limits are kept as.
pub(crate) const SYNC_LIMIT: &str = "SyncLimit";

impl Runner {
    /// Returns the limit of `key`.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`].
    pub async fn sync_limit(&self, caller: &Caller, namespace: &str, key: &str) -> Result<u64, RunnerError> {
        let action =
            ViewObject { namespace: namespace.to_owned(), kind: SYNC_LIMIT, name: Some(key.to_owned()) };
        let found = self.act(caller, action, async |_| self.inner.kept_limit(namespace, key).await);
        found.await.map_err(|error| RunnerError::from_act(error, SYNC_LIMIT, key))
    }

    /// Sets the limit of `key`: a new one if `new`, else in place of the one there is.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`RunnerError::NotFound`].
    pub async fn set_sync_limit(
        &self,
        caller: &Caller,
        (namespace, key): (&str, &str),
        limit: u64,
        new: bool,
    ) -> Result<(), RunnerError> {
        let _one_at_a_time = self.inner.applying.lock().await;
        let body = limit.to_string();
        let action = EditObject {
            namespace: namespace.to_owned(),
            kind: SYNC_LIMIT,
            name: key.to_owned(),
            digest: fact_digest(&body),
        };
        let set = self.act(caller, action, async |go| {
            match (new, self.inner.kept_limit(namespace, key).await) {
                (true, Ok(_)) => return Err(StoreError::Exists(key.to_owned()).into()),
                (false, Err(error)) => return Err(error),
                _ => {}
            }
            self.store().keep_fact(go, Some(body)).await?;
            self.inner.note_limit(namespace, key, Some(limit));
            Ok(())
        });
        set.await.map_err(|error| RunnerError::from_act(error, SYNC_LIMIT, key))
    }

    /// Deletes the limit of `key`.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`].
    pub async fn delete_sync_limit(
        &self,
        caller: &Caller,
        namespace: &str,
        key: &str,
    ) -> Result<(), RunnerError> {
        let action = DeleteObject { namespace: namespace.to_owned(), kind: SYNC_LIMIT, name: key.to_owned() };
        let deleted = self.act(caller, action, async |go| {
            self.inner.kept_limit(namespace, key).await?;
            self.store().keep_fact(go, None).await?;
            self.inner.note_limit(namespace, key, None);
            Ok::<_, RunnerError>(())
        });
        deleted.await.map_err(|error| RunnerError::from_act(error, SYNC_LIMIT, key))
    }
}

impl crate::runner::Inner {
    pub(crate) async fn kept_limit(&self, namespace: &str, key: &str) -> Result<u64, RunnerError> {
        let kept = self.store.fact(SYNC_LIMIT, namespace, key).await?;
        kept.and_then(|limit| limit.parse().ok())
            .ok_or_else(|| RunnerError::NotFound { what: SYNC_LIMIT, name: key.to_owned() })
    }
}
