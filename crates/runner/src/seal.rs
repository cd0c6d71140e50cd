//! Secrets at rest: sealed with the server's key (AES-256-GCM), bound to namespace and name, opened only when a pod needs
//! them. Not here: where the key is kept (`keys`), who may have a Secret's values (`policy`).
//! Invariant: what the store is given of a Secret is its sealed form.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use indexmap::IndexMap;
use model::{
    Code, Fault,
    core::{Secret, SecretValue},
    manifest::Manifest,
};
use zeroize::Zeroizing;

use crate::RunnerError;

/// A Secret that cannot be read.
const BAD_SECRET: Code = Code("RUN0010");
/// The most bytes all values of a Secret have together. Source: Kubernetes `MaxSecretSize`.
const MAX_SECRET_BYTES: usize = 1024 * 1024;
/// What the sealed form begins with, for later forms.
const VERSION: u8 = 1;

/// The key that seals Secrets; it is never shown.
pub struct SealingKey(RandomizedNonceKey);

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// The bytes of a Secret's values by key, overwritten in the end.
pub(crate) type Values = IndexMap<String, Zeroizing<Vec<u8>>>;

impl SealingKey {
    /// Returns the key made of 32 bytes; `None` if there are more or fewer.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes).ok().map(Self)
    }

    /// Returns the manifest as it may be kept: a Secret is sealed, anything else is as it was. A Secret with the values
    /// that `known` (the one that is kept) has keeps its sealed form, so that it counts as unchanged.
    ///
    /// # Errors
    /// A fault if a value is not base64, there is too much of them, or a client sends a sealed form.
    pub(crate) fn sealed(&self, mut manifest: Manifest, known: Option<&Secret>) -> Result<Manifest, Fault> {
        let place = manifest.place();
        if let Manifest::Secret(written) = &mut manifest {
            self.seal(&mut written.object, known)
                .map_err(|message| Fault::new(BAD_SECRET, message).at(place))?;
        }
        Ok(manifest)
    }

    fn seal(&self, secret: &mut Secret, known: Option<&Secret>) -> Result<(), String> {
        if secret.sealed.is_some() {
            return Err("`sealed` is the server's to write; give `data` or `stringData`".to_owned());
        }
        let values = values_of(secret)?;
        if let Some(known) = known
            && self.open(known).is_ok_and(|old| old == values)
        {
            secret.sealed.clone_from(&known.sealed);
        } else {
            secret.sealed = Some(self.closed(secret, &values)?);
        }
        secret.data.clear();
        secret.string_data.clear();
        Ok(())
    }

    fn closed(&self, secret: &Secret, values: &Values) -> Result<String, String> {
        let written: IndexMap<&str, String> =
            values.iter().map(|(key, value)| (key.as_str(), STANDARD.encode(value.as_slice()))).collect();
        let mut text = Zeroizing::new(
            serde_json::to_vec(&written).map_err(|_| "the values cannot be written".to_owned())?,
        );
        let (nonce, tag) = self
            .0
            .seal_in_place_separate_tag(Aad::from(bound_to(secret)), &mut text)
            .map_err(|_| "the values cannot be sealed".to_owned())?;
        let mut whole = vec![VERSION];
        whole.extend_from_slice(nonce.as_ref());
        whole.extend_from_slice(&text);
        whole.extend_from_slice(tag.as_ref());
        Ok(STANDARD.encode(whole))
    }

    /// Returns the values of a sealed Secret.
    ///
    /// # Errors
    /// [`RunnerError::Conflict`] if it was not sealed with this key, for this name.
    pub(crate) fn open(&self, secret: &Secret) -> Result<Values, RunnerError> {
        let unreadable = || {
            RunnerError::Conflict(format!("secret `{}` was not sealed by this server", secret.metadata.name))
        };
        let sealed = secret.sealed.as_deref().ok_or_else(unreadable)?;
        let whole = STANDARD.decode(sealed).map_err(|_| unreadable())?;
        let Some((&VERSION, rest)) = whole.split_first() else { return Err(unreadable()) };
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(unreadable)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = self
            .0
            .open_in_place(Nonce::from(nonce), Aad::from(bound_to(secret)), &mut text)
            .map_err(|_| unreadable())?;
        let written: IndexMap<String, SecretValue> =
            serde_json::from_slice(opened).map_err(|_| unreadable())?;
        let bytes = |(key, value): (String, SecretValue)| {
            Some((key, Zeroizing::new(STANDARD.decode(value.expose()).ok()?)))
        };
        written.into_iter().map(bytes).collect::<Option<_>>().ok_or_else(unreadable)
    }
}

