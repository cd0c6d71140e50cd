//! Strings: cut, trim, wrap, quote, replace, split, join.

use std::collections::BTreeMap;

use super::{Args, convert, size};
use crate::lang::{Machine, Value, print, split};

pub(super) const NAMES: &[&str] = &[
    "hello",
    "abbrev",
    "abbrevboth",
    "trunc",
    "trim",
    "upper",
    "lower",
    "substr",
    "repeat",
    "trimall",
    "trimAll",
    "trimSuffix",
    "trimPrefix",
    "nospace",
    "initials",
    "wrap",
    "wrapWith",
    "contains",
    "hasPrefix",
    "hasSuffix",
    "quote",
    "squote",
    "cat",
    "indent",
    "nindent",
    "replace",
    "plural",
    "toString",
    "toStrings",
    "split",
    "splitList",
    "splitn",
    "join",
    "sortAlpha",
];

fn texts(parts: Vec<String>) -> Value {
    Value::array(parts.into_iter().map(Value::text).collect())
}

fn bytes(text: &str, from: usize, to: usize) -> String {
    String::from_utf8_lossy(text.as_bytes().get(from..to.min(text.len())).unwrap_or_default()).into_owned()
}

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    let wanted = match name {
        "hello" => Some(0),
        "trim" | "upper" | "lower" | "nospace" | "initials" | "toString" | "toStrings" | "sortAlpha" => {
            Some(1)
        }
        "quote" | "squote" | "cat" => None,
        "abbrevboth" | "substr" | "wrapWith" | "replace" | "plural" | "splitn" => Some(3),
        _ => Some(2),
    };
    if let Some(wanted) = wanted {
        args.exactly(wanted)?;
    }
    let flag =
        |test: &dyn Fn(&str, &str) -> bool| Ok::<_, String>(Value::Bool(test(args.text(1)?, args.text(0)?)));
    Ok(match name {
        "hello" => Value::text("Hello!"),
        "trim" => Value::text(args.text(0)?.trim()),
        "upper" => Value::text(args.text(0)?.to_uppercase()),
        "lower" => Value::text(args.text(0)?.to_lowercase()),
        "nospace" => Value::text(args.text(0)?.replace(char::is_whitespace, "")),
        "initials" => {
            let words = args.text(0)?.split_whitespace();
            Value::text(words.filter_map(|word| word.chars().next()).collect::<String>())
        }
        "trimall" | "trimAll" => {
            let set = args.text(0)?;
            Value::text(args.text(1)?.trim_matches(|one| set.contains(one)))
        }
        "trimPrefix" => {
            let text = args.text(1)?;
            Value::text(text.strip_prefix(args.text(0)?).unwrap_or(text))
        }
        "trimSuffix" => {
            let text = args.text(1)?;
            Value::text(text.strip_suffix(args.text(0)?).unwrap_or(text))
        }
        "contains" => return flag(&|text, part| text.contains(part)),
        "hasPrefix" => return flag(&|text, part| text.starts_with(part)),
        "hasSuffix" => return flag(&|text, part| text.ends_with(part)),
        "trunc" => Value::text(trunc(args.int(0)?, args.text(1)?)),
        "substr" => Value::text(substr(args.int(0)?, args.int(1)?, args.text(2)?)?),
        "abbrev" => Value::text(abbrev(0, args.int(0)?, args.text(1)?)),
        "abbrevboth" => Value::text(abbrev(args.int(0)?, args.int(1)?, args.text(2)?)),
        "repeat" => {
            let (count, text) = (args.int(0)?, args.text(1)?);
            if count < 0 {
                return Err("strings: negative Repeat count".to_owned());
            }
            machine.grow(text.len().saturating_mul(size(count)))?;
            Value::text(text.repeat(size(count)))
        }
        "replace" => {
            let (old, new, text) = (args.text(0)?, args.text(1)?, args.text(2)?);
            machine.grow(text.matches(old).count().saturating_mul(new.len()))?;
            Value::text(text.replace(old, new))
        }
        "wrap" => Value::text(wrap(args.text(1)?, args.int(0)?, "\n", false)),
        "wrapWith" => {
            machine.grow(args.text(2)?.len().saturating_mul(args.text(1)?.len().saturating_add(1)))?;
            Value::text(wrap(args.text(2)?, args.int(0)?, args.text(1)?, true))
        }
        "quote" | "squote" => {
            let parts: Vec<String> = args
                .rest(0)
                .iter()
                .filter(|one| !one.is_nil())
                .map(|one| {
                    let text = convert::to_text(one);
                    if name == "quote" { print::quoted(&text) } else { format!("'{text}'") }
                })
                .collect();
            Value::text(parts.join(" "))
        }
        "cat" => {
            let parts: Vec<String> =
                args.rest(0).iter().filter(|one| !one.is_nil()).map(convert::to_text).collect();
            Value::text(parts.join(" "))
        }
        "indent" | "nindent" => {
            let width = size(args.int(0)?);
            let text = args.text(1)?;
            machine.grow(width.saturating_mul(text.matches('\n').count().saturating_add(1)))?;
            let pad = " ".repeat(width);
            let body = format!("{pad}{}", text.replace('\n', &format!("\n{pad}")));
            Value::text(if name == "indent" { body } else { format!("\n{body}") })
        }
        "plural" => {
            let at = if args.int(2)? == 1 { 0 } else { 1 };
            Value::text(args.text(at)?)
        }
        "toString" => Value::text(convert::to_text(args.get(0))),
        "toStrings" => texts(convert::to_texts(args.get(0))),
        "sortAlpha" => {
            let mut parts = convert::to_texts(args.get(0));
            parts.sort();
            texts(parts)
        }
        "splitList" => {
            let parts = split(args.text(1)?, args.text(0)?, -1, false);
            machine.grow(parts.len())?;
            texts(parts.into_iter().map(str::to_owned).collect())
        }
        "split" => numbered(split(args.text(1)?, args.text(0)?, -1, false)),
        "splitn" => numbered(split(args.text(2)?, args.text(0)?, args.int(1)?, false)),
        _ => Value::text(convert::to_texts(args.get(1)).join(args.text(0)?)),
    })
}

