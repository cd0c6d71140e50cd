//! Inputs put in place, outputs collected.

use std::os::unix::fs::PermissionsExt;

use backend::{BackendError, Isolation, Mount};
use engine::{InputSource, PodEnd};

use crate::fixture::{
    World, image, isolations, run_id, sandbox, shell, with_artifact, with_input, with_parameter,
};

#[tokio::test]
async fn parameters_and_artifacts_travel_from_pod_to_pod() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let at = format!("{}/t", world.folder.path().display());
        let text = format!(
            "mkdir -p {at}/dir/sub && echo value > {at}/p && echo one > {at}/f && chmod +x {at}/f && echo deep > {at}/dir/sub/x && ln -s sub/x {at}/dir/link"
        );
        let mut pod = shell(&world.fresh(), &text);
        pod = with_parameter(pod, "p", &format!("{at}/p"));
        pod = with_parameter(pod, "missing", &format!("{at}/none"));
        pod = with_artifact(pod, "f", &format!("{at}/f"), false);
        pod = with_artifact(pod, "d", &format!("{at}/dir"), false);
        pod = with_artifact(pod, "o", &format!("{at}/none"), true);
        let outputs = world.run(&pod).await.outputs;
        assert_eq!(
            outputs.parameters.into_iter().collect::<Vec<_>>(),
            [("p".to_owned(), "value".to_owned())]
        );
        assert_eq!(outputs.artifacts.keys().collect::<Vec<_>>(), ["d", "f"], "{isolation:?}");
        let stored = world.artifact(run_id(1), outputs.artifacts["f"].key().unwrap()).await.unwrap();
        assert_eq!(std::fs::read_to_string(&stored).unwrap(), "one\n");
        assert_eq!(stored.metadata().unwrap().permissions().mode() & 0o111, 0o111);

        let check = format!(
            "cat {at}/in/f {at}/in/d/sub/x {at}/in/d/link {at}/in/raw && {at}/in/f; echo more >> {at}/in/d/sub/x && rm {at}/in/f"
        );
        let mut next = shell(&world.fresh(), &check);
        let stored = |name: &str| InputSource::Stored(outputs.artifacts[name].key().unwrap().to_owned());
        next = with_input(next, "f", &format!("{at}/in/f"), stored("f"));
        next = with_input(next, "d", &format!("{at}/in/d"), stored("d"));
        next = with_input(next, "raw", &format!("{at}/in/raw"), InputSource::Raw("raw text\n".to_owned()));
        next = with_artifact(next, "again", &format!("{at}/in/d"), false);
        let outcome = world.run(&next).await;
        assert_eq!(outcome.end, PodEnd::Exited(0), "{isolation:?}");
        let text = world.text(run_id(1), &next.node).await;
        assert!(text.starts_with("one\ndeep\ndeep\nraw text\n"), "{isolation:?}: {text}");
        let again =
            world.artifact(run_id(1), outcome.outputs.artifacts["again"].key().unwrap()).await.unwrap();
        assert_eq!(std::fs::read_to_string(again.join("sub/x")).unwrap(), "deep\nmore\n");
        let first = world.artifact(run_id(1), outputs.artifacts["d"].key().unwrap()).await.unwrap();
        assert_eq!(
            std::fs::read_to_string(first.join("sub/x")).unwrap(),
            "deep\n",
            "the store does not change"
        );
    }
}

#[tokio::test]
async fn a_missing_artifact_is_an_error_unless_optional_or_the_command_failed() {
    for isolation in isolations() {
        let world = World::new(isolation);
        for (text, optional, end) in [
            (
                "true",
                false,
                Err("failed to save outputs: stat /tmp/no-such-output: no such file or directory"),
            ),
            ("true", true, Ok(0)),
            ("exit 3", false, Ok(3)),
        ] {
            let pod = with_artifact(shell(&world.fresh(), text), "a", "/tmp/no-such-output", optional);
            match (world.run(&pod).await.end, end) {
                (PodEnd::Exited(code), Ok(expected)) => assert_eq!(code, expected, "{isolation:?}"),
                (PodEnd::Error(message), Err(part)) => {
                    assert!(message.starts_with(part), "{isolation:?}: {message}")
                }
                (end, expected) => panic!("{isolation:?}: {end:?} instead of {expected:?}"),
            }
        }
    }
}

