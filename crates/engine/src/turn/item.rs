//! The items of loops: their names, their variables, and where they come from.
//! Source: Argo `operator.go` processItem, generateNodeName, expandSequence; `item.go`.

use std::collections::{BTreeMap, HashMap};

use model::limits;
use serde_json::Value;

/// Returns `name(<i>:<item>)`.
pub(super) fn name(name: &str, index: usize, item: &Value) -> String {
    let described = match item {
        Value::Object(fields) => {
            let mut shown: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}:{}", in_name(value))).collect();
            shown.sort();
            shown.join(",")
        }
        Value::Array(items) => format!("[{}]", items.iter().map(in_name).collect::<Vec<_>>().join(" ")),
        other => in_name(other),
    };
    format!("{name}({index}:{})", described.replace(['(', ')'], ""))
}

/// The item in a name: as JSON, without the quotes of a string but with its escapes.
fn in_name(item: &Value) -> String {
    let json = sorted(item).to_string();
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(bare) => bare.to_owned(),
        None => json,
    }
}

/// Returns `value` with the keys of its objects sorted, as Go writes maps.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let by_key: BTreeMap<&String, &Value> = fields.iter().collect();
            Value::Object(by_key.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// The item as a text: a string as it is, everything else as compact JSON.
fn as_text(item: &Value) -> String {
    match item {
        Value::String(text) => text.clone(),
        other => sorted(other).to_string(),
    }
}

/// Returns the variables of an item: `item`, and `item.k` for each key of an object.
pub(super) fn variables(item: &Value) -> HashMap<String, String> {
    let mut variables = HashMap::from([("item".to_owned(), as_text(item))]);
    if let Value::Object(fields) = item {
        variables.extend(fields.iter().map(|(key, value)| (format!("item.{key}"), as_text(value))));
    }
    variables
}

/// Reads the items of a `withParam`.
pub(super) fn of_param(text: &str) -> Result<Vec<Value>, String> {
    let wrong = |why: String| {
        Err(format!("withParam value could not be parsed as a JSON list: {}: {why}", text.trim()))
    };
    let kind = match serde_json::from_str(text) {
        Ok(Value::Array(items)) => return Ok(items),
        Ok(Value::Null) => return Ok(Vec::new()),
        Ok(Value::Bool(_)) => "bool",
        Ok(Value::Number(_)) => "number",
        Ok(Value::String(_)) => "string",
        Ok(Value::Object(_)) => "object",
        Err(_) => return wrong(not_json(text)),
    };
    wrong(format!("json: cannot unmarshal {kind} into Go value of type []v1alpha1.Item"))
}

/// Returns why a text is no JSON, as Go's decoder says it where it says it of the first character.
pub(super) fn not_json(text: &str) -> String {
    let first = text.trim_start_matches([' ', '\t', '\r', '\n']).chars().next();
    match (first, serde_json::from_str::<Value>(text)) {
        (None, _) => "unexpected end of JSON input".to_owned(),
        (Some(first), _) if !first.is_ascii_digit() && !"{[\"-tfn".contains(first) => {
            format!("invalid character {} looking for beginning of value", quoted(first))
        }
        (_, Err(error)) if error.is_eof() => "unexpected end of JSON input".to_owned(),
        (_, Err(error)) => error.to_string(),
        (_, Ok(_)) => String::new(),
    }
}

/// Source: Go `encoding/json` quoteChar.
fn quoted(character: char) -> String {
    match character {
        '\'' => "'\\''".to_owned(),
        other => format!("'{other}'"),
    }
}

/// Returns the items of a `withSequence`.
pub(super) fn of_sequence(sequence: &Value) -> Result<Vec<Value>, String> {
    let number = |field: &str| match sequence.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            number.as_i64().map(Some).ok_or_else(|| format!("withSequence {field} is not an integer"))
        }
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|_| format!("withSequence {field} `{text}` is not an integer"))
        }
        Some(_) => Err(format!("withSequence {field} is not an integer")),
    };
    let start = number("start")?.unwrap_or(0);
    let end = match (number("count")?, number("end")?) {
        (Some(_), Some(_)) => {
            return Err("only one of count or end can be defined in withSequence".to_owned());
        }
        (None, None) => return Err("must have one of count or end defined in withSequence".to_owned()),
        (Some(count), None) if count <= 0 => return Ok(Vec::new()),
        (Some(count), None) => start.saturating_add(count).saturating_sub(1),
        (None, Some(end)) => end,
    };
    if usize::try_from(start.abs_diff(end)).map_or(true, |span| span >= limits::MAX_NODES) {
        return Err(format!("withSequence has more than {} items", limits::MAX_NODES));
    }
    let format = sequence.get("format").and_then(Value::as_str).filter(|format| !format.is_empty());
    let shown = |number: i64| {
        format.map_or_else(|| Ok(number.to_string()), |format| formatted(format, number)).map(Value::String)
    };
    if start <= end { (start..=end).map(shown).collect() } else { (end..=start).rev().map(shown).collect() }
}

/// Formats an integer as Go's Sprintf does, for `%d`, `%x`, `%X`, `%o`, `%b`, `%c`, `%v` with flags and width.
fn formatted(format: &str, number: i64) -> Result<String, String> {
    let bad = || format!("withSequence format `{format}` is not one with a single integer verb");
    let mut out = String::new();
    let mut used = false;
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if rest.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        if used {
            return Err(bad());
        }
        used = true;
        out.push_str(&verb(&mut rest, number).ok_or_else(bad)?);
    }
    Ok(out)
}

fn verb(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, number: i64) -> Option<String> {
    let mut flags = String::new();
    while let Some(flag) = rest.next_if(|c| "+-# 0".contains(*c)) {
        flags.push(flag);
    }
    let mut width = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        width.push(digit);
    }
    let width: usize = if width.is_empty() { 0 } else { width.parse().ok().filter(|width| *width <= 100)? };
    let magnitude = number.unsigned_abs();
    let digits = match rest.next()? {
        'd' | 'v' => magnitude.to_string(),
        'x' => format!("{}{magnitude:x}", if flags.contains('#') { "0x" } else { "" }),
        'X' => format!("{}{magnitude:X}", if flags.contains('#') { "0X" } else { "" }),
        'o' => format!("{magnitude:o}"),
        'b' => format!("{magnitude:b}"),
        'c' => return char::from_u32(u32::try_from(number).ok()?).map(String::from),
        _ => return None,
    };
    let sign = match (number < 0, flags.contains('+'), flags.contains(' ')) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    };
    let missing = width.saturating_sub(digits.len().saturating_add(sign.len()));
    Some(match (flags.contains('-'), flags.contains('0')) {
        (true, _) => format!("{sign}{digits}{}", " ".repeat(missing)),
        (false, true) => format!("{sign}{}{digits}", "0".repeat(missing)),
        (false, false) => format!("{}{sign}{digits}", " ".repeat(missing)),
    })
}
