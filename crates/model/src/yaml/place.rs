//! Where each value of an object is written: a tree beside the object, small enough to be stored with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::node::{Data, Entry, Mark, Node};
use crate::fault::Place;

/// The places of an object's values, by path (`spec.components[0].traits[1]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    file: Arc<str>,
    root: Option<Arc<Spot>>,
}

/// One place; that of a field is its key's, that of a list's item its own.
#[derive(Debug, PartialEq, Eq)]
struct Spot {
    line: u32,
    column: u32,
    below: Below,
}

#[derive(Debug, PartialEq, Eq)]
enum Below {
    Nothing,
    Items(Vec<Arc<Spot>>),
    Fields(Vec<(Arc<str>, Arc<Spot>)>),
}

impl Default for Places {
    fn default() -> Self {
        Self { file: Arc::from(""), root: None }
    }
}

impl Places {
    /// Returns the places that know only where the whole begins.
    pub fn whole(place: Option<&Place>) -> Self {
        place.map_or_else(Self::default, |place| Self {
            file: Arc::clone(&place.file),
            root: Some(Arc::new(Spot { line: place.line, column: place.column, below: Below::Nothing })),
        })
    }
    pub(super) fn of(file: &Arc<str>, root: &Node) -> Self {
        Self { file: Arc::clone(file), root: root.mark.map(|mark| Arc::new(spot(mark, root))) }
    }
    /// Returns the file's name.
    pub fn file(&self) -> Arc<str> {
        Arc::clone(&self.file)
    }
    /// Returns where the whole begins.
    pub fn start(&self) -> Option<Place> {
        self.root.as_ref().map(|spot| self.place(spot))
    }
    /// Returns where the value at `path` is written; the empty path is the whole.
    pub fn get(&self, path: &str) -> Option<Place> {
        self.find(path).map(|spot| self.place(spot))
    }
    /// Returns where the value at `path` is written, or else the nearest value around it.
    pub fn nearest(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.get(path) {
                return Some(place);
            }
            match path.rfind(['.', '[']) {
                Some(cut) => path = path.get(..cut).unwrap_or(""),
                None if path.is_empty() => return None,
                None => path = "",
            }
        }
    }
    /// Returns the places of the value at `path` alone; empty if there is none.
    pub fn below(&self, path: &str) -> Self {
        Self { file: Arc::clone(&self.file), root: self.find(path).cloned() }
    }

    fn place(&self, spot: &Spot) -> Place {
        Place { file: Arc::clone(&self.file), line: spot.line, column: spot.column }
    }

    /// Fields may hold dots themselves, so the longest field that fits is followed.
    fn find(&self, path: &str) -> Option<&Arc<Spot>> {
        let mut spot = self.root.as_ref()?;
        let mut rest = path;
        while !rest.is_empty() {
            if let Some(bracket) = rest.strip_prefix('[') {
                let (index, behind) = bracket.split_once(']')?;
                let Below::Items(items) = &spot.below else { return None };
                spot = items.get(index.parse::<usize>().ok()?)?;
                rest = behind.strip_prefix('.').unwrap_or(behind);
                continue;
            }
            let Below::Fields(fields) = &spot.below else { return None };
            let ends = |behind: &str| behind.is_empty() || behind.starts_with(['.', '[']);
            let fits = fields.iter().filter(|(key, _)| rest.strip_prefix(&**key).is_some_and(ends));
            let (key, next) = fits.max_by_key(|(key, _)| key.len())?;
            let behind = rest.strip_prefix(&**key)?;
            spot = next;
            rest = behind.strip_prefix('.').unwrap_or(behind);
        }
        Some(spot)
    }

    /// Returns the tree of `value` with these places as marks.
    pub(super) fn mark(&self, value: &Value) -> Node {
        marked(value, self.root.as_ref())
    }
}

fn spot(mark: Mark, node: &Node) -> Spot {
    let child = |mark: Option<Mark>, node: &Node| {
        Arc::new(spot(mark.unwrap_or(Mark { line: 0, column: 0, bytes: None }), node))
    };
    let below = match &node.data {
        Data::Seq(items) if !items.is_empty() => {
            Below::Items(items.iter().map(|item| child(item.mark, item)).collect())
        }
        Data::Map(entries) if !entries.is_empty() => Below::Fields(
            entries.iter().map(|entry| (Arc::clone(&entry.key), child(entry.mark, &entry.value))).collect(),
        ),
        _ => Below::Nothing,
    };
    Spot { line: mark.line, column: mark.column, below }
}

