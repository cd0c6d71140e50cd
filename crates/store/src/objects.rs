//! Objects that were applied: every revision is kept; the newest of each name is current, unless it says deleted.
//! Not here: what an apply changes (see `plan`), what objects mean together (`model::catalog`).

use std::collections::BTreeMap;

use audit::Audited;
use identity::PrincipalKey;
use jiff::Timestamp;
use model::{ApplyId, catalog::Catalog, manifest::Manifest, yaml::Places};
use policy::{ApplyManifests, DeleteObject, DeleteTemplate, EditObject, EditTemplate};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use crate::{
    ApplyPlan, Store, StoreError,
    error::damaged,
    log::{Tx, column},
    plan::{plan_digest, text},
    witness::lines_digest,
};

const TEMPLATE: &str = "WorkflowTemplate";

impl Store {
    /// Returns every current object, checked together, and the latest revision.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if an object cannot be read or they no longer fit together.
    pub async fn catalog(&self) -> Result<(Catalog, Vec<Manifest>, Option<ApplyId>), StoreError> {
        let (manifests, latest) =
            self.read(|connection| Ok((current(connection)?, latest(connection)?))).await?;
        let catalog = Catalog::check(manifests.clone()).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            damaged(format!("the objects do not fit together: {}", faults.join("; ")))
        })?;
        Ok((catalog, manifests, latest))
    }

    /// Returns when the objects of a kind were made, by namespace and name: when each was first written since it was
    /// deleted last. An empty namespace stands for all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn creations(
        &self,
        kind: &'static str,
        namespace: &str,
    ) -> Result<BTreeMap<(String, String), Timestamp>, StoreError> {
        let namespace = namespace.to_owned();
        self.read(move |connection| {
            let sql = "SELECT namespace, name, MIN(created_at) FROM objects AS one
                WHERE kind = ?1 AND (?2 = '' OR namespace = ?2) AND deleted = 0 AND number > COALESCE((
                  SELECT MAX(number) FROM objects AS other WHERE other.kind = one.kind
                  AND other.namespace = one.namespace AND other.name = one.name AND other.deleted = 1), -1)
                GROUP BY namespace, name";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query((kind, &namespace))?;
            let mut found = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let at: String = row.get(2)?;
                let at = at.parse().map_err(|_| damaged(format!("`{at}` is no time")))?;
                found.insert((row.get(0)?, row.get(1)?), at);
            }
            Ok(found)
        })
        .await
    }

    /// Writes a plan: all or nothing. The proof's digest must be the plan's. A plan that writes nothing changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if another apply came between; [`StoreError::NotWhatWasRecorded`].
    pub async fn apply(
        &self,
        go: &Audited<ApplyManifests>,
        plan: &ApplyPlan,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let author = go.permit().caller().principal().key.clone();
        self.write(Writing { entry: go.entry(), digest: &go.action().digest, author, at }, plan).await
    }

    /// Writes one WorkflowTemplate (Argo's API). The proof's digest must be the plan's.
    ///
    /// # Errors
    /// As [`Store::apply`]; [`StoreError::NotWhatWasRecorded`] too if the plan writes anything else.
    pub async fn write_template(
        &self,
        go: &Audited<EditTemplate>,
        plan: &ApplyPlan,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let EditTemplate { namespace, name, digest } = go.action();
        let named = |manifest: &Manifest| manifest.key() == (TEMPLATE, namespace.clone(), name.clone());
        if plan.write.len() > 1 || !plan.write.iter().all(named) {
            return Err(StoreError::NotWhatWasRecorded(format!("template `{namespace}/{name}`")));
        }
        let author = go.permit().caller().principal().key.clone();
        self.write(Writing { entry: go.entry(), digest, author, at }, plan).await
    }

    /// Deletes one WorkflowTemplate; its revisions stay. Whether something still refers to it is the caller's to check.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_template(
        &self,
        go: &Audited<DeleteTemplate>,
        id: ApplyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let DeleteTemplate { namespace, name } = go.action().clone();
        let author = author_text(&go.permit().caller().principal().key);
        self.delete(go.entry(), (TEMPLATE, namespace, name), (id, author, at)).await
    }

    /// Writes one object of another kind (Argo's API). The proof's digest must be the object's.
    ///
    /// # Errors
    /// As [`Store::apply`]; [`StoreError::NotWhatWasRecorded`] too if the plan writes anything else.
    pub async fn write_object(
        &self,
        go: &Audited<EditObject>,
        plan: &ApplyPlan,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let EditObject { namespace, kind, name, digest } = go.action();
        let named = |manifest: &Manifest| manifest.key() == (*kind, namespace.clone(), name.clone());
        if plan.write.len() > 1 || !plan.write.iter().all(named) {
            return Err(StoreError::NotWhatWasRecorded(format!("{kind} `{namespace}/{name}`")));
        }
        let author = go.permit().caller().principal().key.clone();
        self.write(Writing { entry: go.entry(), digest, author, at }, plan).await
    }

    /// Deletes one object of another kind; its revisions stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_object(
        &self,
        go: &Audited<DeleteObject>,
        id: ApplyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let DeleteObject { namespace, kind, name } = go.action().clone();
        let author = author_text(&go.permit().caller().principal().key);
        self.delete(go.entry(), (kind, namespace, name), (id, author, at)).await
    }

    async fn delete(
        &self,
        entry: u64,
        key: (&'static str, String, String),
        (id, author, at): (ApplyId, String, Timestamp),
    ) -> Result<(), StoreError> {
        self.change(move |tx| {
            let sql = "SELECT deleted FROM objects WHERE kind = ? AND namespace = ? AND name = ?
                       ORDER BY number DESC LIMIT 1";
            let (kind, namespace, name) = &key;
            let deleted: Option<bool> = tx
                .connection
                .prepare_cached(sql)?
                .query_row([*kind, namespace, name], |row| row.get(0))
                .optional()?;
            if deleted != Some(false) {
                return Err(StoreError::NotFound(format!("{namespace}/{name}")));
            }
            let row = ObjectRow { key, body: None, places: None, digest: lines_digest([]) };
            insert(tx, entry, (id, &author, at), &row)?;
            tx.seal(entry)
        })
        .await
    }

    async fn write(&self, writing: Writing<'_>, plan: &ApplyPlan) -> Result<(), StoreError> {
        if *writing.digest != plan_digest(&plan.write) {
            return Err(StoreError::NotWhatWasRecorded(format!("objects of `{}`", plan.id)));
        }
        if plan.write.is_empty() {
            return Ok(());
        }
        let (id, base) = (plan.id, plan.base);
        let (entry, at) = (writing.entry, writing.at);
        let author = author_text(&writing.author);
        let rows: Vec<ObjectRow> = plan.write.iter().map(ObjectRow::of).collect::<Result<_, _>>()?;
        self.change(move |tx| {
            if latest(tx.connection)? != base {
                return Err(StoreError::Stale);
            }
            for row in &rows {
                insert(tx, entry, (id, &author, at), row)?;
            }
            tx.seal(entry)
        })
        .await
    }
}

