//! Pods: started, running, ended. Source: Argo `operator.go` executeContainer, executeScript, inferFailedReason;
//! `workflowpod.go`.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use expr::{Lookup, Unresolved, substitute};
use model::argo::{
    ArchiveLocation, Artifact, Location, NodeId, NodeOutputs, NodePhase, NodeType, Outputs, Template, Volume,
    is_own_artifact_key, node_id, pod_name,
};
use model::duration::go_duration_ms;
use serde_json::{Value, json};

use super::{Turn, artifact, container_set, event::parsed_progress, inputs::Ready, outputs, patch};
use crate::{
    Command, InputSource, Pod, PodEnd, PodInput, PodOutcome, StoredArtifact,
    live::{Body, Given, Source, Start},
    resources,
};

/// The name of the only machine that pods run on, where Argo names a cluster's.
pub const HOST: &str = "localhost";
/// The container whose end is its pod's.
const MAIN: &str = "main";

/// Returns the `podSpecPatch` among these fields.
fn written(fields: &serde_json::Map<String, Value>) -> Option<&str> {
    fields.get("podSpecPatch").and_then(Value::as_str).filter(|patch| !patch.is_empty())
}

/// Returns the names of the volumes that a container of the template mounts.
fn mounts(template: &Template) -> impl Iterator<Item = &str> {
    let set = template.container_set.iter();
    let of_set = set.clone().flat_map(|set| set.containers.iter().map(|node| &node.container));
    let beside = template.init_containers.iter().chain(&template.sidecars).map(|beside| &beside.container);
    let script = template.script.iter().map(|script| &script.container);
    let containers = template.container.iter().chain(script).chain(of_set).chain(beside);
    let mounts = containers.flat_map(|container| &container.volume_mounts);
    mounts.chain(set.flat_map(|set| &set.volume_mounts)).map(|mount| mount.name.as_str())
}

/// Returns those volumes that a container of the template mounts.
fn mounted(template: &Template, volumes: Vec<Volume>) -> Vec<Volume> {
    let mounted: HashSet<&str> = mounts(template).collect();
    volumes.into_iter().filter(|volume| mounted.contains(volume.name.as_str())).collect()
}

/// Returns the first volume that is mounted and that there is none of. Source: Argo `workflowpod.go` addVolumeReferences.
fn unknown_volume<'a>(template: &'a Template, volumes: &[Volume]) -> Option<&'a str> {
    let unknown = |mounted: &&str| !volumes.iter().any(|volume| volume.name == *mounted);
    mounts(template).find(unknown)
}

/// Returns how far a pod is at first, if its template says so. Source: Argo `docs/progress.md`.
fn annotated_progress(template: &Template) -> Option<(u32, u32)> {
    let annotations = template.metadata.as_ref()?.get("annotations")?;
    parsed_progress(annotations.get("workflows.argoproj.io/progress")?.as_str()?)
}

impl Turn {
    pub(super) fn start_pod(&mut self, start: Start, ready: Ready) {
        let deadline_seconds = match self.pod_deadline(&start, &ready) {
            Ok(seconds) => seconds,
            Err(message) => return self.cannot_start(start, message),
        };
        let wants_result = start
            .boundary
            .and_then(|boundary| self.run.live.frame(boundary))
            .is_some_and(|frame| frame.compiled.results.contains(&start.call));
        let shown = ready.inputs();
        let inputs = pod_inputs(&ready);
        let archive = match self.archive_of(&start, &ready) {
            Ok(archive) => archive,
            Err(message) => return self.cannot_start(start, message),
        };
        let patches = match self.patches_of(&start, &ready) {
            Ok(patches) => patches,
            Err(message) => return self.cannot_start(start, message),
        };
        let volumes: Vec<Volume> =
            self.run.live.volumes.iter().chain(&ready.template.volumes).cloned().collect();
        if let Some(missing) = unknown_volume(&ready.template, &volumes) {
            let message = format!("volume '{missing}' not found in workflow spec");
            return self.errs(&start, NodeType::Pod, message);
        }
        let (template, volumes) = match patch::patched(ready.template, volumes, &patches) {
            Ok(patched) => patched,
            Err(message) => return self.cannot_start(start, message),
        };
        let volumes = mounted(&template, volumes);
        let set = template.container_set.clone();
        let at = self.make(self.new_node(&start, NodeType::Pod, NodePhase::Pending), Body::Ended);
        self.limit_time(at, &template, false);
        let name = self.unique_name(at, &start.name);
        let workflow = &self.run.workflow.metadata.name;
        let Some((id, node)) = self.run.status.nodes.get_index_mut(at) else { return };
        node.inputs = shown;
        let pod = Arc::new(Pod {
            node: id.clone(),
            node_name: node.name.clone(),
            display_name: node.display_name.clone(),
            pod_name: pod_name(workflow, &name, start.template()),
            template,
            volumes,
            inputs,
            archive,
            wants_result,
            deadline_seconds,
        });
        let annotated = annotated_progress(&pod.template);
        self.count_pod(at, 0, 1);
        if let Some((done, of)) = annotated {
            self.set_progress(at, done, of);
        }
        self.run.live.active_pods = self.run.live.active_pods.saturating_add(1);
        self.run.live.active.insert(at);
        if let Some(slot) = self.run.live.slots.get_mut(at) {
            slot.body = Body::Pod(Arc::clone(&pod));
        }
        self.commands.push(Command::StartPod(pod));
        if let Some(set) = set {
            self.make_containers(at, &start, &set);
        }
    }

