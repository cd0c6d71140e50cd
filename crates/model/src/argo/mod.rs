//! Argo Workflows' objects as they are written and as its API shows them (v4.1.2,
//! `pkg/apis/workflow/v1alpha1/workflow_types.go`). Fields that nothing here reads yet are kept verbatim in
//! `rest`, so an object goes out as it came in.

mod advice;
mod artifact;
mod control;
mod cron;
mod driver;
mod event;
mod kinds;
mod node_id;
mod pod;
mod renew;
mod repository;
mod status;
mod strategic;
mod string;
mod template;
mod validate;
mod workflow;

pub use advice::{OLD_SPELLING, ONLY_ON_KUBERNETES, advice};
pub use artifact::*;
pub use control::*;
pub use cron::*;
pub use driver::*;
pub use event::*;
pub use kinds::*;
pub use node_id::{NodeId, fnv1a_32, node_id, pod_name};
pub use pod::*;
pub use renew::{Renewed, renew};
pub use repository::*;
pub use status::{
    MemoizationStatus, NodeFlag, NodeOutputs, NodePhase, NodeStatus, NodeSynchronizationStatus, NodeType,
    WorkflowPhase, WorkflowStatus,
};
pub use strategic::{strategic_merge, strategic_merge_pod, with_template_defaults};
pub use string::{AnyString, IntOrString};
pub use template::*;
pub use validate::{
    BAD_DEPENDENCY, BAD_SCHEDULE, BAD_WORKFLOW, FindTemplate, Findings, Mode, NoTemplates,
    PARAMETER_WITHOUT_VALUE, UNKNOWN_TEMPLATE, UNRESOLVED, Validation, examine, validate,
    validate_cron_workflow, validate_event_binding, validate_name,
};
pub use workflow::*;
