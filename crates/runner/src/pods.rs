//! One pod from its command to its end: a place to run, the door, the run token and its renewal, the wait.
//! Not here: what the end leads to (`engine`).

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use audit::ActError;
use backend::{BackendError, Materials, Needs};
use engine::{CollectedOutputs, EventKind, Pod, PodEnd, PodOutcome};
use identity::Caller;
use model::argo::NodeId;
use policy::{KillPod, StartPod};
use store::StoredRun;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::{RunnerError, drive::Input, runner::Inner};

/// How often it is looked at how far a pod is.
const PROGRESS_TICK: Duration = Duration::from_secs(1);

/// The life of one pod.
pub(crate) struct PodTask {
    pub(crate) inner: Arc<Inner>,
    pub(crate) stored: Arc<StoredRun>,
    pub(crate) caller: Caller,
    pub(crate) inbox: mpsc::UnboundedSender<Input>,
    pub(crate) killed: watch::Receiver<bool>,
    /// Whether an earlier server may have started it.
    pub(crate) again: bool,
}

impl PodTask {
    pub(crate) async fn run(mut self, pod: Arc<Pod>) {
        let place = tokio::select! {
            place = Arc::clone(&self.inner.pods).acquire_owned() => place,
            () = asked_to_die(&mut self.killed), if !self.again => {
                return self.finished(&pod.node, outcome(PodEnd::Killed));
            }
        };
        let Ok(place) = place else { return }; // the runner is shutting down
        let fetched = tokio::select! {
            fetched = self.inner.fetch_inputs((&self.caller, &self.stored), &pod) => fetched,
            () = asked_to_die(&mut self.killed), if !self.again => {
                return self.finished(&pod.node, outcome(PodEnd::Killed));
            }
        };
        let started = match fetched {
            Ok(fetched) => self.start(&pod, fetched).await,
            Err(error) => Err(error),
        };
        match started {
            Ok(()) => {}
            Err(RunnerError::Unrecorded(error)) => {
                // nothing was started, and nothing may happen that is not on record: the node ends so that a person looks
                return self.finished(&pod.node, outcome(PodEnd::Error(format!("not started: {error}"))));
            }
            Err(error) => return self.finished(&pod.node, outcome(PodEnd::Error(error.to_string()))),
        }
        self.tell(EventKind::PodRunning { node: pod.node.clone() });
        let end = self.attend(&pod, place).await;
        let end = self.inner.put_outputs((&self.caller, &self.stored), &pod, end).await;
        if let Err(error) = self.inner.backend.drop_inputs(self.stored.facts.id, &pod.node).await {
            tracing::warn!(run = %self.stored.facts.id, node = %pod.node, %error, "fetched inputs are left");
        }
        self.finished(&pod.node, end);
    }

    async fn start(&self, pod: &Pod, fetched: BTreeMap<String, PathBuf>) -> Result<(), RunnerError> {
        let (action, for_whom) = self.inner.token_for(&self.stored, pod).await?;
        let minted = self
            .inner
            .act(&self.caller, action, async |go| self.inner.mint(go, &self.stored, &for_whom))
            .await;
        let token = minted.map_err(denied)?;
        let needs = Needs::of_pod(pod);
        let materials = self.inner.materials((&self.caller, &self.stored), &pod.node, &needs).await?;
        let materials = Materials { token: Some(token), fetched, ..materials };
        let action = StartPod { run: self.stored.facts.clone(), node: pod.node.clone() };
        let started = self
            .inner
            .act(&self.caller, action, async |go| self.inner.backend.start(go, pod, materials).await);
        started.await.map_err(denied)?;
        if self.again {
            // an earlier server's token may be near its end
            self.renew(pod).await;
        }
        Ok(())
    }

