//! What operators do with values at run time (expr-lang `vm/runtime`), with Go's words where they cannot.

use std::cmp::Ordering;

use super::{ast::Binary, value::Value};

/// Whether two values are equal: numbers across kinds, lists item by item, maps exactly.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| equal(left, right))
        }
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            numbers(left, right).is_some_and(|order| order == Ordering::Equal)
        }
        (Value::Time(left), Value::Time(right)) => left.timestamp() == right.timestamp(),
        _ => same(left, right),
    }
}

/// `reflect.DeepEqual`: equal and of the same kind.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Nil, Value::Nil) | (Value::Sprig, Value::Sprig) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right))
        | (Value::Duration(left), Value::Duration(right))
        | (Value::Month(left), Value::Month(right))
        | (Value::Weekday(left), Value::Weekday(right)) => left == right,
        #[expect(clippy::float_cmp, reason = "the language compares floats exactly")]
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| same(left, right))
        }
        (Value::Map(left), Value::Map(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right.iter())
                    .all(|((one, left), (two, right))| one == two && same(left, right))
        }
        (Value::Groups(left), Value::Groups(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| {
                    right.iter().any(|(other, found)| same(key, other) && same(value, found))
                })
        }
        (Value::Time(left), Value::Time(right)) => left.timestamp() == right.timestamp(),
        (Value::Zone(left), Value::Zone(right)) => left == right,
        (Value::Version(left), Value::Version(right)) => left == right,
        _ => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "Go converts ints to float64 likewise")]
pub(crate) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn numbers(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        _ => as_float(left)?.partial_cmp(&as_float(right)?),
    }
}

/// Returns how two values stand to each other.
///
/// # Errors
/// Go's words, where they cannot be compared. `None` for NaN.
pub(crate) fn compare(left: &Value, right: &Value, operator: &str) -> Result<Option<Ordering>, String> {
    match (left, right) {
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => Ok(numbers(left, right)),
        (Value::Text(left), Value::Text(right)) => Ok(Some(left.cmp(right))),
        (Value::Time(left), Value::Time(right)) => Ok(Some(left.timestamp().cmp(&right.timestamp()))),
        (Value::Duration(left), Value::Duration(right)) => Ok(Some(left.cmp(right))),
        _ => Err(mismatch(left, operator, right)),
    }
}

fn mismatch(left: &Value, operator: &str, right: &Value) -> String {
    format!("invalid operation: {} {operator} {}", left.type_name(), right.type_name())
}

/// Applies an operator to two values that are both known.
///
/// # Errors
/// Go's words.
pub(crate) fn binary(operator: Binary, left: &Value, right: &Value) -> Result<Value, String> {
    let shown = operator.shown();
    match operator {
        Binary::Equal => Ok(Value::Bool(equal(left, right))),
        Binary::NotEqual => Ok(Value::Bool(!equal(left, right))),
        Binary::Less => Ok(Value::Bool(compare(left, right, shown)? == Some(Ordering::Less))),
        Binary::More => Ok(Value::Bool(compare(left, right, shown)? == Some(Ordering::Greater))),
        Binary::LessOrEqual => {
            let order = compare(left, right, shown)?;
            Ok(Value::Bool(matches!(order, Some(Ordering::Less | Ordering::Equal))))
        }
        Binary::MoreOrEqual => {
            let order = compare(left, right, shown)?;
            Ok(Value::Bool(matches!(order, Some(Ordering::Greater | Ordering::Equal))))
        }
        Binary::Add | Binary::Subtract | Binary::Multiply => arithmetic(operator, left, right),
        Binary::Divide => match (as_float(left), as_float(right)) {
            (Some(left), Some(right)) => Ok(Value::Float(left / right)),
            _ => Err(mismatch(left, shown, right)),
        },
        Binary::Modulo => match (left, right) {
            (Value::Int(_), Value::Int(0)) => Err("runtime error: integer divide by zero".to_owned()),
            (Value::Int(left), Value::Int(right)) => Ok(Value::Int(left.wrapping_rem(*right))),
            _ => Err(mismatch(left, shown, right)),
        },
        Binary::Power => {
            let float = |value: &Value| {
                as_float(value).ok_or_else(|| format!("invalid operation: float({})", value.type_name()))
            };
            Ok(Value::Float(float(left)?.powf(float(right)?)))
        }
        Binary::Contains => texts(left, right, |left, right| left.contains(right)),
        Binary::StartsWith => texts(left, right, |left, right| left.starts_with(right)),
        Binary::EndsWith => texts(left, right, |left, right| left.ends_with(right)),
        Binary::Or | Binary::And | Binary::In | Binary::Matches | Binary::Range | Binary::Coalesce => {
            Err(format!("unknown operator ({shown})"))
        }
    }
}

