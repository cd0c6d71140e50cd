//! What an expression may look at: variables, Argo's functions, the time, a seed for what is random.
//! Names with dots are expanded as Argo does it (`util/expand`, `bellows`): `a.b` is the field `b` of `a`, and
//! `a` itself is left out when `a.b` is there.

use std::{cell::Cell, collections::BTreeMap};

use jiff::Timestamp;
use serde_json::Value as Json;

use super::value::Value;

/// The surroundings of an evaluation. The same environment gives the same values, random ones included.
#[derive(Debug, Clone)]
pub struct Env {
    variables: BTreeMap<String, Value>,
    functions: bool,
    now: Timestamp,
    random: Cell<u64>,
}

impl Env {
    /// Returns an environment with Argo's functions and no variables. `now` is what `now()` gives, `seed` what
    /// `sprig.uuidv4` and its like are drawn from.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        Self { variables: BTreeMap::new(), functions: true, now, random: Cell::new(seed) }
    }

    /// Leaves Argo's functions away, as `data` and event expressions of Argo have it.
    #[must_use]
    pub fn without_functions(mut self) -> Self {
        self.functions = false;
        self
    }

    /// Sets a variable; its name is taken as it is.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        self.variables.insert(name.into(), value);
    }

    /// Sets the variables of a JSON object, whose names may have dots.
    pub fn set_json(&mut self, variables: &serde_json::Map<String, Json>) {
        self.set_dotted(variables.iter().map(|(name, value)| (name.as_str(), Value::of_json(value))));
    }

    /// Sets variables by names with dots. Of `a` and `a.b`, `a.b` stays.
    pub fn set_dotted<'a>(&mut self, variables: impl IntoIterator<Item = (&'a str, Value)>) {
        let sorted: BTreeMap<&str, Value> = variables.into_iter().collect();
        let names: Vec<&str> = sorted.keys().copied().collect();
        let mut tree = BTreeMap::new();
        for (at, (name, value)) in sorted.into_iter().enumerate() {
            // Only the next name in order is looked at, as in Argo.
            let parent = names
                .get(at.saturating_add(1))
                .is_some_and(|next| next.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
            if !parent {
                insert(&mut tree, name, value, 0);
            }
        }
        for (name, branch) in tree {
            self.variables.insert(name, branch.value());
        }
    }

    /// Returns the variable or function so called.
    pub fn get(&self, name: &str) -> Option<Value> {
        let function = if self.functions { super::argo::find(name) } else { None };
        function.or_else(|| self.variables.get(name).cloned())
    }

    /// What `now()` gives.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Whether there is a variable, or a field below one, at the end of a dotted path.
    pub fn has(&self, path: &str) -> bool {
        let mut parts = path.split('.');
        let Some(mut found) = parts.next().and_then(|root| self.get(root)) else { return false };
        for part in parts {
            found = match &found {
                Value::Map(fields) => match fields.get(part) {
                    Some(value) => value.clone(),
                    None => return false,
                },
                Value::Sprig => match crate::sprig::find(part) {
                    Some(name) => Value::Function(super::value::Function::Sprig(name)),
                    None => return false,
                },
                _ => return false,
            };
        }
        true
    }

    pub(super) fn all(&self) -> BTreeMap<String, Value> {
        self.variables.clone()
    }

    /// Draws the next number of the sequence that began with the seed (SplitMix64).
    pub(crate) fn draw(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A variable that is being put together.
enum Branch {
    Leaf(Value),
    Fields(BTreeMap<String, Branch>),
}

impl Branch {
    fn value(self) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::Fields(fields) => {
                Value::map(fields.into_iter().map(|(name, branch)| (name, branch.value())).collect())
            }
        }
    }
}

fn insert(fields: &mut BTreeMap<String, Branch>, name: &str, value: Value, depth: usize) {
    match name.split_once('.') {
        Some((head, rest)) if depth < super::MAX_VALUE_DEPTH / 2 => {
            let branch = fields.entry(head.to_owned()).or_insert_with(|| Branch::Fields(BTreeMap::new()));
            if let Branch::Leaf(old) = branch {
                let mut below = BTreeMap::new();
                if let Value::Map(old) = old {
                    below.extend(old.iter().map(|(name, value)| (name.clone(), Branch::Leaf(value.clone()))));
                }
                *branch = Branch::Fields(below);
            }
            if let Branch::Fields(below) = branch {
                insert(below, rest, value, depth.saturating_add(1));
            }
        }
        _ => {
            fields.insert(name.to_owned(), Branch::Leaf(value));
        }
    }
}