    async fn attend(&mut self, pod: &Pod, place: OwnedSemaphorePermit) -> PodOutcome {
        let mut place = Some(place);
        let mut unready = pod.template.daemon == Some(true);
        let inner = Arc::clone(&self.inner);
        let mut wait = std::pin::pin!(inner.backend.wait(self.stored.facts.id, &pod.node));
        let mut ready = std::pin::pin!(inner.backend.ready(self.stored.facts.id, &pod.node));
        let life = u64::from(self.inner.config.run_token_seconds);
        let mut asked = false;
        let pause = || tokio::time::sleep(Duration::from_secs(life * 2 / 3));
        let mut renewal = std::pin::pin!(pause());
        let mut progress = None;
        loop {
            tokio::select! {
                end = &mut wait => {
                    self.look_at_progress(&pod.node, &mut progress).await;
                    return end.unwrap_or_else(|error| outcome(PodEnd::Error(error.to_string())));
                }
                () = asked_to_die(&mut self.killed), if !asked => {
                    asked = true;
                    self.kill(&pod.node).await;
                }
                ip = &mut ready, if unready => {
                    unready = false;
                    // what follows may need its place, and ends it
                    drop(place.take());
                    self.is_ready(&pod.node, ip);
                }
                // two thirds of its life
                () = &mut renewal => {
                    self.renew(pod).await;
                    renewal.set(pause());
                }
                () = tokio::time::sleep(PROGRESS_TICK) => self.look_at_progress(&pod.node, &mut progress).await,
            }
        }
    }

    /// Tells what the pod has newly said of how far it is.
    async fn look_at_progress(&self, node: &NodeId, known: &mut Option<String>) {
        let said = self.inner.backend.progress(self.stored.facts.id, node).await.unwrap_or_default();
        if let Some(progress) = said.as_ref().filter(|_| said != *known) {
            self.tell(EventKind::Progress { node: node.clone(), progress: progress.clone() });
            *known = said;
        }
    }

    fn is_ready(&self, node: &NodeId, ip: Result<String, BackendError>) {
        match ip {
            Ok(ip) => self.tell(EventKind::PodReady { node: node.clone(), ip }),
            Err(error) => {
                tracing::error!(run = %self.stored.facts.id, %node, %error, "a daemon's readiness is not known");
            }
        }
    }

    async fn kill(&self, node: &NodeId) {
        let action = KillPod { run: self.stored.facts.clone(), node: node.clone() };
        let killed = self.inner.act(&self.caller, action, async |go| self.inner.backend.kill(go).await);
        if let Err(error) = killed.await {
            tracing::error!(run = %self.stored.facts.id, %node, %error, "a pod was not killed");
        }
    }

    async fn renew(&self, pod: &Pod) {
        if let Err(error) = self.try_renew(pod).await {
            tracing::error!(run = %self.stored.facts.id, node = %pod.node, %error, "a run token was not renewed");
        }
    }

    async fn try_renew(&self, pod: &Pod) -> Result<(), RunnerError> {
        let (action, for_whom) = self.inner.token_for(&self.stored, pod).await?;
        let renewed = self.inner.act(&self.caller, action, async |go| {
            let token = self.inner.mint(go, &self.stored, &for_whom)?;
            self.inner.backend.renew_token(go, token.expose()).await
        });
        renewed.await.map_err(denied)
    }

    fn tell(&self, kind: EventKind) {
        // a closed inbox means that the runner is shutting down; the next start learns the same from the backend
        let _ = self.inbox.send(Input::Event(kind));
    }

    fn finished(&self, node: &NodeId, outcome: PodOutcome) {
        self.tell(EventKind::PodFinished { node: node.clone(), outcome });
    }
}

/// Returns the error of an act that was not done.
pub(crate) fn denied(error: ActError<BackendError>) -> RunnerError {
    match error {
        ActError::Refused(refusal) => RunnerError::Refused(refusal),
        ActError::Unrecorded(error) => RunnerError::Unrecorded(error),
        ActError::Failed(error) => RunnerError::Backend(error),
    }
}

fn outcome(end: PodEnd) -> PodOutcome {
    PodOutcome::new(end, CollectedOutputs::default())
}

pub(crate) async fn asked_to_die(killed: &mut watch::Receiver<bool>) {
    if killed.wait_for(|killed| *killed).await.is_err() {
        // the loop has ended without asking: go on waiting for the pod
        std::future::pending::<()>().await;
    }
}
