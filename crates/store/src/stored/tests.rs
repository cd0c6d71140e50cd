//! Kept forms written by older releases stay readable, and every kind of event survives being kept.

use std::collections::BTreeMap;

use engine::{
    Answer, CollectedOutputs, ContainerEnd, Event, EventKind, PodEnd, PodOutcome, Question, ShutdownStrategy,
    StoredArtifact, TaskOutcome, TimerId,
};
use jiff::Timestamp;
use model::argo::{
    Location, NodeId, NodeOutputs, NodePhase, NodeStatus, S3Artifact, Template, WorkflowPhase,
};

use super::*;

fn node() -> NodeId {
    NodeId::from_text("w-1")
}

fn finished(end: PodEnd, outputs: CollectedOutputs) -> EventKind {
    EventKind::PodFinished { node: node(), outcome: PodOutcome::new(end, outputs) }
}

fn taken_over() -> NodeStatus {
    serde_json::from_str(r#"{"id":"w-1","name":"w.a","displayName":"a","type":"Skipped","phase":"Skipped","message":"original pod: v-1"}"#).unwrap()
}

/// Every kind of event, and its line as the first release wrote it.
fn version_1() -> Vec<(EventKind, &'static str)> {
    let outputs = CollectedOutputs {
        parameters: BTreeMap::from([("p".to_owned(), "1".to_owned())]),
        artifacts: BTreeMap::from([("a".to_owned(), StoredArtifact::Key("k/a".to_owned()))]),
        result: Some("r".to_owned()),
    };
    let none = CollectedOutputs::default;
    let at =
        Location::S3(S3Artifact { bucket: "b".to_owned(), key: "k".to_owned(), ..S3Artifact::default() });
    let elsewhere = CollectedOutputs {
        artifacts: BTreeMap::from([("a".to_owned(), StoredArtifact::Located(Box::new(at)))]),
        ..none()
    };
    let shutdown = |strategy, message| EventKind::ShutdownRequested { strategy, message };
    let timer = |timer| EventKind::TimerFired { timer };
    vec![
        (EventKind::Started, r#""started""#),
        (EventKind::PodRunning { node: node() }, r#"{"podRunning":{"node":"w-1"}}"#),
        (
            finished(PodEnd::Exited(-1), outputs),
            r#"{"podFinished":{"node":"w-1","end":{"exited":-1},"parameters":{"p":"1"},"artifacts":{"a":"k/a"},"result":"r"}}"#,
        ),
        (
            finished(PodEnd::Exited(0), elsewhere),
            r#"{"podFinished":{"node":"w-1","end":{"exited":0},"artifacts":{"a":{"s3":{"bucket":"b","key":"k"}}}}}"#,
        ),
        (
            finished(PodEnd::DeadlineExceeded, none()),
            r#"{"podFinished":{"node":"w-1","end":"deadlineExceeded"}}"#,
        ),
        (finished(PodEnd::Killed, none()), r#"{"podFinished":{"node":"w-1","end":"killed"}}"#),
        (
            finished(PodEnd::Error("e".to_owned()), none()),
            r#"{"podFinished":{"node":"w-1","end":{"error":"e"}}}"#,
        ),
        (
            EventKind::PodFinished {
                node: node(),
                outcome: PodOutcome {
                    end: PodEnd::Exited(0),
                    containers: BTreeMap::from([(
                        "a".to_owned(),
                        ContainerEnd {
                            exit_code: Some(1),
                            message: "m".to_owned(),
                            started_at: None,
                            finished_at: Timestamp::UNIX_EPOCH,
                        },
                    )]),
                    outputs: none(),
                },
            },
            r#"{"podFinished":{"node":"w-1","end":{"exited":0},"containers":{"a":{"exitCode":1,"message":"m","finishedAt":"1970-01-01T00:00:00Z"}}}}"#,
        ),
        (
            EventKind::PodReady { node: node(), ip: "127.0.0.1".to_owned() },
            r#"{"podReady":{"node":"w-1","ip":"127.0.0.1"}}"#,
        ),
        (
            EventKind::Progress { node: node(), progress: "1/2".to_owned() },
            r#"{"progress":{"node":"w-1","progress":"1/2"}}"#,
        ),
        (
            EventKind::TaskFinished {
                node: node(),
                outcome: TaskOutcome {
                    phase: NodePhase::Failed,
                    message: "m".to_owned(),
                    outputs: NodeOutputs { result: Some("r".to_owned()), ..NodeOutputs::default() },
                },
            },
            r#"{"taskFinished":{"node":"w-1","end":{"phase":"Failed","message":"m","outputs":{"result":"r"}}}}"#,
        ),
        (
            EventKind::Answered {
                node: None,
                question: Question::ConfigMapKey { name: "c".to_owned(), key: "k".to_owned() },
                answer: Answer::Text("t".to_owned()),
            },
            r#"{"answered":{"question":{"configMapKey":{"name":"c","key":"k"}},"answer":{"text":"t"}}}"#,
        ),
        (
            EventKind::Answered {
                node: None,
                question: Question::Templates { name: "w".to_owned(), cluster_scope: true },
                answer: Answer::Templates(vec![Template { name: "t".to_owned(), ..Template::default() }]),
            },
            r#"{"answered":{"question":{"templates":{"name":"w","clusterScope":true}},"answer":{"templates":[{"name":"t"}]}}}"#,
        ),
        (
            EventKind::Answered {
                node: Some(node()),
                question: Question::Memo { cache: "c".to_owned(), key: "k".to_owned() },
                answer: Answer::Memo {
                    node: "n".to_owned(),
                    created_at: Timestamp::UNIX_EPOCH,
                    outputs: NodeOutputs::default(),
                },
            },
            r#"{"answered":{"node":"w-1","question":{"memo":{"cache":"c","key":"k"}},"answer":{"memo":{"node":"n","createdAt":"1970-01-01T00:00:00Z","outputs":{}}}}}"#,
        ),
        (EventKind::Locked { holder: None }, r#"{"locked":{}}"#),
        (
            EventKind::LockWaits {
                holder: Some(node()),
                lock: "l".to_owned(),
                message: "m".to_owned(),
                holders: Vec::new(),
            },
            r#"{"lockWaits":{"holder":"w-1","lock":"l","message":"m"}}"#,
        ),
        (
            EventKind::LockRefused { holder: None, message: "m".to_owned() },
            r#"{"lockRefused":{"message":"m"}}"#,
        ),
        (EventKind::Postponed { message: "m".to_owned() }, r#"{"postponed":{"message":"m"}}"#),
        (
            EventKind::Restarted { again: vec![node()], parameters: BTreeMap::new() },
            r#"{"restarted":{"again":["w-1"]}}"#,
        ),
        (
            EventKind::Resubmitted { nodes: vec![taken_over()] },
            r#"{"resubmitted":{"nodes":[{"id":"w-1","name":"w.a","displayName":"a","type":"Skipped","phase":"Skipped","message":"original pod: v-1","startedAt":null,"finishedAt":null}]}}"#,
        ),
        (
            EventKind::NodeSet {
                node: node(),
                phase: Some(NodePhase::Succeeded),
                message: None,
                parameters: BTreeMap::from([("p".to_owned(), "1".to_owned())]),
            },
            r#"{"nodeSet":{"node":"w-1","phase":"Succeeded","parameters":{"p":"1"}}}"#,
        ),
        (timer(TimerId::PendingTimeout(node())), r#"{"timerFired":{"timer":{"pendingTimeout":"w-1"}}}"#),
        (timer(TimerId::WorkflowDeadline), r#"{"timerFired":{"timer":"workflowDeadline"}}"#),
        (timer(TimerId::SuspendOver(node())), r#"{"timerFired":{"timer":{"suspendOver":"w-1"}}}"#),
        (timer(TimerId::GateExpired(node())), r#"{"timerFired":{"timer":{"gateExpired":"w-1"}}}"#),
        (timer(TimerId::Backoff(node())), r#"{"timerFired":{"timer":{"backoff":"w-1"}}}"#),
        (timer(TimerId::NodeDeadline(node())), r#"{"timerFired":{"timer":{"nodeDeadline":"w-1"}}}"#),
        (
            EventKind::Resumed {
                node: Some(node()),
                message: "m".to_owned(),
                parameters: BTreeMap::from([("p".to_owned(), "1".to_owned())]),
            },
            r#"{"resumed":{"node":"w-1","message":"m","parameters":{"p":"1"}}}"#,
        ),
        (
            EventKind::Resumed { node: None, message: String::new(), parameters: BTreeMap::new() },
            r#"{"resumed":{"message":""}}"#,
        ),
        (
            EventKind::NodeFailed { node: node(), phase: NodePhase::Error, message: "m".to_owned() },
            r#"{"nodeFailed":{"node":"w-1","phase":"Error","message":"m"}}"#,
        ),
        (EventKind::Suspended, r#""suspended""#),
        (EventKind::Unsuspended, r#""unsuspended""#),
        (shutdown(ShutdownStrategy::Stop, None), r#"{"shutdownRequested":{"strategy":"stop"}}"#),
        (
            shutdown(ShutdownStrategy::Terminate, Some("m".to_owned())),
            r#"{"shutdownRequested":{"strategy":"terminate","message":"m"}}"#,
        ),
    ]
}

#[test]
fn events_of_version_1_are_read_and_written_as_they_were() {
    for (kind, line) in version_1() {
        let event = Event { at: "2026-01-02T03:04:05.123456789Z".parse().unwrap(), kind };
        let line = format!(r#"{{"v":1,"at":"2026-01-02T03:04:05.123456789Z","is":{line}}}"#);
        assert_eq!(event_to_text(&event).unwrap(), line);
        assert_eq!(event_from_text(&line).unwrap(), event);
    }
}

#[test]
fn events_of_a_newer_release_or_with_more_in_them_are_refused() {
    for line in [
        r#"{"v":2,"at":"2026-01-02T03:04:05Z","is":"started"}"#,
        r#"{"v":1,"at":"2026-01-02T03:04:05Z","is":"started","more":1}"#,
        r#"{"v":1,"at":"2026-01-02T03:04:05Z","is":{"podRunning":{"node":"n","more":1}}}"#,
        r#"{"v":1,"at":"2026-01-02T03:04:05Z","is":"ended"}"#,
        r#"{"v":1,"is":"started"}"#,
        "",
    ] {
        assert!(event_from_text(line).is_err(), "{line}");
    }
}

/// A run as the first release kept it.
const RUN_V1: &str = r#"{"v":1,"id":"run_00000000-0000-0000-0000-000000000001","facts":{"namespace":"finance","name":"payroll","component":{"namespace":"finance","application":"payroll","component":"payroll-export"},"scopes":[{"namespace":"finance","name":"payroll-prod"}],"submitter":{"issuer":"https://corp.example","subject":"ann"},"via":"cron"},"submitter":{"v":1,"key":{"issuer":"https://corp.example","subject":"ann"},"provider":"corp","kind":"workload","name":"Ann","email":"ann@corp.example","groups":["a"],"amr":["otp"],"acr":"high","authTime":"2026-01-02T03:04:05Z"},"binding":{"component":{"namespace":"finance","application":"payroll","component":"payroll-export"},"namespace":"finance","scopes":[{"namespace":"finance","name":"payroll-prod"}],"gates":[{"node":"approve","min":2,"expiresAfterMs":1000}],"templateDigest":"aa","parametersDigest":"bb","overrides":{"month":"2026-11"}},"workflow":{"apiVersion":"argoproj.io/v1alpha1","kind":"Workflow","metadata":{"name":"payroll","namespace":"finance","labels":{"z":"1","a":"2"}},"spec":{"entrypoint":"main","podGC":{"strategy":"OnPodSuccess"}}},"revision":"apply_00000000-0000-0000-0000-000000000002","createdAt":"2026-01-02T03:04:05Z","phase":"Pending"}"#;

#[test]
fn a_run_of_version_1_is_read_and_written_as_it_was() {
    let run = run_from_text(RUN_V1).unwrap();
    assert_eq!((run.phase, run.deleted, run.events), (WorkflowPhase::Pending, false, 0));
    assert_eq!(run.binding.gates[0].expires_after_ms, 1_000);
    assert_eq!(run.facts.component, run.binding.component);
    assert_eq!(run_to_text(&run).unwrap(), RUN_V1);
}

#[test]
fn a_run_of_a_newer_release_or_with_more_in_it_is_refused() {
    for (old, new) in [
        (r#"{"v":1,"id""#, r#"{"v":2,"id""#),
        (r#"{"v":1,"key""#, r#"{"v":2,"key""#),
        (r#""via":"cron""#, r#""via":"cron","more":1"#),
        (r#""id":"run_"#, r#""id":"apply_"#),
        (r#""phase":"Pending""#, r#""phase":"Nearly""#),
    ] {
        let text = RUN_V1.replace(old, new);
        assert_ne!(text, RUN_V1, "{old}");
        assert!(run_from_text(&text).is_err(), "{new}");
    }
}

#[test]
fn a_principal_without_anything_optional_survives() {
    let text =
        r#"{"v":1,"key":{"issuer":"os","subject":"me"},"provider":"os","kind":"user","groups":[],"amr":[]}"#;
    assert_eq!(principal_to_text(&principal_from_text(text).unwrap()).unwrap(), text);
}
