//! Ways to write one field anew in its text. They are guesses at how the text is laid out; the caller keeps one that
//! means what it should.
//! Not here: reading YAML (see `yaml`).

use super::{Old, new_name};
use crate::fault::Place;

/// Where a field of a map stands in a text.
struct Entry {
    /// Where its key begins, in bytes, with its quote.
    key: usize,
    /// How far its key is indented, in characters.
    column: usize,
    /// Where the text after its colon begins, in bytes.
    value: usize,
    /// The quote around its key.
    quote: &'static str,
}

/// Returns what the text may become, the nicest first.
pub(super) fn candidates(text: &str, old: &Old) -> Vec<String> {
    let Some(entry) = old.place.as_ref().and_then(|place| entry(text, place, &old.name)) else {
        return Vec::new();
    };
    let new = new_name(&old.name);
    let list = old.list.as_ref().and_then(|place| self::entry(text, place, new));
    let item = old.value.to_string();
    let rename: &[Change<'_>] = &[
        &|text, entry| in_brackets(text, entry, new, Only::Brackets),
        &|text, entry| as_item(text, entry, new),
        &|text, entry| below_as_item(text, entry, new),
        &|text, entry| in_brackets(text, entry, new, Only::Flows),
    ];
    let remove: &[Change<'_>] = &[&without_block, &without_flow];
    let add: &[Change<'_>] =
        &[&|text, list| with_item(text, list, &item), &|text, list| with_flow_item(text, list, &item)];
    match (old.name.as_str(), list) {
        ("podPriority", _) => {
            [commented(text, &entry), without_flow(text, &entry)].into_iter().flatten().collect()
        }
        (_, None) => rename.iter().filter_map(|change| change(text, &entry)).collect(),
        // the old one hides the list
        ("schedule", Some(list)) => both(text, (&entry, rename), (&list, remove)),
        (_, Some(list)) => both(text, (&entry, remove), (&list, add)),
    }
}

/// Changes the text at a field.
type Change<'a> = &'a dyn Fn(&str, &Entry) -> Option<String>;

/// Returns the texts with one change at one field and another at another; the later is done first, so that the earlier
/// is still where it was.
fn both(text: &str, one: (&Entry, &[Change<'_>]), other: (&Entry, &[Change<'_>])) -> Vec<String> {
    let (first, second) = if one.0.key > other.0.key { (one, other) } else { (other, one) };
    let of_second = |text: String| second.1.iter().filter_map(move |change| change(&text, second.0));
    first.1.iter().filter_map(|change| change(text, first.0)).flat_map(of_second).collect()
}

/// Finds a field whose key is at `place`.
fn entry(text: &str, place: &Place, name: &str) -> Option<Entry> {
    let before = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let line: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
    let key = line + text.get(line..)?.char_indices().nth(column)?.0;
    let quote =
        ["\"", "'"].into_iter().find(|quote| text.get(key..).is_some_and(|rest| rest.starts_with(quote)));
    let quote = quote.unwrap_or("");
    let after = text.get(key + quote.len()..)?.strip_prefix(name)?.strip_prefix(quote)?;
    let value = text.len() - after.trim_start().strip_prefix(':')?.len();
    Some(Entry { key, column, value, quote })
}

impl Entry {
    /// Returns the text up to the field, and its key under another name, with the colon.
    fn head(&self, text: &str, name: &str) -> Option<String> {
        Some(format!("{}{quote}{name}{quote}:", text.get(..self.key)?, quote = self.quote))
    }
    /// Returns where the field's line begins, if nothing but blanks comes before its key.
    fn line(&self, text: &str) -> Option<usize> {
        let before = text.get(..self.key)?;
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        before.get(line..)?.trim().is_empty().then_some(line)
    }
    /// Returns where the field ends in a block: behind the last line that belongs to it.
    fn block_end(&self, text: &str) -> Option<usize> {
        let mut lines = text.get(self.value..)?.split_inclusive('\n');
        let mut seen = self.value + lines.next().unwrap_or("").len();
        let mut end = seen;
        for line in lines {
            seen += line.len();
            let bare = line.trim_start();
            if bare.is_empty() || bare.starts_with('#') {
                continue;
            }
            let indent = line.len() - bare.len();
            if indent < self.column
                || (indent == self.column && !(bare.starts_with("- ") || bare.trim_end() == "-"))
            {
                break;
            }
            end = seen;
        }
        Some(end)
    }
    /// Returns where the field's value ends in a flow.
    fn flow_end(&self, text: &str) -> Option<usize> {
        let value = text.get(self.value..)?;
        let blanks = value.len() - value.trim_start().len();
        Some(self.value + blanks + flow_end(value.trim_start())?)
    }
}

/// What is put into brackets.
#[derive(PartialEq)]
enum Only {
    /// A map in braces, wherever it stands.
    Brackets,
    /// Whatever stands in a flow.
    Flows,
}

/// `mutex: {name: m}` becomes `mutexes: [{name: m}]`.
fn in_brackets(text: &str, entry: &Entry, new: &str, only: Only) -> Option<String> {
    let end = entry.flow_end(text)?;
    let value = text.get(entry.value..end)?.trim();
    if only == Only::Brackets && !value.starts_with('{') {
        return None;
    }
    Some(format!("{} [{value}]{}", entry.head(text, new)?, text.get(end..)?))
}

/// `schedule: x # why` becomes `schedules:` with `- x # why` below.
fn as_item(text: &str, entry: &Entry, new: &str) -> Option<String> {
    let rest = text.get(entry.value..)?.trim_start_matches(' ');
    if rest.starts_with(['\n', '\r', '#']) {
        return None;
    }
    Some(format!("{}\n{}- {rest}", entry.head(text, new)?, " ".repeat(entry.column)))
}

/// Makes the block below a key the one item of a list.
fn below_as_item(text: &str, entry: &Entry, new: &str) -> Option<String> {
    let end = entry.block_end(text)?;
    let mut out = entry.head(text, new)?;
    let mut lines = text.get(entry.value..end)?.split_inclusive('\n');
    out.push_str(lines.next()?);
    let mut began = false;
    for line in lines {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        if bare.is_empty() {
            out.push_str(line);
        } else if began {
            out.push_str("  ");
            out.push_str(line);
        } else if bare.starts_with('#') {
            out.push_str(line);
        } else {
            began = true;
            out.push_str(&" ".repeat(indent));
            out.push_str("- ");
            out.push_str(bare);
        }
    }
    out.push_str(text.get(end..)?);
    Some(out)
}

/// Leaves a field out that has lines of its own.
fn without_block(text: &str, entry: &Entry) -> Option<String> {
    Some(format!("{}{}", text.get(..entry.line(text)?)?, text.get(entry.block_end(text)?..)?))
}

/// Makes a comment of a field that has lines of its own.
fn commented(text: &str, entry: &Entry) -> Option<String> {
    let (line, end) = (entry.line(text)?, entry.block_end(text)?);
    let indent = " ".repeat(entry.column);
    let was = text.get(entry.key..end)?.trim_end();
    let was = was.replace('\n', " ");
    Some(format!(
        "{}{indent}# {was} (gone in Argo 4, which has podPriorityClassName)\n{}",
        text.get(..line)?,
        text.get(end..)?
    ))
}

/// Leaves a field out of a flow, with one comma.
fn without_flow(text: &str, entry: &Entry) -> Option<String> {
    let (before, after) = (text.get(..entry.key)?, text.get(entry.flow_end(text)?..)?);
    if let Some(rest) = after.trim_start().strip_prefix(',') {
        return Some(format!("{before}{}", rest.strip_prefix(' ').unwrap_or(rest)));
    }
    let before = before.trim_end();
    Some(format!("{}{after}", before.strip_suffix(',').unwrap_or(before)))
}

/// Puts an item, written as JSON, at the end of a list that has a line for each.
fn with_item(text: &str, list: &Entry, item: &str) -> Option<String> {
    let end = list.block_end(text)?;
    let below = text.get(list.value..end)?;
    let first = below.split('\n').skip(1).find(|line| line.trim_start().starts_with('-'))?;
    let indent = first.get(..first.len() - first.trim_start().len())?;
    let gap = if below.ends_with('\n') { "" } else { "\n" };
    Some(format!("{}{gap}{indent}- {item}\n{}", text.get(..end)?, text.get(end..)?))
}

/// Puts an item, written as JSON, at the end of a list in brackets.
fn with_flow_item(text: &str, list: &Entry, item: &str) -> Option<String> {
    let end = list.flow_end(text)?;
    let items = text.get(list.value..end)?.strip_suffix(']')?.trim_end();
    let comma = if items.trim_start() == "[" { "" } else { ", " };
    Some(format!("{}{items}{comma}{item}]{}", text.get(..list.value)?, text.get(end..)?))
}

/// Returns where a value of a flow ends.
fn flow_end(value: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut characters = value.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some('"'), '\\') => {
                characters.next();
            }
            (Some(open), _) => {
                if character == open {
                    quote = None;
                }
            }
            (None, '"' | '\'') => quote = Some(character),
            (None, '{' | '[') => depth += 1,
            (None, ',' | '}' | ']' | '\n') if depth == 0 => return Some(at),
            (None, '}' | ']') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (None, _) => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(value.len())
}