    /// Returns the patches of a pod: the workflow's, then the template's.
    fn patches_of(&self, start: &Start, ready: &Ready) -> Result<Vec<String>, String> {
        let mut patches = Vec::new();
        if let Some(patch) = written(&self.run.workflow.spec.rest) {
            let locals = self.locals(start);
            let mut look_up = |name: &str| match locals.get(name) {
                Some(value) => Lookup::Text(value.clone()),
                None => self.global(name, start.hooked),
            };
            patches
                .push(substitute(patch, &mut look_up, Unresolved::Keep).map_err(|error| error.to_string())?);
        }
        patches.extend(written(&ready.template.rest).map(str::to_owned));
        Ok(patches)
    }

    /// Returns where the outputs of a pod go that do not say so themselves.
    fn archive_of(&self, start: &Start, ready: &Ready) -> Result<ArchiveLocation, String> {
        let own = ready.template.rest.get("archiveLocation").and_then(Value::as_object);
        let logs = |value: Option<&Value>| value.and_then(Value::as_bool);
        let logs = logs(own.and_then(|own| own.get("archiveLogs")))
            .or_else(|| logs(self.run.workflow.spec.rest.get("archiveLogs")));
        let logs = self.run.options.archive.logs || logs == Some(true);
        let located = own.map_or(Ok(None), Location::of).map_err(|fault| fault.to_string())?;
        if let Some(Location::S3(at)) = &located
            && at.bucket.is_empty()
            && is_own_artifact_key(&at.key)
        {
            return Err(format!("the key `{}` of the archiveLocation is one of another run's", at.key));
        }
        let mut location = located.or_else(|| self.run.options.archive.location.clone());
        let locals = self.locals(start);
        if let Some(at) = &mut location
            && let Some(key) = at.key().map(str::to_owned)
        {
            let mut look_up = |name: &str| match locals.get(name) {
                Some(value) => Lookup::Text(value.clone()),
                None => self.global(name, start.hooked),
            };
            let key = substitute(&key, &mut look_up, Unresolved::Keep).map_err(|error| error.to_string())?;
            at.set_key(&key).map_err(|fault| fault.to_string())?;
        }
        Ok(ArchiveLocation { location, logs })
    }

    /// Returns the name the node's id was made of.
    fn unique_name(&self, at: usize, name: &str) -> String {
        let workflow = &self.run.workflow.metadata.name;
        let is = |variant: &str| self.node(at).is_none_or(|node| node.id == node_id(workflow, variant));
        if is(name) {
            return name.to_owned();
        }
        (1..1_000)
            .map(|probe| format!("{name}#{probe}"))
            .find(|variant| is(variant))
            .unwrap_or_else(|| name.to_owned())
    }

