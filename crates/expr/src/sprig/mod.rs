//! The functions behind `sprig.`: Masterminds/sprig v3.3 `GenericFuncMap` as Argo offers it (without `env` and
//! `expandenv`). Rooms: `convert`, `text`, `case`, `pattern`, `math`, `list`, `dict`, `date`, `encode`,
//! `other` (defaults, reflection, paths, URLs, versions, what is random).
//!
//! Deliberately absent: what makes keys and certificates or hashes passwords (`genCA`, `htpasswd`, `encryptAES`,
//! `derivePassword` …) and DNS (`getHostByName`). They are known and say why they do nothing: an expression has
//! no way out of the process, and no secret belongs into a workflow's text.

mod case;
mod convert;
mod date;
mod dict;
mod encode;
mod list;
mod math;
mod other;
mod path;
mod pattern;
mod text;

use crate::lang::{Machine, Value};

type Call = fn(&str, &Args<'_>, &mut Machine<'_>) -> Result<Value, String>;

const TABLE: &[(Call, &[&str])] = &[
    (text::call, text::NAMES),
    (case::call, case::NAMES),
    (pattern::call, pattern::NAMES),
    (math::call, math::NAMES),
    (list::call, list::NAMES),
    (dict::call, dict::NAMES),
    (date::call, date::NAMES),
    (encode::call, encode::NAMES),
    (path::call, path::NAMES),
    (other::call, other::NAMES),
    (refused, REFUSED),
];

const REFUSED: &[&str] = &[
    "bcrypt",
    "htpasswd",
    "genPrivateKey",
    "derivePassword",
    "buildCustomCert",
    "genCA",
    "genCAWithKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "encryptAES",
    "decryptAES",
    "getHostByName",
];

fn refused(name: &str, _: &Args<'_>, _: &mut Machine<'_>) -> Result<Value, String> {
    Err(if name == "getHostByName" {
        "sprig.getHostByName is not offered: an expression cannot use the network".to_owned()
    } else {
        format!("sprig.{name} is not offered: expressions make and handle no keys, certificates or passwords")
    })
}

/// Returns the name of a function, if sprig has one so called.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    TABLE.iter().flat_map(|(_, names)| names.iter()).copied().find(|known| *known == name)
}

/// Calls a function.
///
/// # Errors
/// Where the arguments do not fit or the function itself fails.
pub(crate) fn call(name: &str, args: &[Value], machine: &mut Machine<'_>) -> Result<Value, String> {
    let (function, _) = TABLE
        .iter()
        .find(|(_, names)| names.contains(&name))
        .ok_or_else(|| "invalid operation: cannot call nil".to_owned())?;
    function(name, &Args { name, values: args }, machine)
}

/// The arguments of a call.
struct Args<'a> {
    name: &'a str,
    values: &'a [Value],
}

const NIL: &Value = &Value::Nil;

impl<'a> Args<'a> {
    fn exactly(&self, count: usize) -> Result<(), String> {
        if self.values.len() == count {
            return Ok(());
        }
        Err(format!("invalid number of arguments: expected {count}, got {}", self.values.len()))
    }

    fn at_least(&self, count: usize) -> Result<(), String> {
        if self.values.len() >= count {
            return Ok(());
        }
        Err(format!("invalid number of arguments: expected at least {count}, got {}", self.values.len()))
    }

    fn get(&self, at: usize) -> &'a Value {
        self.values.get(at).unwrap_or(NIL)
    }

    fn rest(&self, from: usize) -> &'a [Value] {
        self.values.get(from..).unwrap_or_default()
    }

    fn wrong(value: &Value, wanted: &str) -> String {
        format!("reflect: Call using {} as type {wanted}", value.type_name())
    }

    fn text(&self, at: usize) -> Result<&'a str, String> {
        match self.get(at) {
            Value::Text(text) => Ok(text),
            Value::Nil => Ok(""),
            other => Err(Self::wrong(other, "string")),
        }
    }

    fn int(&self, at: usize) -> Result<i64, String> {
        match self.get(at) {
            Value::Int(number) => Ok(*number),
            Value::Nil => Ok(0),
            other => Err(Self::wrong(other, "int")),
        }
    }

    fn flag(&self, at: usize) -> Result<bool, String> {
        match self.get(at) {
            Value::Bool(flag) => Ok(*flag),
            Value::Nil => Ok(false),
            other => Err(Self::wrong(other, "bool")),
        }
    }

    fn list(&self, at: usize) -> Result<&'a [Value], String> {
        match self.get(at) {
            Value::Array(items) => Ok(items),
            other => Err(format!("Cannot find {} on type {}", self.name, convert::kind(other))),
        }
    }

    fn map(&self, at: usize) -> Result<&'a std::collections::BTreeMap<String, Value>, String> {
        match self.get(at) {
            Value::Map(fields) => Ok(fields),
            other => Err(Self::wrong(other, "map[string]interface {}")),
        }
    }
}

/// A count that may be negative, within what fits.
fn size(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}
