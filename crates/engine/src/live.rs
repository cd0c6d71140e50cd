//! What is under way: for each node who is told of its end and what it waits for; who waits for a turn.
//! Node indexes are places in `status.nodes`, which only grows.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use model::argo::{
    Call, ContinueOn, LifecycleHook, Location, NodePhase, TemplateRef, ValueFrom, WorkflowPhase,
};

use crate::{
    Answer, LockRequest, Pod, Question, ShutdownStrategy, Task as EngineTask,
    plan::{Compiled, DagPlan},
};

/// Who is told when a node ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    /// The run: it is the entry node.
    Root,
    /// The run: it is the exit handler.
    Exit,
    /// A steps node: it is one of its groups.
    Steps(usize),
    /// A step group: it is one of its steps.
    Group(usize),
    /// A DAG node: it is the task with this index.
    Task(usize, usize),
    /// A task group: it is one of its items.
    Item(usize),
    /// A retry node: it is one of its attempts.
    Attempt(usize),
    /// A pod of a container set: it is one of its containers.
    Container(usize),
    /// A node: it is one of its hooks.
    Hook(usize),
    /// The run: it is one of its hooks.
    RunHook,
}

impl Parent {
    /// Returns the node above, whose progress includes this one's.
    pub(crate) const fn above(self) -> Option<usize> {
        match self {
            Self::Root | Self::Exit | Self::RunHook | Self::Container(_) => None,
            Self::Steps(at)
            | Self::Group(at)
            | Self::Task(at, _)
            | Self::Item(at)
            | Self::Attempt(at)
            | Self::Hook(at) => Some(at),
        }
    }
    /// Whether it runs because of a hook.
    pub(crate) const fn is_hook(self) -> bool {
        matches!(self, Self::Exit | Self::Hook(_) | Self::RunHook)
    }
}

/// The hooks of a node or of the run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hooks {
    /// The step's or task's name, without the item.
    pub(crate) call: String,
    /// The task's index, if it is one.
    pub(crate) task: Option<usize>,
    /// Hooks that have not run yet, by name.
    pub(crate) waiting: Vec<(String, LifecycleHook)>,
    /// What runs once it has ended and all other hooks that run have.
    pub(crate) exit: Option<LifecycleHook>,
    /// Hooks under way.
    pub(crate) open: usize,
    /// Whether the node has ended.
    pub(crate) ended: bool,
    /// Why a hook of the run could not run.
    pub(crate) error: Option<String>,
}

impl Hooks {
    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.exit.is_none()
    }
}

/// Where an artifact comes from; only the engine makes these, so a stored key is never a user's word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// A key in the artifact store.
    Stored(String),
    /// A literal text.
    Raw(String),
    /// Somewhere else.
    Located(Box<Location>),
}

/// An artifact that is handed over: where it comes from and how it is packed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    pub(crate) source: Source,
    /// Its `archive`, if said.
    pub(crate) archive: Option<serde_json::Value>,
}

/// What a template is called with, everything resolved.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    /// Parameters; `None` for an output that was not produced.
    pub(crate) parameters: BTreeMap<String, Option<String>>,
    /// Parameters that are kept outside the run: where.
    pub(crate) elsewhere: BTreeMap<String, ValueFrom>,
    /// Artifacts.
    pub(crate) artifacts: BTreeMap<String, Given>,
}

/// The variables of an attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// `retries`: counted from 0.
    pub(crate) number: usize,
    /// `lastRetry.*`.
    pub(crate) last: BTreeMap<&'static str, String>,
    /// When no attempt may run any more.
    pub(crate) until: Option<Timestamp>,
}

