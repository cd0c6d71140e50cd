//! Nodes: made, connected, counted and ended. Source: Argo `operator.go` initializeNode, addChildNode,
//! getOutboundNodes, markNodePhase.

use model::argo::{NodeFlag, NodeId, NodePhase, NodeStatus, NodeType, TemplateRef, node_id};

use super::{Turn, Work};
use crate::live::{Body, Hooks, Parent, Slot};

/// What a new node is.
#[derive(Debug, Clone)]
pub(super) struct NewNode {
    pub(super) name: String,
    pub(super) node_type: NodeType,
    pub(super) template_name: String,
    pub(super) reference: Option<TemplateRef>,
    pub(super) phase: NodePhase,
    pub(super) message: String,
    pub(super) flag: Option<NodeFlag>,
    pub(super) boundary: Option<usize>,
    pub(super) parent: Parent,
    pub(super) hooked: bool,
    pub(super) counted: bool,
    pub(super) hooks: Option<Box<Hooks>>,
    /// The display name, if its template says one.
    pub(super) shown_as: Option<String>,
    /// The node that was made while it waited.
    pub(super) at: Option<usize>,
}

impl NewNode {
    /// Returns a node that ends as it begins: skipped, omitted, or in error before it could start.
    pub(super) fn ended(
        name: String,
        template_name: String,
        boundary: Option<usize>,
        parent: Parent,
    ) -> Self {
        Self {
            name,
            node_type: NodeType::Skipped,
            template_name,
            reference: None,
            phase: NodePhase::Skipped,
            message: String::new(),
            flag: Some(NodeFlag::default()),
            boundary,
            parent,
            hooked: false,
            counted: false,
            hooks: None,
            shown_as: None,
            at: None,
        }
    }
    /// Returns it with what names its template.
    pub(super) fn calling(mut self, reference: Option<TemplateRef>) -> Self {
        self.reference = reference;
        self
    }
    /// Returns it with this phase and message.
    pub(super) fn because(mut self, phase: NodePhase, message: impl Into<String>) -> Self {
        self.phase = phase;
        self.message = message.into();
        self
    }
}

impl Turn {
    /// Makes room for so many further nodes, so that they need not be moved as they come.
    pub(super) fn make_room(&mut self, further: usize) {
        self.run.status.nodes.reserve(further);
        self.run.live.slots.reserve(further);
    }

    /// Makes a node, connects it with those that led to it, and returns its place.
    pub(super) fn make(&mut self, new: NewNode, body: Body) -> usize {
        if let Some(at) = new.at {
            return self.make_of(at, new, body);
        }
        let (template_name, template_ref, template_scope) =
            self.shown_template(new.boundary, &new.template_name, new.reference.as_ref());
        let workflow = &self.run.workflow.metadata.name;
        let nodes = &mut self.run.status.nodes;
        let mut id = node_id(workflow, &new.name);
        let mut probe = 0_u32;
        // 32 bits meet themselves among some ten thousand names: the later node then gets the id of a variant.
        while nodes.contains_key(&id) {
            probe = probe.saturating_add(1);
            id = node_id(workflow, &format!("{}#{probe}", new.name));
        }
        let boundary = new.boundary.and_then(|at| nodes.get_index(at));
        let fulfilled = new.phase.is_fulfilled();
        let status = NodeStatus {
            id: id.clone(),
            display_name: new
                .shown_as
                .unwrap_or_else(|| display_name(&new.name, boundary.map(|(_, node)| node.name.as_str()))),
            estimated_duration: self.run.options.estimated_nodes.get(&new.name).copied(),
            name: new.name,
            node_type: new.node_type,
            template_name,
            template_ref,
            template_scope,
            phase: new.phase,
            boundary_id: boundary.map(|(id, _)| id.clone()),
            message: new.message,
            started_at: Some(self.now),
            finished_at: fulfilled.then_some(self.now),
            progress: String::new(),
            node_flag: new.flag,
            inputs: None,
            outputs: None,
            children: Vec::new(),
            outbound_nodes: Vec::new(),
            host_node_name: String::new(),
            pod_ip: String::new(),
            daemoned: None,
            memoization_status: None,
            synchronization_status: None,
            resources_duration: std::collections::BTreeMap::new(),
        };
        let at = nodes.len();
        let hooked = new.hooks.as_ref().is_some_and(|hooks| !hooks.waiting.is_empty());
        nodes.insert(id.clone(), status);
        self.run.live.slots.push(Slot {
            parent: new.parent,
            boundary: new.boundary,
            counted: new.counted,
            hooked: new.hooked,
            latest: None,
            pods: (0, 0),
            hooks: new.hooks,
            body,
        });
        if hooked {
            self.work.push_back(Work::Hooks(at));
        }
        self.connect(at, &id, new.parent);
        at
    }

