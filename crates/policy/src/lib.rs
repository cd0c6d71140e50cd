//! May they: takes a caller, an act and the facts about its resource, gives a [`Permit`] or a [`Refusal`], and says why.
//! Cedar is the only decision point. Not here: who is asking (`identity`), writing it down (`audit`).
//! Invariant: a [`Permit`] exists only if Cedar allowed that very act for that very caller.
//! Invariant: what comes from a manifest (scope, trait, access policy) can only forbid; the permits are built in
//! (`policies/`) or come from the server's own configuration, so adding a manifest never adds a right.
//!
//! Stages: `compile` (manifests to validated Cedar policies) → `site` and `request` (what a question is about)
//! → `decide` (Cedar's answer) → `explain` (its words).

use std::{collections::BTreeMap, fmt, sync::Arc};

use identity::{Caller, Principal};
use jiff::Timestamp;
use model::{
    Code, ComponentRef, NamespacedName, Place, RunId, ScopeRef, catalog::Catalog, fault::Fault, oam::Via,
};

pub mod action;
mod compile;
mod decide;
mod error;
mod est;
mod explain;
mod facts;
mod names;
mod request;
mod rule;
mod site;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use action::*;
pub use error::CompileError;
pub use table::Question;

/// Whether an act is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Allow,
    /// It is not.
    Deny,
}

/// A rule that took part in a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRef {
    /// Its id, as `scope finance/payroll-prod triggerers`.
    pub id: String,
    /// What it says, in people's words.
    pub says: String,
    /// Where it is written; none for the built-in ones.
    pub place: Option<Place>,
}

/// The answer to one question, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub verdict: Verdict,
    /// The action's name.
    pub action: &'static str,
    /// The resource, in text.
    pub resource: String,
    /// The rules that made it: those that forbid, or on an allow the permit and every bound that was met.
    pub rules: Vec<RuleRef>,
    /// Facts the request lacked, as `mfa` or `reason`.
    pub missing: Vec<String>,
    /// What would help, a sentence each.
    pub advice: Vec<String>,
    /// Errors of policies; any error denies.
    pub errors: Vec<String>,
    /// The version of the rules: digest of the compiled policies and entities.
    pub rules_version: Arc<str>,
    /// SHA-256 of everything that was asked (principal, action, resource, context), hexadecimal.
    pub request_digest: String,
}

/// The proof that `A` was allowed. Not `Clone`, not `Serialize`; only [`Rules::check`] makes one.
#[derive(Debug)]
pub struct Permit<A> {
    action: A,
    caller: Caller,
    decision: Decision,
}

