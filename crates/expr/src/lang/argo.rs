//! The functions Argo adds: `asInt`, `asFloat`, `toJson`, `jsonpath` (`util/expr/env/env.go`).

use serde_json::Value as Json;

use super::{
    builtin,
    eval::Machine,
    print::{self, Style},
    value::{Function, Value},
};

/// Returns one of the functions, or what stands behind `sprig`.
pub(super) fn find(name: &str) -> Option<Value> {
    let found = match name {
        "asInt" => "asInt",
        "asFloat" => "asFloat",
        "toJson" => "toJson",
        "jsonpath" => "jsonpath",
        "sprig" => return Some(Value::Sprig),
        _ => return None,
    };
    Some(Value::Function(Function::Argo(found)))
}

pub(super) fn call(name: &str, args: &[Value], machine: &mut Machine<'_>) -> Result<Value, String> {
    let wanted = if name == "jsonpath" { 2 } else { 1 };
    if args.len() != wanted {
        return Err(format!("invalid number of arguments: expected {wanted}, got {}", args.len()));
    }
    let one = args.first().unwrap_or(&Value::Nil);
    match name {
        "asInt" => builtin::int(one),
        "asFloat" => builtin::float(one),
        "toJson" => print::json(one, Style::Compact).map(Value::text),
        _ => {
            let (Value::Text(text), Some(Value::Text(path))) = (one, args.get(1)) else {
                let wrong = if matches!(one, Value::Text(_)) { args.get(1).unwrap_or(one) } else { one };
                return Err(format!("reflect: Call using {} as type string", wrong.type_name()));
            };
            machine.grow(text.len())?;
            jsonpath(text, path)
        }
    }
}

fn jsonpath(text: &str, path: &str) -> Result<Value, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| {
        let first = text.trim_start().chars().next();
        match first {
            None => "unexpected end of JSON input".to_owned(),
            Some(_) => format!("invalid JSON: {error}"),
        }
    })?;
    let query = path.trim();
    let query = if query.starts_with('$') { query.to_owned() } else { format!("$.{query}") };
    let compiled = serde_json_path::JsonPath::parse(&query)
        .map_err(|error| format!("invalid JSONPath selector '{path}' {error}"))?;
    let found: Vec<&Json> = compiled.query(&json).all();
    if is_definite(&query) {
        return match found.as_slice() {
            [only] => Ok(Value::of_json(only)),
            _ => Err(format!("key: invalid token key not found: {path}")),
        };
    }
    Ok(Value::array(found.into_iter().map(Value::of_json).collect()))
}

/// Whether a path names one place: no wildcard, descent, filter, slice or union.
fn is_definite(path: &str) -> bool {
    let mut chars = path.chars().peekable();
    let mut brackets: usize = 0;
    let mut quote = None;
    while let Some(one) = chars.next() {
        match (quote, one) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), _) if one == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(one),
            (None, '*' | '?') => return false,
            (None, '.') if chars.peek() == Some(&'.') => return false,
            (None, '[') => brackets = brackets.saturating_add(1),
            (None, ']') => brackets = brackets.saturating_sub(1),
            (None, ':' | ',') if brackets > 0 => return false,
            _ => {}
        }
    }
    true
}
