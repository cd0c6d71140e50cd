//! The claims of a token (RFC 7519), each read in the one shape it may have; anything else is a refusal.
//! Not here: which claims a kind of token needs (see `access`, `id_token`).

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    error::{AuthError, quoted},
    issuer::{ClaimEquals, IssuerConfig},
    principal::{Principal, PrincipalKey, PrincipalKind},
};

/// The longest subject, in bytes (OpenID Connect Core §2).
const MAX_SUBJECT_BYTES: usize = 255;
/// The most groups.
const MAX_GROUPS: usize = 1000;
/// The longest group, in bytes.
const MAX_GROUP_BYTES: usize = 255;
/// The longest text that is only displayed, in bytes.
const MAX_DISPLAY_BYTES: usize = 255;
/// The most audiences of one token.
const MAX_AUDIENCES: usize = 32;

/// The claims of a token whose signature has been checked.
pub(crate) struct Claims<'a> {
    members: &'a Map<String, Value>,
}

pub(crate) fn bad(claim: &str, problem: &'static str) -> AuthError {
    AuthError::BadClaim { claim: quoted(claim), problem }
}

impl<'a> Claims<'a> {
    pub(crate) const fn new(members: &'a Map<String, Value>) -> Self {
        Self { members }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Returns a claim that is text if it is there.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, AuthError> {
        match self.members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(bad(name, "is not text")),
        }
    }