fn marked(value: &Value, spot: Option<&Arc<Spot>>) -> Node {
    let mark = spot.filter(|spot| spot.line > 0).map(|spot| Mark {
        line: spot.line,
        column: spot.column,
        bytes: None,
    });
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(b) => Data::Bool(*b),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(i), _) => Data::Int(i),
            (None, Some(u)) => Data::Uint(u),
            (None, None) => Data::Float(number.as_f64().unwrap_or(0.0)),
        },
        Value::String(s) => Data::Str(Arc::from(s.as_str())),
        Value::Array(items) => {
            let spot_of = |index: usize| match spot.map(|spot| &spot.below) {
                Some(Below::Items(spots)) => spots.get(index),
                _ => None,
            };
            Data::Seq(Arc::new(items.iter().enumerate().map(|(i, item)| marked(item, spot_of(i))).collect()))
        }
        Value::Object(fields) => Data::Map(Arc::new(marked_fields(fields, spot))),
    };
    Node { data, mark }
}

fn marked_fields(fields: &serde_json::Map<String, Value>, spot: Option<&Arc<Spot>>) -> Vec<Entry> {
    let spots: std::collections::HashMap<&str, &Arc<Spot>> = match spot.map(|spot| &spot.below) {
        Some(Below::Fields(spots)) => spots.iter().map(|(key, spot)| (&**key, spot)).collect(),
        _ => std::collections::HashMap::new(),
    };
    let entry = |(key, value): (&String, &Value)| {
        let value = marked(value, spots.get(key.as_str()).copied());
        Entry { key: Arc::from(key.as_str()), mark: value.mark, value }
    };
    fields.iter().map(entry).collect()
}

/// A place as it is stored: how deep, by which field or item, line, column; in the order of the text.
#[derive(Serialize, Deserialize)]
struct Stored(u32, Option<String>, u32, u32);

#[derive(Serialize, Deserialize)]
struct StoredPlaces {
    file: String,
    places: Vec<Stored>,
}

impl Serialize for Places {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn flatten(depth: u32, key: Option<&str>, spot: &Spot, to: &mut Vec<Stored>) {
            to.push(Stored(depth, key.map(str::to_owned), spot.line, spot.column));
            match &spot.below {
                Below::Nothing => {}
                Below::Items(items) => items.iter().for_each(|item| flatten(depth + 1, None, item, to)),
                Below::Fields(fields) => {
                    fields.iter().for_each(|(key, field)| flatten(depth + 1, Some(key), field, to));
                }
            }
        }
        let mut places = Vec::new();
        if let Some(root) = &self.root {
            flatten(0, None, root, &mut places);
        }
        StoredPlaces { file: self.file.to_string(), places }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = StoredPlaces::deserialize(deserializer)?;
        let mut open: Vec<(Option<String>, Spot)> = Vec::new();
        let close_to = |depth: usize, open: &mut Vec<(Option<String>, Spot)>| {
            while open.len() > depth.max(1) {
                if let Some((key, spot)) = open.pop() {
                    put(open.last_mut().map(|(_, spot)| spot), key, spot);
                }
            }
        };
        for Stored(depth, key, line, column) in stored.places {
            let depth = depth as usize;
            if depth > open.len() || (depth == 0 && !open.is_empty()) || depth > crate::limits::MAX_DEPTH {
                return Err(serde::de::Error::custom("places do not form a tree"));
            }
            close_to(depth, &mut open);
            open.push((key, Spot { line, column, below: Below::Nothing }));
        }
        close_to(1, &mut open);
        Ok(Self { file: Arc::from(stored.file), root: open.pop().map(|(_, spot)| Arc::new(spot)) })
    }
}

fn put(parent: Option<&mut Spot>, key: Option<String>, child: Spot) {
    let Some(parent) = parent else { return };
    match (&mut parent.below, key) {
        (Below::Items(items), None) => items.push(Arc::new(child)),
        (Below::Fields(fields), Some(key)) => fields.push((Arc::from(key), Arc::new(child))),
        (below, None) => *below = Below::Items(vec![Arc::new(child)]),
        (below, Some(key)) => *below = Below::Fields(vec![(Arc::from(key), Arc::new(child))]),
    }
}
