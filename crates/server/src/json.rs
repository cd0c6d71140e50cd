//! Bodies: JSON read strictly. A key that stands twice in one object is refused, because two readers may each see
//! another value; nesting ends at `serde_json`'s limit of 128.
//! Not here: what the values mean.

use std::fmt;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::header,
};
use model::yaml::{Document, Places, decode};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{ServerError, answer::Rejection, limits::MAX_BODY_BYTES};

/// A body read as a `T`; an empty one counts as `{}`.
#[derive(Debug)]
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Rejection;
    async fn from_request(request: Request, _: &S) -> Result<Self, Rejection> {
        let path = request.uri().path().to_owned();
        let read = async {
            let (parts, body) = request.into_parts();
            if let Some(kind) = parts.headers.get(header::CONTENT_TYPE) {
                check_kind(kind.to_str().unwrap_or("unreadable"))?;
            }
            let bytes = gather(body).await?;
            let value = if bytes.is_empty() { Value::Object(Map::new()) } else { strict(&bytes)? };
            // as leniently as Go does: null is the zero value of whatever is asked for
            decode(&Document::from_value(&value, &Places::default())).map(Self).map_err(ServerError::Faults)
        };
        read.await.map_err(|error| Rejection::at(&path, error))
    }
}

/// A body that is any JSON whatever its `Content-Type`, as senders of events leave it to their client; an empty one is
/// null.
#[derive(Debug)]
pub(crate) struct SentAny(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for SentAny {
    type Rejection = Rejection;
    async fn from_request(request: Request, _: &S) -> Result<Self, Rejection> {
        let path = request.uri().path().to_owned();
        let read = async {
            let bytes = gather(request.into_body()).await?;
            if bytes.is_empty() { Ok(Value::Null) } else { strict(&bytes) }
        };
        read.await.map(Self).map_err(|error| Rejection::at(&path, error))
    }
}

fn check_kind(kind: &str) -> Result<(), ServerError> {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(ServerError::NotJson(essence.chars().take(64).collect::<String>().escape_debug().to_string()))
}

/// Reads a body to its end.
///
/// # Errors
/// [`ServerError::BodyTooLarge`], or [`ServerError::BadRequest`] if it breaks off.
pub(crate) async fn gather(body: Body) -> Result<bytes::Bytes, ServerError> {
    axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        let too_large =
            std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("length limit"));
        if too_large {
            ServerError::BodyTooLarge { limit: MAX_BODY_BYTES }
        } else {
            ServerError::BadRequest("the body ended before its time".to_owned())
        }
    })
}

/// Reads JSON.
///
/// # Errors
/// [`ServerError::BadRequest`] with line and column: not JSON, too deep, a key twice.
pub(crate) fn strict(bytes: &[u8]) -> Result<Value, ServerError> {
    let Strict(value) =
        serde_json::from_slice(bytes).map_err(|error| ServerError::BadRequest(error.to_string()))?;
    Ok(value)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if fields.contains_key(&key) {
                let shown: String = key.chars().take(64).collect();
                return Err(A::Error::custom(format_args!("key `{}` stands twice", shown.escape_debug())));
            }
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}
