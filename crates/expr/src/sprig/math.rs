//! Numbers.

use super::{
    Args,
    convert::{to_float, to_int},
};
use crate::lang::{Machine, Value};

pub(super) const NAMES: &[&str] = &[
    "atoi",
    "int64",
    "int",
    "float64",
    "toDecimal",
    "seq",
    "until",
    "untilStep",
    "add1",
    "add",
    "sub",
    "div",
    "mod",
    "mul",
    "randInt",
    "add1f",
    "addf",
    "subf",
    "divf",
    "mulf",
    "biggest",
    "max",
    "min",
    "maxf",
    "minf",
    "ceil",
    "floor",
    "round",
];

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    match name {
        "add" | "addf" => {}
        "mul" | "subf" | "divf" | "mulf" | "max" | "biggest" | "min" | "maxf" | "minf" => args.at_least(1)?,
        "sub" | "div" | "mod" | "randInt" => args.exactly(2)?,
        "untilStep" => args.exactly(3)?,
        "round" => args.at_least(2)?,
        "seq" => {}
        _ => args.exactly(1)?,
    }
    let all = args.rest(0);
    let (one, two) = (args.get(0), args.get(1));
    let ints = |with: fn(i64, i64) -> i64| {
        let mut numbers = all.iter().map(to_int);
        let first = numbers.next().unwrap_or(0);
        Value::Int(numbers.fold(first, with))
    };
    let floats = |with: fn(f64, f64) -> f64| {
        let mut numbers = all.iter().map(to_float);
        let first = numbers.next().unwrap_or(0.0);
        Value::Float(numbers.fold(first, with))
    };
    Ok(match name {
        "atoi" => Value::Int(args.text(0)?.parse().unwrap_or(0)),
        "int" | "int64" => Value::Int(to_int(one)),
        "float64" => Value::Float(to_float(one)),
        "toDecimal" => Value::Int(i64::from_str_radix(&super::convert::to_text(one), 8).unwrap_or(0)),
        "add1" => Value::Int(to_int(one).wrapping_add(1)),
        "add" => ints(i64::wrapping_add),
        "sub" => Value::Int(to_int(one).wrapping_sub(to_int(two))),
        "div" | "mod" => {
            let by = to_int(two);
            if by == 0 {
                return Err("runtime error: integer divide by zero".to_owned());
            }
            let number = to_int(one);
            Value::Int(if name == "div" { number.wrapping_div(by) } else { number.wrapping_rem(by) })
        }
        "mul" => ints(i64::wrapping_mul),
        "max" | "biggest" => ints(i64::max),
        "min" => ints(i64::min),
        "maxf" => floats(f64::max),
        "minf" => floats(f64::min),
        "add1f" => Value::Float(decimal(to_float(one) + 1.0)),
        "addf" => floats(|sum, next| decimal(sum + next)),
        "subf" => floats(|sum, next| decimal(sum - next)),
        "mulf" => floats(|sum, next| decimal(sum * next)),
        "divf" => {
            if args.rest(1).iter().any(|by| to_float(by) == 0.0) {
                return Err("decimal division by 0".to_owned());
            }
            floats(|sum, next| sum / next)
        }
        "ceil" => Value::Float(to_float(one).ceil()),
        "floor" => Value::Float(to_float(one).floor()),
        "round" => round(args)?,
        "randInt" => {
            let (low, high) = (args.int(0)?, args.int(1)?);
            let Some(span) =
                high.checked_sub(low).and_then(|span| u64::try_from(span).ok()).filter(|span| *span > 0)
            else {
                return Err("invalid argument to Intn".to_owned());
            };
            let drawn = i64::try_from(machine.env.draw() % span).unwrap_or(0);
            Value::Int(low.saturating_add(drawn))
        }
        "until" => {
            let count = args.int(0)?;
            steps(0, count, if count < 0 { -1 } else { 1 }, machine)?
        }
        "untilStep" => steps(args.int(0)?, args.int(1)?, args.int(2)?, machine)?,
        _ => seq(args, machine)?,
    })
}

/// sprig computes with decimals; 15 digits of a float are what a decimal would show.
fn decimal(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

fn round(args: &Args<'_>) -> Result<Value, String> {
    let digits = i32::try_from(args.int(1)?).unwrap_or(0);
    let half = if args.values.len() > 2 { to_float(args.get(2)) } else { 0.5 };
    let number = to_float(args.get(0));
    let scale = 10_f64.powi(digits);
    let scaled = scale * number;
    let fraction = scaled.fract();
    let rounded = if fraction >= half { scaled.ceil() } else { scaled.floor() };
    Ok(Value::Float(rounded / scale))
}

fn steps(start: i64, stop: i64, step: i64, machine: &mut Machine<'_>) -> Result<Value, String> {
    let mut found = Vec::new();
    let runs = |at: i64| if stop < start { step < 0 && at > stop } else { step > 0 && at < stop };
    let mut at = start;
    while runs(at) {
        machine.grow(1)?;
        found.push(Value::Int(at));
        at = match at.checked_add(step) {
            Some(next) => next,
            None => break,
        };
    }
    Ok(Value::array(found))
}

fn seq(args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    let numbers = (0..args.values.len()).map(|at| args.int(at)).collect::<Result<Vec<_>, _>>()?;
    let toward = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match numbers.as_slice() {
        [end] => (1, *end, toward(1, *end)),
        [start, end] => (*start, *end, toward(*start, *end)),
        [start, step, end] if (*step > 0) == (end >= start) => (*start, *end, *step),
        _ => return Ok(Value::text("")),
    };
    if step == 0 {
        return Ok(Value::text(""));
    }
    let stop = end.saturating_add(toward(start, end));
    let Value::Array(items) = steps(start, stop, step, machine)? else { return Ok(Value::text("")) };
    let texts: Vec<String> = items.iter().map(super::convert::to_text).collect();
    Ok(Value::text(texts.join(" ")))
}
