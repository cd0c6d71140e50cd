//! The Secrets that an artifact's place names, and their values.
//! Not here: where Secrets are kept and who may have them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use model::argo::{KeySelector, Location};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::DriverError;

/// The values by Secret and key. They are in no `Debug` form.
#[derive(Default, Clone)]
pub struct Secrets(pub BTreeMap<String, BTreeMap<String, Zeroizing<Vec<u8>>>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Returns the bytes that a selector means; none if there is no selector.
    ///
    /// # Errors
    /// [`DriverError::NoSecret`] if the selector is not optional.
    pub fn bytes(&self, selector: Option<&KeySelector>) -> Result<Option<&[u8]>, DriverError> {
        let Some(selector) = selector else { return Ok(None) };
        match self.0.get(&selector.name).and_then(|secret| secret.get(&selector.key)) {
            Some(value) => Ok(Some(value)),
            None if selector.optional == Some(true) => Ok(None),
            None => Err(DriverError::NoSecret { name: selector.name.clone(), key: selector.key.clone() }),
        }
    }
    /// Returns the text that a selector means, without white space around it; none if there is no selector.
    pub(crate) fn text(&self, selector: Option<&KeySelector>) -> Result<Option<&str>, DriverError> {
        let Some(bytes) = self.bytes(selector)? else { return Ok(None) };
        let text = std::str::from_utf8(bytes).map_err(|_| {
            let (name, key) = selector.map(|s| (s.name.as_str(), s.key.as_str())).unwrap_or_default();
            DriverError::BadArtifact(format!("key `{key}` of secret `{name}` is not text"))
        })?;
        Ok(Some(text.trim()))
    }
}

/// Returns the names of the Secrets that a place names, wherever in its fields: every selector is a field whose name ends
/// in `Secret`. Source: Argo `workflow_types.go`.
pub fn secret_names(at: &Location) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(&at.fields(), &mut names);
    names
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    for (field, inner) in value.as_object().into_iter().flatten() {
        let name = inner.get("name").and_then(Value::as_str);
        match name {
            Some(name) if field.ends_with("Secret") => {
                names.insert(name.to_owned());
            }
            _ => collect(inner, names),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::argo::Location;
    use serde_json::json;

    use super::secret_names;

    #[test]
    fn every_selector_of_every_driver_is_found() {
        for (driver, fields, expected) in [
            (
                "s3",
                json!({"accessKeySecret": {"name": "a", "key": "k"}, "secretKeySecret": {"name": "b", "key": "k"},
                    "caSecret": {"name": "c", "key": "k"}, "sessionTokenSecret": {"name": "d", "key": "k"},
                    "encryptionOptions": {"serverSideCustomerKeySecret": {"name": "e", "key": "k"}}}),
                vec!["a", "b", "c", "d", "e"],
            ),
            (
                "http",
                json!({"url": "u", "auth": {"basicAuth": {"usernameSecret": {"name": "a", "key": "k"}},
                    "oauth2": {"clientIDSecret": {"name": "b", "key": "k"}, "tokenURLSecret": {"name": "c", "key": "k"}},
                    "clientCert": {"clientCertSecret": {"name": "d", "key": "k"}}}}),
                vec!["a", "b", "c", "d"],
            ),
            ("git", json!({"repo": "r", "sshPrivateKeySecret": {"name": "a", "key": "k"}}), vec!["a"]),
            ("gcs", json!({"serviceAccountKeySecret": {"name": "a", "key": "k"}}), vec!["a"]),
            ("azure", json!({"accountKeySecret": {"name": "a", "key": "k"}}), vec!["a"]),
            ("raw", json!({"data": "x"}), vec![]),
        ] {
            let at = Location::of_driver(driver, &fields).unwrap();
            assert_eq!(Vec::from_iter(secret_names(&at)), expected, "{driver}");
        }
    }
}