/// A node about to start.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// The full name.
    pub(crate) name: String,
    /// The step's or task's name, without the item; empty for the entry node.
    pub(crate) call: String,
    /// The template's name; empty if inline.
    pub(crate) template_name: String,
    /// What names the template instead, if it is to be resolved now.
    pub(crate) reference: Option<TemplateRef>,
    /// Where the name is looked up; in the workflow if nowhere else.
    pub(crate) home: Option<Arc<Home>>,
    /// The template, if inline.
    pub(crate) inline: Option<Arc<Compiled>>,
    /// What it is called with.
    pub(crate) args: Arc<Args>,
    /// The steps or DAG node it belongs to.
    pub(crate) boundary: Option<usize>,
    /// Who is told when it ends.
    pub(crate) parent: Parent,
    /// How many templates are above it.
    pub(crate) depth: usize,
    /// Whether it belongs to an exit handler.
    pub(crate) hooked: bool,
    /// Whether it holds one of its boundary's places already.
    pub(crate) counted: bool,
    /// Which attempt it is.
    pub(crate) attempt: Option<Attempt>,
    /// What runs besides it and after it.
    pub(crate) hooks: Option<Box<Hooks>>,
    /// What it was told before it could start.
    pub(crate) known: Vec<(Question, Answer)>,
    /// The name it is shown under, if its template says one.
    pub(crate) shown_as: Option<String>,
    /// What held it up before and does no longer.
    pub(crate) been: Been,
}

/// What held a start up before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Been {
    /// The node that was made while it waited.
    pub(crate) node: Option<usize>,
    /// Whether it holds its locks.
    pub(crate) locked: bool,
    /// Whether it is known that no memoized entry serves it.
    pub(crate) asked: bool,
}

/// A node whose start waits for its locks, or for what is known of a memoized entry.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    /// How it goes on.
    pub(crate) start: Start,
    /// What was asked; it waits for locks if nothing was.
    pub(crate) question: Option<Question>,
    /// How old an entry may be.
    pub(crate) max_age: Option<jiff::SignedDuration>,
}

/// Locks that are wanted or held.
#[derive(Debug, Clone)]
pub(crate) struct Locks {
    pub(crate) request: Arc<LockRequest>,
    /// Whether they are held.
    pub(crate) held: bool,
    /// The lock waited for, as Argo names it.
    pub(crate) waits_for: Option<String>,
}

/// When a node's time is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timeout {
    /// The end of the template's `timeout`, waiting included.
    pub(crate) deadline: Option<Timestamp>,
    /// The end of its `pendingTimeout`.
    pub(crate) pending: Option<Timestamp>,
    /// What is said of it once its time is over.
    pub(crate) over: Option<String>,
}

impl Start {
    /// Returns the template's name where it was written.
    pub(crate) fn template(&self) -> &str {
        match &self.reference {
            Some(reference) => &reference.template,
            None => self.template_name.rsplit_once('.').map_or(&self.template_name, |(_, short)| short),
        }
    }
}

/// A question that is not answered yet.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What is asked.
    pub(crate) question: Question,
    /// Whether the run itself waits for it.
    pub(crate) of_run: bool,
    /// Who starts once it is answered.
    pub(crate) waiting: Vec<Start>,
}

/// A child of a steps or DAG node, for references to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Child {
    /// Its own node: none for an expanded step.
    pub(crate) node: Option<usize>,
    /// Its items, if it is expanded.
    pub(crate) items: Option<Arc<[usize]>>,
}

/// A WorkflowTemplate, or a ClusterWorkflowTemplate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Home {
    pub(crate) name: String,
    pub(crate) cluster_scope: bool,
}

