//! CronWorkflows driven over days by a simulated clock: every schedule, policy, limit and change of the clocks.
//! Go's own answers are a golden table outside the project: where it is absent the test says so.

use std::{collections::BTreeMap, fs, path::PathBuf};

use engine::cron::{
    self, CRON_WORKFLOW_LABEL, Child, Decision, LAST_USED_SCHEDULE, Plan, Rhythm, SCHEDULED_TIME, Skip,
    decide,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use model::argo::{AnyString, CronWorkflow, CronWorkflowStatus, ObjectMeta, StopStrategy, WorkflowPhase};
use proptest::prelude::*;

fn shared(name: &str) -> Option<PathBuf> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if !file.exists() {
        println!("{} is absent: its cases are not run", file.display());
        return None;
    }
    Some(file)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cron(schedules: &[&str]) -> CronWorkflow {
    let mut cron = CronWorkflow {
        metadata: ObjectMeta {
            name: "nightly".into(),
            namespace: "ops".into(),
            uid: "9d2c7f60-0000-4000-8000-000000000001".into(),
            ..ObjectMeta::default()
        },
        ..CronWorkflow::default()
    };
    cron.spec.schedules = schedules.iter().map(|text| (*text).to_owned()).collect();
    cron
}

/// A world with one CronWorkflow: keeps it, runs its Workflows, and wakes when it wants to be woken.
struct World {
    cron: CronWorkflow,
    children: Vec<Child>,
    /// What was started, with the time it was started at.
    started: BTreeMap<String, Timestamp>,
    skipped: Vec<(Timestamp, Skip)>,
    deleted: Vec<String>,
    plan: Option<Plan>,
    now: Timestamp,
    /// Seconds a Workflow takes, and how it ends.
    takes: i64,
    ends: WorkflowPhase,
}

impl World {
    fn new(cron: CronWorkflow, now: &str) -> Self {
        let (children, skipped, deleted) = (Vec::new(), Vec::new(), Vec::new());
        let started = BTreeMap::new();
        let ends = WorkflowPhase::Succeeded;
        Self { cron, children, started, skipped, deleted, plan: None, now: at(now), takes: 1, ends }
    }

    fn decide(&mut self) -> Decision {
        let decision = decide(&self.cron, &self.children, self.now, &TimeZone::UTC, self.plan.as_ref());
        self.cron = decision.cron.clone();
        for name in &decision.terminate {
            self.end(name, WorkflowPhase::Failed);
        }
        for start in &decision.start {
            let name = start.workflow.metadata.name.clone();
            assert!(self.started.insert(name.clone(), self.now).is_none(), "{name} is started twice");
            let uid = format!("uid-{name}");
            self.cron = cron::started(self.cron.clone(), start, &uid);
            self.children.push(Child { name, uid, phase: WorkflowPhase::Running, finished: None });
        }
        for name in &decision.delete {
            self.deleted.push(name.clone());
            self.children.retain(|child| child.name != *name);
        }
        self.skipped.extend(decision.skipped.iter().copied());
        self.plan = Some(decision.plan.clone());
        decision
    }

    fn end(&mut self, name: &str, phase: WorkflowPhase) {
        let now = self.now;
        let child = self.children.iter_mut().find(|child| child.name == name).unwrap();
        if child.finished.is_none() {
            (child.phase, child.finished) = (phase, Some(now));
        }
    }

    /// Runs until `until`: the next thing that happens is the plan's or a Workflow's end.
    fn run_until(&mut self, until: &str) {
        let until = at(until);
        self.decide();
        loop {
            let takes = SignedDuration::from_secs(self.takes);
            let running = self.children.iter().filter(|child| child.finished.is_none());
            let ends = running.map(|child| (self.started[&child.name] + takes, child.name.clone())).min();
            let wake = self.plan.as_ref().and_then(Plan::wake);
            let end_at = ends.as_ref().map(|(at, _)| *at);
            let Some(next) = [end_at, wake].into_iter().flatten().min().filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if let Some((_, name)) = ends.filter(|(at, _)| *at <= self.now) {
                let how = self.ends;
                self.end(&name, how);
            }
            self.decide();
        }
    }

    /// When the Workflows that were started were due.
    fn due(&self) -> Vec<String> {
        let mut seconds: Vec<i64> =
            self.started.keys().map(|name| name.rsplit('-').next().unwrap().parse().unwrap()).collect();
        seconds.sort_unstable();
        seconds.into_iter().map(|second| Timestamp::from_second(second).unwrap().to_string()).collect()
    }

    fn status(&self) -> CronWorkflowStatus {
        self.cron.status.clone().unwrap_or_default()
    }

    fn condition(&self, kind: &str) -> Option<String> {
        let conditions = self.status().conditions;
        let one = conditions.iter().find(|one| one["type"] == kind)?;
        assert_eq!(one["status"], "True");
        Some(one["message"].as_str()?.to_owned())
    }
}

#[test]
fn the_next_times_are_those_go_computes() {
    let (Some(cases), Some(answers)) = (shared("golden/cron.txt"), shared("golden/cron-go.txt")) else {
        return;
    };
    let (cases, answers) = (fs::read_to_string(cases).unwrap(), fs::read_to_string(answers).unwrap());
    let (mut compared, mut wrong) = (0, Vec::new());
    for (case, answer) in cases.lines().zip(answers.lines()) {
        let [text, zone, from] = case.split('|').collect::<Vec<_>>()[..] else { panic!("{case}") };
        let Ok(rhythm) = Rhythm::parse(text, zone, &TimeZone::UTC) else {
            assert!(answer.starts_with("ERR "), "{case}: {answer}");
            continue;
        };
        let mut got = Vec::new();
        let mut after = at(from);
        for _ in 0..answer.split(' ').count() {
            match rhythm.next(after) {
                Some(due) => {
                    got.push(due.to_string());
                    after = due;
                }
                None => break,
            }
        }
        compared += 1;
        if got.join(" ") != answer {
            wrong.push(format!("{case}\n  ours {}\n  Go's {answer}", got.join(" ")));
        }
    }
    assert!(compared > 100, "only {compared} cases were compared");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_run_starts_at_each_time_and_is_named_and_marked_as_argo_does() {
    let mut cron = cron(&["0 5 * * *"]);
    cron.spec.timezone = "Europe/Berlin".into();
    cron.metadata.labels.insert("workflows.argoproj.io/creator".into(), AnyString("olga".into()));
    cron.metadata.labels.insert("team".into(), AnyString("stays".into()));
    let extra = r#"{"labels": {"env": "prod"}, "annotations": {"why": "night"}, "finalizers": ["x/y"]}"#;
    cron.spec.workflow_metadata = Some(serde_json::from_str(extra).unwrap());
    let mut world = World::new(cron, "2026-07-01T00:00:00Z");
    world.now = at("2026-07-01T02:59:59Z");
    assert!(world.decide().start.is_empty());
    world.now = at("2026-07-01T03:00:00.25Z");
    let decision = world.decide();
    let [start] = &decision.start[..] else { panic!("{decision:?}") };
    let meta = &start.workflow.metadata;
    assert_eq!(start.due, at("2026-07-01T03:00:00Z"));
    assert_eq!((meta.name.as_str(), meta.namespace.as_str()), ("nightly-1782874800", "ops"));
    let labels: Vec<(&str, &str)> = meta.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let wanted =
        [("workflows.argoproj.io/creator", "olga"), (CRON_WORKFLOW_LABEL, "nightly"), ("env", "prod")];
    assert_eq!(labels, wanted);
    let annotations: Vec<(&str, &str)> =
        meta.annotations.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(annotations, [(SCHEDULED_TIME, "2026-07-01T03:00:00Z"), ("why", "night")]);
    assert_eq!(meta.rest["finalizers"][0], "x/y");
    let owner = &meta.rest["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["name"]), (&"CronWorkflow".into(), &"nightly".into()));
    assert_eq!(
        (&owner["controller"], &owner["uid"]),
        (&true.into(), &world.cron.metadata.uid.clone().into())
    );
    let used = world.cron.metadata.annotations.get(LAST_USED_SCHEDULE).map(AnyString::as_str);
    assert_eq!(used, Some("CRON_TZ=Europe/Berlin 0 5 * * *"));
    let status = world.status();
    assert_eq!(status.phase, "Active");
    assert_eq!(status.last_scheduled_time.as_deref(), Some("2026-07-01T03:00:00Z"));
    assert_eq!(status.active[0]["name"], "nightly-1782874800");
}

#[test]
fn a_time_in_the_machines_zone_is_written_with_its_offset() {
    let berlin = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
    let workflow = cron::workflow(&cron(&["@daily"]), at("2026-07-01T03:00:00Z"), &berlin);
    assert_eq!(workflow.metadata.annotations[SCHEDULED_TIME].as_str(), "2026-07-01T05:00:00+02:00");
    let by_hand = cron::started_by_hand(&cron(&["@daily"]), at("2026-07-01T03:00:00Z"), &TimeZone::UTC);
    assert_eq!((by_hand.metadata.name.as_str(), by_hand.metadata.generate_name.as_str()), ("", "nightly-"));
    assert_eq!(by_hand.metadata.labels[CRON_WORKFLOW_LABEL].as_str(), "nightly");
}

#[test]
fn the_hour_that_is_left_out_in_spring_is_skipped_and_the_one_repeated_in_autumn_comes_twice() {
    let mut new_york = cron(&["30 2 * * *"]);
    new_york.spec.timezone = "America/New_York".into();
    let mut world = World::new(new_york.clone(), "2026-03-07T00:00:00Z");
    world.run_until("2026-03-10T00:00:00Z");
    assert_eq!(world.due(), ["2026-03-07T07:30:00Z", "2026-03-09T06:30:00Z"]);
    new_york.spec.schedules = vec!["30 1 * * *".into()];
    let mut world = World::new(new_york, "2026-10-31T12:00:00Z");
    world.run_until("2026-11-02T12:00:00Z");
    assert_eq!(world.due(), ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-02T06:30:00Z"]);
}

#[test]
fn several_schedules_are_due_together_once() {
    let mut world = World::new(cron(&["0 * * * *", "0 */2 * * *", "30 12 * * *"]), "2026-01-01T11:30:00Z");
    world.run_until("2026-01-01T14:10:00Z");
    let wanted =
        ["2026-01-01T12:00:00Z", "2026-01-01T12:30:00Z", "2026-01-01T13:00:00Z", "2026-01-01T14:00:00Z"];
    assert_eq!(world.due(), wanted);
}

#[test]
fn concurrency_policies_allow_forbid_and_replace() {
    let run = |policy: &str| {
        let mut cron = cron(&["*/10 * * * *"]);
        cron.spec.concurrency_policy = policy.into();
        let mut world = World::new(cron, "2026-01-01T00:00:00Z");
        world.takes = 15 * 60;
        world.run_until("2026-01-01T00:59:00Z");
        world
    };
    let allowed = run("Allow");
    assert_eq!((allowed.due().len(), allowed.skipped.len()), (5, 0));
    assert_eq!(run("").due(), allowed.due());
    let forbidding = run("Forbid");
    assert_eq!(forbidding.due(), ["2026-01-01T00:10:00Z", "2026-01-01T00:30:00Z", "2026-01-01T00:50:00Z"]);
    assert_eq!(forbidding.skipped[0], (at("2026-01-01T00:20:00Z"), Skip::Forbidden));
    let mut replacing = run("Replace");
    replacing.decide();
    assert_eq!(replacing.due().len(), 5);
    let running = replacing.children.iter().filter(|child| child.finished.is_none()).count();
    assert_eq!((running, replacing.status().failed), (1, 4), "each but the last was terminated");
    let wrong = run("Sometimes");
    assert!(wrong.due().is_empty());
    let message = wrong.condition("SubmissionError").unwrap();
    assert!(message.contains("invalid ConcurrencyPolicy: Sometimes"), "{message}");
}

#[test]
fn a_late_waking_starts_every_time_that_has_passed_but_replace_only_the_last() {
    let late = |policy: &str| {
        let mut cron = cron(&["0 * * * *", "5 * * * *"]);
        cron.spec.concurrency_policy = policy.into();
        let mut world = World::new(cron, "2026-01-01T00:30:00Z");
        world.decide();
        world.now = at("2026-01-01T01:30:00Z");
        world.decide();
        world.due()
    };
    assert_eq!(late("Allow"), ["2026-01-01T01:00:00Z", "2026-01-01T01:05:00Z"]);
    assert_eq!(late("Replace"), ["2026-01-01T01:05:00Z"]);
    assert_eq!(late("Forbid"), ["2026-01-01T01:00:00Z"]);
}

/// A CronWorkflow whose server was down from its last run at noon until `now`.
fn after_being_down(deadline: Option<i64>, now: &str) -> Vec<String> {
    let mut cron = cron(&["*/10 * * * *"]);
    cron.spec.starting_deadline_seconds = deadline;
    cron.metadata.annotations.insert(LAST_USED_SCHEDULE.into(), AnyString("*/10 * * * *".into()));
    let last = Some("2026-01-01T12:00:00Z".into());
    cron.status = Some(CronWorkflowStatus { last_scheduled_time: last, ..CronWorkflowStatus::default() });
    let mut world = World::new(cron, now);
    world.decide();
    world.due()
}

#[test]
fn a_missed_run_is_made_up_for_within_its_deadline() {
    assert!(after_being_down(None, "2026-01-01T12:30:20Z").is_empty(), "without a deadline it is lost");
    assert_eq!(
        after_being_down(Some(60), "2026-01-01T12:30:20Z"),
        ["2026-01-01T12:30:00Z"],
        "the last one only"
    );
    assert!(after_being_down(Some(10), "2026-01-01T12:30:20Z").is_empty());
    assert!(after_being_down(Some(60), "2026-01-01T12:09:59Z").is_empty(), "nothing was missed");
    // years later, of a schedule of every ten minutes, without walking through them
    assert_eq!(after_being_down(Some(60), "2046-01-01T12:30:20Z"), ["2046-01-01T12:30:00Z"]);
}

#[test]
fn a_new_schedule_makes_up_for_nothing() {
    let mut cron = cron(&["*/10 * * * *"]);
    cron.spec.starting_deadline_seconds = Some(3600);
    cron.metadata.annotations.insert(LAST_USED_SCHEDULE.into(), AnyString("0 * * * *".into()));
    let last = Some("2026-01-01T12:00:00Z".into());
    cron.status = Some(CronWorkflowStatus { last_scheduled_time: last, ..CronWorkflowStatus::default() });
    let mut world = World::new(cron, "2026-01-01T12:30:20Z");
    world.decide();
    assert!(world.due().is_empty());
    assert_eq!(world.plan.unwrap().wake(), Some(at("2026-01-01T12:40:00Z")));
}

#[test]
fn a_schedule_changed_while_it_runs_counts_from_now() {
    let mut world = World::new(cron(&["0 * * * *"]), "2026-01-01T00:30:00Z");
    world.run_until("2026-01-01T01:10:00Z");
    world.cron.spec.schedules = vec!["15 * * * *".into()];
    world.run_until("2026-01-01T02:20:00Z");
    assert_eq!(world.due(), ["2026-01-01T01:00:00Z", "2026-01-01T01:15:00Z", "2026-01-01T02:15:00Z"]);
}

#[test]
fn a_suspended_one_starts_nothing() {
    let mut world = World::new(cron(&["0 * * * *"]), "2026-01-01T00:30:00Z");
    world.cron.spec.suspend = true;
    world.run_until("2026-01-01T01:30:00Z");
    assert!(world.due().is_empty());
    assert_eq!(world.skipped, [(at("2026-01-01T01:00:00Z"), Skip::Suspended)]);
    world.cron.spec.suspend = false;
    world.run_until("2026-01-01T02:30:00Z");
    assert_eq!(world.due(), ["2026-01-01T02:00:00Z"]);
}

#[test]
fn the_stop_strategy_stops_it_for_good() {
    let mut cron = cron(&["0 * * * *"]);
    cron.spec.stop_strategy = Some(StopStrategy { expression: "cronworkflow.failed >= 2".into() });
    let mut world = World::new(cron, "2026-01-01T00:30:00Z");
    world.ends = WorkflowPhase::Failed;
    world.run_until("2026-01-01T09:30:00Z");
    assert_eq!(world.due(), ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]);
    assert_eq!((world.status().failed, world.status().phase.as_str()), (2, "Stopped"));
    assert_eq!(world.cron.metadata.labels[cron::COMPLETED_LABEL].as_str(), "true");
    assert_eq!(world.plan.unwrap().wake(), None);
}

#[test]
fn a_condition_that_makes_no_sense_is_told_and_starts_nothing() {
    let mut cron = cron(&["0 * * * *"]);
    cron.spec.stop_strategy = Some(StopStrategy { expression: "cronworkflow.failed >= ".into() });
    let mut world = World::new(cron, "2026-01-01T00:30:00Z");
    world.run_until("2026-01-01T01:30:00Z");
    assert_eq!((world.due().len(), world.skipped[0].1), (0, Skip::Error));
    let message = world.condition("SpecError").unwrap();
    assert!(message.starts_with("failed to check CronWorkflow 'nightly' stopping condition: "), "{message}");
    world.cron.spec.stop_strategy = None;
    world.cron.spec.when = "{{= nothing.like.this }}".into();
    world.run_until("2026-01-01T02:30:00Z");
    assert!(world.due().is_empty() && world.condition("SpecError").is_none());
    let message = world.condition("SubmissionError").unwrap();
    assert!(message.starts_with("run policy error: "), "{message}");
    world.cron.spec.when.clear();
    world.run_until("2026-01-01T03:30:00Z");
    assert_eq!((world.due().len(), world.condition("SubmissionError")), (1, None));
}

#[test]
fn a_schedule_that_makes_no_sense_is_told() {
    let mut world = World::new(cron(&["0 * * *"]), "2026-01-01T00:30:00Z");
    let decision = world.decide();
    assert_eq!(decision.plan.wake(), None);
    let message = world.condition("SpecError").unwrap();
    assert!(message.contains("cron schedule is malformed: expected exactly 5 fields"), "{message}");
}

#[test]
fn a_when_looks_at_the_last_time() {
    let mut cron = cron(&["*/10 * * * *"]);
    cron.spec.when =
        "{{= cronworkflow.lastScheduledTime == nil || (now() - cronworkflow.lastScheduledTime).Minutes() >= 30 }}".into();
    let mut world = World::new(cron, "2026-01-01T00:05:00Z");
    world.run_until("2026-01-01T01:15:00Z");
    assert_eq!(world.due(), ["2026-01-01T00:10:00Z", "2026-01-01T00:40:00Z", "2026-01-01T01:10:00Z"]);
}

#[test]
fn histories_are_kept_as_long_as_the_limits_say() {
    let run = |succeeded, failed, ends| {
        let mut cron = cron(&["*/10 * * * *"]);
        cron.spec.successful_jobs_history_limit = succeeded;
        cron.spec.failed_jobs_history_limit = failed;
        let mut world = World::new(cron, "2026-01-01T00:00:00Z");
        world.ends = ends;
        world.run_until("2026-01-01T02:05:00Z");
        assert_eq!(world.due().len(), 12);
        assert_eq!(world.deleted.len() + world.children.len(), 12);
        assert!(world.deleted.is_sorted(), "the oldest go first");
        world.children.len()
    };
    assert_eq!(run(None, None, WorkflowPhase::Succeeded), 3);
    assert_eq!(run(None, None, WorkflowPhase::Failed), 1);
    assert_eq!(run(Some(5), None, WorkflowPhase::Succeeded), 5);
    assert_eq!(run(None, Some(2), WorkflowPhase::Error), 2);
}

#[test]
fn a_backfill_names_each_time_between() {
    let mut cron = cron(&["0 5 * * *", "0 5 * * 1"]);
    cron.spec.timezone = "Europe/Berlin".into();
    let (from, to) = (at("2026-03-27T04:00:00Z"), at("2026-03-30T03:00:00Z"));
    let times = cron::due_between(&cron.spec, &TimeZone::UTC, from, to).unwrap();
    let wanted = ["2026-03-28T04:00:00Z", "2026-03-29T03:00:00Z", "2026-03-30T03:00:00Z"];
    assert_eq!(times, wanted.map(at));
    let ever =
        cron::due_between(&self::cron(&["* * * * *"]).spec, &TimeZone::UTC, from, at("2126-01-01T00:00:00Z"));
    assert_eq!(ever.unwrap().len(), cron::MAX_BACKFILL);
}

#[test]
fn a_backfill_has_a_name_for_each_time_and_goes_one_after_the_other_unless_all_at_once() {
    let mut cron = cron(&["0 5 * * *"]);
    cron.metadata.name = "nightly".into();
    let due = at("2026-03-28T05:00:00Z");
    let of = |name: &str, parallel: bool| {
        let (name, parameter) = (name.to_owned(), "day".to_owned());
        let backfill = cron::Backfill { name, parameter, parallel };
        serde_json::to_value(cron::backfilled(&cron, &backfill, due, &TimeZone::UTC)).unwrap()
    };
    let made = of("again", false);
    assert_eq!(made["metadata"]["name"], "nightly-backfill-again-1774674000");
    assert_eq!(made["metadata"]["labels"][cron::BACKFILL_LABEL], "nightly");
    assert_eq!(made["metadata"]["annotations"][cron::SCHEDULED_TIME], "2026-03-28T05:00:00Z");
    assert_eq!(made["metadata"].get("ownerReferences"), None);
    let given = made["spec"]["arguments"]["parameters"].as_array().unwrap().last().unwrap();
    assert_eq!((&given["name"], &given["value"]), (&"day".into(), &"2026-03-28 05:00:00 +0000 UTC".into()));
    assert_eq!(made["spec"]["synchronization"]["mutexes"][0]["name"], "again");
    assert_eq!(made["spec"]["priority"], i32::MAX);
    assert_eq!(of("again", true)["spec"].get("synchronization"), None);
    let long = of(&"x".repeat(60), true);
    assert_eq!(long["metadata"]["name"].as_str().unwrap().len(), 63);
    assert!(long["metadata"]["name"].as_str().unwrap().ends_with("x-1774674000"));
}

#[test]
fn every_condition_of_the_corpus_holds_or_not_as_in_argo() {
    let Some(cases) = shared("argo/expressions/cases.json") else { return };
    let cases: serde_json::Value = serde_json::from_str(&fs::read_to_string(cases).unwrap()).unwrap();
    let cases = cases.as_array().or(cases["cases"].as_array()).unwrap();
    let now = at("2026-05-05T12:00:30Z");
    let mut seen = 0;
    for case in cases.iter().filter(|case| case["engine"] == "cron_when") {
        let mut cron = cron(&["* * * * *"]);
        cron.spec.when = case["expression"].as_str().unwrap().into();
        let last = match &case["last_scheduled_time"] {
            serde_json::Value::Null => None,
            text if text.as_str().unwrap().contains("2020") => Some("2020-01-01T00:00:00Z".to_owned()),
            text if text == "now minus 30 minutes" => Some("2026-05-05T11:30:30Z".to_owned()),
            other => Some(other.as_str().unwrap().to_owned()),
        };
        cron.status = Some(CronWorkflowStatus { last_scheduled_time: last, ..CronWorkflowStatus::default() });
        let mut world = World::new(cron, "2026-05-05T11:59:59Z");
        world.decide();
        world.now = now;
        let started = !world.decide().start.is_empty();
        assert_eq!(started, case["expected"] == true, "{case}: {:?}", world.status().conditions);
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} cases were seen");
}

proptest! {
    /// Deciding more often than needed, or with a plan lost between, starts no time twice and, with a deadline, loses none.
    #[test]
    fn wakings_and_crashes_at_any_moment_start_each_time_once(
        steps in proptest::collection::vec((1_i64..100, any::<bool>()), 1..60),
        minutes in prop::sample::select(vec!["* * * * *", "*/2 * * * *", "1-59/3 * * * *"]),
    ) {
        let mut cron = cron(&[minutes]);
        cron.spec.starting_deadline_seconds = Some(100_000);
        cron.spec.successful_jobs_history_limit = Some(10_000);
        let mut world = World::new(cron, "2026-01-01T00:00:00Z");
        world.decide();
        for (seconds, crash) in steps {
            // at most one time is due between two wakings
            world.now += SignedDuration::from_secs(seconds.min(59));
            // before the first start nothing counts as missed: the annotation with the schedule is not there yet
            if crash && !world.started.is_empty() {
                world.plan = None;
            }
            world.decide();
        }
        let wanted = cron::due_between(&world.cron.spec, &TimeZone::UTC, at("2026-01-01T00:00:00Z"), world.now).unwrap();
        let got = world.due();
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        prop_assert_eq!(got, wanted);
    }
}
