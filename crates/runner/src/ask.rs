//! What a run asks of the world outside it: ConfigMaps, templates, memoized outputs. Not here: Secrets, which only pods
//! get (see `materials`). Source: Argo `util/configmap.go`, `workflow/controller/cache/configmap_cache.go`.

use audit::Clock as _;
use engine::{Answer, MemoEntry, Question};
use identity::Caller;
use model::{
    NamespacedName,
    argo::NodeOutputs,
    core::{CONFIG_MAP_TYPE_LABEL, ConfigMap},
};
use policy::Memoize;
use serde_json::{Value, json};
use store::StoredRun;

use crate::{clock::SystemClock, runner::Inner};

/// The kind of the facts that memoized outputs are kept as.
const MEMO: &str = "Memo";
/// The most bytes of one memoized entry; Argo's end with the size of a ConfigMap.
const MAX_MEMO_BYTES: usize = 1024 * 1024;

impl Inner {
    /// Returns the answer to a run's question.
    pub(crate) async fn answer(&self, stored: &StoredRun, question: &Question) -> Answer {
        let namespace = &stored.facts.name.namespace;
        match question {
            Question::ConfigMapKey { name, key } => {
                let rules = self.rules();
                config_map_key(
                    rules.catalog().config_map(&NamespacedName::new(namespace.clone(), name)),
                    name,
                    key,
                )
            }
            Question::Templates { name, cluster_scope } => self.templates(namespace, name, *cluster_scope),
            Question::Memo { cache, key } => self.memo(namespace, cache, key).await,
        }
    }

    fn templates(&self, namespace: &str, name: &str, cluster_scope: bool) -> Answer {
        let rules = self.rules();
        let catalog = rules.catalog();
        let found = if cluster_scope {
            catalog.cluster_template(name).map(|written| &written.object)
        } else {
            catalog.template(&NamespacedName::new(namespace, name))
        };
        match found {
            Some(template) => Answer::Templates(template.spec.templates.clone()),
            None => {
                let kind = if cluster_scope { "clusterworkflowtemplates" } else { "workflowtemplates" };
                Answer::NotFound(format!("{kind}.argoproj.io {name:?} not found"))
            }
        }
    }

    async fn memo(&self, namespace: &str, cache: &str, key: &str) -> Answer {
        let rules = self.rules();
        let config_map = rules.catalog().config_map(&NamespacedName::new(namespace, cache));
        if let Some(config_map) = config_map {
            let label = config_map.metadata.labels.get(CONFIG_MAP_TYPE_LABEL);
            if label.is_none_or(|label| label.as_str() != "Cache") {
                return Answer::Refused(format!(
                    "config map {cache:?} must have the label '{CONFIG_MAP_TYPE_LABEL}: Cache' to be used as a cache"
                ));
            }
        }
        let kept = match self.store.fact(MEMO, namespace, &memo_name(cache, key)).await {
            Ok(kept) => kept,
            Err(error) => return Answer::Refused(format!("the cache cannot be read: {error}")),
        };
        let written =
            || config_map.and_then(|config_map| config_map.data.get(key)).map(|text| text.0.clone());
        let Some(text) = kept.or_else(written) else {
            return Answer::NotFound(format!("no entry `{key}` in cache `{cache}`"));
        };
        read_memo(&text).unwrap_or_else(|| {
            Answer::Refused("malformed cache entry: could not unmarshal JSON; unable to parse".to_owned())
        })
    }

    /// Remembers a node's outputs; that it could not be done is no failure of the run.
    pub(crate) async fn memoize(&self, caller: &Caller, stored: &StoredRun, entry: &MemoEntry) {
        let run = &stored.facts;
        let now = SystemClock.now().to_string();
        // as Argo writes it into a ConfigMap (`cache.go` Entry)
        let body = json!({
            "nodeID": entry.node,
            "outputs": entry.outputs,
            "creationTimestamp": now,
            "lastHitTimestamp": now,
        })
        .to_string();
        if body.len() > MAX_MEMO_BYTES {
            tracing::warn!(run = %run.id, node = %entry.node, "outputs are too large to be memoized");
            return;
        }
        let action = Memoize {
            run: run.clone(),
            name: memo_name(&entry.cache, &entry.key),
            digest: store::fact_digest(&body),
        };
        let done = self.act(caller, action, async |go| self.store.keep_fact(go, Some(body)).await).await;
        if let Err(error) = done {
            tracing::warn!(run = %run.id, node = %entry.node, %error, "outputs were not memoized");
        }
    }
}

fn read_memo(text: &str) -> Option<Answer> {
    let mut memo: Value = serde_json::from_str(text).ok()?;
    let node = memo.get("nodeID")?.as_str()?.to_owned();
    let created_at = memo.get("creationTimestamp")?.as_str()?.parse().ok()?;
    let outputs = match memo.get_mut("outputs").map(Value::take) {
        None | Some(Value::Null) => NodeOutputs::default(),
        Some(outputs) => serde_json::from_value(outputs).ok()?,
    };
    Some(Answer::Memo { node, created_at, outputs })
}

/// Neither part holds a slash: the cache is an object's name, the key is checked by the engine.
fn memo_name(cache: &str, key: &str) -> String {
    format!("{cache}/{key}")
}

fn config_map_key(config_map: Option<&ConfigMap>, name: &str, key: &str) -> Answer {
    let Some(config_map) = config_map else {
        return Answer::NotFound(format!(
            "ConfigMap '{name}' does not exist. Please make sure it has the label {CONFIG_MAP_TYPE_LABEL}: Parameter to be detectable by the controller"
        ));
    };
    let label = config_map.metadata.labels.get(CONFIG_MAP_TYPE_LABEL);
    if label.is_none_or(|label| label.as_str() != "Parameter") {
        return Answer::Refused(format!(
            "ConfigMap '{name}' needs to have the label {CONFIG_MAP_TYPE_LABEL}: Parameter to load parameters"
        ));
    }
    match config_map.data.get(key) {
        Some(text) => Answer::Text(text.0.clone()),
        None => Answer::NotFound(format!("ConfigMap '{name}' does not have the key '{key}'")),
    }
}

#[cfg(test)]
mod tests {
    use engine::Answer;
    use model::{core::ConfigMap, manifest::parse};

    use super::{config_map_key, memo_name};

    fn config_map(labels: &str) -> ConfigMap {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, labels: {labels}}}\ndata: {{size: 10}}\n"
        );
        match parse("c.yaml", &text).unwrap().remove(0) {
            model::manifest::Manifest::ConfigMap(written) => written.object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_is_read_only_from_a_config_map_of_parameters() {
        let labelled = config_map("{workflows.argoproj.io/configmap-type: Parameter}");
        assert_eq!(config_map_key(Some(&labelled), "settings", "size"), Answer::Text("10".to_owned()));
        let told = |answer| match answer {
            Answer::NotFound(message) => format!("not found: {message}"),
            Answer::Refused(message) => format!("refused: {message}"),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            told(config_map_key(Some(&labelled), "settings", "x")),
            "not found: ConfigMap 'settings' does not have the key 'x'"
        );
        assert!(
            told(config_map_key(None, "settings", "x"))
                .starts_with("not found: ConfigMap 'settings' does not exist")
        );
        assert!(
            told(config_map_key(Some(&config_map("{}")), "settings", "size"))
                .starts_with("refused: ConfigMap 'settings' needs to have the label")
        );
        assert_eq!(memo_name("c", "k"), "c/k");
    }
}
