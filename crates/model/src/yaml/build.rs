//! Builds trees from `granit-parser`'s events, on a stack of its own, counting against the limits.
//! An alias is paid for in full before it is used, so that a bomb is refused before it goes off.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{
    DUPLICATE_KEY, NOT_YAML, OVER_LIMIT, WRONG_TYPE,
    node::{Data, Entry, Mark, Node},
    scalar,
};
use crate::{
    fault::{Code, Fault},
    limits::{MAX_DEPTH, MAX_DOCUMENTS, MAX_EXPANDED_BYTES, MAX_TEXT_BYTES, MAX_VALUES},
};

/// Returns the root of every document of `text`.
pub(super) fn documents(file: &Arc<str>, text: &str) -> Result<Vec<Node>, Vec<Fault>> {
    if text.len() > MAX_TEXT_BYTES {
        let fault = Fault::new(
            OVER_LIMIT,
            format!("the text has {} bytes, {MAX_TEXT_BYTES} are allowed", text.len()),
        );
        return Err(vec![fault.at(Some(Mark { line: 1, column: 1, bytes: None }.place(file)))]);
    }
    let options = granit_parser::options! {
        block_scalar_eof_without_line_feed: true,
        bom_inside_document_as_content: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let mut builder =
        Builder { file, frames: Vec::new(), anchors: HashMap::new(), used: Weight::NONE, root: None };
    let mut roots = Vec::new();
    for event in Parser::new_from_str_with_options(text, options) {
        let done = match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => Err(Box::new(syntax(file, &error))),
        };
        if done.map_err(|fault| vec![*fault])? {
            roots.extend(builder.root.take());
            if roots.len() > MAX_DOCUMENTS {
                let message = format!("the text has more than {MAX_DOCUMENTS} documents");
                return Err(vec![Fault::new(OVER_LIMIT, message)]);
            }
        }
    }
    Ok(roots)
}

type Step<T> = Result<T, Box<Fault>>;

fn syntax(file: &Arc<str>, error: &granit_parser::ScanError) -> Fault {
    let marker = error.marker();
    let place =
        Mark { line: narrow(marker.line()), column: narrow(marker.col() + 1), bytes: None }.place(file);
    if *error.kind() == granit_parser::ErrorKind::RecursionLimitExceeded {
        return too_deep().at(Some(place));
    }
    let info: String = error.info().chars().take(200).collect();
    Fault::new(NOT_YAML, info).at(Some(place))
}

fn too_deep() -> Fault {
    Fault::new(OVER_LIMIT, format!("values are nested more than {MAX_DEPTH} deep"))
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What a value costs once its aliases are expanded.
#[derive(Clone, Copy)]
struct Weight {
    values: usize,
    bytes: usize,
    height: usize,
}

impl Weight {
    const NONE: Self = Self { values: 0, bytes: 0, height: 0 };
    fn leaf(bytes: usize) -> Self {
        Self { values: 1, bytes, height: 0 }
    }
    fn hold(&mut self, child: Self) {
        self.values = self.values.saturating_add(child.values);
        self.bytes = self.bytes.saturating_add(child.bytes);
        self.height = self.height.max(child.height + 1);
    }
}

struct Frame {
    mark: Mark,
    anchor: usize,
    weight: Weight,
    open: Open,
}

enum Open {
    Seq(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, key: Option<Key> },
}

/// A mapping's key; `<<` takes in the mappings it is given.
struct Key {
    text: Option<Arc<str>>,
    mark: Mark,
}

enum Made {
    Value(Node),
    /// A plain `<<`: a merge as a key, text as a value.
    Merge(Mark),
}

struct Builder<'a> {
    file: &'a Arc<str>,
    frames: Vec<Frame>,
    anchors: HashMap<usize, (Node, Weight)>,
    used: Weight,
    root: Option<Node>,
}

