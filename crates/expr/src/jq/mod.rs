//! jq filters, as `valueFrom.jqFilter` of a resource has them. Source: Argo `workflow/executor/resource.go` jqFilter over
//! gojq: each value on a line, texts without quotes, the whole trimmed. Objects are in the order of their keys and numbers
//! are spelled as gojq spells them.
//! Not here: how its steps are counted (see `steps`). Filters that look at the process (`env`, `input`, `halt`) do not
//! exist here.

mod steps;

use std::fmt::Write as _;

use jaq_core::{
    Compiler, Ctx, Vars,
    load::{self, Arena, File, Loader},
};
use jaq_json::{Num, Val, read};

use self::steps::{Counted, Hand, Limit, Steps};
use crate::{ExprError, MAX_OUTPUT_BYTES, error::shortened};

/// The stack a filter is read and run on, in bytes: only as much of it is taken as the filter is deep.
const STACK: usize = 256 * 1024 * 1024;
/// The longest filter, in bytes.
const MAX_FILTER_BYTES: usize = 16 * 1024;
/// The most values a filter may give.
const MAX_VALUES: usize = 100_000;
/// Filters that look at or act on the process.
const LEFT_OUT: [&str; 7] = ["env", "$__env__", "halt", "input", "now", "localtime", "mktime_local"];

/// The name a filter itself is defined by.
const MAIN: &str = "marque_main";
/// The deepest nesting of a value that is written.
const MAX_DEPTH: usize = 1000;
/// What gojq has and jaq has not.
const MORE: &str = r##"
def leaf_paths: paths(scalars);
def INDEX(stream; f): reduce stream as $row ({}; . + {($row | f | tostring): $row});
def INDEX(f): INDEX(.[]; f);
def IN(s): . as $x | any(s; . == $x);
def IN(src; s): any(src; IN(s));
def csv_field: if type == "string" then "\"" + gsub("\""; "\"\"") + "\"" elif . == null then ""
  elif type == "array" or type == "object" then error("it cannot be in a row of CSV") else tojson end;
def @csv: map(csv_field) | join(",");
def tsv_field: if type == "string"
  then gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r") elif . == null then ""
  elif type == "array" or type == "object" then error("it cannot be in a row of TSV") else tojson end;
def @tsv: map(tsv_field) | join("\t");
"##;

/// Applies `filter` to a JSON text, and returns what Argo makes of it.
///
/// # Errors
/// [`ExprError::InvalidFilter`] for what cannot be read, [`ExprError::FailedFilter`] for what fails on this document or
/// goes on for too long, [`ExprError::TooLong`].
pub fn jq(filter: &str, document: &str) -> Result<String, ExprError> {
    if filter.len() > MAX_FILTER_BYTES {
        return Err(ExprError::TooLong { limit: MAX_FILTER_BYTES });
    }
    let failed = |reason: &str| ExprError::FailedFilter { reason: reason.to_owned() };
    // a stack of its own: its end would be the end of the process
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let running = thread.spawn_scoped(scope, || applied(filter, document));
        let running = running.map_err(|error| failed(&format!("there is no room for it: {error}")))?;
        running.join().unwrap_or_else(|_| Err(failed("the filter cannot be applied")))
    })
}

