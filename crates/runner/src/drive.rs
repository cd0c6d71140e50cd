//! The loop of one run: inputs and timers become events; the engine says what follows; events are written; then
//! commands are carried out. Not here: pods (`pods`), deciding what comes next (`engine`).
//! Invariant: a reply to an input is sent only after its event is durable.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use audit::Clock as _;
use engine::{Command, Event, EventKind, Run, TimerId};
use identity::Caller;
use jiff::Timestamp;
use model::argo::{NodeId, NodeStatus, WorkflowPhase, WorkflowStatus};
use policy::AdvanceRun;
use store::StoredRun;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    ChangeKind, clock::SystemClock, pods::PodTask, runner::Inner, runner::lock, tasks::TaskWork,
    timers::Timers,
};

/// How many inputs are taken at once, so that one write serves them all.
const BATCH: usize = 256;
/// How long the loop waits before it tries again to write what could not be written.
const RETRY_WRITE: Duration = Duration::from_millis(500);
/// The longest single wait for a timer; longer ones are waited for in pieces, so that a clock that is set is noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What reaches the loop of a run.
#[derive(Debug)]
pub(crate) enum Input {
    /// Something happened.
    Event(EventKind),
    /// Somebody asks for something and waits until it is durable, or learns why it does not fit.
    Ask(EventKind, oneshot::Sender<Result<(), String>>),
    /// Somebody wants to see the run.
    Look(oneshot::Sender<Seen>),
    /// Somebody wants to see some nodes of it.
    LookAt(Vec<NodeId>, oneshot::Sender<Vec<Option<NodeStatus>>>),
}

/// A run as its loop sees it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) status: Arc<WorkflowStatus>,
    pub(crate) suspended: bool,
    pub(crate) gates: Vec<SeenGate>,
}

/// An open gate as the loop sees it.
#[derive(Debug, Clone)]
pub(crate) struct SeenGate {
    pub(crate) node: NodeId,
    pub(crate) gate: String,
    pub(crate) expires_at: Option<Timestamp>,
}

/// The loop of one run.
pub(crate) struct Driver {
    inner: Arc<Inner>,
    stored: Arc<StoredRun>,
    caller: Caller,
    inbox: mpsc::UnboundedReceiver<Input>,
    sender: mpsc::UnboundedSender<Input>,
    /// Taken out only while the engine has it.
    run: Option<Run>,
    /// The number of the next event to be written.
    next: u64,
    unwritten: Vec<Event>,
    replies: Vec<oneshot::Sender<Result<(), String>>>,
    commands: Vec<Command>,
    timers: Timers,
    gates: BTreeMap<NodeId, String>,
    pods: HashMap<NodeId, watch::Sender<bool>>,
    seen: Option<Arc<WorkflowStatus>>,
    complete: bool,
}

impl Inner {
    /// Begins to drive a run: from its first event, or from where its stored events leave it.
    pub(crate) fn drive(
        self: &Arc<Self>,
        stored: StoredRun,
        run: Run,
        next: u64,
    ) -> mpsc::UnboundedSender<Input> {
        let outstanding = if next > 0 { run.outstanding() } else { Vec::new() };
        self.drive_on(stored, run, next, outstanding)
    }

    /// Drives a run that has ended and begins again: what it asks for comes of the event that is put to it next.
    pub(crate) fn drive_again(
        self: &Arc<Self>,
        stored: StoredRun,
        run: Run,
        next: u64,
    ) -> mpsc::UnboundedSender<Input> {
        self.drive_on(stored, run, next, Vec::new())
    }

    fn drive_on(
        self: &Arc<Self>,
        stored: StoredRun,
        run: Run,
        next: u64,
        outstanding: Vec<Command>,
    ) -> mpsc::UnboundedSender<Input> {
        let (sender, inbox) = mpsc::unbounded_channel();
        lock(&self.active).insert(stored.facts.id, sender.clone());
        let caller = Caller::for_run(stored.submitter.clone(), stored.facts.id);
        let driver = Driver {
            inner: Arc::clone(self),
            stored: Arc::new(stored),
            caller,
            inbox,
            sender: sender.clone(),
            run: Some(run),
            next,
            unwritten: Vec::new(),
            replies: Vec::new(),
            commands: outstanding,
            timers: Timers::default(),
            gates: BTreeMap::new(),
            pods: HashMap::new(),
            seen: None,
            complete: false,
        };
        tokio::spawn(driver.run(next > 0));
        sender
    }
}

