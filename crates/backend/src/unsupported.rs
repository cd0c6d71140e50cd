//! What a pod may ask for that is not carried out here yet: each is refused by name, never left out silently.
//! The list may only shrink.

use model::argo::{Container, Template};

/// Returns the message for what of a pod cannot be carried out, if there is anything.
pub(crate) fn refused(template: &Template, container: &Container) -> Option<String> {
    let asked = [
        (template.container_set.is_some(), "a `containerSet` template"),
        (!template.init_containers.is_empty(), "`initContainers` of a template"),
        (!template.sidecars.is_empty(), "`sidecars` of a template"),
        (template.daemon == Some(true), "`daemon` of a template"),
        (!container.volume_mounts.is_empty(), "`volumeMounts` of a container"),
    ];
    let (_, what) = asked.into_iter().find(|(is_asked, _)| *is_asked)?;
    Some(format!("{what} is not supported on one machine yet"))
}

#[cfg(test)]
mod tests {
    use model::argo::{Container, Template, UserContainer, VolumeMount};

    use super::refused;

    #[test]
    fn what_is_not_carried_out_is_refused_by_name() {
        let plain = (Template::default(), Container::default());
        assert_eq!(refused(&plain.0, &plain.1), None);
        let daemon = Template { daemon: Some(true), ..Template::default() };
        assert!(refused(&daemon, &plain.1).unwrap().contains("`daemon`"));
        let sidecar = Template { sidecars: vec![UserContainer::default()], ..Template::default() };
        assert!(refused(&sidecar, &plain.1).unwrap().contains("`sidecars`"));
        let mounted = Container { volume_mounts: vec![VolumeMount::default()], ..Container::default() };
        assert!(refused(&plain.0, &mounted).unwrap().contains("`volumeMounts`"));
    }
}
