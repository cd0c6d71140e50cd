//! What a ComponentDefinition says: which WorkflowTemplate, and which parameters.

use serde_json::Value;

use super::{
    faults::{BAD_DEFINITION, UNKNOWN_REFERENCE},
    schema::ParameterSchema,
};
use crate::{
    argo::{self, WorkflowTemplate},
    fault::Fault,
    manifest::{Manifest, Written},
    oam::ComponentDefinition,
};

/// The one workload there is: a WorkflowTemplate at rest.
pub(super) const WORKLOAD: &str = "workflowtemplates.argoproj.io";
/// The key of Marque's part of a definition's `extension`.
const EXTENSION: &str = "marque.dev";

/// Where a component's WorkflowTemplate comes from.
pub(super) enum Source {
    /// The definition carries it.
    Carried(Box<Written<WorkflowTemplate>>),
    /// It is an object of its own.
    Named {
        /// Its name in the Application's namespace.
        name: String,
        /// The SHA-256 of its canonical form, if the definition pins it.
        sha256: Option<String>,
    },
}

/// Returns where the WorkflowTemplate of a definition's components comes from.
pub(super) fn source(definition: &Written<ComponentDefinition>, faults: &mut Vec<Fault>) -> Option<Source> {
    let spec = &definition.object.spec;
    faults.extend(workload(definition));
    let fault =
        |message: String, path: &str| Fault::new(BAD_DEFINITION, message).at(definition.place_of(path));
    let at = |path: &[&str]| path.iter().try_fold(spec, |value, field| value.get(field));
    let named = at(&["extension", EXTENSION, "source"]);
    if let Some(template) = at(&["schematic", "kube", "template"]) {
        let path = "spec.schematic.kube.template";
        if named.is_some() {
            let message = "`schematic.kube.template` and `extension` both name a WorkflowTemplate".to_owned();
            faults.push(fault(message, path).help("keep one of the two"));
        }
        return match Manifest::from_part(template, &definition.places().below(path)) {
            Ok(Manifest::WorkflowTemplate(written)) => Some(Source::Carried(Box::new(written))),
            Ok(other) => {
                faults.push(fault(format!("expected a WorkflowTemplate, found a {}", other.kind()), path));
                None
            }
            Err(found) => {
                faults.extend(found);
                None
            }
        };
    }
    let Some(named) = named else {
        let message =
            format!("ComponentDefinition `{}` names no WorkflowTemplate", definition.object.metadata.name);
        let help = "write `extension: {marque.dev: {source: {kind: WorkflowTemplate, name: …}}}`, \
                    or the template itself under `schematic.kube.template`; CUE is not evaluated";
        faults.push(fault(message, "spec").help(help));
        return None;
    };
    let path = "spec.extension.marque.dev.source";
    let text = |field: &str| named.get(field).and_then(Value::as_str);
    if text("kind") != Some("WorkflowTemplate") {
        faults.push(fault("the `kind` of a source must be `WorkflowTemplate`".to_owned(), path));
        return None;
    }
    for field in named.as_object().into_iter().flat_map(|fields| fields.keys()) {
        if !["kind", "name", "sha256"].contains(&field.as_str()) {
            faults.push(fault(format!("unknown field `{field}` of a source"), &format!("{path}.{field}")));
        }
    }
    let Some(name) = text("name") else {
        faults.push(fault("a source needs a `name`".to_owned(), path));
        return None;
    };
    let sha256 = named.get("sha256").map(|pinned| pinned.as_str().unwrap_or_default().to_owned());
    Some(Source::Named { name: name.to_owned(), sha256 })
}

/// Returns the fault if the pinned digest is not that of the template.
pub(super) fn check_pin(
    definition: &Written<ComponentDefinition>,
    pinned: Option<&str>,
    template: &WorkflowTemplate,
) -> Option<Fault> {
    let pinned = pinned?;
    let value = serde_json::to_value(&template.spec).unwrap_or(Value::Null);
    let actual = crate::canonical::digest(&value);
    (pinned != actual).then(|| {
        let pinned: String = pinned.chars().take(64).collect();
        let message = format!(
            "WorkflowTemplate `{}` is not the one that is pinned: its digest is `{actual}`, not `{}`",
            template.metadata.name,
            pinned.escape_debug()
        );
        Fault::new(UNKNOWN_REFERENCE, message)
            .at(definition.place_of("spec.extension.marque.dev.source.sha256"))
            .help("look at what changed in the template's `spec`, then pin the new digest")
    })
}

/// Returns the fault if the definition's workload is not a WorkflowTemplate.
/// Both `type` and `definition` are taken if they agree (OAM `3.component_model.md` wants exactly one).
fn workload(definition: &Written<ComponentDefinition>) -> Option<Fault> {
    let workload = definition.object.spec.get("workload");
    let of = |field: &str| workload.and_then(|workload| workload.get(field));
    let by_type = of("type").map(|name| name.as_str() == Some(WORKLOAD));
    let by_definition = of("definition").map(|kind| {
        kind.get("apiVersion").and_then(Value::as_str) == Some(argo::API_VERSION)
            && kind.get("kind").and_then(Value::as_str) == Some("WorkflowTemplate")
    });
    if matches!((by_type, by_definition), (Some(true), None | Some(true)) | (None, Some(true))) {
        return None;
    }
    let name = &definition.object.metadata.name;
    let fault = Fault::new(
        BAD_DEFINITION,
        format!("the workload of ComponentDefinition `{name}` is not a WorkflowTemplate"),
    );
    let help = "write `workload: {definition: {apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate}}`";
    Some(fault.at(definition.place_of("spec.workload")).help(help))
}

/// Returns what a component's properties may be.
pub(super) fn parameters(
    definition: &Written<ComponentDefinition>,
    template: &WorkflowTemplate,
    faults: &mut Vec<Fault>,
) -> ParameterSchema {
    let spec = &definition.object.spec;
    let at = |path: &[&str]| path.iter().try_fold(spec, |value, field| value.get(field));
    if let Some(schema) = at(&["extension", EXTENSION, "parameterSchema"]) {
        return ParameterSchema::of_json_schema(
            definition,
            "spec.extension.marque.dev.parameterSchema",
            schema,
            faults,
        );
    }
    if let Some(list) = at(&["schematic", "kube", "parameters"]) {
        return ParameterSchema::of_kube(
            definition,
            "spec.schematic.kube.parameters",
            list,
            template,
            faults,
        );
    }
    ParameterSchema::of_template(template)
}

/// Whether `version` (`v1`, `v1.4`, `1.4.0`) selects a definition whose `spec.version` is `actual`.
pub(super) fn version_fits(version: &str, actual: &str) -> bool {
    let version = version.strip_prefix('v').unwrap_or(version);
    let mut actual = actual.split('.');
    !version.is_empty() && version.split('.').all(|part| actual.next() == Some(part))
}
