//! Binds a component: its definition, its template, its parameters, its scopes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    BoundComponent, Catalog, ParameterSchema,
    definition::{self, Source},
    faults::{BAD_PROPERTIES, BAD_SCOPE, NOT_CARRIED_OUT, UNKNOWN_REFERENCE},
    inventory::{Inventory, find_definition},
    scope, traits,
};
use crate::{
    argo::WorkflowTemplate,
    fault::{Code, Fault},
    manifest::Written,
    name::{ComponentRef, NamespacedName, ScopeRef},
    oam::{Application, Component, ComponentDefinition},
    yaml::did_you_mean,
};

/// The scope definition whose instances are IdentityScopes.
const IDENTITY_SCOPES: &str = "identityscopes.marque.dev";

/// Binds the components of one Application.
pub(super) struct Binder<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) application: &'a Written<Application>,
    pub(super) namespace: &'a str,
}

/// A component, and what came to light while it was bound.
pub(super) struct Bound {
    pub(super) component: BoundComponent,
    pub(super) schema: ParameterSchema,
    /// The names of the template's parameters.
    pub(super) template_parameters: Vec<String>,
    /// The template, if the definition carries it.
    pub(super) installs: Option<Written<WorkflowTemplate>>,
}

impl Binder<'_> {
    fn component(&self, index: usize) -> Option<&Component> {
        self.application.object.spec.components.get(index)
    }

    /// Returns a fault at `path` of the component.
    pub(super) fn fault(&self, code: Code, message: impl Into<String>, index: usize, path: &str) -> Fault {
        Fault::new(code, message).at(self.application.place_of(&format!("spec.components[{index}]{path}")))
    }

    /// Binds one component, all but its traits. None if there is nothing to bind it to.
    pub(super) fn bind(&self, catalog: &Catalog, index: usize, faults: &mut Vec<Fault>) -> Option<Bound> {
        let component = self.component(index)?;
        let scopes = self.scopes(catalog, index, component, faults);
        let definition = match self.definition(index, component) {
            Ok(definition) => definition,
            Err(fault) => {
                faults.push(*fault);
                return None;
            }
        };
        let (template, installs) = self.template(catalog, index, definition, faults)?;
        let object =
            installs.as_ref().map_or_else(|| catalog.template(&template), |written| Some(&written.object))?;
        let template_parameters: Vec<String> =
            object.spec.arguments.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let schema = definition::parameters(definition, object, faults);
        let empty = Map::new();
        let properties = match &component.properties {
            None | Some(Value::Null) => &empty,
            Some(Value::Object(properties)) => properties,
            Some(_) => {
                faults.push(self.fault(BAD_PROPERTIES, "properties must be an object", index, ".properties"));
                &empty
            }
        };
        let at = |property: Option<&str>| match property {
            Some(property) => format!("spec.components[{index}].properties.{property}"),
            None => format!("spec.components[{index}].properties"),
        };
        let parameters = schema
            .values(properties, |name, fault| faults.push(fault.at(self.application.place_of(&at(name)))));
        for name in parameters.keys().filter(|name| !template_parameters.contains(name)) {
            let known: Vec<&str> = template_parameters.iter().map(String::as_str).collect();
            let message = format!("WorkflowTemplate `{template}` has no parameter `{name}`");
            let mut fault =
                Fault::new(BAD_PROPERTIES, message).at(self.application.place_of(&at(Some(name))));
            fault.help = did_you_mean(name, &known);
            faults.push(fault);
        }
        let component = BoundComponent {
            component: ComponentRef {
                namespace: self.namespace.to_owned(),
                application: self.application.object.metadata.name.clone(),
                component: component.name.clone(),
            },
            template,
            parameters,
            scopes,
            manual_trigger: None,
            approval: None,
            policies: Vec::new(),
            place: self.application.place_of(&format!("spec.components[{index}]")),
        };
        Some(Bound { component, schema, template_parameters, installs })
    }

    /// Reads and checks the traits of a component whose template is in the catalog.
    pub(super) fn bind_traits(
        &self,
        catalog: &Catalog,
        index: usize,
        bound: &mut BoundComponent,
        faults: &mut Vec<Fault>,
    ) {
        if let Some(component) = self.component(index) {
            traits::bind(self, catalog, (index, component), bound, faults);
        }
    }

    /// Returns the definition that the component's type names: `name`, `name@version` or `namespace/name`.
    fn definition(
        &self,
        index: usize,
        component: &Component,
    ) -> Result<&Written<ComponentDefinition>, Box<Fault>> {
        let (name, version) = match component.component_type.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (component.component_type.as_str(), None),
        };
        let definitions = &self.inventory.component_definitions;
        let found = match name.split_once('/') {
            Some((namespace, name)) => definitions.get_key_value(&NamespacedName::new(namespace, name)),
            None => find_definition(definitions, self.namespace, name),
        };
        let Some((_, definition)) = found else {
            let message = format!("ComponentDefinition `{name}` does not exist");
            let mut fault = self.fault(UNKNOWN_REFERENCE, message, index, ".type");
            let known: Vec<&str> = definitions.keys().map(|known| known.name.as_str()).collect();
            fault.help = did_you_mean(name, &known);
            return Err(Box::new(fault));
        };
        let actual = definition.object.spec.get("version").and_then(Value::as_str);
        match version {
            Some(version) if !actual.is_some_and(|actual| definition::version_fits(version, actual)) => {
                let actual = actual.map_or_else(|| "none".to_owned(), |actual| format!("`{actual}`"));
                let message = format!("ComponentDefinition `{name}` has no version `{version}`");
                Err(Box::new(
                    self.fault(UNKNOWN_REFERENCE, message, index, ".type")
                        .help(format!("its `spec.version` is {actual}")),
                ))
            }
            _ => Ok(definition),
        }
    }

    /// Returns the name of the component's template, and the template itself if the definition carries it.
    fn template(
        &self,
        catalog: &Catalog,
        index: usize,
        definition: &Written<ComponentDefinition>,
        faults: &mut Vec<Fault>,
    ) -> Option<(NamespacedName, Option<Written<WorkflowTemplate>>)> {
        match definition::source(definition, faults)? {
            Source::Carried(mut written) => {
                let metadata = &mut written.object.metadata;
                if !metadata.namespace.is_empty() && metadata.namespace != self.namespace {
                    let message = format!(
                        "the template is of namespace `{}`, the Application of `{}`",
                        metadata.namespace, self.namespace
                    );
                    faults.push(self.fault(UNKNOWN_REFERENCE, message, index, ".type"));
                    return None;
                }
                self.namespace.clone_into(&mut metadata.namespace);
                let name = NamespacedName::new(self.namespace, metadata.name.clone());
                Some((name, Some(*written)))
            }
            Source::Named { name, sha256 } => {
                let full = NamespacedName::new(self.namespace, name.clone());
                let Some(template) = catalog.template(&full) else {
                    let message = format!("WorkflowTemplate `{full}` does not exist");
                    let known: Vec<&str> = catalog
                        .templates()
                        .filter(|(k, _)| k.namespace == self.namespace)
                        .map(|(k, _)| k.name.as_str())
                        .collect();
                    let mut fault = Fault::new(UNKNOWN_REFERENCE, message)
                        .at(definition.place_of("spec.extension.marque.dev.source.name"));
                    fault.help = did_you_mean(&name, &known);
                    faults.push(fault);
                    return None;
                };
                faults.extend(definition::check_pin(definition, sha256.as_deref(), template));
                Some((full, None))
            }
        }
    }

    /// Returns the scopes the component is in: the one it names, and that one's parents.
    fn scopes(
        &self,
        catalog: &Catalog,
        index: usize,
        component: &Component,
        faults: &mut Vec<Fault>,
    ) -> Vec<ScopeRef> {
        let mut chain = Vec::new();
        let mut kinds: BTreeSet<String> = BTreeSet::new();
        for (kind, instance) in &component.scopes {
            let path = format!(".scopes.{kind}");
            let definitions = &self.inventory.scope_definitions;
            let Some((_, definition)) = find_definition(definitions, self.namespace, kind) else {
                let message = format!("ScopeDefinition `{kind}` does not exist");
                let mut fault = self.fault(UNKNOWN_REFERENCE, message, index, &path);
                let known: Vec<&str> = definitions.keys().map(|known| known.name.as_str()).collect();
                fault.help = did_you_mean(kind, &known);
                faults.push(fault);
                continue;
            };
            let capability = traits::capability(&definition.object.spec, kind);
            if capability != IDENTITY_SCOPES {
                let message = format!("scopes of kind `{kind}` are not carried out here");
                faults.push(self.fault(NOT_CARRIED_OUT, message, index, &path));
                continue;
            }
            let overlap = definition.object.spec.get("allowComponentOverlap") != Some(&Value::Bool(false));
            if !kinds.insert(capability) {
                let why = if overlap { "make one the parent of the other" } else { "overlap is not allowed" };
                let message = format!("component `{}` is in two identity scopes: {why}", component.name);
                faults.push(self.fault(BAD_SCOPE, message, index, &path));
                continue;
            }
            let scope = ScopeRef::new(self.namespace, instance.clone());
            chain = scope::chain(&catalog.scopes, &scope);
            if chain.is_empty() {
                let message = format!("IdentityScope `{scope}` does not exist");
                let mut fault = self.fault(UNKNOWN_REFERENCE, message, index, &path);
                let known: Vec<&str> = catalog
                    .scopes
                    .keys()
                    .filter(|s| s.namespace == self.namespace)
                    .map(|s| s.name.as_str())
                    .collect();
                fault.help = did_you_mean(instance, &known);
                faults.push(fault);
            }
        }
        chain
    }
}
