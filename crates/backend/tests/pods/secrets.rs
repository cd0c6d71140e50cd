//! The run token: where it can be read, and that it never reaches the disk otherwise.

use engine::PodEnd;

use crate::fixture::{World, isolations, run_id, shell, with_parameter};

const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJydW4tMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwIn0.c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmU";

#[tokio::test]
async fn the_token_can_be_read_by_the_pod_and_is_masked_in_every_spelling() {
    let ways: &[(&str, &str)] = &[
        ("plain", "cat $F"),
        ("two writes", "head -c 20 $F; sleep 0.1; tail -c +21 $F"),
        ("byte by byte", "t=$(cat $F); while [ -n \"$t\" ]; do printf %.1s \"$t\"; t=${t#?}; done"),
        ("standard error", "cat $F >&2"),
        ("inside a line", "echo \"before $(cat $F) after\""),
        ("base64", "base64 -w0 $F"),
        ("base64, wrapped", "base64 $F"),
        ("base64, shifted", "printf 'x%s' $(cat $F) | base64 -w0; printf 'xy%s' $(cat $F) | base64 -w0"),
        ("basic auth", "printf 'user:%s' $(cat $F) | base64 -w0"),
        ("hexadecimal", "od -An -v -tx1 $F | tr -d ' \\n'"),
        (
            "at the edge of a line that is too long",
            "head -c 65500 /dev/zero | tr '\\0' a; cat $F; head -c 200000 /dev/zero | tr '\\0' b",
        ),
    ];
    let signature = TOKEN.rsplit('.').next().unwrap();
    for isolation in isolations() {
        let world = World::new(isolation);
        for (what, way) in ways {
            let text =
                format!("F=$MARQUE_RUN_TOKEN_FILE; test -s $F && {{ {way}; }} && cp $F /tmp/p-$ARGO_NODE_ID");
            let mut pod = shell(&world.fresh(), &text);
            pod = with_parameter(pod.clone(), "leak", &format!("/tmp/p-{}", pod.node));
            pod.wants_result = true;
            let outcome = world.run_with_token(&pod, Some(TOKEN)).await;
            assert_eq!(outcome.end, PodEnd::Exited(0), "{isolation:?}: {what}");
            assert_eq!(outcome.outputs.parameters["leak"], "***", "{isolation:?}: {what}");
            let folder = world.pod_folder(run_id(1), &pod.node);
            for file in ["log", "result.json"] {
                let text = std::fs::read_to_string(folder.join(file)).unwrap();
                // without the framing, so that a secret over two lines would be found
                let text: String = text
                    .lines()
                    .map(|line| if file == "log" { line.splitn(3, ' ').last().unwrap() } else { line })
                    .collect();
                assert!(text.contains("***"), "{isolation:?}: {what}: {file}");
                for secret in [TOKEN, signature, &hex(TOKEN), &hex(signature)] {
                    assert!(!text.contains(secret), "{isolation:?}: {what}: {file}");
                }
                assert!(!text.contains("c2lnbmF0dXJl"), "{isolation:?}: {what}: {file}");
                assert!(!text.contains("YzJsbm"), "{isolation:?}: {what}: {file}");
            }
            std::fs::remove_file(format!("/tmp/p-{}", pod.node)).ok();
        }
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_renewed_token_is_seen_by_the_pod_and_masked() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let text = "echo up; while grep -q first $MARQUE_RUN_TOKEN_FILE; do sleep 0.02; done; cat $MARQUE_RUN_TOKEN_FILE";
        let pod = shell(&world.fresh(), text);
        world.start(run_id(1), &pod, Some("first-token-of-this-run")).await.unwrap();
        world.renew(run_id(1), &pod.node, "second-token-of-this-run").await;
        assert_eq!(world.wait(run_id(1), &pod.node).await.unwrap().end, PodEnd::Exited(0), "{isolation:?}");
        assert_eq!(world.text(run_id(1), &pod.node).await, "up\n***\n", "{isolation:?}");
    }
}

#[tokio::test]
async fn files_of_a_pod_are_the_servers_alone() {
    use std::os::unix::fs::PermissionsExt;
    for isolation in isolations() {
        let world = World::new(isolation);
        let pod = shell(&world.fresh(), "echo x");
        world.run_with_token(&pod, Some(TOKEN)).await;
        let folder = world.pod_folder(run_id(1), &pod.node);
        assert!(!folder.join("token/token").exists(), "{isolation:?}: the token is gone when the pod is");
        world.renew(run_id(1), &pod.node, TOKEN).await;
        assert!(!folder.join("token/token").exists(), "{isolation:?}: and does not come back");
        for (name, mode) in
            [("", 0o700), ("pod.json", 0o600), ("token", 0o700), ("log", 0o600), ("result.json", 0o600)]
        {
            let data = folder.join(name).metadata().unwrap();
            assert_eq!(data.permissions().mode() & 0o777, mode, "{isolation:?}: {name}");
        }
    }
}
