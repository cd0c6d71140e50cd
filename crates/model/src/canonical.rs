//! The canonical form of JSON (RFC 8785) and its SHA-256, by which things are pinned.
//!
//! Invariant: two values that differ only in the order of their keys have the same canonical text.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest as sha};
use serde_json::{Number, Value};

/// Returns the RFC 8785 canonical text of `value`. Numbers are written as ECMAScript writes them, except
/// that whole numbers beyond 2^53, which RFC 8785 has no form for, keep all their digits.
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

/// Returns the SHA-256 of the canonical text of `value`, in hexadecimal.
pub fn digest(value: &Value) -> String {
    let mut hex = String::with_capacity(64);
    for byte in sha(&SHA256, canonical_json(value).as_bytes()).as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn write(to: &mut String, value: &Value) {
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => number(to, value),
        Value::String(value) => string(to, value),
        Value::Array(items) => {
            to.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    to.push(',');
                }
                write(to, item);
            }
            to.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            to.push('{');
            for (i, (key, value)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    to.push(',');
                }
                string(to, key);
                to.push(':');
                write(to, value);
            }
            to.push('}');
        }
    }
}

fn string(to: &mut String, text: &str) {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(to, "\\u{:04x}", u32::from(c));
            }
            c => to.push(c),
        }
    }
    to.push('"');
}

fn number(to: &mut String, number: &Number) {
    if let Some(whole) = number.as_i64() {
        let _ = write!(to, "{whole}");
    } else if let Some(whole) = number.as_u64() {
        let _ = write!(to, "{whole}");
    } else {
        float(to, number);
    }
}

/// ECMAScript's `Number::toString`, with serde_json's digits: the shortest that read back as the same number,
/// the even ones where two are as near.
fn float(to: &mut String, number: &Number) {
    let text = number.to_string();
    let unsigned = text.strip_prefix('-').unwrap_or(&text);
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let (integral, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{integral}{fraction}");
    let digits = all.trim_start_matches('0');
    // the place of the point, counted from the first digit that is not zero
    let leading = all.len() - digits.len();
    let point = exponent.parse::<i64>().unwrap_or(0) + length(integral) - i64::try_from(leading).unwrap_or(0);
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        to.push('0');
        return;
    }
    if text.starts_with('-') {
        to.push('-');
    }
    let count = length(digits);
    let zeros = |many: i64| "0".repeat(usize::try_from(many).unwrap_or(0));
    let cut = usize::try_from(point).unwrap_or(0);
    if count <= point && point <= 21 {
        let _ = write!(to, "{digits}{}", zeros(point - count));
    } else if 0 < point && point <= 21 {
        let (before, after) = digits.split_at(cut.min(digits.len()));
        let _ = write!(to, "{before}.{after}");
    } else if -6 < point && point <= 0 {
        let _ = write!(to, "0.{}{digits}", zeros(-point));
    } else {
        let (first, more) = digits.split_at(1);
        let dot = if more.is_empty() { "" } else { "." };
        let _ = write!(to, "{first}{dot}{more}e{:+}", point - 1);
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    #[track_caller]
    fn check(value: &Value, expected: &str) {
        assert_eq!(canonical_json(value), expected);
    }

    /// RFC 8785, appendix B.
    #[test]
    fn numbers_are_written_as_ecmascript_writes_them() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            check(&json!(f64::from_bits(bits)), expected);
        }
    }

    #[test]
    fn keys_are_in_the_order_of_their_utf_16_units() {
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew", "1": "One",
            "\u{1f600}": "Emoji", "\u{80}": "Control", "\u{f6}": "Latin"
        });
        check(
            &value,
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"Latin\",\
             \"\u{20ac}\":\"Euro Sign\",\"\u{1f600}\":\"Emoji\",\"\u{fb33}\":\"Hebrew\"}",
        );
    }

    #[test]
    fn text_is_escaped_no_more_than_it_must_be() {
        check(&json!("\u{20ac}$\u{f}\nA'B\"\\\\\"/"), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"");
        check(&json!([null, true, false, 10, -3, u64::MAX]), "[null,true,false,10,-3,18446744073709551615]");
    }

    #[test]
    fn the_digest_is_the_sha_256_of_the_canonical_text() {
        assert_eq!(digest(&json!({})), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // quarters: serde_json reads other floats back with an error in the last digit
            any::<i32>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|fields| { Value::Object(fields.into_iter().collect::<Map<_, _>>()) }),
            ]
        })
    }

    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                Value::Object(fields.iter().rev().map(|(k, v)| (k.clone(), reversed(v))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn the_order_of_keys_does_not_matter(value in value()) {
            prop_assert_eq!(digest(&value), digest(&reversed(&value)));
        }

        #[test]
        fn canonical_text_is_json_and_a_fixed_point(value in value()) {
            let text = canonical_json(&value);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical_json(&read), text);
        }
    }
}
