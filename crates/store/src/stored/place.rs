//! Where an output artifact was stored, as it is kept: a text is a key of this machine's own store, an object is a
//! location as Argo writes it. Version 1.

use engine::StoredArtifact;
use model::argo::Location;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

#[derive(Debug)]
pub(super) struct StoredPlace(StoredArtifact);

impl From<StoredArtifact> for StoredPlace {
    fn from(at: StoredArtifact) -> Self {
        Self(at)
    }
}

impl From<StoredPlace> for StoredArtifact {
    fn from(StoredPlace(at): StoredPlace) -> Self {
        at
    }
}

impl Serialize for StoredPlace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            StoredArtifact::Key(key) => serializer.serialize_str(key),
            StoredArtifact::Located(at) => {
                Map::from_iter([(at.driver().to_owned(), at.fields())]).serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for StoredPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(key) => Ok(Self(StoredArtifact::Key(key))),
            Value::Object(fields) => match Location::of(&fields) {
                Ok(Some(at)) => Ok(Self(StoredArtifact::Located(Box::new(at)))),
                Ok(None) => Err(D::Error::custom("an artifact without a location")),
                Err(fault) => Err(D::Error::custom(fault)),
            },
            _ => Err(D::Error::custom("an artifact is a key or a location")),
        }
    }
}
