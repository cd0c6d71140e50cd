//! What a plain scalar means in YAML 1.1 as go-yaml v2 reads it (`resolve.go`), and how Go prints floats.

use std::sync::Arc;

use super::node::{Data, whole};

/// Returns the value of a scalar without a tag.
pub(super) fn resolve_plain(text: &str) -> Data {
    resolve(None, text).1
}

/// Returns the value of a scalar with the tag `tag` (`!!int` and so on).
///
/// # Errors
/// Says that the text does not fit the tag.
pub(super) fn resolve_tagged(tag: &str, text: &str) -> Result<Data, String> {
    match tag {
        "!!binary" => binary(text),
        "!!str" => Ok(Data::Str(Arc::from(text))),
        "!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp" => match (tag, resolve(Some(tag), text)) {
            ("!!float", ("!!int", Data::Int(i))) =>
            {
                #[expect(clippy::cast_precision_loss, reason = "the tag asks for a float")]
                Ok(Data::Float(i as f64))
            }
            (tag, (kind, data)) if tag == kind => Ok(data),
            (tag, (kind, _)) => Err(format!("cannot decode {kind} `{}` as a {tag}", cut(text))),
        },
        _ => Ok(Data::Str(Arc::from(text))),
    }
}

fn binary(text: &str) -> Result<Data, String> {
    use base64::Engine as _;
    let dense: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(dense);
    let bytes = bytes.map_err(|_| "!!binary value contains invalid base64 data".to_owned())?;
    Ok(Data::Str(Arc::from(String::from_utf8_lossy(&bytes).as_ref())))
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

fn resolve(tag: Option<&str>, text: &str) -> (&'static str, Data) {
    let as_text = || ("!!str", Data::Str(Arc::from(text)));
    let Some(first) = text.bytes().next() else { return ("!!null", Data::Null) };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            word(text).unwrap_or_else(as_text)
        }
        b'.' => match word(text) {
            Some(found) => found,
            None if text.contains('_') => as_text(),
            None => float(text).map_or_else(as_text, |f| ("!!float", Data::Float(f))),
        },
        b'+' | b'-' | b'0'..=b'9' => word(text).or_else(|| number(tag, text)).unwrap_or_else(as_text),
        _ => as_text(),
    }
}

/// The fixed words of YAML 1.1.
fn word(text: &str) -> Option<(&'static str, Data)> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            ("!!bool", Data::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            ("!!bool", Data::Bool(false))
        }
        "~" | "null" | "Null" | "NULL" => ("!!null", Data::Null),
        ".nan" | ".NaN" | ".NAN" => ("!!float", Data::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => ("!!float", Data::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => ("!!float", Data::Float(f64::NEG_INFINITY)),
        _ => return None,
    })
}

fn number(tag: Option<&str>, text: &str) -> Option<(&'static str, Data)> {
    if matches!(tag, None | Some("!!timestamp")) && is_timestamp(text) {
        return Some(("!!timestamp", Data::Str(Arc::from(text))));
    }
    let dense = text.replace('_', "");
    if let Some(whole) = integer(&dense) {
        if let Ok(whole) = i64::try_from(whole) {
            return Some(("!!int", Data::Int(whole)));
        }
        if let Ok(whole) = u64::try_from(whole)
            && !dense.starts_with('+')
        {
            return Some(("!!int", Data::Uint(whole)));
        }
    }
    float(&dense).map(|f| ("!!float", Data::Float(f)))
}

/// Go's `strconv.ParseInt(text, 0, 64)`, underscores removed before.
fn integer(text: &str) -> Option<i128> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let prefixed = |lower: &str, upper: &str| body.strip_prefix(lower).or_else(|| body.strip_prefix(upper));
    let (radix, digits) = if let Some(digits) = prefixed("0x", "0X") {
        (16, digits)
    } else if let Some(digits) = prefixed("0o", "0O") {
        (8, digits)
    } else if let Some(digits) = prefixed("0b", "0B") {
        (2, digits)
    } else if body.len() > 1 && body.starts_with('0') {
        (8, body.get(1..)?)
    } else {
        (10, body)
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, and finite.
fn float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at)?, body.get(at + 1..)),
        None => (body, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((integral, fraction)) => digits(integral) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !(mantissa_fits && exponent_fits) {
        return None;
    }
    text.parse::<f64>().ok().filter(|f| f.is_finite())
}

/// Go's layouts `2006-1-2`, `2006-1-2T15:4:5Z07:00`, `2006-1-2 15:4:5`, by their shape.
fn is_timestamp(text: &str) -> bool {
    let digits =
        |s: &str, most: usize| !s.is_empty() && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit());
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at).unwrap_or(""), text.get(at..)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let date_fits = parts.next().is_some_and(|year| year.len() == 4 && digits(year, 4))
        && parts.next().is_some_and(|month| digits(month, 2))
        && parts.next().is_some_and(|day| digits(day, 2))
        && parts.next().is_none();
    let time_fits = |time: &str| {
        let zoned = !time.starts_with(' ');
        let time = time.get(1..).unwrap_or("");
        let clock = if zoned {
            match (time.strip_suffix('Z'), time.rfind(['+', '-'])) {
                (Some(clock), _) => clock,
                (None, Some(at)) => time.get(..at).unwrap_or(""),
                (None, None) => return false,
            }
        } else {
            time
        };
        let mut parts = clock.split(':');
        let hour_minute =
            parts.next().is_some_and(|h| digits(h, 2)) && parts.next().is_some_and(|m| digits(m, 2));
        let second = parts.next().is_some_and(|second| match second.split_once('.') {
            Some((second, fraction)) => digits(second, 2) && digits(fraction, 9),
            None => digits(second, 2),
        });
        hour_minute && second && parts.next().is_none()
    };
    date_fits && time.is_none_or(time_fits)
}

/// Returns `float` as Go's `strconv.FormatFloat(float, 'g', -1, 64)` prints it.
pub(super) fn go_float(float: f64) -> String {
    shortest(float == 0.0, &format!("{float:e}"))
}

/// Returns `float` as Go's `strconv.FormatFloat(float, 'g', -1, 32)` prints it.
pub(super) fn go_float_32(float: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "Go prints float keys with 32 bits")]
    let narrow = float as f32;
    shortest(narrow == 0.0, &format!("{narrow:e}"))
}

/// `scientific` is Rust's shortest form, such as `-1.25e7`.
fn shortest(zero: bool, scientific: &str) -> String {
    if zero {
        return if scientific.starts_with('-') { "-0" } else { "0" }.to_owned();
    }
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific.to_owned() };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific.to_owned() };
    // where Go's `%g` turns to exponents when it prints the shortest form
    const PRECISION: i32 = 6;
    if !(-4..PRECISION).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    scientific.parse::<f64>().map_or_else(
        |_| scientific.to_owned(),
        |float| whole(float).map_or_else(|| float.to_string(), |whole| whole.to_string()),
    )
}
