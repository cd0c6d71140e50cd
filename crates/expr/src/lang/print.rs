//! How values look as text: Go's `%v` and `%q`, and JSON as `encoding/json` writes it (keys sorted, HTML
//! characters escaped, floats without a needless fraction).

use std::fmt::Write as _;

use super::{time, value::Value};

/// The deepest value that is written.
const MAX_DEPTH: usize = 128;

/// Returns a text in double quotes, escaped as `strconv.Quote` does.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for one in text.chars() {
        match one {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            _ if u32::from(one) < 0x20 || u32::from(one) == 0x7f => {
                let _ = write!(out, "\\x{:02x}", u32::from(one));
            }
            _ => out.push(one),
        }
    }
    out.push('"');
    out
}

/// Returns the mantissa's digits and the decimal exponent (`d.ddd × 10^exp`) of a positive finite number.
fn shortest(number: f64) -> (String, i32) {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn exponent_form(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let dot = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{dot}{rest}e{sign}{:02}", exponent.unsigned_abs())
}

/// Returns a float as `%v` prints it.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if number == 0.0 {
        return if number.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let (digits, exponent) = shortest(number.abs());
    let sign = if number < 0.0 { "-" } else { "" };
    if (-4..21).contains(&exponent) {
        format!("{number}")
    } else {
        format!("{sign}{}", exponent_form(&digits, exponent))
    }
}

/// Returns a float as JSON, if it has one.
fn json_float(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let (digits, exponent) = shortest(size);
        let sign = if number < 0.0 { "-" } else { "" };
        let text = exponent_form(&digits, exponent);
        // Go writes e-9, not e-09.
        return Some(format!("{sign}{}", text.replace("e-0", "e-")));
    }
    if number == 0.0 && number.is_sign_negative() {
        return Some("-0".to_owned());
    }
    Some(format!("{number}"))
}

/// Returns a value as `%v` prints it.
pub(crate) fn plain(value: &Value) -> String {
    let mut out = String::new();
    write_plain(value, &mut out, 0);
    out
}

fn write_plain(value: &Value, out: &mut String, depth: usize) {
    if depth > MAX_DEPTH {
        out.push('…');
        return;
    }
    let deeper = depth.saturating_add(1);
    match value {
        Value::Nil => out.push_str("<nil>"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(text) => out.push_str(text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_plain(item, out, deeper);
            }
            out.push(']');
        }
        Value::Map(fields) => {
            out.push_str("map[");
            for (index, (name, item)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(name);
                out.push(':');
                write_plain(item, out, deeper);
            }
            out.push(']');
        }
        Value::Groups(groups) => {
            out.push_str("map[");
            for (index, (key, item)) in groups.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_plain(key, out, deeper);
                out.push(':');
                write_plain(item, out, deeper);
            }
            out.push(']');
        }
        Value::Time(moment) => out.push_str(&moment.shown()),
        Value::Duration(nanos) => out.push_str(&time::duration(*nanos)),
        Value::Zone(zone) => out.push_str(zone.iana_name().unwrap_or("Local")),
        Value::Month(month) => out.push_str(time::month_name(*month)),
        Value::Weekday(day) => out.push_str(time::weekday_name(*day)),
        Value::Version(version) => {
            let _ = write!(out, "{version}");
        }
        Value::Function(_) => out.push_str("func"),
        Value::Sprig => out.push_str("map[]"),
    }
}

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// On one line, `<`, `>`, `&` escaped.
    Compact,
    /// On one line, nothing escaped that needs not be.
    Raw,
    /// Indented by two spaces.
    Indented,
}

/// Returns a value as JSON.
///
/// # Errors
/// Go's words, where the value has none.
pub(crate) fn json(value: &Value, style: Style) -> Result<String, String> {
    let mut out = String::new();
    write_json(value, style, 0, &mut out)?;
    Ok(out)
}

/// Writes a JSON string with its quotes.
pub(crate) fn json_text(text: &str, escape_html: bool, out: &mut String) {
    out.push('"');
    for one in text.chars() {
        match one {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if escape_html => {
                let _ = write!(out, "\\u{:04x}", u32::from(one));
            }
            '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(one));
            }
            _ if u32::from(one) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(one));
            }
            _ => out.push(one),
        }
    }
    out.push('"');
}

fn line(style: Style, depth: usize, out: &mut String) {
    if style == Style::Indented {
        out.push('\n');
        for _ in 0..depth {
            out.push_str("  ");
        }
    }
}

fn write_json(value: &Value, style: Style, depth: usize, out: &mut String) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("json: the value is nested too deep".to_owned());
    }
    let escape = style != Style::Raw;
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) | Value::Duration(number) | Value::Month(number) | Value::Weekday(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => match json_float(*number) {
            Some(text) => out.push_str(&text),
            None => return Err(format!("json: unsupported value: {}", float(*number))),
        },
        Value::Text(text) => json_text(text, escape, out),
        Value::Array(items) => {
            let deeper = depth.saturating_add(1);
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(style, deeper, out);
                write_json(item, style, deeper, out)?;
            }
            if !items.is_empty() {
                line(style, depth, out);
            }
            out.push(']');
        }
        Value::Map(fields) => {
            let deeper = depth.saturating_add(1);
            out.push('{');
            for (index, (name, item)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(style, deeper, out);
                json_text(name, escape, out);
                out.push_str(if style == Style::Indented { ": " } else { ":" });
                write_json(item, style, deeper, out)?;
            }
            if !fields.is_empty() {
                line(style, depth, out);
            }
            out.push('}');
        }
        Value::Groups(_) | Value::Function(_) | Value::Sprig => {
            return Err(format!("json: unsupported type: {}", value.type_name()));
        }
        Value::Time(moment) => json_text(&moment.rfc3339_nano(), escape, out),
        Value::Zone(_) => out.push_str("{}"),
        Value::Version(version) => json_text(&version.to_string(), escape, out),
    }
    Ok(())
}
