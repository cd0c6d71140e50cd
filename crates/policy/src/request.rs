//! From a question to what Cedar is asked: the principal, the few entities it takes, the facts.
//! Nothing is kept between requests: a decision builds the handful of entities it needs.
//! Not here: which policies take part (see `decide`).

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context as CedarContext, Entities, Entity, EntityUid, Request, RestrictedExpression};
use identity::{Principal, PrincipalKey, PrincipalKind};
use jiff::Timestamp;
use model::{RunId, canonical, catalog::Catalog};
use serde_json::{Value, json};

use crate::{
    Context, Resource,
    compile::Compiled,
    facts,
    names::{Kind, Names, user_id, via_id},
    site::Site,
};

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) run: Option<RunId>,
    pub(crate) action: &'static str,
    pub(crate) resource: &'a Resource,
    pub(crate) facts: &'a Context,
    pub(crate) now: Timestamp,
}

/// What Cedar needs beside the policies.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) request: Request,
    pub(crate) entities: Entities,
}

type Pairs = Vec<(String, RestrictedExpression)>;

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn pair(name: &str, value: RestrictedExpression) -> (String, RestrictedExpression) {
    (name.to_owned(), value)
}

fn record(pairs: Pairs) -> Result<RestrictedExpression, String> {
    RestrictedExpression::new_record(pairs).map_err(|error| error.to_string())
}

fn key(key: &PrincipalKey) -> Result<RestrictedExpression, String> {
    record(vec![pair("issuer", text(&key.issuer)), pair("subject", text(&key.subject))])
}

/// Prepares the request.
///
/// # Errors
/// Cedar's words, if the question is not one the schema knows; the caller denies.
pub(crate) fn prepare(
    asked: &Asked<'_>,
    site: &Site<'_>,
    catalog: &Catalog,
    compiled: &Compiled,
    names: &Names,
) -> Result<Prepared, String> {
    let prepare = Prepare { asked, site, catalog, compiled, names };
    let principal = prepare.principal()?;
    let resource = prepare.resource()?;
    let mut entities = Vec::with_capacity(3);
    let context = prepare.context(&mut entities)?;
    let context = CedarContext::from_pairs(context).map_err(|error| error.to_string())?;
    let action = names.uid(Kind::Action, asked.action);
    let request = Request::new(principal.uid(), action, resource.uid(), context, Some(&compiled.schema))
        .map_err(|error| error.to_string())?;
    entities.push(principal);
    if site.kind != Kind::Server {
        entities.push(resource);
    }
    let schema = cfg!(debug_assertions).then_some(&compiled.schema);
    let entities = Entities::from_entities(entities, schema).map_err(|error| error.to_string())?;
    Ok(Prepared { request, entities })
}

struct Prepare<'a> {
    asked: &'a Asked<'a>,
    site: &'a Site<'a>,
    catalog: &'a Catalog,
    compiled: &'a Compiled,
    names: &'a Names,
}

