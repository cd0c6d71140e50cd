//! Builtins on strings.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::super::{eval::Machine, operate::to_int, value::Value};

/// Returns the text of an argument.
pub(in crate::lang) fn text(args: &[Value], at: usize) -> Result<&str, String> {
    match args.get(at) {
        Some(Value::Text(text)) => Ok(text),
        Some(other) => Err(other.not_a("string")),
        None => Err(format!("invalid number of arguments (got {})", args.len())),
    }
}

pub(super) fn call(name: &str, args: &[Value], machine: &mut Machine<'_>) -> Result<Value, String> {
    if name == "join" {
        return join(args);
    }
    let one = text(args, 0)?;
    let two = if args.len() > 1 && name != "repeat" { text(args, 1)? } else { " " };
    Ok(match name {
        "trim" if args.len() == 1 => Value::text(one.trim()),
        "trim" => Value::text(one.trim_matches(|letter| two.contains(letter))),
        "trimPrefix" => Value::text(one.strip_prefix(two).unwrap_or(one)),
        "trimSuffix" => Value::text(one.strip_suffix(two).unwrap_or(one)),
        "upper" => Value::text(one.to_uppercase()),
        "lower" => Value::text(one.to_lowercase()),
        "split" | "splitAfter" => {
            let limit = match args.get(2) {
                Some(limit) => to_int(limit)?,
                None => -1,
            };
            let parts = split(one, two, limit, name == "splitAfter");
            machine.grow(parts.len())?;
            Value::array(parts.into_iter().map(Value::text).collect())
        }
        "replace" => {
            let new = text(args, 2)?;
            let limit = match args.get(3) {
                Some(limit) => to_int(limit)?,
                None => -1,
            };
            Value::text(replace(one, two, new, limit, machine)?)
        }
        "repeat" => {
            let count = to_int(args.get(1).unwrap_or(&Value::Nil))?;
            let Ok(times) = usize::try_from(count) else {
                return Err(format!("invalid argument for repeat (expected positive integer, got {count})"));
            };
            if times > 1_000_000 {
                return Err("memory budget exceeded".to_owned());
            }
            machine.grow(one.len().saturating_mul(times))?;
            Value::text(one.repeat(times))
        }
        "indexOf" => index(one.find(two)),
        "lastIndexOf" => index(one.rfind(two)),
        "hasPrefix" => Value::Bool(one.starts_with(two)),
        "hasSuffix" => Value::Bool(one.ends_with(two)),
        "toBase64" => Value::text(STANDARD.encode(one)),
        _ => {
            let bytes = STANDARD
                .decode(one.replace(['\n', '\r'], ""))
                .map_err(|error| format!("illegal base64 data: {error}"))?;
            Value::text(String::from_utf8_lossy(&bytes))
        }
    })
}

fn index(found: Option<usize>) -> Value {
    Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}

/// Go's `strings.SplitN` and `SplitAfterN`: by an empty separator into characters; a negative limit is none.
pub(crate) fn split<'a>(text: &'a str, separator: &str, limit: i64, keep: bool) -> Vec<&'a str> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    if limit == 0 {
        return parts;
    }
    let mut rest = text;
    while parts.len().saturating_add(1) < limit {
        let end = if separator.is_empty() {
            match rest.chars().next() {
                Some(letter) if letter.len_utf8() < rest.len() => letter.len_utf8(),
                _ => break,
            }
        } else {
            match rest.find(separator) {
                Some(at) => at,
                None => break,
            }
        };
        let cut = if keep { end.saturating_add(separator.len()) } else { end };
        let (Some(part), Some(after)) = (rest.get(..cut), rest.get(end.saturating_add(separator.len())..))
        else {
            break;
        };
        parts.push(part);
        rest = after;
    }
    if !(separator.is_empty() && text.is_empty()) {
        parts.push(rest);
    }
    parts
}

fn replace(
    text: &str,
    old: &str,
    new: &str,
    limit: i64,
    machine: &mut Machine<'_>,
) -> Result<String, String> {
    let found = text.matches(old).count();
    let times = usize::try_from(limit).map_or(found, |limit| limit.min(found));
    machine.grow(times.saturating_mul(new.len()))?;
    Ok(text.replacen(old, new, times))
}

fn join(args: &[Value]) -> Result<Value, String> {
    let glue = if args.len() > 1 { text(args, 1)? } else { "" };
    let Some(Value::Array(items)) = args.first() else {
        let got = args.first().map_or("<nil>", Value::type_name);
        return Err(format!("invalid argument for join (type {got})"));
    };
    let parts = items
        .iter()
        .map(|item| item.as_str().ok_or_else(|| item.not_a("string")))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Value::text(parts.join(glue)))
}