    pub(super) fn pod_deadline(&self, start: &Start, ready: &Ready) -> Result<Option<u64>, String> {
        let own = ready.template.active_deadline_seconds.as_ref();
        let own = own.map(|text| {
            text.0
                .trim()
                .parse::<u64>()
                .map_err(|_| format!("activeDeadlineSeconds `{}` is not a number", text.0))
        });
        let own = own.transpose()?;
        let until = start.attempt.as_ref().and_then(|attempt| attempt.until);
        let left =
            until.map(|until| u64::try_from(until.duration_since(self.now).as_secs()).unwrap_or(0).max(1));
        // The template's `timeout` counts from when the node was made; what is left of it is the pod's.
        let known = start.been.node.and_then(|at| self.run.live.timeouts.get(&at)?.deadline);
        let limit = go_duration_ms(&ready.template.timeout).ok().map(|ms| ms.div_ceil(1_000));
        let limit = match known {
            Some(at) => Some(u64::try_from(at.duration_since(self.now).as_secs()).unwrap_or(0)),
            None => limit,
        };
        Ok(own.into_iter().chain(left).chain(limit.map(|seconds| seconds.max(1))).min())
    }

    pub(super) fn pod_runs(&mut self, node: &NodeId) {
        let Some(at) = self.at(node) else { return };
        if let Some(node) = self.node_mut(at) {
            node.phase = NodePhase::Running;
            HOST.clone_into(&mut node.host_node_name);
        }
        self.no_longer_pending(at);
        self.containers_run(at);
        self.condition("PodRunning", true, None);
        self.goes_on(at);
    }

    pub(super) fn pod_finished(&mut self, node: &NodeId, outcome: &PodOutcome) {
        let Some(at) = self.at(node) else { return };
        let Some(slot) = self.run.live.slots.get(at) else { return };
        let (pod, by_itself) = match &slot.body {
            Body::Pod(pod) => (pod, false),
            Body::Daemon(pod) => (pod, true),
            Body::Dying(_) => {
                self.run.live.active.remove(&at);
                if let Some(slot) = self.run.live.slots.get_mut(at) {
                    slot.body = Body::Ended;
                }
                return;
            }
            _ => return,
        };
        let doom = self.run.doom(slot.hooked);
        let (mut phase, mut message) = match &outcome.end {
            PodEnd::Exited(0) => (NodePhase::Succeeded, String::new()),
            PodEnd::Exited(code) => (NodePhase::Failed, exit_message(*code) + &reason_of_main(outcome)),
            PodEnd::DeadlineExceeded => (
                NodePhase::Failed,
                "Pod was active on the node longer than the specified deadline".to_owned(),
            ),
            PodEnd::Killed => (NodePhase::Failed, doom.unwrap_or_else(|| exit_message(137))),
            PodEnd::Error(reason) => (NodePhase::Error, reason.clone()),
        };
        let (outputs, missing) = collected(&pod.template.outputs, outcome, pod.wants_result);
        if let (NodePhase::Succeeded, Some(missing)) = (phase, missing) {
            (phase, message) = (NodePhase::Error, missing);
        }
        if let (Some(set), PodEnd::Exited(_)) = (&pod.template.container_set, &outcome.end)
            && let Some(ended) = container_set::end_of_set(set, &outcome.containers)
        {
            (phase, message) = ended;
        }
        if let PodEnd::Exited(_) = &outcome.end
            && let Some(ended) = container_set::end_of_others(&pod.template, &outcome.containers, phase)
        {
            (phase, message) = ended;
        }
        if let (PodEnd::Killed, Some(over)) = (&outcome.end, self.time_was_over(at)) {
            message = over;
        }
        let template_outputs = pod.template.outputs.clone();
        let since = self.node(at).and_then(|node| node.started_at).unwrap_or(self.now);
        let used = resources::used(&pod.template, self.now.duration_since(since).as_secs());
        self.count_pod(at, 1, 0);
        self.note_used(at, used);
        self.containers_ended(at, &outcome.containers, phase, &message);
        self.publish(&template_outputs, &outputs);
        if let Some(node) = self.node_mut(at) {
            node.outputs = (outputs != NodeOutputs::default()).then_some(outputs);
            if !matches!(outcome.end, PodEnd::Error(_)) {
                HOST.clone_into(&mut node.host_node_name);
            }
        }
        if by_itself {
            return self.daemon_ended(at, phase, message);
        }
        self.end(at, phase, message);
        self.give_pod_back();
    }

    fn time_was_over(&self, at: usize) -> Option<String> {
        self.run.live.timeouts.get(&at).and_then(|timeout| timeout.over.clone())
    }

