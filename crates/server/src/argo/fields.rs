//! The `fields` parameter: keeps the named fields of an answer (`metadata.name,status.phase`), or with a leading `-`
//! leaves them out. Source: Argo `util/fields/cleaner.go`.
//! Not here: which objects are answered.

use std::collections::BTreeSet;

use serde_json::Value;

/// Which fields of an answer are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    paths: BTreeSet<String>,
    exclude: bool,
}

impl Fields {
    /// Reads the parameter; nothing or an empty one wants everything.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let text = text.unwrap_or_default();
        let (exclude, list) = text.strip_prefix('-').map_or((false, text), |list| (true, list));
        let paths =
            list.split(',').map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned).collect();
        Self { paths, exclude }
    }

    /// Leaves out of `value` what is not wanted.
    pub(crate) fn clean(&self, value: &mut Value) {
        if !self.paths.is_empty() {
            self.walk("", value);
        }
    }

    fn walk(&self, path: &str, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(path, item)),
            Value::Object(fields) => fields.retain(|key, field| {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let named = self.paths.contains(&below);
                if named {
                    return !self.exclude;
                }
                let inside = format!("{below}.");
                let leads = self.paths.iter().any(|wanted| wanted.starts_with(&inside));
                if leads {
                    self.walk(&below, field);
                }
                leads || self.exclude
            }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cleaned(fields: &str) -> Value {
        let mut value = json!({
            "metadata": {"resourceVersion": "1"},
            "items": [{"metadata": {"name": "a"}, "status": {"phase": "Running", "nodes": {"a": {}}}}],
        });
        Fields::parse(Some(fields)).clean(&mut value);
        value
    }

    #[test]
    fn named_fields_are_kept_or_left_out() {
        assert_eq!(cleaned("").as_object().unwrap().len(), 2);
        assert_eq!(cleaned("items.status.phase"), json!({"items": [{"status": {"phase": "Running"}}]}));
        assert_eq!(cleaned("metadata"), json!({"metadata": {"resourceVersion": "1"}}));
        assert_eq!(
            cleaned("-items.status.nodes,items.metadata"),
            json!({"metadata": {"resourceVersion": "1"}, "items": [{"status": {"phase": "Running"}}]})
        );
        assert_eq!(cleaned("item"), json!({}), "a beginning of a name is not the name");
    }
}
