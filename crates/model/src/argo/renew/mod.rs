//! A text of manifests whose spellings of Argo 3 become those of version 4; comments, order and everything else stay.
//! Each change is one to the text, and is kept only if the text means the same afterwards, in the new spelling.
//! Source: Argo `workflow/convert/legacy_types.go`, `docs/upgrading.md`.
//! Not here: what is an old spelling (see `advice`), where a change begins and ends (see `text`).
//! Invariant: what is returned reads as [`modern`] of what was given, except for what is left.

mod text;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::advice::{OLD_SPELLING, goes_on, is_old, parent_of, walk};
use crate::{
    fault::{Fault, Place},
    yaml::{self, Document},
};

/// The most fields that are changed in one text.
const MAX_CHANGES: usize = 1_000;

/// A text in the new spelling.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewed {
    /// The text.
    pub text: String,
    /// How many fields were changed.
    pub changes: usize,
    /// The first old spelling that stands where it cannot be changed.
    pub left: Option<Fault>,
}

/// An old spelling in a text.
struct Old {
    name: String,
    place: Option<Place>,
    /// The value it holds.
    value: Value,
    /// Where the new spelling stands, if it is there as well.
    list: Option<Place>,
}

/// Returns the text in the spelling of version 4. Objects of other kinds than Argo's are passed over.
///
/// # Errors
/// The fault of a text that is not YAML, or over a limit.
pub fn renew(file: &str, text: &str) -> Result<Renewed, Vec<Fault>> {
    let mut documents = yaml::parse(file, text)?;
    let aim = meaning(&documents);
    let mut text = text.to_owned();
    let mut changes = 0;
    loop {
        let olds = olds(&documents);
        // from the end, since a change moves what comes after it
        let Some(old) = olds.last() else { return Ok(Renewed { text, changes, left: None }) };
        let fits = |candidate: String| {
            let read = yaml::parse(file, &candidate).ok()?;
            let fewer = self::olds(&read).len() < olds.len();
            (fewer && meaning(&read) == aim).then_some((candidate, read))
        };
        let changed = text::candidates(&text, old).into_iter().find_map(fits);
        match changed.filter(|_| changes < MAX_CHANGES) {
            Some((candidate, read)) => (text, documents) = (candidate, read),
            None => return Ok(Renewed { text, changes, left: Some(left(old)) }),
        }
        changes += 1;
    }
}

fn left(old: &Old) -> Fault {
    let message = format!("`{}` stands where it cannot be changed by itself", old.name);
    Fault::new(OLD_SPELLING, message)
        .help(format!("write `{}` by hand", new_name(&old.name)))
        .at(old.place.clone())
}

/// Returns the name of the list that takes the place of an old field.
fn new_name(old: &str) -> &'static str {
    match old {
        "schedule" => "schedules",
        "mutex" => "mutexes",
        "semaphore" => "semaphores",
        _ => "podPriorityClassName",
    }
}

fn olds(documents: &[Document]) -> Vec<Old> {
    let mut found = Vec::new();
    for document in documents {
        let (value, places) = (document.value(), document.places());
        if !is_argos(&value) {
            continue;
        }
        walk(&value, &mut |path, name, inner, fields| {
            if is_old(parent_of(path), name, inner) {
                let list = new_name(name);
                found.push(Old {
                    name: name.to_owned(),
                    place: places.get(&format!("{path}.{name}")),
                    value: inner.clone(),
                    list: fields.get(list).and_then(|_| places.get(&format!("{path}.{list}"))),
                });
            }
            true
        });
    }
    found.sort_by(|a, b| a.place.cmp(&b.place));
    found
}

fn is_argos(object: &Value) -> bool {
    object.get("apiVersion").and_then(Value::as_str) == Some(super::API_VERSION)
}

fn meaning(documents: &[Document]) -> Vec<Value> {
    documents.iter().map(|document| modern(document.value())).collect()
}

/// Returns an object in the spelling of version 4: `schedule` hides `schedules`, a `mutex` and a `semaphore` join their
/// lists at the end, `podPriority` is gone.
pub(super) fn modern(mut object: Value) -> Value {
    if is_argos(&object)
        && let Some(spec) = object.get_mut("spec")
    {
        modernise("spec", spec);
    }
    object
}

fn modernise(parent: &str, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| modernise(parent, item)),
        Value::Object(fields) => {
            let old: Vec<String> = fields
                .iter()
                .filter(|(name, value)| is_old(parent, name, value))
                .map(|(name, _)| name.clone())
                .collect();
            for name in old {
                join(fields, &name);
            }
            fields
                .iter_mut()
                .filter(|(name, _)| goes_on(name))
                .for_each(|(name, value)| modernise(name, value));
        }
        _ => {}
    }
}

fn join(fields: &mut Map<String, Value>, name: &str) {
    let Some(value) = fields.remove(name) else { return };
    let new = new_name(name);
    match (name, fields.get_mut(new)) {
        ("podPriority", _) => {}
        ("mutex" | "semaphore", Some(Value::Array(list))) => list.push(value),
        _ => {
            fields.insert(new.to_owned(), Value::Array(vec![value]));
        }
    }
}
