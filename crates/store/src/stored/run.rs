//! [`StoredRun`] and [`Principal`], version 1.

use std::collections::BTreeMap;

use identity::{Principal, PrincipalKey, PrincipalKind};
use jiff::Timestamp;
use model::{
    ApplyId, ComponentRef, NamespacedName, RunId,
    argo::{Workflow, WorkflowPhase},
    lower::{Binding, EffectiveGate},
    oam::Via,
};
use policy::RunFacts;
use serde::{Deserialize, Serialize};

use crate::{StoreError, StoredRun, error::damaged};

const VERSION: u32 = 1;

/// The phase is the one the run begins with; the later ones are in its events.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RunRecord {
    v: u32,
    id: String,
    facts: FactsRecord,
    submitter: PrincipalRecord,
    binding: BindingRecord,
    workflow: Workflow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    created_at: Timestamp,
    phase: WorkflowPhase,
}

/// What of a [`RunRecord`] decisions need: a large workflow is passed over.
#[derive(Debug, Deserialize)]
struct FactsOfRun {
    v: u32,
    id: String,
    facts: FactsRecord,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FactsRecord {
    namespace: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<ComponentRecord>,
    scopes: Vec<NameRecord>,
    submitter: KeyRecord,
    via: Via,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentRecord {
    namespace: String,
    application: String,
    component: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameRecord {
    namespace: String,
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRecord {
    issuer: String,
    subject: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BindingRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<ComponentRecord>,
    namespace: String,
    scopes: Vec<NameRecord>,
    gates: Vec<GateRecord>,
    template_digest: String,
    parameters_digest: String,
    overrides: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GateRecord {
    node: String,
    min: u32,
    expires_after_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PrincipalRecord {
    v: u32,
    key: KeyRecord,
    provider: String,
    kind: KindRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    groups: Vec<String>,
    amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KindRecord {
    User,
    Workload,
}

/// Returns the run as it is kept, without what is derived (phase, deletion, number of events).
///
/// # Errors
/// [`StoreError::Damaged`] if it has no JSON form, which every run has.
pub(crate) fn run_to_text(run: &StoredRun) -> Result<String, StoreError> {
    let record = RunRecord {
        v: VERSION,
        id: run.facts.id.to_string(),
        facts: facts_to_record(&run.facts),
        submitter: principal_to_record(&run.submitter),
        binding: binding_to_record(&run.binding),
        workflow: run.workflow.clone(),
        revision: run.revision.as_ref().map(ApplyId::to_string),
        created_at: run.created_at,
        phase: run.phase,
    };
    Ok(serde_json::to_string(&record)?)
}

/// Reads a run back; phase, deletion and number of events are those of a run without events.
///
/// # Errors
/// [`StoreError::Damaged`].
pub(crate) fn run_from_text(text: &str) -> Result<StoredRun, StoreError> {
    let record: RunRecord = serde_json::from_str(text)?;
    check_version("a run", record.v)?;
    let id: RunId = record.id.parse().map_err(damaged)?;
    Ok(StoredRun {
        facts: record_to_facts(id, record.facts),
        submitter: record_to_principal(record.submitter)?,
        binding: record_to_binding(record.binding),
        workflow: record.workflow,
        revision: record.revision.map(|id| id.parse()).transpose().map_err(damaged)?,
        created_at: record.created_at,
        phase: record.phase,
        deleted: false,
        events: 0,
    })
}

/// Reads of a run what decisions need.
///
/// # Errors
/// [`StoreError::Damaged`].
pub(crate) fn facts_from_text(text: &str) -> Result<RunFacts, StoreError> {
    let record: FactsOfRun = serde_json::from_str(text)?;
    check_version("a run", record.v)?;
    Ok(record_to_facts(record.id.parse().map_err(damaged)?, record.facts))
}

/// Returns the principal as it is kept.
///
/// # Errors
/// [`StoreError::Damaged`] if it has no JSON form, which everybody has.
pub(crate) fn principal_to_text(principal: &Principal) -> Result<String, StoreError> {
    Ok(serde_json::to_string(&principal_to_record(principal))?)
}

/// Reads a principal back.
///
/// # Errors
/// [`StoreError::Damaged`].
pub(crate) fn principal_from_text(text: &str) -> Result<Principal, StoreError> {
    record_to_principal(serde_json::from_str(text)?)
}

fn check_version(what: &str, version: u32) -> Result<(), StoreError> {
    if version == VERSION {
        return Ok(());
    }
    Err(damaged(format!("{what} of version {version}, which this release does not know")))
}

fn name_to_record(name: &NamespacedName) -> NameRecord {
    NameRecord { namespace: name.namespace.clone(), name: name.name.clone() }
}
fn record_to_name(record: NameRecord) -> NamespacedName {
    NamespacedName { namespace: record.namespace, name: record.name }
}

fn component_to_record(component: &ComponentRef) -> ComponentRecord {
    let ComponentRef { namespace, application, component } = component.clone();
    ComponentRecord { namespace, application, component }
}
fn record_to_component(record: ComponentRecord) -> ComponentRef {
    let ComponentRecord { namespace, application, component } = record;
    ComponentRef { namespace, application, component }
}

fn key_to_record(key: &PrincipalKey) -> KeyRecord {
    KeyRecord { issuer: key.issuer.clone(), subject: key.subject.clone() }
}
fn record_to_key(record: KeyRecord) -> PrincipalKey {
    PrincipalKey { issuer: record.issuer, subject: record.subject }
}

fn facts_to_record(facts: &RunFacts) -> FactsRecord {
    FactsRecord {
        namespace: facts.name.namespace.clone(),
        name: facts.name.name.clone(),
        component: facts.component.as_ref().map(component_to_record),
        scopes: facts.scopes.iter().map(name_to_record).collect(),
        submitter: key_to_record(&facts.submitter),
        via: facts.via,
    }
}
fn record_to_facts(id: RunId, record: FactsRecord) -> RunFacts {
    RunFacts {
        id,
        name: NamespacedName { namespace: record.namespace, name: record.name },
        component: record.component.map(record_to_component),
        scopes: record.scopes.into_iter().map(record_to_name).collect(),
        submitter: record_to_key(record.submitter),
        via: record.via,
    }
}

fn binding_to_record(binding: &Binding) -> BindingRecord {
    let gate = |gate: &EffectiveGate| GateRecord {
        node: gate.node.clone(),
        min: gate.min,
        expires_after_ms: gate.expires_after_ms,
    };
    BindingRecord {
        component: binding.component.as_ref().map(component_to_record),
        namespace: binding.namespace.clone(),
        scopes: binding.scopes.iter().map(name_to_record).collect(),
        gates: binding.gates.iter().map(gate).collect(),
        template_digest: binding.template_digest.clone(),
        parameters_digest: binding.parameters_digest.clone(),
        overrides: binding.overrides.clone(),
    }
}
fn record_to_binding(record: BindingRecord) -> Binding {
    let gate = |gate: GateRecord| EffectiveGate {
        node: gate.node,
        min: gate.min,
        expires_after_ms: gate.expires_after_ms,
    };
    Binding {
        component: record.component.map(record_to_component),
        namespace: record.namespace,
        scopes: record.scopes.into_iter().map(record_to_name).collect(),
        gates: record.gates.into_iter().map(gate).collect(),
        template_digest: record.template_digest,
        parameters_digest: record.parameters_digest,
        overrides: record.overrides,
    }
}

fn principal_to_record(principal: &Principal) -> PrincipalRecord {
    PrincipalRecord {
        v: VERSION,
        key: key_to_record(&principal.key),
        provider: principal.provider.clone(),
        kind: match principal.kind {
            PrincipalKind::User => KindRecord::User,
            PrincipalKind::Workload => KindRecord::Workload,
        },
        name: principal.name.clone(),
        email: principal.email.clone(),
        groups: principal.groups.clone(),
        amr: principal.amr.clone(),
        acr: principal.acr.clone(),
        auth_time: principal.auth_time,
    }
}
fn record_to_principal(record: PrincipalRecord) -> Result<Principal, StoreError> {
    check_version("a principal", record.v)?;
    Ok(Principal {
        key: record_to_key(record.key),
        provider: record.provider,
        kind: match record.kind {
            KindRecord::User => PrincipalKind::User,
            KindRecord::Workload => PrincipalKind::Workload,
        },
        name: record.name,
        email: record.email,
        groups: record.groups,
        amr: record.amr,
        acr: record.acr,
        auth_time: record.auth_time,
    })
}
