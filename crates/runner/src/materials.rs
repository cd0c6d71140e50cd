//! What a pod or task is handed of the run's namespace: ConfigMaps, and Secrets through the door.
//! Not here: what of them it sees where (`backend`).
//! Invariant: a Secret is opened for a pod only while the act that uses it is on record, and only if the template names
//! it; the one that vouches for senders of events never is.

use std::collections::BTreeMap;

use backend::{BackendError, Materials, Needs};
use identity::{Caller, WEBHOOK_CLIENTS};
use model::{
    NamespacedName,
    argo::{NodeId, Workflow},
    core::{ConfigMap, Secret},
};
use policy::{Rules, UseSecrets};
use store::StoredRun;

use crate::{RunnerError, pods::denied, runner::Inner};

impl Inner {
    /// Returns what a node needs and the namespace has; what it lacks is missed by whoever starts the node.
    pub(crate) async fn materials(
        &self,
        (caller, stored): (&Caller, &StoredRun),
        node: &NodeId,
        needs: &Needs,
    ) -> Result<Materials, RunnerError> {
        let namespace = &stored.facts.name.namespace;
        let rules = self.rules();
        let mut materials = Materials::default();
        for name in &needs.config_maps {
            let found = rules.catalog().config_map(&NamespacedName::new(namespace.clone(), name));
            if let Some(config_map) = found {
                materials.config_maps.insert(name.clone(), values_of(config_map));
            }
        }
        let own = own_claims(&stored.workflow);
        let exists = |claim: &&String| {
            let name = NamespacedName::new(namespace.clone(), claim.as_str());
            own.contains(claim) || rules.catalog().volume_claim(&name).is_some()
        };
        materials.claims = needs.claims.iter().filter(exists).cloned().collect();
        if !needs.secrets.is_empty() {
            let names: Vec<String> = needs.secrets.iter().cloned().collect();
            let action = UseSecrets { run: stored.facts.clone(), node: node.clone(), names };
            let opened = self.act(caller, action, async |_| self.open_all(&rules, namespace, needs)).await;
            materials.secrets = opened.map_err(denied)?;
        }
        Ok(materials)
    }

    fn open_all(
        &self,
        rules: &Rules,
        namespace: &str,
        needs: &Needs,
    ) -> Result<BTreeMap<String, backend::SecretValues>, BackendError> {
        let mut opened = BTreeMap::new();
        for name in &needs.secrets {
            if name == WEBHOOK_CLIENTS {
                // whoever reads it can send events as any machine in it
                let why =
                    format!("no pod is given secret `{WEBHOOK_CLIENTS}`: it vouches for senders of events");
                return Err(BackendError::Unsupported(why));
            }
            let found = rules.catalog().secret(&NamespacedName::new(namespace, name));
            if let Some(secret) = found {
                opened.insert(name.clone(), self.open(secret)?);
            }
        }
        Ok(opened)
    }
    fn open(&self, secret: &Secret) -> Result<backend::SecretValues, BackendError> {
        let values = self.sealing_key.open(secret);
        let values = values.map_err(|error| BackendError::Unsupported(error.to_string()))?;
        Ok(values.into_iter().collect())
    }
}

/// Returns the names of the claims that are made for a run. Source: Argo `operator.go` createPVCs.
pub(crate) fn own_claims(workflow: &Workflow) -> Vec<String> {
    let templates = workflow.spec.volume_claim_templates.iter();
    let name = |claim: &serde_json::Value| Some(claim.pointer("/metadata/name")?.as_str()?.to_owned());
    templates.filter_map(name).map(|name| format!("{}-{name}", workflow.metadata.name)).collect()
}

/// Returns a ConfigMap's bytes by key; what is not base64 where it should be is left out.
fn values_of(config_map: &ConfigMap) -> BTreeMap<String, Vec<u8>> {
    let texts = config_map.data.iter().map(|(key, text)| (key.clone(), text.0.clone().into_bytes()));
    let binary = config_map.binary_data.iter();
    let bytes = binary.filter_map(|(key, text)| Some((key.clone(), decoded(text)?)));
    bytes.chain(texts).collect()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).ok()
}
