//! Identifiers: one registry of kinds, a prefix in text form. Ids arrive made; nothing here makes one up.
//! Not here: Argo's node ids, which are derived from names (see `argo::node_id`).

use std::{fmt, marker::PhantomData, str::FromStr};

use uuid::Uuid;

/// The registry of kinds of identifier.
pub mod kind {
    /// The kind of thing an [`super::Id`] names, and its prefix in text form.
    pub trait Kind {
        /// The prefix in text form, without the separating underscore.
        const PREFIX: &'static str;
    }
    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name;
            impl Kind for $name { const PREFIX: &'static str = $prefix; }
        )*};
    }
    kinds! {
        /// One execution of a workflow; its UUID is the Argo object's `metadata.uid`.
        Run = "run";
        /// One `apply` of manifests: a revision of everything it changed.
        Apply = "apply";
        /// One attempt written to the audit log.
        Attempt = "att";
        /// One login session.
        Session = "ses";
        /// One minted run token (its `jti`).
        Token = "tok";
    }
}
use kind::Kind;

/// An identifier of a `K`; in text, the prefix of the kind, an underscore and a UUID.
pub struct Id<K> {
    value: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// Names one execution of a workflow.
pub type RunId = Id<kind::Run>;
/// Names one `apply` of manifests.
pub type ApplyId = Id<kind::Apply>;
/// Names one attempt in the audit log.
pub type AttemptId = Id<kind::Attempt>;
/// Names one login session.
pub type SessionId = Id<kind::Session>;
/// Names one minted run token.
pub type TokenId = Id<kind::Token>;

impl<K> Id<K> {
    /// Returns the identifier with this UUID.
    pub const fn from_uuid(value: Uuid) -> Self {
        Self { value, kind: PhantomData }
    }
    /// Returns the bare UUID, as Argo's `metadata.uid` spells it.
    pub const fn uuid(&self) -> Uuid {
        self.value
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}
impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.value)
    }
}
impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_<uuid>`")]
pub struct BadId {
    text: String,
    prefix: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId { text: text.chars().take(64).collect(), prefix: K::PREFIX };
        let bare = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or_else(bad)?;
        Uuid::parse_str(bare).map(Self::from_uuid).map_err(|_| bad())
    }
}
