//! Expressions (expr-lang): tags `{{=…}}`, what hooks and retries decide by, outputs and artifacts that are
//! computed. What they may refer to is gathered by name only when there is an expression.
//! Source: Argo `util/template/expression_template.go`, `scope.go`. Not here: the language (see `expr::lang`).

use std::collections::{BTreeMap, HashSet};

use expr::{
    Lookup,
    lang::{Env, Expression, Value, evaluate, evaluate_bool},
};
use serde_json::Value as Json;

use super::{Turn, inputs::ARGO_ROOTS, lookup::Asker};

/// What an expression may refer to, by full name.
pub(super) type Variables = Vec<(String, Value)>;

/// The field of a value that stands for an artifact: what refers to it.
const ARTIFACT: &str = "from";

/// The fields of a step or task that every node may have.
const FIELDS: &[&str] =
    &["id", "ip", "status", "startedAt", "finishedAt", "hostNodeName", "exitCode", "outputs.result"];

/// Whether there is an expression tag in `text`.
pub(super) fn has_expressions(text: &str) -> bool {
    text.contains("{{=")
}

/// Whether there is an expression tag in a text of `json`.
pub(crate) fn any_in(json: &Json) -> bool {
    let mut open = vec![json];
    while let Some(value) = open.pop() {
        match value {
            Json::String(text) if has_expressions(text) => return true,
            Json::Array(items) => open.extend(items),
            Json::Object(fields) => open.extend(fields.values()),
            _ => {}
        }
    }
    false
}

/// Returns `variables` as those of expressions.
pub(super) fn of_texts<'a>(variables: impl IntoIterator<Item = (&'a String, &'a String)>) -> Variables {
    variables.into_iter().map(|(name, text)| (name.clone(), Value::text(text))).collect()
}

/// Returns the words of a text that may be names of steps and tasks.
fn words(text: &str) -> HashSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let whole = text.split(move |c| !is_part(c)).filter(|word| !word.is_empty());
    whole.flat_map(|word| std::iter::once(word).chain(word.split('-'))).collect()
}

impl Turn {
    pub(super) fn env(&self, variables: &Variables) -> Env {
        let draws = self.draws.get();
        self.draws.set(draws.wrapping_add(1));
        let (high, low) = self.run.id.uuid().as_u64_pair();
        let moment = self.now.as_nanosecond().to_le_bytes();
        let moment =
            moment.into_iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let seed = high ^ low.rotate_left(17) ^ moment ^ draws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut env = Env::new(self.now, seed);
        env.set_dotted(variables.iter().map(|(name, value)| (name.as_str(), value.clone())));
        env
    }

