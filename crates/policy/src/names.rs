//! The names Cedar knows things by. Ids are opaque text given to Cedar as values, never spliced into policy text,
//! so a group called `"] || true` is just a group with an odd name.
//! Not here: what the entities say about themselves (see `request`).

use std::str::FromStr;

use cedar_policy::{EntityId, EntityTypeName, EntityUid};
use model::oam::Via;
use serde_json::{Value, json};

use crate::error::CompileError;

/// The entity types of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Action,
    Component,
    Delegate,
    Group,
    Namespace,
    Parameters,
    Run,
    Scope,
    Server,
    User,
    Via,
    Workload,
}

impl Kind {
    /// Returns the type's name in the schema.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Action => "Action",
            Self::Component => "Component",
            Self::Delegate => "Delegate",
            Self::Group => "Group",
            Self::Namespace => "Namespace",
            Self::Parameters => "Parameters",
            Self::Run => "Run",
            Self::Scope => "Scope",
            Self::Server => "Server",
            Self::User => "User",
            Self::Via => "Via",
            Self::Workload => "Workload",
        }
    }
}

/// The parsed type names; parsing one costs more than a decision, so it is done once.
#[derive(Debug)]
pub(crate) struct Names {
    action: EntityTypeName,
    component: EntityTypeName,
    delegate: EntityTypeName,
    group: EntityTypeName,
    namespace: EntityTypeName,
    parameters: EntityTypeName,
    run: EntityTypeName,
    scope: EntityTypeName,
    server: EntityTypeName,
    user: EntityTypeName,
    via: EntityTypeName,
    workload: EntityTypeName,
}

impl Names {
    /// Parses the type names.
    pub(crate) fn new() -> Result<Self, CompileError> {
        let parse = |kind: Kind| {
            EntityTypeName::from_str(kind.name())
                .map_err(|error| CompileError::BuiltIn { what: "type name", reason: error.to_string() })
        };
        Ok(Self {
            action: parse(Kind::Action)?,
            component: parse(Kind::Component)?,
            delegate: parse(Kind::Delegate)?,
            group: parse(Kind::Group)?,
            namespace: parse(Kind::Namespace)?,
            parameters: parse(Kind::Parameters)?,
            run: parse(Kind::Run)?,
            scope: parse(Kind::Scope)?,
            server: parse(Kind::Server)?,
            user: parse(Kind::User)?,
            via: parse(Kind::Via)?,
            workload: parse(Kind::Workload)?,
        })
    }

    /// Returns the entity of this type with this id.
    pub(crate) fn uid(&self, kind: Kind, id: &str) -> EntityUid {
        let name = match kind {
            Kind::Action => &self.action,
            Kind::Component => &self.component,
            Kind::Delegate => &self.delegate,
            Kind::Group => &self.group,
            Kind::Namespace => &self.namespace,
            Kind::Parameters => &self.parameters,
            Kind::Run => &self.run,
            Kind::Scope => &self.scope,
            Kind::Server => &self.server,
            Kind::User => &self.user,
            Kind::Via => &self.via,
            Kind::Workload => &self.workload,
        };
        EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id))
    }
}

/// Returns the JSON form of an entity, as Cedar's policy format spells it.
pub(crate) fn entity_json(kind: Kind, id: &str) -> Value {
    json!({ "type": kind.name(), "id": id })
}

/// Returns a person's id: the JSON text of the configured issuer's name and the subject, so that no two pairs
/// share one.
pub(crate) fn user_id(provider: &str, subject: &str) -> String {
    json!([provider, subject]).to_string()
}

/// Returns the path's name in the schema.
pub(crate) const fn via_id(via: Via) -> &'static str {
    match via {
        Via::Manual => "manual",
        Via::Cron => "cron",
        Via::Event => "event",
        Via::Api => "api",
    }
}