/// What steps and DAG nodes have in common.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The template as it was written.
    pub(crate) compiled: Arc<Compiled>,
    /// Where the names of its templates are looked up; in the workflow if nowhere else.
    pub(crate) home: Option<Arc<Home>>,
    /// What it declares to give, substituted.
    pub(crate) outputs: model::argo::Outputs,
    /// Its input artifacts.
    pub(crate) artifacts: BTreeMap<String, Given>,
    /// What names of its own stand for: in the first pass, and its inputs in the second.
    pub(crate) names: Arc<(BTreeMap<String, String>, BTreeMap<String, String>)>,
    /// How many children may be active at once.
    pub(crate) parallelism: Option<usize>,
    /// Whether a failed child stops the start of others (with the template's own `failFast`).
    pub(crate) fail_fast: bool,
    /// Children by call.
    pub(crate) children: HashMap<String, Child>,
    /// How many templates are above it.
    pub(crate) depth: usize,
    /// Active children.
    pub(crate) active: usize,
    /// Children that failed.
    pub(crate) unsuccessful: usize,
    /// Children that wait for a place.
    pub(crate) waiting: VecDeque<Start>,
    /// Aggregated outputs by the reference's text, so that each is made once.
    pub(crate) aggregates: HashMap<String, Arc<str>>,
}

impl Frame {
    /// Whether no further child may start now.
    pub(crate) fn is_full(&self) -> bool {
        (self.fail_fast && self.unsuccessful > 0)
            || self.parallelism.is_some_and(|limit| self.active >= limit)
    }
}

/// A steps node under way.
#[derive(Debug, Clone)]
pub(crate) struct Steps {
    pub(crate) frame: Frame,
    /// The group under way or the last one.
    pub(crate) current: Option<usize>,
    /// Groups begun.
    pub(crate) begun: usize,
}

/// A step group under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// Children that have not ended.
    pub(crate) open: usize,
    /// Children, and which of their failures are tolerated.
    pub(crate) children: Vec<(usize, ContinueOn)>,
    /// Why the group will end in Error once its children have ended.
    pub(crate) error: Option<String>,
    /// Tolerated failures by call.
    pub(crate) tolerated: HashMap<String, ContinueOn>,
}

/// A task of a DAG under way.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Whether it was looked at.
    pub(crate) begun: bool,
    /// Dependencies not yet decided.
    pub(crate) waits_for: usize,
    /// Whether a target needs it.
    pub(crate) needed: bool,
    /// Whether it is a target.
    pub(crate) is_target: bool,
    /// Its phase, once decided.
    pub(crate) phase: Option<NodePhase>,
    /// Its phase, or that of its branch if it did not run.
    pub(crate) branch: NodePhase,
    /// Whether it runs because something before it did not succeed.
    pub(crate) handles_failure: bool,
    /// Whether one of its items succeeded.
    pub(crate) any_succeeded: bool,
    /// Whether all of its items failed.
    pub(crate) all_failed: bool,
    /// Whether it is a daemon that is ready.
    pub(crate) daemoned: bool,
    /// Its node.
    pub(crate) node: Option<usize>,
    /// Which of its failures are tolerated.
    pub(crate) continue_on: ContinueOn,
}

/// A DAG node under way.
#[derive(Debug, Clone)]
pub(crate) struct Dag {
    pub(crate) frame: Frame,
    pub(crate) plan: Arc<DagPlan>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) targets: Vec<usize>,
    /// Whether an untolerated failure of a target's branch stops the start of further tasks.
    pub(crate) stops_on_failure: bool,
    /// Whether such a failure has happened.
    pub(crate) stopped: bool,
    /// Tasks under way or about to be looked at.
    pub(crate) open: usize,
    /// Why it will end in Error once its tasks have ended.
    pub(crate) error: Option<String>,
}

/// The items of a looped task under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskGroup {
    /// Items that have not ended.
    pub(crate) open: usize,
}

/// How failed attempts are repeated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strategy {
    /// Attempts after the first; for ever if none.
    pub(crate) limit: Option<u64>,
    /// Whether phase Failed is repeated.
    pub(crate) on_failed: bool,
    /// Whether phase Error is repeated.
    pub(crate) on_error: bool,
    /// Whether only failures that may pass by themselves are repeated.
    pub(crate) transient_only: bool,
    /// What must be true, too, for a failed attempt to be repeated.
    pub(crate) expression: String,
    /// Seconds before the second attempt.
    pub(crate) wait_seconds: Option<f64>,
    /// What each further wait is multiplied with.
    pub(crate) factor: f64,
    /// The longest wait in seconds.
    pub(crate) cap_seconds: Option<f64>,
    /// Seconds after which no attempt may run, counted from the first one's start.
    pub(crate) max_seconds: Option<f64>,
}

