//! What must hold after every event, and in the end.
//! Not here: what happens (`main`).

use std::collections::{BTreeMap, HashMap, HashSet};

use engine::{Command, Event, Run, RunOptions, step};
use model::argo::{NodeId, NodePhase, NodeStatus, NodeType, Template, Workflow};

use crate::{
    driver::{World, new_run},
    luck::Luck,
};

/// What has been seen of a run.
pub(crate) struct Laws {
    workflow: Workflow,
    /// Commands that have been looked at.
    seen: usize,
    ended: HashMap<NodeId, NodePhase>,
    started: HashSet<NodeId>,
}

/// What of a run can be seen, as text.
fn visible(run: &Run) -> String {
    format!("{}\n{:?}", serde_json::to_string(run.status()).unwrap(), run.outstanding())
}

/// Returns the name of the step or task: without the attempt of a retry and the item of a loop.
fn base(node: &NodeStatus) -> &str {
    node.display_name.split('(').next().unwrap_or_default()
}

/// Whether a node runs because of a hook: it is bounded by nothing but the hook.
fn is_hook(node: &NodeStatus) -> bool {
    node.name.contains(".onExit") || node.name.contains(".hooks.")
}

impl Laws {
    pub(crate) fn new(world: &World) -> Self {
        let workflow = world.run.workflow().clone();
        Self { workflow, seen: 0, ended: HashMap::new(), started: HashSet::new() }
    }

    /// Looks at what came of the last events.
    pub(crate) fn look(&mut self, world: &mut World) {
        let new: Vec<Command> = world.commands.drain(..).collect();
        self.seen += new.len();
        for command in &new {
            if let Command::StartPod(pod) = command {
                assert!(self.started.insert(pod.node.clone()), "{} is started twice", pod.node_name);
                self.may_start(&world.run, &pod.node);
            }
        }
        self.terminal_phases_stay(&world.run);
        self.parallelism_holds(world);
        self.mutexes_exclude(world);
        self.retries_are_bounded(&world.run);
    }

    fn template(&self, name: &str) -> Option<&Template> {
        self.workflow.spec.templates.iter().find(|template| template.name == name)
    }

    /// A node starts only when all that it waits for has ended.
    fn may_start(&self, run: &Run, id: &NodeId) {
        let mut here = run.nodes().get(id);
        // up to the step or task that the pod belongs to, and from there to those above
        while let Some(node) = here {
            let boundary = node.boundary_id.as_ref().and_then(|id| run.nodes().get(id));
            let Some(above) = boundary else { return };
            if let Some(template) = self.template(&above.template_name) {
                self.waited(run, node, above, template);
            }
            here = Some(above);
        }
    }

    fn waited(&self, run: &Run, node: &NodeStatus, above: &NodeStatus, template: &Template) {
        let name = base(node);
        if is_hook(node) {
            return;
        }
        // a loop has a node for each item, and none if it has no items
        let over = |earlier: &str| {
            let same = |other: &&NodeStatus| {
                other.boundary_id.as_ref() == Some(&above.id) && base(other) == earlier && !is_hook(other)
            };
            if let Some(other) = run.nodes().values().filter(same).find(|other| !other.phase.is_fulfilled()) {
                panic!("`{}` starts before `{}` has ended", node.name, other.name);
            }
        };
        if let Some(task) = template.dag.iter().flat_map(|dag| &dag.tasks).find(|task| task.name == name) {
            task.dependencies.iter().for_each(|dependency| over(dependency));
        }
        let Some(groups) = &template.steps else { return };
        let group = groups.iter().position(|group| group.0.iter().any(|step| step.name == name));
        for earlier in groups.iter().take(group.unwrap_or_default()).flat_map(|group| &group.0) {
            over(&earlier.name);
        }
    }

    fn terminal_phases_stay(&mut self, run: &Run) {
        for (id, node) in run.nodes() {
            match self.ended.get(id) {
                Some(phase) => assert_eq!(node.phase, *phase, "`{}` ended and changed", node.name),
                None if node.phase.is_fulfilled() => drop(self.ended.insert(id.clone(), node.phase)),
                None => {}
            }
        }
    }

