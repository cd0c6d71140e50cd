//! What the rules of access policies forbid. `require` forbids whoever lacks a fact, one prohibition a fact, so
//! that a refusal can name it; `forbid` forbids while all its facts hold. Neither can give anything.
//! Not here: whether a text matches a pattern (Cedar has none; see [`Pattern`]), who may attach a policy.

use model::{
    catalog::BoundComponent,
    fault::Fault,
    manifest::Written,
    oam::{AccessPolicy, AccessRule, Effect, RuleAction},
};
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::component;
use crate::{
    Context,
    error::CompileError,
    est,
    rule::{Concern, Draft, Fact, Remedy},
    words,
};

/// The largest compiled pattern, in bytes; a manifest cannot ask for more.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// A pattern that the ticket must match. Cedar has no regular expressions, so whether it matches is one of the
/// facts given to Cedar: the pattern's key is in `context.matched`.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    key: String,
    regex: Regex,
}

impl Pattern {
    /// Returns the pattern's key, if there is a ticket and it matches.
    pub(crate) fn matched(&self, facts: &Context) -> Option<&str> {
        facts.ticket.as_ref().is_some_and(|ticket| self.regex.is_match(ticket)).then_some(self.key.as_str())
    }
}

/// Returns what the component's access policies forbid, the patterns they ask about, and every fault.
pub(super) fn drafts(component: &BoundComponent) -> (Vec<Draft>, Vec<Pattern>, Vec<Fault>) {
    let (mut drafts, mut patterns, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (policy_number, policy) in (1..).zip(&component.policies) {
        for (number, rule) in (1..).zip(&policy.object.rules) {
            let source = Source { component, policy, policy_number, number, rule };
            match source.drafts() {
                Ok((more, asked)) => {
                    drafts.extend(more);
                    patterns.extend(asked);
                }
                Err(error) => faults.push(error.at(source.place())),
            }
        }
    }
    (drafts, patterns, faults)
}

struct Source<'a> {
    component: &'a BoundComponent,
    policy: &'a Written<AccessPolicy>,
    policy_number: usize,
    number: usize,
    rule: &'a AccessRule,
}

/// One fact of `when`, as an expression.
struct Condition {
    name: String,
    says: String,
    expression: Value,
    remedy: Remedy,
    pattern: Option<Pattern>,
}

impl Source<'_> {
    fn place(&self) -> Option<model::Place> {
        self.rule.place.clone().or_else(|| self.policy.place.clone())
    }

    fn drafts(&self) -> Result<(Vec<Draft>, Vec<Pattern>), CompileError> {
        let conditions = conditions(&self.rule.when)?;
        for action in &self.rule.actions {
            let unknowable = conditions.iter().find(|condition| !knows(*action, &condition.name));
            if let Some(condition) = unknowable {
                return Err(CompileError::UnknowableFact {
                    name: condition.name.clone(),
                    action: action_name(*action),
                });
            }
        }
        let mut actions = self.rule.actions.clone();
        actions.sort_by_key(|action| action_name(*action));
        actions.dedup();
        let drafts = actions.into_iter().flat_map(|action| match self.rule.effect {
            Effect::Require => conditions.iter().map(|condition| self.require(action, condition)).collect(),
            Effect::Forbid => vec![self.forbid(action, &conditions)],
        });
        let drafts = drafts.collect();
        Ok((drafts, conditions.into_iter().filter_map(|condition| condition.pattern).collect()))
    }

    fn draft(&self, action: RuleAction, what: &str, says: String) -> Draft {
        let what =
            format!("policy {} rule {} {} {what}", self.policy_number, self.number, action_name(action));
        let draft = component::forbid(self.component, &what, cedar_actions(action), says).at(self.place());
        let draft = if self.rule.subjects.is_empty() {
            draft
        } else {
            draft.when(est::is_one_of(&self.rule.subjects))
        };
        if action == RuleAction::OverrideParameter {
            return draft
                .when(est::not(est::is_empty(est::context("overrides"))))
                .concerns(Concern::Overrides);
        }
        draft
    }

    fn whom(&self) -> String {
        if self.rule.subjects.is_empty() {
            String::new()
        } else {
            format!(" of {}", words::subjects(&self.rule.subjects))
        }
    }

    fn require(&self, action: RuleAction, condition: &Condition) -> Draft {
        let name = words::plain(&self.policy.object.name);
        let says = format!(
            "policy `{name}` requires for `{}`{}: {}",
            action_name(action),
            self.whom(),
            condition.says
        );
        self.draft(action, &format!("require {}", condition.name), says)
            .unless(condition.expression.clone())
            .remedy(condition.remedy.clone())
    }

    fn forbid(&self, action: RuleAction, conditions: &[Condition]) -> Draft {
        let name = words::plain(&self.policy.object.name);
        let whom = if self.rule.subjects.is_empty() {
            "everybody".to_owned()
        } else {
            words::subjects(&self.rule.subjects)
        };
        let facts: Vec<&str> = conditions.iter().map(|condition| condition.says.as_str()).collect();
        let when = if facts.is_empty() { String::new() } else { format!(", when: {}", facts.join("; ")) };
        let says = format!("policy `{name}` forbids `{}` to {whom}{when}", action_name(action));
        conditions
            .iter()
            .fold(self.draft(action, "forbid", says), |draft, condition| {
                draft.when(condition.expression.clone())
            })
            .remedy(Remedy::Excluded { whom: format!("{whom}{when}"), scopes: self.component.scopes.clone() })
    }
}

