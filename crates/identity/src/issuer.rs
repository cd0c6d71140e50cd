//! What the server's configuration says about an OpenID provider, checked.
//! Not here: the file format of the configuration (see `server`), fetching anything (see `connector`).
//! Invariant: an [`IssuerConfig`] has an issuer that may be fetched safely and at least one audience.

use jiff::SignedDuration;
use url::{Host, Url};

use crate::{
    error::{AuthError, quoted},
    jws::SigningAlgorithm,
};

/// The largest clock skew that may be configured, in seconds.
const MAX_CLOCK_SKEW_SECONDS: u32 = 60;
/// The longest name, issuer or audience, in bytes.
const MAX_SETTING_BYTES: usize = 2048;

/// A claim that must have a value: text that is equal, or a list that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimEquals {
    /// The claim, spelled as [`IssuerSettings::groups_claim`] is.
    pub claim: String,
    /// The value.
    pub value: String,
}

/// An issuer as it is configured, not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSettings {
    /// The name by which policies know the issuer: lower-case letters, digits and `-`.
    pub name: String,
    /// The `iss`, exactly, with or without the last slash as the provider has it.
    pub issuer: String,
    /// The audiences by which this server is known to the provider.
    pub audiences: Vec<String>,
    /// The client that people log in with, if they do.
    pub client_id: Option<String>,
    /// The algorithms accepted.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The `typ` headers accepted of an access token.
    pub accept_typ: Vec<String>,
    /// The claim with the groups: a name, a path with dots (`realm_access.roles`), or a name with a slash or a
    /// colon, which is taken whole (`https://example.com/groups`). Nothing: nobody has groups.
    pub groups_claim: Option<String>,
    /// The number of groups at which the provider silently stops (Okta: 100), so that as many are an overage.
    pub groups_truncated_at: Option<usize>,
    /// What marks a machine. Nothing: everybody is a person.
    pub workload: Option<ClaimEquals>,
    /// How long after `iat` a token is accepted, in seconds.
    pub max_token_age_seconds: u32,
    /// How far the clocks may differ, in seconds; 60 at most.
    pub clock_skew_seconds: u32,
}

impl IssuerSettings {
    /// Returns settings with everything but these three at its default: all algorithms of [`SigningAlgorithm`],
    /// `at+jwt` (RFC 9068) as the only `typ`, no groups, tokens of up to a day, 60 seconds of skew.
    pub fn new(name: &str, issuer: &str, audience: &str) -> Self {
        Self {
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            audiences: vec![audience.to_owned()],
            client_id: None,
            algorithms: SigningAlgorithm::ALL.to_vec(),
            accept_typ: vec!["at+jwt".to_owned()],
            groups_claim: None,
            groups_truncated_at: None,
            workload: None,
            max_token_age_seconds: 86_400,
            clock_skew_seconds: 60,
        }
    }
}

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerConfig {
    settings: IssuerSettings,
}

impl IssuerConfig {
    /// Checks the settings of an issuer.
    ///
    /// # Errors
    /// [`AuthError::BadIssuer`] with the first setting that could not work or is not safe.
    pub fn new(settings: IssuerSettings) -> Result<Self, AuthError> {
        let bad = |setting, problem: &str| Err(AuthError::BadIssuer { setting, problem: problem.to_owned() });
        let name_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if settings.name.is_empty() || settings.name.len() > 63 || !settings.name.chars().all(name_char) {
            return bad("name", "is not made of lower-case letters, digits and `-`");
        }
        if matches!(settings.name.as_str(), "local" | "os") {
            return bad("name", "is taken by a built-in directory");
        }
        let issuer = check_endpoint("issuer", &settings.issuer)?;
        if issuer.query().is_some() {
            return bad("issuer", "has a query, which an issuer may not have");
        }
        let audience_fits = |text: &String| !text.is_empty() && text.len() <= MAX_SETTING_BYTES;
        if settings.audiences.is_empty() || !settings.audiences.iter().all(audience_fits) {
            return bad("audiences", "needs at least one audience, none of them empty");
        }
        if settings.algorithms.is_empty() {
            return bad("algorithms", "is empty, so no token could ever be accepted");
        }
        if settings.accept_typ.is_empty() || settings.accept_typ.iter().any(String::is_empty) {
            return bad("accept_typ", "needs at least one type, none of them empty");
        }
        if settings.client_id.as_ref().is_some_and(|client| settings.audiences.contains(client)) {
            return bad("audiences", "names the login client, so ID tokens would pass as access tokens");
        }
        if settings.groups_truncated_at.is_some() && settings.groups_claim.is_none() {
            return bad("groups_truncated_at", "can never fire without `groups_claim`");
        }
        if settings.clock_skew_seconds > MAX_CLOCK_SKEW_SECONDS {
            return bad("clock_skew_seconds", "is more than 60");
        }
        if settings.max_token_age_seconds == 0 {
            return bad("max_token_age_seconds", "is 0, so no token could ever be accepted");
        }
        Ok(Self { settings })
    }

    /// Returns the settings.
    pub const fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    /// Returns the `iss`.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Returns the name by which policies know the issuer.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    pub(crate) fn allows(&self, algorithm: SigningAlgorithm) -> bool {
        self.settings.algorithms.contains(&algorithm)
    }

    pub(crate) fn skew(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.settings.clock_skew_seconds))
    }

    pub(crate) fn max_age(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.settings.max_token_age_seconds))
    }
}

/// Returns the address of a provider if it may be fetched: https, or http to this machine itself; no user name in
/// it, no fragment, and not the link-local network where clouds keep their credentials.
///
/// # Errors
/// [`AuthError::BadIssuer`] for `setting`.
pub fn check_endpoint(setting: &'static str, address: &str) -> Result<Url, AuthError> {
    let bad = |problem: String| AuthError::BadIssuer { setting, problem };
    if address.len() > MAX_SETTING_BYTES {
        return Err(bad("is too long".to_owned()));
    }
    // The parser drops these silently, so the text compared and the address fetched would differ.
    if address.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(bad("has a space, a control character or a backslash".to_owned()));
    }
    let url = Url::parse(address).map_err(|_| bad(format!("is not a URL: `{}`", quoted(address))))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(bad("has a user name, a password or a fragment".to_owned()));
    }
    if is_link_local(&url) {
        return Err(bad("is in the link-local network".to_owned()));
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(bad(format!("is neither https nor http on this machine: `{}`", quoted(address)))),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped().is_some_and(|v4| v4.is_link_local());
            // fd00:ec2::254 is AWS's metadata service.
            mapped || address.is_unicast_link_local() || address.segments().starts_with(&[0xfd00, 0x0ec2])
        }
        _ => false,
    }
}