fn bound_to(secret: &Secret) -> Vec<u8> {
    format!("marque secret {}/{}", secret.metadata.namespace, secret.metadata.name).into_bytes()
}

fn values_of(secret: &Secret) -> Result<Values, String> {
    let mut values = Values::new();
    for (key, value) in &secret.data {
        let bytes = STANDARD.decode(value.expose().trim().as_bytes()).map_err(|_| {
            format!("the value of `data.{}` is not base64; write it under `stringData`", key.escape_debug())
        })?;
        values.insert(key.clone(), Zeroizing::new(bytes));
    }
    for (key, value) in &secret.string_data {
        values.insert(key.clone(), Zeroizing::new(value.expose().as_bytes().to_vec()));
    }
    values.sort_unstable_keys();
    let size: usize = values.iter().map(|(key, value)| key.len().saturating_add(value.len())).sum();
    if size > MAX_SECRET_BYTES {
        return Err(format!("the values have {size} bytes, {MAX_SECRET_BYTES} are allowed"));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use model::{
        core::Secret,
        manifest::{Manifest, parse},
    };

    use super::SealingKey;

    fn secret(text: &str) -> Manifest {
        let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: lab}\n";
        parse("s.yaml", &format!("{head}{text}\n")).unwrap().remove(0)
    }

    fn inner(manifest: &Manifest) -> &Secret {
        match manifest {
            Manifest::Secret(written) => &written.object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_secret_is_sealed_opened_and_bound_to_its_name() {
        let key = SealingKey::from_bytes(&[7; 32]).unwrap();
        let sealed = key.sealed(secret("stringData: {a: hunter2}\ndata: {b: AAE=}"), None).unwrap();
        assert!(!sealed.to_json().to_string().contains("hunter2"));
        let values = key.open(inner(&sealed)).unwrap();
        assert_eq!((values["a"].as_slice(), values["b"].as_slice()), (&b"hunter2"[..], &[0, 1][..]));
        let mut renamed = inner(&sealed).clone();
        "other".clone_into(&mut renamed.metadata.name);
        assert!(key.open(&renamed).is_err());
        assert!(SealingKey::from_bytes(&[8; 32]).unwrap().open(inner(&sealed)).is_err());
    }

    #[test]
    fn the_same_values_keep_their_sealed_form_and_others_do_not() {
        let key = SealingKey::from_bytes(&[7; 32]).unwrap();
        let first = key.sealed(secret("stringData: {a: x}"), None).unwrap();
        let same = key.sealed(secret("data: {a: eA==}"), Some(inner(&first))).unwrap();
        assert_eq!(inner(&same).sealed, inner(&first).sealed);
        let other = key.sealed(secret("stringData: {a: y}"), Some(inner(&first))).unwrap();
        assert_ne!(inner(&other).sealed, inner(&first).sealed);
    }

    #[test]
    fn a_client_cannot_send_a_sealed_form_nor_what_is_not_base64() {
        let key = SealingKey::from_bytes(&[7; 32]).unwrap();
        assert!(key.sealed(secret("sealed: AAAA"), None).is_err());
        let fault = key.sealed(secret("data: {a: '###'}"), None).unwrap_err();
        assert!(
            fault.message.contains("`data.a` is not base64") && !fault.message.contains("###"),
            "{fault}"
        );
    }
}
