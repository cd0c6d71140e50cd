//! Input artifacts that were fetched: files, folders with links and modes, those that are not there.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _};

use backend::{Isolation, Materials};
use engine::{InputSource, PodEnd};
use model::argo::Location;
use serde_json::json;

use crate::fixture::{World, isolations, run_id, shell, with_input};

fn elsewhere() -> InputSource {
    InputSource::Located(Box::new(Location::of_driver("s3", &json!({"key": "k"})).unwrap()))
}

#[tokio::test]
async fn what_was_fetched_lies_where_the_pod_expects_it() {
    for isolation in isolations() {
        let world = World::new(isolation);
        let folder = world.folder.path().join("fetched");
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        std::fs::write(folder.join("sub/file"), "content\n").unwrap();
        std::fs::set_permissions(folder.join("sub/file"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("sub/file", folder.join("link")).unwrap();
        let at = if isolation == Isolation::None {
            world.folder.path().join("pod").display().to_string()
        } else {
            "/in".to_owned()
        };
        let text = format!(
            "cat {at}/a/link {at}/b; readlink {at}/a/link; stat -c %a {at}/a/sub/file {at}/c/sub/file; test ! -e {at}/d && echo gone"
        );
        let mut pod = shell(&world.fresh(), &text);
        for name in ["a", "b", "c", "d"] {
            pod = with_input(pod, name, &format!("{at}/{name}"), elsewhere());
        }
        pod.inputs[2].mode = Some(0o640);
        pod.inputs[2].recurse_mode = true;
        pod.inputs[3].optional = true;
        let file = folder.join("sub/file");
        let fetched = [("a", &folder), ("b", &file), ("c", &folder)];
        let fetched: BTreeMap<_, _> =
            fetched.into_iter().map(|(name, path)| (name.to_owned(), path.clone())).collect();
        let end = world.run_with(&pod, Materials { fetched, ..Materials::default() }).await.end;
        assert_eq!(end, PodEnd::Exited(0), "{isolation:?}");
        assert_eq!(
            world.text(run_id(1), &pod.node).await,
            "content\ncontent\nsub/file\n755\n640\ngone\n",
            "{isolation:?}"
        );
    }
}

#[tokio::test]
async fn a_pod_whose_input_was_not_fetched_does_not_run() {
    let world = World::new(Isolation::None);
    let at = world.folder.path().join("in").display().to_string();
    let pod = with_input(shell(&world.fresh(), "echo ran"), "a", &at, elsewhere());
    let PodEnd::Error(message) = world.run(&pod).await.end else { panic!("it ran") };
    assert!(message.contains("`a` was not fetched from `s3`"), "{message}");
    assert_eq!(world.text(run_id(1), &pod.node).await, "");
}
