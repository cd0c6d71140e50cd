//! Definitions: what Applications may use. Their specs are kept verbatim; `catalog` reads what it needs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::argo::ObjectMeta;

macro_rules! definition {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            /// `core.oam.dev/v1beta1`.
            pub api_version: String,
            /// The kind.
            pub kind: String,
            /// Name, labels, annotations.
            pub metadata: ObjectMeta,
            /// The definition, verbatim.
            pub spec: Value,
        }
    };
}
definition!(
    /// ComponentDefinition (OAM `3.component_model.md`).
    ComponentDefinition
);
definition!(
    /// TraitDefinition (OAM `6.traits.md`).
    TraitDefinition
);
definition!(
    /// ScopeDefinition (OAM `5.application_scopes.md`).
    ScopeDefinition
);
definition!(
    /// WorkloadDefinition (OAM `4.workload_types.md`).
    WorkloadDefinition
);
definition!(
    /// PolicyDefinition (KubeVela; not in the OAM specification).
    PolicyDefinition
);
