//! What pods are handed of ConfigMaps and Secrets: as variables, and that a Secret's values stay in the pod.

use std::collections::BTreeMap;

use backend::Materials;
use engine::{Pod, PodEnd};
use model::argo::Container;
use serde_json::{Value, json};

use crate::fixture::{World, container, isolations, run_id, with_parameter};

const PASSWORD: &str = "corr3ct horse \"battery\" $staple";

/// Returns a ConfigMap `settings` and a Secret `login`.
pub(crate) fn materials() -> Materials {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let mut materials = Materials::default();
    let settings =
        [("size", bytes("10")), ("colour", bytes("blue")), ("9lives", bytes("no")), ("bin", vec![255])];
    let settings = settings.map(|(key, value)| (key.to_owned(), value)).into();
    materials.config_maps.insert("settings".to_owned(), settings);
    let login = [
        ("user", "olga"),
        ("password", PASSWORD),
        ("pin", "4711"),
        ("key", "first line\nsecond line of it\n"),
    ];
    let login = login.map(|(key, value)| (key.to_owned(), bytes(value).into()));
    materials.secrets.insert("login".to_owned(), BTreeMap::from(login));
    materials
}

/// Returns a pod of a container with these further fields that runs a shell text.
fn pod(node: &str, text: &str, fields: Value) -> Pod {
    let mut container_fields = json!({"command": ["bash", "-c", text.replace("$$", "$$$$")], "image": "any"});
    container_fields.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let mut pod = container(node, serde_json::from_value::<Container>(container_fields).unwrap());
    pod.template.metadata =
        Some(Box::new(json!({"labels": {"team": "lab"}, "annotations": {"why": "test"}})));
    pod
}

fn from(kind: &str, name: &str, key: &str) -> Value {
    json!({kind: {"name": name, "key": key}})
}

#[tokio::test]
async fn variables_come_from_config_maps_secrets_and_the_pod_itself() {
    let env = json!({
        "envFrom": [
            {"configMapRef": {"name": "settings"}},
            {"prefix": "L_", "secretRef": {"name": "login"}},
            {"configMapRef": {"name": "nowhere", "optional": true}},
        ],
        "env": [
            {"name": "SIZE", "valueFrom": from("configMapKeyRef", "settings", "size")},
            {"name": "PASS", "valueFrom": from("secretKeyRef", "login", "password")},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "nowhere", "key": "k", "optional": true}}},
            {"name": "NOKEY", "valueFrom": {"secretKeyRef": {"name": "login", "key": "k", "optional": true}}},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "TEAM", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['team']"}}},
            {"name": "WF", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['workflows.argoproj.io/workflow']"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
            {"name": "BOTH", "value": "$(colour) $(SIZE) $$(SIZE) $(NONE)"},
        ],
        "resources": {"limits": {"cpu": 0.5}},
    });
    for isolation in isolations() {
        let world = World::new(isolation);
        // the length shows that the value arrives although it is masked
        let text = "echo $size $colour $SIZE ${#PASS} ${#L_password} ${NONE-unset} ${NOKEY-unset}; echo $POD $NS $TEAM $WF $CPU; echo \"$BOTH\"; env | grep -c -e ^9lives -e ^bin";
        let pod = pod(&world.fresh(), text, env.clone());
        world.run_with(&pod, materials()).await;
        let expected = format!(
            "10 blue 10 {0} {0} unset unset\n{1} default lab probe 500\nblue 10 $(SIZE) $(NONE)\n0\n",
            PASSWORD.len(),
            pod.pod_name
        );
        assert_eq!(world.text(run_id(1), &pod.node).await, expected, "{isolation:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_keeps_the_pod_from_starting_and_is_named() {
    let cases = [
        (
            json!({"env": [{"name": "A", "valueFrom": from("secretKeyRef", "nowhere", "k")}]}),
            "CreateContainerConfigError: secret \"nowhere\" not found",
        ),
        (
            json!({"env": [{"name": "A", "valueFrom": from("configMapKeyRef", "nowhere", "k")}]}),
            "CreateContainerConfigError: configmap \"nowhere\" not found",
        ),
        (
            json!({"env": [{"name": "A", "valueFrom": from("secretKeyRef", "login", "k")}]}),
            "CreateContainerConfigError: couldn't find key k in Secret default/login",
        ),
        (
            json!({"envFrom": [{"configMapRef": {"name": "nowhere"}}]}),
            "CreateContainerConfigError: configmap \"nowhere\" not found",
        ),
        (
            json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]}),
            "CreateContainerConfigError: unsupported fieldPath: status.phase",
        ),
    ];
    for isolation in isolations() {
        let world = World::new(isolation);
        for (fields, message) in &cases {
            let pod = pod(&world.fresh(), "echo started", fields.clone());
            let outcome = world.run_with(&pod, materials()).await;
            assert_eq!(outcome.end, PodEnd::Error((*message).to_owned()), "{isolation:?}");
        }
    }
}

