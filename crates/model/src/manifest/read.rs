//! From documents to objects: which kind, which fields, which types.

use serde::de::DeserializeOwned;

use super::{Manifest, Written, shape};
use crate::{
    argo, core,
    fault::{Code, Fault},
    name::check_subdomain,
    oam::{CORE_API_VERSION, MARQUE_API_VERSION},
    yaml::{self, Document, WRONG_TYPE, did_you_mean},
};

/// The kind of an object is missing or unknown, or its API version is not that of its kind.
pub const UNKNOWN_KIND: Code = Code("MDL0201");
/// An object lacks what every object of its kind has.
pub const BAD_OBJECT: Code = Code("MDL0202");

/// The kinds that are known and their API versions.
const KINDS: [(&str, &str); 16] = [
    ("Application", CORE_API_VERSION),
    ("ComponentDefinition", CORE_API_VERSION),
    ("TraitDefinition", CORE_API_VERSION),
    ("ScopeDefinition", CORE_API_VERSION),
    ("WorkloadDefinition", CORE_API_VERSION),
    ("PolicyDefinition", CORE_API_VERSION),
    ("IdentityScope", MARQUE_API_VERSION),
    ("AccessPolicy", MARQUE_API_VERSION),
    ("WorkflowTemplate", argo::API_VERSION),
    ("Workflow", argo::API_VERSION),
    ("ClusterWorkflowTemplate", argo::API_VERSION),
    ("CronWorkflow", argo::API_VERSION),
    ("WorkflowEventBinding", argo::API_VERSION),
    ("ConfigMap", core::API_VERSION),
    ("Secret", core::API_VERSION),
    ("PersistentVolumeClaim", core::API_VERSION),
];

/// Reads every object of a YAML or JSON text.
///
/// # Errors
/// Every fault found: not YAML, over a limit, unknown kind, field of the wrong type; with places.
pub fn parse(file: &str, text: &str) -> Result<Vec<Manifest>, Vec<Fault>> {
    parse_meant(file, text, |_| true).map(|found| found.meant)
}

/// The objects of a text, of which only some kinds are meant.
#[derive(Debug, Default)]
pub struct OfKinds {
    /// Those of the kinds.
    pub meant: Vec<Manifest>,
    /// The others, as far as they make sense.
    pub others: Vec<Manifest>,
}

/// Reads the objects of these kinds of a YAML or JSON text; nothing is said of what is wrong with others.
///
/// # Errors
/// Every fault found in those that are meant, or that the text is not YAML or is over a limit.
pub fn parse_kinds(file: &str, text: &str, kinds: &[&str]) -> Result<OfKinds, Vec<Fault>> {
    parse_meant(file, text, |kind| kind.is_some_and(|kind| kinds.contains(&kind)))
}