/// `{"_0": …, "_1": …}`.
fn numbered(parts: Vec<&str>) -> Value {
    let fields: BTreeMap<String, Value> =
        parts.into_iter().enumerate().map(|(at, part)| (format!("_{at}"), Value::text(part))).collect();
    Value::map(fields)
}

fn trunc(count: i64, text: &str) -> String {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if count < 0 && length.saturating_add(count) > 0 {
        return bytes(text, size(length.saturating_add(count)), text.len());
    }
    if count >= 0 && length > count {
        return bytes(text, 0, size(count));
    }
    text.to_owned()
}

fn substr(start: i64, end: i64, text: &str) -> Result<String, String> {
    if start < 0 {
        return if size(end) > text.len() || end < 0 {
            Err(format!("runtime error: slice bounds out of range [:{end}] with length {}", text.len()))
        } else {
            Ok(bytes(text, 0, size(end)))
        };
    }
    let (from, to) = (size(start), if end < 0 || size(end) > text.len() { text.len() } else { size(end) });
    if from > to {
        return Err(format!("runtime error: slice bounds out of range [{from}:{to}]"));
    }
    Ok(bytes(text, from, to))
}

/// goutils `AbbreviateFull`.
fn abbrev(left: i64, width: i64, text: &str) -> String {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if width < 4 || left > 0 && width < 7 || length <= width {
        return text.to_owned();
    }
    let offset = left.min(length);
    let offset = if length.saturating_sub(offset) < width.saturating_sub(3) {
        length.saturating_sub(width.saturating_sub(3))
    } else {
        offset
    };
    if offset <= 4 {
        return format!("{}...", bytes(text, 0, size(width.saturating_sub(3))));
    }
    let from = size(offset);
    if offset.saturating_add(width).saturating_sub(3) < length {
        let rest = bytes(text, from, text.len());
        return format!("...{}", abbrev(0, width.saturating_sub(3), &rest));
    }
    format!("...{}", bytes(text, size(length.saturating_sub(width.saturating_sub(3))), text.len()))
}

/// goutils `WrapCustom`: breaks at spaces, long words only if asked to.
fn wrap(text: &str, width: i64, line: &str, long_words: bool) -> String {
    let width = size(width).max(1);
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len().saturating_add(32));
    let mut offset: usize = 0;
    let slice = |from: usize, to: usize| -> String {
        chars.get(from..to.min(chars.len())).unwrap_or_default().iter().collect()
    };
    while chars.len().saturating_sub(offset) > width {
        if chars.get(offset) == Some(&' ') {
            offset = offset.saturating_add(1);
            continue;
        }
        let end = offset.saturating_add(width);
        let window = chars.get(offset..end.saturating_add(1).min(chars.len())).unwrap_or_default();
        let space = window.iter().rposition(|one| *one == ' ').map(|at| offset.saturating_add(at));
        match space {
            Some(at) if at >= offset => {
                out.push_str(&slice(offset, at));
                out.push_str(line);
                offset = at.saturating_add(1);
            }
            _ if long_words => {
                out.push_str(&slice(offset, end));
                out.push_str(line);
                offset = end;
            }
            _ => {
                let next =
                    chars.iter().skip(end).position(|one| *one == ' ').map(|at| at.saturating_add(end));
                match next {
                    Some(at) => {
                        out.push_str(&slice(offset, at));
                        out.push_str(line);
                        offset = at.saturating_add(1);
                    }
                    None => {
                        out.push_str(&slice(offset, chars.len()));
                        offset = chars.len();
                    }
                }
            }
        }
    }
    out.push_str(&slice(offset, chars.len()));
    out
}
