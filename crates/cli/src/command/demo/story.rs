//! The story: who does what, in which order, and what must come of it. A story that goes otherwise is an error.
//! Not here: the server, the proofs at its end (see the module above).

use std::path::Path;

use model::argo::{NodePhase, NodeType, Workflow};

use super::stage::Stage;
use crate::{
    client::{Client, answer::WatchEvent},
    command::{session, watch},
    error::CliError,
    exit::Exit,
};

const COMPONENT: &str = "payroll/payroll-export";
const NAMESPACE: &str = "finance";

impl Stage<'_, '_> {
    /// Plays the acts before the proofs, and returns the run's name.
    pub(super) async fn play(&mut self, manifests: &Path) -> Result<String, CliError> {
        for person in ["paula", "olga", "carla", "anton", "vera", "oskar", "ida"] {
            self.log_in(person).await?;
        }
        self.act("Paula, platform engineer, applies the payroll example")?;
        let folder = manifests.display().to_string();
        self.plays("paula", &["apply", "-f", &folder], Exit::OK).await?;

        self.act("Olga, payroll operator, starts the export")?;
        let submit = ["submit", "--from", COMPONENT, "-n", NAMESPACE, "-p", "month=2026-10"];
        let said = [&submit[..], &["--reason", "monthly run", "--ticket", "CHG-1042"]].concat();
        let said = self.plays("olga", &said, Exit::OK).await?;
        let named = said.out.lines().find_map(|line| line.strip_prefix("Name:"));
        let run = named.unwrap_or_default().trim().to_owned();

        self.act("Carla, contractor, tries the same and is told why not, and how to get access")?;
        let said = [&submit[..5], &["--reason", "monthly run"]].concat();
        self.plays("carla", &said, Exit::REFUSED).await?;

        self.act("Olga, an approver too, tries to approve her own run")?;
        self.until_it_waits("olga", &run).await?;
        self.plays("olga", &["approve", &run, "-n", NAMESPACE], Exit::REFUSED).await?;

        self.act("Anton, payroll approver, looks at what he approves, and approves")?;
        self.plays("anton", &["gates", &run, "-n", NAMESPACE], Exit::OK).await?;
        let digest = self.digest(&run).await?;
        let reason = "totals checked";
        let said = ["approve", &run, "-n", NAMESPACE, "--digest", &digest, "--reason", reason];
        self.plays("anton", &said, Exit::OK).await?;

        self.act("The run ends")?;
        self.plays("olga", &["watch", &run, "-n", NAMESPACE], Exit::OK).await?;

        self.act("Vera, payroll clerk, reads logs and outputs; Oskar of marketing does not learn that there is a run")?;
        self.plays("vera", &["logs", &run, "-n", NAMESPACE], Exit::OK).await?;
        self.plays("vera", &["get", &run, "-n", NAMESPACE], Exit::OK).await?;
        self.plays("oskar", &["logs", &run, "-n", NAMESPACE], Exit::NOT_FOUND).await?;
        Ok(run)
    }

    /// The auditor reads the record and verifies it over HTTP.
    pub(super) async fn audit(&mut self) -> Result<(), CliError> {
        self.act("Ida, internal audit, reads the record and verifies it")?;
        self.plays("ida", &["audit", "log", "--limit", "8"], Exit::OK).await?;
        self.plays("ida", &["audit", "verify"], Exit::OK).await?;
        Ok(())
    }

    /// Returns a client as somebody who has logged in.
    fn client(&self, name: &str) -> Result<Client, CliError> {
        let known = crate::credentials::load(&self.folder.join("people").join(name))?;
        let global = crate::args::Global {
            server: Some(self.server.clone()),
            namespace: NAMESPACE.to_owned(),
            ..crate::args::Global::default()
        };
        let server = session::server(&global, &known)?;
        let token = known
            .servers
            .get(crate::client::address_text(&server))
            .map(|credential| credential.token.clone());
        Client::new(server, token)
    }

    async fn digest(&self, run: &str) -> Result<String, CliError> {
        let gates = self.client("anton")?.gates(NAMESPACE, run).await?.gates;
        let gate = gates.into_iter().next();
        gate.map(|gate| gate.digest).ok_or_else(|| CliError::local("the story went wrong", "no gate is open"))
    }

    /// Waits until the run waits for its approval.
    async fn until_it_waits(&self, name: &str, run: &str) -> Result<(), CliError> {
        let client = self.client(name)?;
        let mut events = client.watch(NAMESPACE, Some(run)).await?;
        let now = client.get(NAMESPACE, run).await?;
        let mut waiting = waits(&now)?;
        while !waiting {
            let Some(event) = events.next::<WatchEvent>().await? else {
                return Err(CliError::local("the story went wrong", "the stream of changes ended"));
            };
            waiting = event.object.metadata.name == run && waits(&event.object)?;
        }
        Ok(())
    }
}

/// Whether a suspend node waits; a run that has ended never will.
fn waits(run: &Workflow) -> Result<bool, CliError> {
    if watch::phase(run).is_completed() {
        let why = run.status.as_ref().map(|status| status.message.clone()).unwrap_or_default();
        return Err(CliError::local(
            "the story went wrong",
            format!("the run ended before its approval: {why}"),
        ));
    }
    let mut nodes = run.status.iter().flat_map(|status| status.nodes.values());
    Ok(nodes.any(|node| node.node_type == NodeType::Suspend && node.phase == NodePhase::Running))
}
