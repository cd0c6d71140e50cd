//! Login sessions, kept under the SHA-256 of their token; the token itself is nowhere.

use audit::Audited;
use identity::Principal;
use jiff::Timestamp;
use model::SessionId;
use policy::{LogIn, LogOut};
use rusqlite::{OptionalExtension, params};

use crate::{
    Store, StoreError,
    error::damaged,
    log::column,
    stored::{principal_from_text, principal_to_text},
};

/// A login session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub principal: Principal,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Store {
    /// Keeps a session under the SHA-256 of its token. It must be the one in the proof, and of the person who logs in.
    ///
    /// # Errors
    /// [`StoreError::NotWhatWasRecorded`]; [`StoreError::Exists`] if the id or the token was used before.
    pub async fn create_session(
        &self,
        go: &Audited<LogIn>,
        token_sha256: [u8; 32],
        session: Session,
    ) -> Result<(), StoreError> {
        let entry = go.entry();
        let id = session.id.to_string();
        if go.action().session != id || go.permit().caller().principal().key != session.principal.key {
            return Err(StoreError::NotWhatWasRecorded(format!("session `{id}`")));
        }
        let principal = principal_to_text(&session.principal)?;
        self.change(move |tx| {
            let sql = "INSERT INTO sessions(entry, id, token, expires_at, principal) VALUES(?, ?, ?, ?, ?)";
            let values = params![column(entry)?, id, token_sha256, session.expires_at.to_string(), principal];
            let inserted = tx.connection.prepare_cached(sql)?.execute(values);
            inserted.map_err(|error| match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Exists(id.clone()),
                _ => StoreError::Sqlite(error),
            })?;
            tx.seal(entry)
        })
        .await
    }

    /// Returns the session with this token, if it has not ended by `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session(
        &self,
        token_sha256: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT id, expires_at, principal FROM sessions WHERE token = ?
                       AND NOT EXISTS(SELECT 1 FROM session_ends WHERE session = sessions.id)";
            let mut statement = connection.prepare_cached(sql)?;
            let row: Option<(String, String, String)> = statement
                .query_row([token_sha256], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let Some((id, expires_at, principal)) = row else { return Ok(None) };
            let expires_at: Timestamp = expires_at.parse().map_err(damaged)?;
            if expires_at <= now {
                return Ok(None);
            }
            let id = id.parse().map_err(damaged)?;
            Ok(Some(Session { id, principal: principal_from_text(&principal)?, expires_at }))
        })
        .await
    }

    /// Ends a session; ending one that has ended changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn end_session(&self, go: &Audited<LogOut>) -> Result<(), StoreError> {
        let (entry, id) = (go.entry(), go.action().session.clone());
        self.change(move |tx| {
            let known = tx.connection.prepare_cached("SELECT 1 FROM sessions WHERE id = ?")?.exists([&id])?;
            if !known {
                return Err(StoreError::NotFound(id));
            }
            let sql = "INSERT INTO session_ends(entry, session) VALUES(?, ?) ON CONFLICT(session) DO NOTHING";
            tx.connection.prepare_cached(sql)?.execute(params![column(entry)?, id])?;
            tx.seal(entry)
        })
        .await
    }
}
