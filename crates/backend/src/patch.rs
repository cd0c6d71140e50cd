//! `podSpecPatch`: a change of the pod as a whole, in YAML or JSON.
//! Not here: which of its fields mean something on one machine (`plan`).

use serde_json::Value;

/// Returns the patch that `text` is; `None` if it is neither JSON nor YAML.
pub(crate) fn read(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    model::yaml::parse("podSpecPatch", text).ok()?.first().map(model::yaml::Document::value)
}
