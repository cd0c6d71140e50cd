//! Logging in and out, and who one is. Login by an OpenID provider happens between the client and the provider; here
//! clients learn which there are.
//! Not here: checking passwords and tokens (`vouchers`, `identity`).

use std::net::IpAddr;

use axum::{
    Extension, Json,
    extract::State,
    http::{Method, StatusCode},
};
use identity::{Caller, PrincipalKind, Secret, SessionToken};
use jiff::SignedDuration;
use model::SessionId;
use policy::{LogIn, LogOut, ViewServer};
use runner::random;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Session;

use crate::{
    App, ServerError,
    answer::Problem,
    app::Peer,
    authn::{Authenticated, BySession, Unvouched, unvouched},
    endpoint::{Endpoint, act},
    json::Sent,
    vouchers::LOCAL,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const LOGIN: &str = "/api/marque/v1/login/local";
    vec![
        Endpoint::public(Method::GET, "/api/marque/v1/login", "says how to log in", providers),
        Endpoint::public(Method::POST, LOGIN, "is the login itself", log_in).acting(&[act::<LogIn>()]),
        Endpoint::new(Method::POST, "/api/marque/v1/logout", &[act::<LogOut>()], log_out),
        Endpoint::new(Method::GET, "/api/marque/v1/whoami", &[act::<ViewServer>()], who_am_i),
    ]
}

async fn providers(State(app): State<App>) -> Json<Value> {
    let config = app.config();
    let oidc = config.issuers.iter().filter_map(|issuer| {
        issuer.client_id.as_ref().map(|client| {
            json!({
                "name": issuer.name,
                "kind": "oidc",
                "issuer": issuer.issuer,
                "clientId": client,
                "audience": issuer.audiences.first(),
                "scopes": issuer.scopes,
            })
        })
    });
    let local = config.local_directory.iter().map(|_| json!({"name": LOCAL, "kind": "local"}));
    let providers: Vec<Value> = oidc.chain(local).collect();
    Json(json!({"issuer": config.issuer_url(), "providers": providers}))
}

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

async fn log_in(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    Sent(Credentials { user, password }): Sent<Credentials>,
) -> Result<Json<Value>, Problem> {
    let peer = peer.map(|Extension(Peer(ip))| ip);
    let caller = check(&app, peer, user, Secret::new(password)).await?;
    let minutes = app.config().local_directory.as_ref().map_or(0, |directory| directory.session_minutes);
    let now = app.now();
    let token = SessionToken::from_random(random::bytes().map_err(ServerError::internal)?);
    let session = Session {
        id: SessionId::from_uuid(random::uuid(now).map_err(ServerError::internal)?),
        principal: caller.principal().clone(),
        expires_at: now
            .checked_add(SignedDuration::from_mins(i64::from(minutes)))
            .map_err(ServerError::internal)?,
    };
    let (id, expires_at) = (session.id.to_string(), session.expires_at);
    let action = LogIn { session: id };
    app.runner()
        .act(&caller, action, async |go| {
            app.runner().store().create_session(go, token.sha256(), session).await
        })
        .await?;
    Ok(Json(json!({
        "token": token.expose(),
        "expiresAt": expires_at.to_string(),
        "principal": principal(&caller),
    })))
}

/// Returns whose password this is; whatever is wrong, the answer and its cost are the same.
async fn check(
    app: &App,
    peer: Option<IpAddr>,
    user: String,
    password: Secret,
) -> Result<Caller, ServerError> {
    const REQUEST: &str = "POST /api/marque/v1/login/local";
    if let Some(seconds) = app.throttle().wait(peer, &user, app.now()) {
        return Err(ServerError::Throttled { seconds });
    }
    let turn = app.passwords().acquire().await.map_err(ServerError::internal)?;
    // counted as failed until it has not: otherwise many attempts at once would all be free
    app.throttle().failed(peer, &user, app.now());
    let checked = app.vouchers().password(user.clone(), password, app.now()).await;
    drop(turn);
    match checked {
        Ok(caller) => {
            app.throttle().succeeded(peer, &user);
            Ok(caller)
        }
        Err(why) => {
            let named = if app.vouchers().knows(&user) { format!(" (user `{user}`)") } else { String::new() };
            let why = Unvouched::new(why.code, format!("{}{named}", why.reason));
            Err(match unvouched(app, &why, REQUEST).await {
                ServerError::Unauthenticated => ServerError::LoginRefused,
                other => other,
            })
        }
    }
}

async fn log_out(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    BySession(token): BySession,
) -> Result<StatusCode, Problem> {
    let token = token.ok_or_else(|| {
        ServerError::BadRequest("there is no session: tokens of an issuer end by themselves".to_owned())
    })?;
    let store = app.runner().store();
    let session = store.session(token.sha256(), app.now()).await?.ok_or(ServerError::Unauthenticated)?;
    let action = LogOut { session: session.id.to_string() };
    app.runner().act(&caller, action, async |go| store.end_session(go).await).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn who_am_i(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, Problem> {
    app.runner().act(&caller, ViewServer {}, async |_| Ok::<_, ServerError>(())).await?;
    Ok(Json(principal(&caller)))
}

/// Returns a caller as our API shows them: to themselves alone.
fn principal(caller: &Caller) -> Value {
    let principal = caller.principal();
    let from = if principal.provider == LOCAL { "the local directory" } else { "the token's groups claim" };
    json!({
        "issuer": principal.key.issuer,
        "subject": principal.key.subject,
        "provider": principal.provider,
        "kind": match principal.kind { PrincipalKind::User => "user", PrincipalKind::Workload => "workload" },
        "name": principal.name,
        "email": principal.email,
        "groups": principal.groups,
        "groupsFrom": from,
        "amr": principal.amr,
        "acr": principal.acr,
        "authTime": principal.auth_time.map(|at| at.to_string()),
    })
}
