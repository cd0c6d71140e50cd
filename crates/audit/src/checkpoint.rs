//! The signed head of the log: takes the size and the root, gives a note anybody can check with the log's public key.
//! Not here: where the key is kept and made (`runner`), when a checkpoint is due (`store`).
//! Source: C2SP `tlog-checkpoint`, `signed-note` (signature type 0x01, Ed25519).
//! Invariant: a [`Checkpoint`] read by [`Checkpoint::open`] was signed by the key it was opened with.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{AuditError, merkle::Hash};

/// The largest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 16 * 1024;
/// The most signatures of one note that are looked at.
pub const MAX_SIGNATURES: usize = 32;
const ED25519_TYPE: u8 = 1;
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// The head of the log at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it covers.
    pub size: u64,
    /// The root of the tree of these entries.
    pub root: Hash,
}

/// The key that signs the log. The key material is wiped from memory when the key is dropped.
pub struct LogKey {
    pair: Ed25519KeyPair,
    public: LogPublicKey,
}

/// The key that the log's signatures are checked with, and the log's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPublicKey {
    origin: String,
    key: [u8; 32],
}

impl std::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl LogKey {
    /// Returns the key in `pkcs8` (Ed25519, PKCS #8 version 1 or 2). The log's name is made of its public part, so two
    /// logs never share a name.
    ///
    /// # Errors
    /// [`AuditError::BadKey`].
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, AuditError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8)
            .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8))
            .map_err(|rejected| AuditError::BadKey(rejected.to_string()))?;
        let public = LogPublicKey::of(pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }
    /// Returns the public part.
    pub const fn public(&self) -> &LogPublicKey {
        &self.public
    }
    /// Returns the signed note that says that the log's first `size` entries have the root `root`.
    pub fn sign(&self, size: u64, root: Hash) -> String {
        let text = Checkpoint { origin: self.public.origin.clone(), size, root }.text();
        let mut signature = self.public.key_id().to_vec();
        signature.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        format!("{text}\n{SIGNATURE_PREFIX}{} {}\n", self.public.origin, STANDARD.encode(signature))
    }
}

impl LogPublicKey {
    fn of(key: &[u8]) -> Result<Self, AuditError> {
        let key: [u8; 32] =
            key.try_into().map_err(|_| AuditError::BadKey("a public key has 32 bytes".to_owned()))?;
        let name = digest(&SHA256, &key)
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        Ok(Self { origin: format!("marque.dev/log/{name}"), key })
    }
    /// Returns the log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }
    fn key_id(&self) -> [u8; 4] {
        let mut text = self.origin.as_bytes().to_vec();
        text.extend_from_slice(&[b'\n', ED25519_TYPE]);
        text.extend_from_slice(&self.key);
        let mut id = [0; 4];
        for (to, from) in id.iter_mut().zip(digest(&SHA256, &text).as_ref()) {
            *to = *from;
        }
        id
    }
    /// Reads a key in the text form of `signed-note`: `name+key id+base64 of type and key`.
    ///
    /// # Errors
    /// [`AuditError::BadKey`].
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        let bad = |why: &str| AuditError::BadKey(why.to_owned());
        let mut parts = text.trim_end().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("it is not of the form `name+id+key`"));
        };
        let key = STANDARD.decode(key).map_err(|_| bad("the key is not base64"))?;
        let Some((&ED25519_TYPE, key)) = key.split_first() else {
            return Err(bad("it is not an Ed25519 key"));
        };
        let public = Self::of(key)?;
        let hex_id: String = public.key_id().iter().map(|byte| format!("{byte:02x}")).collect();
        if public.origin != name || hex_id != id {
            return Err(bad("its name and id are not those of the key"));
        }
        Ok(public)
    }
}

impl std::fmt::Display for LogPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+", self.origin)?;
        for byte in self.key_id() {
            write!(f, "{byte:02x}")?;
        }
        let mut key = vec![ED25519_TYPE];
        key.extend_from_slice(&self.key);
        write!(f, "+{}", STANDARD.encode(key))
    }
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads a signed note and checks that it is a checkpoint of this key's log, signed by this key. Signatures of other
    /// keys (witnesses) may follow and are not looked at.
    ///
    /// # Errors
    /// [`AuditError::BadCheckpoint`] or [`AuditError::BadSignature`].
    pub fn open(note: &str, key: &LogPublicKey) -> Result<Self, AuditError> {
        let bad = |why: &str| AuditError::BadCheckpoint(why.to_owned());
        if note.len() > MAX_NOTE_BYTES {
            return Err(bad("it is too long"));
        }
        if note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(bad("it holds a control character"));
        }
        let (text, signatures) =
            note.split_once("\n\n").ok_or_else(|| bad("no empty line parts the text from the signatures"))?;
        let checkpoint = Self::parse(text)?;
        if checkpoint.origin != key.origin {
            return Err(bad("it is the checkpoint of another log"));
        }
        let lines = signatures.strip_suffix('\n').ok_or_else(|| bad("the last line does not end"))?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(bad("it has too many signatures"));
        }
        let mut signed = false;
        for line in lines.split('\n') {
            let (name, signature) = signature(line).ok_or_else(|| bad("a signature line is malformed"))?;
            let Some((id, signature)) = signature.split_first_chunk::<4>() else {
                return Err(bad("a signature line is malformed"));
            };
            if name == key.origin && *id == key.key_id() {
                let verifier = UnparsedPublicKey::new(&ED25519, &key.key);
                let message = format!("{text}\n");
                verifier.verify(message.as_bytes(), signature).map_err(|_| AuditError::BadSignature)?;
                signed = true;
            }
        }
        if signed { Ok(checkpoint) } else { Err(AuditError::BadSignature) }
    }

    fn parse(text: &str) -> Result<Self, AuditError> {
        let bad = |why: &str| AuditError::BadCheckpoint(why.to_owned());
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(bad("it does not have three lines"));
        };
        let plain = size == "0" || (!size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit()));
        let size =
            size.parse().ok().filter(|_| plain).ok_or_else(|| bad("the size is not a decimal number"))?;
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::try_from(root).ok());
        let root = root.ok_or_else(|| bad("the root is not the base64 of 32 bytes"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, signature) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let signature = STANDARD.decode(signature).ok()?;
    (!name.is_empty() && !name.contains('+')).then_some((name, signature))
}

#[cfg(test)]
mod tests;