/// A retry node under way.
#[derive(Debug, Clone)]
pub(crate) struct Retry {
    /// How each attempt starts.
    pub(crate) start: Start,
    pub(crate) strategy: Strategy,
    /// Attempts begun.
    pub(crate) attempts: usize,
    /// When the first began.
    pub(crate) first_at: Timestamp,
    /// When the next begins, while it waits.
    pub(crate) waits_until: Option<Timestamp>,
}

/// A suspend node that waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Suspend {
    /// When it goes on by itself.
    pub(crate) over_at: Option<Timestamp>,
    /// When it fails.
    pub(crate) deadline_at: Option<Timestamp>,
    /// The gate's name and when it expires.
    pub(crate) gate: Option<(String, Timestamp)>,
}

/// What a node waits for.
#[derive(Debug, Clone, Default)]
pub(crate) enum Body {
    /// Nothing: it has ended.
    #[default]
    Ended,
    /// A pod.
    Pod(Arc<Pod>),
    /// To be killed: it is a daemon that counts as done.
    Daemon(Arc<Pod>),
    /// The end of a pod that was killed and counts as ended.
    Dying(Arc<Pod>),
    /// A task's end.
    Task(Arc<EngineTask>),
    /// Its locks, or an answer.
    Waits(Box<Waits>),
    /// Its turn, although its node exists already.
    Queued,
    /// To be resumed.
    Suspend(Box<Suspend>),
    /// Its groups.
    Steps(Box<Steps>),
    /// Its steps.
    Group(Box<Group>),
    /// Its tasks.
    Dag(Box<Dag>),
    /// Its items.
    TaskGroup(Box<TaskGroup>),
    /// Its attempts.
    Retry(Box<Retry>),
}

/// What is known of a node beyond its status.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) parent: Parent,
    /// The steps or DAG node it belongs to.
    pub(crate) boundary: Option<usize>,
    /// Whether it holds one of its boundary's places.
    pub(crate) counted: bool,
    /// Whether it belongs to an exit handler.
    pub(crate) hooked: bool,
    /// A retry node's latest attempt.
    pub(crate) latest: Option<usize>,
    /// Pods ended and pods in all, at and below it.
    pub(crate) pods: (u32, u32),
    /// What runs besides it and after it.
    pub(crate) hooks: Option<Box<Hooks>>,
    pub(crate) body: Body,
}

/// How far the run has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before its first event.
    #[default]
    New,
    /// It waits for its own locks.
    Locks,
    /// The entry node is under way.
    Main,
    /// The entry node has ended and so, hooks of the run are under way.
    Hooks(WorkflowPhase, String),
    /// The exit handler is under way; how the entry node ended.
    Exit(WorkflowPhase, String),
    /// It has ended.
    Ended,
}

