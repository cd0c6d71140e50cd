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

/// Source: cast's `trimDecimal` (a fraction is left away) and Go's `ParseInt` with base 0.
fn text_to_int(text: &str) -> Option<i64> {
    let signed = text.strip_prefix(['-', '+']).unwrap_or(text);
    let trimmed = match signed.split_once('.') {
        Some((whole, part)) if whole.bytes().chain(part.bytes()).all(|one| one.is_ascii_digit()) => {
            if whole.is_empty() { "0" } else { whole }
        }
        _ => signed,
    };
    let lower = trimmed.to_ascii_lowercase();
    let (digits, radix) = match lower.get(..2) {
        Some("0x") => (lower.get(2..)?, 16),
        Some("0o") => (lower.get(2..)?, 8),
        Some("0b") => (lower.get(2..)?, 2),
        Some(_) if lower.starts_with('0') => (lower.get(1..)?, 8),
        _ => (lower.as_str(), 10),
    };
    let underscored = digits.contains('_');
    // an underscore stands between digits, or behind what names the base
    if digits.ends_with('_') || digits.contains("__") || radix == 10 && digits.starts_with('_') {
        return None;
    }
    let digits = if underscored { &digits.replace('_', "") } else { digits };
    // here the sign would count again
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let negative = text.starts_with('-');
    let number = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { number.checked_neg()? } else { number }).ok()
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
