//! The condition of a task over other tasks, as far as its shape goes. Source: Argo `docs/enhanced-depends-logic.md`.

/// A task, and perhaps one of its results, that a condition names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Term<'a> {
    pub(super) task: &'a str,
    pub(super) result: Option<&'a str>,
}

/// The results that may be asked for.
pub(super) const RESULTS: [&str; 8] =
    ["Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed"];

/// Returns the terms of a condition; reads from left to right with one counter, however deep it is nested.
///
/// # Errors
/// What is wrong with it.
pub(super) fn terms(condition: &str) -> Result<Vec<Term<'_>>, String> {
    let mut terms = Vec::new();
    let (mut open, mut operand_next) = (0_usize, true);
    let mut rest = condition.trim_start();
    let wrong = |rest: &str| {
        let near: String = rest.chars().take(16).collect();
        if near.is_empty() {
            "ends too early".to_owned()
        } else {
            format!("is not understood at '{}'", near.escape_debug())
        }
    };
    while let Some(first) = rest.chars().next() {
        let taken = match (first, operand_next) {
            ('!', true) => 1,
            ('(', true) => {
                open += 1;
                1
            }
            (')', false) if open > 0 => {
                open -= 1;
                1
            }
            ('&' | '|', false) if rest.starts_with("&&") || rest.starts_with("||") => {
                operand_next = true;
                2
            }
            (c, true) if is_name(c) => {
                let end = rest.find(|c: char| !is_name(c) && c != '.').unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or("");
                let (task, result) = match word.split_once('.') {
                    Some((task, result)) => (task, Some(result)),
                    None => (word, None),
                };
                terms.push(Term { task, result });
                operand_next = false;
                end
            }
            _ => return Err(wrong(rest)),
        };
        rest = rest.get(taken..).unwrap_or("").trim_start();
    }
    if operand_next || open > 0 { Err(wrong("")) } else { Ok(terms) }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}