    /// Notes what a pod used, in its node and in the run.
    fn note_used(&mut self, at: usize, used: BTreeMap<String, i64>) {
        let all = self.run.status.rest.entry("resourcesDuration").or_insert_with(|| json!({}));
        if let Some(all) = all.as_object_mut() {
            for (name, seconds) in &used {
                let known = all.get(name).and_then(Value::as_i64).unwrap_or(0);
                all.insert(name.clone(), json!(known.saturating_add(*seconds)));
            }
        }
        if let Some(node) = self.node_mut(at) {
            node.resources_duration = used;
        }
    }

    /// A pod counts no longer: the next that waits may start.
    pub(super) fn give_pod_back(&mut self) {
        self.run.live.active_pods = self.run.live.active_pods.saturating_sub(1);
        if let Some(next) = self.run.live.waiting.pop_front() {
            self.then_start(next);
        }
    }

    /// Gives the outputs with a global name to the whole workflow.
    pub(super) fn publish(&mut self, declared: &Outputs, outputs: &NodeOutputs) {
        outputs::publish(&mut self.run.status.outputs, declared, outputs);
    }
}

/// Returns why the main container ended, if it says more than its exit code.
fn reason_of_main(outcome: &PodOutcome) -> String {
    let said = outcome.containers.get(MAIN).map(|end| end.message.as_str()).filter(|said| !said.is_empty());
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

fn exit_message(code: i32) -> String {
    format!("main: Error (exit code {code})")
}

/// Returns a pod's outputs as its node shows them, and what is missing of those that must be there.
fn collected(declared: &Outputs, outcome: &PodOutcome, wants_result: bool) -> (NodeOutputs, Option<String>) {
    let mut outputs = NodeOutputs::default();
    let mut missing = None;
    for parameter in &declared.parameters {
        let from = parameter.value_from.as_ref();
        let file = outcome.outputs.parameters.get(&parameter.name).map(|text| text.as_str().into());
        let value =
            file.or_else(|| from.and_then(|from| from.default.clone())).or_else(|| parameter.value.clone());
        if value.is_none() {
            let path = from.map(|from| from.path.as_str()).unwrap_or_default();
            missing.get_or_insert(format!(
                "open {path}: no such file or directory (output parameter `{}`)",
                parameter.name
            ));
            continue;
        }
        outputs.parameters.push(model::argo::Parameter { value, ..parameter.clone() });
    }
    for artifact in &declared.artifacts {
        match outcome.outputs.artifacts.get(&artifact.name) {
            Some(at) => {
                let given = Given { source: stored(at), archive: artifact.archive.clone() };
                outputs.artifacts.push(artifact::shown(artifact, &given));
            }
            None if artifact.optional => {}
            None => {
                missing.get_or_insert(format!(
                    "open {}: no such file or directory (output artifact `{}`)",
                    artifact.path, artifact.name
                ));
            }
        }
    }
    // The logs.
    for (name, at) in &outcome.outputs.artifacts {
        if !declared.artifacts.iter().any(|artifact| artifact.name == *name) {
            let log = Artifact { name: name.clone(), ..Artifact::default() };
            outputs.artifacts.push(artifact::shown(&log, &Given { source: stored(at), archive: None }));
        }
    }
    if wants_result {
        outputs.result.clone_from(&outcome.outputs.result);
    }
    if let PodEnd::Exited(code) = outcome.end {
        outputs.exit_code = Some(code.to_string());
    }
    (outputs, missing)
}

fn stored(at: &StoredArtifact) -> Source {
    match at {
        StoredArtifact::Key(key) => Source::Stored(key.clone()),
        StoredArtifact::Located(at) => Source::Located(at.clone()),
    }
}

pub(super) fn pod_inputs(ready: &Ready) -> Vec<PodInput> {
    let placed = |artifact: &Artifact| {
        let source = match &ready.artifacts.get(&artifact.name)?.source {
            Source::Stored(key) => InputSource::Stored(key.clone()),
            Source::Raw(data) => InputSource::Raw(data.clone()),
            Source::Located(at) => InputSource::Located(at.clone()),
        };
        let placed = PodInput {
            name: artifact.name.clone(),
            path: artifact.path.clone(),
            source,
            mode: artifact.mode,
            recurse_mode: artifact.recurse_mode,
            optional: artifact.optional,
            archive: artifact.archive_strategy().ok().flatten(),
        };
        (!artifact.path.is_empty()).then_some(placed)
    };
    ready.template.inputs.artifacts.iter().filter_map(placed).collect()
}
