//! Builtins on lists and maps. Maps have their keys in order here; in Go their order is random.

use std::sync::Arc;

use super::super::{
    eval::Machine,
    operate::{compare, equal, to_int},
    value::Value,
};

/// What reflection calls the kind of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Month(_) | Value::Weekday(_) => "int",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::Array(_) => "slice",
        Value::Map(_) | Value::Groups(_) | Value::Sprig => "map",
        Value::Time(_) => "struct",
        Value::Duration(_) => "int64",
        Value::Zone(_) | Value::Version(_) => "ptr",
        Value::Function(_) => "func",
    }
}

fn items<'a>(args: &'a [Value], verb: &str) -> Result<&'a Arc<Vec<Value>>, String> {
    match args.first() {
        Some(Value::Array(items)) => Ok(items),
        other => Err(format!("cannot {verb} {}", other.map_or("invalid", kind))),
    }
}

pub(super) fn call(name: &str, args: &[Value], machine: &mut Machine<'_>) -> Result<Value, String> {
    let first = args.first().unwrap_or(&Value::Nil);
    Ok(match name {
        "len" => return length(first),
        "first" => match first {
            Value::Array(items) => items.first().cloned().unwrap_or(Value::Nil),
            // of a text, the byte
            Value::Text(text) => text.bytes().next().map_or(Value::Nil, |byte| Value::Int(byte.into())),
            _ => Value::Nil,
        },
        "last" => match first {
            Value::Array(items) => items.last().cloned().unwrap_or(Value::Nil),
            // of a text, the byte
            Value::Text(text) => text.bytes().next_back().map_or(Value::Nil, |byte| Value::Int(byte.into())),
            _ => Value::Nil,
        },
        "get" => return get(first, args.get(1).unwrap_or(&Value::Nil)),
        "take" => {
            let items = items(args, "take from")?;
            let count = match args.get(1) {
                Some(Value::Int(count)) => *count,
                other => return Err(format!("cannot take {} elements", other.map_or("invalid", kind))),
            };
            let count = usize::try_from(count)
                .map_err(|_| "reflect.Value.Slice: slice index out of bounds".to_owned())?;
            machine.grow(count.min(items.len()))?;
            Value::array(items.iter().take(count).cloned().collect())
        }
        "keys" | "values" | "toPairs" => return parts_of_map(name, first),
        "fromPairs" => return from_pairs(args),
        "reverse" => {
            let items = items(args, "reverse")?;
            machine.grow(items.len())?;
            Value::array(items.iter().rev().cloned().collect())
        }
        "uniq" => {
            let mut kept: Vec<Value> = Vec::new();
            for item in items(args, "uniq")?.iter() {
                machine.step(kept.len())?;
                if !kept.iter().any(|known| equal(item, known)) {
                    kept.push(item.clone());
                }
            }
            Value::array(kept)
        }
        "concat" => {
            let mut all = Vec::new();
            for arg in args {
                let items = items(std::slice::from_ref(arg), "concat")?;
                machine.grow(items.len())?;
                all.extend(items.iter().cloned());
            }
            Value::array(all)
        }
        "flatten" => {
            let mut flat = Vec::new();
            flatten(items(args, "flatten")?, &mut flat, machine, 0)?;
            Value::array(flat)
        }
        _ => return sort(args, machine),
    })
}

