//! The condition of a task over other tasks: what it names, and whether its shape is one. Source: Argo
//! `workflow/common/ancestry.go`, `docs/enhanced-depends-logic.md`.

/// A task, and perhaps one of its results, that a condition names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Term<'a> {
    pub(super) task: &'a str,
    pub(super) result: Option<&'a str>,
}

/// The results that may be asked for.
pub(super) const RESULTS: [&str; 8] =
    ["Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed"];

/// Returns what Argo takes for names of tasks, whatever stands between them:
/// `([a-zA-Z0-9][-a-zA-Z0-9]*?\.[A-Z][a-zA-Z]+)|([a-zA-Z0-9][-a-zA-Z0-9]*)`.
pub(super) fn names(condition: &str) -> Vec<Term<'_>> {
    let mut found = Vec::new();
    let mut rest = condition;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let from = rest.get(start..).unwrap_or("");
        let end = from.find(|c| !word(c)).unwrap_or(from.len());
        let (task, behind) = from.split_at(end);
        let result = behind.strip_prefix('.').and_then(|behind| {
            let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
            let result = behind.get(..end)?;
            (result.len() > 1 && result.starts_with(|c: char| c.is_ascii_uppercase())).then_some(result)
        });
        found.push(Term { task, result });
        rest = match result {
            Some(result) => behind.get(1 + result.len()..).unwrap_or(""),
            None => behind,
        };
    }
    found
}

/// Returns what is wrong with the shape of a condition; reads from left to right with one counter, however deep
/// it is nested.
pub(super) fn misshapen(condition: &str) -> Option<String> {
    let (mut open, mut operand_next) = (0_usize, true);
    let mut rest = condition.trim_start();
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
                operand_next = false;
                rest.find(|c: char| !is_name(c) && c != '.').unwrap_or(rest.len())
            }
            _ => {
                let near: String = rest.chars().take(16).collect();
                return Some(format!("is not understood at '{}'", near.escape_debug()));
            }
        };
        rest = rest.get(taken..).unwrap_or("").trim_start();
    }
    (operand_next || open > 0).then(|| "ends too early".to_owned())
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_name_tasks_and_results() {
        let shown = |condition| {
            let terms = names(condition).into_iter();
            terms.map(|term| format!("{}:{}", term.task, term.result.unwrap_or(""))).collect::<Vec<_>>()
        };
        assert_eq!(shown("a && !(b-1.Succeeded || C.failed)"), ["a:", "b-1:Succeeded", "C:", "failed:"]);
        assert_eq!(shown("a.X || a.AllFailed"), ["a:", "X:", "a:AllFailed"]);
        assert_eq!(shown("é && "), Vec::<String>::new());
    }

    #[test]
    fn the_shape_of_a_condition_is_told() {
        assert_eq!(misshapen("a && !(b.Failed || c)"), None);
        assert_eq!(misshapen("a &&").as_deref(), Some("ends too early"));
        assert_eq!(misshapen("a; drop").as_deref(), Some("is not understood at '; drop'"));
    }

    proptest::proptest! {
        #[test]
        fn any_condition_is_understood_or_refused(condition in "[ab.()&|! A-C-]{0,40}|\\PC{0,30}") {
            let _ = (names(&condition), misshapen(&condition));
        }
    }
}
