//! A simulated world: starts pods, ends them as a script says, fires timers when nothing else can happen.
//! Not here: processes, real time.

use std::collections::{BTreeMap, HashSet};

use engine::{
    Answer, CollectedOutputs, Command, Event, EventKind, LockRequest, Measurement, MemoEntry, Pod, PodEnd,
    PodOutcome, Question, Run, RunOptions, Task, TaskOutcome, TimerId, step,
    sync::{LockTable, Standing, holder_key},
};
use jiff::{SignedDuration, Timestamp};
use model::{
    Id,
    argo::{NodeId, NodeOutputs, NodePhase, NodeStatus, Workflow},
    manifest::{Manifest, parse},
};

/// Reads the first Workflow of a text; a missing name becomes `wf`.
pub(crate) fn workflow(yaml: &str) -> Workflow {
    let manifests = parse("test.yaml", yaml).unwrap_or_else(|faults| panic!("{faults:#?}\n{yaml}"));
    let mut workflow = manifests
        .into_iter()
        .find_map(|manifest| match manifest {
            Manifest::Workflow(written) => Some(written.object),
            _ => None,
        })
        .expect("a Workflow");
    if workflow.metadata.name.is_empty() {
        workflow.metadata.name = "wf".to_owned();
    }
    workflow
}

/// Puts the usual head before a spec.
pub(crate) fn spec(spec: &str) -> Workflow {
    let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    workflow(&format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: wf}}\nspec:\n{indented}"
    ))
}

pub(crate) fn new_run(workflow: Workflow, options: RunOptions) -> Run {
    Run::new(workflow, Id::from_uuid("01890000-0000-7000-8000-000000000001".parse().unwrap()), options)
}

/// The world around a run.
pub(crate) struct World {
    pub(crate) run: Run,
    pub(crate) log: Vec<Event>,
    pub(crate) commands: Vec<Command>,
    pub(crate) now: Timestamp,
    pub(crate) pods: Vec<Pod>,
    pub(crate) timers: BTreeMap<TimerId, Timestamp>,
    pub(crate) gates: Vec<(NodeId, String)>,
    pub(crate) most_pods: usize,
    pub(crate) questions: Vec<Question>,
    /// What questions are answered with while the run goes on by itself.
    pub(crate) knows: fn(&Question) -> Option<Answer>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) asked: Vec<(Option<NodeId>, Question)>,
    pub(crate) wanted: Vec<LockRequest>,
    pub(crate) unlocked: Vec<Option<NodeId>>,
    pub(crate) memos: Vec<MemoEntry>,
    pub(crate) measured: Vec<Measurement>,
    pub(crate) killed: HashSet<NodeId>,
    ready: HashSet<NodeId>,
    table: LockTable,
}

/// How a pod ends, by its display name.
pub(crate) type Script<'a> = &'a dyn Fn(&Pod) -> PodOutcome;

pub(crate) fn ended(code: i32) -> PodOutcome {
    PodOutcome::new(PodEnd::Exited(code), CollectedOutputs::default())
}

impl World {
    pub(crate) fn new(workflow: Workflow, options: RunOptions) -> Self {
        Self {
            run: new_run(workflow, options),
            log: Vec::new(),
            commands: Vec::new(),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            pods: Vec::new(),
            timers: BTreeMap::new(),
            gates: Vec::new(),
            most_pods: 0,
            questions: Vec::new(),
            knows: |_| None,
            tasks: Vec::new(),
            asked: Vec::new(),
            wanted: Vec::new(),
            unlocked: Vec::new(),
            memos: Vec::new(),
            measured: Vec::new(),
            killed: HashSet::new(),
            ready: HashSet::new(),
            table: LockTable::new(),
        }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, kind: EventKind) {
        let event = Event { at: self.now, kind };
        // Moved, not cloned: the cost of an event is not to grow with the run here either.
        let run = std::mem::replace(&mut self.run, new_run(Workflow::default(), RunOptions::default()));
        let (run, commands) =
            step(run, &event).unwrap_or_else(|rejected| panic!("{event:?}: {}", rejected.reason));
        self.run = run;
        self.log.push(event);
        for command in &commands {
            match command {
                Command::StartTask(task) => self.tasks.push((**task).clone()),
                Command::Ask { node: None, question } => self.questions.push(question.clone()),
                Command::Ask { node, question } => self.asked.push((node.clone(), question.clone())),
                Command::Lock(request) => self.wanted.push((**request).clone()),
                Command::Unlock { holder } => {
                    // what was not asked for yet is not asked for any more
                    self.wanted.retain(|request| request.holder != *holder);
                    self.unlocked.push(holder.clone());
                }
                Command::Memoize(entry) => self.memos.push((**entry).clone()),
                Command::Measure(measured) => self.measured.push((**measured).clone()),
                Command::StartPod(pod) => self.pods.push((**pod).clone()),
                Command::KillPod { node } => {
                    self.killed.insert(node.clone());
                }
                Command::SetTimer { timer, at } => {
                    self.timers.insert(timer.clone(), *at);
                }
                Command::CancelTimer { timer } => {
                    self.timers.remove(timer);
                }
                Command::OpenGate { node, gate } => self.gates.push((node.clone(), gate.clone())),
                Command::Complete { .. } => {}
            }
        }
        self.most_pods = self.most_pods.max(self.pods.len());
        self.commands.extend(commands);
    }