#[tokio::test]
async fn the_values_of_secrets_reach_neither_log_result_parameters_messages_nor_the_disk() {
    let env = json!({"env": [
        {"name": "PASS", "valueFrom": from("secretKeyRef", "login", "password")},
        {"name": "PIN", "valueFrom": from("secretKeyRef", "login", "pin")},
        {"name": "KEY", "valueFrom": from("secretKeyRef", "login", "key")},
        {"name": "COPY", "value": "copy of $(PASS)"},
    ], "args": ["$(PASS)"]});
    let ways: &[(&str, &str)] = &[
        ("plain", "echo \"$PASS\""),
        ("an argument", "echo \"$0\""),
        ("a copy", "echo \"$COPY\""),
        ("standard error", "echo \"$PASS\" >&2; echo \"$PASS\""),
        ("base64", "printf %s \"$PASS\" | base64 -w0"),
        ("basic auth", "printf 'olga:%s' \"$PASS\" | base64 -w0"),
        ("hexadecimal", "printf %s \"$PASS\" | od -An -v -tx1 | tr -d ' \\n'"),
        ("JSON", "printf '\"corr3ct horse \\\\\"battery\\\\\" $staple\"'"),
        ("byte by byte", "while [ -n \"$PASS\" ]; do printf %.1s \"$PASS\"; PASS=${PASS#?}; done"),
        ("short", "echo $PIN"),
        ("one line of several", "echo \"$KEY\" | tail -2"),
        ("several lines", "echo \"$KEY\""),
        ("all", "env"),
    ];
    for isolation in isolations() {
        let world = World::new(isolation);
        for (what, way) in ways {
            let node = world.fresh();
            let file = format!("/tmp/s-{node}");
            let text = format!("{{ {way}; }} | tee {file}");
            let mut pod = with_parameter(pod(&node, &text, env.clone()), "leak", &file);
            pod.wants_result = true;
            let outcome = world.run_with(&pod, materials()).await;
            assert_eq!(outcome.end, PodEnd::Exited(0), "{isolation:?}: {what}");
            assert!(outcome.outputs.parameters["leak"].contains("***"), "{isolation:?}: {what}");
            std::fs::remove_file(&file).ok();
            let folder = world.pod_folder(run_id(1), &pod.node);
            let mut files = 0;
            for entry in std::fs::read_dir(&folder).unwrap().flatten() {
                if !entry.file_type().unwrap().is_file() {
                    continue;
                }
                let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
                files += 1;
                for secret in
                    [PASSWORD, "battery", "4711", "second line of it", "YmF0dGVye", "62617474657279"]
                {
                    // what the pod of this test is written as names no value
                    let harmless = way.contains(secret) && entry.file_name() == "pod.json";
                    assert!(harmless || !text.contains(secret), "{isolation:?}: {what}: {:?}", entry.path());
                }
            }
            assert!(files > 3, "{files}");
        }
        let pod = pod(&world.fresh(), "", json!({"command": ["$(PASS)"], "env": env["env"], "args": []}));
        let outcome = world.run_with(&pod, materials()).await;
        assert_eq!(outcome.end, PodEnd::Exited(64), "{isolation:?}");
        let message = &outcome.containers["main"].message;
        assert!(message.contains("exec: \"***\": executable file not found"), "{message}");
    }
}
