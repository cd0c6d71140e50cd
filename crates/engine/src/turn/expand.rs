//! Loops: one call becomes many. Source: Argo `steps.go` expandStep, `dag.go` expandTask.

use model::{argo::Call, limits};

use super::{Turn, item, lookup::Asker};
use crate::live::Expanded;

impl Turn {
    /// Returns the calls that `call` stands for, named; none for an empty list.
    ///
    /// # Errors
    /// Why the items cannot be read or are too many.
    pub(super) fn expand(&mut self, asker: Asker, name: &str, call: &Call) -> Result<Vec<Expanded>, String> {
        let items = match (&call.with_items, &call.with_sequence) {
            (Some(items), _) if !items.is_empty() => items.clone(),
            _ if !call.with_param.is_empty() => match item::of_param(&call.with_param) {
                // what would not run need not be readable
                Err(_) if matches!(expr::when(&call.when), Ok(false)) => Vec::new(),
                items => items?,
            },
            (_, Some(sequence)) => item::of_sequence(sequence)?,
            (_, None) => Vec::new(),
        };
        if self.run.status.nodes.len().saturating_add(items.len()) > limits::MAX_NODES {
            return Err(format!("the workflow has more than {} nodes", limits::MAX_NODES));
        }
        // What is the same for every item is not copied for each.
        let bare = Call { with_items: None, with_param: String::new(), with_sequence: None, ..call.clone() };
        let computed = serde_json::to_value(&bare).is_ok_and(|json| super::expression::any_in(&json));
        let one = |(index, value): (usize, &serde_json::Value)| {
            let variables = item::variables(value);
            let call = self.for_item(asker, &bare, &variables, computed)?;
            Ok(Expanded { name: item::name(name, index, value), call })
        };
        items.iter().enumerate().map(one).collect()
    }
}
