//! How far a pod is, as it says itself, and what Argo tells every container.

use model::argo::{AnyString, EnvVar};

use crate::fixture::{World, isolations, run_id, shell};

#[tokio::test]
async fn what_a_pod_says_of_its_progress_is_known() {
    let cases = [
        ("printf '1/4\\n3/4\\n' > $ARGO_PROGRESS_FILE", Some("3/4")),
        ("echo 3/4 > $ARGO_PROGRESS_FILE; echo nonsense >> $ARGO_PROGRESS_FILE", None),
        ("echo 5/4 > $ARGO_PROGRESS_FILE", None),
        ("ln -s /etc/passwd $ARGO_PROGRESS_FILE", None),
        ("mkfifo $ARGO_PROGRESS_FILE", None),
        ("true", None),
    ];
    for isolation in isolations() {
        let world = World::new(isolation);
        for (text, progress) in cases {
            let pod = shell(&world.fresh(), text);
            world.run(&pod).await;
            let known = world.backend.progress(run_id(1), &pod.node).await.unwrap();
            assert_eq!(known.as_deref(), progress, "{isolation:?}: {text}");
        }
    }
}

#[tokio::test]
async fn a_pod_is_told_what_argo_tells_it() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let mut pod = shell(&world.fresh(), "env | grep ^ARGO_ | sort");
        pod.wants_result = true;
        let own = EnvVar {
            name: "ARGO_NODE_ID".to_owned(),
            value: Some(AnyString("mine".to_owned())),
            value_from: None,
        };
        pod.template.container.as_mut().unwrap().env = vec![own];
        let result = world.run(&pod).await.outputs.result.unwrap();
        let value = |name: &str| {
            let found = result.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_else(|| panic!("{isolation:?}: no {name} in {result}"))
        };
        assert_eq!(value("ARGO_CONTAINER_NAME"), "main");
        assert_eq!(value("ARGO_NODE_ID"), pod.node.as_str());
        assert_eq!(value("ARGO_INCLUDE_SCRIPT_OUTPUT"), "true");
        assert_eq!(value("ARGO_DEADLINE"), "0001-01-01T00:00:00Z");
        assert_eq!(value("ARGO_PROGRESS_PATCH_TICK_DURATION"), "1s");
        assert!(value("ARGO_PROGRESS_FILE").ends_with("/argo/progress"));
        let template: serde_json::Value = serde_json::from_str(value("ARGO_TEMPLATE")).unwrap();
        assert_eq!(template["container"]["env"][0]["value"], "mine");
    }
}

#[tokio::test]
async fn a_deadline_is_told_and_a_long_template_is_not() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let mut pod = shell(&world.fresh(), "echo $ARGO_DEADLINE; echo $ARGO_TEMPLATE");
        pod.wants_result = true;
        pod.deadline_seconds = Some(3600);
        pod.template.name = "x".repeat(200_000);
        let result = world.run(&pod).await.outputs.result.unwrap();
        let (deadline, template) = result.trim().split_once('\n').unwrap();
        assert!(deadline.parse::<jiff::Timestamp>().unwrap() > jiff::Timestamp::UNIX_EPOCH, "{deadline}");
        assert_eq!(template, "offloaded", "{isolation:?}");
    }
}