const fn action_name(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Trigger => "trigger",
        RuleAction::View => "view",
        RuleAction::Approve => "approve",
        RuleAction::OverrideParameter => "override-parameter",
        RuleAction::AssumeRole => "assume-role",
    }
}

/// Refusing a gate is an approver's power too, so what binds approving binds it.
const fn cedar_actions(action: RuleAction) -> &'static [&'static str] {
    match action {
        RuleAction::Trigger | RuleAction::OverrideParameter => &["submit"],
        RuleAction::View => &["viewRun", "viewLog", "viewOutput"],
        RuleAction::Approve => &["approve", "deny"],
        RuleAction::AssumeRole => &["assumeRole"],
    }
}

/// Returns whether requests for `action` carry the fact that the condition asks about.
fn knows(action: RuleAction, condition: &str) -> bool {
    match condition {
        "mfa" | "maxAuthAgeSeconds" => true,
        _ => matches!(action, RuleAction::Trigger | RuleAction::OverrideParameter),
    }
}

fn conditions(when: &Map<String, Value>) -> Result<Vec<Condition>, CompileError> {
    let mut conditions = Vec::new();
    for (name, value) in when {
        match name.as_str() {
            "mfa" => conditions.push(mfa(value)?),
            "maxAuthAgeSeconds" => conditions.push(max_auth_age(value)?),
            "ticket" => conditions.push(ticket(value)?),
            "params" => {
                let parameters = value
                    .as_object()
                    .ok_or_else(|| bad(name, "a map from parameter to value or list of values"))?;
                for (parameter, wanted) in parameters {
                    conditions.push(parameter_condition(parameter, wanted)?);
                }
            }
            _ => return Err(CompileError::UnknownCondition { name: words::plain(name) }),
        }
    }
    Ok(conditions)
}

fn bad(name: &str, wanted: &str) -> CompileError {
    CompileError::BadCondition { name: words::plain(name), wanted: wanted.to_owned() }
}

fn mfa(value: &Value) -> Result<Condition, CompileError> {
    if value.as_bool() != Some(true) {
        return Err(bad("mfa", "`true`"));
    }
    Ok(Condition {
        name: "mfa".to_owned(),
        says: "a login with a second factor".to_owned(),
        expression: est::session("mfa"),
        remedy: Remedy::Fact { name: Fact::Mfa, how: "log in again with a second factor".to_owned() },
        pattern: None,
    })
}

fn max_auth_age(value: &Value) -> Result<Condition, CompileError> {
    let seconds = value.as_i64().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| bad("maxAuthAgeSeconds", "a number of seconds above 0"))?;
    let fresh = est::all(vec![
        est::has(est::context("session"), "authAge"),
        est::binary("<=", est::session("authAge"), est::literal(seconds)),
    ]);
    Ok(Condition {
        name: "maxAuthAgeSeconds".to_owned(),
        says: format!("a login at most {seconds} seconds old"),
        expression: fresh,
        remedy: Remedy::Fact {
            name: Fact::AuthAge,
            how: format!("log in again, and try within {seconds} seconds"),
        },
        pattern: None,
    })
}

fn ticket(value: &Value) -> Result<Condition, CompileError> {
    let wanted = || bad("ticket", "a regular expression of moderate size");
    let text = value.as_str().ok_or_else(wanted)?;
    let regex =
        RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).build();
    let pattern = Pattern { key: text.to_owned(), regex: regex.map_err(|_| wanted())? };
    let says = format!("a ticket that matches `{}`", words::plain(text));
    Ok(Condition {
        name: "ticket".to_owned(),
        expression: est::binary("contains", est::context("matched"), est::literal(text)),
        remedy: Remedy::Fact { name: Fact::Ticket, how: format!("give {says}: `--ticket ID`") },
        says,
        pattern: Some(pattern),
    })
}

/// Returns the texts of a value or of a list of at least one; parameters are texts, however a rule writes them.
fn texts(name: &str, value: &Value) -> Result<Vec<String>, CompileError> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let list = match value {
        Value::Array(list) => list.iter().map(scalar).collect::<Option<Vec<_>>>(),
        one => scalar(one).map(|text| vec![text]),
    };
    list.filter(|list| !list.is_empty()).ok_or_else(|| bad(name, "a text, or a list of at least one"))
}

fn parameter_condition(parameter: &str, value: &Value) -> Result<Condition, CompileError> {
    let name = format!("params.{}", words::plain(parameter));
    let values = texts(&name, value)?;
    let key = || est::literal(parameter);
    let expression = est::all(vec![
        est::binary("hasTag", est::context("parameters"), key()),
        est::binary(
            "contains",
            est::strings(&values),
            est::binary("getTag", est::context("parameters"), key()),
        ),
    ]);
    let says = format!("parameter `{}` is one of {}", words::plain(parameter), words::quoted(&values));
    let remedy = Remedy::Say(format!("it is allowed if {says}"));
    Ok(Condition { name, says, expression, remedy, pattern: None })
}
