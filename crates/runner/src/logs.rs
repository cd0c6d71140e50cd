//! Sending logs: one attempt on record however long somebody follows. Not here: writing them (`backend`).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use audit::Audited;
use identity::Caller;
use model::{
    NamespacedName,
    argo::{NodeId, NodePhase, NodeStatus, NodeType, WorkflowStatus},
};
use policy::{ViewLog, ViewRun};
use tokio::sync::mpsc;

use crate::{LogSelection, PodLine, Runner, RunnerError, drive::Seen, view::WORKFLOWS};

/// How often a log that is followed is looked at, at most.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long is waited besides for each node of the run, so that looking stays a small part of the work.
const LOOK_AGAIN_A_NODE: Duration = Duration::from_micros(20);

impl Runner {
    /// Sends the log lines of a run's pods into `sink`: one attempt on record however long it follows. Ends when the pods have
    /// ended and all is sent (or, without `follow`, when what is there now is sent), or when `sink` is closed.
    ///
    /// # Errors
    /// [`RunnerError`], before the first line is sent.
    pub async fn logs(
        &self,
        caller: &Caller,
        name: &NamespacedName,
        selection: LogSelection,
        sink: mpsc::Sender<PodLine>,
    ) -> Result<(), RunnerError> {
        let facts = self.facts(name).await?;
        let action = ViewLog { run: facts };
        let sent = self.act(caller, action, async |go| self.send_logs(go, &selection, &sink).await).await;
        sent.map_err(|error| RunnerError::from_act(error, WORKFLOWS, name))
    }

    async fn send_logs(
        &self,
        go: &Audited<ViewLog>,
        selection: &LogSelection,
        sink: &mpsc::Sender<PodLine>,
    ) -> Result<(), RunnerError> {
        let run = &go.action().run;
        let mut offsets: BTreeMap<Source, u64> = BTreeMap::new();
        let mut done: BTreeSet<Source> = BTreeSet::new();
        loop {
            let Seen { status, .. } = self.inner.look(run.id).await?;
            let mut more = false;
            for (source, pod) in pods(&run.name.name, &status, selection) {
                if done.contains(&source) {
                    continue;
                }
                let from = offsets.get(&source).copied().unwrap_or_default();
                let tail = selection.tail.filter(|_| from == 0);
                let (lines, next) = self.read_log(go, &source, from, tail).await?;
                offsets.insert(source.clone(), next);
                more |= next != from;
                if next == from && status.nodes.get(&source.0).is_none_or(|node| node.phase.is_fulfilled()) {
                    // it had ended before its log was read to the end
                    done.insert(source);
                }
                for line in lines {
                    if sink.send(PodLine { line, ..pod.clone() }).await.is_err() {
                        return Ok(());
                    }
                }
            }
            let ended = status.phase.is_completed() || self.all_ended(&status, selection);
            if sink.is_closed() || (!more && (ended || !selection.follow)) {
                return Ok(());
            }
            let of_its_size =
                LOOK_AGAIN_A_NODE.saturating_mul(u32::try_from(status.nodes.len()).unwrap_or(u32::MAX));
            tokio::time::sleep(if more { of_its_size } else { of_its_size.max(LOOK_AGAIN) }).await;
        }
    }

    /// Reads a piece of a log, or with `tail` all of it, keeping that many lines.
    async fn read_log(
        &self,
        go: &Audited<ViewLog>,
        (node, container): &Source,
        from: u64,
        tail: Option<usize>,
    ) -> Result<(Vec<backend::LogLine>, u64), RunnerError> {
        let (mut lines, mut at) = self.inner.backend.log(go.permit(), (node, container), from).await?;
        let Some(tail) = tail else { return Ok((lines, at)) };
        loop {
            lines.drain(..lines.len().saturating_sub(tail));
            let (further, next) = self.inner.backend.log(go.permit(), (node, container), at).await?;
            if next == at {
                return Ok((lines, at));
            }
            at = next;
            lines.extend(further);
        }
    }

    /// Whether the one pod asked for has ended; without one, the run itself tells.
    fn all_ended(&self, status: &WorkflowStatus, selection: &LogSelection) -> bool {
        let Some(wanted) = &selection.pod else { return false };
        let found = status.nodes.values().find(|node| node.id.as_str() == wanted);
        found.is_some_and(|node| node.phase.is_fulfilled())
    }

    /// Returns whether the caller may see that the run exists, without a record: for streams that check each message.
    ///
    /// # Errors
    /// [`RunnerError::NotFound`].
    pub fn may_see(&self, caller: &Caller, run: &policy::RunFacts) -> Result<(), RunnerError> {
        use audit::Clock as _;
        let decided =
            self.rules().check(caller, ViewRun { run: run.clone() }, crate::clock::SystemClock.now());
        decided.map(|_| ()).map_err(|(_, refusal)| RunnerError::refused(refusal, WORKFLOWS, &run.name))
    }
}

/// A container of a pod: whose log is read.
type Source = (NodeId, String);

/// Returns the containers whose logs are wanted, in the order their pods were started.
fn pods(workflow: &str, status: &WorkflowStatus, selection: &LogSelection) -> Vec<(Source, PodLine)> {
    let mut found = Vec::new();
    let mut of_sets: HashMap<&NodeId, Vec<&NodeStatus>> = HashMap::new();
    for node in status.nodes.values().filter(|node| node.node_type == NodeType::Container) {
        if let Some(pod) = &node.boundary_id {
            of_sets.entry(pod).or_default().push(node);
        }
    }
    // one that was not started yet has said nothing
    let speaks = |node: &&NodeStatus| node.node_type == NodeType::Pod && node.phase != NodePhase::Pending;
    for node in status.nodes.values().filter(speaks) {
        let pod_name = model::argo::pod_name(workflow, &node.name, &node.template_name);
        let wanted = selection.pod.as_ref().is_none_or(|pod| node.id.as_str() == pod || *pod == pod_name);
        if !wanted {
            continue;
        }
        let mut line = |container: &str, display_name: &str| {
            let line = backend::LogLine { content: String::new(), at_ms: 0, stderr: false };
            let (id, display_name) = (node.id.clone(), display_name.to_owned());
            let pod = PodLine { node: id.clone(), display_name, pod_name: pod_name.clone(), line };
            found.push(((id, container.to_owned()), pod));
        };
        match &selection.container {
            Some(container) => line(container, &node.display_name),
            None if of_sets.contains_key(&node.id) => {
                for container in of_sets.get(&node.id).into_iter().flatten() {
                    line(
                        &container.display_name,
                        &format!("{}.{}", node.display_name, container.display_name),
                    );
                }
            }
            None => line("main", &node.display_name),
        }
    }
    found
}
