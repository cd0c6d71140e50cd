//! JSON values as YAML: block style, two spaces, strings quoted wherever plain text could be read otherwise.
//! Not here: comments, anchors, reading YAML (see `model::yaml`).

use std::fmt::Write as _;

use serde_json::Value;

/// Returns `value` as a YAML document with a final newline.
pub fn yaml(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                indent(text, depth);
                text.push_str(&scalar(name));
                text.push(':');
                nested(text, value, depth);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                indent(text, depth);
                text.push('-');
                list_item(text, item, depth);
            }
        }
        value => {
            indent(text, depth);
            text.push_str(&flow(value));
            text.push('\n');
        }
    }
}

/// Writes what follows `name:`; lists of a mapping stand at the mapping's own depth, as Kubernetes writes them.
fn nested(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            block(text, value, depth.saturating_add(1));
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            block(text, value, depth);
        }
        Value::String(lines) if is_block_text(lines) => literal(text, lines, depth.saturating_add(1)),
        value => {
            let _ = writeln!(text, " {}", flow(value));
        }
    }
}

/// Writes what follows `-`; the first field of a mapping stands beside the dash.
fn list_item(text: &mut String, item: &Value, depth: usize) {
    match item {
        Value::Object(fields) if !fields.is_empty() => {
            let mut inner = String::new();
            block(&mut inner, item, depth.saturating_add(1));
            text.push(' ');
            text.push_str(inner.trim_start_matches(' '));
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            block(text, item, depth.saturating_add(1));
        }
        Value::String(lines) if is_block_text(lines) => literal(text, lines, depth.saturating_add(1)),
        value => {
            let _ = writeln!(text, " {}", flow(value));
        }
    }
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// Whether a text may be written line by line: several lines, none that begins the text with a space, nothing
/// that a literal block could not hold.
fn is_block_text(lines: &str) -> bool {
    lines.contains('\n')
        && !lines.starts_with([' ', '\n'])
        && lines.chars().all(|c| c == '\n' || c == '\t' || !c.is_control())
        && !lines.ends_with("\n\n")
        && !lines.contains('\u{feff}')
        && lines.lines().all(|line| line.trim_end() == line)
}

fn literal(text: &mut String, lines: &str, depth: usize) {
    text.push_str(if lines.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in lines.lines() {
        if !line.is_empty() {
            indent(text, depth);
        }
        text.push_str(line);
        text.push('\n');
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(string) => scalar(string),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

/// Returns a string plain where no reader of YAML 1.1 or 1.2 takes it for anything else, else as JSON quotes it.
fn scalar(string: &str) -> String {
    if is_plain(string) { string.to_owned() } else { Value::from(string).to_string() }
}

fn is_plain(string: &str) -> bool {
    const WORDS: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    let Some(first) = string.chars().next() else { return false };
    let safe = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '-' | '_' | '.' | '/' | ' ' | ':' | '@' | '+' | '(' | ')' | ',' | '=')
    };
    (first.is_ascii_alphabetic() || first == '/')
        && string.chars().all(safe)
        && !string.ends_with([' ', ':'])
        && !string.contains(": ")
        && !string.contains(" #")
        && !WORDS.contains(&string.to_ascii_lowercase().as_str())
}