struct Writing<'a> {
    entry: u64,
    digest: &'a String,
    author: PrincipalKey,
    at: Timestamp,
}

struct ObjectRow {
    key: (&'static str, String, String),
    body: Option<String>,
    places: Option<String>,
    digest: String,
}

impl ObjectRow {
    fn of(manifest: &Manifest) -> Result<Self, StoreError> {
        let body = text(manifest);
        let digest = lines_digest([body.as_str()]);
        let places = serde_json::to_string(manifest.places())?;
        Ok(Self { key: manifest.key(), places: Some(places), body: Some(body), digest })
    }
}

fn insert(
    tx: &Tx<'_>,
    entry: u64,
    (id, author, at): (ApplyId, &str, Timestamp),
    row: &ObjectRow,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO objects(number, entry, apply_id, kind, namespace, name, body, places, digest, created_at,
                 author, deleted)
               VALUES((SELECT coalesce(max(number), 0) + 1 FROM objects), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (kind, namespace, name) = &row.key;
    tx.connection.prepare_cached(sql)?.execute(params![
        column(entry)?,
        id.to_string(),
        kind,
        namespace,
        name,
        row.body,
        row.places,
        row.digest,
        at.to_string(),
        author,
        row.body.is_none(),
    ])?;
    Ok(())
}

fn author_text(author: &PrincipalKey) -> String {
    json!({ "issuer": author.issuer, "subject": author.subject }).to_string()
}

fn latest(connection: &Connection) -> Result<Option<ApplyId>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT apply_id FROM objects ORDER BY number DESC LIMIT 1")?;
    let id: Option<String> = statement.query_row([], |row| row.get(0)).optional()?;
    id.map(|id| id.parse().map_err(damaged)).transpose()
}

fn current(connection: &Connection) -> Result<Vec<Manifest>, StoreError> {
    let sql = "SELECT body, places FROM objects AS one WHERE deleted = 0 AND number =
                 (SELECT max(number) FROM objects WHERE kind = one.kind AND namespace = one.namespace AND name = one.name)
               ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut manifests = Vec::new();
    while let Some(row) = rows.next()? {
        let (body, places): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        manifests.push(manifest(&body, places.as_deref())?);
    }
    Ok(manifests)
}

fn manifest(body: &str, places: Option<&str>) -> Result<Manifest, StoreError> {
    let places: Places = places.map(serde_json::from_str).transpose()?.unwrap_or_default();
    Manifest::from_stored(&serde_json::from_str(body)?, &places).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        damaged(faults.join("; "))
    })
}
