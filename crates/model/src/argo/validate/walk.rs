//! The walk from the entrypoint through every call: which template is meant, and what is looked at in each.
//! Source: Argo `validateTemplateHolder`, `validateTemplate`.

use std::collections::{HashMap, HashSet};

use super::{
    BAD_WORKFLOW, Findings, PARAMETER_WITHOUT_VALUE, UNKNOWN_TEMPLATE, UNRESOLVED, Validation, artifact,
    fill,
    globals::{self, Globals, PLACEHOLDER},
    names::{self, shown},
    scope::{self, Scope},
};
use crate::{
    argo::{
        Arguments, Call, LifecycleHook, LifecycleHooks, Template, TemplateKind, TemplateRef, WorkflowSpec,
    },
    fault::{Code, Fault},
    yaml::Places,
};

/// How deep calls are followed one within the other; what lies below is looked at by itself.
const MAX_TRAIL: usize = 30;
/// How many tasks may be looked at in all when it is asked who is whose ancestor; past that nothing more is
/// told, and the engine finds out when the workflow runs.
const MAX_ANCESTOR_STEPS: usize = 20_000_000;
/// How many faults are told of; whoever has more has one.
const MAX_FAULTS: usize = 1_000;
/// How many references are told of at one place.
const MAX_UNRESOLVED: usize = 100;

const KINDS: &str = "container, containerSet, steps, script, resource, dag, data, suspend, http, plugin";

/// What a template is called with.
#[derive(Clone, Copy)]
pub(super) enum Given<'g> {
    /// Something for every input.
    Anything,
    /// These.
    Arguments(&'g Arguments),
}

/// Where something is written.
#[derive(Clone)]
pub(super) struct Site {
    /// The object, by its number in [`Walker::homes`].
    pub(super) home: usize,
    /// The path within it.
    pub(super) path: String,
    /// Whether it is within a template that is written in place.
    pub(super) inline: bool,
}

impl Site {
    pub(super) fn below(&self, path: &str) -> Self {
        Self { home: self.home, path: format!("{}{path}", self.path), inline: self.inline }
    }
}

/// Which template a call means.
pub(super) enum Called<'t> {
    /// This one, written there.
    Template(&'t Template, Site),
    /// One that is only known when the workflow runs.
    Unknown,
    /// None; that has been told.
    Missing,
}

impl<'t> Called<'t> {
    pub(super) fn template(&self) -> Option<&'t Template> {
        match self {
            Self::Template(template, _) => Some(template),
            Self::Unknown | Self::Missing => None,
        }
    }
}

/// An object whose templates are walked through.
pub(super) struct Home<'a> {
    pub(super) spec: &'a WorkflowSpec,
    places: &'a Places,
    root: &'static str,
    cluster: bool,
    index: HashMap<&'a str, usize>,
}

impl<'a> Home<'a> {
    fn new(spec: &'a WorkflowSpec, places: &'a Places, root: &'static str, cluster: bool) -> Self {
        let index = spec.templates.iter().enumerate().rev();
        let index = index.map(|(position, template)| (template.name.as_str(), position)).collect();
        Self { spec, places, root, cluster, index }
    }
}

pub(super) struct Walker<'a> {
    pub(super) spec: &'a WorkflowSpec,
    pub(super) validation: &'a Validation<'a>,
    pub(super) globals: Globals,
    pub(super) steps_left: usize,
    pub(super) findings: Findings,
    homes: Vec<Home<'a>>,
    by_name: HashMap<(String, bool), usize>,
    seen: HashSet<(usize, String)>,
    later: Vec<(usize, String)>,
    /// The calls on the way here, as messages name them.
    trail: Vec<String>,
}

