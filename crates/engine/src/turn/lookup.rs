//! What `steps.x.…` and `tasks.x.…` stand for, read from the nodes when somebody refers to it.
//! Source: Argo `operator.go` buildLocalScope, processAggregateNodeOutputs; `aggregation.go`.

use std::sync::Arc;

use expr::Lookup;
use model::argo::{NodePhase, NodeStatus, NodeType};
use serde_json::{Map, Value};

use super::{Turn, artifact, item};
use crate::live::{Body, Child, Given};

/// Who asks: a steps or DAG node, and the task on whose behalf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    /// The steps or DAG node.
    pub(super) boundary: usize,
    /// The task's index; none where every child may be referred to.
    pub(super) task: Option<usize>,
    pub(super) hooked: bool,
    /// The node whose hook asks: it may be referred to although it has not ended.
    pub(super) about: Option<usize>,
}

impl Turn {
    /// Returns what a name stands for within a steps or DAG node.
    pub(super) fn scoped(&mut self, asker: Asker, name: &str) -> Result<Lookup, String> {
        let Some((call, field)) = self.may_refer_to(asker, name) else {
            return Ok(self.global(name, asker.hooked));
        };
        if let Some(known) = self.run.live.frame(asker.boundary).and_then(|frame| frame.aggregates.get(name))
        {
            return Ok(Lookup::Text(known.to_string()));
        }
        let Some(child) = self.ended_child(asker, call) else { return Ok(Lookup::Unknown) };
        let (Some(items), true) = (&child.items, field.starts_with("outputs.")) else {
            let whole = child.node.filter(|node| asker.about == Some(*node) && field == "status");
            if let Some(node) = whole.and_then(|node| self.node(node)) {
                // to its own hooks a retry node is what it is, not its latest attempt
                return Ok(Lookup::Text(node.phase.as_str().to_owned()));
            }
            return Ok(child.node.map_or(Lookup::Unknown, |node| self.field_of(node, field)));
        };
        let Some(text) = self.aggregate(items, field)? else { return Ok(Lookup::Unknown) };
        if let Some(frame) = self.run.live.frame_mut(asker.boundary) {
            frame.aggregates.insert(name.to_owned(), Arc::from(text.as_str()));
        }
        Ok(Lookup::Text(text))
    }