    /// Returns a claim that is a time if it is there: whole seconds since 1970, as every provider sends them.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, AuthError> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let seconds = value.as_i64().filter(|seconds| *seconds >= 0);
        let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map(Some).ok_or_else(|| bad(name, "is not a time in whole seconds"))
    }

    pub(crate) fn required_time(&self, name: &'static str) -> Result<Timestamp, AuthError> {
        self.time(name)?.ok_or_else(|| bad(name, "is missing"))
    }

    pub(crate) fn issuer(&self) -> Result<&'a str, AuthError> {
        self.text("iss")?.ok_or_else(|| bad("iss", "is missing"))
    }

    /// Checks `exp`, `nbf` and `iat` against `now`, and returns `exp`.
    pub(crate) fn check_times(&self, config: &IssuerConfig, now: Timestamp) -> Result<Timestamp, AuthError> {
        let skew = config.skew();
        let expires = self.required_time("exp")?;
        let issued = self.required_time("iat")?;
        if now.duration_since(expires) >= skew {
            return Err(AuthError::Expired);
        }
        let future = |time: Timestamp| time.duration_since(now) > skew;
        if future(issued) {
            return Err(AuthError::NotYetValid { claim: "iat" });
        }
        if self.time("nbf")?.is_some_and(future) {
            return Err(AuthError::NotYetValid { claim: "nbf" });
        }
        let age = now.duration_since(issued).checked_sub(skew);
        if age.is_some_and(|age| age > config.max_age()) {
            return Err(AuthError::TooOld);
        }
        Ok(expires)
    }

    /// Checks `aud` against the accepted audiences, byte by byte, and the authorized party where there are several.
    pub(crate) fn check_audience(&self, accepted: &[&str], client: Option<&str>) -> Result<(), AuthError> {
        let audiences = self.audiences()?;
        if !audiences.iter().any(|audience| accepted.contains(audience)) {
            return Err(AuthError::WrongAudience);
        }
        let azp = self.text("azp")?;
        if audiences.len() > 1 {
            // RFC 9068 access tokens name the client in `client_id`, ID tokens in `azp`.
            let party = azp.or(self.text("client_id")?);
            if party.is_none() || party != client {
                return Err(AuthError::WrongParty);
            }
        }
        Ok(())
    }

    fn audiences(&self) -> Result<Vec<&'a str>, AuthError> {
        match self.members.get("aud") {
            None => Err(bad("aud", "is missing")),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(several)) if !several.is_empty() && several.len() <= MAX_AUDIENCES => {
                let texts: Option<Vec<_>> = several.iter().map(Value::as_str).collect();
                texts.ok_or_else(|| bad("aud", "is neither text nor a list of texts"))
            }
            Some(_) => Err(bad("aud", "is neither text nor a list of texts")),
        }
    }

    /// Returns who the claims describe.
    pub(crate) fn principal(&self, config: &IssuerConfig) -> Result<Principal, AuthError> {
        let settings = config.settings();
        let subject = self.text("sub")?.ok_or_else(|| bad("sub", "is missing"))?;
        if subject.trim().is_empty()
            || subject.len() > MAX_SUBJECT_BYTES
            || subject.chars().any(char::is_control)
        {
            return Err(bad("sub", "is empty, longer than 255 bytes, or has control characters"));
        }
        let is_workload = settings.workload.as_ref().is_some_and(|rule| self.equals(rule));
        let name = match self.display("name") {
            Some(name) => Some(name),
            None => self.display("preferred_username"),
        };
        Ok(Principal {
            key: PrincipalKey { issuer: settings.issuer.clone(), subject: subject.to_owned() },
            provider: settings.name.clone(),
            kind: if is_workload { PrincipalKind::Workload } else { PrincipalKind::User },
            name,
            email: self.display("email"),
            groups: self.groups(config)?,
            amr: self.methods()?,
            acr: self.text("acr")?.map(ToOwned::to_owned),
            auth_time: self.time("auth_time")?,
        })
    }

    /// Returns text that is only displayed; what cannot be displayed is left out rather than refused.
    fn display(&self, name: &str) -> Option<String> {
        let text = self.members.get(name)?.as_str()?;
        let fits = !text.is_empty() && text.len() <= MAX_DISPLAY_BYTES && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    }

    fn methods(&self) -> Result<Vec<String>, AuthError> {
        match self.members.get("amr") {
            None => Ok(Vec::new()),
            Some(Value::Array(methods)) => {
                let texts = methods.iter().map(|method| method.as_str().map(ToOwned::to_owned)).collect();
                Option::ok_or_else(texts, || bad("amr", "is not a list of texts"))
            }
            Some(_) => Err(bad("amr", "is not a list of texts")),
        }
    }

    /// Returns the value at a configured claim name or path.
    fn at(&self, path: &str) -> Option<&'a Value> {
        if path.contains(['/', ':']) {
            return self.members.get(path);
        }
        let mut names = path.split('.');
        let first = self.members.get(names.next()?)?;
        names.try_fold(first, |value, name| value.as_object()?.get(name))
    }

    fn equals(&self, rule: &ClaimEquals) -> bool {
        match self.at(&rule.claim) {
            Some(Value::String(text)) => *text == rule.value,
            Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(rule.value.as_str())),
            _ => false,
        }
    }

    fn groups(&self, config: &IssuerConfig) -> Result<Vec<String>, AuthError> {
        let settings = config.settings();
        let Some(claim) = settings.groups_claim.as_deref() else { return Ok(Vec::new()) };
        let overage = |marker: &str| Err(AuthError::GroupsOverage { marker: marker.to_owned() });
        if self.has("_claim_names") {
            return overage("_claim_names");
        }
        if self.members.get("hasgroups").is_some_and(|value| *value != Value::Bool(false)) {
            return overage("hasgroups");
        }
        let wrong = || bad(claim, "is neither a group nor a list of groups");
        let mut groups: Vec<String> = match self.at(claim) {
            None => Vec::new(),
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => {
                let texts = several.iter().map(|group| group.as_str().map(ToOwned::to_owned));
                texts.collect::<Option<_>>().ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
        };
        if groups.len() > MAX_GROUPS {
            return Err(bad(claim, "has more than 1000 groups"));
        }
        if settings.groups_truncated_at.is_some_and(|limit| groups.len() >= limit) {
            return overage("groups_truncated_at");
        }
        let fits = |group: &String| {
            !group.trim().is_empty() && group.len() <= MAX_GROUP_BYTES && !group.chars().any(char::is_control)
        };
        if !groups.iter().all(fits) {
            return Err(bad(
                claim,
                "has a group that is empty, longer than 255 bytes, or has control characters",
            ));
        }
        groups.sort_unstable();
        groups.dedup();
        Ok(groups)
    }
}
