//! A Secret, as it is written and as it is kept. Not here: the key it is sealed with.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroize;

use crate::argo::{AnyString, ObjectMeta};

/// Values that are not to be seen, by key: written in clear, or kept sealed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Secret {
    /// `v1`.
    pub api_version: String,
    /// `Secret`.
    pub kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// What it is for, as `Opaque`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub secret_type: Option<String>,
    /// The values, base64.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub data: IndexMap<String, SecretValue>,
    /// Further values, as texts; they come before `data`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub string_data: IndexMap<String, SecretValue>,
    /// Whether it may not change any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// All values together, sealed with the server's key, base64; then `data` and `stringData` are empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

/// A value that is not to be seen: its `Debug` form tells nothing, and its bytes are overwritten in the end.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SecretValue(String);

impl SecretValue {
    /// Returns `text` as a value that is not to be seen.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// Returns the text; whoever asks takes care of it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

impl Drop for SecretValue {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<'de> Deserialize<'de> for SecretValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AnyString::deserialize(deserializer).map(|text| Self(text.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretValue};
    use crate::manifest::{Manifest, parse};

    #[test]
    fn the_values_of_a_secret_are_not_in_its_debug_form() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\ndata: {k: aHVudGVyMg==}\n";
        let parsed = parse("s.yaml", text).unwrap();
        let Manifest::Secret(written) = &parsed[0] else { panic!("{parsed:?}") };
        assert_eq!(written.object.string_data["password"].expose(), "hunter2");
        let shown = format!("{parsed:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
    }

    #[test]
    fn a_sealed_secret_is_read_back_as_it_was() {
        let secret = Secret { sealed: Some("AAAA".to_owned()), ..Secret::default() };
        let text = serde_json::to_string(&secret).unwrap();
        assert_eq!(serde_json::from_str::<Secret>(&text).unwrap(), secret);
        assert_eq!(SecretValue::new("x").expose(), "x");
    }
}
