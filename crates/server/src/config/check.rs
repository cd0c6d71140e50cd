//! What is wrong with a configuration as a whole: controls that could never fire, names nobody has, addresses that are
//! not safe. Not here: reading it.

use std::collections::BTreeSet;

use identity::{AuthError, ClaimEquals, IssuerConfig, IssuerSettings, SigningAlgorithm};
use model::{Fault, oam::Subject, yaml::Places};
use url::{Host, Url};

use super::{Config, Isolation, Issuer, read::BAD_SETTING};
use crate::ServerError;

/// The longest a run token may live, in seconds.
const MAX_RUN_TOKEN_SECONDS: u32 = 600;
/// The longest a login may last, in minutes.
const MAX_SESSION_MINUTES: u32 = 24 * 60;

impl Config {
    /// Checks the configuration as a whole; returns what is allowed but worth a loud word.
    ///
    /// # Errors
    /// [`ServerError::BadConfig`] with every fault.
    pub fn check(&self) -> Result<Vec<String>, ServerError> {
        let faults = self.faults(&Places::default());
        if !faults.is_empty() {
            return Err(ServerError::BadConfig(faults));
        }
        let mut warnings = Vec::new();
        if self.isolation == Isolation::None {
            warnings
                .push("isolation is `none`: every pod is a plain process of this server's user".to_owned());
        }
        if !self.listen.ip().is_loopback() && !self.issuer_url().starts_with("https://") {
            warnings.push(format!(
                "`{}` is not of this machine alone, and `issuer` is not https: tokens would travel in clear",
                self.listen
            ));
        }
        if self.administrators.is_empty() {
            warnings.push(
                "there are no administrators: only owners of stored scopes can apply anything".to_owned(),
            );
        }
        if self.auditors.is_empty() {
            warnings.push("there are no auditors: nobody can read the audit log through the API".to_owned());
        }
        Ok(warnings)
    }

    /// Returns what is wrong, each fault at its place.
    pub(super) fn faults(&self, places: &Places) -> Vec<Fault> {
        let mut found = Found { places, faults: Vec::new() };
        self.check_addresses(&mut found);
        self.check_limits(&mut found);
        self.check_issuers(&mut found);
        self.check_subjects(&mut found);
        self.check_artifacts(&mut found);
        if self.issuers.is_empty() && self.local_directory.is_none() {
            found.fault("", "there is neither an issuer nor a local directory, so nobody could ever log in");
        }
        found.faults
    }

