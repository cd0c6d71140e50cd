//! What parameters may be: a small part of JSON Schema, or KubeVela's `kube.parameters`.
//! A keyword that is not carried out is a fault, since it would promise a check that never happens.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::faults::{BAD_DEFINITION, BAD_PROPERTIES};
use crate::{
    argo::{AnyString, WorkflowTemplate},
    fault::Fault,
    manifest::Written,
    oam::ComponentDefinition,
    yaml::did_you_mean,
};

/// The most bytes a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// What the parameters of a component may be.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParameterSchema {
    fields: BTreeMap<String, Field>,
    required: BTreeSet<String>,
    open: bool,
}

#[derive(Debug, Clone, Default)]
struct Field {
    kind: Option<Kind>,
    pattern: Option<Regex>,
    choices: Option<Vec<Value>>,
    default: Option<Value>,
    /// The template's parameters that take the value.
    targets: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Integer,
    Boolean,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "number" => Self::Number,
            "integer" => Self::Integer,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }
    const fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
        }
    }
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
        }
    }
    fn fits_text(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
            Self::Integer => text.parse::<i128>().is_ok(),
            Self::Boolean => matches!(text, "true" | "false"),
        }
    }
}

/// Where in which definition a schema is written.
struct Source<'a> {
    definition: &'a Written<ComponentDefinition>,
    faults: &'a mut Vec<Fault>,
}

impl Source<'_> {
    fn wrong(&mut self, message: String, path: &str) {
        self.faults.push(Fault::new(BAD_DEFINITION, message).at(self.definition.place_of(path)));
    }
    fn pattern(&mut self, value: &Value, path: &str) -> Option<Regex> {
        let compiled = value.as_str().map(compile);
        match compiled {
            Some(Ok(pattern)) => Some(pattern),
            _ => {
                self.wrong("`pattern` is not a regular expression that is supported".to_owned(), path);
                None
            }
        }
    }
}

/// Returns the regular expression of `pattern`, kept small.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).build()
}

impl ParameterSchema {
    /// Reads a JSON Schema of one object with scalar properties.
    pub(super) fn of_json_schema(
        definition: &Written<ComponentDefinition>,
        path: &str,
        schema: &Value,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut source = Source { definition, faults };
        let mut read = Self { open: true, ..Self::default() };
        let Some(keywords) = schema.as_object() else {
            source.wrong("a parameter schema must be an object".to_owned(), path);
            return read;
        };
        for (keyword, value) in keywords {
            let path = format!("{path}.{keyword}");
            match (keyword.as_str(), value) {
                ("type", Value::String(kind)) if kind == "object" => {}
                ("title" | "description" | "$schema", Value::String(_)) => {}
                ("additionalProperties", Value::Bool(open)) => read.open = *open,
                ("required", Value::Array(names)) => {
                    read.required = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                }
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        let field = field(&mut source, &format!("{path}.{name}"), name, property);
                        read.fields.insert(name.clone(), field);
                    }
                }
                _ => source.wrong(format!("`{keyword}` is not supported so in a parameter schema"), &path),
            }
        }
        for name in read.required.clone() {
            if !read.open && !read.fields.contains_key(&name) {
                source.wrong(
                    format!("`{name}` is required but not among the properties"),
                    &format!("{path}.required"),
                );
            }
        }
        read
    }

    /// Reads KubeVela's list of parameters with the fields they go to.
    pub(super) fn of_kube(
        definition: &Written<ComponentDefinition>,
        path: &str,
        list: &Value,
        template: &WorkflowTemplate,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut source = Source { definition, faults };
        let mut read = Self::default();
        let Some(items) = list.as_array() else {
            source.wrong("`kube.parameters` must be a list".to_owned(), path);
            return read;
        };
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Some(name) = item.get("name").and_then(Value::as_str) else {
                source.wrong("a parameter needs a `name`".to_owned(), &path);
                continue;
            };
            let kind = item.get("type").and_then(Value::as_str).and_then(Kind::of);
            if kind.is_none() {
                let message =
                    format!("the `type` of parameter `{name}` must be `string`, `number` or `boolean`");
                source.wrong(message, &path);
            }
            let mut targets = Vec::new();
            for target in item.get("fieldPaths").and_then(Value::as_array).into_iter().flatten() {
                match target.as_str().and_then(|target| argument(target, template)) {
                    Some(parameter) => targets.push(parameter),
                    None => {
                        let message = format!("{target} is no value of a parameter of the template");
                        source.wrong(message, &format!("{path}.fieldPaths"));
                    }
                }
            }
            if item.get("required") == Some(&Value::Bool(true)) {
                read.required.insert(name.to_owned());
            }
            read.fields.insert(name.to_owned(), Field { kind, targets, ..Field::default() });
        }
        read
    }

    /// Returns the schema of a template alone: its parameters are the properties.
    pub(super) fn of_template(template: &WorkflowTemplate) -> Self {
        let parameters = template.spec.arguments.parameters.iter();
        let field = |name: &String| Field { targets: vec![name.clone()], ..Field::default() };
        Self { fields: parameters.map(|p| (p.name.clone(), field(&p.name))).collect(), ..Self::default() }
    }

    /// Returns the values of the template's parameters that `properties` give; faults are reported with the
    /// property they concern.
    pub(super) fn values(
        &self,
        properties: &Map<String, Value>,
        mut wrong: impl FnMut(Option<&str>, Fault),
    ) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        for (name, value) in properties {
            let Some(field) = self.fields.get(name) else {
                if self.open {
                    values.insert(name.clone(), text(value));
                } else {
                    let known: Vec<&str> = self.fields.keys().map(String::as_str).collect();
                    let mut fault = Fault::new(BAD_PROPERTIES, format!("unknown property `{}`", cut(name)));
                    fault.help = did_you_mean(name, &known);
                    wrong(Some(name), fault);
                }
                continue;
            };
            if value.is_null() {
                continue;
            }
            match field.refuses(name, value) {
                Some(why) => wrong(Some(name), Fault::new(BAD_PROPERTIES, why)),
                None => values.extend(field.targets.iter().map(|target| (target.clone(), text(value)))),
            }
        }
        let given = |name: &str| properties.get(name).is_some_and(|value| !value.is_null());
        for (name, field) in self.fields.iter().filter(|(name, _)| !given(name)) {
            if let Some(default) = &field.default {
                values.extend(field.targets.iter().map(|target| (target.clone(), text(default))));
            } else if self.required.contains(name) {
                wrong(None, Fault::new(BAD_PROPERTIES, format!("property `{name}` is missing")));
            }
        }
        for name in self.required.iter().filter(|name| !self.fields.contains_key(*name) && !given(name)) {
            wrong(None, Fault::new(BAD_PROPERTIES, format!("property `{name}` is missing")));
        }
        values
    }

    /// Returns why the template's parameter `parameter` may not be `value`, if so.
    pub(crate) fn refuses(&self, parameter: &str, value: &str) -> Option<String> {
        let mut fields =
            self.fields.iter().filter(|(_, field)| field.targets.iter().any(|target| target == parameter));
        fields.find_map(|(name, field)| field.refuses_text(name, value))
    }
}

