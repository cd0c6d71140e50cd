//! The tree decided. Source: govaluate `evaluationStage.go`. Numbers are 64-bit floats.

use std::fmt;

use regex::Regex;

use super::{number, parser::Tree};

/// What a part of a condition is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A number.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// A text.
    Text(String),
    /// A list, written with commas.
    List(Vec<Self>),
    /// The outcome of a `?` whose condition is false.
    Nothing,
    /// What a text is matched against.
    Pattern(Regex),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Nothing, Self::Nothing) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.write_str(&number::shown(*number)),
            Self::Bool(answer) => write!(f, "{answer}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        f.write_str(" ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Self::Nothing => f.write_str("<nil>"),
            Self::Pattern(pattern) => f.write_str(pattern.as_str()),
        }
    }
}

impl Tree {
    /// Decides the tree.
    pub(super) fn decide(&self) -> Result<Value, String> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Name(name) => Err(format!("No parameter '{name}' found.")),
            Self::Prefix(prefix, operand) => apply_prefix(prefix, operand.decide()?),
            Self::Chain(first, rest) => {
                let mut value = first.decide()?;
                for (operator, operand) in rest {
                    value = apply(value, operator, operand)?;
                }
                Ok(value)
            }
        }
    }
}

fn apply_prefix(prefix: &str, value: Value) -> Result<Value, String> {
    match (prefix, value) {
        ("!", Value::Bool(answer)) => Ok(Value::Bool(!answer)),
        ("-", Value::Number(number)) => Ok(Value::Number(-number)),
        ("~", Value::Number(number)) => Ok(Value::Number(!(number as i64) as f64)),
        (prefix, value) => Err(format!("Value '{value}' cannot be used with the prefix '{prefix}'")),
    }
}

fn apply(left: Value, operator: &str, right: &Tree) -> Result<Value, String> {
    match (operator, &left) {
        ("&&" | "||", Value::Bool(answer)) if *answer == (operator == "||") => return Ok(left),
        ("?", Value::Bool(false)) => return Ok(Value::Nothing),
        (":" | "??", known) if *known != Value::Nothing => return Ok(left),
        _ => {}
    }
    let right = right.decide()?;
    let mismatch = |left: &Value, right: &Value| Err(wrong_type(operator, left, right));
    Ok(match (operator, left, right) {
        (",", Value::List(mut items), item) => {
            items.push(item);
            Value::List(items)
        }
        (",", first, second) => Value::List(vec![first, second]),
        ("?", Value::Bool(true), right) | (":" | "??", Value::Nothing, right) => right,
        ("==", left, right) => Value::Bool(left == right),
        ("!=", left, right) => Value::Bool(left != right),
        ("&&" | "||", Value::Bool(_), Value::Bool(answer)) => Value::Bool(answer),
        ("in", left, Value::List(items)) => Value::Bool(items.contains(&left)),
        ("=~" | "!~", Value::Text(text), Value::Text(written)) => {
            Value::Bool(pattern(&written)?.is_match(&text) == (operator == "=~"))
        }
        ("=~" | "!~", Value::Text(text), Value::Pattern(pattern)) => {
            Value::Bool(pattern.is_match(&text) == (operator == "=~"))
        }
        ("<" | "<=" | ">" | ">=", Value::Number(a), Value::Number(b)) => {
            Value::Bool(ordered(operator, a.partial_cmp(&b)))
        }
        ("<" | "<=" | ">" | ">=", Value::Text(a), Value::Text(b)) => {
            Value::Bool(ordered(operator, Some(a.cmp(&b))))
        }
        ("+", left @ Value::Text(_), right) | ("+", left, right @ Value::Text(_)) => {
            Value::Text(format!("{left}{right}"))
        }
        (_, Value::Number(a), Value::Number(b)) => match arithmetic(operator, a, b) {
            Some(number) => Value::Number(number),
            None => return mismatch(&Value::Number(a), &Value::Number(b)),
        },
        (_, left, right) => return mismatch(&left, &right),
    })
}

fn ordered(operator: &str, order: Option<std::cmp::Ordering>) -> bool {
    order.is_some_and(|order| match operator {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn arithmetic(operator: &str, a: f64, b: f64) -> Option<f64> {
    Some(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "%" => a % b,
        "**" => a.powf(b),
        "&" => ((a as i64) & (b as i64)) as f64,
        "|" => ((a as i64) | (b as i64)) as f64,
        "^" => ((a as i64) ^ (b as i64)) as f64,
        "<<" => shift(b, |by| (a as u64).checked_shl(by)),
        ">>" => shift(b, |by| (a as u64).checked_shr(by)),
        _ => return None,
    })
}

fn shift(by: f64, shifted: impl Fn(u32) -> Option<u64>) -> f64 {
    u32::try_from(by as u64).ok().and_then(shifted).unwrap_or(0) as f64
}

/// Compiles a pattern of limited size.
pub(super) fn pattern(pattern: &str) -> Result<Regex, String> {
    crate::pattern::compile(pattern).map_err(|_| format!("Unable to compile regexp pattern '{pattern}'"))
}

/// Names the operand that does not fit, in govaluate's words.
fn wrong_type(operator: &str, left: &Value, right: &Value) -> String {
    let (kind, wanted, left_fits) = match operator {
        "&&" | "||" => ("logical operator", "a bool", matches!(left, Value::Bool(_))),
        "=~" | "!~" => ("comparator", "a number", matches!(left, Value::Text(_))),
        "in" => ("comparator", "a number", true),
        "<" | "<=" | ">" | ">=" => ("comparator", "a number", false),
        "?" | ":" | "??" => ("ternary operator", "a bool", false),
        "+" => ("modifier", "a number", false),
        _ => ("modifier", "a number", matches!(left, Value::Number(_))),
    };
    let wrong = if left_fits { right } else { left };
    format!("Value '{wrong}' cannot be used with the {kind} '{operator}', it is not {wanted}")
}
