//! From manifests to policies: each scope, trait and access policy becomes Cedar policies that are validated
//! against the schema in strict mode.
//!
//! Not here: decisions (see `decide`).
//!
//! Invariant: what comes from a manifest is compiled to `forbid`s only.

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

use cedar_policy::{ActionConstraint, Effect, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use model::{ComponentRef, ScopeRef, canonical, catalog::Catalog, fault::Fault};
use serde_json::{Value, json};

pub(crate) mod access;
mod component;
mod scope;
mod staff;

use access::Pattern;
use staff::Staff;

use crate::{
    RuleRef, ServerPolicy,
    error::CompileError,
    rule::{Concern, Draft, Remedy, Rule},
    words,
};

pub(crate) const SCHEMA: &str = include_str!("../../../../policies/marque.cedarschema");
const BUILT_IN: &str = include_str!("../../../../policies/marque.cedar");
const LOCAL: &str = include_str!("../../../../policies/local.cedar");

/// The acts that steer a run.
const CONTROL: [&str; 7] = ["stop", "terminate", "suspend", "resume", "retry", "deleteRun", "deleteArchived"];
/// The acts on WorkflowTemplates and other objects of a namespace.
const TEMPLATES: [&str; 6] =
    ["viewTemplate", "editTemplate", "deleteTemplate", "viewObject", "editObject", "deleteObject"];
/// What the runner does in a run's name while the submitter could still start it.
const GO_ON: [&str; 8] = [
    "startPod",
    "mintCredential",
    "assumeRole",
    "memoize",
    "useSecrets",
    "moveArtifacts",
    "collectArtifacts",
    "performTask",
];

/// Rules by action.
pub(crate) type ByAction = HashMap<String, Vec<std::sync::Arc<Rule>>>;

/// Every rule, found by what a request is about, so that a decision looks at its own few only.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) schema: Schema,
    pub(crate) everywhere: ByAction,
    pub(crate) of_scope: HashMap<ScopeRef, ByAction>,
    pub(crate) of_component: HashMap<ComponentRef, ByAction>,
    pub(crate) patterns: HashMap<ComponentRef, Vec<Pattern>>,
    pub(crate) staff: StaffWords,
    pub(crate) version: String,
}

/// Who runs the server, in words for advice.
#[derive(Debug)]
pub(crate) struct StaffWords {
    pub(crate) administrators: String,
    pub(crate) auditors: String,
}

/// Compiles everything that binds in `catalog`.
///
/// # Errors
/// Every fault, at the place of the manifest it comes from.
pub(crate) fn compile(catalog: &Catalog, server: &ServerPolicy) -> Result<Compiled, Vec<Fault>> {
    let schema = schema().map_err(|error| vec![error.at(None)])?;
    let staff = Staff::of(server);
    let mut work = Work {
        everywhere: Vec::new(),
        of_scope: BTreeMap::new(),
        of_component: BTreeMap::new(),
        patterns: HashMap::new(),
        faults: Vec::new(),
    };
    work.built_in(server);
    for draft in staff::drafts(server) {
        let rule = work.rule(draft);
        work.everywhere.extend(rule);
    }
    for (name, written) in catalog.scopes() {
        let drafts = scope::drafts(catalog, name, written, &staff);
        let rules = work.rules(drafts);
        work.of_scope.insert(name.clone(), rules);
    }
    for bound in catalog.components() {
        let mut drafts = component::drafts(bound);
        let (more, patterns, faults) = access::drafts(bound);
        drafts.extend(more);
        work.faults.extend(faults);
        let rules = work.rules(drafts);
        work.of_component.insert(bound.component.clone(), rules);
        work.patterns.insert(bound.component.clone(), patterns);
    }
    let staff = StaffWords {
        administrators: words::subjects(&server.administrators),
        auditors: words::subjects(&server.auditors),
    };
    work.finish(schema, catalog, staff)
}

fn schema() -> Result<Schema, CompileError> {
    let (schema, _warnings) = Schema::from_cedarschema_str(SCHEMA)
        .map_err(|error| CompileError::BuiltIn { what: "schema", reason: error.to_string() })?;
    Ok(schema)
}

struct Work {
    everywhere: Vec<Rule>,
    of_scope: BTreeMap<ScopeRef, Vec<Rule>>,
    of_component: BTreeMap<ComponentRef, Vec<Rule>>,
    patterns: HashMap<ComponentRef, Vec<Pattern>>,
    faults: Vec<Fault>,
}

impl Work {
    fn rule(&mut self, draft: Draft) -> Option<Rule> {
        let place = draft.place.clone();
        draft.compile().map_err(|error| self.faults.push(error.at(place))).ok()
    }

    fn rules(&mut self, drafts: Vec<Draft>) -> Vec<Rule> {
        drafts.into_iter().filter_map(|draft| self.rule(draft)).collect()
    }

