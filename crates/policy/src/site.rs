//! What a resource lies within, now: the scopes that bound it, and the component whose traits and policies do.
//!
//! Invariant: a resource counts as scoped only if it lies in a scope and every scope it must lie within exists; if
//! one is gone nobody knows what it would have forbidden.

use model::{
    ScopeRef,
    catalog::{BoundComponent, Catalog},
};

use crate::{Resource, RunFacts, names::Kind};

/// A resource with its surroundings.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// The scopes, innermost first, once each.
    pub(crate) chain: Vec<ScopeRef>,
    pub(crate) scoped: bool,
    /// The component, if it is in the catalog.
    pub(crate) component: Option<&'a BoundComponent>,
    /// The run, if it is one.
    pub(crate) run: Option<&'a RunFacts>,
}

impl<'a> Site<'a> {
    /// Returns the surroundings of `resource` in `catalog`.
    pub(crate) fn of(catalog: &'a Catalog, resource: &'a Resource) -> Self {
        let site = |kind, id| Self { kind, id, chain: Vec::new(), scoped: false, component: None, run: None };
        match resource {
            Resource::Component(name) => {
                let component = catalog.component(name);
                let scopes = component.map_or_else(Vec::new, |bound| bound.scopes.clone());
                Self { component, ..site(Kind::Component, name.to_string()) }.within(catalog, scopes)
            }
            Resource::Namespace(name) => {
                let root = catalog.namespace_root(name).cloned();
                site(Kind::Namespace, name.clone()).within(catalog, root.into_iter().collect())
            }
            Resource::Run(run) => {
                let component = run.component.as_ref().and_then(|name| catalog.component(name));
                let scopes = match (component, &run.component) {
                    (Some(bound), _) => bound.scopes.clone(),
                    (None, Some(_)) => run.scopes.clone(),
                    (None, None) => {
                        let root = catalog.namespace_root(&run.name.namespace).cloned();
                        root.map_or_else(|| run.scopes.clone(), |root| vec![root])
                    }
                };
                Self { component, run: Some(run), ..site(Kind::Run, run.id.to_string()) }
                    .within(catalog, scopes)
            }
            Resource::Scope(name) => site(Kind::Scope, name.to_string()).within(catalog, vec![name.clone()]),
            Resource::Server => site(Kind::Server, "marque".to_owned()),
        }
    }

    /// Returns the site within `scopes` and all their parents.
    fn within(mut self, catalog: &Catalog, scopes: Vec<ScopeRef>) -> Self {
        self.scoped = !scopes.is_empty() && scopes.iter().all(|scope| catalog.scope(scope).is_some());
        for scope in scopes {
            let parents =
                if catalog.scope(&scope).is_some() { catalog.scope_chain(&scope) } else { Vec::new() };
            for scope in std::iter::once(scope).chain(parents) {
                if !self.chain.contains(&scope) {
                    self.chain.push(scope);
                }
            }
        }
        self
    }

    /// Returns whether it is a run that never belonged to a component.
    pub(crate) fn is_free(&self) -> bool {
        self.run.is_some_and(|run| run.component.is_none())
    }
}
