//! The kind of a template. Source: Argo `workflow_types.go` GetType, whose order decides.

use model::argo::{Template, TemplateKind};

/// Returns the kind of `template`; `None` if it has none.
pub(super) fn of(template: &Template) -> Option<TemplateKind> {
    let has = |field: &str| template.rest.get(field).is_some_and(|value| !value.is_null());
    let kinds = [
        (template.container.is_some(), TemplateKind::Container),
        (has("containerSet"), TemplateKind::ContainerSet),
        (template.steps.is_some(), TemplateKind::Steps),
        (template.dag.is_some(), TemplateKind::Dag),
        (template.script.is_some(), TemplateKind::Script),
        (has("resource"), TemplateKind::Resource),
        (has("data"), TemplateKind::Data),
        (template.suspend.is_some(), TemplateKind::Suspend),
        (has("http"), TemplateKind::Http),
        (has("plugin"), TemplateKind::Plugin),
    ];
    kinds.into_iter().find_map(|(is, kind)| is.then_some(kind))
}
