//! Maps. They are values here: `set`, `unset` and `merge` give a changed map and leave the given one as it is.

use std::collections::BTreeMap;

use super::{Args, convert};
use crate::lang::{Machine, Value};

pub(super) const NAMES: &[&str] = &[
    "dict",
    "get",
    "set",
    "unset",
    "hasKey",
    "pluck",
    "keys",
    "pick",
    "omit",
    "merge",
    "mergeOverwrite",
    "mustMerge",
    "mustMergeOverwrite",
    "values",
    "dig",
    "deepCopy",
    "mustDeepCopy",
];

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    match name {
        "get" | "unset" | "hasKey" => args.exactly(2)?,
        "set" => args.exactly(3)?,
        "values" | "deepCopy" | "mustDeepCopy" => args.exactly(1)?,
        "dict" | "keys" => {}
        "dig" => args.at_least(3).map_err(|_| "dig needs at least three arguments".to_owned())?,
        _ => args.at_least(1)?,
    }
    Ok(match name {
        "dict" => {
            let mut fields = BTreeMap::new();
            for pair in args.rest(0).chunks(2) {
                if let [key, rest @ ..] = pair {
                    let value = rest.first().cloned().unwrap_or_else(|| Value::text(""));
                    fields.insert(convert::to_text(key), value);
                }
            }
            Value::map(fields)
        }
        "get" => args.map(0)?.get(args.text(1)?).cloned().unwrap_or_else(|| Value::text("")),
        "hasKey" => Value::Bool(args.map(0)?.contains_key(args.text(1)?)),
        "set" | "unset" => {
            machine.grow(args.map(0)?.len())?;
            let mut fields = args.map(0)?.clone();
            if name == "set" {
                fields.insert(args.text(1)?.to_owned(), args.get(2).clone());
            } else {
                fields.remove(args.text(1)?);
            }
            Value::map(fields)
        }
        "pluck" => {
            let key = args.text(0)?;
            let mut found = Vec::new();
            for at in 1..args.values.len() {
                found.extend(args.map(at)?.get(key).cloned());
            }
            Value::array(found)
        }
        "keys" => {
            let mut found = Vec::new();
            for at in 0..args.values.len() {
                found.extend(args.map(at)?.keys().map(Value::text));
            }
            Value::array(found)
        }
        "values" => Value::array(args.map(0)?.values().cloned().collect()),
        "pick" | "omit" => {
            let names = (1..args.values.len()).map(|at| args.text(at)).collect::<Result<Vec<_>, _>>()?;
            let fields = args.map(0)?;
            machine.step(fields.len().saturating_mul(names.len()))?;
            let kept = fields.iter().filter(|(key, _)| names.contains(&key.as_str()) == (name == "pick"));
            Value::map(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        "dig" => dig(args)?,
        "deepCopy" | "mustDeepCopy" => args.get(0).clone(),
        _ => {
            let overwrite = name.to_lowercase().contains("overwrite");
            let mut merged = args.map(0)?.clone();
            for at in 1..args.values.len() {
                merge(&mut merged, args.map(at)?, overwrite, machine)?;
            }
            Value::map(merged)
        }
    })
}

/// mergo: empty values of the target are filled, with `overwrite` all that the source has unless it is empty.
fn merge(
    into: &mut BTreeMap<String, Value>,
    from: &BTreeMap<String, Value>,
    overwrite: bool,
    machine: &mut Machine<'_>,
) -> Result<(), String> {
    machine.grow(from.len())?;
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let mut below = (**old).clone();
                merge(&mut below, new, overwrite, machine)?;
                into.insert(name.clone(), Value::map(below));
            }
            (Some(old), _) => {
                if convert::empty(old) || overwrite && !convert::empty(value) {
                    *old = value.clone();
                }
            }
            (None, _) => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(())
}

fn dig(args: &Args<'_>) -> Result<Value, String> {
    let count = args.values.len();
    let mut fields = args.map(count.saturating_sub(1))?;
    let default = args.get(count.saturating_sub(2));
    let steps = count.saturating_sub(2);
    for at in 0..steps {
        match fields.get(args.text(at)?) {
            None => return Ok(default.clone()),
            Some(value) if at.saturating_add(1) == steps => return Ok(value.clone()),
            Some(Value::Map(below)) => fields = below,
            Some(other) => return Err(other.not_a("map[string]interface {}")),
        }
    }
    Ok(default.clone())
}
