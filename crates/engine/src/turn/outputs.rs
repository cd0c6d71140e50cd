//! The outputs of steps and DAG nodes, and of the whole workflow.
//! Source: Argo `operator.go` getTemplateOutputsFromScope, addOutputsToGlobalScope.

use expr::Lookup;
use model::argo::{Artifact, NodeOutputs, Outputs, Parameter};

use super::{Turn, artifact, lookup::Asker};

impl Turn {
    /// Returns what the steps or DAG node of `asker` gives.
    ///
    /// # Errors
    /// Which output cannot be found.
    pub(super) fn composite_outputs(
        &mut self,
        asker: Asker,
        declared: &Outputs,
    ) -> Result<Option<NodeOutputs>, String> {
        if declared.is_empty() {
            return Ok(None);
        }
        let mut outputs = NodeOutputs::default();
        for parameter in &declared.parameters {
            let value = self.output_parameter(asker, parameter)?;
            let value = Some(value.into());
            outputs.parameters.push(Parameter { value, value_from: None, ..parameter.clone() });
        }
        for declared in &declared.artifacts {
            match self.referred(asker, declared) {
                Ok(Some(given)) => outputs.artifacts.push(artifact::shown(declared, &given)),
                Ok(None) => {}
                Err(_) if declared.optional => {}
                Err(reason) => return Err(format!("unable to resolve outputs from scope: {reason}")),
            }
        }
        Ok(Some(outputs))
    }

    fn output_parameter(&mut self, asker: Asker, parameter: &Parameter) -> Result<String, String> {
        let Some(from) = &parameter.value_from else {
            let given = parameter.value.as_ref().map(|value| value.0.clone());
            return given.ok_or_else(|| format!("output parameter `{}` has no valueFrom", parameter.name));
        };
        if !from.expression.is_empty() {
            let value = self.text_within(asker, &from.expression);
            return match (value, &from.default) {
                (Ok(Some(text)), _) => Ok(text),
                (_, Some(default)) => Ok(default.0.clone()),
                (Err(reason), None) => Err(format!("unable to resolve expression: {reason}")),
                (Ok(None), None) => Err(format!(
                    "unable to resolve expression: output parameter `{}` is nil and has no default",
                    parameter.name
                )),
            };
        }
        let name = expr::pure_tag(&from.parameter).unwrap_or(from.parameter.trim());
        let found = self.scoped(asker, name);
        match (found, &from.default) {
            (Ok(Lookup::Text(text)), _) => Ok(text),
            (_, Some(default)) => Ok(default.0.clone()),
            (Err(reason), None) => Err(reason),
            (Ok(_), None) => Err(format!("Unable to resolve: \"{name}\"")),
        }
    }
}

/// Adds the outputs with a global name to those of the workflow; a later one takes the place of an earlier.
pub(super) fn publish(global: &mut Option<NodeOutputs>, declared: &Outputs, outputs: &NodeOutputs) {
    for parameter in &declared.parameters {
        let given = outputs.parameters.iter().find(|given| given.name == parameter.name);
        let Some(given) = given.filter(|_| !parameter.global_name.is_empty()) else { continue };
        let name = parameter.global_name.clone();
        let renamed = Parameter { name, value: given.value.clone(), ..Parameter::default() };
        let all = &mut global.get_or_insert_default().parameters;
        match all.iter_mut().find(|known| known.name == renamed.name) {
            Some(known) => *known = renamed,
            None => all.push(renamed),
        }
    }
    for artifact in &declared.artifacts {
        let given = outputs.artifacts.iter().find(|given| given.name == artifact.name);
        let Some(given) = given.filter(|_| !artifact.global_name.is_empty()) else { continue };
        let name = artifact.global_name.clone();
        let renamed = Artifact { name, global_name: String::new(), path: String::new(), ..given.clone() };
        let all = &mut global.get_or_insert_default().artifacts;
        match all.iter_mut().find(|known| known.name == renamed.name) {
            Some(known) => *known = renamed,
            None => all.push(renamed),
        }
    }
}
