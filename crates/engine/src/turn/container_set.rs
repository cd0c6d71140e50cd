//! Container sets: the node of the pod, and one of type Container for each of its containers.
//! Source: Argo `container_set_template.go`; `operator.go` podReconciliation, inferFailedReason;
//! `cmd/argoexec/commands/emissary.go`.

use std::collections::BTreeMap;

use model::argo::{ContainerSetTemplate, NodePhase, NodeType, Template, UserContainer};

use super::{Turn, node::NewNode};
use crate::{
    ContainerEnd,
    live::{Body, Parent, Start},
};

/// The exit code of a container that was never started since one it depends on failed.
const NOT_STARTED: i32 = 64;

impl Turn {
    /// Makes the nodes of a set's containers, each below those it depends on.
    pub(super) fn make_containers(&mut self, pod: usize, start: &Start, set: &ContainerSetTemplate) {
        let Some(name) = self.node(pod).map(|node| node.name.clone()) else { return };
        let hooked = self.run.live.slots.get(pod).is_some_and(|slot| slot.hooked);
        let mut made: Vec<(String, usize)> = Vec::with_capacity(set.containers.len());
        for container in &set.containers {
            let own = container.container.name.clone();
            let new = NewNode {
                name: format!("{name}.{own}"),
                node_type: NodeType::Container,
                template_name: start.template_name.clone(),
                reference: start.reference.clone(),
                phase: NodePhase::Pending,
                message: String::new(),
                flag: None,
                boundary: Some(pod),
                parent: Parent::Container(pod),
                hooked,
                counted: false,
                hooks: None,
                at: None,
                shown_as: None,
            };
            made.push((own, self.make(new, Body::Ended)));
        }
        for (container, (_, at)) in set.containers.iter().zip(&made) {
            let Some(id) = self.node(*at).map(|node| node.id.clone()) else { continue };
            if container.dependencies.is_empty() {
                self.add_child(pod, &id);
            }
            for dependency in &container.dependencies {
                let above = made.iter().find(|(name, _)| name == dependency).map(|(_, at)| *at);
                self.add_child(above.unwrap_or(pod), &id);
            }
        }
        self.run.live.containers.insert(pod, made);
    }

    /// The pod of a set runs, and so do its containers: each waits in the pod for those it depends on.
    pub(super) fn containers_run(&mut self, pod: usize) {
        for (_, at) in self.run.live.containers.get(&pod).cloned().unwrap_or_default() {
            if let Some(node) = self.node_mut(at).filter(|node| node.phase == NodePhase::Pending) {
                node.phase = NodePhase::Running;
            }
        }
    }

    /// The pod of a set has ended as `phase` and `message` say: so have its containers.
    pub(super) fn containers_ended(
        &mut self,
        pod: usize,
        ends: &BTreeMap<String, ContainerEnd>,
        phase: NodePhase,
        message: &str,
    ) {
        let now = self.now;
        for (name, at) in self.run.live.containers.get(&pod).cloned().unwrap_or_default() {
            let Some(node) = self.node_mut(at).filter(|node| !node.phase.is_fulfilled()) else { continue };
            let Some(end) = ends.get(&name) else {
                node.phase = phase;
                message.clone_into(&mut node.message);
                node.finished_at = Some(now);
                continue;
            };
            node.phase = match end.exit_code {
                Some(0) => NodePhase::Succeeded,
                Some(NOT_STARTED) | None => NodePhase::Error,
                Some(_) => NodePhase::Failed,
            };
            if node.phase != NodePhase::Succeeded {
                node.message = said(&name, end);
            }
            node.started_at = end.started_at.or(node.started_at);
            node.finished_at = Some(end.finished_at);
        }
    }
}

/// Returns what is said of a container that did not end well.
fn said(name: &str, end: &ContainerEnd) -> String {
    let code = end.exit_code.unwrap_or(NOT_STARTED);
    let message = format!("{name}: Error (exit code {code})");
    if end.message.is_empty() { message } else { format!("{message}: {}", end.message) }
}

/// The exit codes of a container beside the main one that was ended when the main one had.
const ENDED_BY_US: [i32; 2] = [137, 143];

/// Returns how a pod ended whose init containers or sidecars did not end well: a failed init container says more than the
/// main one, which never began; a sidecar counts only if the main one ended well, as `phase` says.
pub(super) fn end_of_others(
    template: &Template,
    ends: &BTreeMap<String, ContainerEnd>,
    phase: NodePhase,
) -> Option<(NodePhase, String)> {
    let end_of = |user: &UserContainer| {
        let name = user.container.name.clone();
        let end = ends.get(&name).filter(|end| end.exit_code != Some(0))?;
        Some((name, end.clone()))
    };
    let init = template.init_containers.iter().find_map(end_of);
    let beside = template.sidecars.iter().filter_map(end_of);
    let mut beside = beside.filter(|(_, end)| end.exit_code.is_none_or(|code| !ENDED_BY_US.contains(&code)));
    let of_sidecar = if phase == NodePhase::Succeeded { beside.next() } else { None };
    init.or(of_sidecar).map(|(name, end)| (NodePhase::Failed, said(&name, &end)))
}

/// Returns how the pod of a set ended: as the first of its containers that did not end well.
pub(super) fn end_of_set(
    set: &ContainerSetTemplate,
    ends: &BTreeMap<String, ContainerEnd>,
) -> Option<(NodePhase, String)> {
    let mut names = set.containers.iter().map(|container| container.container.name.as_str());
    names.find_map(|name| {
        let end = ends.get(name)?;
        (end.exit_code != Some(0)).then(|| (NodePhase::Failed, said(name, end)))
    })
}
