//! What the server's own configuration permits: administrators and auditors, for the acts outside every scope.
//! Not here: anything inside a scope; no administrator starts, sees or approves a run by being one.

use model::oam::Subject;

use super::TEMPLATES;
use crate::{
    ServerPolicy, est,
    names::Kind,
    rule::{Bound, Draft},
    words,
};

/// Who runs the server.
pub(super) struct Staff<'a> {
    pub(super) administrators: &'a [Subject],
    pub(super) auditors: &'a [Subject],
}

impl<'a> Staff<'a> {
    pub(super) fn of(server: &'a ServerPolicy) -> Self {
        Self { administrators: &server.administrators, auditors: &server.auditors }
    }
}

/// Returns what the lists permit; an empty list permits nobody anything.
pub(super) fn drafts(server: &ServerPolicy) -> Vec<Draft> {
    let administrator: Vec<&'static str> =
        ["apply", "explain", "know"].into_iter().chain(TEMPLATES).collect();
    let lists = [
        (
            "permit administrators",
            "administrators may change and read the configuration",
            administrator,
            &server.administrators,
        ),
        (
            "permit auditors",
            "auditors may read the audit log and ask what others may",
            vec!["viewAudit", "explain", "know"],
            &server.auditors,
        ),
    ];
    let listed = lists.into_iter().filter(|(_, _, _, subjects)| !subjects.is_empty());
    listed
        .map(|(id, says, actions, subjects)| {
            let mut draft =
                Draft::forbid(id.to_owned(), &actions, format!("{says}: {}", words::subjects(subjects)))
                    .when(est::is_one_of(subjects))
                    .unless(est::principal_is(Kind::Delegate));
            draft.effect = "permit";
            draft.bound = Some(Bound::Subjects(subjects.clone()));
            draft
        })
        .collect::<Vec<Draft>>()
}
