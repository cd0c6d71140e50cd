//! The fields of Kubernetes' ConfigMap and Secret; a Secret has one of ours: `sealed`.

use super::{
    argo_fields::METADATA,
    shape::Shape::{self, Any, Fields, Object},
};

pub(super) const CONFIG_MAP: Shape = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    ("data", Fields(&Any)),
    ("binaryData", Fields(&Any)),
    ("immutable", Any),
]);

pub(super) const SECRET: Shape = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    ("type", Any),
    ("data", Fields(&Any)),
    ("stringData", Fields(&Any)),
    ("immutable", Any),
    ("sealed", Any),
]);