    /// Splits `steps.x.rest` into `x` and `rest` if `x` is a child that may be referred to.
    fn may_refer_to<'n>(&self, asker: Asker, name: &'n str) -> Option<(&'n str, &'n str)> {
        let (root, rest) = name.split_once('.')?;
        let (call, field) = rest.split_once('.')?;
        match (&self.run.live.slots.get(asker.boundary)?.body, root) {
            (Body::Steps(_), "steps") => Some((call, field)),
            (Body::Dag(dag), "tasks") => {
                let other = *dag.plan.by_name.get(call)?;
                let before = asker.task.is_none_or(|task| {
                    (asker.about.is_some() && task == other) || dag.plan.is_after(task, other)
                });
                before.then_some((call, field))
            }
            _ => None,
        }
    }

    fn is_called(&self, at: usize, call: &str) -> bool {
        let hooks = self.run.live.slots.get(at).and_then(|slot| slot.hooks.as_ref());
        hooks.is_some_and(|hooks| hooks.call == call)
    }

    /// Returns the child called `call` if it has ended.
    fn ended_child(&self, asker: Asker, call: &str) -> Option<Child> {
        if let Some(about) = asker.about.filter(|about| self.is_called(*about, call)) {
            let known = self.run.live.frame(asker.boundary)?.children.get(call);
            let items = known.and_then(|child| child.items.clone()).filter(|_| self.is_task_group(about));
            return Some(Child { node: Some(about), items });
        }
        let child = self.run.live.frame(asker.boundary)?.children.get(call)?;
        let ended = |at: &usize| self.node(*at).is_some_and(|node| node.is_fulfilled());
        let all_ended =
            child.node.iter().all(ended) && child.items.iter().flat_map(|items| items.iter()).all(ended);
        all_ended.then(|| child.clone())
    }

    /// Returns the names of the output parameters and artifacts that a child gave or declares.
    pub(super) fn outputs_of_child(&self, asker: Asker, call: &str) -> Option<(Vec<String>, Vec<String>)> {
        let child = self.ended_child(asker, call)?;
        let at = child.items.as_ref().and_then(|items| items.first().copied()).or(child.node)?;
        let node = self.speaker(at)?;
        let given = node.outputs.iter();
        let mut parameters: Vec<String> = given
            .clone()
            .flat_map(|outputs| &outputs.parameters)
            .map(|parameter| parameter.name.clone())
            .collect();
        if let Some(compiled) = self.template_of_node(node) {
            let declared = &compiled.template.outputs.parameters;
            parameters.extend(declared.iter().map(|parameter| parameter.name.clone()));
            parameters.sort_unstable();
            parameters.dedup();
        }
        let artifacts = given.flat_map(|outputs| &outputs.artifacts).map(|artifact| artifact.name.clone());
        Some((parameters, artifacts.collect()))
    }

    /// Returns the node whose outputs stand for those of the node at `at`: a retry node's latest attempt.
    fn speaker(&self, at: usize) -> Option<&NodeStatus> {
        let node = self.node(at)?;
        if node.node_type != NodeType::Retry {
            return Some(node);
        }
        let latest = self.run.live.slots.get(at).and_then(|slot| slot.latest);
        latest.and_then(|latest| self.node(latest)).or(Some(node))
    }

    fn field_of(&self, at: usize, field: &str) -> Lookup {
        let Some(node) = self.speaker(at) else { return Lookup::Unknown };
        let outputs = node.outputs.as_ref();
        let time = |at: Option<jiff::Timestamp>| at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let found = match field {
            "id" => Some(node.id.to_string()),
            "status" => Some(node.phase.as_str().to_owned()),
            "startedAt" => time(node.started_at),
            "finishedAt" => time(node.finished_at),
            "ip" => Some(node.pod_ip.clone()).filter(|ip| !ip.is_empty()),
            "hostNodeName" => Some(node.host_node_name.clone()).filter(|name| !name.is_empty()),
            "exitCode" => outputs.and_then(|outputs| outputs.exit_code.clone()),
            "outputs.result" => outputs.and_then(|outputs| outputs.result.clone()),
            _ => field.strip_prefix("outputs.parameters.").and_then(|name| {
                let parameter = outputs?.parameters.iter().find(|parameter| parameter.name == name)?;
                parameter.value.as_ref().map(|value| value.0.clone())
            }),
        };
        match found {
            Some(text) => Lookup::Text(text),
            None if matches!(node.phase, NodePhase::Skipped | NodePhase::Omitted) => self.absent(node, field),
            None => Lookup::Unknown,
        }
    }

    /// An output of a node that did not run: its declared default, or absent if it is declared at all.
    fn absent(&self, node: &NodeStatus, field: &str) -> Lookup {
        if matches!(field, "outputs.result" | "exitCode") {
            return Lookup::Absent;
        }
        let Some(name) = field.strip_prefix("outputs.parameters.") else { return Lookup::Unknown };
        let Some(compiled) = self.template_of_node(node) else { return Lookup::Absent };
        let declared = compiled.template.outputs.parameters.iter().find(|parameter| parameter.name == name);
        match declared {
            Some(parameter) => match parameter.value_from.as_ref().and_then(|from| from.default.as_ref()) {
                Some(default) => Lookup::Text(default.0.clone()),
                None => Lookup::Absent,
            },
            None => Lookup::Unknown,
        }
    }

    /// Returns the outputs of the items that succeeded as one JSON list.
    fn aggregate(&self, items: &[usize], field: &str) -> Result<Option<String>, String> {
        let succeeded = items.iter().filter_map(|at| {
            let node = self.node(*at)?;
            let outputs = self.speaker(*at)?.outputs.as_ref()?;
            (node.phase == NodePhase::Succeeded).then_some(outputs)
        });
        let json = match field {
            "outputs.result" => {
                let mut results = Vec::new();
                for result in succeeded.filter_map(|outputs| outputs.result.as_ref()) {
                    let parsed: Value = serde_json::from_str(result).map_err(|_| {
                        format!("a result is not JSON and cannot be aggregated: {}", item::not_json(result))
                    })?;
                    results.push(item::sorted(&parsed));
                }
                Value::Array(results)
            }
            "outputs.parameters" => succeeded
                .filter(|outputs| !outputs.parameters.is_empty())
                .map(|outputs| {
                    let values = outputs.parameters.iter().filter_map(|parameter| {
                        Some((parameter.name.clone(), Value::String(parameter.value.as_ref()?.0.clone())))
                    });
                    item::sorted(&Value::Object(values.collect::<Map<_, _>>()))
                })
                .collect(),
            _ => {
                let Some(name) = field.strip_prefix("outputs.parameters.") else { return Ok(None) };
                let values = succeeded
                    .flat_map(|outputs| &outputs.parameters)
                    .filter(|parameter| parameter.name == name);
                let values: Vec<String> =
                    values.filter_map(|parameter| parameter.value.as_ref().map(|v| v.0.clone())).collect();
                if values.is_empty() {
                    return Ok(None);
                }
                parameter_list(values)
            }
        };
        Ok(Some(json.to_string()))
    }

    /// Returns where the artifact `steps.x.outputs.artifacts.a` or `inputs.artifacts.a` is, as a steps or DAG
    /// node sees it; `Ok(None)` if whoever makes it made none.
    pub(super) fn artifact(&self, asker: Asker, reference: &str) -> Result<Option<Given>, String> {
        let name = expr::pure_tag(reference).unwrap_or(reference);
        let unable = || format!("Unable to resolve: \"{name}\"");
        if let Some(input) = name.strip_prefix("inputs.artifacts.") {
            let frame = self.run.live.frame(asker.boundary).ok_or_else(unable)?;
            return frame.artifacts.get(input).cloned().map(Some).ok_or_else(unable);
        }
        if let Some(output) = name.strip_prefix("workflow.outputs.artifacts.") {
            let all = self.run.status.outputs.iter().flat_map(|outputs| &outputs.artifacts);
            let found = all.filter(|artifact| artifact.name == output).find_map(artifact::given_by);
            return found.map(Some).ok_or_else(unable);
        }
        let (call, field) = self.may_refer_to(asker, name).ok_or_else(unable)?;
        let child = self.ended_child(asker, call).ok_or_else(unable)?;
        let output = field.strip_prefix("outputs.artifacts.").ok_or_else(unable)?;
        let node = child.node.and_then(|at| self.speaker(at)).ok_or_else(unable)?;
        let outputs = node.outputs.iter().flat_map(|outputs| &outputs.artifacts);
        let found = outputs.filter(|artifact| artifact.name == output).find_map(artifact::given_by);
        found.map(Some).ok_or_else(unable)
    }
}

/// Returns the values as a JSON list: as JSON if each is a JSON object or list, else as strings.
fn parameter_list(values: Vec<String>) -> Value {
    let parsed: Option<Vec<Value>> = values
        .iter()
        .map(|value| {
            serde_json::from_str(value).ok().filter(|value: &Value| value.is_object() || value.is_array())
        })
        .collect();
    match parsed {
        Some(parsed) => Value::Array(parsed.iter().map(item::sorted).collect()),
        None => Value::Array(values.into_iter().map(Value::String).collect()),
    }
}
