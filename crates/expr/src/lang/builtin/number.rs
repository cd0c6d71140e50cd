//! Builtins on numbers.

use super::super::{
    operate::{as_float, compare},
    value::Value,
};

pub(super) fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    match name {
        "max" | "min" => extreme(name, args, 0),
        "mean" | "median" => average(name, args),
        "bitnot" => bits(args, 0, name).map(|bits| Value::Int(!bits)),
        _ if name.starts_with("bit") => bit(name, args),
        _ => {
            super::count(args, 1, 1)?;
            args.first().map_or(Ok(Value::Nil), |arg| single(name, arg))
        }
    }
}

fn single(name: &str, arg: &Value) -> Result<Value, String> {
    match name {
        "int" => int(arg),
        "float" => float(arg),
        "abs" => match arg {
            Value::Int(number) => Ok(Value::Int(number.wrapping_abs())),
            Value::Float(number) => Ok(Value::Float(number.abs())),
            other => Err(format!("invalid argument for abs (type {})", other.type_name())),
        },
        _ => {
            let number = as_float(arg)
                .ok_or_else(|| format!("invalid argument for {name} (type {})", arg.type_name()))?;
            Ok(Value::Float(match name {
                "ceil" => number.ceil(),
                "floor" => number.floor(),
                _ => number.round(),
            }))
        }
    }
}

/// `int`, which is Argo's `asInt`, too.
///
/// # Errors
/// Go's words.
pub(in crate::lang) fn int(arg: &Value) -> Result<Value, String> {
    match arg {
        Value::Int(number) | Value::Duration(number) | Value::Month(number) | Value::Weekday(number) => {
            Ok(Value::Int(*number))
        }
        #[expect(clippy::cast_possible_truncation, reason = "Go cuts the fraction likewise")]
        Value::Float(number) => Ok(Value::Int(*number as i64)),
        Value::Text(text) => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            match text.parse() {
                Ok(number) if plain => Ok(Value::Int(number)),
                _ => Err(format!("invalid operation: int({text})")),
            }
        }
        other => Err(format!("invalid operation: int({})", other.type_name())),
    }
}

/// `float`, which is Argo's `asFloat`, too.
///
/// # Errors
/// Go's words.
pub(in crate::lang) fn float(arg: &Value) -> Result<Value, String> {
    if let Some(number) = as_float(arg) {
        return Ok(Value::Float(number));
    }
    match arg {
        Value::Text(text) => {
            parse_float(text).map(Value::Float).ok_or_else(|| format!("invalid operation: float({text})"))
        }
        other => Err(format!("invalid operation: float({})", other.type_name())),
    }
}

/// Go's `strconv.ParseFloat`.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let named =
        text.bytes().any(|letter| letter.is_ascii_alphabetic() && !letter.eq_ignore_ascii_case(&b'e'));
    (number.is_finite() || named).then_some(number)
}

fn extreme(name: &str, args: &[Value], depth: usize) -> Result<Value, String> {
    if depth > 100 {
        return Err("recursion depth exceeded".to_owned());
    }
    let mut best = Value::Nil;
    let mut offer = |candidate: Value| -> Result<(), String> {
        let better = match &best {
            Value::Nil => true,
            best => {
                let order = compare(best, &candidate, "<")?;
                if name == "max" {
                    order.is_some_and(|order| order.is_lt())
                } else {
                    order.is_some_and(|order| order.is_gt())
                }
            }
        };
        if better {
            best = candidate;
        }
        Ok(())
    };
    for arg in args {
        match arg {
            Value::Int(_) | Value::Float(_) => offer(arg.clone())?,
            Value::Array(items) => {
                for item in items.iter() {
                    match item {
                        Value::Int(_) | Value::Float(_) => offer(item.clone())?,
                        Value::Array(_) => {
                            let nested = extreme(name, std::slice::from_ref(item), depth.saturating_add(1))?;
                            if !nested.is_nil() {
                                offer(nested)?;
                            }
                        }
                        other => return Err(invalid(name, other)),
                    }
                }
            }
            other if args.len() == 1 => return Ok(other.clone()),
            other => return Err(invalid(name, other)),
        }
    }
    Ok(best)
}

fn invalid(name: &str, value: &Value) -> String {
    format!("invalid argument for {name} (type {})", value.type_name())
}

fn numbers(name: &str, args: &[Value], depth: usize, found: &mut Vec<f64>) -> Result<(), String> {
    if depth > 100 {
        return Err("recursion depth exceeded".to_owned());
    }
    for arg in args {
        match arg {
            Value::Array(items) => numbers(name, items, depth.saturating_add(1), found)?,
            other => found.push(as_float(other).ok_or_else(|| invalid(name, other))?),
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "Go counts likewise")]
fn average(name: &str, args: &[Value]) -> Result<Value, String> {
    let mut found = Vec::new();
    numbers(name, args, 0, &mut found)?;
    if found.is_empty() {
        return Ok(Value::Float(0.0));
    }
    if name == "mean" {
        return Ok(Value::Float(found.iter().sum::<f64>() / found.len() as f64));
    }
    found.sort_by(f64::total_cmp);
    let middle = found.len() / 2;
    let at = |index: usize| found.get(index).copied().unwrap_or(0.0);
    Ok(Value::Float(if found.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.saturating_sub(1)), at(middle))
    }))
}

fn bits(args: &[Value], at: usize, name: &str) -> Result<i64, String> {
    match args.get(at) {
        Some(Value::Int(number)) => Ok(*number),
        other => {
            let got = other.map_or("<nil>", Value::type_name);
            Err(format!("cannot use {got} as argument (type int) to call {name}"))
        }
    }
}

fn bit(name: &str, args: &[Value]) -> Result<Value, String> {
    let (x, y) = (bits(args, 0, name)?, bits(args, 1, name)?);
    let shift = || {
        if y < 0 {
            return Err(format!("invalid operation: negative shift count {y} (type int)"));
        }
        Ok(u32::try_from(y).unwrap_or(u32::MAX))
    };
    Ok(Value::Int(match name {
        "bitand" => x & y,
        "bitor" => x | y,
        "bitxor" => x ^ y,
        "bitnand" => x & !y,
        "bitshl" => x.checked_shl(shift()?).unwrap_or(0),
        "bitshr" => x.checked_shr(shift()?).unwrap_or(if x < 0 { -1 } else { 0 }),
        #[expect(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "the shift is on the bits")]
        _ => (x as u64).checked_shr(shift()?).unwrap_or(0) as i64,
    }))
}
