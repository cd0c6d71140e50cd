//! Names of things, checked once: RFC 1123 labels and subdomains, and the references built of them.
//! Invariant: no name holds a slash, a dot-dot, a control character or more than the named limits.

use std::fmt;

use crate::{
    fault::{Code, Fault},
    limits::MAX_NAME_BYTES,
};

/// A name that is not an RFC 1123 subdomain.
pub const BAD_NAME: Code = Code("MDL0001");

/// Checks that `text` is an RFC 1123 subdomain: lower-case letters, digits, `-` and `.`, each label
/// beginning and ending with a letter or digit, 253 bytes at most.
///
/// # Errors
/// A fault with [`BAD_NAME`] that names `what` and the text (cut to 64 characters).
pub fn check_subdomain(what: &str, text: &str) -> Result<(), Fault> {
    let label = |label: &str| {
        let alnum = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = label.as_bytes();
        alnum(bytes.first())
            && alnum(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    if text.len() <= MAX_NAME_BYTES && text.split('.').all(label) {
        return Ok(());
    }
    let shown: String = text.chars().take(64).collect();
    Err(Fault::new(BAD_NAME, format!("{what} `{}` is not a valid name", shown.escape_debug())).help(
        "use lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit, at most 253 characters",
    ))
}

/// A namespace and a name in it; in text `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespacedName {
    /// The namespace.
    pub namespace: String,
    /// The name within it.
    pub name: String,
}

impl NamespacedName {
    /// Returns the reference to `name` in `namespace`; both are taken as they are.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Names an IdentityScope.
pub type ScopeRef = NamespacedName;

/// Names a component of an Application; in text `namespace/application/component`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentRef {
    /// The Application's namespace.
    pub namespace: String,
    /// The Application's name.
    pub application: String,
    /// The component's name within the Application.
    pub component: String,
}

impl fmt::Display for ComponentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.application, self.component)
    }
}
