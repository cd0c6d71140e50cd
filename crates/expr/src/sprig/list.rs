//! Lists.

use super::{Args, convert, size};
use crate::lang::{Machine, Value, same};

pub(super) const NAMES: &[&str] = &[
    "tuple",
    "list",
    "append",
    "push",
    "mustAppend",
    "mustPush",
    "prepend",
    "mustPrepend",
    "first",
    "mustFirst",
    "rest",
    "mustRest",
    "last",
    "mustLast",
    "initial",
    "mustInitial",
    "reverse",
    "mustReverse",
    "uniq",
    "mustUniq",
    "without",
    "mustWithout",
    "has",
    "mustHas",
    "slice",
    "mustSlice",
    "concat",
    "chunk",
    "mustChunk",
    "compact",
    "mustCompact",
];

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    let plain = name.strip_prefix("must").unwrap_or(name).to_lowercase();
    let plain = plain.as_str();
    match plain {
        "tuple" | "list" => return Ok(Value::array(args.rest(0).to_vec())),
        "append" | "push" | "prepend" | "has" | "chunk" => args.exactly(2)?,
        "without" | "slice" => args.at_least(1)?,
        "concat" => return concat(args, machine),
        _ => args.exactly(1)?,
    }
    if plain == "has" {
        if args.get(1).is_nil() {
            return Ok(Value::Bool(false));
        }
        let list = args.list(1)?;
        return Ok(Value::Bool(list.iter().any(|item| same(item, args.get(0)))));
    }
    if plain == "chunk" {
        let width = size(args.int(0)?).max(1);
        let chunks = args.list(1)?.chunks(width).map(|chunk| Value::array(chunk.to_vec()));
        return Ok(Value::array(chunks.collect()));
    }
    let list = args.list(0)?;
    machine.grow(list.len())?;
    let keep = |items: &[Value]| Ok(Value::array(items.to_vec()));
    match plain {
        "first" => Ok(list.first().cloned().unwrap_or(Value::Nil)),
        "last" => Ok(list.last().cloned().unwrap_or(Value::Nil)),
        "rest" => keep(list.get(1..).unwrap_or_default()),
        "initial" => keep(list.split_last().map_or(&[], |(_, before)| before)),
        "append" | "push" => {
            let mut items = list.to_vec();
            items.push(args.get(1).clone());
            Ok(Value::array(items))
        }
        "prepend" => {
            let mut items = vec![args.get(1).clone()];
            items.extend_from_slice(list);
            Ok(Value::array(items))
        }
        "reverse" => Ok(Value::array(list.iter().rev().cloned().collect())),
        "compact" => Ok(Value::array(list.iter().filter(|item| !convert::empty(item)).cloned().collect())),
        "uniq" => {
            let mut kept: Vec<Value> = Vec::new();
            for item in list {
                machine.step(kept.len())?;
                if !kept.iter().any(|known| same(known, item)) {
                    kept.push(item.clone());
                }
            }
            Ok(Value::array(kept))
        }
        "without" => {
            machine.step(list.len().saturating_mul(args.values.len()))?;
            let omitted = args.rest(1);
            let kept = list.iter().filter(|item| !omitted.iter().any(|gone| same(gone, item)));
            Ok(Value::array(kept.cloned().collect()))
        }
        _ => {
            let from = if args.values.len() > 1 { convert::to_int(args.get(1)) } else { 0 };
            let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
            let to = if args.values.len() > 2 { convert::to_int(args.get(2)) } else { length };
            if list.is_empty() {
                return Ok(Value::Nil);
            }
            if from < 0 || to < from || to > length {
                return Err(format!("reflect.Value.Slice: slice index out of bounds [{from}:{to}]"));
            }
            keep(list.get(size(from)..size(to)).unwrap_or_default())
        }
    }
}

fn concat(args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    let mut all = Vec::new();
    for at in 0..args.values.len() {
        let list = args.list(at)?;
        machine.grow(list.len())?;
        all.extend_from_slice(list);
    }
    Ok(Value::array(all))
}
