//! Access rules: what they may ask for, and that they could ever fire.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    faults::{BAD_RULE, NOT_CARRIED_OUT, UNKNOWN_REFERENCE},
    inventory::Inventory,
    schema,
};
use crate::{
    fault::Fault,
    manifest::Written,
    name::NamespacedName,
    oam::{AccessPolicy, AccessRule, Application, Effect},
    yaml::{self, Document, Places, did_you_mean},
};

/// The type of policy that is carried out.
const ACCESS_POLICY: &str = "access-policy";
/// The facts a rule may ask for.
const FACTS: [&str; 4] = ["mfa", "ticket", "params", "maxAuthAgeSeconds"];

/// Returns the access policies of an Application; `parameters` are those its components have, if all are known.
pub(super) fn policies(
    inventory: &Inventory,
    application: &Written<Application>,
    namespace: &str,
    parameters: Option<&BTreeSet<&str>>,
    faults: &mut Vec<Fault>,
) -> Vec<Written<AccessPolicy>> {
    let mut policies: Vec<Written<AccessPolicy>> = Vec::new();
    for (index, policy) in application.object.spec.policies.iter().enumerate() {
        let path = format!("spec.policies[{index}]");
        let fault = |code, message: String, field: &str| {
            Fault::new(code, message).at(application.place_of(&format!("{path}{field}")))
        };
        if policy.policy_type != ACCESS_POLICY {
            let message = format!(
                "policy `{}` is of type `{}`, which is not carried out here",
                policy.name, policy.policy_type
            );
            faults.push(
                fault(NOT_CARRIED_OUT, message, ".type")
                    .help(format!("the type that is carried out is `{ACCESS_POLICY}`")),
            );
            continue;
        }
        if policies.iter().any(|other| other.object.name == policy.name) {
            faults.push(fault(BAD_RULE, format!("policy `{}` is defined twice", policy.name), ".name"));
        }
        let properties = policy.properties.clone().unwrap_or(Value::Null);
        let reference = properties.get("ref");
        if reference.is_some() && properties.get("rules").is_some() {
            faults.push(fault(
                BAD_RULE,
                "an access policy has either `ref` or `rules`".to_owned(),
                ".properties",
            ));
            continue;
        }
        let found = match reference {
            Some(reference) => referred(inventory, namespace, reference).ok_or_else(|| {
                let name = reference.as_str().unwrap_or_default();
                let known: Vec<&str> = inventory
                    .access_policies
                    .keys()
                    .filter(|k| k.namespace == namespace)
                    .map(|k| k.name.as_str())
                    .collect();
                let mut fault = fault(
                    UNKNOWN_REFERENCE,
                    format!("AccessPolicy `{namespace}/{name}` does not exist"),
                    ".properties.ref",
                );
                fault.help = did_you_mean(name, &known);
                vec![fault]
            }),
            None => inline(&properties, &application.places().below(&format!("{path}.properties"))),
        };
        match found {
            Ok(mut written) => {
                policy.name.clone_into(&mut written.object.name);
                faults.extend(check(&mut written, parameters));
                policies.push(written);
            }
            Err(found) => faults.extend(found),
        }
    }
    policies
}

fn inline(properties: &Value, places: &Places) -> Result<Written<AccessPolicy>, Vec<Fault>> {
    let read: Rules = yaml::decode(&Document::from_value(properties, places))?;
    let mut policy = Written::new(AccessPolicy { name: String::new(), rules: read.rules }, places.clone());
    put_places(&mut policy, "rules");
    Ok(policy)
}

/// The properties of an inline policy.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rules: Vec<AccessRule>,
}

fn referred(inventory: &Inventory, namespace: &str, reference: &Value) -> Option<Written<AccessPolicy>> {
    let name = NamespacedName::new(namespace, reference.as_str()?);
    let object = inventory.access_policies.get(&name)?.clone();
    let mut policy =
        object.map(|object| AccessPolicy { name: object.metadata.name.clone(), rules: object.spec.rules });
    put_places(&mut policy, "spec.rules");
    Some(policy)
}

fn put_places(policy: &mut Written<AccessPolicy>, path: &str) {
    let places: Vec<_> =
        (0..policy.object.rules.len()).map(|index| policy.place_of(&format!("{path}[{index}]"))).collect();
    for (rule, place) in policy.object.rules.iter_mut().zip(places) {
        rule.place = place;
    }
}

fn check(policy: &mut Written<AccessPolicy>, parameters: Option<&BTreeSet<&str>>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if policy.object.rules.is_empty() {
        let message = format!("policy `{}` has no rules", policy.object.name);
        faults.push(Fault::new(BAD_RULE, message).at(policy.place.clone()));
    }
    for rule in &policy.object.rules {
        faults.extend(check_rule(rule, parameters).into_iter().map(|fault| fault.at(rule.place.clone())));
    }
    faults
}

fn check_rule(rule: &AccessRule, parameters: Option<&BTreeSet<&str>>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut wrong = |message: String, help: Option<String>| {
        let mut fault = Fault::new(BAD_RULE, message);
        fault.help = help;
        faults.push(fault);
    };
    if rule.actions.is_empty() {
        wrong("a rule needs `actions`".to_owned(), None);
    }
    if rule.effect == Effect::Require && rule.when.is_empty() {
        wrong(
            "a `require` rule without `when` asks for nothing".to_owned(),
            Some("name the facts it asks for".to_owned()),
        );
    }
    for (fact, value) in &rule.when {
        match (fact.as_str(), value) {
            ("mfa", Value::Bool(true)) => {}
            ("mfa", _) => wrong("`mfa` can only be `true`".to_owned(), None),
            ("ticket", Value::String(pattern)) => {
                if schema::compile(pattern).is_err() {
                    wrong("`ticket` is not a regular expression that is supported".to_owned(), None);
                }
            }
            ("ticket", _) => wrong("`ticket` must be a regular expression".to_owned(), None),
            ("maxAuthAgeSeconds", value) if value.as_u64().is_some_and(|seconds| seconds > 0) => {}
            ("maxAuthAgeSeconds", _) => {
                wrong("`maxAuthAgeSeconds` must be a number of seconds above 0".to_owned(), None)
            }
            ("params", Value::Object(params)) if !params.is_empty() => {
                for (name, value) in params {
                    if let Some(parameters) = parameters.filter(|known| !known.contains(name.as_str())) {
                        let known: Vec<&str> = parameters.iter().copied().collect();
                        wrong(
                            format!("no component has a parameter `{name}`, so the rule could never fire"),
                            did_you_mean(name, &known),
                        );
                    }
                    if !is_value(value) {
                        wrong(
                            format!(
                                "the value of `{name}` must be a text, number, boolean, or a list of those"
                            ),
                            None,
                        );
                    }
                }
            }
            ("params", _) => {
                wrong("`params` must be an object of parameters and their values".to_owned(), None)
            }
            (other, _) => {
                let help = did_you_mean(other, &FACTS).unwrap_or_default();
                wrong(
                    format!("`{}` is no fact a rule can ask for", other.chars().take(64).collect::<String>()),
                    Some(help),
                );
            }
        }
    }
    faults
}

fn is_value(value: &Value) -> bool {
    let scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    match value {
        Value::Array(items) => !items.is_empty() && items.iter().all(scalar),
        other => scalar(other),
    }
}