fn parse_meant(
    file: &str,
    text: &str,
    is_meant: impl Fn(Option<&str>) -> bool,
) -> Result<OfKinds, Vec<Fault>> {
    let mut found = OfKinds::default();
    let mut faults = Vec::new();
    for document in yaml::parse(file, text)?.iter().filter(|document| !document.is_empty()) {
        let kind = document.root().get("kind").and_then(|entry| entry.value.as_str());
        match (object(document), is_meant(kind)) {
            (Ok(manifest), true) => found.meant.push(manifest),
            (Ok(manifest), false) => found.others.push(manifest),
            (Err(wrong), true) => faults.extend(wrong),
            (Err(_), false) => {}
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

/// Reads the object of one document.
pub(super) fn object(document: &Document) -> Result<Manifest, Vec<Fault>> {
    let kind = kind(document).map_err(|fault| vec![*fault])?;
    let shape::Checked { mut faults, overlooked } = shape::check(document, kind);
    if let Err(wrong) = metadata(document) {
        faults.extend(wrong);
    }
    match typed(document, kind) {
        Ok(mut manifest) if faults.is_empty() => {
            manifest.overlook(overlooked);
            Ok(manifest)
        }
        Ok(_) => Err(faults),
        Err(wrong) => {
            // what a decoded field expects is told in its own words
            let at = |fault: &Fault, all: &[Fault]| {
                all.iter().any(|other| other.place == fault.place && other.code == fault.code)
            };
            faults.retain(|fault| fault.code != WRONG_TYPE || !at(fault, &wrong));
            let told = |fault: &Fault| {
                let same = |other: &Fault| other.message == fault.message || other.code == fault.code;
                faults.iter().any(|other| other.place == fault.place && same(other))
            };
            let others: Vec<Fault> = wrong.into_iter().filter(|fault| !told(fault)).collect();
            faults.extend(others);
            Err(faults)
        }
    }
}

/// Reads an object that was accepted before.
pub(super) fn accepted(document: &Document) -> Result<Manifest, Vec<Fault>> {
    typed(document, kind(document).map_err(|fault| vec![*fault])?)
}

/// Returns the object's kind, whose API version is the right one.
fn kind(document: &Document) -> Result<&'static str, Box<Fault>> {
    let root = document.root();
    let text = |field: &str| root.get(field).and_then(|entry| entry.value.as_str());
    let mark = |field: &str| root.get(field).and_then(|entry| entry.value.mark).or(root.mark);
    let fault = |message: String, field: &str| document.fault(UNKNOWN_KIND, message, mark(field));
    if root.kind() != "an object" {
        let message = format!("expected an object with `apiVersion` and `kind`, found {}", root.kind());
        return Err(Box::new(fault(message, "")));
    }
    let names: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    let (Some(version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        let missing = if text("kind").is_some() { "apiVersion" } else { "kind" };
        let fault = fault(format!("the object has no `{missing}`"), missing);
        return Err(Box::new(fault.help(format!("kinds that are known: {}", names.join(", ")))));
    };
    let shown = |text: &str| text.chars().take(64).collect::<String>().escape_debug().to_string();
    let Some((kind, expected)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        let nearest = did_you_mean(kind, &names).filter(|help| help.starts_with("did"));
        let listed = format!("kinds that are known: {}", names.join(", "));
        let help = nearest.map_or_else(|| listed.clone(), |nearest| format!("{nearest} {listed}"));
        return Err(Box::new(fault(format!("kind `{}` is not known", shown(kind)), "kind").help(help)));
    };
    if version != *expected {
        let message = format!("`{}` is not the API version of a {kind}", shown(version));
        return Err(Box::new(fault(message, "apiVersion").help(format!("write `apiVersion: {expected}`"))));
    }
    Ok(kind)
}

/// Checks what every object has: a name and a namespace that are valid.
fn metadata(document: &Document) -> Result<(), Vec<Fault>> {
    let root = document.root();
    let mut faults = Vec::new();
    let kind = root.get("kind").and_then(|entry| entry.value.as_str()).unwrap_or_default();
    if root.get("spec").is_none() && !["ConfigMap", "Secret"].contains(&kind) {
        faults.push(document.fault(BAD_OBJECT, "the object has no `spec`", root.mark));
    }
    let metadata = root.get("metadata").map(|entry| &entry.value);
    let field = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    let empty = |name: &str| {
        field(name).is_none_or(|entry| match entry.value.to_value() {
            // null is the zero value of a text
            serde_json::Value::Null => true,
            value => value.as_str().is_some_and(str::is_empty),
        })
    };
    let run = kind == "Workflow";
    // a Workflow may be nameless until it is submitted, and a template until it is created
    if empty("name") && !run && empty("generateName") {
        let mark = root.get("metadata").and_then(|entry| entry.mark).or(root.mark);
        faults.push(document.fault(BAD_OBJECT, "the object has no `metadata.name`", mark));
    }
    for (name, what) in [("name", "the name"), ("namespace", "the namespace")] {
        let Some((entry, text)) = field(name).and_then(|entry| Some((entry, entry.value.as_str()?))) else {
            continue;
        };
        if let (false, Err(wrong)) = (text.is_empty(), check_subdomain(what, text)) {
            let mut fault = document.fault(wrong.code, wrong.message, entry.value.mark);
            fault.help = wrong.help;
            faults.push(fault);
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn typed(document: &Document, kind: &str) -> Result<Manifest, Vec<Fault>> {
    Ok(match kind {
        "Application" => Manifest::Application(written(document)?),
        "ComponentDefinition" => Manifest::ComponentDefinition(written(document)?),
        "TraitDefinition" => Manifest::TraitDefinition(written(document)?),
        "ScopeDefinition" => Manifest::ScopeDefinition(written(document)?),
        "WorkloadDefinition" => Manifest::WorkloadDefinition(written(document)?),
        "PolicyDefinition" => Manifest::PolicyDefinition(written(document)?),
        "IdentityScope" => Manifest::IdentityScope(written(document)?),
        "AccessPolicy" => Manifest::AccessPolicy(written(document)?),
        "WorkflowTemplate" => Manifest::WorkflowTemplate(written(document)?),
        "Workflow" => Manifest::Workflow(written(document)?),
        "ClusterWorkflowTemplate" => Manifest::ClusterWorkflowTemplate(written(document)?),
        "CronWorkflow" => Manifest::CronWorkflow(written(document)?),
        "ConfigMap" => Manifest::ConfigMap(written(document)?),
        "Secret" => Manifest::Secret(written(document)?),
        "PersistentVolumeClaim" => Manifest::PersistentVolumeClaim(written(document)?),
        _ => Manifest::WorkflowEventBinding(written(document)?),
    })
}

fn written<T: DeserializeOwned>(document: &Document) -> Result<Written<T>, Vec<Fault>> {
    Ok(Written::new(yaml::decode(document)?, document.places()))
}