impl<'a> Walker<'a> {
    /// Returns the walker of a spec that is written at `root` of its object.
    pub(super) fn new(spec: &'a WorkflowSpec, validation: &'a Validation<'a>, root: &'static str) -> Self {
        let under = globals::referred(spec, validation.templates);
        let arguments = super::arguments::merged(spec, under);
        Self {
            spec,
            validation,
            globals: Globals::new(spec, under, &arguments, validation),
            steps_left: MAX_ANCESTOR_STEPS,
            findings: Findings::default(),
            homes: vec![Home::new(spec, validation.places, root, false)],
            by_name: HashMap::new(),
            seen: HashSet::new(),
            later: Vec::new(),
            trail: Vec::new(),
        }
    }

    /// Returns everything there is to find.
    pub(super) fn workflow(mut self) -> Findings {
        let under = self.referred_spec();
        if self.spec.workflow_template_ref.is_some() && under.is_none() {
            return self.findings;
        }
        let arguments = super::arguments::merged(self.spec, under);
        self.own_names();
        self.workflow_arguments(&arguments);
        self.workflow_pods();
        self.entrypoint(under, &arguments);
        self.on_exit(under);
        self.hooks(&self.spec.hooks, "hooks", &self.own(".hooks"));
        self.pod_gc();
        let all = under.unwrap_or(self.spec);
        let reference = self.spec.workflow_template_ref.as_ref();
        for (position, template) in all.templates.iter().enumerate() {
            let path = self.own(&format!(".templates[{position}]"));
            self.by_itself(template, reference.map(|r| (r.name.as_str(), r.cluster_scope)), &path);
        }
        self.what_is_left();
        self.findings
    }

    /// Returns the place of a field of the workflow itself.
    pub(super) fn own(&self, path: &str) -> Site {
        let root = self.homes.first().map_or("spec", |home| home.root);
        Site { home: 0, path: format!("{root}{path}"), inline: false }
    }