impl Driver {
    async fn run(mut self, again: bool) {
        self.remember().await;
        self.carry_out(again);
        while !self.complete {
            let mut inputs = Vec::with_capacity(8);
            let wait = self.until_next_timer();
            tokio::select! {
                taken = self.inbox.recv_many(&mut inputs, BATCH) => if taken == 0 { return },
                () = tokio::time::sleep(wait) => {}
            }
            if lock(&self.inner.active).get(&self.stored.facts.id).is_none() {
                return; // the runner is shutting down: what is durable is taken up by the next start
            }
            for input in inputs {
                self.take(input);
            }
            self.fire_timers();
            if self.must_write() {
                self.write().await;
                self.remember().await;
                self.carry_out(false);
            }
        }
        lock(&self.inner.active).remove(&self.stored.facts.id);
        self.inner.make_room(Some(self.stored.facts.id));
        let status = self.look().status;
        self.inner.retention.note(&self.stored, &status);
        // whoever asked while the run was ending is answered from the store
        self.inbox.close();
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Event(kind) => {
                if let Err(reason) = self.step(kind) {
                    tracing::warn!(run = %self.stored.facts.id, reason, "an event did not fit");
                }
            }
            Input::Ask(kind, reply) => match self.step(kind) {
                Ok(()) => self.replies.push(reply),
                Err(reason) => drop(reply.send(Err(reason))),
            },
            Input::Look(reply) => drop(reply.send(self.look())),
            Input::LookAt(nodes, reply) => {
                let known = self.run.as_ref().map(Run::nodes);
                let seen = nodes.iter().map(|node| known.and_then(|known| known.get(node)).cloned());
                drop(reply.send(seen.collect()));
            }
        }
    }

    fn step(&mut self, kind: EventKind) -> Result<(), String> {
        let Some(run) = self.run.take() else { return Err("the run has ended".to_owned()) };
        let event = Event { at: SystemClock.now(), kind };
        match engine::step(run, &event) {
            Ok((run, commands)) => {
                self.run = Some(run);
                self.seen = None;
                self.unwritten.push(event);
                self.commands.extend(commands);
                Ok(())
            }
            Err(rejected) => {
                let reason = rejected.reason.to_string();
                self.run = Some(rejected.run);
                Err(reason)
            }
        }
    }

    fn look(&mut self) -> Seen {
        let status = match (&self.seen, &self.run) {
            (Some(seen), _) => Arc::clone(seen),
            (None, Some(run)) => Arc::clone(self.seen.insert(Arc::new(run.status().clone()))),
            (None, None) => Arc::default(),
        };
        let gates = self.gates.iter().map(|(node, gate)| SeenGate {
            node: node.clone(),
            gate: gate.clone(),
            expires_at: self.timers.get(&TimerId::GateExpired(node.clone())),
        });
        let suspended = self.run.as_ref().is_some_and(engine::Run::is_suspended);
        Seen { gates: gates.filter(|gate| waits(&status, &gate.node)).collect(), status, suspended }
    }

    /// Whether there is something that may not wait. That a pod runs is told to those who look and written with
    /// the next event: losing it in a crash loses nothing, since taking up the run tells it again.
    fn must_write(&self) -> bool {
        !self.commands.is_empty()
            || !self.replies.is_empty()
            || self.unwritten.iter().any(|event| !matches!(event.kind, EventKind::PodRunning { .. }))
    }

    async fn write(&mut self) {
        let phase = self.phase();
        while !self.unwritten.is_empty() {
            match self.try_write(phase).await {
                Ok(()) => {
                    self.collect_ended_pods();
                    self.next += u64::try_from(self.unwritten.len()).unwrap_or(u64::MAX);
                    self.unwritten.clear();
                }
                Err(reason) => {
                    tracing::error!(run = %self.stored.facts.id, reason, "events cannot be written; the run waits");
                    tokio::time::sleep(RETRY_WRITE).await;
                }
            }
        }
        for reply in self.replies.drain(..) {
            let _ = reply.send(Ok(()));
        }
        self.inner.changed(&self.stored.facts, ChangeKind::Modified, phase);
    }

    /// Lets those pods be deleted whose end was just written.
    fn collect_ended_pods(&self) {
        if self.stored.workflow.spec.pod_gc.is_none() {
            return;
        }
        let ended = self.unwritten.iter().filter_map(|event| match &event.kind {
            EventKind::PodFinished { node, .. } => Some(node.clone()),
            _ => None,
        });
        let ended: BTreeSet<NodeId> = ended.collect();
        if let (Some(run), false) = (&self.run, ended.is_empty()) {
            self.inner.collect_pods(&self.stored, run.status(), Some(&ended));
        }
    }

    async fn try_write(&self, phase: WorkflowPhase) -> Result<(), String> {
        let events = &self.unwritten;
        let action = AdvanceRun {
            run: self.stored.facts.clone(),
            events_digest: store::events_digest(events),
            first: self.next,
            count: u64::try_from(events.len()).unwrap_or(u64::MAX),
        };
        let written = self
            .inner
            .act(&self.caller, action, async |go| self.inner.store.append_events(go, events, phase).await);
        written.await.map_err(|error| error.to_string())
    }

    fn phase(&self) -> WorkflowPhase {
        self.run.as_ref().map_or(WorkflowPhase::Error, |run| run.status().phase)
    }

    fn carry_out(&mut self, again: bool) {
        for command in std::mem::take(&mut self.commands) {
            match command {
                Command::StartPod(pod) => self.start_pod(pod, again),
                Command::KillPod { node } => {
                    if let Some(kill) = self.pods.get(&node) {
                        kill.send_replace(true);
                    }
                }
                Command::StartTask(task) => self.start_task(task),
                Command::Lock(request) => self.inner.take_locks(&self.stored.facts, &request),
                Command::Unlock { holder } => self.inner.give_locks_back(&self.stored.facts, holder.as_ref()),
                Command::Ask { node, question } => self.ask(node, question),
                // remembered already
                Command::Memoize(_) => {}
                Command::Measure(measured) => self.inner.metrics.measure(&measured),
                Command::SetTimer { timer, at } => self.timers.set(timer, at),
                Command::CancelTimer { timer } => self.timers.cancel(&timer),
                Command::OpenGate { node, gate } => {
                    self.gates.insert(node, gate);
                }
                Command::Complete { phase } => self.end(phase),
            }
        }
    }

    fn start_task(&mut self, task: Arc<engine::Task>) {
        let (kill, killed) = watch::channel(false);
        self.pods.insert(task.node.clone(), kill);
        let work = TaskWork {
            inner: Arc::clone(&self.inner),
            stored: Arc::clone(&self.stored),
            caller: self.caller.clone(),
            inbox: self.sender.clone(),
            killed,
        };
        tokio::spawn(work.run(task));
    }

    fn ask(&self, node: Option<NodeId>, question: engine::Question) {
        let (inner, stored, inbox) = (Arc::clone(&self.inner), Arc::clone(&self.stored), self.sender.clone());
        tokio::spawn(async move {
            let answer = inner.answer(&stored, &question).await;
            // a closed inbox means that the runner is shutting down; the next start asks again
            let _ = inbox.send(Input::Event(EventKind::Answered { node, question, answer }));
        });
    }

    /// Remembers outputs before anything else follows, so that whoever sees the node's end finds them.
    async fn remember(&mut self) {
        let (memos, others): (Vec<Command>, Vec<Command>) = std::mem::take(&mut self.commands)
            .into_iter()
            .partition(|command| matches!(command, Command::Memoize(_)));
        self.commands = others;
        for command in memos {
            if let Command::Memoize(entry) = command {
                self.inner.memoize(&self.caller, &self.stored, &entry).await;
            }
        }
    }

    fn start_pod(&mut self, pod: Arc<engine::Pod>, again: bool) {
        let (kill, killed) = watch::channel(false);
        self.pods.insert(pod.node.clone(), kill);
        let task = PodTask {
            inner: Arc::clone(&self.inner),
            stored: Arc::clone(&self.stored),
            caller: self.caller.clone(),
            inbox: self.sender.clone(),
            killed,
            again,
        };
        tokio::spawn(task.run(pod));
    }

    fn end(&mut self, phase: WorkflowPhase) {
        self.complete = true;
        let status = self.look().status;
        self.inner.metrics.count_phase(&self.stored.facts.name.namespace, phase);
        self.inner.remember_ended(self.stored.facts.id, Arc::clone(&status));
        self.inner.changed(&self.stored.facts, ChangeKind::Modified, phase);
        self.inner.collect_pods(&self.stored, &status, None);
        let (inner, stored) = (Arc::clone(&self.inner), Arc::clone(&self.stored));
        tokio::spawn(async move {
            inner.collect_claims(&stored, &status).await;
            inner.collect_after(stored, status).await;
        });
    }

    fn until_next_timer(&self) -> Duration {
        let Some(first) = self.timers.first() else { return LONGEST_WAIT };
        let wait = first.duration_since(SystemClock.now());
        Duration::try_from(wait).unwrap_or_default().min(LONGEST_WAIT)
    }

    fn fire_timers(&mut self) {
        for timer in self.timers.take_due(SystemClock.now()) {
            self.take(Input::Event(EventKind::TimerFired { timer }));
        }
    }
}

fn waits(status: &WorkflowStatus, node: &NodeId) -> bool {
    status.nodes.get(node).is_some_and(|node| !node.phase.is_fulfilled())
}
