//! Viewers: one list for everything, or one for each of status, logs and outputs.

use serde::{Deserialize, Serialize, de};

use super::Subject;

/// Who may see: one list for everything, or one for each of status, logs and outputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Viewers {
    /// Of phases, names and times.
    pub status: Vec<Subject>,
    /// Of logs.
    pub logs: Vec<Subject>,
    /// Of outputs.
    pub outputs: Vec<Subject>,
}

/// The long form.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ByKind {
    status: Vec<Subject>,
    logs: Vec<Subject>,
    outputs: Vec<Subject>,
}

struct ListOrMap;

impl<'de> de::Visitor<'de> for ListOrMap {
    type Value = Viewers;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of subjects, or an object with `status`, `logs` and `outputs`")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Viewers, E> {
        Ok(Viewers::default())
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Viewers, A::Error> {
        let all = Vec::<Subject>::deserialize(de::value::SeqAccessDeserializer::new(list))?;
        Ok(Viewers { status: all.clone(), logs: all.clone(), outputs: all })
    }
    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Viewers, A::Error> {
        let ByKind { status, logs, outputs } =
            ByKind::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Viewers { status, logs, outputs })
    }
}

impl<'de> Deserialize<'de> for Viewers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListOrMap)
    }
}

impl Serialize for Viewers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.status == self.logs && self.logs == self.outputs {
            return self.status.serialize(serializer);
        }
        let Self { status, logs, outputs } = self.clone();
        ByKind { status, logs, outputs }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(written: serde_json::Value, status: usize, logs: usize, outputs: usize) {
        let viewers: Viewers = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(
            (viewers.status.len(), viewers.logs.len(), viewers.outputs.len()),
            (status, logs, outputs)
        );
        let again: Viewers = serde_json::from_value(serde_json::to_value(&viewers).unwrap()).unwrap();
        assert_eq!(again, viewers);
    }

    #[test]
    fn a_list_counts_for_everything_and_a_map_for_each() {
        check(json!(["group:a", "group:b"]), 2, 2, 2);
        check(json!({"status": ["group:a"], "outputs": ["group:b", "group:c"]}), 1, 0, 2);
        check(json!([]), 0, 0, 0);
        check(json!(null), 0, 0, 0);
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [json!("group:a"), json!({"stdout": ["group:a"]}), json!(["everyone"]), json!(5)] {
            assert!(serde_json::from_value::<Viewers>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