impl Builder<'_> {
    fn fault(&self, code: Code, message: impl Into<String>, mark: Mark) -> Box<Fault> {
        let mut fault = Fault::new(code, message).at(Some(mark.place(self.file)));
        fault.span = mark.span();
        Box::new(fault)
    }

    /// Takes one event; true if it ends a document.
    fn event(&mut self, event: Event<'_>, span: Span) -> Step<bool> {
        let mark = mark(span);
        match event {
            Event::DocumentStart(_, Some(version)) if (version.major, version.minor) != (1, 1) => {
                return Err(self.fault(NOT_YAML, "found incompatible YAML document", mark));
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                self.used = Weight::NONE;
                return Ok(true);
            }
            Event::Alias(id) => {
                let found = self.anchors.get(&id).cloned();
                let (node, weight) =
                    found.ok_or_else(|| self.fault(NOT_YAML, "an anchor's value refers to itself", mark))?;
                self.pay(weight, mark)?;
                self.put(Made::Value(Node { data: node.data, mark: Some(mark) }), weight, mark)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let weight = Weight::leaf(text.len());
                self.pay(weight, mark)?;
                let plain = style == ScalarStyle::Plain;
                let made = self.scalar(&text, plain, tag.as_deref(), mark)?;
                if let (Made::Value(node), true) = (&made, anchor > 0) {
                    self.anchors.insert(anchor, (node.clone(), weight));
                }
                self.put(made, weight, mark)?;
            }
            Event::SequenceStart(_, anchor, _) => self.open(Open::Seq(Vec::new()), anchor, mark)?,
            Event::MappingStart(_, anchor, _) => {
                self.open(Open::Map { entries: Vec::new(), key: None }, anchor, mark)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(mark)?,
            _ => {}
        }
        Ok(false)
    }

    fn open(&mut self, open: Open, anchor: usize, mark: Mark) -> Step<()> {
        self.pay(Weight::leaf(0), mark)?;
        if self.frames.len() >= MAX_DEPTH {
            return Err(Box::new(too_deep().at(Some(mark.place(self.file)))));
        }
        self.frames.push(Frame { mark, anchor, weight: Weight::leaf(0), open });
        Ok(())
    }

    fn close(&mut self, end: Mark) -> Step<()> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let mut mark = frame.mark;
        mark.bytes = mark.bytes.and_then(|(start, _)| end.bytes.map(|(_, end)| (start, end.max(start))));
        let data = match frame.open {
            Open::Seq(items) => Data::Seq(Arc::new(items)),
            Open::Map { entries, .. } => Data::Map(Arc::new(self.fields(entries)?)),
        };
        let node = Node { data, mark: Some(mark) };
        if frame.anchor > 0 {
            self.anchors.insert(frame.anchor, (node.clone(), frame.weight));
        }
        self.put(Made::Value(node), frame.weight, mark)
    }

    /// Books `weight` against the limits of the document.
    fn pay(&mut self, weight: Weight, mark: Mark) -> Step<()> {
        self.used.hold(weight);
        if self.used.values > MAX_VALUES {
            let message = format!("the document has more than {MAX_VALUES} values, aliases expanded");
            return Err(self.fault(OVER_LIMIT, message, mark));
        }
        if self.used.bytes > MAX_EXPANDED_BYTES {
            let message = format!("the document has more than {MAX_EXPANDED_BYTES} bytes, aliases expanded");
            return Err(self.fault(OVER_LIMIT, message, mark));
        }
        if self.frames.len() + weight.height > MAX_DEPTH {
            return Err(Box::new(too_deep().at(Some(mark.place(self.file)))));
        }
        Ok(())
    }

    /// Puts a complete value into the innermost open collection, or makes it the document's root.
    fn put(&mut self, made: Made, weight: Weight, mark: Mark) -> Step<()> {
        let as_value = |made: Made| match made {
            Made::Value(node) => node,
            Made::Merge(mark) => Node { data: Data::Str(Arc::from("<<")), mark: Some(mark) },
        };
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(as_value(made));
            return Ok(());
        };
        frame.weight.hold(weight);
        match &mut frame.open {
            Open::Seq(items) => items.push(as_value(made)),
            Open::Map { entries, key: key @ Some(_) } => {
                if let Some(key) = key.take() {
                    entries.push((key, as_value(made)));
                }
            }
            Open::Map { key, .. } => match made {
                Made::Merge(mark) => *key = Some(Key { text: None, mark }),
                Made::Value(node) => match key_text(&node.data) {
                    Ok(text) => *key = Some(Key { text: Some(text), mark }),
                    Err(message) => {
                        let fault = self.fault(NOT_YAML, message, mark);
                        return Err(match node.data {
                            Data::Map(_) => Box::new(fault.help("put text that begins with `{` in quotes")),
                            _ => fault,
                        });
                    }
                },
            },
        }
        Ok(())
    }

    fn scalar(&self, text: &str, plain: bool, tag: Option<&Tag>, mark: Mark) -> Step<Made> {
        let data = match tag.map(short) {
            None if plain && text == "<<" => return Ok(Made::Merge(mark)),
            Some(tag) if tag == "!!merge" => return Ok(Made::Merge(mark)),
            None if plain => scalar::resolve_plain(text),
            None => Data::Str(Arc::from(text)),
            Some(tag) => {
                scalar::resolve_tagged(&tag, text).map_err(|message| self.fault(WRONG_TYPE, message, mark))?
            }
        };
        if matches!(data, Data::Float(float) if !float.is_finite()) {
            let message = format!("`{text}` is a number that JSON has no word for");
            return Err(Box::new(
                self.fault(WRONG_TYPE, message, mark).help("put it in quotes if it is text"),
            ));
        }
        Ok(Made::Value(Node { data, mark: Some(mark) }))
    }

    /// Returns the fields of a mapping: those written in it, then those merged in.
    fn fields(&self, entries: Vec<(Key, Node)>) -> Step<Vec<Entry>> {
        let mut fields: Vec<Entry> = Vec::with_capacity(entries.len());
        let mut merges = Vec::new();
        let mut seen: HashMap<Arc<str>, Mark> = HashMap::with_capacity(entries.len());
        for (Key { text, mark }, value) in entries {
            let Some(key) = text else {
                merges.push(value);
                continue;
            };
            if let Some(first) = seen.insert(Arc::clone(&key), mark) {
                let key: String = key.chars().take(64).collect();
                let message =
                    format!("key `{}` already set in map, in line {}", key.escape_debug(), first.line);
                return Err(Box::new(self.fault(DUPLICATE_KEY, message, mark).help("keep one of the two")));
            }
            fields.push(Entry { key, mark: Some(mark), value });
        }
        let mut known: HashSet<Arc<str>> = seen.into_keys().collect();
        for merge in &merges {
            for entry in self.merged(merge)? {
                if known.insert(Arc::clone(&entry.key)) {
                    fields.push(entry.clone());
                }
            }
        }
        Ok(fields)
    }

    fn merged<'n>(&self, merge: &'n Node) -> Step<Vec<&'n Entry>> {
        let wrong = |node: &Node| {
            let mark = node.mark.unwrap_or(Mark { line: 1, column: 1, bytes: None });
            self.fault(NOT_YAML, "map merge requires map or sequence of maps as the value", mark)
        };
        match &merge.data {
            Data::Map(entries) => Ok(entries.iter().collect()),
            Data::Seq(items) => {
                let mut all = Vec::new();
                for item in items.iter() {
                    let Data::Map(entries) = &item.data else { return Err(wrong(item)) };
                    all.extend(entries.iter());
                }
                Ok(all)
            }
            _ => Err(wrong(merge)),
        }
    }
}

fn mark(span: Span) -> Mark {
    Mark {
        line: narrow(span.start.line()),
        column: narrow(span.start.col() + 1),
        bytes: span.byte_range().map(|range| (range.start, range.end)),
    }
}

/// Returns `!!int` for `tag:yaml.org,2002:int`, and other tags as they are.
fn short(tag: &Tag) -> String {
    let full = format!("{}{}", tag.handle(), tag.suffix());
    full.strip_prefix("tag:yaml.org,2002:").map_or(full.clone(), |core| format!("!!{core}"))
}

fn key_text(key: &Data) -> Result<Arc<str>, &'static str> {
    Ok(match key {
        Data::Str(text) => Arc::clone(text),
        Data::Bool(value) => Arc::from(value.to_string()),
        Data::Int(value) => Arc::from(value.to_string()),
        Data::Uint(value) => Arc::from(value.to_string()),
        Data::Float(value) => Arc::from(scalar::go_float_32(*value)),
        Data::Null => return Err("a key of a map may not be null"),
        Data::Seq(_) | Data::Map(_) => return Err("invalid map key: a list or an object cannot be a key"),
    })
}
