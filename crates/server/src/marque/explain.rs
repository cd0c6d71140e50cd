//! Why somebody may or may not: the decision, before anything is asked for. Not here: deciding (`policy`).

use axum::{Json, extract::State, http::Method};
use identity::{Principal, PrincipalKey, PrincipalKind};
use model::{ComponentRef, name::check_subdomain};
use policy::Explain;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    App, ServerError,
    answer::{Problem, decision_value},
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
    vouchers::LOCAL,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::POST, "/api/marque/v1/explain", &[act::<Explain>()], explain)]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExplainRequest {
    action: String,
    component: String,
    #[serde(default)]
    namespace: String,
    #[serde(default, rename = "as")]
    as_whom: Option<AsWhom>,
    /// Whose groups they are, when `as` is a list; the first configured issuer's when absent.
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// Somebody of the local directory by name, or anybody in these groups.
#[derive(Deserialize)]
#[serde(untagged)]
enum AsWhom {
    User(String),
    Groups(Vec<String>),
}

async fn explain(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Sent(request): Sent<ExplainRequest>,
) -> Result<Json<Value>, Problem> {
    if request.action != "submit" {
        return Err(ServerError::BadRequest("only the action `submit` can be explained".to_owned()).into());
    }
    let component = component(&request.component, &request.namespace)?;
    let component = app.runner().meant_component(&caller, component);
    let as_whom = request.as_whom.map(|whom| somebody(&app, whom, request.provider)).transpose()?;
    let decision = app.runner().explain_submit(&caller, &component, as_whom, request.reason).await?;
    Ok(Json(decision_value(&decision)))
}

fn component(text: &str, namespace: &str) -> Result<ComponentRef, ServerError> {
    let parts: Vec<&str> = text.split('/').collect();
    let (namespace, application, component) = match parts.as_slice() {
        [namespace, application, component] => (*namespace, *application, *component),
        [application, component] if !namespace.is_empty() => (namespace, *application, *component),
        _ => {
            let expected = "namespace/application/component, or application/component beside a namespace";
            return Err(ServerError::BadRequest(format!("`component` is not of the form {expected}")));
        }
    };
    for (what, name) in [("namespace", namespace), ("application", application), ("component", component)] {
        check_subdomain(what, name).map_err(|fault| ServerError::Faults(vec![fault]))?;
    }
    Ok(ComponentRef {
        namespace: namespace.to_owned(),
        application: application.to_owned(),
        component: component.to_owned(),
    })
}

/// Returns a description of somebody to ask about. It proves nothing: only a decision is made with it.
fn somebody(app: &App, whom: AsWhom, provider: Option<String>) -> Result<Principal, ServerError> {
    let groups = match whom {
        AsWhom::User(name) => {
            let unknown = || ServerError::BadRequest("`as` is nobody of the local directory".to_owned());
            return app.vouchers().describe(&name).ok_or_else(unknown);
        }
        AsWhom::Groups(groups) => groups,
    };
    let named = |group: &String| {
        let name = group.strip_prefix("group:").map(str::to_owned);
        name.ok_or_else(|| {
            ServerError::BadRequest("`as` is a user name or a list of `group:NAME`".to_owned())
        })
    };
    let mut groups = groups.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    groups.sort();
    groups.dedup();
    let provider = provider.or_else(|| app.config().issuers.first().map(|issuer| issuer.name.clone()));
    Ok(Principal {
        key: PrincipalKey {
            issuer: app.config().issuer_url(),
            subject: "somebody-in-these-groups".to_owned(),
        },
        provider: provider.unwrap_or_else(|| LOCAL.to_owned()),
        kind: PrincipalKind::User,
        name: None,
        email: None,
        groups,
        amr: Vec::new(),
        acr: None,
        auth_time: None,
    })
}
