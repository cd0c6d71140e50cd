//! From a tree to typed values with `serde`, leniently as Go's `sigs.k8s.io/yaml` (which converts by the type
//! asked for) and `encoding/json` (to which null is nothing at all). Errors know the value they arose at.

use std::fmt;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Unexpected, Visitor, value::StringDeserializer};

use super::{
    Document, UNKNOWN_FIELD, WRONG_TYPE, did_you_mean,
    node::{Data, Entry, Mark, Node, whole},
    scalar::go_float,
};
use crate::fault::{Code, Fault};

#[derive(Debug)]
pub(super) struct DecodeError {
    code: Code,
    message: String,
    help: Option<String>,
    mark: Option<Mark>,
    /// Where it is, from the inside out, as Kubernetes writes it: `.field` and `[index]`.
    path: Vec<String>,
}

impl DecodeError {
    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        self.path.push(step());
        self
    }
    fn at(mut self, mark: Option<Mark>) -> Self {
        self.mark = self.mark.or(mark);
        self
    }
    pub(super) fn into_fault(self, document: &Document) -> Fault {
        let mut message = self.message;
        // in Kubernetes' own words, which clients look for
        if message.starts_with("expected list, ") {
            message =
                format!("{}: {message}", self.path.iter().rev().map(String::as_str).collect::<String>());
        }
        let mut fault = document.fault(self.code, message, self.mark.or(document.root.mark));
        fault.help = self.help;
        fault
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { code: WRONG_TYPE, message: message.to_string(), help: None, mark: None, path: Vec::new() }
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format!("expected {}, found {}", plain_words(expected), found_words(found)))
    }
    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format!("expected {}, found {}", plain_words(expected), found_words(found)))
    }
    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let mut error = Self::custom(format!("`{}` is not known here", cut(found)));
        error.help = did_you_mean(found, expected);
        error
    }
    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        let mut error = Self::custom(format!("unknown field \"{}\"", cut(found)));
        error.code = UNKNOWN_FIELD;
        error.help = did_you_mean(found, expected);
        error
    }
    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("field `{field}` is missing"))
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect::<String>().escape_debug().to_string()
}

fn plain_words(expected: &dyn de::Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        // as Kubernetes says it
        "a sequence" => "list".to_owned(),
        "a map" => "an object".to_owned(),
        "a string" | "str" => "text".to_owned(),
        other if other.starts_with("struct ") => "an object".to_owned(),
        _ => expected,
    }
}

fn found_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("text `{}`", cut(text)),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Bool(value) => format!("{value}"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}

#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    node: &'a Node,
}

impl<'a> NodeDeserializer<'a> {
    pub(super) fn new(node: &'a Node) -> Self {
        Self { node }
    }

    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let done = match &self.node.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::Int(value) => visitor.visit_i64(*value),
            Data::Uint(value) => visitor.visit_u64(*value),
            Data::Float(value) => match whole(*value) {
                Some(whole) => visitor.visit_i64(whole),
                None => visitor.visit_f64(*value),
            },
            Data::Str(text) => visitor.visit_str(text),
            Data::Seq(items) => visitor.visit_seq(Items { rest: items.iter(), index: 0 }),
            Data::Map(entries) => visitor.visit_map(Fields { rest: entries.iter(), value: None }),
        };
        done.map_err(|error| error.at(self.node.mark))
    }

    /// Hands over what null is in Go: the zero value of the type asked for.
    fn zero<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        zero: impl FnOnce(V) -> Result<V::Value, DecodeError>,
    ) -> Result<V::Value, DecodeError> {
        match self.node.data {
            Data::Null => zero(visitor).map_err(|error| error.at(self.node.mark)),
            _ => self.visit(visitor),
        }
    }

    /// Returns a scalar as text, as Go converts it where a string is asked for.
    fn text(self) -> Option<String> {
        Some(match &self.node.data {
            Data::Null => String::new(),
            Data::Bool(value) => value.to_string(),
            Data::Int(value) => value.to_string(),
            Data::Uint(value) => value.to_string(),
            Data::Float(value) => go_float(*value),
            Data::Str(_) | Data::Seq(_) | Data::Map(_) => return None,
        })
    }
}

macro_rules! number {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.zero(visitor, |visitor| visitor.visit_i64(0))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for NodeDeserializer<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit(visitor)
    }
    number! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.zero(visitor, |visitor| visitor.visit_bool(false))
    }
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.text() {
            Some(text) => visitor.visit_string(text).map_err(|error: DecodeError| error.at(self.node.mark)),
            None => self.visit(visitor),
        }
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.zero(visitor, |visitor| visitor.visit_seq(Items { rest: [].iter(), index: 0 }))
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if matches!(self.node.data, Data::Seq(_)) {
            // serde would take a list for the fields of a struct, one after the other
            let error: DecodeError = de::Error::custom("expected an object, found a list");
            return Err(error.at(self.node.mark));
        }
        self.zero(visitor, |visitor| visitor.visit_map(Fields { rest: [].iter(), value: None }))
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let done = match (&self.node.data, self.text()) {
            (Data::Str(text), _) => visitor.visit_enum(enum_text(text.to_string())),
            (Data::Bool(_) | Data::Int(_) | Data::Uint(_) | Data::Float(_), Some(text)) => {
                visitor.visit_enum(enum_text(text))
            }
            _ => Err(de::Error::custom(format!("expected text, found {}", self.node.kind()))),
        };
        done.map_err(|error| error.at(self.node.mark))
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

fn enum_text(text: String) -> StringDeserializer<DecodeError> {
    text.into_deserializer()
}

struct Items<'a> {
    rest: std::slice::Iter<'a, Node>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = DecodeError;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let (index, next) = (self.index, self.rest.next());
        self.index += 1;
        let within = |error: DecodeError| error.within(|| format!("[{index}]"));
        // what a type says itself, such as that a text is no subject, is said of the item too
        next.map(|node| {
            seed.deserialize(NodeDeserializer { node }).map_err(|error| within(error.at(node.mark)))
        })
        .transpose()
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Fields<'a> {
    rest: std::slice::Iter<'a, Entry>,
    value: Option<&'a Entry>,
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = DecodeError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.value = Some(entry);
        let key: StringDeserializer<DecodeError> = entry.key.to_string().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.at(entry.mark))
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        match self.value.take() {
            Some(Entry { key, value: node, .. }) => seed
                .deserialize(NodeDeserializer { node })
                .map_err(|error| error.at(node.mark).within(|| format!(".{}", cut(key)))),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}
