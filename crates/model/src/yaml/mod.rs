//! Text to trees with places: YAML as Argo's tools read it (go-yaml v2 with `sigs.k8s.io/yaml`: YAML 1.1
//! scalars), or JSON, which is a part of it. The scanner is `granit-parser`, named only in `build`.
//! Not here: what the values mean; writing YAML.
//!
//! Invariant: whatever the text, reading ends, with memory bounded by the named limits.

mod build;
mod decode;
mod node;
mod place;
mod scalar;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use place::Places;

pub(crate) use node::{Data, Entry, Mark, Node};

use crate::fault::{Code, Fault, Place};

/// The text is not YAML.
pub const NOT_YAML: Code = Code("MDL0101");
/// The text is larger, deeper or richer than the limits allow.
pub const OVER_LIMIT: Code = Code("MDL0102");
/// A key stands twice in one mapping.
pub const DUPLICATE_KEY: Code = Code("MDL0103");
/// A value is not of the type that is asked for.
pub const WRONG_TYPE: Code = Code("MDL0104");
/// A field that nobody knows.
pub const UNKNOWN_FIELD: Code = Code("MDL0105");

/// One document of a text, with the place of every value.
#[derive(Debug, Clone)]
pub struct Document {
    file: Arc<str>,
    root: Node,
    /// The places it was given, if it was not read from a text.
    places: Option<Places>,
}

impl Document {
    /// Returns the document as JSON.
    pub fn value(&self) -> Value {
        self.root.to_value()
    }
    /// Returns where the document begins.
    pub fn place(&self) -> Option<Place> {
        self.root.mark.map(|mark| mark.place(&self.file))
    }
    /// Returns the places of the document's values.
    pub fn places(&self) -> Places {
        self.places.clone().unwrap_or_else(|| Places::of(&self.file, &self.root))
    }
    /// Whether there is nothing in the document but comments.
    pub fn is_empty(&self) -> bool {
        matches!(self.root.data, Data::Null)
    }
    /// Returns the document that holds `value`, whose values are written at `places`.
    pub fn from_value(value: &Value, places: &Places) -> Self {
        Self { file: places.file(), root: places.mark(value), places: Some(places.clone()) }
    }
    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
    /// Returns a fault of this document at `mark`.
    pub(crate) fn fault(&self, code: Code, message: impl Into<String>, mark: Option<Mark>) -> Fault {
        let mut fault = Fault::new(code, message).at(mark.map(|mark| mark.place(&self.file)));
        fault.span = mark.and_then(|mark| mark.span());
        fault
    }
}

/// Reads every document of `text`; `file` is its name in faults.
///
/// # Errors
/// A fault with [`NOT_YAML`], [`OVER_LIMIT`] or [`DUPLICATE_KEY`], with its place.
pub fn parse(file: &str, text: &str) -> Result<Vec<Document>, Vec<Fault>> {
    let file: Arc<str> = Arc::from(file);
    let roots = build::documents(&file, text)?;
    Ok(roots.into_iter().map(|root| Document { file: Arc::clone(&file), root, places: None }).collect())
}

/// Reads a `T` out of a document, as leniently as Go does: a number or boolean becomes text where text is
/// asked for, and null is the zero value of whatever is asked for.
///
/// # Errors
/// A fault with [`WRONG_TYPE`] or [`UNKNOWN_FIELD`] at the very value.
pub fn decode<T: DeserializeOwned>(document: &Document) -> Result<T, Vec<Fault>> {
    T::deserialize(decode::NodeDeserializer::new(&document.root))
        .map_err(|error| vec![error.into_fault(document)])
}

/// Returns help that names the nearest of `known`, or lists them all if there are few.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> Option<String> {
    // a long list is looked through as far as a person would
    let near = known.iter().take(200).map(|k| (distance(word, k), *k)).min_by_key(|(d, _)| *d);
    match near {
        Some((d, nearest)) if d <= nearest.len().max(3) / 3 => Some(format!("did you mean `{nearest}`?")),
        _ if known.is_empty() => None,
        _ if known.len() <= 12 => Some(format!(
            "known are {}",
            known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
        )),
        _ => None,
    }
}

/// Returns the edit distance of two words (neighbours that change places count once), letter case aside; words
/// beyond 64 letters are far apart.
fn distance(a: &str, b: &str) -> usize {
    let letters = |word: &str| word.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (a, b) = (letters(a), letters(b));
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let at = |row: &[usize], index: Option<usize>| {
        index.and_then(|index| row.get(index)).copied().unwrap_or(usize::MAX - 1)
    };
    let (mut before, mut row): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let changed = at(&row, Some(j)) + usize::from(x != y);
            let added = at(&row, Some(j + 1)).min(at(&next, Some(j))) + 1;
            let swapped = i > 0 && j > 0 && b.get(j - 1) == Some(x) && a.get(i - 1) == Some(y);
            let swapped = if swapped { at(&before, j.checked_sub(1)) + 1 } else { usize::MAX };
            next.push(changed.min(added).min(swapped));
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}
