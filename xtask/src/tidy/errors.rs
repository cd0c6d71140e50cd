//! Every error code has its page, and every page its code.

use std::collections::{BTreeMap, BTreeSet};

use super::File;

/// The prefixes of codes, a room each.
const PREFIXES: &[&str] =
    &["MDL", "EXP", "IDN", "POL", "AUD", "ENG", "STO", "CON", "ART", "BCK", "RUN", "SRV", "CLI"];

/// Returns a complaint for each code without page and each page without code.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    let mut pages: BTreeSet<String> = BTreeSet::new();
    let mut complaints = Vec::new();
    for file in files {
        if let Some(page) = file.path.strip_prefix("docs/errors/").and_then(|name| name.strip_suffix(".md")) {
            if is_code(page) {
                pages.insert(page.to_owned());
                complaints.extend(page_fault(file, page));
            }
        } else if file.is_rust() && file.room().is_some() && !file.is_test() {
            for (number, line) in file.text.lines().enumerate() {
                for code in quoted(line).filter(|text| is_code(text)) {
                    used.entry(code.to_owned()).or_insert_with(|| format!("{}:{}", file.path, number + 1));
                }
            }
        }
    }
    for (code, place) in &used {
        if !pages.contains(code) {
            complaints.push(format!("{place}: code {code} has no page docs/errors/{code}.md"));
        }
    }
    for page in pages.iter().filter(|page| !used.contains_key(*page)) {
        complaints.push(format!("docs/errors/{page}.md: no code {page} is used"));
    }
    complaints
}

fn page_fault(file: &File, code: &str) -> Option<String> {
    let wanted = [format!("# {code}: "), "Meaning".to_owned(), "Cause".to_owned(), "What to do".to_owned()];
    let missing = wanted.iter().find(|part| !file.text.contains(part.as_str()))?;
    Some(format!("{}: `{missing}` is missing", file.path))
}

fn is_code(text: &str) -> bool {
    let (prefix, digits) = text.split_at_checked(3).unwrap_or_default();
    PREFIXES.contains(&prefix) && digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}
