//! The fields of OAM's and Marque's objects. KubeVela's further fields of an Application are known, so that
//! the check of the catalog can say that they are not carried out here.

use super::{
    argo_fields::METADATA,
    shape::Shape::{self, Any, Fields, List, Object},
};

pub(super) const DEFINITION: Shape =
    Object(&[("apiVersion", Any), ("kind", Any), ("metadata", METADATA), ("spec", Any), ("status", Any)]);

pub(super) const APPLICATION: Shape = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    (
        "spec",
        Object(&[
            (
                "components",
                List(&Object(&[
                    ("name", Any),
                    ("type", Any),
                    ("properties", Any),
                    ("traits", List(&Object(&[("type", Any), ("properties", Any)]))),
                    ("scopes", Fields(&Any)),
                    ("dependsOn", Any),
                    ("externalRevision", Any),
                    ("inputs", Any),
                    ("outputs", Any),
                    ("replicaKey", Any),
                ])),
            ),
            ("policies", List(&Object(&[("name", Any), ("type", Any), ("properties", Any)]))),
            ("workflow", Any),
        ]),
    ),
    ("status", Any),
]);

pub(super) const IDENTITY_SCOPE: Shape = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    (
        "spec",
        Object(&[
            ("parent", Any),
            ("namespaceRoot", Any),
            ("identityProvider", Any),
            ("classification", Any),
            ("owners", Any),
            ("viewers", Any),
            ("triggerers", List(&Object(&[("subject", Any), ("via", Any)]))),
            ("approvers", Any),
            ("approvals", Object(&[("min", Any), ("separationOfDuties", Any), ("expiresAfter", Any)])),
            ("environments", Any),
            ("cloud", Any),
            ("egress", Any),
            ("secrets", Any),
            ("breakGlass", Any),
        ]),
    ),
]);

pub(super) const ACCESS_POLICY: Shape = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    (
        "spec",
        Object(&[(
            "rules",
            List(&Object(&[("effect", Any), ("actions", Any), ("subjects", Any), ("when", Any)])),
        )]),
    ),
]);
