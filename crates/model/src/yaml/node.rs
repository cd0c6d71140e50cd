//! The tree: values with marks. Shared by `Arc`, so that an alias costs nothing until it is expanded.

use std::{ops::Range, sync::Arc};

use serde_json::{Map, Number, Value};

use crate::fault::Place;

/// Where a value is in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The line, counted from 1.
    pub(crate) line: u32,
    /// The column in characters, counted from 1.
    pub(crate) column: u32,
    /// The first byte and the one behind the last, if known.
    pub(crate) bytes: Option<(usize, usize)>,
}

impl Mark {
    pub(crate) fn place(&self, file: &Arc<str>) -> Place {
        Place { file: Arc::clone(file), line: self.line, column: self.column }
    }
    pub(crate) fn span(&self) -> Option<Range<usize>> {
        self.bytes.map(|(start, end)| start..end)
    }
}

/// A value with its mark, if it was read from a text.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) data: Data,
    pub(crate) mark: Option<Mark>,
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(Arc<str>),
    Seq(Arc<Vec<Node>>),
    Map(Arc<Vec<Entry>>),
}

/// One key of a mapping and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) mark: Option<Mark>,
    pub(crate) value: Node,
}

impl Node {
    /// Returns the value as JSON; a whole float is a whole number there, as Go writes it.
    pub(crate) fn to_value(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(b) => Value::Bool(*b),
            Data::Int(i) => Value::from(*i),
            Data::Uint(u) => Value::from(*u),
            Data::Float(f) => match whole(*f) {
                Some(whole) => Value::from(whole),
                None => Number::from_f64(*f).map_or(Value::Null, Value::Number),
            },
            Data::Str(s) => Value::String(s.to_string()),
            Data::Seq(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for entry in entries.iter() {
                    map.insert(entry.key.to_string(), entry.value.to_value());
                }
                Value::Object(map)
            }
        }
    }
    /// Returns the value of the field `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.data {
            Data::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            _ => None,
        }
    }
    /// Returns the text, if the value is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Str(s) => Some(s),
            _ => None,
        }
    }
    /// Returns what was found, for a message that says what was expected: a scalar with its value.
    pub(crate) fn shown(&self) -> String {
        match &self.data {
            Data::Str(text) => {
                format!("text `{}`", text.chars().take(64).collect::<String>().escape_debug())
            }
            Data::Bool(value) => value.to_string(),
            Data::Int(number) => format!("the number {number}"),
            Data::Uint(number) => format!("the number {number}"),
            Data::Float(number) => format!("the number {number}"),
            Data::Null | Data::Seq(_) | Data::Map(_) => self.kind().to_owned(),
        }
    }
    /// Returns what kind of value it is, in the words of YAML.
    pub(crate) fn kind(&self) -> &'static str {
        match self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Int(_) | Data::Uint(_) | Data::Float(_) => "a number",
            Data::Str(_) => "text",
            Data::Seq(_) => "a list",
            Data::Map(_) => "an object",
        }
    }
}

/// Returns the whole number that `float` is, if it is one that both can hold exactly.
pub(crate) fn whole(float: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53, so nothing is cut off")]
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64)
}