    fn built_in(&mut self, server: &ServerPolicy) {
        let texts = [Some(BUILT_IN), server.local.then_some(LOCAL)];
        for text in texts.into_iter().flatten() {
            match built_in(text) {
                Ok(rules) => self.everywhere.extend(rules),
                Err(error) => self.faults.push(error.at(None)),
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Rule> {
        self.everywhere
            .iter()
            .chain(self.of_scope.values().flatten())
            .chain(self.of_component.values().flatten())
    }

    fn finish(
        mut self,
        schema: Schema,
        catalog: &Catalog,
        staff: StaffWords,
    ) -> Result<Compiled, Vec<Fault>> {
        let faults = validate(&schema, self.all());
        self.faults.extend(faults);
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let version = version(self.all(), catalog).map_err(|error| vec![error.at(None)])?;
        Ok(Compiled {
            schema,
            staff,
            version,
            everywhere: by_action(self.everywhere),
            of_scope: self.of_scope.into_iter().map(|(name, rules)| (name, by_action(rules))).collect(),
            of_component: self
                .of_component
                .into_iter()
                .map(|(name, rules)| (name, by_action(rules)))
                .collect(),
            patterns: self.patterns,
        })
    }
}

fn by_action(rules: Vec<Rule>) -> ByAction {
    let mut index = ByAction::new();
    for rule in rules {
        let rule = std::sync::Arc::new(rule);
        for action in &rule.actions {
            index.entry(action.clone()).or_default().push(std::sync::Arc::clone(&rule));
        }
    }
    index
}

/// Reads built-in policies; their words are annotations.
fn built_in(text: &str) -> Result<Vec<Rule>, CompileError> {
    let broken = |reason: String| CompileError::BuiltIn { what: "policies", reason };
    let set = PolicySet::from_str(text).map_err(|error| broken(error.to_string()))?;
    let mut rules = Vec::new();
    for policy in set.policies() {
        let annotation = |key: &str| policy.annotation(key).map(str::to_owned);
        let id = annotation("id").ok_or_else(|| broken(format!("{} has no @id", policy.id())))?;
        let says = annotation("says").ok_or_else(|| broken(format!("{id} has no @says")))?;
        let advice = annotation("advice");
        if policy.effect() == Effect::Forbid && advice.is_none() {
            return Err(broken(format!("{id} has no @advice")));
        }
        let actions = match policy.action_constraint() {
            ActionConstraint::Eq(action) => vec![action],
            ActionConstraint::In(actions) => actions,
            ActionConstraint::Any => return Err(broken(format!("{id} names no action"))),
        };
        rules.push(Rule {
            policy: policy.new_id(PolicyId::new(&id)),
            actions: actions.iter().map(|action| AsRef::<str>::as_ref(action.id()).to_owned()).collect(),
            shown: RuleRef { id, says, place: None },
            concern: Concern::Always,
            bound: None,
            remedy: Remedy::Say(advice.unwrap_or_default()),
        });
    }
    rules.sort_by(|a, b| a.shown.id.cmp(&b.shown.id));
    Ok(rules)
}

/// Validates every policy in strict mode. A prohibition that fails while it is evaluated would be skipped by
/// Cedar; strict validation is what rules that out (and any error at run time denies, see `decide`).
fn validate<'a>(schema: &Schema, rules: impl Iterator<Item = &'a Rule>) -> Vec<Fault> {
    let mut set = PolicySet::new();
    let mut places: HashMap<PolicyId, &Rule> = HashMap::new();
    let mut faults = Vec::new();
    for rule in rules {
        places.insert(rule.policy.id().clone(), rule);
        if let Err(error) = set.add(rule.policy.clone()) {
            let rejected = CompileError::Rejected { id: rule.shown.id.clone(), reason: error.to_string() };
            faults.push(rejected.at(rule.shown.place.clone()));
        }
    }
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    for error in result.validation_errors() {
        let rule = places.get(error.policy_id());
        let id = rule.map_or_else(|| error.policy_id().to_string(), |rule| rule.shown.id.clone());
        let place = rule.and_then(|rule| rule.shown.place.clone());
        faults.push(CompileError::Invalid { id, reason: error.to_string() }.at(place));
    }
    faults
}

/// Returns the digest of schema, policies, and what lies within what.
fn version<'a>(rules: impl Iterator<Item = &'a Rule>, catalog: &Catalog) -> Result<String, CompileError> {
    let mut policies: BTreeMap<String, Value> = BTreeMap::new();
    for rule in rules {
        let policy = rule.policy.to_json().map_err(|error| CompileError::Rejected {
            id: rule.shown.id.clone(),
            reason: error.to_string(),
        })?;
        policies.insert(rule.shown.id.clone(), policy);
    }
    let chain = |scopes: &[ScopeRef]| scopes.iter().map(ToString::to_string).collect::<Vec<String>>();
    let scopes: BTreeMap<String, Vec<String>> =
        catalog.scopes().map(|(name, _)| (name.to_string(), chain(&catalog.scope_chain(name)))).collect();
    let components: BTreeMap<String, Vec<String>> =
        catalog.components().map(|bound| (bound.component.to_string(), chain(&bound.scopes))).collect();
    let roots: Vec<String> = catalog
        .scopes()
        .filter(|(_, written)| written.object.spec.namespace_root)
        .map(|(name, _)| name.to_string())
        .collect();
    let templates: BTreeMap<String, String> =
        catalog.components().map(|bound| (bound.component.to_string(), bound.template.to_string())).collect();
    Ok(canonical::digest(&json!({
        "schema": SCHEMA,
        "policies": policies,
        "scopes": scopes,
        "components": components,
        "roots": roots,
        "templates": templates,
    })))
}