impl Prepare<'_> {
    fn entity(uid: EntityUid, attributes: Pairs, parents: HashSet<EntityUid>) -> Result<Entity, String> {
        let attributes: HashMap<String, RestrictedExpression> = attributes.into_iter().collect();
        Entity::new(uid, attributes, parents).map_err(|error| error.to_string())
    }

    fn principal(&self) -> Result<Entity, String> {
        let who = self.asked.principal;
        let own = match who.kind {
            PrincipalKind::User => self.names.uid(Kind::User, &user_id(&who.provider, &who.key.subject)),
            PrincipalKind::Workload => self.names.uid(Kind::Workload, &who.key.subject),
        };
        let mut parents: HashSet<EntityUid> =
            who.groups.iter().map(|group| self.names.uid(Kind::Group, group)).collect();
        let mut attributes = vec![pair("key", key(&who.key)?), pair("provider", text(&who.provider))];
        let Some(run) = self.asked.run else { return Self::entity(own, attributes, parents) };
        let run = run.to_string();
        parents.insert(own);
        attributes.push(pair("run", RestrictedExpression::new_entity_uid(self.names.uid(Kind::Run, &run))));
        Self::entity(self.names.uid(Kind::Delegate, &run), attributes, parents)
    }

    fn resource(&self) -> Result<Entity, String> {
        let site = self.site;
        let uid = self.names.uid(site.kind, &site.id);
        let scope = |scope: &model::ScopeRef| self.names.uid(Kind::Scope, &scope.to_string());
        let mut parents: HashSet<EntityUid> = site.chain.iter().map(scope).collect();
        let mut attributes = Vec::with_capacity(6);
        if matches!(site.kind, Kind::Component | Kind::Namespace | Kind::Run) {
            attributes.push(pair("scoped", RestrictedExpression::new_bool(site.scoped)));
            if let Some(innermost) = site.chain.first() {
                attributes.push(pair("innermost", RestrictedExpression::new_entity_uid(scope(innermost))));
            }
        }
        if let Some(run) = site.run {
            if let Some(bound) = site.component {
                parents.insert(self.names.uid(Kind::Component, &bound.component.to_string()));
            }
            attributes.push(pair("live", RestrictedExpression::new_bool(site.component.is_some())));
            attributes.push(pair("free", RestrictedExpression::new_bool(site.is_free())));
            attributes.push(pair("submitter", key(&run.submitter)?));
            attributes.push(pair(
                "via",
                RestrictedExpression::new_entity_uid(self.names.uid(Kind::Via, via_id(run.via))),
            ));
        }
        Self::entity(uid, attributes, parents)
    }

    fn session(&self) -> Result<RestrictedExpression, String> {
        let who = self.asked.principal;
        let mut session = vec![
            pair("now", RestrictedExpression::new_long(self.asked.now.as_second())),
            pair("mfa", RestrictedExpression::new_bool(facts::several_factors(who))),
            pair("amr", RestrictedExpression::new_set(who.amr.iter().map(|method| text(method)))),
        ];
        session.extend(who.acr.as_deref().map(|acr| pair("acr", text(acr))));
        session.extend(
            facts::auth_age(who, self.asked.now)
                .map(|age| pair("authAge", RestrictedExpression::new_long(age))),
        );
        record(session)
    }

    /// Returns the facts of the action; entities they refer to are added to `entities`.
    fn context(&self, entities: &mut Vec<Entity>) -> Result<Pairs, String> {
        let facts = self.asked.facts;
        let mut pairs = vec![pair("session", self.session()?)];
        match self.asked.action {
            "submit" => {
                let via = facts.via.ok_or("the path of the submission is unknown")?;
                let parameters = self.parameters()?;
                pairs.push(pair(
                    "via",
                    RestrictedExpression::new_entity_uid(self.names.uid(Kind::Via, via_id(via))),
                ));
                pairs.push(pair("parameters", RestrictedExpression::new_entity_uid(parameters.uid())));
                pairs.push(pair(
                    "overrides",
                    RestrictedExpression::new_set(facts.overrides.iter().map(|name| text(name))),
                ));
                pairs.push(pair("matched", self.matched()));
                pairs.extend(given(facts.reason.as_deref()).map(|reason| pair("reason", text(reason))));
                pairs.extend(given(facts.ticket.as_deref()).map(|ticket| pair("ticket", text(ticket))));
                entities.push(parameters);
            }
            "sendEvent" => {
                let via = facts.via.ok_or("the path of the event is unknown")?;
                pairs.push(pair(
                    "via",
                    RestrictedExpression::new_entity_uid(self.names.uid(Kind::Via, via_id(via))),
                ));
            }
            "approve" | "deny" => {
                pairs.push(pair("gate", text(facts.gate.as_deref().ok_or("the gate is unknown")?)));
                pairs.extend(given(facts.reason.as_deref()).map(|reason| pair("reason", text(reason))));
            }
            "viewTemplate" | "editTemplate" | "deleteTemplate" => {
                pairs.push(pair("bound", RestrictedExpression::new_bool(self.template_is_bound())));
            }
            "explain" => pairs.push(pair("other", RestrictedExpression::new_bool(facts.other))),
            "apply" => {
                let known = facts.scopes.iter().all(|scope| self.catalog.scope(scope).is_some());
                let scope = |scope: &model::ScopeRef| {
                    RestrictedExpression::new_entity_uid(self.names.uid(Kind::Scope, &scope.to_string()))
                };
                pairs.push(pair("scopes", RestrictedExpression::new_set(facts.scopes.iter().map(scope))));
                pairs.push(pair("known", RestrictedExpression::new_bool(known)));
            }
            _ => {}
        }
        Ok(pairs)
    }

    fn parameters(&self) -> Result<Entity, String> {
        let tags = self.asked.facts.parameters.iter().map(|(name, value)| (name.clone(), text(value)));
        let uid = self.names.uid(Kind::Parameters, "effective");
        Entity::new_with_tags(uid, [], [], tags).map_err(|error| error.to_string())
    }

    fn matched(&self) -> RestrictedExpression {
        let patterns = self.site.component.and_then(|bound| self.compiled.patterns.get(&bound.component));
        let matched = patterns.into_iter().flatten().filter_map(|pattern| pattern.matched(self.asked.facts));
        RestrictedExpression::new_set(matched.map(text))
    }

    fn template_is_bound(&self) -> bool {
        let (Resource::Namespace(namespace), Some(template)) =
            (self.asked.resource, &self.asked.facts.template)
        else {
            return false;
        };
        let name = model::NamespacedName::new(namespace.clone(), template.clone());
        self.catalog.component_of_template(&name).is_some()
    }
}

/// Returns the text unless it is blank: a reason of spaces is none.
pub(crate) fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// Returns the SHA-256 of the whole question.
pub(crate) fn digest(asked: &Asked<'_>, resource: &str) -> String {
    let (who, facts) = (asked.principal, asked.facts);
    let kind = match who.kind {
        PrincipalKind::User => "user",
        PrincipalKind::Workload => "workload",
    };
    let scopes: Vec<String> = facts.scopes.iter().map(ToString::to_string).collect();
    let question: Value = json!({
        "principal": {
            "issuer": who.key.issuer,
            "subject": who.key.subject,
            "provider": who.provider,
            "kind": kind,
            "groups": who.groups,
            "amr": who.amr,
            "acr": who.acr,
            "authTime": who.auth_time.map(|at| at.to_string()),
        },
        "run": asked.run.map(|run| run.to_string()),
        "action": asked.action,
        "resource": resource,
        "runFacts": run_facts(asked.resource),
        "context": {
            "now": asked.now.to_string(),
            "reason": facts.reason,
            "ticket": facts.ticket,
            "parameters": facts.parameters,
            "overrides": facts.overrides,
            "gate": facts.gate,
            "via": facts.via.map(via_id),
            "template": facts.template,
            "scopes": scopes,
            "other": facts.other,
        },
    });
    canonical::digest(&question)
}

fn run_facts(resource: &Resource) -> Value {
    let Resource::Run(run) = resource else { return Value::Null };
    let scopes: Vec<String> = run.scopes.iter().map(ToString::to_string).collect();
    json!({
        "name": run.name.to_string(),
        "component": run.component.as_ref().map(ToString::to_string),
        "scopes": scopes,
        "submitter": [run.submitter.issuer, run.submitter.subject],
        "via": via_id(run.via),
    })
}