/// A run's working state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    pub(crate) stage: Stage,
    /// In the order of `status.nodes`.
    pub(crate) slots: Vec<Slot>,
    /// Nodes that wait for the world: pods, suspend nodes, retry nodes between attempts.
    pub(crate) active: BTreeSet<usize>,
    /// Pods started and not ended.
    pub(crate) active_pods: usize,
    /// Pods ended and pods in all.
    pub(crate) pods: (u32, u32),
    /// Nodes that wait for a pod of the workflow to end.
    pub(crate) waiting: VecDeque<Start>,
    /// Nodes that wait for the run to be unsuspended.
    pub(crate) held: VecDeque<Start>,
    pub(crate) suspended: bool,
    /// Questions that are not answered yet, asked before something starts.
    pub(crate) asked: Vec<Asked>,
    /// Templates of other WorkflowTemplates that were resolved while the run lasts.
    pub(crate) referenced: BTreeMap<Home, Arc<HashMap<String, Arc<Compiled>>>>,
    /// What the run itself was told.
    pub(crate) known: Vec<(Question, Answer)>,
    /// Locks wanted or held, by node; the run's own by none.
    pub(crate) locks: BTreeMap<Option<usize>, Locks>,
    /// Time limits, by node.
    pub(crate) timeouts: BTreeMap<usize, Timeout>,
    /// Nodes whose end is measured, and their templates.
    pub(crate) measured: HashMap<usize, Arc<Compiled>>,
    /// Containers of container sets, by their pod.
    pub(crate) containers: HashMap<usize, Vec<(String, usize)>>,
    /// Daemons that are ready, by the steps or DAG node they belong to.
    pub(crate) daemons: BTreeMap<Option<usize>, Vec<usize>>,
    /// Retry nodes whose attempt is a daemon and that count as done since.
    pub(crate) lasting: BTreeMap<usize, Box<Retry>>,
    /// Nodes of before that are not run again, by name.
    pub(crate) previous: HashMap<String, Box<model::argo::NodeStatus>>,
    /// The volumes of the workflow.
    pub(crate) volumes: Vec<model::argo::Volume>,
    /// The run's own hooks.
    pub(crate) hooks: Hooks,
    pub(crate) shutdown: Option<(ShutdownStrategy, Option<String>)>,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) deadline_passed: bool,
    /// Variables of the workflow, by full name.
    pub(crate) variables: Arc<HashMap<String, String>>,
    /// Variables an exit handler has besides.
    pub(crate) exit_variables: BTreeMap<String, String>,
}

impl Live {
    /// Returns the frame of the steps or DAG node at `at`.
    pub(crate) fn frame(&self, at: usize) -> Option<&Frame> {
        match &self.slots.get(at)?.body {
            Body::Steps(steps) => Some(&steps.frame),
            Body::Dag(dag) => Some(&dag.frame),
            _ => None,
        }
    }
    /// Returns the frame of the steps or DAG node at `at`, to be changed.
    pub(crate) fn frame_mut(&mut self, at: usize) -> Option<&mut Frame> {
        match &mut self.slots.get_mut(at)?.body {
            Body::Steps(steps) => Some(&mut steps.frame),
            Body::Dag(dag) => Some(&mut dag.frame),
            _ => None,
        }
    }
    /// Returns the DAG at `at`.
    pub(crate) fn dag_mut(&mut self, at: usize) -> Option<&mut Dag> {
        match &mut self.slots.get_mut(at)?.body {
            Body::Dag(dag) => Some(dag),
            _ => None,
        }
    }
    /// Returns the step group at `at`.
    pub(crate) fn group_mut(&mut self, at: usize) -> Option<&mut Group> {
        match &mut self.slots.get_mut(at)?.body {
            Body::Group(group) => Some(group),
            _ => None,
        }
    }
    /// Returns the steps node at `at`.
    pub(crate) fn steps_mut(&mut self, at: usize) -> Option<&mut Steps> {
        match &mut self.slots.get_mut(at)?.body {
            Body::Steps(steps) => Some(steps),
            _ => None,
        }
    }
    /// Returns the retry node at `at`.
    pub(crate) fn retry_mut(&mut self, at: usize) -> Option<&mut Retry> {
        match &mut self.slots.get_mut(at)?.body {
            Body::Retry(retry) => Some(retry),
            _ => None,
        }
    }
}

/// Whether a call's failure in `phase` is tolerated.
pub(crate) const fn tolerates(on: ContinueOn, phase: NodePhase) -> bool {
    match phase {
        NodePhase::Failed => on.failed,
        NodePhase::Error => on.error,
        _ => false,
    }
}

/// A step or task after expansion.
#[derive(Debug, Clone)]
pub(crate) struct Expanded {
    /// The name with the item.
    pub(crate) name: String,
    pub(crate) call: Call,
}
