//! Regular expressions. Go's and Rust's syntax are both RE2's; `$1x` in a replacement means a group named `1x`
//! in both.

use super::Args;
use crate::lang::{Machine, Value};

pub(super) const NAMES: &[&str] = &[
    "regexMatch",
    "mustRegexMatch",
    "regexFindAll",
    "mustRegexFindAll",
    "regexFind",
    "mustRegexFind",
    "regexReplaceAll",
    "mustRegexReplaceAll",
    "regexReplaceAllLiteral",
    "mustRegexReplaceAllLiteral",
    "regexSplit",
    "mustRegexSplit",
    "regexQuoteMeta",
];

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    let plain = name.strip_prefix("must").unwrap_or(name);
    let plain = plain.strip_prefix("Regex").or_else(|| plain.strip_prefix("regex")).unwrap_or(plain);
    if plain == "QuoteMeta" {
        args.exactly(1)?;
        let text = args.text(0)?;
        let mut out = String::with_capacity(text.len());
        for one in text.chars() {
            if "\\.+*?()|[]{}^$".contains(one) {
                out.push('\\');
            }
            out.push(one);
        }
        return Ok(Value::text(out));
    }
    args.exactly(if matches!(plain, "Match" | "Find") { 2 } else { 3 })?;
    let text = args.text(1)?;
    machine.step(text.len() / 8)?;
    let pattern = match crate::pattern::compile(args.text(0)?) {
        Ok(pattern) => pattern,
        // `regexMatch` gives false for a wrong pattern.
        Err(_) if name == "regexMatch" => return Ok(Value::Bool(false)),
        Err(reason) => return Err(reason),
    };
    let limit = |at: usize| args.int(at).map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let parts = |parts: Vec<&str>| Value::array(parts.into_iter().map(Value::text).collect());
    Ok(match plain {
        "Match" => Value::Bool(pattern.is_match(text)),
        "Find" => Value::text(pattern.find(text).map_or("", |found| found.as_str())),
        "FindAll" => parts(pattern.find_iter(text).take(limit(2)?).map(|found| found.as_str()).collect()),
        "ReplaceAll" | "ReplaceAllLiteral" => {
            let new = args.text(2)?;
            machine.grow(
                pattern.find_iter(text).count().saturating_mul(new.len().saturating_add(text.len() / 4)),
            )?;
            Value::text(if plain == "ReplaceAll" {
                pattern.replace_all(text, new)
            } else {
                pattern.replace_all(text, regex::NoExpand(new))
            })
        }
        _ => {
            let limit = limit(2)?;
            if limit == 0 {
                return Ok(Value::array(Vec::new()));
            }
            parts(split(&pattern, text, limit))
        }
    })
}

/// Go's `Regexp.Split`: no empty part before a first empty match.
fn split<'a>(pattern: &regex::Regex, text: &'a str, limit: usize) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for found in pattern.find_iter(text) {
        if parts.len().saturating_add(1) >= limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(text.get(start..end).unwrap_or_default());
        }
        start = found.end();
    }
    if end != text.len() || text.is_empty() {
        parts.push(text.get(start..).unwrap_or_default());
    }
    parts
}