fn texts(left: &Value, right: &Value, test: impl Fn(&str, &str) -> bool) -> Result<Value, String> {
    match (left, right) {
        (Value::Nil, _) | (_, Value::Nil) => Ok(Value::Bool(false)),
        (Value::Text(left), Value::Text(right)) => Ok(Value::Bool(test(left, right))),
        (Value::Text(_), other) | (other, _) => Err(other.not_a("string")),
    }
}

fn arithmetic(operator: Binary, left: &Value, right: &Value) -> Result<Value, String> {
    let failed = || mismatch(left, operator.shown(), right);
    let out_of_range = || "time: the result is out of range".to_owned();
    Ok(match (operator, left, right) {
        (Binary::Add, Value::Int(left), Value::Int(right)) => Value::Int(left.wrapping_add(*right)),
        (Binary::Subtract, Value::Int(left), Value::Int(right)) => Value::Int(left.wrapping_sub(*right)),
        (Binary::Multiply, Value::Int(left), Value::Int(right)) => Value::Int(left.wrapping_mul(*right)),
        (_, Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            let (left, right) = (as_float(left).ok_or_else(failed)?, as_float(right).ok_or_else(failed)?);
            Value::Float(match operator {
                Binary::Add => left + right,
                Binary::Subtract => left - right,
                _ => left * right,
            })
        }
        (Binary::Add, Value::Text(left), Value::Text(right)) => Value::text(format!("{left}{right}")),
        (Binary::Add, Value::Time(time), Value::Duration(nanos))
        | (Binary::Add, Value::Duration(nanos), Value::Time(time)) => {
            Value::Time(time.add(*nanos).ok_or_else(out_of_range)?)
        }
        (Binary::Add, Value::Duration(left), Value::Duration(right)) => {
            Value::Duration(left.wrapping_add(*right))
        }
        (Binary::Subtract, Value::Time(left), Value::Time(right)) => Value::Duration(left.since(right)),
        (Binary::Subtract, Value::Time(time), Value::Duration(nanos)) => {
            Value::Time(time.add(nanos.wrapping_neg()).ok_or_else(out_of_range)?)
        }
        (Binary::Subtract, Value::Duration(left), Value::Duration(right)) => {
            Value::Duration(left.wrapping_sub(*right))
        }
        (Binary::Multiply, Value::Duration(left), Value::Duration(right) | Value::Int(right))
        | (Binary::Multiply, Value::Int(left), Value::Duration(right)) => {
            Value::Duration(left.wrapping_mul(*right))
        }
        #[expect(clippy::cast_precision_loss, reason = "Go converts likewise")]
        (Binary::Multiply, Value::Duration(nanos), Value::Float(number))
        | (Binary::Multiply, Value::Float(number), Value::Duration(nanos)) => {
            Value::Float(*nanos as f64 * number)
        }
        _ => return Err(failed()),
    })
}

/// Whether `needle` is in `haystack`.
///
/// # Errors
/// Go's words.
pub(crate) fn contains(needle: &Value, haystack: &Value) -> Result<bool, String> {
    match haystack {
        Value::Nil => Ok(false),
        Value::Array(items) => Ok(items.iter().any(|item| equal(item, needle))),
        Value::Map(fields) => match needle {
            Value::Nil => Ok(fields.contains_key("")),
            Value::Text(name) => Ok(fields.contains_key(&**name)),
            other => Err(not_assignable(other)),
        },
        Value::Groups(groups) => Ok(groups.iter().any(|(key, _)| same(key, needle))),
        other => Err(format!("operator \"in\" not defined on {}", other.type_name())),
    }
}

pub(crate) fn not_assignable(key: &Value) -> String {
    format!("reflect.Value.MapIndex: value of type {} is not assignable to type string", key.type_name())
}

/// Go's conversion of a number to `int`.
///
/// # Errors
/// Go's words.
pub(crate) fn to_int(value: &Value) -> Result<i64, String> {
    match value {
        Value::Int(number) => Ok(*number),
        #[expect(clippy::cast_possible_truncation, reason = "Go cuts the fraction likewise")]
        Value::Float(number) => Ok(*number as i64),
        other => Err(format!("invalid operation: int({})", other.type_name())),
    }
}