    fn check_addresses(&self, found: &mut Found<'_>) {
        let url = Url::parse(&self.issuer_url());
        let fits = url.as_ref().is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !fits {
            found.fault("issuer", "`issuer` is not an http or https URL without user, query and fragment");
        }
        if url.is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url)) && self.issuer.is_some() {
            found.fault(
                "issuer",
                "`issuer` is http and not of this machine: run tokens could not be verified safely",
            );
        }
        if let Some(namespace) = &self.managed_namespace
            && let Err(fault) = model::name::check_subdomain("managedNamespace", namespace)
        {
            found.fault("managedNamespace", fault.message);
        }
        for (index, mount) in self.mounts.iter().enumerate() {
            if !mount.path.is_absolute()
                || mount.path.components().any(|c| c == std::path::Component::ParentDir)
            {
                found.fault(&format!("mounts[{index}].path"), "`path` is not an absolute path without `..`");
            }
        }
    }

    fn check_artifacts(&self, found: &mut Found<'_>) {
        for (index, network) in self.artifacts.networks.iter().enumerate() {
            if driver::Reach::with_networks(std::slice::from_ref(network)).is_err() {
                found.fault(&format!("artifacts.networks[{index}]"), format!("`{network}` is not a network"));
            }
        }
        for (index, plugin) in self.executor_plugins.iter().enumerate() {
            let is_http =
                url::Url::parse(&plugin.address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if !is_http {
                let said = format!("`{}` is no `http` or `https` address", plugin.address);
                found.fault(&format!("executorPlugins[{index}].address"), said);
            }
        }
        for (index, driver) in self.artifact_drivers.iter().enumerate() {
            let twice = self.artifact_drivers.iter().take(index).any(|other| other.name == driver.name);
            if driver.name.is_empty() || twice {
                let said = format!("`{}` names no plugin, or another one as well", driver.name);
                found.fault(&format!("artifactDrivers[{index}].name"), said);
            }
            if driver.connection_timeout_seconds == 0 {
                let said = "`connectionTimeoutSeconds` is 0, so no plugin could ever be reached";
                found.fault(&format!("artifactDrivers[{index}].connectionTimeoutSeconds"), said);
            }
        }
        if let Err(fault) = model::argo::ArtifactRepository::of(&self.artifacts.repository) {
            found.fault("artifacts.repository", fault.to_string());
        }
    }

    fn check_limits(&self, found: &mut Found<'_>) {
        if let Err(error) = self.workflow_under_all() {
            found.fault("workflowDefaults", format!("`workflowDefaults` is no workflow: {error}"));
        }
        if self.parallel_pods == 0 {
            found.fault("parallelPods", "`parallelPods` is 0, so no pod could ever run");
        }
        if self.run_tokens.audience.is_empty() {
            found.fault(
                "runTokens.audience",
                "`audience` is empty, so anybody could take a run token for theirs",
            );
        }
        if !(1..=MAX_RUN_TOKEN_SECONDS).contains(&self.run_tokens.seconds) {
            found.fault(
                "runTokens.seconds",
                format!("`seconds` is not between 1 and {MAX_RUN_TOKEN_SECONDS}"),
            );
        }
        if let Some(directory) = &self.local_directory
            && !(1..=MAX_SESSION_MINUTES).contains(&directory.session_minutes)
        {
            let message = format!("`sessionMinutes` is not between 1 and {MAX_SESSION_MINUTES}");
            found.fault("localDirectory.sessionMinutes", message);
        }
    }

    fn check_issuers(&self, found: &mut Found<'_>) {
        let (mut names, mut urls) = (BTreeSet::new(), BTreeSet::from([self.issuer_url()]));
        for (index, issuer) in self.issuers.iter().enumerate() {
            let at = format!("issuers[{index}]");
            if !names.insert(issuer.name.as_str()) {
                found.fault(&at, format!("two issuers have the name `{}`", issuer.name));
            }
            if !urls.insert(issuer.issuer.trim_end_matches('/').to_owned()) {
                let message =
                    format!("the issuer `{}` is named twice, or is this server itself", issuer.issuer);
                found.fault(&format!("{at}.issuer"), message);
            }
            if self.run_tokens.audience == self.issuer_url()
                || issuer.audiences.contains(&self.run_tokens.audience)
            {
                found.fault(
                    &format!("{at}.audiences"),
                    "an audience is that of the run tokens, so they would pass for people's",
                );
            }
            if let Err(error) = issuer_settings(issuer).and_then(IssuerConfig::new) {
                found.fault(&at, error.to_string());
            }
        }
    }

    fn check_subjects(&self, found: &mut Found<'_>) {
        let lists = [("administrators", &self.administrators), ("auditors", &self.auditors)];
        for (list, subjects) in lists {
            for (index, subject) in subjects.iter().enumerate() {
                if let Some(problem) = self.never(subject) {
                    found.fault(&format!("{list}[{index}]"), problem);
                }
            }
        }
    }

    /// Returns why nobody could ever be `subject`.
    fn never(&self, subject: &Subject) -> Option<String> {
        match subject {
            Subject::User { issuer, .. } => {
                let local = issuer == "local" && self.local_directory.is_some();
                let known = local || self.issuers.iter().any(|known| known.name == *issuer);
                (!known).then(|| format!("no issuer is called `{issuer}`, so nobody could ever be this user"))
            }
            Subject::Group(group) => {
                let grouped = self.issuers.iter().any(|issuer| issuer.groups_claim.is_some());
                let known = grouped || self.local_directory.is_some();
                (!known)
                    .then(|| format!("no issuer has a `groupsClaim`, so nobody could ever be in `{group}`"))
            }
            Subject::Workload(name) => {
                let known = self.issuers.iter().any(|issuer| issuer.workload.is_some());
                (!known).then(|| format!("no issuer has a `workload`, so nothing could ever be `{name}`"))
            }
        }
    }
}

struct Found<'a> {
    places: &'a Places,
    faults: Vec<Fault>,
}

impl Found<'_> {
    fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.faults.push(Fault::new(BAD_SETTING, message).at(self.places.nearest(path)));
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Returns the settings of an issuer as `identity` wants them.
///
/// # Errors
/// [`AuthError::BadIssuer`] for an algorithm nobody knows.
pub(crate) fn issuer_settings(issuer: &Issuer) -> Result<IssuerSettings, AuthError> {
    let mut settings = IssuerSettings::new(&issuer.name, &issuer.issuer, "");
    settings.audiences.clone_from(&issuer.audiences);
    settings.client_id.clone_from(&issuer.client_id);
    if let Some(algorithms) = &issuer.algorithms {
        let known = |name: &String| {
            SigningAlgorithm::from_name(name).ok_or_else(|| {
                let shown: String = name.chars().take(32).collect();
                let problem =
                    format!("names `{}`, which is no algorithm that is accepted", shown.escape_debug());
                AuthError::BadIssuer { setting: "algorithms", problem }
            })
        };
        settings.algorithms = algorithms.iter().map(known).collect::<Result<_, _>>()?;
    }
    if let Some(accept_typ) = &issuer.accept_typ {
        settings.accept_typ.clone_from(accept_typ);
    }
    settings.groups_claim.clone_from(&issuer.groups_claim);
    settings.groups_truncated_at = issuer.groups_truncated_at;
    settings.workload =
        issuer.workload.as_ref().map(|w| ClaimEquals { claim: w.claim.clone(), value: w.value.clone() });
    settings.max_token_age_seconds = issuer.max_token_age_seconds.unwrap_or(settings.max_token_age_seconds);
    settings.clock_skew_seconds = issuer.clock_skew_seconds.unwrap_or(settings.clock_skew_seconds);
    Ok(settings)
}