    fn parallelism_holds(&self, world: &World) {
        // what is being killed ends by itself, and what is to run instead need not wait for it
        let alive = world.pods.iter().filter(|pod| !world.killed.contains(&pod.node));
        let alive: Vec<&NodeId> = alive.map(|pod| &pod.node).collect();
        if let Some(most) = self.workflow.spec.parallelism {
            assert!(alive.len() as i64 <= most, "{} pods, parallelism {most}", alive.len());
        }
        // directly below a steps or DAG node: each of its running children counts once
        let nodes = world.run.nodes();
        let mut below: BTreeMap<&NodeId, usize> = BTreeMap::new();
        for node in nodes.values().filter(|node| alive.contains(&&node.id) && !is_hook(node)) {
            if let Some(boundary) = &node.boundary_id {
                *below.entry(boundary).or_default() += 1;
            }
        }
        for (boundary, count) in below {
            let Some(above) = nodes.get(boundary) else { continue };
            let most = self.template(&above.template_name).and_then(|template| template.parallelism);
            if let Some(most) = most {
                assert!(count as i64 <= most, "`{}` runs {count} pods, parallelism {most}", above.name);
            }
        }
    }

    fn mutexes_exclude(&self, world: &World) {
        let mut holders: BTreeMap<String, usize> = BTreeMap::new();
        for pod in world.pods.iter().filter(|pod| !world.killed.contains(&pod.node)) {
            let written = serde_json::to_value(&pod.template).unwrap();
            let mutexes = written["synchronization"]["mutexes"].as_array().cloned().unwrap_or_default();
            for mutex in mutexes {
                *holders.entry(mutex["name"].to_string()).or_default() += 1;
            }
        }
        for (mutex, count) in holders {
            assert!(count <= 1, "{count} pods hold {mutex}");
        }
    }

    fn retries_are_bounded(&self, run: &Run) {
        for node in run.nodes().values().filter(|node| node.node_type == NodeType::Retry) {
            let attempts = node
                .children
                .iter()
                .filter_map(|id| run.nodes().get(id))
                .filter(|child| child.name.starts_with(&format!("{}(", node.name)))
                .count();
            assert!(attempts <= 3, "`{}` was tried {attempts} times", node.name);
        }
    }

    /// An event that comes twice changes nothing: the last one, or an earlier one, which may be refused.
    pub(crate) fn repeat(&self, world: &mut World, luck: &mut Luck) {
        let Some(last) = world.log.len().checked_sub(1) else { return };
        let at = if luck.one_in(2) { last } else { luck.index(world.log.len()) };
        let Some(event) = world.log.get(at).cloned() else { return };
        let lasting = matches!(
            event.kind,
            engine::EventKind::Suspended
                | engine::EventKind::Unsuspended
                | engine::EventKind::Locked { .. }
                | engine::EventKind::LockWaits { .. }
                | engine::EventKind::TimerFired { .. }
        );
        if lasting && at != last {
            // said later, it means something else
            return;
        }
        let before = visible(&world.run);
        let run = std::mem::replace(&mut world.run, new_run(Workflow::default(), RunOptions::default()));
        let event = Event { at: world.now.max(event.at), kind: event.kind };
        world.run = match step(run, &event) {
            Ok((run, commands)) => {
                assert!(commands.is_empty(), "a repeated {event:?} asks for {commands:?}");
                run
            }
            Err(rejected) => rejected.run,
        };
        assert_eq!(visible(&world.run), before, "a repeated {event:?} changes the run");
    }

    /// A server that dies and reads its log has the same run, and what it must do is what was under way.
    pub(crate) fn die_and_read(&self, world: &World) {
        let again =
            world.log.iter().fold(new_run(self.workflow.clone(), RunOptions::default()), |run, event| {
                step(run, event).unwrap_or_else(|rejected| panic!("{event:?}: {}", rejected.reason)).0
            });
        assert_eq!(visible(&again), visible(&world.run), "the log gives another run");
        if world.run.status().phase.is_completed() {
            return;
        }
        let pod = |command: &Command| match command {
            Command::StartPod(pod) => Some(pod.node.clone()),
            _ => None,
        };
        let mut outstanding: Vec<NodeId> = again.outstanding().iter().filter_map(pod).collect();
        let mut running: Vec<NodeId> = world.pods.iter().map(|pod| pod.node.clone()).collect();
        outstanding.sort();
        running.sort();
        assert_eq!(outstanding, running, "what is outstanding is not what runs");
    }

    /// A run that has ended is over.
    pub(crate) fn end(&self, world: &World) {
        let status = world.run.status();
        assert_eq!(world.run.outstanding(), vec![Command::Complete { phase: status.phase }]);
        for node in world.run.nodes().values() {
            assert!(node.phase.is_fulfilled(), "`{}` is {} in the end", node.name, node.phase.as_str());
        }
        assert!(status.finished_at.is_some() && status.started_at.is_some());
    }
}
