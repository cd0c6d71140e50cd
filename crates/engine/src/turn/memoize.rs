//! Memoized outputs: asked for before a node runs, remembered once it has Succeeded.
//! Source: Argo `operator.go` executeTemplate; `workflow/controller/cache/configmap_cache.go`.

use jiff::SignedDuration;
use model::{
    argo::{MemoizationStatus, NodeId, NodePhase, NodeType},
    duration::go_duration_ms,
};

use super::{Turn, inputs::Ready, reference::Found};
use crate::{
    Answer, Command, MemoEntry, Question,
    live::{Body, Start},
};

/// Whether a key may be one of a ConfigMap cache.
fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphanumeric())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl Turn {
    /// Asks for the entry that would serve `start`; it goes on with the answer.
    pub(super) fn ask_for_memo(&mut self, start: Start, ready: &Ready, kind: NodeType) -> Option<Start> {
        let memoize = ready.template.memoize.as_ref()?;
        let cache = memoize.cache.as_ref().and_then(|cache| cache.config_map.as_ref());
        let max_age = match memoize.max_age.as_str() {
            "" => Ok(None),
            text => match go_duration_ms(text) {
                Ok(ms) => Ok(Some(SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX)))),
                Err(_) => Err(format!("invalid maxAge: time: invalid duration \"{text}\"")),
            },
        };
        let refused = match (cache, &max_age) {
            (None, _) => Some("cache could not be found or created".to_owned()),
            _ if !is_key(&memoize.key) => Some(format!("invalid cache key: {}", memoize.key)),
            (_, Err(reason)) => Some(reason.clone()),
            _ => None,
        };
        let (None, Some(cache)) = (refused.as_ref(), cache) else {
            self.cannot_start(start, refused.unwrap_or_default());
            return None;
        };
        let question = Question::Memo { cache: cache.name.clone(), key: memoize.key.clone() };
        let at = self.wait(start, ready, kind, Some(question.clone()));
        if let Some(Body::Waits(waits)) = self.run.live.slots.get_mut(at).map(|slot| &mut slot.body) {
            waits.max_age = max_age.ok().flatten();
        }
        let node = self.node(at).map(|node| node.id.clone());
        self.commands.push(Command::Ask { node, question });
        None
    }

    /// What is known of the entry a node asked for has come.
    pub(super) fn memo_answered(&mut self, node: &NodeId, question: &Question, answer: &Answer) {
        let Some(at) = self.at(node) else { return };
        let Question::Memo { cache, key } = question else { return };
        let Some(waits) = self.wait_over(at) else { return };
        let mut start = waits.start;
        let fresh = |created: jiff::Timestamp| {
            waits.max_age.is_none_or(|age| self.now.duration_since(created) <= age)
        };
        let outputs = match answer {
            Answer::Refused(reason) => return self.cannot_start(start, reason.clone()),
            Answer::Memo { created_at, outputs, .. } if fresh(*created_at) => Some(outputs.clone()),
            _ => None,
        };
        let status =
            MemoizationStatus { hit: outputs.is_some(), key: key.clone(), cache_name: cache.clone() };
        if let Some(node) = self.node_mut(at) {
            node.memoization_status = Some(Box::new(status));
        }
        let Some(outputs) = outputs else {
            start.been.asked = true;
            return self.then_start(start);
        };
        if let Ok(Found::Known(compiled)) = self.template_of(&start) {
            self.publish(&compiled.template.outputs, &outputs);
        }
        if let Some(node) = self.node_mut(at) {
            node.outputs = Some(outputs);
        }
        self.end(at, NodePhase::Succeeded, String::new());
    }

    /// Remembers the outputs of a node that has Succeeded and asked in vain.
    pub(super) fn remember(&mut self, at: usize) {
        let Some(node) = self.node(at) else { return };
        let Some(status) = node.memoization_status.as_ref().filter(|status| !status.hit) else { return };
        if node.phase != NodePhase::Succeeded {
            return;
        }
        let entry = MemoEntry {
            cache: status.cache_name.clone(),
            key: status.key.clone(),
            node: node.id.clone(),
            outputs: node.outputs.clone().unwrap_or_default(),
        };
        self.commands.push(Command::Memoize(Box::new(entry)));
    }
}
