//! Rust files: module docs, sizes, names, what may stand where.

use super::File;

const MAX_LINES: usize = 1000;
const MAX_PRODUCTION_LINES: usize = 600;
const LONG_FUNCTION: usize = 80;
const MAX_FUNCTION: usize = 120;
/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "manager", "helper", "helpers", "common"];
/// Rooms that may hold serialized types: each is a promise.
const SERIALIZING: &[&str] =
    &["model", "server", "store", "audit", "cli", "connector", "backend", "container"];
/// Rooms without runtime, clock, randomness, files or network.
const PURE: &[&str] = &["model", "expr", "identity", "policy", "audit", "engine"];
/// Callers that nothing outside vouches for, and who may make them.
const VOUCHED: &[(&str, &[&str])] = &[
    ("Caller::for_run", &["identity", "runner"]),
    ("Caller::for_schedule", &["identity", "runner"]),
    ("Caller::from_session", &["identity", "server"]),
    ("Caller::local_user", &["identity", "cli"]),
];

/// Returns a complaint for each rule that a file breaks.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    let (mut functions, mut long) = (0, Vec::new());
    for file in files.iter().filter(|file| file.is_rust()) {
        complaints.extend(whole(file));
        let production = production(file);
        complaints.extend(production.iter().flat_map(|(number, line)| line_faults(file, *number, line)));
        for (name, place, length) in lengths(&production) {
            functions += 1;
            if length > LONG_FUNCTION {
                long.push(format!("{}:{place}: `{name}` has {length} lines", file.path));
            }
            if length > MAX_FUNCTION {
                complaints.push(format!(
                    "{}:{place}: `{name}` has {length} lines; {MAX_FUNCTION} at most",
                    file.path
                ));
            }
        }
    }
    // one function in a hundred may be long
    if long.len() * 100 > functions {
        complaints.push(format!(
            "{} of {functions} functions have more than {LONG_FUNCTION} lines; 1 % at most:\n  {}",
            long.len(),
            long.join("\n  ")
        ));
    }
    complaints
}

fn whole(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    if !file.text.starts_with("//!") {
        complaints.push(format!("{}:1: does not open with `//!`", file.path));
    }
    let lines = file.text.lines().count();
    if lines > MAX_LINES {
        complaints.push(format!("{}: has {lines} lines; {MAX_LINES} at most", file.path));
    }
    let production = production(file).len();
    if production > MAX_PRODUCTION_LINES {
        complaints.push(format!(
            "{}: has {production} production lines; {MAX_PRODUCTION_LINES} at most",
            file.path
        ));
    }
    let named = file.path.split('/').any(|part| EMPTY_NAMES.contains(&part.trim_end_matches(".rs")));
    if named {
        complaints.push(format!("{}: the name says nothing; name the thing", file.path));
    }
    complaints
}

/// Returns the lines that are neither blank, comment nor test, with their numbers.
fn production(file: &File) -> Vec<(usize, &str)> {
    if file.is_test() {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let code = lines.take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    code.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with("//")).collect()
}

fn line_faults(file: &File, number: usize, line: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{}:{number}: {what}", file.path));
    let Some(room) = file.room() else { return faults };
    let code = line.split("//").next().unwrap_or(line);
    if code.contains("derive(")
        && (code.contains("Serialize") || code.contains("Deserialize"))
        && !SERIALIZING.contains(&room)
    {
        fault(format!("`{room}` may not hold serialized types"));
    }
    if PURE.contains(&room) && (code.contains("async fn") && !code.contains("async fn act<")) {
        fault(format!("`{room}` is pure: no async function"));
    }
    if PURE.contains(&room)
        && ["std::fs", "std::net", "std::process", "std::env::var", "tokio::"]
            .iter()
            .any(|m| code.contains(m))
    {
        fault(format!("`{room}` is pure: no files, network, processes or environment"));
    }
    for (maker, rooms) in VOUCHED {
        if code.contains(maker) && !rooms.contains(&room) {
            fault(format!("only {} may call `{maker}`", rooms.join(" and ")));
        }
    }
    faults
}

/// Returns name, line and length of each function, counting production lines between its braces.
fn lengths(lines: &[(usize, &str)]) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let mut open: Vec<(String, usize, i64, usize)> = Vec::new();
    let mut depth = 0_i64;
    for (at, (number, line)) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or(line);
        if let Some(name) = function_name(code) {
            open.push((name.to_owned(), *number, depth, at));
        }
        depth += count(code, '{') - count(code, '}');
        while let Some((name, place, outer, begun)) = open.last().cloned() {
            let opened =
                lines.get(begun..=at).is_some_and(|body| body.iter().any(|(_, line)| line.contains('{')));
            if depth > outer || !opened {
                break;
            }
            open.pop();
            found.push((name, place, at - begun + 1));
        }
    }
    found
}

fn function_name(code: &str) -> Option<&str> {
    let trimmed = code.trim_start();
    let words = ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "];
    let rest = words.iter().fold(trimmed, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
    let rest = rest.strip_prefix("fn ")?;
    // a signature without a body (in a trait) ends with a semicolon
    (!code.trim_end().ends_with(';')).then(|| rest.split(['(', '<']).next().unwrap_or(rest))
}

fn count(code: &str, wanted: char) -> i64 {
    i64::try_from(code.chars().filter(|c| *c == wanted).count()).unwrap_or_default()
}