    /// Ends the pod at `index` of those under way.
    pub(crate) fn end_pod(&mut self, index: usize, script: Script<'_>) {
        let pod = self.pods.remove(index);
        self.now = self.now.checked_add(SignedDuration::from_secs(1)).unwrap();
        let mut outcome = script(&pod);
        if self.killed.contains(&pod.node) {
            outcome = PodOutcome::new(PodEnd::Killed, CollectedOutputs::default());
        } else {
            self.send(EventKind::PodRunning { node: pod.node.clone() });
        }
        self.send(EventKind::PodFinished { node: pod.node.clone(), outcome });
    }

    pub(crate) fn fire(&mut self) -> bool {
        let Some((timer, at)) = self.timers.iter().min_by_key(|(_, at)| **at).map(|(t, at)| (t.clone(), *at))
        else {
            return false;
        };
        self.timers.remove(&timer);
        self.now = self.now.max(at);
        self.send(EventKind::TimerFired { timer });
        true
    }

    pub(crate) fn answer(&mut self, question: &Question, answer: Answer) {
        self.questions.retain(|asked| asked != question);
        self.send(EventKind::Answered { node: None, question: question.clone(), answer });
    }

    /// Does what is asked of the world besides pods: tasks end well, nothing is memoized but what was, locks are given
    /// in turn. Returns whether there was anything to do.
    pub(crate) fn serve(&mut self) -> bool {
        let mut served = false;
        for task in std::mem::take(&mut self.tasks) {
            served = true;
            // the keys that a `data` template found; any other answer is an object
            let result = if task.template.data.is_some() { "[\"foo/script.py\"]" } else { "{}" };
            let outputs = NodeOutputs { result: Some(result.to_owned()), ..NodeOutputs::default() };
            let outcome = TaskOutcome { phase: NodePhase::Succeeded, message: String::new(), outputs };
            self.send(EventKind::TaskFinished { node: task.node, outcome });
        }
        for (node, question) in std::mem::take(&mut self.asked) {
            served = true;
            let answer = match &question {
                Question::Memo { cache, key } => {
                    let entry = self.memos.iter().rev().find(|memo| memo.cache == *cache && memo.key == *key);
                    entry.map_or(Answer::NotFound("none".to_owned()), |memo| Answer::Memo {
                        node: memo.node.to_string(),
                        created_at: self.now,
                        outputs: memo.outputs.clone(),
                    })
                }
                _ => Answer::NotFound("none".to_owned()),
            };
            self.send(EventKind::Answered { node, question, answer });
        }
        for holder in std::mem::take(&mut self.unlocked) {
            served = true;
            let key = holder_key("", &self.run.workflow().metadata.name, holder.as_ref());
            let standings = self.table.release(&key);
            self.tell(standings);
        }
        for request in std::mem::take(&mut self.wanted) {
            served = true;
            for lock in &request.locks {
                self.table.set_limit(lock, 1);
            }
            let key = holder_key("", &self.run.workflow().metadata.name, request.holder.as_ref());
            let standings = self.table.request(&key, &request);
            self.tell(standings);
        }
        served
    }

    fn tell(&mut self, standings: Vec<Standing>) {
        let name = self.run.workflow().metadata.name.clone();
        let node = |holder: &str| holder.strip_prefix(&format!("/{name}/")).map(NodeId::from_text);
        let kinds: Vec<EventKind> = standings
            .into_iter()
            .map(|standing| match standing {
                Standing::Held { holder } => EventKind::Locked { holder: node(&holder) },
                Standing::Waits { holder, lock, message, holders } => {
                    EventKind::LockWaits { holder: node(&holder), lock, message, holders }
                }
                Standing::Refused { holder, message } => {
                    EventKind::LockRefused { holder: node(&holder), message }
                }
            })
            .collect();
        kinds.into_iter().for_each(|kind| self.send(kind));
    }

    /// Goes on until nothing can happen by itself.
    pub(crate) fn settle(&mut self, script: Script<'_>) {
        for _ in 0..200_000 {
            let known =
                self.questions.iter().find_map(|question| Some((question.clone(), (self.knows)(question)?)));
            if let Some((question, answer)) = known {
                self.answer(&question, answer);
                continue;
            }
            if self.serve() {
                continue;
            }
            // A daemon that is ready ends when it is killed.
            let next = (0..self.pods.len()).find(|at| {
                !self.ready.contains(&self.pods[*at].node) || self.killed.contains(&self.pods[*at].node)
            });
            let Some(next) = next else { return };
            if self.pods[next].template.daemon == Some(true)
                && self.ready.insert(self.pods[next].node.clone())
            {
                let node = self.pods[next].node.clone();
                self.send(EventKind::PodReady { node, ip: "10.0.0.1".to_owned() });
                continue;
            }
            self.end_pod(next, script);
        }
        panic!("the run does not settle");
    }

