//! What one IdentityScope forbids. Each list becomes a prohibition for everybody who is not on it, so several
//! scopes together allow only whom all of them list.
//! Not here: access policies and traits (see `component`).

use model::{
    ScopeRef,
    catalog::Catalog,
    manifest::Written,
    oam::{IdentityScope, IdentityScopeSpec, Subject, Via},
};
use serde_json::Value;

use super::{CONTROL, GO_ON, Staff, TEMPLATES};
use crate::{
    est,
    names::Kind,
    rule::{Bound, Concern, Draft, Remedy},
    words,
};

/// Returns what the scope forbids.
pub(super) fn drafts(
    catalog: &Catalog,
    scope: &ScopeRef,
    written: &Written<IdentityScope>,
    staff: &Staff<'_>,
) -> Vec<Draft> {
    let source = Source { scope, written, spec: &written.object.spec, staff };
    let mut drafts = vec![
        source.triggerers(),
        source.still_triggerers(),
        source.status(),
        source.list("viewLog", "viewers.logs", &source.spec.viewers.logs),
        source.list("viewOutput", "viewers.outputs", &source.spec.viewers.outputs),
        source.approvers(),
        source.control(),
        source.templates(),
        source.template_changes(),
        source.explain(),
        source.apply(),
    ];
    drafts.extend(source.know(catalog));
    drafts.extend(source.provider());
    drafts
}

struct Source<'a> {
    scope: &'a ScopeRef,
    written: &'a Written<IdentityScope>,
    spec: &'a IdentityScopeSpec,
    staff: &'a Staff<'a>,
}

