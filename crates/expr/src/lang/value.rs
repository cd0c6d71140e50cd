//! What an expression works with. Integers and floats are apart as in Go (`int` and `float64`); numbers that
//! come from JSON are floats. Strings are UTF-8; where Go would cut inside a character, U+FFFD stands.
//! Not here: how a value is printed (`print`), what operators do (`operate`).

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::time::Instant;

/// A value of the language.
#[derive(Debug, Clone)]
pub enum Value {
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// Go's `int`.
    Int(i64),
    /// Go's `float64`.
    Float(f64),
    /// A string.
    Text(Arc<str>),
    /// A list.
    Array(Arc<Vec<Value>>),
    /// A map with string keys.
    Map(Arc<BTreeMap<String, Value>>),
    /// A map with any keys, from `groupBy` and `fromPairs`; it has no JSON.
    Groups(Arc<Vec<(Value, Value)>>),
    /// A moment in a time zone.
    Time(Instant),
    /// A duration in nanoseconds.
    Duration(i64),
    /// A time zone.
    Zone(TimeZone),
    /// A month, 1 to 12.
    Month(i64),
    /// A day of the week, 0 is Sunday.
    Weekday(i64),
    /// A semantic version.
    Version(Arc<semver::Version>),
    /// A function.
    Function(Function),
    /// The functions behind `sprig.`.
    Sprig,
}

/// A function that can be called by name.
#[derive(Debug, Clone)]
pub enum Function {
    /// One of the functions Argo puts into the environment: `asInt`, `asFloat`, `jsonpath`, `toJson`.
    Argo(&'static str),
    /// `sprig.<name>`.
    Sprig(&'static str),
    /// A method of a value.
    Method(Box<Value>, Arc<str>),
    /// A builtin used as a value.
    Builtin(Arc<str>),
}

impl Value {
    /// Returns a text value.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    /// Returns a list.
    pub fn array(items: Vec<Self>) -> Self {
        Self::Array(Arc::new(items))
    }

    /// Returns a map.
    pub fn map(fields: BTreeMap<String, Self>) -> Self {
        Self::Map(Arc::new(fields))
    }

    /// Returns the value of JSON; every number is a float, as Go decodes it.
    pub fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::INFINITY)),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::array(items.iter().map(Self::of_json).collect()),
            Json::Object(fields) => {
                Self::map(fields.iter().map(|(name, value)| (name.clone(), Self::of_json(value))).collect())
            }
        }
    }

    /// Whether this is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The name of the Go type, as messages show it (`%T`).
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Array(_) => "[]interface {}",
            Self::Map(_) | Self::Sprig => "map[string]interface {}",
            Self::Groups(_) => "map[interface {}]interface {}",
            Self::Time(_) => "time.Time",
            Self::Duration(_) => "time.Duration",
            Self::Zone(_) => "*time.Location",
            Self::Month(_) => "time.Month",
            Self::Weekday(_) => "time.Weekday",
            Self::Version(_) => "*semver.Version",
            Self::Function(function) => function.type_name(),
        }
    }

    /// What panics of Go say when a value of another type was needed.
    pub(crate) fn not_a(&self, wanted: &str) -> String {
        let got = if self.is_nil() { "nil" } else { self.type_name() };
        format!("interface conversion: interface {{}} is {got}, not {wanted}")
    }

    /// Roughly how much memory the value takes, in parts.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len() / 16,
            Self::Array(items) => items.len(),
            Self::Map(fields) => fields.len(),
            Self::Groups(groups) => groups.len(),
            _ => 0,
        }
    }
}

impl Function {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Method(owner, name) => match (&**owner, &**name) {
                (Value::Version(_), "Major" | "Minor" | "Patch") => "func() uint64",
                (Value::Version(_), _) | (_, "String") => "func() string",
                (Value::Duration(_), "Hours" | "Minutes" | "Seconds") => "func() float64",
                (Value::Duration(_), _) => "func() int64",
                _ => "func() int",
            },
            Self::Argo("toJson") => "func(interface {}) string",
            Self::Argo("jsonpath") => "func(string, string) interface {}",
            Self::Argo(_) => "func(interface {}) interface {}",
            Self::Sprig(_) | Self::Builtin(_) => "func(...interface {}) (interface {}, error)",
        }
    }
}
