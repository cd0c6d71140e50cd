//! Arguments of workflows: merged by name, and complete. Source: Argo `workflow/util/merge.go`, `validate.go`.

use crate::{
    argo::{Arguments, PARAMETER_WITHOUT_VALUE, Parameter},
    fault::Fault,
};

/// Returns `under` with the values of `over` in front, by name, in the order of `order`: that of a strategic merge.
pub(super) fn merged(under: &Arguments, over: &Arguments, order: &Arguments) -> Arguments {
    let mut merged = under.clone();
    for parameter in &over.parameters {
        match merged.parameters.iter_mut().find(|known| known.name == parameter.name) {
            Some(known) => {
                if parameter.value.is_some() || parameter.value_from.is_some() {
                    known.value.clone_from(&parameter.value);
                    known.value_from.clone_from(&parameter.value_from);
                }
                if parameter.enumeration.is_some() {
                    known.enumeration.clone_from(&parameter.enumeration);
                }
            }
            None => merged.parameters.push(parameter.clone()),
        }
    }
    for artifact in &over.artifacts {
        match merged.artifacts.iter_mut().find(|known| known.name == artifact.name) {
            Some(known) => known.clone_from(artifact),
            None => merged.artifacts.push(artifact.clone()),
        }
    }
    let place = |name: &String| order.parameters.iter().position(|known| known.name == *name);
    merged.parameters.sort_by_key(|parameter| place(&parameter.name));
    let place = |name: &String| order.artifacts.iter().position(|known| known.name == *name);
    merged.artifacts.sort_by_key(|artifact| place(&artifact.name));
    merged
}

/// Returns a fault for each parameter without a value, and each value that is not among those allowed.
pub(super) fn faults(arguments: &Arguments) -> Vec<Fault> {
    let without = |parameter: &&Parameter| parameter.value.is_none() && parameter.value_from.is_none();
    let mut faults = Vec::new();
    for Parameter { name, .. } in arguments.parameters.iter().filter(without) {
        let message = format!("spec.arguments.{name}.value or spec.arguments.{name}.valueFrom is required");
        faults.push(Fault::new(PARAMETER_WITHOUT_VALUE, message));
    }
    faults
}
