//! How far a run is: what pods say, what their templates say at first, and that an end is all of it.

use engine::{EventKind, RunOptions};

use crate::driver::{World, script, spec};

const TWO: &str = "
entrypoint: main
templates:
- name: main
  steps:
  - - {name: told, template: told}
    - {name: plain, template: plain}
- name: told
  metadata: {annotations: {workflows.argoproj.io/progress: 0/100}}
  container: {image: a}
- name: plain
  container: {image: a}
";

fn seen(world: &World) -> [String; 3] {
    let of = |name: &str| world.node(name).progress.clone();
    [of("told"), of("plain"), world.run.status().progress.clone()]
}

#[test]
fn a_template_says_it_at_first_then_the_pod_and_an_end_completes_it() {
    let mut world = World::new(spec(TWO), RunOptions::default());
    world.send(EventKind::Started);
    assert_eq!(seen(&world), ["0/100", "0/1", "0/101"]);
    let told = world.node("told").id.clone();
    world.send(EventKind::Progress { node: told, progress: "50/100".to_owned() });
    assert_eq!(seen(&world), ["50/100", "0/1", "50/101"]);
    world.settle(&script("told exits 1"));
    assert_eq!(seen(&world), ["100/100", "1/1", "101/101"]);
}

#[test]
fn what_is_no_progress_changes_nothing() {
    let wrong = ["", "1", "2/1", "1/0", "a/b", "-1/2"];
    for text in wrong {
        let yaml = TWO.replace("0/100", &format!("'{text}'"));
        let mut world = World::new(spec(&yaml), RunOptions::default());
        world.send(EventKind::Started);
        assert_eq!(seen(&world), ["0/1", "0/1", "0/2"], "{text}");
    }
}
