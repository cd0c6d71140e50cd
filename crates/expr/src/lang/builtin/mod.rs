//! expr-lang's builtin functions: which there are, what they take (`checks`), what they do.
//! Rooms: `checks` (arguments' types before the run), `text`, `list`, `number`, `methods` (of times, durations).
//! Not here: functions with a predicate, which `eval` runs; Argo's own and sprig's.

mod checks;
mod list;
pub(super) mod methods;
mod number;
mod text;

pub(super) use checks::{check, fits};
pub(super) use list::{descending, position, sort_by_key};
pub(crate) use methods::rounded;
pub(crate) use number::parse_float;
pub(super) use number::{float, int};
pub(crate) use text::split;

use super::{
    eval::Machine,
    print::{self, Style},
    time,
    value::Value,
};

/// Returns how many arguments a function with a predicate takes at least and at most, the predicate included.
pub(super) fn predicate_arity(name: &str) -> Option<(usize, usize)> {
    Some(match name {
        "all" | "none" | "any" | "one" | "filter" | "map" | "find" | "findIndex" | "findLast"
        | "findLastIndex" | "groupBy" => (2, 2),
        "count" | "sum" => (1, 2),
        "sortBy" | "reduce" => (2, 3),
        _ => return None,
    })
}

const PLAIN: &[&str] = &[
    "len",
    "type",
    "abs",
    "ceil",
    "floor",
    "round",
    "int",
    "float",
    "string",
    "trim",
    "trimPrefix",
    "trimSuffix",
    "upper",
    "lower",
    "split",
    "splitAfter",
    "replace",
    "repeat",
    "join",
    "indexOf",
    "lastIndexOf",
    "hasPrefix",
    "hasSuffix",
    "max",
    "min",
    "mean",
    "median",
    "toJSON",
    "fromJSON",
    "toBase64",
    "fromBase64",
    "now",
    "duration",
    "date",
    "timezone",
    "first",
    "last",
    "get",
    "take",
    "keys",
    "values",
    "toPairs",
    "fromPairs",
    "reverse",
    "uniq",
    "concat",
    "flatten",
    "sort",
    "bitand",
    "bitor",
    "bitxor",
    "bitnand",
    "bitshl",
    "bitshr",
    "bitushr",
    "bitnot",
];

/// Whether the language has a function so called.
pub(super) fn is_builtin(name: &str) -> bool {
    predicate_arity(name).is_some() || PLAIN.contains(&name)
}

pub(super) fn count(args: &[Value], least: usize, most: usize) -> Result<(), String> {
    if (least..=most).contains(&args.len()) {
        return Ok(());
    }
    let wanted = if least == most { format!("{least}") } else { format!("{least} or {most}") };
    Err(format!("invalid number of arguments (expected {wanted}, got {})", args.len()))
}

/// Calls a builtin.
///
/// # Errors
/// Go's words.
pub(super) fn call(name: &str, args: &[Value], machine: &mut Machine<'_>) -> Result<Value, String> {
    match name {
        "trim" | "trimPrefix" | "trimSuffix" | "upper" | "lower" | "split" | "splitAfter" | "replace"
        | "repeat" | "join" | "indexOf" | "lastIndexOf" | "hasPrefix" | "hasSuffix" | "toBase64"
        | "fromBase64" => text::call(name, args, machine),
        "abs" | "ceil" | "floor" | "round" | "int" | "float" | "max" | "min" | "mean" | "median"
        | "bitand" | "bitor" | "bitxor" | "bitnand" | "bitshl" | "bitshr" | "bitushr" | "bitnot" => {
            number::call(name, args)
        }
        "len" | "first" | "last" | "get" | "take" | "keys" | "values" | "toPairs" | "fromPairs"
        | "reverse" | "uniq" | "concat" | "flatten" | "sort" => list::call(name, args, machine),
        _ => {
            let one = || args.first().cloned().unwrap_or(Value::Nil);
            match name {
                "type" => Ok(Value::text(type_name(&one()))),
                "string" => Ok(Value::text(print::plain(&one()))),
                "toJSON" => print::json(&one(), Style::Indented).map(Value::text),
                "fromJSON" => from_json(text::text(args, 0)?),
                "now" => now(args, machine),
                "duration" => time::parse_duration(text::text(args, 0)?).map(Value::Duration),
                "timezone" => time::zone(text::text(args, 0)?).map(Value::Zone),
                "date" => date(args),
                _ => Err(format!("unknown builtin {name}")),
            }
        }
    }
}

/// Returns the value of a JSON text.
///
/// # Errors
/// Where it is not JSON.
pub(crate) fn from_json(text: &str) -> Result<Value, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        if error.is_eof() {
            "unexpected end of JSON input".to_owned()
        } else {
            format!("invalid JSON: {error}")
        }
    })?;
    Ok(Value::of_json(&json))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) => "string",
        Value::Array(_) => "array",
        Value::Map(_) | Value::Groups(_) => "map",
        Value::Sprig => "text/template.FuncMap",
        Value::Time(_) => "time.Time",
        Value::Duration(_) => "time.Duration",
        Value::Month(_) => "time.Month",
        Value::Weekday(_) => "time.Weekday",
        Value::Zone(_) | Value::Version(_) => "unknown",
        Value::Function(_) => "func",
    }
}

fn now(args: &[Value], machine: &Machine<'_>) -> Result<Value, String> {
    let now = time::Instant::utc(machine.env.now());
    match args {
        [] => Ok(Value::Time(now)),
        [Value::Zone(zone)] => Ok(Value::Time(now.in_zone(zone.clone()))),
        _ => Err(format!("invalid number of arguments (expected 0, got {})", args.len())),
    }
}

const LAYOUTS: [&str; 7] = [
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
];

fn date(args: &[Value]) -> Result<Value, String> {
    let (zone, args) = match args {
        [Value::Zone(zone), rest @ ..] => (zone.clone(), rest),
        _ => (jiff::tz::TimeZone::UTC, args),
    };
    let date = text::text(args, 0)?;
    match args.len() {
        2 => time::parse(text::text(args, 1)?, date, &zone).map(Value::Time),
        3 => {
            let zone = time::zone(text::text(args, 2)?)?;
            time::parse(text::text(args, 1)?, date, &zone).map(Value::Time)
        }
        _ => LAYOUTS
            .iter()
            .find_map(|layout| time::parse(layout, date, &zone).ok())
            .map(Value::Time)
            .ok_or_else(|| format!("invalid date {date}")),
    }
}