/// The number of characters, items or fields.
pub(in crate::lang) fn length(value: &Value) -> Result<Value, String> {
    let length = match value {
        Value::Text(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Map(fields) => fields.len(),
        Value::Groups(groups) => groups.len(),
        other => return Err(format!("invalid argument for len (type {})", other.type_name())),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn get(owner: &Value, key: &Value) -> Result<Value, String> {
    Ok(match owner {
        Value::Array(items) => {
            let at = to_int(key)?;
            position(at, items.len()).and_then(|at| items.get(at)).cloned().unwrap_or(Value::Nil)
        }
        Value::Text(text) => {
            let at = to_int(key)?;
            position(at, text.len())
                .and_then(|at| text.as_bytes().get(at))
                .map_or(Value::Nil, |byte| Value::Int(i64::from(*byte)))
        }
        Value::Map(fields) => match key {
            Value::Nil => fields.get("").cloned().unwrap_or(Value::Nil),
            Value::Text(name) => fields.get(&**name).cloned().unwrap_or(Value::Nil),
            other => return Err(super::super::operate::not_assignable(other)),
        },
        Value::Groups(groups) => groups
            .iter()
            .find(|(found, _)| super::super::operate::same(found, key))
            .map_or(Value::Nil, |(_, value)| value.clone()),
        _ => Value::Nil,
    })
}

/// Turns an index that may count from the end into a position.
pub(in crate::lang) fn position(at: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let at = if at < 0 { length.checked_add(at)? } else { at };
    if (0..length).contains(&at) { usize::try_from(at).ok() } else { None }
}

fn parts_of_map(name: &str, value: &Value) -> Result<Value, String> {
    let pairs: Vec<(Value, Value)> = match value {
        Value::Map(fields) => fields.iter().map(|(name, value)| (Value::text(name), value.clone())).collect(),
        Value::Groups(groups) => groups.to_vec(),
        other if name == "toPairs" => return Err(format!("cannot transform {} to pairs", kind(other))),
        other => return Err(format!("cannot get {name} from {}", kind(other))),
    };
    Ok(Value::array(match name {
        "keys" => pairs.into_iter().map(|(key, _)| key).collect(),
        "values" => pairs.into_iter().map(|(_, value)| value).collect(),
        _ => pairs.into_iter().map(|(key, value)| Value::array(vec![key, value])).collect(),
    }))
}

fn from_pairs(args: &[Value]) -> Result<Value, String> {
    let Some(Value::Array(items)) = args.first() else {
        let got = args.first().map_or("invalid", kind);
        return Err(format!("cannot transform {got} from pairs"));
    };
    let mut groups: Vec<(Value, Value)> = Vec::new();
    for item in items.iter() {
        let shown = || super::print::plain(item);
        let Value::Array(pair) = item else { return Err(format!("invalid pair {}", shown())) };
        let [key, value] = pair.as_slice() else {
            return Err(format!("invalid pair length {}", shown()));
        };
        match groups.iter_mut().find(|(known, _)| super::super::operate::same(known, key)) {
            Some((_, old)) => *old = value.clone(),
            None => groups.push((key.clone(), value.clone())),
        }
    }
    Ok(Value::Groups(Arc::new(groups)))
}

fn flatten(
    items: &[Value],
    flat: &mut Vec<Value>,
    machine: &mut Machine<'_>,
    depth: usize,
) -> Result<(), String> {
    if depth > super::super::MAX_VALUE_DEPTH {
        return Err("recursion depth exceeded".to_owned());
    }
    machine.grow(items.len())?;
    for item in items {
        match item {
            Value::Array(inner) => flatten(inner, flat, machine, depth.saturating_add(1))?,
            other => flat.push(other.clone()),
        }
    }
    Ok(())
}

fn sort(args: &[Value], machine: &mut Machine<'_>) -> Result<Value, String> {
    let descending = match args.get(1) {
        None => false,
        Some(Value::Text(order)) => {
            descending(order).ok_or_else(|| format!("invalid order {order}, expected asc or desc"))?
        }
        Some(other) => {
            return Err(format!("sort order argument must be a string (got {})", other.type_name()));
        }
    };
    let list = match args.first() {
        Some(Value::Array(items)) => items.to_vec(),
        _ => Vec::new(),
    };
    machine.grow(list.len())?;
    sort_by_key(list.into_iter().map(|item| (item.clone(), item)).collect(), descending)
}

pub(in crate::lang) fn descending(order: &str) -> Option<bool> {
    match order {
        "asc" => Some(false),
        "desc" => Some(true),
        _ => None,
    }
}

/// Sorts by keys and returns the values; the order of equal ones is kept.
pub(in crate::lang) fn sort_by_key(
    mut pairs: Vec<(Value, Value)>,
    descending: bool,
) -> Result<Value, String> {
    let mut wrong = None;
    pairs.sort_by(|(one, _), (two, _)| {
        let (one, two) = if descending { (two, one) } else { (one, two) };
        match compare(one, two, "<") {
            Ok(order) => order.unwrap_or(std::cmp::Ordering::Equal),
            Err(message) => {
                wrong.get_or_insert(message);
                std::cmp::Ordering::Equal
            }
        }
    });
    match wrong {
        Some(message) => Err(message),
        None => Ok(Value::array(pairs.into_iter().map(|(_, value)| value).collect())),
    }
}