impl<A> Permit<A> {
    /// Returns the act that was allowed.
    pub const fn action(&self) -> &A {
        &self.action
    }
    /// Returns who may.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }
    /// Returns why.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// The act was refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{}` on `{}` is not allowed", .decision.action, .decision.resource)]
pub struct Refusal {
    /// Why.
    pub decision: Decision,
    /// Whether the caller may know that the resource exists; if not the edge answers 404.
    pub may_know: bool,
}

impl Refusal {
    /// Returns the stable code.
    pub const fn code(&self) -> Code {
        Code("POL0007")
    }
}

/// The compiled rules of one catalog. Immutable; a new catalog makes new rules.
pub struct Rules {
    catalog: Arc<Catalog>,
    compiled: compile::Compiled,
    names: names::Names,
    version: Arc<str>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What the server itself allows outside every scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerPolicy {
    /// Who may apply manifests to a namespace whose objects no scope owns yet, and read the configuration.
    pub administrators: Vec<model::oam::Subject>,
    /// Who may read and verify the audit log.
    pub auditors: Vec<model::oam::Subject>,
    /// Whether workflows without component and without a namespace root are allowed to the OS user (`marque run`).
    pub local: bool,
}

impl Rules {
    /// Compiles the rules of `catalog`.
    ///
    /// # Errors
    /// Every fault: a policy that does not validate against the schema names the manifest it came from.
    pub fn compile(catalog: Arc<Catalog>, server: &ServerPolicy) -> Result<Self, Vec<Fault>> {
        let names = names::Names::new().map_err(|error| vec![error.at(None)])?;
        let compiled = compile::compile(&catalog, server)?;
        let version = Arc::from(compiled.version.as_str());
        Ok(Self { catalog, compiled, names, version })
    }
    /// Returns the catalog the rules were compiled from.
    pub const fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }
    /// Returns the version of the rules: the digest of schema, policies, and what lies within what.
    pub const fn version(&self) -> &Arc<str> {
        &self.version
    }
    /// Decides, without giving a permit: for `explain`, with any principal.
    pub fn decide<A: Action>(
        &self,
        principal: &Principal,
        run: Option<RunId>,
        action: &A,
        now: Timestamp,
    ) -> Decision {
        let (resource, facts) = (action.resource(), action.context());
        self.court().decide(&request::Asked {
            principal,
            run,
            action: A::NAME,
            resource: &resource,
            facts: &facts,
            now,
        })
    }
    /// Decides, and gives the proof.
    ///
    /// # Errors
    /// [`Refusal`] with the decision.
    pub fn check<A: Action>(
        &self,
        caller: &Caller,
        action: A,
        now: Timestamp,
    ) -> Result<Permit<A>, (A, Box<Refusal>)> {
        let decision = self.decide(caller.principal(), caller.run(), &action, now);
        match decision.verdict {
            Verdict::Allow => Ok(Permit { action, caller: caller.clone(), decision }),
            Verdict::Deny => {
                let may_know = self.may_know(caller.principal(), caller.run(), &action.resource(), now);
                Err((action, Box::new(Refusal { decision, may_know })))
            }
        }
    }
    /// Returns whether a refused caller may know that the resource exists: whoever its innermost scope lists for
    /// anything, the owners of its scopes, administrators and auditors. A namespace without a root scope has
    /// nothing to hide; neither has the server, nor a run from itself.
    pub fn may_know(
        &self,
        principal: &Principal,
        run: Option<RunId>,
        resource: &Resource,
        now: Timestamp,
    ) -> bool {
        match resource {
            Resource::Server => return true,
            Resource::Namespace(name) if self.catalog.namespace_root(name).is_none() => return true,
            Resource::Run(facts) if run.is_some() => return run == Some(facts.id),
            Resource::Scope(_) => return false,
            _ => {}
        }
        let facts = Context::default();
        self.court().allows(&request::Asked { principal, run, action: "know", resource, facts: &facts, now })
    }

    fn court(&self) -> decide::Court<'_> {
        decide::Court {
            catalog: &self.catalog,
            compiled: &self.compiled,
            names: &self.names,
            version: &self.version,
        }
    }
}

/// What a decision must know about a stored run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    /// The run.
    pub id: RunId,
    /// Its namespace and workflow name.
    pub name: NamespacedName,
    /// The component it belongs to, if any.
    pub component: Option<ComponentRef>,
    /// The scopes it was bound to when submitted, innermost first.
    pub scopes: Vec<ScopeRef>,
    /// Who submitted it.
    pub submitter: identity::PrincipalKey,
    /// By which path.
    pub via: Via,
}

/// What an act is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A component (to submit it, to see its runs listed).
    Component(ComponentRef),
    /// A namespace: workflows and templates without a component.
    Namespace(String),
    /// A stored run.
    Run(RunFacts),
    /// A scope.
    Scope(ScopeRef),
    /// The server: configuration, audit log.
    Server,
}

/// The facts of the moment beside principal and resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// The reason given.
    pub reason: Option<String>,
    /// The ticket given.
    pub ticket: Option<String>,
    /// The parameters of the run, effective.
    pub parameters: BTreeMap<String, String>,
    /// The names of parameters the caller sets.
    pub overrides: Vec<String>,
    /// The gate (for approve).
    pub gate: Option<String>,
    /// The path (for submit).
    pub via: Option<Via>,
    /// The WorkflowTemplate, if it is one (for view, edit and delete).
    pub template: Option<String>,
    /// The existing scopes that are changed, or whose components are (for apply).
    pub scopes: Vec<ScopeRef>,
    /// Whether it is asked about somebody else (for explain).
    pub other: bool,
}
