//! People's words for rules: lists, subjects, acts. Text from manifests and tokens is shown so that it cannot
//! forge a line or turn the writing direction.
//! Not here: decisions.

use model::oam::{Subject, Triggerer};

use crate::names::via_id;

/// Returns the subject as a manifest spells it.
pub(crate) fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Group(name) => format!("group:{}", plain(name)),
        Subject::User { issuer, subject } => format!("user:{}#{}", plain(issuer), plain(subject)),
        Subject::Workload(name) => format!("workload:{}", plain(name)),
    }
}

/// Returns the subjects in a row, or `nobody`.
pub(crate) fn subjects<'a>(list: impl IntoIterator<Item = &'a Subject>) -> String {
    let mut texts: Vec<String> = list.into_iter().map(subject).collect();
    texts.dedup();
    if texts.is_empty() { "nobody".to_owned() } else { texts.join(", ") }
}

/// Returns the triggerers in a row with their paths, or `nobody`.
pub(crate) fn triggerers(list: &[Triggerer]) -> String {
    let text = |triggerer: &Triggerer| {
        let paths: Vec<&str> = triggerer.via.iter().map(|via| via_id(*via)).collect();
        format!("{} ({})", subject(&triggerer.subject), paths.join(", "))
    };
    if list.is_empty() { "nobody".to_owned() } else { list.iter().map(text).collect::<Vec<_>>().join(", ") }
}

/// Returns the texts in backticks in a row, or `none`.
pub(crate) fn quoted<S: AsRef<str>>(texts: &[S]) -> String {
    let quote = |text: &S| format!("`{}`", plain(text.as_ref()));
    if texts.is_empty() { "none".to_owned() } else { texts.iter().map(quote).collect::<Vec<_>>().join(", ") }
}

/// Returns what an action does, to follow "may".
pub(crate) fn act(action: &str) -> &'static str {
    match action {
        "submit" => "start runs",
        "sendEvent" => "send events",
        "viewRun" => "see the status of runs",
        "viewLog" => "read logs",
        "viewOutput" => "read outputs",
        "stop" | "terminate" | "suspend" | "resume" | "retry" => "control runs",
        "deleteRun" | "deleteArchived" => "delete runs",
        "approve" | "deny" => "decide gates",
        "startPod" | "mintCredential" | "assumeRole" | "memoize" | "useSecrets" | "moveArtifacts"
        | "collectArtifacts" | "performTask" => "go on with the run",
        "viewTemplate" => "see workflow templates",
        "editTemplate" | "deleteTemplate" => "change workflow templates",
        "viewObject" => "see schedules, event bindings and the like",
        "editObject" | "deleteObject" => "change schedules, event bindings and the like",
        "apply" => "apply manifests",
        "know" => "know of it",
        "explain" => "ask what others may",
        "viewAudit" => "read the audit log",
        _ => "do this",
    }
}

/// Returns the text with everything escaped that could forge a line or turn the writing direction, cut to 200
/// characters.
pub(crate) fn plain(text: &str) -> String {
    const LONGEST: usize = 200;
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars().take(LONGEST) {
        if odd(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