impl Field {
    fn refuses(&self, name: &str, value: &Value) -> Option<String> {
        if let Some(kind) = self.kind.filter(|kind| !kind.fits(value)) {
            return Some(format!("property `{name}` must be {}", kind.words()));
        }
        if value.is_array() || value.is_object() {
            return Some(format!("property `{name}` must be text, a number, or true or false"));
        }
        if self.choices.as_ref().is_some_and(|choices| !choices.contains(value)) {
            return Some(self.not_a_choice(name, &text(value)));
        }
        self.misses_pattern(name, &text(value))
    }
    fn refuses_text(&self, name: &str, value: &str) -> Option<String> {
        if let Some(kind) = self.kind.filter(|kind| !kind.fits_text(value)) {
            return Some(format!("parameter `{name}` must be {}", kind.words()));
        }
        if self.choices.as_ref().is_some_and(|choices| !choices.iter().any(|choice| text(choice) == value)) {
            return Some(self.not_a_choice(name, value));
        }
        self.misses_pattern(name, value)
    }
    fn misses_pattern(&self, name: &str, value: &str) -> Option<String> {
        let pattern = self.pattern.as_ref().filter(|pattern| !pattern.is_match(value))?;
        Some(format!("`{}` of `{name}` does not match `{pattern}`", cut(value)))
    }
    fn not_a_choice(&self, name: &str, value: &str) -> String {
        let choices = self.choices.iter().flatten().map(|choice| format!("`{}`", text(choice)));
        format!("`{}` of `{name}` is none of {}", cut(value), choices.collect::<Vec<_>>().join(", "))
    }
}

/// Reads one property of a JSON Schema.
fn field(source: &mut Source<'_>, path: &str, name: &str, property: &Value) -> Field {
    let mut field = Field { targets: vec![name.to_owned()], ..Field::default() };
    let Some(keywords) = property.as_object() else {
        source.wrong(format!("the schema of `{name}` must be an object"), path);
        return field;
    };
    for (keyword, value) in keywords {
        let path = format!("{path}.{keyword}");
        match (keyword.as_str(), value) {
            ("type", Value::String(kind)) if Kind::of(kind).is_some() => field.kind = Kind::of(kind),
            ("title" | "description", Value::String(_)) => {}
            ("pattern", value) => field.pattern = source.pattern(value, &path),
            ("enum", Value::Array(choices)) if !choices.is_empty() => field.choices = Some(choices.clone()),
            ("default", value) => field.default = Some(value.clone()),
            _ => source.wrong(format!("`{keyword}` is not supported so in the schema of `{name}`"), &path),
        }
    }
    if field.pattern.is_some() && field.kind.is_none_or(|kind| kind != Kind::Text) {
        source.wrong(format!("`pattern` needs `type: string` in the schema of `{name}`"), path);
    }
    let wrong_default = field.default.as_ref().and_then(|default| field.refuses(name, default));
    if let Some(why) = wrong_default {
        source.wrong(format!("the default does not fit: {why}"), &format!("{path}.default"));
    }
    field
}

/// Returns the parameter whose value `path` (`spec.arguments.parameters[0].value`) is.
fn argument(path: &str, template: &WorkflowTemplate) -> Option<String> {
    let index = path.strip_prefix("spec.arguments.parameters[")?.strip_suffix("].value")?;
    let parameter = template.spec.arguments.parameters.get(index.parse::<usize>().ok()?)?;
    Some(parameter.name.clone())
}

/// Returns a scalar as Argo writes it into a parameter.
fn text(value: &Value) -> String {
    serde_json::from_value::<AnyString>(value.clone()).map_or_else(|_| value.to_string(), |text| text.0)
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect::<String>().escape_debug().to_string()
}