    /// The node that waited becomes what it is to be; one that cannot start keeps its type.
    fn make_of(&mut self, at: usize, new: NewNode, body: Body) -> usize {
        let now = self.now;
        if let Some(node) = self.node_mut(at) {
            if new.node_type != NodeType::Skipped {
                node.node_type = new.node_type;
            }
            node.phase = new.phase;
            node.message = new.message;
            node.synchronization_status = None;
            node.finished_at = new.phase.is_fulfilled().then_some(now);
        }
        if let Some(slot) = self.run.live.slots.get_mut(at) {
            slot.body = body;
        }
        self.run.live.active.remove(&at);
        at
    }

    fn connect(&mut self, at: usize, id: &NodeId, parent: Parent) {
        match parent {
            // A step group is connected when its steps node goes on to it.
            Parent::Root | Parent::Exit | Parent::Steps(_) | Parent::Container(_) => {}
            Parent::Hook(owner) => self.add_child(owner, id),
            Parent::RunHook => self.add_child(0, id),
            Parent::Group(above) => {
                self.add_child(above, id);
                if let Some(group) = self.run.live.group_mut(above) {
                    group.children.push((at, model::argo::ContinueOn::default()));
                }
            }
            Parent::Item(above) => self.add_child(above, id),
            Parent::Attempt(above) => {
                self.add_child(above, id);
                if let Some(slot) = self.run.live.slots.get_mut(above) {
                    slot.latest = Some(at);
                }
            }
            Parent::Task(dag, task) => {
                let from = match self.run.live.slots.get(dag).map(|slot| &slot.body) {
                    Some(Body::Dag(body)) => {
                        let dependencies = body.plan.dependencies.get(task).map_or(&[][..], Vec::as_slice);
                        dependencies.iter().filter_map(|other| body.tasks.get(*other)?.node).collect()
                    }
                    _ => Vec::new(),
                };
                if from.is_empty() {
                    return self.add_child(dag, id);
                }
                let outbound: Vec<usize> = from.into_iter().flat_map(|node| self.outbound(node)).collect();
                for outbound in outbound {
                    self.add_child(outbound, id);
                }
            }
        }
    }

    /// Notes that `child` followed from the node at `above`.
    pub(super) fn add_child(&mut self, above: usize, child: &NodeId) {
        if let Some((_, node)) = self.run.status.nodes.get_index_mut(above) {
            node.children.push(child.clone());
        }
    }

