//! Manifests of a few files checked together, as a server would check them, but with nothing else around.
//! Not here: what a server or an earlier run has stored.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Fault,
    argo::{
        self, FindTemplate, Findings, Mode, Validation, Workflow, WorkflowSpec, WorkflowTemplate, advice,
    },
    catalog::{Catalog, DEFINED_TWICE},
    lower,
    manifest::{Manifest, Written},
    yaml::Places,
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
    let mut faults = of_workflow(written, mode, &templates).faults;
    if faults.is_empty() && mode == Mode::Submit {
        // what it is bound to, and which fields it may set
        faults = lower::lower(catalog, written.object.clone()).err().unwrap_or_default();
    }
    let placed = |fault: Fault| if fault.place.is_none() { fault.at(written.place.clone()) } else { fault };
    faults.into_iter().map(placed).collect()
}

fn of_workflow(written: &Written<Workflow>, mode: Mode, templates: &dyn FindTemplate) -> Findings {
    let metadata = &written.object.metadata;
    of_spec(&written.object.spec, (mode, metadata), templates, written.places())
}

fn of_spec(
    spec: &WorkflowSpec,
    (mode, metadata): (Mode, &model::argo::ObjectMeta),
    templates: &dyn FindTemplate,
    places: &Places,
) -> Findings {
    let validation = Validation { mode, templates, places, metadata: Some(metadata), defaults: None };
    let mut findings = argo::examine(spec, &validation);
    findings.faults.splice(0..0, argo::validate_name(mode, &metadata.name, places));
    findings
}

/// The templates of the files, whatever else is wrong in them.
#[derive(Default)]
struct Templates(BTreeMap<(bool, String, String), Written<WorkflowTemplate>>);

/// The templates as one namespace sees them.
struct Within<'a>(&'a Templates, &'a str);

impl FindTemplate for Within<'_> {
    fn find(&self, name: &str, cluster: bool) -> Option<(&WorkflowSpec, &Places)> {
        let namespace = if cluster { "" } else { self.1 };
        let written = self.0.0.get(&(cluster, namespace.to_owned(), name.to_owned()))?;
        Some((&written.object.spec, written.places()))
    }
}

/// Looks through objects that are meant for one place: each by itself, and all of them together; goes on after a fault.
/// What they refer to may also be among `others`, which are not looked at themselves.
pub(crate) fn look_through(manifests: &[Manifest], others: &[Manifest]) -> Findings {
    let mut templates = Templates::default();
    for manifest in others.iter().chain(manifests) {
        let (cluster, written) = match manifest {
            Manifest::WorkflowTemplate(written) => (false, written),
            Manifest::ClusterWorkflowTemplate(written) => (true, written),
            _ => continue,
        };
        let (_, namespace, name) = manifest.key();
        templates.0.insert((cluster, if cluster { String::new() } else { namespace }, name), written.clone());
    }
    let mut all = Findings::default();
    for manifest in manifests {
        let (_, namespace, _) = manifest.key();
        let mut found = of_manifest(manifest, &Within(&templates, &namespace));
        found.warnings.extend(manifest.overlooked().iter().cloned());
        if is_argos(manifest) {
            found.warnings.extend(advice(&manifest.to_json(), manifest.places()));
        }
        let placed = |fault: Fault| if fault.place.is_none() { fault.at(manifest.place()) } else { fault };
        all.faults.extend(found.faults.into_iter().map(placed));
        all.warnings.extend(found.warnings.into_iter().map(placed));
    }
    // a template may be nameless until it is created; it is looked at above
    let rests = |manifest: &&Manifest| {
        let nameless = is_argos(manifest) && manifest.metadata().name.is_empty();
        !nameless && !matches!(manifest, Manifest::Workflow(_))
    };
    let at_rest = |manifests: &[Manifest]| manifests.iter().filter(rests).cloned().collect::<Vec<_>>();
    let of_others = Catalog::check(at_rest(others)).err().unwrap_or_default();
    let mut together = at_rest(others);
    together.extend(at_rest(manifests));
    let mut together = Catalog::check(together).err().unwrap_or_default();
    together.retain(|fault| !of_others.iter().any(|other| told_alike(fault, other)));
    // files of a folder may be versions of one object: which of them is applied is not known here
    let (twice, faults): (Vec<Fault>, Vec<Fault>) =
        together.into_iter().partition(|fault| fault.code == DEFINED_TWICE);
    all.faults.extend(faults);
    all.warnings.extend(twice);
    once(&mut all.faults);
    once(&mut all.warnings);
    all
}

fn told_alike(one: &Fault, other: &Fault) -> bool {
    one.place == other.place && one.message == other.message
}

fn of_manifest(manifest: &Manifest, templates: &dyn FindTemplate) -> Findings {
    let places = manifest.places();
    match manifest {
        Manifest::Workflow(written) => of_workflow(written, Mode::Lint, templates),
        Manifest::WorkflowTemplate(written) => {
            of_spec(&written.object.spec, (Mode::Template, &written.object.metadata), templates, places)
        }
        Manifest::ClusterWorkflowTemplate(written) => of_spec(
            &written.object.spec,
            (Mode::ClusterTemplate, &written.object.metadata),
            templates,
            places,
        ),
        Manifest::CronWorkflow(written) => {
            argo::validate_cron_workflow(&written.object, templates, places, None)
        }
        Manifest::WorkflowEventBinding(written) => {
            argo::validate_event_binding(&written.object, templates, places)
        }
        _ => Findings::default(),
    }
}

const fn is_argos(manifest: &Manifest) -> bool {
    matches!(
        manifest,
        Manifest::Workflow(_)
            | Manifest::WorkflowTemplate(_)
            | Manifest::ClusterWorkflowTemplate(_)
            | Manifest::CronWorkflow(_)
    )
}

/// What was found by more than one look is told once, in the order of the files.
fn once(faults: &mut Vec<Fault>) {
    let mut told = BTreeSet::new();
    faults.retain(|fault| told.insert((fault.place.clone(), fault.message.clone())));
}
