//! What is known of a value before it is computed: the types of expr-lang's checker (`checker/nature`), named as
//! Go names them.

use super::value::Value;

/// A type, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Unknown,
    Nil,
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    /// A list of `[]interface {}`, whose items are of a type.
    Array(Box<Type>),
    /// A list of `[]string`.
    Texts,
    /// `map[string]interface {}`.
    Map,
    /// `map[interface {}]…` of `groupBy` and `fromPairs`; the values' type.
    Groups(Box<Type>),
    Time,
    Duration,
    Zone,
    Month,
    Weekday,
    Version,
    Function(Box<Signature>),
}

/// What a function takes and gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Signature {
    pub(super) takes: Vec<Type>,
    /// Whether the last of `takes` may be given any number of times.
    pub(super) variadic: bool,
    pub(super) gives: Type,
}

impl Type {
    pub(super) fn list() -> Self {
        Self::Array(Box::new(Self::Unknown))
    }

    pub(super) fn list_of(item: Self) -> Self {
        Self::Array(Box::new(item))
    }

    /// The type of a variable's value; only the top level is looked at.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Text(_) => Self::Text,
            Value::Array(_) => Self::list(),
            Value::Map(_) | Value::Sprig => Self::Map,
            Value::Groups(_) => Self::Groups(Box::new(Self::Unknown)),
            Value::Time(_) => Self::Time,
            Value::Duration(_) => Self::Duration,
            Value::Zone(_) => Self::Zone,
            Value::Month(_) => Self::Month,
            Value::Weekday(_) => Self::Weekday,
            Value::Version(_) => Self::Version,
            Value::Function(super::value::Function::Argo("toJson")) => {
                Self::function(vec![Self::Unknown], Self::Text)
            }
            Value::Function(super::value::Function::Argo("jsonpath")) => {
                Self::function(vec![Self::Text, Self::Text], Self::Unknown)
            }
            Value::Function(super::value::Function::Argo(_)) => {
                Self::function(vec![Self::Unknown], Self::Unknown)
            }
            Value::Function(_) => Self::Unknown,
        }
    }

    pub(super) fn function(takes: Vec<Self>, gives: Self) -> Self {
        Self::Function(Box::new(Signature { takes, variadic: false, gives }))
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Unknown | Self::Nil => "unknown",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float64",
            Self::Text => "string",
            Self::Bytes => "[]uint8",
            Self::Array(_) => "[]interface {}",
            Self::Texts => "[]string",
            Self::Map => "map[string]interface {}",
            Self::Groups(_) => "map[interface {}][]interface {}",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::Zone => "*time.Location",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
            Self::Version => "*semver.Version",
            Self::Function(signature) => {
                let takes: Vec<String> = signature.takes.iter().map(Self::in_signature).collect();
                return format!("func({}) {}", takes.join(", "), signature.gives.in_signature());
            }
        }
        .to_owned()
    }

    pub(super) fn in_signature(&self) -> String {
        if self.is_unknown() { "interface {}".to_owned() } else { self.shown() }
    }

    pub(super) fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Texts | Self::Bytes)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map | Self::Groups(_))
    }

    /// The type of the items of a list or the values of a map.
    pub(super) fn item(&self) -> Self {
        match self {
            Self::Array(item) | Self::Groups(item) => (**item).clone(),
            Self::Texts => Self::Text,
            Self::Bytes => Self::Int,
            _ => Self::Unknown,
        }
    }

    /// Whether a value of this type may stand where `other` is wanted.
    pub(super) fn assignable_to(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, _) => {
                matches!(other, Self::Unknown | Self::Zone | Self::Version | Self::Function(_))
                    || other.is_array()
                    || other.is_map()
            }
            (Self::Unknown, Self::Unknown) => true,
            (Self::Unknown, _) => false,
            (_, Self::Unknown) => true,
            (Self::Array(_), Self::Array(_)) | (Self::Groups(_), Self::Groups(_)) => true,
            _ => self == other,
        }
    }

    pub(super) fn comparable_to(&self, other: &Self) -> bool {
        self.is_unknown()
            || other.is_unknown()
            || *self == Self::Nil
            || *other == Self::Nil
            || self.is_number() && other.is_number()
            || self.is_array() && other.is_array()
            || self.assignable_to(other)
    }

    /// Whether one is unknown and the other one is unknown, too, or passes `test`.
    pub(super) fn maybe(&self, other: &Self, test: impl Fn(&Self) -> bool) -> bool {
        match (self.is_unknown(), other.is_unknown()) {
            (true, true) => true,
            (true, false) => test(other),
            (false, true) => test(self),
            (false, false) => false,
        }
    }
}

/// The signature of a method, or `None` if the type has none so called.
pub(super) fn method(owner: &Type, name: &str) -> Option<Type> {
    let plain = |gives: Type| Some(Type::function(Vec::new(), gives));
    let one = |takes: Type, gives: Type| Some(Type::function(vec![takes], gives));
    match (owner, name) {
        (
            Type::Time,
            "Year" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "YearDay" | "Unix" | "UnixMilli"
            | "UnixMicro" | "UnixNano",
        ) => plain(Type::Int),
        (Type::Time, "Month") => plain(Type::Month),
        (Type::Time, "Weekday") => plain(Type::Weekday),
        (Type::Time, "Add" | "Round" | "Truncate") => one(Type::Duration, Type::Time),
        (Type::Time, "Sub") => one(Type::Time, Type::Duration),
        (Type::Time, "Before" | "After" | "Equal") => one(Type::Time, Type::Bool),
        (Type::Time, "Compare") => one(Type::Time, Type::Int),
        (Type::Time, "AddDate") => Some(Type::function(vec![Type::Int, Type::Int, Type::Int], Type::Time)),
        (Type::Time, "IsZero") => plain(Type::Bool),
        (Type::Time, "Format") => one(Type::Text, Type::Text),
        (Type::Time, "UTC" | "Local") => plain(Type::Time),
        (Type::Time, "In") => one(Type::Zone, Type::Time),
        (Type::Time, "Location") => plain(Type::Zone),
        (Type::Duration, "Hours" | "Minutes" | "Seconds") => plain(Type::Float),
        (Type::Duration, "Milliseconds" | "Microseconds" | "Nanoseconds") => plain(Type::Int),
        (Type::Duration, "Abs") => plain(Type::Duration),
        (Type::Duration, "Round" | "Truncate") => one(Type::Duration, Type::Duration),
        (Type::Version, "Major" | "Minor" | "Patch") => plain(Type::Int),
        (Type::Version, "Prerelease" | "Metadata" | "Original") => plain(Type::Text),
        (
            Type::Time | Type::Duration | Type::Month | Type::Weekday | Type::Zone | Type::Version,
            "String",
        ) => plain(Type::Text),
        _ => None,
    }
}
