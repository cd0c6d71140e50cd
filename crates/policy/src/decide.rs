//! The decision: Cedar is asked with the rules of this resource alone, and its answer is put into words.
//!
//! Not here: advice (see `explain`).
//!
//! Invariant: the verdict is Cedar's. An error, of Cedar or of a policy, denies: Cedar skips a prohibition that
//! fails, which must not let anybody in.

use std::{collections::HashSet, sync::Arc};

use cedar_policy::{Authorizer, Decision as CedarDecision, Effect, PolicyId, PolicySet, Response};
use model::catalog::Catalog;

use crate::{
    Context, Decision, Resource, RuleRef, Verdict,
    compile::{ByAction, Compiled},
    explain,
    names::Names,
    request::{self, Asked, Prepared},
    rule::Rule,
    site::Site,
};

/// The compiled rules and what deciding takes.
pub(crate) struct Court<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) compiled: &'a Compiled,
    pub(crate) names: &'a Names,
    pub(crate) version: &'a Arc<str>,
}

/// What Cedar said, and who had a say.
pub(crate) struct Heard<'a> {
    pub(crate) rules: Vec<&'a Rule>,
    /// The rules that made the decision.
    pub(crate) determining: HashSet<PolicyId>,
    /// What Cedar was asked, if it could be.
    prepared: Option<Prepared>,
    pub(crate) verdict: Verdict,
    pub(crate) errors: Vec<String>,
}

impl<'a> Court<'a> {
    /// Decides, with reasons.
    pub(crate) fn decide(&self, asked: &Asked<'a>) -> Decision {
        let site = Site::of(self.catalog, asked.resource);
        let heard = self.hear(asked, &site);
        let resource = resource_text(asked.resource);
        let request_digest = request::digest(asked, &resource);
        let mut decision = Decision {
            verdict: heard.verdict,
            action: asked.action,
            resource,
            rules: Vec::new(),
            missing: Vec::new(),
            advice: Vec::new(),
            errors: heard.errors.clone(),
            rules_version: Arc::clone(self.version),
            request_digest,
        };
        match heard.verdict {
            Verdict::Allow => decision.rules = met(&heard, asked.facts, &site),
            Verdict::Deny => explain::refusal(&mut decision, &heard, asked, &site, self),
        }
        decision
    }

    /// Returns whether it is allowed, without reasons.
    pub(crate) fn allows(&self, asked: &Asked<'a>) -> bool {
        self.hear(asked, &Site::of(self.catalog, asked.resource)).verdict == Verdict::Allow
    }

    fn hear(&self, asked: &Asked<'a>, site: &Site<'_>) -> Heard<'a> {
        let rules = self.rules(asked, site);
        let prepared = request::prepare(asked, site, self.catalog, self.compiled, self.names);
        let answer =
            prepared.and_then(|prepared| ask(&rules, &prepared).map(|response| (prepared, response)));
        let (prepared, response) = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let (determining, errors) = (HashSet::new(), vec![error]);
                return Heard { rules, determining, prepared: None, verdict: Verdict::Deny, errors };
            }
        };
        let errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
        let allowed = response.decision() == CedarDecision::Allow && errors.is_empty();
        let verdict = if allowed { Verdict::Allow } else { Verdict::Deny };
        let determining = response.diagnostics().reason().cloned().collect();
        Heard { rules, determining, prepared: Some(prepared), verdict, errors }
    }

    /// Returns the rules that have a say: those that hold everywhere, those of the scopes, those of the component.
    fn rules(&self, asked: &Asked<'a>, site: &Site<'_>) -> Vec<&'a Rule> {
        let touched =
            if asked.action == "apply" { asked.facts.scopes.as_slice() } else { site.chain.as_slice() };
        let scopes = touched.iter().filter_map(|scope| self.compiled.of_scope.get(scope));
        let component = site.component.and_then(|bound| self.compiled.of_component.get(&bound.component));
        let indices = std::iter::once(&self.compiled.everywhere).chain(scopes).chain(component);
        let of_action = |index: &'a ByAction| index.get(asked.action).map_or(&[][..], Vec::as_slice);
        let mut seen = HashSet::new();
        let all = indices.flat_map(of_action).map(Arc::as_ref);
        all.filter(|rule| seen.insert(std::ptr::from_ref::<Rule>(rule))).collect()
    }
}

fn policies<'a>(rules: impl Iterator<Item = &'a &'a Rule>) -> Result<PolicySet, String> {
    let mut set = PolicySet::new();
    for rule in rules {
        set.add(rule.policy.clone()).map_err(|error| error.to_string())?;
    }
    Ok(set)
}

fn ask(rules: &[&Rule], prepared: &Prepared) -> Result<Response, String> {
    let set = policies(rules.iter())?;
    Ok(Authorizer::new().is_authorized(&prepared.request, &set, &prepared.entities))
}

impl Heard<'_> {
    /// Returns whether some permit would apply, were there no prohibition: for the words of a refusal, never for
    /// its verdict.
    pub(crate) fn permitted(&self) -> bool {
        let permit = |rule: &&Rule| rule.policy.effect() == Effect::Permit;
        let permits: Vec<&Rule> = self.rules.iter().copied().filter(permit).collect();
        let response = self.prepared.as_ref().map(|prepared| ask(&permits, prepared));
        response.is_some_and(|response| {
            response.is_ok_and(|response| response.decision() == CedarDecision::Allow)
        })
    }
}

/// Returns the permits that allowed it, then every bound that was met.
fn met(heard: &Heard<'_>, facts: &Context, site: &Site<'_>) -> Vec<RuleRef> {
    let permits = heard.rules.iter().filter(|rule| heard.determining.contains(rule.policy.id()));
    let bounds = heard.rules.iter().filter(|rule| {
        rule.policy.effect() == Effect::Forbid && rule.concern.applies(facts, site.chain.first())
    });
    permits.chain(bounds).map(|rule| rule.shown.clone()).collect()
}

/// Returns the resource in text.
pub(crate) fn resource_text(resource: &Resource) -> String {
    match resource {
        Resource::Component(component) => format!("component {component}"),
        Resource::Namespace(namespace) => format!("namespace {namespace}"),
        Resource::Run(run) => format!("run {} ({})", run.name, run.id),
        Resource::Scope(scope) => format!("scope {scope}"),
        Resource::Server => "server".to_owned(),
    }
}