fn applied(filter: &str, document: &str) -> Result<String, ExprError> {
    let invalid = |reason: String| ExprError::InvalidFilter { reason };
    let input = read::parse_single(document.as_bytes())
        .map_err(|error| ExprError::FailedFilter { reason: format!("the document is not JSON: {error}") })?;
    let input = as_go_reads(input, MAX_DEPTH)?;
    let term = load::parse(filter, |parser| parser.term());
    let term = term.ok_or_else(|| invalid(format!("`{}` is not a filter", shortened(filter))))?;
    let own = load::parse::Def { name: MAIN, args: Vec::new(), body: term };
    let more = load::parse(MORE, |parser| parser.defs()).into_iter().flatten();
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let defs = steps::defs().into_iter().chain(defs.filter(|def| !def.name.starts_with("halt")));
    let defs = defs.chain(more).map(steps::known_def).chain([steps::counted_def(own)]);
    let funs = jaq_core::funs::<Counted>().chain(jaq_std::funs()).chain(jaq_json::funs());
    let funs = funs.filter(|(name, ..)| !LEFT_OUT.contains(name));
    let funs = funs.map(|(name, arguments, run)| (steps::name_of(name, arguments.len()), arguments, run));
    let arena = Arena::default();
    let modules = Loader::new(defs)
        .load(&arena, File { code: MAIN, path: () })
        .map_err(|_| invalid(format!("`{}` is not a filter", shortened(filter))))?;
    let funs = funs.chain(steps::funs());
    let compiled = Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
        let names: Vec<String> =
            errors.iter().flat_map(|(_, undefined)| undefined).map(|(name, _)| (*name).to_owned()).collect();
        invalid(format!("unknown in `{}`: {}", shortened(filter), names.join(", ")))
    })?;
    let counted = Steps::new(document.len());
    let context = Ctx::<Counted>::new(Hand { lut: &compiled.lut, steps: &counted }, Vars::new([]));
    let mut out = String::new();
    for (count, value) in compiled.id.run((context, input)).enumerate() {
        let value = value.map_err(|ended| {
            let reason = match ended.get_err() {
                Ok(error) => shortened(&error.to_string()),
                Err(ended) => Limit::of(ended.get_halt().unwrap_or_default()).to_owned(),
            };
            ExprError::FailedFilter { reason }
        })?;
        if count >= MAX_VALUES || out.len() > MAX_OUTPUT_BYTES {
            return Err(ExprError::TooLong { limit: MAX_OUTPUT_BYTES });
        }
        match &value {
            Val::TStr(text) | Val::BStr(text) => out.push_str(&String::from_utf8_lossy(text)),
            other => write(other, &mut out, MAX_DEPTH)?,
        }
        out.push('\n');
    }
    Ok(out.trim().to_owned())
}

/// Returns a document with its objects in the order of their keys, and its numbers as Go reads them.
fn as_go_reads(value: Val, depth: usize) -> Result<Val, ExprError> {
    let deeper = depth.checked_sub(1).ok_or(ExprError::TooLong { limit: MAX_DEPTH })?;
    Ok(match value {
        Val::Num(number) => Val::Num(plain(&number)),
        Val::Arr(items) => {
            let items = items.iter().map(|item| as_go_reads(item.clone(), deeper));
            Val::Arr(items.collect::<Result<Vec<_>, _>>()?.into())
        }
        Val::Obj(fields) => {
            let mut sorted: Vec<_> =
                fields.iter().map(|(name, field)| (name.clone(), field.clone())).collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            let fields = sorted.into_iter().map(|(name, field)| Ok((name, as_go_reads(field, deeper)?)));
            Val::Obj(fields.collect::<Result<jaq_json::Map, ExprError>>()?.into())
        }
        other => other,
    })
}

/// Returns a whole number as such, and any other as a float.
fn plain(number: &Num) -> Num {
    let float = match number {
        Num::Int(_) | Num::BigInt(_) => return number.clone(),
        Num::Float(float) => *float,
        Num::Dec(text) => text.parse().unwrap_or(f64::NAN),
    };
    // up to here every whole number is a float too
    let whole = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    let whole = whole.then(|| format!("{float:.0}").parse().ok()).flatten();
    whole.map_or(Num::Float(float), Num::Int)
}

/// Spells a value as gojq's encoder does.
fn write(value: &Val, out: &mut String, depth: usize) -> Result<(), ExprError> {
    let deeper = depth.checked_sub(1).ok_or(ExprError::TooLong { limit: MAX_DEPTH })?;
    match value {
        Val::Num(Num::Int(whole)) => {
            let _ = write!(out, "{whole}");
        }
        Val::Num(Num::BigInt(whole)) => {
            let _ = write!(out, "{whole}");
        }
        Val::Num(number) => match plain(number) {
            Num::Float(float) => out.push_str(&spelled(float)),
            other => {
                let _ = write!(out, "{other}");
            }
        },
        Val::Arr(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write(item, out, deeper)?;
            }
            out.push(']');
        }
        Val::Obj(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (at, (name, field)) in sorted.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write(name, out, deeper)?;
                out.push(':');
                write(field, out, deeper)?;
            }
            out.push('}');
        }
        Val::Null | Val::Bool(_) | Val::BStr(_) | Val::TStr(_) => {
            let _ = write!(out, "{value}");
        }
    }
    if out.len() > MAX_OUTPUT_BYTES {
        return Err(ExprError::TooLong { limit: MAX_OUTPUT_BYTES });
    }
    Ok(())
}

/// Spells a float as gojq does: the shortest digits, with an exponent if it is tiny or huge.
fn spelled(float: f64) -> String {
    if float.is_nan() {
        return "null".to_owned();
    }
    let float = float.clamp(f64::MIN, f64::MAX);
    let size = float.abs();
    if size == 0.0 || (1e-6..1e17).contains(&size) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
        _ => text,
    }
}
