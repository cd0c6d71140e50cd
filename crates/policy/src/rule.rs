//! One compiled rule: its Cedar policy, and what to say about it.
//! Not here: where rules come from (see `compile`), what they decide (see `decide`).

use cedar_policy::{Policy, PolicyId};
use model::{
    Place, ScopeRef,
    oam::{Subject, Triggerer, Via},
};
use serde_json::{Value, json};

use crate::{
    Context, RuleRef,
    error::CompileError,
    est,
    names::{Kind, entity_json},
};

/// A policy with its words.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) policy: Policy,
    pub(crate) actions: Vec<String>,
    pub(crate) shown: RuleRef,
    pub(crate) concern: Concern,
    pub(crate) bound: Option<Bound>,
    pub(crate) remedy: Remedy,
}

/// When a rule has anything to say about a request; otherwise it isn't listed among the bounds that were met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Concern {
    Always,
    /// Starting by hand.
    ByHand,
    /// Setting parameters.
    Overrides,
    /// This gate.
    Gate(String),
    /// Asking about somebody else.
    AboutOthers,
    /// Asking about oneself, where this is the innermost scope.
    AboutOneself(ScopeRef),
}

impl Concern {
    /// Returns whether the rule has anything to say about a request with these facts.
    pub(crate) fn applies(&self, facts: &Context, innermost: Option<&ScopeRef>) -> bool {
        match self {
            Self::Always => true,
            Self::ByHand => facts.via == Some(Via::Manual),
            Self::Overrides => !facts.overrides.is_empty(),
            Self::Gate(gate) => facts.gate.as_ref() == Some(gate),
            Self::AboutOthers => facts.other,
            Self::AboutOneself(scope) => !facts.other && innermost == Some(scope),
        }
    }
}

/// Who gets past a rule, for advice.
#[derive(Debug, Clone)]
pub(crate) enum Bound {
    /// These.
    Subjects(Vec<Subject>),
    /// These, each by its paths.
    Triggerers(Vec<Triggerer>),
}

impl Bound {
    /// Returns who gets past, given the path.
    pub(crate) fn subjects(&self, via: Option<Via>) -> Vec<&Subject> {
        match self {
            Self::Subjects(subjects) => subjects.iter().collect(),
            Self::Triggerers(list) => {
                let by = |triggerer: &&Triggerer| via.is_none_or(|via| triggerer.via.contains(&via));
                list.iter().filter(by).map(|triggerer| &triggerer.subject).collect()
            }
        }
    }
}

/// What helps somebody whom a rule refused.
#[derive(Debug, Clone)]
pub(crate) enum Remedy {
    /// Nothing they can do themselves; the text says so or gives another way.
    Say(String),
    /// Being listed by this scope.
    ListedByScope(ScopeRef),
    /// Being listed by something in an application of these scopes.
    ListedByApplication {
        /// What lists them, in words.
        lister: String,
        /// The scopes whose owners may change it, innermost first.
        scopes: Vec<ScopeRef>,
    },
    /// Being somebody whom an access policy doesn't exclude.
    Excluded {
        /// Who is excluded and when, in words.
        whom: String,
        /// The scopes whose owners may change the policy's application, innermost first.
        scopes: Vec<ScopeRef>,
    },
    /// Leaving out the parameters that are not among these.
    Overridable(Vec<String>),
    /// Giving a fact; the sentence says how.
    Fact {
        /// The fact's name.
        name: Fact,
        /// How to give it.
        how: String,
    },
}

/// A fact that a request may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Mfa,
    AuthAge,
    Reason,
    Ticket,
}

impl Fact {
    /// Returns the fact's name as it appears in a decision.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mfa => "mfa",
            Self::AuthAge => "authAge",
            Self::Reason => "reason",
            Self::Ticket => "ticket",
        }
    }
}

/// A policy before Cedar has seen it.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) effect: &'static str,
    pub(crate) actions: Vec<&'static str>,
    pub(crate) within: Option<(Kind, String)>,
    pub(crate) when: Vec<Value>,
    pub(crate) unless: Vec<Value>,
    pub(crate) says: String,
    pub(crate) place: Option<Place>,
    pub(crate) concern: Concern,
    pub(crate) bound: Option<Bound>,
    pub(crate) remedy: Remedy,
}

impl Draft {
    /// Returns a prohibition of `actions` everywhere and for everybody, to be narrowed.
    pub(crate) fn forbid(id: String, actions: &[&'static str], says: String) -> Self {
        Self {
            id,
            effect: "forbid",
            actions: actions.to_vec(),
            within: None,
            when: Vec::new(),
            unless: Vec::new(),
            says,
            place: None,
            concern: Concern::Always,
            bound: None,
            remedy: Remedy::Say(String::new()),
        }
    }
    /// Returns the draft limited to resources in this entity.
    pub(crate) fn within(mut self, kind: Kind, id: impl Into<String>) -> Self {
        self.within = Some((kind, id.into()));
        self
    }
    /// Returns the draft limited to requests for which the expression holds.
    pub(crate) fn when(mut self, expression: Value) -> Self {
        self.when.push(expression);
        self
    }
    /// Returns the draft limited to requests for which the expression does not hold.
    pub(crate) fn unless(mut self, expression: Value) -> Self {
        self.unless.push(expression);
        self
    }
    /// Returns the draft with the place it comes from.
    pub(crate) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }
    /// Returns the draft with what it concerns.
    pub(crate) fn concerns(mut self, concern: Concern) -> Self {
        self.concern = concern;
        self
    }
    /// Returns the draft with who gets past and how to become one of them.
    pub(crate) fn lists(mut self, bound: Bound, remedy: Remedy) -> Self {
        self.bound = Some(bound);
        self.remedy = remedy;
        self
    }
    /// Returns the draft with what helps.
    pub(crate) fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }

    /// Makes the rule.
    ///
    /// # Errors
    /// [`CompileError::Rejected`] if Cedar cannot read the policy.
    pub(crate) fn compile(self) -> Result<Rule, CompileError> {
        let policy = Policy::from_json(Some(PolicyId::new(&self.id)), self.policy_json())
            .map_err(|error| CompileError::Rejected { id: self.id.clone(), reason: error.to_string() })?;
        Ok(Rule {
            policy,
            actions: self.actions.iter().map(|action| (*action).to_owned()).collect(),
            shown: RuleRef { id: self.id, says: self.says, place: self.place },
            concern: self.concern,
            bound: self.bound,
            remedy: self.remedy,
        })
    }

    fn policy_json(&self) -> Value {
        let actions: Vec<Value> =
            self.actions.iter().map(|action| entity_json(Kind::Action, action)).collect();
        let resource = match &self.within {
            Some((kind, id)) => json!({ "op": "in", "entity": entity_json(*kind, id) }),
            None => json!({ "op": "All" }),
        };
        let mut conditions = Vec::new();
        if !self.when.is_empty() {
            conditions.push(json!({ "kind": "when", "body": est::all(self.when.clone()) }));
        }
        if !self.unless.is_empty() {
            conditions.push(json!({ "kind": "unless", "body": est::any(self.unless.clone()) }));
        }
        json!({
            "effect": self.effect,
            "principal": { "op": "All" },
            "action": { "op": "in", "entities": actions },
            "resource": resource,
            "conditions": conditions,
        })
    }
}