    pub(super) fn home(&self, site: &Site) -> Option<&Home<'a>> {
        self.homes.get(site.home)
    }

    /// Whether images may come from the defaults of the object at `site`, and what those are.
    pub(super) fn defaults(&self, site: &Site) -> Option<&'a Template> {
        let home = self.home(site).filter(|home| !home.cluster)?;
        home.spec.template_defaults.as_deref()
    }

    pub(super) fn fault(&mut self, code: Code, message: String, site: &Site) {
        if self.findings.faults.len() < MAX_FAULTS {
            let fault = self.told(code, message, site);
            self.findings.faults.push(fault);
        }
    }

    /// Tells of what Argo accepts.
    pub(super) fn warn(&mut self, code: Code, message: String, site: &Site) {
        if self.findings.warnings.len() < MAX_FAULTS {
            let fault = self.told(code, message, site);
            self.findings.warnings.push(fault);
        }
    }

    fn told(&self, code: Code, message: String, site: &Site) -> Fault {
        let place = self.home(site).and_then(|home| home.places.nearest(&site.path));
        let message = self.trail.iter().map(String::as_str).chain([message.as_str()]);
        let message = message.collect::<Vec<_>>().join(" ");
        Fault::new(code, readable(&message)).at(place)
    }

    /// Looks at what is below `name` of `template`, with `name` in front of what is told.
    pub(super) fn under<T>(&mut self, name: String, look: impl FnOnce(&mut Self) -> T) -> T {
        self.trail.push(name);
        let found = look(self);
        self.trail.pop();
        found
    }

    pub(super) fn names(&mut self, names: &[&str], rule: names::Rule, prefix: &str, site: &Site) {
        for (position, message) in names::faults(names, rule) {
            self.fault(BAD_WORKFLOW, format!("{prefix}{message}"), &site.below(&format!("[{position}]")));
        }
    }

    /// Returns the spec of the workflow's template; tells if there is none.
    fn referred_spec(&mut self) -> Option<&'a WorkflowSpec> {
        let reference = self.spec.workflow_template_ref.as_ref()?;
        if !self.spec.templates.is_empty() {
            let message =
                "Templates is invalid field in spec if workflow referred WorkflowTemplate reference";
            self.fault(BAD_WORKFLOW, message.to_owned(), &self.own(".templates"));
        }
        let found = globals::referred(self.spec, self.validation.templates);
        if found.is_none() {
            let kind =
                if reference.cluster_scope { "cluster workflow template" } else { "workflow template" };
            let message = format!("{kind} `{}` not found", shown(&reference.name));
            self.fault(UNKNOWN_TEMPLATE, message, &self.own(".workflowTemplateRef.name"));
        }
        found
    }

    fn own_names(&mut self) {
        let names: Vec<&str> = self.spec.templates.iter().map(|template| template.name.as_str()).collect();
        self.names(&names, names::Rule::Field, "spec.templates", &self.own(".templates"));
    }

    fn entrypoint(&mut self, under: Option<&'a WorkflowSpec>, arguments: &Arguments) {
        let own = &self.spec.entrypoint;
        let name = if own.is_empty() { under.map_or("", |under| &under.entrypoint) } else { own };
        let template = self.validation.mode.is_template();
        if name.is_empty() {
            if !(template && own.is_empty()) {
                self.fault(BAD_WORKFLOW, "spec.entrypoint is required".to_owned(), &self.own(""));
            }
            return;
        }
        let given = if template { Given::Anything } else { Given::Arguments(arguments) };
        self.top(name, given, "spec.entrypoint", &self.own(".entrypoint"));
    }

    fn on_exit(&mut self, under: Option<&'a WorkflowSpec>) {
        let own = &self.spec.on_exit;
        let name = if own.is_empty() { under.map_or("", |under| &under.on_exit) } else { own };
        if name.is_empty() {
            return;
        }
        let specs: Vec<&WorkflowSpec> = std::iter::once(self.spec).chain(under).collect();
        self.globals.at_exit(&specs);
        self.top(name, Given::Arguments(&self.spec.arguments), "spec.onExit", &self.own(".onExit"));
    }

    /// Looks at a template that the workflow itself names.
    fn top(&mut self, name: &str, given: Given<'_>, field: &str, site: &Site) {
        let called = match &self.spec.workflow_template_ref {
            Some(reference) => {
                let reference = TemplateRef {
                    name: reference.name.clone(),
                    template: name.to_owned(),
                    cluster_scope: reference.cluster_scope,
                };
                self.referred(&reference, site)
            }
            None => self.local(name, &format!("{field} "), site),
        };
        self.visit(&called, given);
        if let Given::Arguments(arguments) = given {
            self.supplied(&called, arguments, site);
        }
    }

    /// Looks at a template that nobody need call.
    fn by_itself(&mut self, template: &'a Template, of: Option<(&str, bool)>, site: &Site) {
        let home = match of {
            Some((name, cluster)) => self.home_of(name, cluster),
            None => Some(0),
        };
        let Some(home) = home else { return };
        let path = if home == 0 { site.path.clone() } else { self.path_of(home, &template.name) };
        let called = Called::Template(template, Site { home, path, inline: false });
        self.under(format!("templates.{}", shown(&template.name)), |this| {
            this.visit(&called, Given::Anything)
        });
    }

    fn what_is_left(&mut self) {
        while let Some((home, name)) = self.later.pop() {
            let Some(at) = self.homes.get(home) else { continue };
            let Some(template) = at.index.get(name.as_str()).and_then(|index| at.spec.templates.get(*index))
            else {
                continue;
            };
            let called =
                Called::Template(template, Site { home, path: self.path_of(home, &name), inline: false });
            self.under(format!("templates.{}", shown(&name)), |this| this.visit(&called, Given::Anything));
        }
    }

    fn path_of(&self, home: usize, template: &str) -> String {
        let Some(home) = self.homes.get(home) else { return String::new() };
        let position = home.index.get(template).copied().unwrap_or(0);
        format!("{}.templates[{position}]", home.root)
    }

    fn home_of(&mut self, name: &str, cluster: bool) -> Option<usize> {
        if let Some(home) = self.by_name.get(&(name.to_owned(), cluster)) {
            return Some(*home);
        }
        let (spec, places) = self.validation.templates.find(name, cluster)?;
        self.homes.push(Home::new(spec, places, "spec", cluster));
        let number = self.homes.len() - 1;
        self.by_name.insert((name.to_owned(), cluster), number);
        Some(number)
    }

    /// Returns the template that a call means; tells if there is none.
    pub(super) fn called<'t>(&mut self, call: &'t Call, site: &Site) -> Called<'t>
    where
        'a: 't,
    {
        let named = match (&call.template_ref, call.template.as_str()) {
            (Some(_), name) if !name.is_empty() => {
                let message = "template name cannot be specified with templateRef".to_owned();
                self.fault(BAD_WORKFLOW, message, &site.below(".templateRef"));
                Called::Missing
            }
            (Some(reference), _) => self.referred(reference, &site.below(".templateRef")),
            (None, "") if call.inline.is_none() => {
                let message = "needs one of template, templateRef and inline";
                self.fault(BAD_WORKFLOW, message.to_owned(), site);
                Called::Missing
            }
            (None, "") => Called::Unknown,
            (None, name) => self.local(name, "", &site.below(".template")),
        };
        match (named, call.inline.as_deref()) {
            (Called::Missing, _) => Called::Missing,
            (_, Some(inline)) => self.in_place(call, inline, site),
            (named, None) => named,
        }
    }

    fn in_place<'t>(&mut self, call: &Call, inline: &'t Template, site: &Site) -> Called<'t> {
        let path = format!("{}.inline", site.path);
        if site.inline {
            let message = "an inline template cannot hold another inline template";
            self.fault(BAD_WORKFLOW, message.to_owned(), &site.below(".inline"));
            return Called::Missing;
        }
        if call.template_ref.is_some() || !call.template.is_empty() {
            let message = "the template that is named beside an inline template is not used";
            self.warn(BAD_WORKFLOW, message.to_owned(), &site.below(".inline"));
        }
        Called::Template(inline, Site { home: site.home, path, inline: true })
    }

    fn local(&mut self, name: &str, prefix: &str, site: &Site) -> Called<'a> {
        let found = self.home(site).and_then(|home| {
            let position = home.index.get(name)?;
            Some((home.spec.templates.get(*position)?, format!("{}.templates[{position}]", home.root)))
        });
        match found {
            Some((template, path)) => {
                Called::Template(template, Site { home: site.home, path, inline: false })
            }
            None => {
                let message = format!("{prefix}template name '{}' undefined", shown(name));
                self.fault(UNKNOWN_TEMPLATE, message, site);
                Called::Missing
            }
        }
    }

    fn referred(&mut self, reference: &TemplateRef, site: &Site) -> Called<'a> {
        let TemplateRef { name, template, cluster_scope } = reference;
        if name.is_empty() || template.is_empty() {
            let missing = if name.is_empty() { "resource" } else { "template" };
            self.fault(UNKNOWN_TEMPLATE, format!("{missing} name is required"), site);
            return Called::Missing;
        }
        if !scope::tags(name).is_empty() || !scope::tags(template).is_empty() {
            return Called::Unknown;
        }
        let found = self.home_of(name, *cluster_scope).and_then(|number| {
            let home = self.homes.get(number)?;
            let position = home.index.get(template.as_str())?;
            let path = format!("{}.templates[{position}]", home.root);
            Some((home.spec.templates.get(*position)?, Site { home: number, path, inline: false }))
        });
        match found {
            Some((template, site)) => Called::Template(template, site),
            None if globals::is_filled_later(template) => Called::Unknown,
            None => {
                let message = format!("template reference {}.{} not found", shown(name), shown(template));
                self.fault(UNKNOWN_TEMPLATE, message, site);
                Called::Missing
            }
        }
    }

    /// Looks at the template that is called, once for each object it may come from.
    pub(super) fn visit(&mut self, called: &Called<'_>, given: Given<'_>) {
        let Called::Template(template, site) = called else { return };
        let key = if site.inline { site.path.clone() } else { template.name.clone() };
        if self.seen.contains(&(site.home, key.clone())) {
            return;
        }
        if self.trail.len() >= MAX_TRAIL && !site.inline {
            self.later.push((site.home, key));
            return;
        }
        self.seen.insert((site.home, key));
        self.template(template, given, site);
    }

    fn template(&mut self, template: &Template, given: Given<'_>, site: &Site) {
        let name = format!("templates.{}", shown(&template.name));
        let kind = match template.kinds().as_slice() {
            [kind] => *kind,
            found => {
                let what = if found.is_empty() {
                    "template type unspecified"
                } else {
                    "multiple template types specified"
                };
                self.fault(BAD_WORKFLOW, format!("{name} {what}. choose one of: {KINDS}"), site);
                return;
            }
        };
        let retries = template.retry_strategy.as_ref().map(|retry| retry.retry_policy.as_str());
        if let Some(policy) = retries.filter(|policy| !POLICIES.contains(policy)) {
            let message = format!("{} is not a valid RetryPolicy", shown(policy));
            self.fault(BAD_WORKFLOW, message, &site.below(".retryStrategy.retryPolicy"));
        }
        if !self.inputs(template, kind, site) {
            return;
        }
        if template.init_containers.iter().any(|init| init.container.name.is_empty()) {
            let message = "initContainers must all have container name".to_owned();
            self.fault(BAD_WORKFLOW, message, &site.below(".initContainers"));
        }
        let (pod, leaf) = (is_pod(kind), is_leaf(kind));
        let mut locals = Vec::new();
        if pod {
            locals.push("pod.name");
        }
        if template.retry_strategy.is_some() {
            locals.extend(RETRY_VARIABLES);
        }
        let whole = fill::filled(template, given, &self.globals, &locals);
        let base = Scope::default();
        let mut inner = Scope::within(&base);
        inner.add_template(template, pod, leaf);
        self.times(&whole, kind, site);
        self.template_pods(&whole, kind, site);
        let outputs = match kind {
            TemplateKind::Steps => self.steps(&whole, &inner, site),
            TemplateKind::Dag => self.dag(&whole, &inner, site),
            _ => {
                self.leaf(&whole, kind, &inner, site);
                Scope::within(&inner)
            }
        };
        self.outputs(&whole, kind, &outputs, site);
        if let Some(location) = whole.rest.get("archiveLocation").and_then(serde_json::Value::as_object) {
            let at = site.below(".archiveLocation");
            self.location(location, &format!("{name}.archiveLocation"), &at);
        }
        self.metrics(&whole, site);
    }

    /// Tells what inputs of the template that is called get no value, and if its timeout makes no sense with them.
    pub(super) fn supplied(&mut self, called: &Called<'_>, arguments: &Arguments, site: &Site) {
        let Called::Template(template, at) = called else { return };
        for message in unsupplied(template, arguments) {
            let message = format!("templates.{} {message}", shown(&template.name));
            self.fault(PARAMETER_WITHOUT_VALUE, message, site);
        }
        if template.timeout.contains("{{")
            && let [kind] = template.kinds().as_slice()
        {
            let whole = fill::filled(template, Given::Arguments(arguments), &self.globals, &[]);
            self.times(&whole, *kind, at);
        }
    }

    /// Tells of every reference in `value` that does not resolve; `prefix` is put in front.
    pub(super) fn references(
        &mut self,
        value: &serde_json::Value,
        scope: &Scope<'_>,
        prefix: &str,
        site: &Site,
    ) {
        let mut unresolved: Vec<String> = Vec::new();
        scope::texts(value, &mut |text| {
            for tag in scope::tags(text) {
                if unresolved.len() < MAX_UNRESOLVED && !scope.resolves(&self.globals, tag) {
                    let tag = shown(tag).to_owned();
                    if !unresolved.contains(&tag) {
                        unresolved.push(tag);
                    }
                }
            }
        });
        for tag in unresolved {
            self.fault(UNRESOLVED, format!("{prefix} failed to resolve {{{{{tag}}}}}"), site);
        }
    }

    /// Checks lifecycle hooks; that their templates exist is not Argo's concern until they run.
    pub(super) fn hooks(&mut self, hooks: &LifecycleHooks, prefix: &str, site: &Site) {
        for (name, _) in hooks.iter().filter(|(name, hook)| is_aimless(name, hook)) {
            let site = site.below(&format!(".{name}"));
            self.fault(BAD_WORKFLOW, format!("{prefix}.{} Expression required", shown(name)), &site);
        }
        self.hooked(hooks, prefix, site);
    }

    /// Checks the lifecycle hooks of a task: Argo finds out when they run.
    pub(super) fn task_hooks(&mut self, hooks: &LifecycleHooks, prefix: &str, site: &Site) {
        for (name, _) in hooks.iter().filter(|(name, hook)| is_aimless(name, hook)) {
            let message = format!(
                "{prefix}.{} has no expression: its node fails with \"Expression required\"",
                shown(name)
            );
            self.warn(BAD_WORKFLOW, message, &site.below(&format!(".{name}")));
        }
        self.hooked(hooks, prefix, site);
    }

    fn hooked(&mut self, hooks: &LifecycleHooks, prefix: &str, site: &Site) {
        for (name, hook) in hooks {
            let site = site.below(&format!(".{name}"));
            let defined = self.home(&site).is_none_or(|home| home.index.contains_key(hook.template.as_str()));
            if !defined && !hook.template.is_empty() && !hook.template.contains("{{") {
                let message =
                    format!("{prefix}.{} template name '{}' undefined", shown(name), shown(&hook.template));
                self.warn(UNKNOWN_TEMPLATE, message, &site);
            }
        }
    }
}

