//! What an apply will change: takes the current objects and those given, gives the catalog that results and the plan that
//! makes it so. Pure; `--dry-run` prints the plan, [`crate::Store::apply`] writes it.

use std::collections::BTreeMap;

use model::{ApplyId, Code, canonical::canonical_json, catalog::Catalog, fault::Fault, manifest::Manifest};

use crate::witness::lines_digest;

/// The same object twice in one apply.
pub const GIVEN_TWICE: Code = Code("STO0101");
/// An object of a kind that is not kept.
pub const NOT_KEPT: Code = Code("STO0102");

/// What an apply changes: decided from the catalog, printed by `--dry-run`, written by [`crate::Store::apply`].
#[derive(Debug, Clone)]
pub struct ApplyPlan {
    /// The id of the revision it makes.
    pub id: ApplyId,
    /// The revision the plan was made against.
    pub base: Option<ApplyId>,
    /// Objects to write (new or changed).
    pub write: Vec<Manifest>,
    /// What happens to each object given, in order: `created`, `configured` or `unchanged`, with kind/namespace/name.
    pub changes: Vec<(String, &'static str)>,
    /// SHA-256 over the canonical objects to write, a line each, hexadecimal.
    pub digest: String,
}

type Key = (&'static str, String, String);

/// Returns the catalog after `new` is applied over `current`, and the plan that makes it so. What is given as it already is
/// is `unchanged` and not written.
///
/// # Errors
/// Every fault of the whole.
pub fn plan_apply(
    current: &[Manifest],
    base: Option<ApplyId>,
    new: Vec<Manifest>,
    id: ApplyId,
) -> Result<(Catalog, ApplyPlan), Vec<Fault>> {
    let mut whole: BTreeMap<Key, Manifest> =
        current.iter().map(|manifest| (manifest.key(), manifest.clone())).collect();
    let mut given: BTreeMap<Key, ()> = BTreeMap::new();
    let mut faults = Vec::new();
    let (mut write, mut changes) = (Vec::new(), Vec::new());
    for manifest in new {
        let key = manifest.key();
        let name = shown(&key);
        if matches!(manifest, Manifest::Workflow(_)) {
            let fault = Fault::new(NOT_KEPT, format!("`{name}` cannot be applied"));
            faults.push(fault.help("a Workflow is submitted, not applied; apply a WorkflowTemplate"));
            continue;
        }
        if given.insert(key.clone(), ()).is_some() {
            faults.push(
                Fault::new(GIVEN_TWICE, format!("`{name}` is given twice")).help("leave one of them out"),
            );
            continue;
        }
        let change = match whole.get(&key) {
            None => "created",
            Some(old) if text(old) == text(&manifest) => "unchanged",
            Some(_) => "configured",
        };
        changes.push((name, change));
        if change != "unchanged" {
            whole.insert(key, manifest.clone());
            write.push(manifest);
        }
    }
    match Catalog::check(whole.into_values().collect()) {
        Ok(catalog) if faults.is_empty() => {
            let digest = plan_digest(&write);
            Ok((catalog, ApplyPlan { id, base, write, changes, digest }))
        }
        Ok(_) => Err(faults),
        Err(more) => {
            faults.extend(more);
            Err(faults)
        }
    }
}

fn shown((kind, namespace, name): &Key) -> String {
    format!("{kind}/{namespace}/{name}")
}

/// Returns an object's canonical text.
pub(crate) fn text(manifest: &Manifest) -> String {
    canonical_json(&manifest.to_json())
}

/// Returns the digest of objects to write.
pub(crate) fn plan_digest(write: &[Manifest]) -> String {
    let texts: Vec<String> = write.iter().map(text).collect();
    lines_digest(texts.iter().map(String::as_str))
}
