//! jq filters, as `valueFrom.jqFilter` of a resource has them. Source: Argo `workflow/executor/resource.go` jqFilter over
//! gojq: each value on a line, texts without quotes, the whole trimmed.
//! Not here: time; whoever lets others write filters bounds it. Filters that look at the process (`env`, `input`, `halt`)
//! do not exist here.

use jaq_core::{
    Compiler, Ctx, Vars, data,
    load::{Arena, File, Loader},
    unwrap_valr,
};
use jaq_json::{Val, read};

use crate::{ExprError, MAX_CONDITION_BYTES, MAX_OUTPUT_BYTES, error::shortened};

/// The most values a filter may give.
const MAX_VALUES: usize = 100_000;
/// Filters that look at or act on the process.
const LEFT_OUT: [&str; 7] = ["env", "$__env__", "halt", "input", "now", "localtime", "mktime_local"];

/// Applies `filter` to a JSON text, and returns what Argo makes of it.
///
/// # Errors
/// [`ExprError::InvalidFilter`] for what cannot be read, [`ExprError::FailedFilter`] for what fails on this document,
/// [`ExprError::TooLong`].
pub fn jq(filter: &str, document: &str) -> Result<String, ExprError> {
    if filter.len() > MAX_CONDITION_BYTES {
        return Err(ExprError::TooLong { limit: MAX_CONDITION_BYTES });
    }
    let invalid = |reason: String| ExprError::InvalidFilter { reason };
    let input = read::parse_single(document.as_bytes())
        .map_err(|error| ExprError::FailedFilter { reason: format!("the document is not JSON: {error}") })?;
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let defs = defs.filter(|def| !def.name.starts_with("halt"));
    let funs = jaq_core::funs::<data::JustLut<Val>>().chain(jaq_std::funs()).chain(jaq_json::funs());
    let funs = funs.filter(|(name, ..)| !LEFT_OUT.contains(name));
    let arena = Arena::default();
    let modules = Loader::new(defs)
        .load(&arena, File { code: filter, path: () })
        .map_err(|_| invalid(format!("`{}` is not a filter", shortened(filter))))?;
    let compiled = Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
        let names: Vec<String> =
            errors.iter().flat_map(|(_, undefined)| undefined).map(|(name, _)| (*name).to_owned()).collect();
        invalid(format!("unknown in `{}`: {}", shortened(filter), names.join(", ")))
    })?;
    let context = Ctx::<data::JustLut<Val>>::new(&compiled.lut, Vars::new([]));
    let mut out = String::new();
    for (count, value) in compiled.id.run((context, input)).map(unwrap_valr).enumerate() {
        let value =
            value.map_err(|error| ExprError::FailedFilter { reason: shortened(&error.to_string()) })?;
        if count >= MAX_VALUES || out.len() > MAX_OUTPUT_BYTES {
            return Err(ExprError::TooLong { limit: MAX_OUTPUT_BYTES });
        }
        match &value {
            Val::TStr(text) | Val::BStr(text) => out.push_str(&String::from_utf8_lossy(text)),
            other => out.push_str(&other.to_string()),
        }
        out.push('\n');
    }
    Ok(out.trim().to_owned())
}
