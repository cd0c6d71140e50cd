//! Upper and lower case: titles, snake, camel and kebab case (huandu/xstrings, Masterminds/goutils).

use super::Args;
use crate::lang::{Machine, Value};

pub(super) const NAMES: &[&str] =
    &["title", "untitle", "swapcase", "snakecase", "camelcase", "kebabcase", "shuffle"];

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    args.exactly(1)?;
    let text = args.text(0)?;
    Ok(Value::text(match name {
        "title" => each_word(text, |one| one.to_uppercase().collect()),
        "untitle" => each_word(text, |one| one.to_lowercase().collect()),
        "swapcase" => swapped(text),
        "snakecase" => delimited(text, '_'),
        "kebabcase" => delimited(text, '-'),
        "camelcase" => pascal(text),
        _ => shuffled(text, machine),
    }))
}

/// Changes the first letter of each word, a word beginning behind what is no letter, digit or underscore.
fn each_word(text: &str, change: impl Fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for one in text.chars() {
        if inside {
            out.push(one);
        } else {
            out.push_str(&change(one));
        }
        inside = one.is_alphanumeric() || one == '_' || one == '\'' && inside;
    }
    out
}

fn swapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        if one.is_uppercase() {
            out.extend(one.to_lowercase());
        } else if one.is_lowercase() {
            out.extend(one.to_uppercase());
        } else {
            out.push(one);
        }
    }
    out
}

/// Words of camel case and of spaces, joined by a connector, in lower case; a number stands alone.
fn delimited(text: &str, connector: char) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len().saturating_add(8));
    let is_joint = |one: char| one == '_' || one == '-' || one.is_whitespace();
    let mut previous: Option<char> = None;
    for (at, one) in chars.iter().copied().enumerate() {
        if is_joint(one) {
            out.push(connector);
            previous = None;
            continue;
        }
        let next = chars.get(at.saturating_add(1)).copied();
        let breaks = match previous {
            None => false,
            Some(before) if one.is_uppercase() => {
                before.is_lowercase()
                    || before.is_numeric()
                    || before.is_uppercase() && next.is_some_and(char::is_lowercase)
            }
            Some(_) => false,
        };
        if breaks {
            out.push(connector);
        }
        out.extend(one.to_lowercase());
        previous = Some(one);
    }
    out
}

/// Words joined without their connectors, each with a capital; capitals that follow a word's first become small.
/// Source: huandu/xstrings v1.5 `ToPascalCase`.
fn pascal(text: &str) -> String {
    let is_joint = |one: char| one == '_' || one == '-' || one.is_whitespace();
    let head = text.find(|one| !is_joint(one)).unwrap_or(text.len());
    let (leading, rest) = text.split_at(head);
    let mut out = String::from(leading);
    let mut within_capitals = false;
    let mut joints = String::new();
    let mut begins = true;
    for one in rest.chars() {
        if is_joint(one) {
            joints.push(one);
            begins = true;
            continue;
        }
        // of several connectors in a row, all but one stay
        out.extend(joints.drain(..).skip(1));
        if begins {
            within_capitals = one.is_uppercase();
            out.extend(one.to_uppercase());
        } else if within_capitals && one.is_uppercase() {
            out.extend(one.to_lowercase());
        } else {
            within_capitals = false;
            out.push(one);
        }
        begins = false;
    }
    // at the end they stay
    out.push_str(&joints);
    out
}

fn shuffled(text: &str, machine: &Machine<'_>) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for at in (1..chars.len()).rev() {
        let bound = u64::try_from(at).unwrap_or(u64::MAX).saturating_add(1);
        let other = usize::try_from(machine.env.draw() % bound).unwrap_or(0);
        chars.swap(at, other);
    }
    chars.into_iter().collect()
}