/// Whether a hook does not say when it runs.
fn is_aimless(name: &str, hook: &LifecycleHook) -> bool {
    name != "exit" && hook.expression.is_empty()
}

/// The retry policies there are.
const POLICIES: [&str; 5] = ["", "Always", "OnFailure", "OnError", "OnTransientError"];

const RETRY_VARIABLES: [&str; 5] =
    ["retries", "lastRetry.exitCode", "lastRetry.status", "lastRetry.duration", "lastRetry.message"];

/// Whether a node of this kind is a pod. Source: Argo `workflow_types.go` IsPodType.
pub(super) const fn is_pod(kind: TemplateKind) -> bool {
    matches!(
        kind,
        TemplateKind::Container
            | TemplateKind::ContainerSet
            | TemplateKind::Script
            | TemplateKind::Resource
            | TemplateKind::Data
    )
}

/// Whether a node of this kind runs something itself. Source: Argo `workflow_types.go` IsLeaf.
pub(super) const fn is_leaf(kind: TemplateKind) -> bool {
    is_pod(kind) || matches!(kind, TemplateKind::Http | TemplateKind::Plugin)
}

/// Returns Argo's message for each input of `template` that gets no value.
fn unsupplied(template: &Template, arguments: &Arguments) -> Vec<String> {
    let given: HashMap<&str, _> =
        arguments.parameters.iter().rev().map(|given| (given.name.as_str(), given)).collect();
    let artifacts: HashSet<&str> = arguments.artifacts.iter().map(|given| given.name.as_str()).collect();
    let mut missing = Vec::new();
    for parameter in &template.inputs.parameters {
        let (value, from) = match given.get(parameter.name.as_str()) {
            Some(given) => (given.value.is_some(), &given.value_from),
            None => (parameter.value.is_some() || parameter.default.is_some(), &parameter.value_from),
        };
        if !value && from.as_ref().is_none_or(|from| from.config_map_key_ref.is_none()) {
            missing.push(format!("inputs.parameters.{} was not supplied", shown(&parameter.name)));
        }
    }
    for one in &template.inputs.artifacts {
        if !one.optional && !artifact::has_location(one) && !artifacts.contains(one.name.as_str()) {
            missing.push(format!("inputs.artifacts.{} was not supplied", shown(&one.name)));
        }
    }
    missing
}

/// Returns a message in which what is to come is shown as such.
fn readable(message: &str) -> String {
    let mut parts = message.split(PLACEHOLDER);
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        text.push_str("{{…}}");
        text.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    text
}
