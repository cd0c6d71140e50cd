//! A small installation: rules, a clock that moves by hand, a key, a database, people.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use audit::{ActError, Audited, Clock, Door, LogKey, LogPublicKey};
use aws_lc_rs::signature::Ed25519KeyPair;
use engine::{CollectedOutputs, Event, EventKind, PodEnd, PodOutcome};
use identity::{Caller, Principal, PrincipalKey, PrincipalKind};
use jiff::Timestamp;
use model::{
    ApplyId, NamespacedName, RunId, SessionId,
    argo::{NodeId, ObjectMeta, Workflow, WorkflowPhase},
    catalog::Catalog,
    lower::Binding,
    manifest::Manifest,
    oam::{Subject, Via},
};
use policy::{Action, AdvanceRun, Permit, Rules, RunFacts, ServerPolicy, SubmitRun, SubmitTarget, ViewAudit};
use store::{Store, StoreError, StoredRun};
use uuid::Uuid;

pub(crate) struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        at(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// The time `ms` milliseconds after the beginning of the test's time.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_323_045_000 + ms).unwrap()
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) rules: Rules,
    pub(crate) clock: Ticks,
}

pub(crate) fn key(seed: u8) -> LogKey {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    LogKey::from_pkcs8(pair.to_pkcs8().unwrap().as_ref()).unwrap()
}

pub(crate) fn public() -> LogPublicKey {
    key(1).public().clone()
}

pub(crate) fn rules(catalog: Catalog) -> Rules {
    let me = vec![Subject::User { issuer: "os".to_owned(), subject: "me".to_owned() }];
    let server = ServerPolicy { administrators: me.clone(), auditors: me, local: true };
    Rules::compile(Arc::new(catalog), &server).unwrap()
}

pub(crate) fn me() -> Caller {
    Caller::local_user("me")
}

pub(crate) fn person(subject: &str, groups: &[&str]) -> Principal {
    Principal {
        key: PrincipalKey { issuer: "https://corp.example".to_owned(), subject: subject.to_owned() },
        provider: "corp".to_owned(),
        kind: PrincipalKind::User,
        name: Some(subject.to_uppercase()),
        email: Some(format!("{subject}@corp.example")),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        amr: vec!["otp".to_owned(), "mfa".to_owned()],
        acr: Some("high".to_owned()),
        auth_time: Some(at(-1_000)),
    }
}

impl World {
    pub(crate) fn open(folder: &Path) -> Self {
        Self::with(folder, Catalog::default())
    }

    pub(crate) fn with(folder: &Path, catalog: Catalog) -> Self {
        let store = Store::open(folder, key(1)).unwrap();
        Self { store, rules: rules(catalog), clock: Ticks(AtomicI64::new(0)) }
    }

    pub(crate) async fn act<A: Action, T>(
        &self,
        caller: &Caller,
        action: A,
        effect: impl AsyncFnOnce(&Audited<A>) -> Result<T, StoreError>,
    ) -> Result<T, ActError<StoreError>> {
        let door = Door { rules: &self.rules, journal: &self.store, clock: &self.clock };
        audit::act(&door, caller, action, effect).await
    }

    /// Does what must succeed.
    pub(crate) async fn must<A: Action, T>(
        &self,
        caller: &Caller,
        action: A,
        effect: impl AsyncFnOnce(&Audited<A>) -> Result<T, StoreError>,
    ) -> T {
        self.act(caller, action, effect).await.unwrap()
    }

    pub(crate) fn permit<A: Action>(&self, caller: &Caller, action: A) -> Permit<A> {
        match self.rules.check(caller, action, at(0)) {
            Ok(permit) => permit,
            Err((_, refusal)) => panic!("{refusal}: {:?}", refusal.decision),
        }
    }

    pub(crate) fn auditor(&self) -> Permit<ViewAudit> {
        self.permit(&me(), ViewAudit {})
    }

    pub(crate) async fn create(&self, run: &StoredRun) {
        self.must(&me(), submit(run), async |go| self.store.create_run(go, run.clone()).await).await;
    }

    pub(crate) async fn advance(&self, run: &StoredRun, first: u64, events: &[Event], phase: WorkflowPhase) {
        let caller = Caller::for_run(run.submitter.clone(), run.facts.id);
        let action = advance(run, first, events);
        self.must(&caller, action, async |go| self.store.append_events(go, events, phase).await).await;
    }
}

pub(crate) fn run_id(n: u128) -> RunId {
    RunId::from_uuid(Uuid::from_u128(n))
}
pub(crate) fn apply_id(n: u128) -> ApplyId {
    ApplyId::from_uuid(Uuid::from_u128(n))
}
pub(crate) fn session_id(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

/// A run of the local user in the namespace `default`.
pub(crate) fn run(n: u128, name: &str) -> StoredRun {
    let submitter = me().principal().clone();
    StoredRun {
        facts: RunFacts {
            id: run_id(n),
            name: NamespacedName::new("default", name),
            component: None,
            scopes: Vec::new(),
            submitter: submitter.key.clone(),
            via: Via::Manual,
        },
        submitter,
        binding: Binding {
            component: None,
            namespace: "default".to_owned(),
            scopes: Vec::new(),
            gates: Vec::new(),
            template_digest: "00".repeat(32),
            parameters_digest: "11".repeat(32),
            overrides: [("month".to_owned(), "2026-11".to_owned())].into(),
        },
        workflow: Workflow {
            api_version: "argoproj.io/v1alpha1".to_owned(),
            kind: "Workflow".to_owned(),
            metadata: ObjectMeta {
                name: name.to_owned(),
                namespace: "default".to_owned(),
                labels: [("z".to_owned(), "1".into()), ("a".to_owned(), "2".into())].into_iter().collect(),
                ..ObjectMeta::default()
            },
            ..Workflow::default()
        },
        revision: None,
        created_at: at(5),
        phase: WorkflowPhase::Pending,
        deleted: false,
        events: 0,
    }
}

pub(crate) fn submit(run: &StoredRun) -> SubmitRun {
    SubmitRun {
        id: run.facts.id,
        target: SubmitTarget::Namespace(run.facts.name.namespace.clone()),
        parameters: [("month".to_owned(), "a-value-nobody-may-read".to_owned())].into(),
        overrides: vec!["month".to_owned()],
        via: Via::Manual,
        reason: None,
        ticket: None,
        digest: store::run_digest(run),
    }
}

pub(crate) fn advance(run: &StoredRun, first: u64, events: &[Event]) -> AdvanceRun {
    AdvanceRun {
        run: run.facts.clone(),
        events_digest: store::events_digest(events),
        first,
        count: events.len() as u64,
    }
}

pub(crate) fn event(ms: i64, kind: EventKind) -> Event {
    Event { at: at(ms), kind }
}

pub(crate) fn finished(ms: i64, node: &str, code: i32) -> Event {
    let outputs = CollectedOutputs {
        parameters: [("out".to_owned(), format!("value of {node}"))].into(),
        artifacts: [("log".to_owned(), engine::StoredArtifact::Key(format!("{node}/main.log")))].into(),
        result: Some("ok".to_owned()),
    };
    let outcome = PodOutcome::new(PodEnd::Exited(code), outputs);
    event(ms, EventKind::PodFinished { node: NodeId::from_text(node), outcome })
}

pub(crate) const TEMPLATE: &str = "
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: hello, namespace: default}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: \"busybox:1.37\", command: [echo], args: [hello]}
";

pub(crate) fn manifests(text: &str) -> Vec<Manifest> {
    model::manifest::parse("test.yaml", text).unwrap()
}
