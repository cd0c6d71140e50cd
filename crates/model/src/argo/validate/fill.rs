//! Templates with their tags filled in, as far as that can be before the workflow runs. Source: Argo
//! `workflow/common/util.go` ProcessArgs, SubstituteParams.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    globals::{Globals, PLACEHOLDER, placeholder},
    walk::Given,
};
use crate::argo::{AnyString, Artifact, Template};

/// Returns the template with its inputs set and its tags filled in.
pub(super) fn filled(template: &Template, given: Given<'_>, globals: &Globals, locals: &[&str]) -> Template {
    let mut copy = template.clone();
    for parameter in &mut copy.inputs.parameters {
        match given {
            Given::Anything => {
                parameter.value =
                    Some(AnyString(placeholder(&format!("inputs.parameters.{}", parameter.name))));
                parameter.value_from = None;
            }
            Given::Arguments(arguments) => {
                if parameter.value.is_none() {
                    parameter.value.clone_from(&parameter.default);
                }
                if let Some(argument) = arguments.parameters.iter().find(|other| other.name == parameter.name)
                {
                    parameter.value.clone_from(&argument.value);
                    parameter.value_from = argument.value_from.clone().filter(|_| argument.value.is_none());
                }
            }
        }
    }
    for input in &mut copy.inputs.artifacts {
        let argument = match given {
            Given::Anything => Some(Artifact { name: input.name.clone(), ..Artifact::default() }),
            Given::Arguments(arguments) => {
                arguments.artifacts.iter().find(|other| other.name == input.name).cloned()
            }
        };
        if let Some(argument) = argument {
            *input = Artifact {
                path: std::mem::take(&mut input.path),
                mode: input.mode,
                recurse_mode: input.recurse_mode,
                ..argument
            };
        }
    }
    let Ok(mut json) = serde_json::to_value(&copy) else { return copy };
    let global = |name: &str| {
        let local = locals.contains(&name).then(|| placeholder(name));
        local.or_else(|| globals.value(name))
    };
    replace_all(&mut json, &global);
    let inputs = inputs(&json);
    if json.to_string().contains("{{") {
        replace_all(&mut json, &|name| inputs.get(name).cloned());
    }
    serde_json::from_value(json).unwrap_or(copy)
}

/// Returns what the tags for the template's own inputs and outputs are filled in with.
fn inputs(template: &Value) -> HashMap<String, String> {
    let list = |at: &str| template.pointer(at).and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(ToOwned::to_owned);
    let mut known = HashMap::new();
    for parameter in list("/inputs/parameters") {
        if let (Some(name), Some(value)) = (text(parameter, "/name"), text(parameter, "/value")) {
            known.insert(format!("inputs.parameters.{name}"), value);
        }
    }
    known.insert("inputs.parameters".to_owned(), placeholder("inputs.parameters"));
    for (at, path) in [
        ("inputs/artifacts", "/path"),
        ("outputs/artifacts", "/path"),
        ("outputs/parameters", "/valueFrom/path"),
    ] {
        for one in list(&format!("/{at}")) {
            if let (Some(name), Some(path)) = (text(one, "/name"), text(one, path)) {
                known.insert(format!("{}.{name}.path", at.replace('/', ".")), path);
            }
        }
    }
    known
}

fn replace_all(value: &mut Value, known: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) if text.contains("}}") => *text = replaced(text, known),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_all(item, known)),
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains("}}")) {
                let old = std::mem::take(fields);
                fields.extend(old.into_iter().map(|(key, value)| (replaced(&key, known), value)));
            }
            fields.values_mut().for_each(|value| replace_all(value, known));
        }
        _ => {}
    }
}

/// Returns `text` with each innermost tag that is known replaced, and each expression by something to come.
fn replaced(text: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    // nothing before it can be the beginning of a tag any more
    let mut barrier = 0;
    let mut parts = text.split("}}").peekable();
    while let Some(part) = parts.next() {
        out.push_str(part);
        if parts.peek().is_none() {
            break;
        }
        let open = out.get(barrier..).and_then(|rest| rest.rfind("{{")).map(|at| at + barrier);
        let tag = open.and_then(|open| out.get(open + 2..)).map(str::trim);
        let value = match tag {
            Some(tag) if tag.starts_with('=') => Some(format!("{PLACEHOLDER}0")),
            Some(tag) => known(tag),
            None => None,
        };
        match (open, value) {
            (Some(open), Some(value)) => {
                out.truncate(open);
                out.push_str(&value);
                if value.contains("{{") {
                    barrier = out.len();
                }
            }
            _ => {
                out.push_str("}}");
                barrier = out.len();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn innermost_tags_are_filled_in_and_others_are_left() {
        let known = |name: &str| match name {
            "a" => Some("1".to_owned()),
            "t" => Some("{{b}}".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("{{a}}", "1"),
            ("x{{ a }}y{{a}}", "x1y1"),
            ("{{steps.s-{{a}}.status}}", "{{steps.s-1.status}}"),
            ("{{b}} {{a}}", "{{b}} 1"),
            ("{{b.{{c}}}}", "{{b.{{c}}}}"),
            ("{{t}}}}", "{{b}}}}"),
            ("}} {{a", "}} {{a"),
            ("{{=x}}", "placeholder-5d0c8b2e-0"),
        ] {
            assert_eq!(replaced(text, &known), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_filled_in(text in "[{}ab= é]{0,40}") {
            let once = replaced(&text, &|name| (name == "a").then(|| "x".to_owned()));
            proptest::prop_assert!(once.matches("{{a}}").count() == 0 || text.contains("{{a}}"));
        }
    }
}