impl Source<'_> {
    fn forbid(&self, what: &str, actions: &[&'static str], path: &str, says: String) -> Draft {
        Draft::forbid(format!("scope {} {what}", self.scope), actions, says)
            .within(Kind::Scope, self.scope.to_string())
            .at(self.written.place_of(path))
    }

    /// Returns the subjects of `lists`, once each.
    fn listed(lists: &[&[Subject]]) -> Vec<Subject> {
        let mut all: Vec<Subject> = lists.iter().flat_map(|list| list.iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Returns a prohibition for everybody who is not among `subjects`.
    fn only(&self, what: &str, actions: &[&'static str], path: &str, subjects: Vec<Subject>) -> Draft {
        let act = words::act(actions.first().copied().unwrap_or_default());
        let says = format!("scope `{}` lets these {act}: {}", self.scope, words::subjects(&subjects));
        self.forbid(what, actions, path, says)
            .unless(est::is_one_of(&subjects))
            .lists(Bound::Subjects(subjects), Remedy::ListedByScope(self.scope.clone()))
    }

    fn list(&self, action: &'static str, field: &'static str, subjects: &[Subject]) -> Draft {
        self.only(field, &[action], "spec.viewers", Self::listed(&[subjects]))
    }

    fn triggerer_subjects(&self) -> Vec<Subject> {
        self.spec.triggerers.iter().map(|triggerer| triggerer.subject.clone()).collect()
    }

    /// Returns whether the principal is listed for the path that `via` evaluates to.
    fn may_trigger(&self, via: &Value) -> Value {
        let by = |path: Via| {
            let subjects: Vec<&Subject> = self
                .spec
                .triggerers
                .iter()
                .filter(|triggerer| triggerer.via.contains(&path))
                .map(|triggerer| &triggerer.subject)
                .collect();
            (!subjects.is_empty())
                .then(|| est::all(vec![est::equal(via.clone(), est::via(path)), est::is_one_of(subjects)]))
        };
        est::any([Via::Manual, Via::Cron, Via::Event, Via::Api].into_iter().filter_map(by).collect())
    }

    fn triggerers(&self) -> Draft {
        let says = format!(
            "scope `{}` lets these start runs: {}",
            self.scope,
            words::triggerers(&self.spec.triggerers)
        );
        self.forbid("triggerers", &["submit", "sendEvent"], "spec.triggerers", says)
            .unless(self.may_trigger(&est::context("via")))
            .lists(Bound::Triggerers(self.spec.triggerers.clone()), Remedy::ListedByScope(self.scope.clone()))
    }

    /// A scope that has been narrowed stops new steps of runs that are under way.
    fn still_triggerers(&self) -> Draft {
        let says = format!(
            "a run under scope `{}` goes on only while its submitter could start it: {}",
            self.scope,
            words::triggerers(&self.spec.triggerers)
        );
        self.forbid("triggerers of runs", &GO_ON, "spec.triggerers", says)
            .unless(self.may_trigger(&est::resource("via")))
            .lists(Bound::Triggerers(self.spec.triggerers.clone()), Remedy::ListedByScope(self.scope.clone()))
    }

    /// Owners and approvers see the status of what they are responsible for.
    fn status(&self) -> Draft {
        let subjects = Self::listed(&[&self.spec.viewers.status, &self.spec.owners, &self.spec.approvers]);
        self.only("viewers.status", &["viewRun"], "spec.viewers", subjects)
    }

    fn approvers(&self) -> Draft {
        self.only("approvers", &["approve", "deny"], "spec.approvers", Self::listed(&[&self.spec.approvers]))
    }

    /// Owners control every run; whoever submitted one, that one, while the scope still lists them.
    fn control(&self) -> Draft {
        let triggerers = self.triggerer_subjects();
        let submitter = est::all(vec![
            est::equal(est::attribute(est::principal(), "key"), est::resource("submitter")),
            est::is_one_of(&triggerers),
        ]);
        let owners = Self::listed(&[&self.spec.owners]);
        let says = format!(
            "scope `{}` lets its owners control runs ({}), and whoever submitted a run while listed as triggerer",
            self.scope,
            words::subjects(&owners)
        );
        self.forbid("owners", &CONTROL, "spec.owners", says)
            .unless(est::is_one_of(&owners))
            .unless(submitter)
            .lists(Bound::Subjects(owners), Remedy::ListedByScope(self.scope.clone()))
    }

    fn templates(&self) -> Draft {
        let triggerers = self.triggerer_subjects();
        let lists =
            [self.spec.viewers.status.as_slice(), &triggerers, &self.spec.owners, self.staff.administrators];
        self.only(
            "viewers of templates",
            &["viewTemplate", "viewObject"],
            "spec.viewers",
            Self::listed(&lists),
        )
    }

    fn template_changes(&self) -> Draft {
        let subjects = Self::listed(&[&self.spec.owners, self.staff.administrators]);
        self.only(
            "owners of templates",
            &["editTemplate", "deleteTemplate", "editObject", "deleteObject"],
            "spec.owners",
            subjects,
        )
    }

    /// Asking about somebody else; about oneself, see [`Self::know`].
    fn explain(&self) -> Draft {
        let subjects = Self::listed(&[&self.spec.owners, self.staff.administrators, self.staff.auditors]);
        self.only("owners ask", &["explain"], "spec.owners", subjects)
            .when(est::context("other"))
            .concerns(Concern::AboutOthers)
    }

    /// The resource of `apply` is the namespace; the scopes it touches are among the facts.
    fn apply(&self) -> Draft {
        let touched = est::binary(
            "contains",
            est::context("scopes"),
            est::entity(Kind::Scope, &self.scope.to_string()),
        );
        let mut draft = self
            .only(
                "owners apply",
                &["apply"],
                "spec.owners",
                Self::listed(&[&self.spec.owners, self.staff.administrators]),
            )
            .when(touched);
        draft.within = None;
        draft
    }

    /// Whoever the innermost scope lists for anything, and the owners of every scope around it, may know that a
    /// resource exists: otherwise nobody could be told why they are refused.
    fn know(&self, catalog: &Catalog) -> [Draft; 2] {
        let spec = self.spec;
        let triggerers = self.triggerer_subjects();
        let mut subjects = Self::listed(&[
            &spec.viewers.status,
            &spec.viewers.logs,
            &spec.viewers.outputs,
            &spec.owners,
            &spec.approvers,
            &triggerers,
            self.staff.administrators,
            self.staff.auditors,
        ]);
        for outer in catalog.scope_chain(self.scope) {
            subjects.extend(
                catalog.scope(&outer).into_iter().flat_map(|outer| outer.object.spec.owners.iter().cloned()),
            );
        }
        let innermost = || {
            est::all(vec![
                est::has(serde_json::json!({ "Var": "resource" }), "innermost"),
                est::equal(est::resource("innermost"), est::entity(Kind::Scope, &self.scope.to_string())),
            ])
        };
        let subjects = Self::listed(&[&subjects]);
        let know = self.only("anyone listed", &["know"], "spec", subjects.clone()).when(innermost());
        let mut ask = self
            .only("anyone listed asks", &["explain"], "spec", subjects)
            .when(innermost())
            .when(est::not(est::context("other")))
            .concerns(Concern::AboutOneself(self.scope.clone()));
        ask.says = format!("whoever scope `{}` lists for anything may ask what they may do", self.scope);
        [know, ask]
    }

    fn provider(&self) -> Vec<Draft> {
        let Some(provider) = &self.spec.identity_provider else { return Vec::new() };
        let same =
            || est::equal(est::attribute(est::principal(), "provider"), est::literal(provider.as_str()));
        let says = format!(
            "scope `{}` counts only people whom `{}` vouches for",
            self.scope,
            words::plain(provider)
        );
        let remedy = Remedy::Say(format!("log in with the identity provider `{}`", words::plain(provider)));
        let bounded: Vec<&'static str> =
            ["submit", "sendEvent", "viewRun", "viewLog", "viewOutput", "approve", "deny"]
                .into_iter()
                .chain(CONTROL)
                .chain(GO_ON)
                .collect();
        let strict = self
            .forbid("identityProvider", &bounded, "spec.identityProvider", says.clone())
            .unless(same())
            .remedy(remedy.clone());
        let staff = [self.staff.administrators, self.staff.auditors].concat();
        let templates = self
            .forbid("identityProvider for templates", &TEMPLATES, "spec.identityProvider", says.clone())
            .unless(same())
            .unless(est::is_one_of(self.staff.administrators))
            .remedy(remedy.clone());
        let asked = self
            .forbid("identityProvider of owners who ask", &["explain"], "spec.identityProvider", says.clone())
            .when(est::context("other"))
            .concerns(Concern::AboutOthers)
            .unless(same())
            .unless(est::is_one_of(&staff))
            .remedy(remedy.clone());
        let touched = est::binary(
            "contains",
            est::context("scopes"),
            est::entity(Kind::Scope, &self.scope.to_string()),
        );
        let mut apply = self
            .forbid("identityProvider of owners who apply", &["apply"], "spec.identityProvider", says)
            .when(touched)
            .unless(same())
            .unless(est::is_one_of(self.staff.administrators))
            .remedy(remedy);
        apply.within = None;
        vec![strict, templates, asked, apply]
    }
}
