//! Expressions (expr-lang) a node or the run decides by: of hooks, of retries.
//! Not here: the language itself (see `expr`), expression tags (see `resolve`).

use super::{Turn, lookup::Asker};

impl Turn {
    /// Whether `expression` is true for a hook.
    ///
    /// # Errors
    /// Why it cannot be decided.
    pub(super) fn holds(&self, _asker: Asker, expression: &str) -> Result<bool, String> {
        Err(format!("expression `{expression}` is not supported yet"))
    }

    /// Whether `expression` is true for a hook of the run.
    ///
    /// # Errors
    /// Why it cannot be decided.
    pub(super) fn holds_for_run(&self, expression: &str, _hooked: bool) -> Result<bool, String> {
        Err(format!("expression `{expression}` is not supported yet"))
    }
}