    /// Returns the last nodes of the one at `at`.
    pub(super) fn outbound(&self, at: usize) -> Vec<usize> {
        let mut last = Vec::new();
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            let Some((_, node)) = self.run.status.nodes.get_index(at) else { continue };
            let places =
                |ids: &[NodeId]| -> Vec<usize> { ids.iter().rev().filter_map(|id| self.at(id)).collect() };
            match node.node_type {
                NodeType::TaskGroup if !node.children.is_empty() => open.extend(places(&node.children)),
                // The containers of a set lead on, one to the other.
                NodeType::Pod | NodeType::Container if self.leads_to_containers(at, node) => {
                    open.extend(places(&node.children).into_iter().filter(|at| self.is_container(*at)));
                }
                // Its last child as it is, be it steps or a hook.
                NodeType::Retry if !node.children.is_empty() => {
                    last.extend(node.children.last().and_then(|id| self.at(id)));
                }
                NodeType::Steps | NodeType::Dag if !is_hit(node) => {
                    open.extend(places(&node.outbound_nodes));
                }
                NodeType::Container if last.contains(&at) => {}
                _ => last.push(at),
            }
        }
        last
    }

    fn is_container(&self, at: usize) -> bool {
        self.node(at).is_some_and(|node| node.node_type == NodeType::Container)
    }

    fn leads_to_containers(&self, at: usize, node: &NodeStatus) -> bool {
        match node.node_type {
            NodeType::Pod => self.run.live.containers.contains_key(&at),
            _ => node.children.iter().filter_map(|id| self.at(id)).any(|at| self.is_container(at)),
        }
    }

    /// Whether the node at `at` runs because of a hook.
    pub(super) fn is_hook(&self, at: usize) -> bool {
        self.run.live.slots.get(at).is_some_and(|slot| slot.parent.is_hook())
    }

    /// Returns the ids of the nodes at `places`.
    pub(super) fn ids(&self, places: &[usize]) -> Vec<NodeId> {
        places
            .iter()
            .filter_map(|at| self.run.status.nodes.get_index(*at))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Returns the status of the node at `at`.
    pub(super) fn node(&self, at: usize) -> Option<&NodeStatus> {
        self.run.status.nodes.get_index(at).map(|(_, node)| node)
    }

    /// Returns the status of the node at `at`, to be changed.
    pub(super) fn node_mut(&mut self, at: usize) -> Option<&mut NodeStatus> {
        self.run.status.nodes.get_index_mut(at).map(|(_, node)| node)
    }

    /// Ends a node, if it has not ended, and tells who waits for it.
    pub(super) fn end(&mut self, at: usize, phase: NodePhase, message: String) {
        let now = self.now;
        let Some(node) = self.node_mut(at).filter(|node| !node.phase.is_fulfilled()) else { return };
        node.phase = phase;
        node.message = message;
        node.finished_at = Some(now);
        self.tell(at);
    }

    /// Forgets what a node waited for and tells who waits for its end.
    pub(super) fn tell(&mut self, at: usize) {
        self.run.live.active.remove(&at);
        if let Some(slot) = self.run.live.slots.get_mut(at) {
            slot.body = Body::Ended;
        }
        self.work.push_back(Work::Ended(at));
    }

    /// Makes a node that ends as it begins and tells who waits for its end.
    pub(super) fn make_ended(&mut self, new: NewNode) -> usize {
        let at = self.make(new, Body::Ended);
        self.work.push_back(Work::Ended(at));
        at
    }

    /// Counts a pod that starts (`ended` 0, `all` 1) or ends (1, 0), in its node and all above.
    pub(super) fn count_pod(&mut self, at: usize, ended: u32, all: u32) {
        let Some(slot) = self.run.live.slots.get(at) else { return };
        let (done, of) = slot.pods;
        let of = of.saturating_add(all);
        // One that has ended has done all it said it would.
        let done = if ended > 0 { of } else { done };
        self.set_progress(at, done, of);
    }

    /// Notes how far a pod is, in its node and all above.
    pub(super) fn set_progress(&mut self, at: usize, done: u32, of: u32) {
        let Some(slot) = self.run.live.slots.get(at) else { return };
        let before = slot.pods;
        let moved = |known: (u32, u32)| {
            (
                known.0.saturating_add(done).saturating_sub(before.0),
                known.1.saturating_add(of).saturating_sub(before.1),
            )
        };
        let mut here = Some(at);
        while let Some(at) = here {
            let Some(slot) = self.run.live.slots.get_mut(at) else { break };
            slot.pods = moved(slot.pods);
            let (progress, above) = (shown(slot.pods), slot.parent.above());
            if let Some(node) = self.node_mut(at) {
                node.progress = progress;
            }
            here = above;
        }
        self.run.live.pods = moved(self.run.live.pods);
        self.run.status.progress = shown(self.run.live.pods);
    }
}

fn shown(pods: (u32, u32)) -> String {
    format!("{}/{}", pods.0, pods.1)
}

/// Returns the name within the boundary: without its name, and without a leading `[0].` or `.`.
fn display_name(name: &str, boundary: Option<&str>) -> String {
    let Some(within) = boundary.and_then(|boundary| name.strip_prefix(boundary)) else {
        return name.to_owned();
    };
    if let Some(plain) = within.strip_prefix('.') {
        return plain.to_owned();
    }
    let after_group = within.strip_prefix('[').and_then(|rest| {
        let (index, rest) = rest.split_once(']')?;
        (!index.is_empty() && index.bytes().all(|b| b.is_ascii_digit())).then(|| rest.strip_prefix('.'))?
    });
    after_group.unwrap_or(within).to_owned()
}

/// Whether a node's outputs were those of another run.
fn is_hit(node: &NodeStatus) -> bool {
    node.memoization_status.as_ref().is_some_and(|status| status.hit)
}
