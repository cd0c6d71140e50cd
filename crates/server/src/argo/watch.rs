//! The watch: what there is, then every change, each asked for again in the name of the caller.
//! Source: Argo `server/workflow/workflow_server.go` WatchWorkflows.
//! Not here: who may see what (`runner`).

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    extract::State,
    http::{HeaderMap, Method},
    response::Response,
};
use identity::Caller;
use model::NamespacedName;
use policy::{ListRuns, ViewOutput, ViewRun};
use runner::{ChangeKind, RunChange, RunnerError};
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc};

use super::{
    list::{Asked, ListQuery, Wanted},
    names::Namespace,
    stream::{self, Spelling},
    workflows::shown,
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
};

/// How many events wait for a slow client.
const EVENTS_WAITING: usize = 64;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let acts = [act::<ListRuns>(), act::<ViewRun>(), act::<ViewOutput>()];
    ["/api/v1/workflow-events/", "/api/v1/workflow-events/{namespace}"]
        .map(|path| Endpoint::new(Method::GET, path, &acts, watch).streams())
        .into()
}

async fn watch(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    headers: HeaderMap,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, ArgoError> {
    let wanted = query.read()?;
    // subscribed before listing, so that nothing falls between
    let changes = app.runner().changes();
    let there = app.runner().list(&caller, &namespace).await?;
    let there = there.into_iter().map(|view| (view.facts.name, view.workflow)).collect();
    let (sink, results) = mpsc::channel(EVENTS_WAITING);
    let watching = Watching { app: app.clone(), caller, namespace, wanted, seen: BTreeMap::new(), sink };
    tokio::spawn(watching.run(there, changes));
    Ok(stream::answer(&app, Spelling::of(&headers), results))
}

struct Watching {
    app: App,
    caller: Caller,
    namespace: String,
    wanted: Wanted,
    /// The objects the client knows, as it knows them.
    seen: BTreeMap<NamespacedName, Value>,
    sink: mpsc::Sender<Result<Value, ServerError>>,
}

/// The client is gone, or the stream cannot go on.
struct Over;

impl Watching {
    async fn run(
        mut self,
        there: Vec<(NamespacedName, model::argo::Workflow)>,
        mut changes: broadcast::Receiver<RunChange>,
    ) {
        for (name, workflow) in there.into_iter().rev() {
            if self.show(name, &workflow).await.is_err() {
                return;
            }
        }
        loop {
            let first = tokio::select! {
                change = changes.recv() => change,
                () = self.sink.closed() => return,
            };
            let Ok(changed) = self.gather(first, &mut changes) else { return };
            for (name, gone) in changed {
                let told = if gone { self.forget(&name).await } else { self.look(name).await };
                if told.is_err() {
                    return;
                }
            }
        }
    }

    /// Returns the runs that changed, each once with whether it is gone, however often it changed meanwhile.
    fn gather(
        &self,
        first: Result<RunChange, broadcast::error::RecvError>,
        changes: &mut broadcast::Receiver<RunChange>,
    ) -> Result<BTreeMap<NamespacedName, bool>, Over> {
        let mut changed = BTreeMap::new();
        let mut next = Some(first);
        while let Some(change) = next.take() {
            match change {
                Ok(change) => {
                    if self.namespace.is_empty() || change.name.namespace == self.namespace {
                        changed.insert(change.name, change.kind == ChangeKind::Deleted);
                    }
                }
                // what was missed can only be about runs that are known already, or the client asks again
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let known: BTreeSet<_> = self.seen.keys().cloned().collect();
                    changed.extend(known.into_iter().map(|name| (name, false)));
                }
                Err(broadcast::error::RecvError::Closed) => return Err(Over),
            }
            next = match changes.try_recv() {
                Ok(change) => Some(Ok(change)),
                Err(broadcast::error::TryRecvError::Lagged(missed)) => {
                    Some(Err(broadcast::error::RecvError::Lagged(missed)))
                }
                Err(_) => None,
            };
        }
        Ok(changed)
    }

    async fn look(&mut self, name: NamespacedName) -> Result<(), Over> {
        match self.app.runner().view(&self.caller, &name).await {
            Ok(view) => self.show(name, &view.workflow).await,
            // somebody else's, or gone meanwhile
            Err(RunnerError::NotFound { .. } | RunnerError::Refused(_)) => self.forget(&name).await,
            Err(error) => {
                let _ = self.sink.send(Err(error.into())).await;
                Err(Over)
            }
        }
    }

    async fn show(&mut self, name: NamespacedName, workflow: &model::argo::Workflow) -> Result<(), Over> {
        if !self.wanted.matches(workflow) {
            return self.forget(&name).await;
        }
        let object = shown(workflow).map_err(|_| Over)?;
        let kind = match self.seen.get(&name) {
            None => "ADDED",
            Some(known) if *known == object => return Ok(()),
            Some(_) => "MODIFIED",
        };
        self.seen.insert(name, object.clone());
        self.tell(kind, object).await
    }

    async fn forget(&mut self, name: &NamespacedName) -> Result<(), Over> {
        match self.seen.remove(name) {
            Some(known) => self.tell("DELETED", known).await,
            None => Ok(()),
        }
    }

    async fn tell(&self, kind: &str, object: Value) -> Result<(), Over> {
        self.sink.send(Ok(json!({"type": kind, "object": object}))).await.map_err(|_| Over)
    }
}
