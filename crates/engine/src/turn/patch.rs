//! `podSpecPatch`: changes of a pod as a whole, by the workflow and by the template, in YAML or JSON.
//! Source: Argo `workflowpod.go` createWorkflowPod, `workflow/util/pod_name.go` ApplyPodSpecPatch.
//! Not here: what of a pod means something on one machine (see `backend`).

use model::argo::{Container, ContainerNode, Template, UserContainer, Volume, strategic_merge_pod};
use serde_json::{Value, json};

/// The name of the only main container of a pod that is no container set.
const MAIN: &str = "main";
/// The containers that Argo adds to a pod, which there are none of here.
const EXECUTORS: [&str; 2] = ["wait", "init"];

/// Lays `patches` over a pod: the template's containers and the volumes it may mount.
///
/// # Errors
/// Why a patch is none, or makes no pod.
pub(super) fn patched(
    mut template: Template,
    volumes: Vec<Volume>,
    patches: &[String],
) -> Result<(Template, Vec<Volume>), String> {
    if patches.is_empty() {
        return Ok((template, volumes));
    }
    let mut pod = pod_of(&template, &volumes).map_err(wrong)?;
    for patch in patches {
        let patch = read(patch).ok_or_else(|| wrong("the patch is neither a JSON nor a YAML object"))?;
        pod = strategic_merge_pod(pod, patch);
    }
    template.rest.shift_remove("podSpecPatch");
    let volumes: Vec<Volume> = serde_json::from_value(list(&pod, "volumes")).map_err(wrong)?;
    for container in containers(&pod, "initContainers")? {
        place(&mut template.init_containers, container);
    }
    for container in containers(&pod, "containers")? {
        match main_of(&mut template, &container.name) {
            Some(main) => *main = container,
            None => place(&mut template.sidecars, container),
        }
    }
    Ok((template, volumes))
}

fn wrong(why: impl std::fmt::Display) -> String {
    format!("Error applying PodSpecPatch: {why}")
}

/// Returns the object that `text` is; `None` if it is neither JSON nor YAML, or no object.
fn read(text: &str) -> Option<Value> {
    let value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => model::yaml::parse("podSpecPatch", text).ok()?.first().map(model::yaml::Document::value)?,
    };
    value.is_object().then_some(value)
}

fn pod_of(template: &Template, volumes: &[Volume]) -> Result<Value, serde_json::Error> {
    let named = |container: &Container| {
        let mut container = container.clone();
        if container.name.is_empty() {
            MAIN.clone_into(&mut container.name);
        }
        serde_json::to_value(container)
    };
    let script = template.script.iter().map(|script| &script.container);
    let nodes = template.container_set.iter().flat_map(|set| &set.containers).map(|node| &node.container);
    let beside = template.sidecars.iter().map(|sidecar| &sidecar.container);
    let containers = template.container.iter().chain(script).chain(nodes).chain(beside).map(named);
    let first = template.init_containers.iter().map(|init| named(&init.container));
    Ok(json!({
        "containers": containers.collect::<Result<Vec<_>, _>>()?,
        "initContainers": first.collect::<Result<Vec<_>, _>>()?,
        "volumes": volumes,
    }))
}

fn list(pod: &Value, name: &str) -> Value {
    pod.get(name).cloned().unwrap_or_else(|| Value::Array(Vec::new()))
}

fn containers(pod: &Value, name: &str) -> Result<Vec<Container>, String> {
    serde_json::from_value(list(pod, name)).map_err(wrong)
}

fn main_of<'t>(template: &'t mut Template, name: &str) -> Option<&'t mut Container> {
    let script = template.script.iter_mut().map(|script| &mut script.container);
    let only = template.container.iter_mut().chain(script).filter(|_| name == MAIN);
    let nodes = template.container_set.iter_mut().flat_map(|set| &mut set.containers);
    let nodes = nodes.map(|ContainerNode { container, .. }| container).filter(|node| node.name == name);
    only.chain(nodes).next()
}

/// Puts a container at its place among `containers`, or adds it.
fn place(containers: &mut Vec<UserContainer>, container: Container) {
    if EXECUTORS.contains(&container.name.as_str()) {
        return;
    }
    match containers.iter_mut().find(|known| known.container.name == container.name) {
        Some(known) => known.container = container,
        None => containers.push(UserContainer { container, ..UserContainer::default() }),
    }
}

#[cfg(test)]
mod tests {
    use model::argo::{Template, Volume};
    use serde_json::{Value, json};

    use super::patched;

    fn patch(template: Value, patches: &[&str]) -> Result<(Template, Vec<Volume>), String> {
        let volumes = serde_json::from_value(json!([{"name": "v", "emptyDir": {}}])).unwrap();
        let patches: Vec<String> = patches.iter().map(|patch| (*patch).to_owned()).collect();
        patched(serde_json::from_value(template).unwrap(), volumes, &patches)
    }

    #[test]
    fn patches_are_laid_over_containers_and_volumes_one_after_the_other() {
        let template = json!({
            "container": {"image": "a", "args": ["x"], "env": [{"name": "A", "value": "1"}]},
            "sidecars": [{"name": "side", "image": "b", "mirrorVolumeMounts": true}],
        });
        let (template, volumes) = patch(template, &[
            r#"{"containers": [{"name": "main", "image": "c", "env": [{"name": "B", "value": "2"}]}, {"name": "wait", "image": "w"}]}"#,
            "containers:\n- {name: main, args: [z]}\n- {name: side, image: d}\n- {name: new, image: e}\nvolumes:\n- {name: w, emptyDir: {}}",
        ])
        .unwrap();
        let main = template.container.unwrap();
        assert_eq!((main.image.as_str(), main.args[0].as_str(), main.env.len()), ("c", "z", 2));
        let beside: Vec<(&str, &str, bool)> = template
            .sidecars
            .iter()
            .map(|side| {
                (side.container.name.as_str(), side.container.image.as_str(), side.mirror_volume_mounts)
            })
            .collect();
        assert_eq!(beside, [("side", "d", true), ("new", "e", false)]);
        // what a patch adds comes first, as a strategic merge of Kubernetes has it
        assert_eq!(volumes.iter().map(|volume| volume.name.as_str()).collect::<Vec<_>>(), ["w", "v"]);
    }

    #[test]
    fn scripts_and_sets_are_patched_by_name() {
        let script = json!({"script": {"image": "a", "source": "echo"}});
        let (template, _) = patch(script, &["containers: [{name: main, workingDir: /tmp}]"]).unwrap();
        let script = template.script.unwrap();
        assert_eq!((script.container.working_dir.as_str(), script.source.as_str()), ("/tmp", "echo"));
        let set = json!({"containerSet": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "x", "dependencies": ["a"]}]}});
        let (template, _) = patch(set, &["containers: [{name: b, image: z}]"]).unwrap();
        let nodes = template.container_set.unwrap().containers;
        assert_eq!((nodes[0].container.image.as_str(), nodes[1].container.image.as_str()), ("x", "z"));
        assert_eq!(nodes[1].dependencies, ["a"]);
    }

    #[test]
    fn what_is_no_patch_is_told() {
        let template = || json!({"container": {"image": "a"}});
        for bad in ["a: [", "12", "[]", "containers: [{name: main, image: {}}]", "containers: 5"] {
            let why = patch(template(), &[bad]).unwrap_err();
            assert!(why.starts_with("Error applying PodSpecPatch: "), "{bad}: {why}");
        }
    }
}
