//! The limits untrusted text meets, by name.

/// The largest manifest or request body, in bytes.
pub const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// The deepest nesting of a manifest.
pub const MAX_DEPTH: usize = 100;
/// The most values of a manifest, aliases expanded.
pub const MAX_VALUES: usize = 1_000_000;
/// The most documents in one file.
pub const MAX_DOCUMENTS: usize = 10_000;
/// The longest name, in bytes (RFC 1123 subdomain).
pub const MAX_NAME_BYTES: usize = 253;
/// The longest workflow name, in bytes (Argo `workflow/validate`).
pub const MAX_WORKFLOW_NAME_BYTES: usize = 63;
/// The longest CronWorkflow name, in bytes: the times of its runs are appended (Argo `workflow/validate`).
pub const MAX_CRON_WORKFLOW_NAME_BYTES: usize = 52;
/// The most nodes a run may have.
pub const MAX_NODES: usize = 200_000;
/// The deepest recursion through templates (Argo `docs/scaling.md`).
pub const MAX_RECURSION: usize = 100;
/// The most bytes of a manifest's scalars, aliases expanded.
pub const MAX_EXPANDED_BYTES: usize = 4 * MAX_TEXT_BYTES;
/// The most parameters and artifacts of a workflow, a template or a call (Argo's CRDs take 500 parameters).
pub const MAX_PARAMETERS: usize = 1_000;
