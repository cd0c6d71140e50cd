//! Somebody ([`Principal`], a plain description) and the proof that somebody is asking ([`Caller`]).
//! Not here: how it is proved (see `access`, `directory`, `session`).

use jiff::Timestamp;
use model::RunId;

/// What stays the same about somebody: the issuer and the subject. An e-mail address never is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalKey {
    /// The `iss` that vouches, verbatim (`local` directory: the server's own issuer URL).
    pub issuer: String,
    /// The `sub`.
    pub subject: String,
}

/// A person or a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A machine.
    Workload,
}

/// Somebody, with what the issuer says about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What stays the same.
    pub key: PrincipalKey,
    /// The configured name of the issuer (used in `user:ISSUER#SUBJECT` and `identityProvider`).
    pub provider: String,
    /// Person or machine.
    pub kind: PrincipalKind,
    /// Display name.
    pub name: Option<String>,
    /// E-mail address, for display only.
    pub email: Option<String>,
    /// Groups, as mapped by the configuration; sorted, unique.
    pub groups: Vec<String>,
    /// Authentication methods (`amr`, RFC 8176).
    pub amr: Vec<String>,
    /// Authentication context (`acr`).
    pub acr: Option<String>,
    /// When the person last authenticated.
    pub auth_time: Option<Timestamp>,
}

/// An authenticated principal. Cannot be made up: see the functions that return one.
#[derive(Debug, Clone)]
pub struct Caller {
    principal: Principal,
    on_behalf: Option<RunId>,
}

impl Caller {
    /// Returns who it is.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }
    /// Returns the run in whose name the caller acts, if it is a run.
    pub const fn run(&self) -> Option<RunId> {
        self.on_behalf
    }
    /// Returns the caller that stands for a stored run: the runner acts with the rights of the submitter, narrowed
    /// to that run. Only `runner` calls this (tidy checks it): the stored run is the voucher.
    pub const fn for_run(submitter: Principal, run: RunId) -> Self {
        Self { principal: submitter, on_behalf: Some(run) }
    }
    /// Returns the caller that stands for a schedule: the machine identity `cron/<namespace>/<name>`, which starts what the
    /// scopes list for it. Only `runner` calls this (tidy checks it): the applied CronWorkflow is the voucher. Its issuer
    /// is no URL, so that no configured issuer can vouch for one.
    pub fn for_schedule(namespace: &str, name: &str) -> Self {
        Self::machine(format!("cron/{namespace}/{name}"))
    }
    /// Returns the caller that a client of webhooks is: `webhook/<namespace>/<name>`, as with schedules.
    pub(crate) fn for_webhook(namespace: &str, name: &str) -> Self {
        Self::machine(format!("webhook/{namespace}/{name}"))
    }
    fn machine(subject: String) -> Self {
        let principal = Principal {
            name: Some(subject.clone()),
            key: PrincipalKey { issuer: "marque".to_owned(), subject },
            provider: "marque".to_owned(),
            kind: PrincipalKind::Workload,
            email: None,
            groups: Vec::new(),
            amr: Vec::new(),
            acr: None,
            auth_time: None,
        };
        Self { principal, on_behalf: None }
    }
    /// Returns the caller that a stored, unexpired login session stands for. Only `server` calls this (tidy checks
    /// it), with the principal that [`crate::SessionToken::sha256`] found in the store: the stored session is the
    /// voucher, and was itself made from a [`Caller`].
    pub const fn from_session(principal: Principal) -> Self {
        Self { principal, on_behalf: None }
    }
    /// Returns the caller whom a verified token or password vouches for.
    pub(crate) const fn vouched(principal: Principal) -> Self {
        Self { principal, on_behalf: None }
    }
    /// Returns the caller that the operating system vouches for, for `marque run` without a server.
    pub fn local_user(user_name: &str) -> Self {
        let key = PrincipalKey { issuer: "os".to_owned(), subject: user_name.to_owned() };
        Self {
            principal: Principal {
                key,
                provider: "os".to_owned(),
                kind: PrincipalKind::User,
                name: Some(user_name.to_owned()),
                email: None,
                groups: Vec::new(),
                amr: Vec::new(),
                acr: None,
                auth_time: None,
            },
            on_behalf: None,
        }
    }
}
