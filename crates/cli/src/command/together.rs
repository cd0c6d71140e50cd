//! Manifests of a few files checked together, as a server would check them, but with nothing else around.
//! Not here: what a server or an earlier run has stored.

use model::{
    Fault,
    argo::{self, Mode, Validation, Workflow},
    catalog::Catalog,
    lower,
    manifest::{Manifest, Written},
};

/// Checks everything that is at rest against each other, and each Workflow against it, each fault at its place.
///
/// # Errors
/// Every fault found.
pub(crate) fn check(
    at_rest: Vec<Manifest>,
    workflows: &[Written<Workflow>],
    mode: Mode,
) -> Result<(), Vec<Fault>> {
    let catalog = Catalog::check(at_rest)?;
    let faults: Vec<Fault> = workflows.iter().flat_map(|written| faults(&catalog, written, mode)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn faults(catalog: &Catalog, written: &Written<Workflow>, mode: Mode) -> Vec<Fault> {
    let templates = catalog.templates_of(&written.object.metadata.namespace);
    let validation = Validation { mode, templates: &templates, places: written.places() };
    let mut faults = argo::validate_name(mode, &written.object.metadata.name, written.places());
    faults.extend(argo::validate(&written.object.spec, &validation));
    if faults.is_empty() && mode == Mode::Submit {
        // what it is bound to, and which fields it may set
        faults = lower::lower(catalog, written.object.clone()).err().unwrap_or_default();
    }
    let placed = |fault: Fault| if fault.place.is_none() { fault.at(written.place.clone()) } else { fault };
    faults.into_iter().map(placed).collect()
}
