//! What a pod or task is handed besides its template: the run token, the ConfigMaps and Secrets it names.
//! Not here: where they are kept and who may have them (`runner`, `policy`).
//! Invariant: the values of Secrets are in no `Debug` form, and are overwritten in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use engine::{Pod, Task};
use identity::Secret;
use model::argo::{Container, KeySelector, Template, Volume};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::private::Masks;

/// The bytes of a Secret's values by key.
pub type SecretValues = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// What a pod or task is handed.
#[derive(Default)]
pub struct Materials {
    /// The run token, for pods.
    pub token: Option<Secret>,
    /// The bytes by key of each ConfigMap that [`Needs`] names and that exists.
    pub config_maps: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// The bytes by key of each Secret that [`Needs`] names and that exists.
    pub secrets: BTreeMap<String, SecretValues>,
    /// Those of the claims that [`Needs`] names that exist.
    pub claims: BTreeSet<String>,
    /// Where on this machine the input artifacts are that were fetched, by name; each is a file or folder.
    pub fetched: BTreeMap<String, std::path::PathBuf>,
}

impl Materials {
    /// Returns the materials of a pod that needs no more than a run token.
    pub fn with_token(token: Option<Secret>) -> Self {
        Self { token, ..Self::default() }
    }
    /// Returns the values that are masked wherever the pod writes them.
    pub(crate) fn masks(&self) -> Masks {
        self.secrets.values().flat_map(BTreeMap::values).cloned().collect()
    }
}

impl fmt::Debug for Materials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Materials")
            .field("token", &self.token)
            .field("config_maps", &self.config_maps.keys())
            .field("secrets", &self.secrets.keys())
            .field("claims", &self.claims)
            .finish()
    }
}

/// The ConfigMaps, Secrets and PersistentVolumeClaims of the run's namespace that a pod or task names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Names of ConfigMaps.
    pub config_maps: BTreeSet<String>,
    /// Names of Secrets.
    pub secrets: BTreeSet<String>,
    /// Names of PersistentVolumeClaims.
    pub claims: BTreeSet<String>,
}

impl Needs {
    /// Returns what a pod needs.
    pub fn of_pod(pod: &Pod) -> Self {
        let mut needs = Self::default();
        needs.template(&pod.template);
        pod.volumes.iter().for_each(|volume| needs.volume(volume));
        needs
    }
    /// Returns what a task needs.
    pub fn of_task(task: &Task) -> Self {
        let mut needs = Self::default();
        needs.template(&task.template);
        needs
    }

    fn template(&mut self, template: &Template) {
        containers_of(template).for_each(|container| self.container(container));
        template.volumes.iter().for_each(|volume| self.volume(volume));
        let headers = template.http.iter().flat_map(|http| &http.headers);
        for source in headers.filter_map(|header| header.value_from.as_ref()) {
            self.secret_key(source.secret_key_ref.as_ref());
        }
    }
    fn container(&mut self, container: &Container) {
        for source in container.env.iter().filter_map(|variable| variable.value_from.as_ref()) {
            self.secret_key(source.secret_key_ref.as_ref());
            self.config_maps.extend(source.config_map_key_ref.as_ref().map(|key| key.name.clone()));
        }
        for source in &container.env_from {
            self.secrets.extend(source.secret_ref.as_ref().map(|object| object.name.clone()));
            self.config_maps.extend(source.config_map_ref.as_ref().map(|object| object.name.clone()));
        }
    }
    fn secret_key(&mut self, key: Option<&KeySelector>) {
        self.secrets.extend(key.map(|key| key.name.clone()));
    }
    fn volume(&mut self, volume: &Volume) {
        volume.source.iter().for_each(|(kind, source)| self.source(kind, source));
    }
    /// Takes a volume's source, or one of a projected volume's.
    fn source(&mut self, kind: &str, source: &Value) {
        let name = |field: &str| source.get(field).and_then(Value::as_str).map(str::to_owned);
        match kind {
            "configMap" => self.config_maps.extend(name("name")),
            "secret" => self.secrets.extend(name("secretName").or_else(|| name("name"))),
            "persistentVolumeClaim" => self.claims.extend(name("claimName")),
            "projected" => {
                for inner in source.get("sources").and_then(Value::as_array).into_iter().flatten() {
                    inner
                        .as_object()
                        .into_iter()
                        .flatten()
                        .for_each(|(kind, source)| self.source(kind, source));
                }
            }
            _ => {}
        }
    }
}

/// Returns every container of a template's pod.
pub(crate) fn containers_of(template: &Template) -> impl Iterator<Item = &Container> {
    let further = template.init_containers.iter().chain(&template.sidecars);
    let set = template.container_set.iter().flat_map(|set| &set.containers);
    template
        .container
        .iter()
        .chain(template.script.iter().map(|script| &script.container))
        .chain(set.map(|node| &node.container))
        .chain(further.map(|user| &user.container))
}

#[cfg(test)]
mod tests {
    use model::argo::Template;
    use serde_json::json;

    use super::{Materials, Needs};

    #[test]
    fn a_template_names_its_config_maps_and_secrets_in_every_place() {
        let template: Template = serde_json::from_value(json!({
            "container": {
                "env": [
                    {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c1", "key": "k"}}},
                ],
                "envFrom": [{"secretRef": {"name": "s2"}}, {"configMapRef": {"name": "c2"}}],
            },
            "sidecars": [{"name": "x", "envFrom": [{"secretRef": {"name": "s3"}}]}],
            "volumes": [
                {"name": "v", "secret": {"secretName": "s4"}},
                {"name": "w", "configMap": {"name": "c3"}},
                {"name": "p", "projected": {"sources": [{"secret": {"name": "s5"}}, {"configMap": {"name": "c4"}}]}},
            ],
            "http": {"url": "u", "headers": [{"name": "h", "valueFrom": {"secretKeyRef": {"name": "s6"}}}]},
        }))
        .unwrap();
        let mut needs = Needs::default();
        needs.template(&template);
        assert_eq!(Vec::from_iter(needs.secrets), ["s1", "s2", "s3", "s4", "s5", "s6"]);
        assert_eq!(Vec::from_iter(needs.config_maps), ["c1", "c2", "c3", "c4"]);
    }

    #[test]
    fn the_debug_form_shows_names_only() {
        let mut materials = Materials::with_token(Some(identity::Secret::new("hush-hush")));
        let value = zeroize::Zeroizing::new(b"hunter2hunter2".to_vec());
        materials.secrets.insert("s".to_owned(), [("k".to_owned(), value)].into());
        let shown = format!("{materials:?}");
        assert!(shown.contains("\"s\"") && !shown.contains("hush") && !shown.contains("104"), "{shown}");
    }
}
