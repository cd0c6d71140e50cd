//! Argo's own end-to-end tests, played against a real server with real processes: each passes, or stands on the list
//! with its reason. The corpus is not part of the project: where it is absent the test says so.
//!
//! What the tests do with `kubectl` is done through the API; a schedule of every minute is played every second, a wait of a
//! minute as three seconds, and long pauses between attempts five times as fast. A condition that Argo wrote in Go is not in the corpus: what follows it is tried
//! until it holds. `EXPECTATIONS=TestName` plays only tests whose names contain that, with full patience.

mod check;
mod play;
mod steps;
mod world;

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use play::Play;
use serde_json::Value;
use world::World;

use crate::support::{plugin::Plugin, service::Services};

/// The tests that do not pass here, each with the reason. The list may only shrink.
const GAPS: &str = include_str!("../expectations.txt");
/// How a reason may begin.
const REASONS: [&str; 4] = ["needs a cluster: ", "not recorded: ", "otherwise: ", "not yet: "];
/// How long one wait of a test may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take of a test that is known not to pass.
const PATIENCE_WITH_GAPS: Duration = Duration::from_secs(4);
/// How many are played at once: they wait more than they work.
const LANES: usize = 10;

/// Tests that share one server, in their order.
type Group = Vec<(String, Value)>;

/// Returns the tests, each with a name of its own as Go gives it; subtests of one test of the command line go on where
/// the one before ended, all others begin anew.
fn groups(tests: &[Value]) -> VecDeque<Group> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: VecDeque<(String, Group)> = VecDeque::new();
    for test in tests {
        let name = test["test"].as_str().unwrap();
        let count = seen.entry(name).or_default();
        let shown = if *count == 0 { name.to_owned() } else { format!("{name}#{count:02}") };
        *count += 1;
        let parts: Vec<&str> = name.splitn(3, '/').collect();
        let key = if parts[0] == "CLISuite" { parts[..2].join("/") } else { shown.clone() };
        match groups.back_mut().filter(|(last, _)| *last == key) {
            Some((_, group)) => group.push((shown, test.clone())),
            None => groups.push_back((key, vec![(shown, test.clone())])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Returns whether a test acts on a workflow right after it was submitted, or has one wait for another: on a cluster its
/// pods have not begun, or not ended, by then.
fn needs_time(test: &Value) -> bool {
    let steps = test["steps"].as_array().unwrap();
    let acts = |step: &Value| matches!(step["args"][0].as_str(), Some("stop" | "terminate"));
    let waits = |step: &Value| step["until"] == "waiting on a mutex";
    steps.windows(2).any(|two| two[0]["do"] == "submit" && (acts(&two[1]) || waits(&two[1])))
}

/// Returns whether a test counts runs that become more and more.
fn counts(test: &Value) -> bool {
    let steps = test["steps"].as_array().unwrap();
    let counts = |step: &Value| step["args"][1].as_u64().is_some_and(|count| count > 1);
    steps.iter().any(|step| step["do"] == "wait_for_workflow_list_count" && counts(step))
}

async fn played(
    group: Group,
    corpus: &std::path::Path,
    (plugin, services): (&Plugin, &Arc<Services>),
    gaps: &BTreeMap<&str, &str>,
) -> Vec<(String, String)> {
    let mut failed = Vec::new();
    let mut play = Play::new(World::new(corpus, (plugin, services), needs_time(&group[0].1)).await);
    for (name, test) in group {
        play.tick = if counts(&test) { steps::SLOW_TICK } else { steps::TICK };
        play.patience = if gaps.contains_key(name.as_str()) { PATIENCE_WITH_GAPS } else { PATIENCE };
        for (number, step) in test["steps"].as_array().unwrap().iter().enumerate() {
            if let Err(why) = play.step(step).await {
                let step = format!("step {number} ({} {})", step["do"], step["until"]);
                failed.push((name.clone(), format!("{step}: {why}")));
                break;
            }
        }
    }
    play.world.close().await;
    failed
}

fn gaps() -> BTreeMap<&'static str, &'static str> {
    let lines = GAPS.lines().filter(|line| !line.starts_with('#'));
    let gaps: BTreeMap<_, _> =
        lines.map(|line| line.split_once(" | ").unwrap_or_else(|| panic!("no reason: {line}"))).collect();
    for (name, reason) in &gaps {
        assert!(
            REASONS.iter().any(|word| reason.starts_with(word)),
            "{name}: what kind of reason is `{reason}`?"
        );
    }
    gaps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn argos_end_to_end_tests_pass_on_this_machine() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo/e2e");
    if !corpus.is_dir() {
        println!("{} is absent: Argo's end-to-end tests are not played", corpus.display());
        return;
    }
    let text = std::fs::read_to_string(corpus.join("expectations.json")).unwrap();
    let expectations: Value = serde_json::from_str(&text).unwrap();
    let tests = expectations["tests"].as_array().unwrap();
    assert!(tests.len() > 300, "only {} tests were found", tests.len());
    let (mut groups, all) = (groups(tests), gaps());
    let only = std::env::var("EXPECTATIONS").ok();
    if let Some(only) = &only {
        groups.retain(|group| group.iter().any(|(name, _)| name.contains(only)));
    }
    let gaps = Arc::new(if only.is_some() { BTreeMap::new() } else { all });
    let played_names: Vec<String> = groups.iter().flatten().map(|(name, _)| name.clone()).collect();
    let (groups, failed) = (Arc::new(Mutex::new(groups)), Arc::new(Mutex::new(BTreeMap::new())));
    let (plugin, services) = (Arc::new(Plugin::start()), Arc::new(Services::start()));
    // what plays is light; the servers' work is on all threads
    let lanes = tokio::task::LocalSet::new();
    let mut playing = Vec::new();
    for _ in 0..LANES {
        let (groups, failed, gaps) = (Arc::clone(&groups), Arc::clone(&failed), Arc::clone(&gaps));
        let (corpus, plugin, services) = (corpus.clone(), Arc::clone(&plugin), Arc::clone(&services));
        playing.push(lanes.spawn_local(async move {
            loop {
                let Some(group) = groups.lock().unwrap().pop_front() else { return };
                let found = played(group, &corpus, (&plugin, &services), &gaps).await;
                failed.lock().unwrap().extend(found);
            }
        }));
    }
    lanes.await;
    for lane in playing {
        lane.await.unwrap();
    }
    let failed = failed.lock().unwrap();
    let new: Vec<_> = failed.iter().filter(|(name, _)| !gaps.contains_key(name.as_str())).collect();
    for (name, why) in &new {
        println!("{name} | {why}");
    }
    assert!(new.is_empty(), "{} of {} tests do not pass, see above", new.len(), played_names.len());
    let closed: Vec<_> = gaps.keys().filter(|name| !failed.contains_key(**name)).collect();
    assert!(closed.is_empty(), "closed gaps, take them off the list: {closed:#?}");
}