#[tokio::test]
async fn argosay_writes_where_argo_expects_it_in_the_sandbox() {
    let Some(world) = sandbox() else { return };
    let pod = image(&world.fresh(), "argoproj/argosay:v2", &["echo", "hello", "/some/where/out.txt"]);
    let pod =
        with_parameter(with_artifact(pod, "a", "/some/where/out.txt", false), "p", "/some/where/out.txt");
    let outcome = world.run(&pod).await;
    assert_eq!(outcome.end, PodEnd::Exited(0));
    assert_eq!(outcome.outputs.parameters["p"], "hello");
}

#[tokio::test]
async fn paths_and_names_that_lead_elsewhere_are_refused_before_anything_runs() {
    for isolation in isolations() {
        let world = World::new(isolation);
        for path in ["../../x", "x", "/tmp/../../etc/passwd", "/", "/./", "/tmp/a\0b"] {
            let node = world.fresh();
            let run = "echo ran";
            for pod in [
                with_artifact(shell(&format!("{node}a"), run), "a", path, false),
                with_parameter(shell(&format!("{node}p"), run), "p", path),
                with_input(shell(&format!("{node}i"), run), "i", path, InputSource::Raw("x".to_owned())),
            ] {
                let end = world.run(&pod).await.end;
                assert!(matches!(end, PodEnd::Error(_)), "{isolation:?}: {path:?}: {end:?}");
                assert_eq!(world.text(run_id(1), &pod.node).await, "", "{isolation:?}: {path:?}");
            }
        }
        for name in ["../x", "..", "a/b", ".x", ""] {
            let pod = with_artifact(shell(&world.fresh(), "echo ran > /tmp/o; true"), name, "/tmp/o", false);
            let end = world.run(&pod).await.end;
            assert!(matches!(end, PodEnd::Error(_)), "{isolation:?}: {name:?}: {end:?}");
        }
        for key in ["../../runs/x/pod.json", "a/b", "a/b/c/d", "a//c", "/etc/passwd/x", "a/../b"] {
            let pod = with_input(
                shell(&world.fresh(), "echo ran"),
                "i",
                "/tmp/i",
                InputSource::Stored(key.to_owned()),
            );
            let end = world.run(&pod).await.end;
            assert!(matches!(end, PodEnd::Error(_)), "{isolation:?}: {key:?}: {end:?}");
            assert!(world.artifact(run_id(1), key).await.is_err(), "{key:?}");
        }
    }
}

#[tokio::test]
async fn an_artifact_of_another_run_is_not_there() {
    let world = World::new(Isolation::None);
    let at = format!("{}/o", world.folder.path().display());
    let pod = with_artifact(shell(&world.fresh(), &format!("echo x > {at}")), "a", &at, false);
    let outputs = world.run(&pod).await.outputs;
    world.artifact(run_id(1), outputs.artifacts["a"].key().unwrap()).await.unwrap();
    let error = world.artifact(run_id(2), outputs.artifacts["a"].key().unwrap()).await.unwrap_err();
    assert!(matches!(error, BackendError::NoArtifact { .. }), "{error}");
}

#[tokio::test]
async fn the_owners_mounts_are_there_and_only_the_writable_one_can_be_written() {
    if sandbox().is_none() {
        return;
    }
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["ro", "rw"] {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("f"), name).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    let mount = |name: &str, writable| Mount {
        host: folder.path().join(name),
        path: format!("/mnt/{name}").into(),
        writable,
    };
    let world = World::with_mounts(Isolation::Namespaces, vec![mount("ro", false), mount("rw", true)]);
    let (end, text) =
        world.shell("cat /mnt/ro/f /mnt/rw/f; echo x > /mnt/rw/new; echo x > /mnt/ro/new; ls /mnt/ro").await;
    assert_eq!(end, PodEnd::Exited(0), "{text}");
    assert!(text.contains("rorw"), "{text}");
    assert!(folder.path().join("rw/new").exists(), "{text}");
    assert!(!folder.path().join("ro/new").exists(), "{text}");
}
