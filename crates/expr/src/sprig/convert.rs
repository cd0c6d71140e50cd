//! Values of one kind as another: spf13/cast's numbers and sprig's strings, what is empty, names of kinds.

use crate::lang::{Value, parse_float, print};

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Month(_) | Value::Weekday(_) => "int",
        Value::Duration(_) => "int64",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::Array(_) => "slice",
        Value::Map(_) | Value::Groups(_) | Value::Sprig => "map",
        Value::Time(_) => "struct",
        Value::Zone(_) | Value::Version(_) => "ptr",
        Value::Function(_) => "func",
    }
}

/// cast's `ToInt64`: what is no number is 0; a string may have a sign and a base (`0x`, `0o`, `0b`, `0`).
#[expect(clippy::cast_possible_truncation, reason = "Go cuts fractions likewise")]
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Duration(number) | Value::Month(number) | Value::Weekday(number) => {
            *number
        }
        Value::Float(number) => *number as i64,
        Value::Bool(flag) => i64::from(*flag),
        Value::Text(text) => text_to_int(text).unwrap_or(0),
        _ => 0,
    }
}

fn text_to_int(text: &str) -> Option<i64> {
    // cast leaves a fraction of zeros away.
    let trimmed = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|one| one == b'0') => whole,
        _ => text,
    };
    let negative = trimmed.starts_with('-');
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    let lower = digits.to_ascii_lowercase();
    let (digits, radix) = match lower.get(..2) {
        Some("0x") => (lower.get(2..)?, 16),
        Some("0o") => (lower.get(2..)?, 8),
        Some("0b") => (lower.get(2..)?, 2),
        Some(_) if lower.starts_with('0') => {
            // A leading zero is octal in Go, but cast trims zeros first.
            (lower.trim_start_matches('0'), 10)
        }
        _ => (lower.as_str(), 10),
    };
    let digits = if digits.is_empty() && radix == 10 && lower.starts_with('0') { "0" } else { digits };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { number.wrapping_neg() } else { number })
}

/// cast's `ToFloat64`: what is no number is 0.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Text(text) => parse_float(text).unwrap_or(0.0),
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        #[expect(clippy::cast_precision_loss, reason = "Go converts likewise")]
        Value::Duration(number) | Value::Month(number) | Value::Weekday(number) => *number as f64,
        other => crate::lang::as_float(other).unwrap_or(0.0),
    }
}

/// sprig's `toString`.
pub(super) fn to_text(value: &Value) -> String {
    print::plain(value)
}

/// Whether a value is its kind's zero, or an empty list or map.
pub(super) fn empty(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(flag) => !flag,
        Value::Int(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        Value::Duration(number) | Value::Month(number) | Value::Weekday(number) => *number == 0,
        Value::Text(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Map(fields) => fields.is_empty(),
        Value::Groups(groups) => groups.is_empty(),
        _ => false,
    }
}

/// sprig's `toStrings`: the items of a list as texts, nil left out; of anything else its text.
pub(super) fn to_texts(value: &Value) -> Vec<String> {
    match value {
        Value::Nil => Vec::new(),
        Value::Array(items) => items.iter().filter(|item| !item.is_nil()).map(to_text).collect(),
        other => vec![to_text(other)],
    }
}