    /// Replaces the expression tags of `text`. What cannot be computed yet stays as it is written, unless `strict`
    /// and it refers to what is Argo's, or to nothing at all.
    ///
    /// # Errors
    /// Why an expression has no value.
    pub(super) fn expand_text(&self, text: &str, known: &Variables, strict: bool) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{=") {
            let Some((source, next)) = after.split_once("}}") else { break };
            out.push_str(before);
            match self.computed(source, known, strict)? {
                Some(value) => out.push_str(&value),
                None => {
                    out.push_str("{{=");
                    out.push_str(source);
                    out.push_str("}}");
                }
            }
            if out.len() > expr::MAX_OUTPUT_BYTES {
                return Err(format!(
                    "a text with its tags replaced is longer than {} bytes",
                    expr::MAX_OUTPUT_BYTES
                ));
            }
            rest = next;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn computed(&self, source: &str, known: &Variables, strict: bool) -> Result<Option<String>, String> {
        let parsed = Expression::parse(source);
        let refused = |reason: String| {
            let ours = match &parsed {
                Ok(expression) => {
                    let roots = expression.roots();
                    roots.is_empty() || roots.iter().any(|root| ARGO_ROOTS.contains(&root.as_str()))
                }
                Err(_) => true,
            };
            if strict && ours { Err(format!("failed to evaluate expression: {reason}")) } else { Ok(None) }
        };
        let expression = match &parsed {
            Ok(expression) => expression,
            Err(error) => return refused(error.to_string()),
        };
        let env = self.env(known);
        if let Some(missing) = expression.late_bound_missing(&env) {
            return refused(format!("variable not in env: {missing}"));
        }
        match evaluate(source, &env) {
            Err(error) => refused(error.to_string()),
            Ok(Value::Nil) => refused(format!("`{}` is nil", source.trim())),
            Ok(value) => match value.to_tag_text() {
                Ok(text) => Ok(Some(text)),
                Err(error) => refused(error.to_string()),
            },
        }
    }

    /// Replaces the expression tags in every text of `json`.
    ///
    /// # Errors
    /// As [`Turn::expand_text`].
    pub(super) fn expand_json(&self, json: &mut Json, known: &Variables, strict: bool) -> Result<(), String> {
        let mut open = vec![json];
        while let Some(value) = open.pop() {
            match value {
                Json::String(text) if has_expressions(text) => {
                    *text = self.expand_text(text, known, strict)?
                }
                Json::Array(items) => open.extend(items),
                Json::Object(fields) => open.extend(fields.values_mut()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns what is known everywhere in the workflow.
    pub(super) fn known_globally(&self, hooked: bool) -> Variables {
        let mut known = of_texts(self.run.live.variables.iter());
        let mut add = |name: &str| {
            if let Lookup::Text(text) = self.global(name, hooked) {
                known.push((name.to_owned(), Value::text(text)));
            }
        };
        add("workflow.duration");
        if hooked {
            self.run.live.exit_variables.keys().for_each(|name| add(name));
        }
        for output in self.run.status.outputs.iter().flat_map(|outputs| &outputs.parameters) {
            add(&format!("workflow.outputs.parameters.{}", output.name));
        }
        known
    }

    /// Returns what an expression in `text` may refer to within a steps or DAG node.
    pub(super) fn known_within(&mut self, asker: Asker, text: &str) -> Variables {
        let mut known = self.known_globally(asker.hooked);
        let Some(frame) = self.run.live.frame(asker.boundary) else { return known };
        known.extend(of_texts(&frame.names.0));
        known.extend(of_texts(&frame.names.1));
        for name in frame.artifacts.keys() {
            known.push(artifact(format!("inputs.artifacts.{name}")));
        }
        let words = words(text);
        let about = asker.about.and_then(|at| self.run.live.slots.get(at)?.hooks.as_ref());
        let mut calls: Vec<String> = words
            .iter()
            .filter(|word| frame.children.contains_key(**word))
            .map(|word| (*word).to_owned())
            .collect();
        calls.extend(about.map(|hooks| hooks.call.clone()));
        calls.sort_unstable();
        calls.dedup();
        for call in calls {
            self.know_child(asker, &call, &mut known);
        }
        known
    }

    fn know_child(&mut self, asker: Asker, call: &str, known: &mut Variables) {
        let root = match self.run.live.slots.get(asker.boundary).map(|slot| &slot.body) {
            Some(crate::live::Body::Dag(_)) => "tasks",
            _ => "steps",
        };
        let Some((parameters, artifacts)) = self.outputs_of_child(asker, call) else { return };
        let mut fields: Vec<String> = FIELDS.iter().map(|field| (*field).to_owned()).collect();
        fields.push("outputs.parameters".to_owned());
        fields.extend(parameters.iter().map(|name| format!("outputs.parameters.{name}")));
        for field in fields {
            let name = format!("{root}.{call}.{field}");
            match self.scoped(asker, &name) {
                Ok(Lookup::Text(text)) => known.push((name, Value::text(text))),
                Ok(Lookup::Absent) => known.push((name, Value::Nil)),
                Ok(Lookup::Unknown) | Err(_) => {}
            }
        }
        for output in artifacts {
            known.push(artifact(format!("{root}.{call}.outputs.artifacts.{output}")));
        }
        // The node of a hook is also known by the name it is shown under, which an item has in it.
        if let Some(node) = asker.about.and_then(|at| self.node(at))
            && node.display_name != call
        {
            let name = format!("{root}.{}.status", node.display_name);
            known.push((name, Value::text(node.phase.as_str())));
        }
    }

    /// Whether `expression` is true for a hook.
    ///
    /// # Errors
    /// Why it cannot be decided.
    pub(super) fn holds(&mut self, asker: Asker, expression: &str) -> Result<bool, String> {
        let mut known = self.known_within(asker, expression);
        known.extend(self.known_to_hooks());
        evaluate_bool(expression, &self.env(&known)).map_err(|error| error.to_string())
    }

    /// Whether `expression` is true for a hook of the run.
    ///
    /// # Errors
    /// Why it cannot be decided.
    pub(super) fn holds_for_run(&self, expression: &str, hooked: bool) -> Result<bool, String> {
        let mut known = self.known_globally(hooked);
        known.extend(self.known_to_hooks());
        evaluate_bool(expression, &self.env(&known)).map_err(|error| error.to_string())
    }

    fn known_to_hooks(&self) -> Variables {
        vec![("workflow.status".to_owned(), Value::text(self.status_for_hooks().as_str()))]
    }

    /// Whether `expression` is true for a failed attempt.
    ///
    /// # Errors
    /// Why it cannot be decided.
    pub(super) fn holds_for_retry(
        &self,
        expression: &str,
        last: &BTreeMap<&'static str, String>,
        hooked: bool,
    ) -> Result<bool, String> {
        let mut known = self.known_globally(hooked);
        known.extend(last.iter().map(|(name, value)| (format!("lastRetry.{name}"), Value::text(value))));
        evaluate_bool(expression, &self.env(&known)).map_err(|error| error.to_string())
    }

    /// Returns the text an expression gives within a steps or DAG node; `None` if it is nil.
    ///
    /// # Errors
    /// Why it has no value.
    pub(super) fn text_within(&mut self, asker: Asker, expression: &str) -> Result<Option<String>, String> {
        let known = self.known_within(asker, expression);
        match evaluate(expression, &self.env(&known)) {
            Ok(Value::Nil) => Ok(None),
            Ok(value) => Ok(Some(value.to_string())),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns the reference to an artifact that an expression gives within a steps or DAG node.
    ///
    /// # Errors
    /// Why it gives none.
    pub(super) fn artifact_within(&mut self, asker: Asker, expression: &str) -> Result<String, String> {
        let known = self.known_within(asker, expression);
        let unable = |reason: String| format!("unable to resolve expression: {reason}");
        match evaluate(expression, &self.env(&known)) {
            Ok(Value::Map(fields)) => match fields.get(ARTIFACT) {
                Some(Value::Text(reference)) => Ok(reference.to_string()),
                _ => Err(unable(format!("`{expression}` gives no artifact"))),
            },
            Ok(_) => Err(unable(format!("`{expression}` gives no artifact"))),
            Err(error) => Err(unable(error.to_string())),
        }
    }
}

/// Returns what stands for an artifact.
fn artifact(reference: String) -> (String, Value) {
    let value = Value::map(BTreeMap::from([(ARTIFACT.to_owned(), Value::text(&reference))]));
    (reference, value)
}
