//! Paths with slashes (Go's `path`; `filepath` is the same here) and URLs.

use std::collections::BTreeMap;

use super::Args;
use crate::lang::{Machine, Value};

pub(super) const NAMES: &[&str] = &[
    "base", "dir", "clean", "ext", "isAbs", "osBase", "osClean", "osDir", "osExt", "osIsAbs", "urlParse",
    "urlJoin",
];

pub(super) fn call(name: &str, args: &Args<'_>, _: &mut Machine<'_>) -> Result<Value, String> {
    args.exactly(1)?;
    if name == "urlJoin" {
        return join(args.map(0)?).map(Value::text);
    }
    let text = args.text(0)?;
    Ok(match name.trim_start_matches("os").to_lowercase().as_str() {
        "base" => {
            let trimmed = text.trim_end_matches('/');
            Value::text(match (text.is_empty(), trimmed) {
                (true, _) => ".",
                (false, "") => "/",
                (false, path) => path.rsplit('/').next().unwrap_or(path),
            })
        }
        "dir" => {
            let before = text.rfind('/').and_then(|at| text.get(..=at)).unwrap_or("");
            Value::text(clean(before))
        }
        "clean" => Value::text(clean(text)),
        "ext" => {
            let last = text.rsplit('/').next().unwrap_or(text);
            Value::text(last.rfind('.').and_then(|at| last.get(at..)).unwrap_or(""))
        }
        "isabs" => Value::Bool(text.starts_with('/')),
        _ => parse(text)?,
    })
}

fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            _ => kept.push(part),
        }
    }
    match (rooted, kept.is_empty()) {
        (true, _) => format!("/{}", kept.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => kept.join("/"),
    }
}

fn parse(text: &str) -> Result<Value, String> {
    if text.chars().any(char::is_control) {
        return Err(format!(
            "unable to parse url: parse {text:?}: net/url: invalid control character in URL"
        ));
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, after))
            if scheme.starts_with(|one: char| one.is_ascii_alphabetic())
                && scheme.bytes().all(|one| one.is_ascii_alphanumeric() || b"+-.".contains(&one)) =>
        {
            (scheme.to_lowercase(), after)
        }
        Some(("", _)) => {
            return Err(format!("unable to parse url: parse {text:?}: missing protocol scheme"));
        }
        _ => (String::new(), rest),
    };
    let opaque = if !scheme.is_empty() && !rest.starts_with('/') { rest } else { "" };
    let rest = if opaque.is_empty() { rest } else { "" };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(after) => after.find('/').and_then(|at| after.split_at_checked(at)).unwrap_or((after, "")),
        None => ("", rest),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let name = host
        .strip_prefix('[')
        .and_then(|inner| inner.split_once(']'))
        .map_or_else(|| host.split(':').next().unwrap_or(host), |(inner, _)| inner);
    let fields = [
        ("scheme", scheme.as_str()),
        ("host", host),
        ("hostname", name),
        ("path", path),
        ("query", query),
        ("opaque", opaque),
        ("fragment", fragment),
        ("userinfo", user),
    ];
    let fields: BTreeMap<String, Value> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), Value::text(*value))).collect();
    Ok(Value::map(fields))
}

fn join(fields: &BTreeMap<String, Value>) -> Result<String, String> {
    let field = |name: &str| match fields.get(name) {
        None => Ok(""),
        Some(Value::Text(text)) => Ok(&**text),
        Some(other) => Err(format!(
            "unable to parse {name} key, must be of type string, but {} found",
            other.type_name()
        )),
    };
    let (scheme, host, path, opaque) = (field("scheme")?, field("host")?, field("path")?, field("opaque")?);
    let (query, fragment, user) = (field("query")?, field("fragment")?, field("userinfo")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(scheme);
        out.push(':');
    }
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            if !host.is_empty() || !path.is_empty() || !user.is_empty() {
                out.push_str("//");
            }
            if !user.is_empty() {
                out.push_str(user);
                out.push('@');
            }
            out.push_str(host);
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(path);
    } else {
        out.push_str(opaque);
    }
    if !query.is_empty() {
        out.push('?');
        out.push_str(query);
    }
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(fragment);
    }
    Ok(out)
}