    /// Starts and goes on until the run has ended or waits for ever.
    pub(crate) fn play(&mut self, script: Script<'_>) {
        self.send(EventKind::Started);
        self.go_on(script);
    }

    /// Goes on until the run has ended or waits for ever.
    pub(crate) fn go_on(&mut self, script: Script<'_>) {
        loop {
            self.settle(script);
            if self.run.status().phase.is_completed() || !self.fire() {
                return;
            }
        }
    }

    pub(crate) fn node(&self, display_name: &str) -> &NodeStatus {
        let found = self.run.nodes().values().find(|node| node.display_name == display_name);
        found.unwrap_or_else(|| panic!("no node {display_name}:\n{}", self.shown()))
    }

    pub(crate) fn resume(&mut self, node: Option<&str>, parameters: &[(&str, &str)]) {
        let node = node.map(|name| self.node(name).id.clone());
        let parameters =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.send(EventKind::Resumed { node, message: "resumed".to_owned(), parameters });
    }

    /// Resumes every suspend node, each with `value` or its enum's first for what must be supplied.
    pub(crate) fn resume_all_with(&mut self, value: &str) {
        let waiting: Vec<NodeStatus> = self
            .run
            .nodes()
            .values()
            .filter(|node| node.node_type == model::argo::NodeType::Suspend && !node.phase.is_fulfilled())
            .cloned()
            .collect();
        for node in waiting {
            let outputs = node.outputs.iter().flat_map(|outputs| &outputs.parameters);
            let supplied =
                outputs.filter(|p| p.value_from.as_ref().is_some_and(|from| from.supplied.is_some()));
            let first = |p: &model::argo::Parameter| {
                p.enumeration.as_ref().and_then(|list| list.first()).map(|first| first.0.clone())
            };
            let parameters =
                supplied.map(|p| (p.name.clone(), first(p).unwrap_or_else(|| value.to_owned()))).collect();
            self.send(EventKind::Resumed { node: Some(node.id), message: String::new(), parameters });
        }
    }

    /// Returns the run as text: the workflow's line, then each node's.
    pub(crate) fn shown(&self) -> String {
        let status = self.run.status();
        let mut text =
            format!("{} {} {}", status.phase.as_str(), status.progress, status.message).trim_end().to_owned();
        for node in self.run.nodes().values() {
            let node_type = serde_json::to_value(node.node_type).unwrap();
            let node_type = node_type.as_str().unwrap();
            let line = format!("\n{} {node_type} {} {}", node.name, node.phase.as_str(), node.message);
            text.push_str(line.trim_end());
        }
        text
    }
}

/// A script by lines: `NAME exits N`, `NAME prints TEXT`, `NAME writes PARAMETER TEXT`, `NAME stores ARTIFACT KEY`,
/// `NAME breaks TEXT`; everything else exits 0. NAME is the display name.
pub(crate) fn script(lines: &'static str) -> impl Fn(&Pod) -> PodOutcome {
    move |pod| {
        let mut outcome = ended(0);
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Some(rest) =
                line.strip_prefix(pod.display_name.as_str()).and_then(|rest| rest.strip_prefix(' '))
            else {
                continue;
            };
            let (verb, rest) = rest.split_once(' ').unwrap();
            match verb {
                "exits" => outcome.end = PodEnd::Exited(rest.parse().unwrap()),
                "prints" => outcome.outputs.result = pod.wants_result.then(|| rest.to_owned()),
                "breaks" => outcome.end = PodEnd::Error(rest.to_owned()),
                "writes" => {
                    let (name, text) = rest.split_once(' ').unwrap_or((rest, ""));
                    outcome.outputs.parameters.insert(name.to_owned(), text.to_owned());
                }
                "stores" => {
                    let (name, key) = rest.split_once(' ').unwrap();
                    let at = engine::StoredArtifact::Key(key.to_owned());
                    outcome.outputs.artifacts.insert(name.to_owned(), at);
                }
                other => panic!("no verb {other}"),
            }
        }
        outcome
    }
}

/// Plays a spec with a script and compares the run's text.
#[track_caller]
pub(crate) fn check(yaml: &str, lines: &'static str, expected: &str) -> World {
    let mut world = World::new(spec(yaml), RunOptions::default());
    world.play(&script(lines));
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    let shown = world.shown();
    assert_eq!(shown, expected.join("\n"), "\n--- got ---\n{shown}\n");
    world
}
