//! Approvals: who let which gate of which run pass, and for which digest.
//! Not here: how many are needed (`model::lower`), who may (`policy`).

use std::collections::{BTreeMap, BTreeSet};

use audit::Audited;
use identity::PrincipalKey;
use jiff::Timestamp;
use model::{RunId, argo::NodeId};
use policy::ApproveGate;
use rusqlite::{Connection, params};

use crate::{Store, StoreError, error::damaged, log::column};

/// An approval that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub approver: PrincipalKey,
    /// Their display name.
    pub name: Option<String>,
    /// The digest approved, hexadecimal.
    pub digest: String,
    /// When.
    pub at: Timestamp,
    /// The reason.
    pub reason: Option<String>,
}

impl Store {
    /// Keeps an approval by whoever the proof names, and returns all approvals of that gate with that digest, one per
    /// person: their first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_approval(
        &self,
        go: &Audited<ApproveGate>,
        at: Timestamp,
    ) -> Result<Vec<Approval>, StoreError> {
        let (entry, action) = (go.entry(), go.action().clone());
        let approver = go.permit().caller().principal().clone();
        self.change(move |tx| {
            let sql =
                "INSERT INTO approvals(entry, run, node, gate, digest, issuer, subject, name, at, reason)
                       VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
            tx.connection.prepare_cached(sql)?.execute(params![
                column(entry)?,
                action.run.id.to_string(),
                action.node.as_str(),
                action.gate,
                action.digest,
                approver.key.issuer,
                approver.key.subject,
                approver.name,
                at.to_string(),
                action.reason,
            ])?;
            tx.seal(entry)?;
            let all = of_run(tx.connection, action.run.id)?;
            let of_gate = all.into_iter().filter(|(node, gate, approval)| {
                *node == action.node && *gate == action.gate && approval.digest == action.digest
            });
            let mut people = BTreeSet::new();
            let approvals = of_gate.map(|(_, _, approval)| approval);
            Ok(approvals.filter(|approval| people.insert(approval.approver.clone())).collect())
        })
        .await
    }

    /// Returns the approvals of a run, by gate's node, in the order they were given: for each digest one for each person,
    /// the first, however often somebody approved.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn approvals(&self, run: RunId) -> Result<BTreeMap<NodeId, Vec<Approval>>, StoreError> {
        self.read(move |connection| {
            let mut by_node: BTreeMap<NodeId, Vec<Approval>> = BTreeMap::new();
            for (node, _, approval) in of_run(connection, run)? {
                let given = by_node.entry(node).or_default();
                let same =
                    |other: &Approval| other.approver == approval.approver && other.digest == approval.digest;
                if !given.iter().any(same) {
                    given.push(approval);
                }
            }
            Ok(by_node)
        })
        .await
    }
}

fn of_run(connection: &Connection, run: RunId) -> Result<Vec<(NodeId, String, Approval)>, StoreError> {
    let sql = "SELECT node, gate, digest, issuer, subject, name, at, reason FROM approvals
               WHERE run = ? ORDER BY entry";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([run.to_string()])?;
    let mut approvals = Vec::new();
    while let Some(row) = rows.next()? {
        let at: String = row.get(6)?;
        let approval = Approval {
            approver: PrincipalKey { issuer: row.get(3)?, subject: row.get(4)? },
            name: row.get(5)?,
            digest: row.get(2)?,
            at: at.parse().map_err(damaged)?,
            reason: row.get(7)?,
        };
        approvals.push((NodeId::from_text(row.get::<_, String>(0)?), row.get(1)?, approval));
    }
    Ok(approvals)
}
