//! A provider's key set, kept: fetched once for all who wait, refetched when it may have changed, and used a
//! while longer when the provider is down.
//! Not here: which token needs which key (see `identity`).
//! Invariant: a key that the provider withdrew is refused 24 hours later at most, and a flood of unknown key ids
//! causes one request to the provider in five minutes at most.

use std::sync::{Arc, PoisonError, RwLock};

use identity::{IssuerConfig, Jwks, check_endpoint};
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use tokio::sync::Mutex;

use crate::{
    discovery::{Metadata, discover},
    error::ConnectorError,
    fetch::{bad_answer, client, get},
};

/// The shortest time a key set counts as fresh, whatever its `Cache-Control` says; also what is taken if it says
/// nothing.
const MIN_FRESH: SignedDuration = SignedDuration::from_mins(5);
/// The longest time a key set counts as fresh, and is used at all when the provider is down.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);
/// The least time between two fetches because of an unknown key.
const UNKNOWN_KEY_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// The least time between two fetches after a failed one.
const FAILURE_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// A provider's documents of one moment.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The keys.
    pub(crate) jwks: Jwks,
    /// What else the provider says.
    pub(crate) metadata: Metadata,
    at: Timestamp,
    fresh_for: SignedDuration,
}

impl Fetched {
    fn is_fresh(&self, now: Timestamp) -> bool {
        // A clock that went back says nothing about age, so the set counts as old.
        (SignedDuration::ZERO..self.fresh_for).contains(&now.duration_since(self.at))
    }
    fn is_usable(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) < MAX_AGE
    }
}

/// When the provider was last asked, and why.
#[derive(Debug, Default)]
struct Asked {
    for_unknown_key: Option<Timestamp>,
    in_vain: Option<Timestamp>,
}

/// One issuer and its keys.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    config: IssuerConfig,
    client: Client,
    current: RwLock<Option<Arc<Fetched>>>,
    asked: Mutex<Asked>,
}

/// Returns whether `then` is less than `pause` away from `now`, on either side.
fn within(then: Option<Timestamp>, now: Timestamp, pause: SignedDuration) -> bool {
    then.is_some_and(|then| now.duration_since(then).abs() < pause)
}

impl IssuerKeys {
    /// Returns the issuer, nothing fetched yet.
    pub(crate) fn new(config: IssuerConfig) -> Result<Self, ConnectorError> {
        let client = client(&check_endpoint("issuer", config.issuer())?)?;
        Ok(Self { config, client, current: RwLock::new(None), asked: Mutex::default() })
    }

    /// Returns the issuer's configuration.
    pub(crate) const fn config(&self) -> &IssuerConfig {
        &self.config
    }

    /// Returns the client that talks to this issuer.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    fn current(&self) -> Option<Arc<Fetched>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the keys to verify with at `now`.
    pub(crate) async fn get(&self, now: Timestamp) -> Result<Arc<Fetched>, ConnectorError> {
        let fresh = || self.current().filter(|fetched| fetched.is_fresh(now));
        if let Some(fetched) = fresh() {
            return Ok(fetched);
        }
        let usable = self.current().filter(|fetched| fetched.is_usable(now));
        let mut asked = match (self.asked.try_lock(), &usable) {
            (Ok(asked), _) => asked,
            // Somebody is asking already; a provider that is slow to answer need not hold everybody up.
            (Err(_), Some(usable)) => return Ok(Arc::clone(usable)),
            (Err(_), None) => self.asked.lock().await,
        };
        if let Some(fetched) = fresh() {
            return Ok(fetched);
        }
        if within(asked.in_vain, now, FAILURE_PAUSE) {
            return usable.ok_or_else(|| ConnectorError::NoKeys { issuer: self.config.issuer().to_owned() });
        }
        match self.fetch(now, &mut asked).await {
            Ok(fetched) => Ok(fetched),
            Err(error) => usable.ok_or(error),
        }
    }

    /// Returns newer keys than `seen`, which lacked one; nothing if it is too early to ask again.
    pub(crate) async fn newer(
        &self,
        seen: &Arc<Fetched>,
        now: Timestamp,
    ) -> Result<Option<Arc<Fetched>>, ConnectorError> {
        let mut asked = self.asked.lock().await;
        if let Some(current) = self.current().filter(|current| !Arc::ptr_eq(current, seen)) {
            return Ok(Some(current));
        }
        if within(asked.for_unknown_key, now, UNKNOWN_KEY_PAUSE) {
            return Ok(None);
        }
        asked.for_unknown_key = Some(now);
        self.fetch(now, &mut asked).await.map(Some)
    }

    async fn fetch(&self, now: Timestamp, asked: &mut Asked) -> Result<Arc<Fetched>, ConnectorError> {
        let outcome = self.fetch_documents(now).await;
        asked.in_vain = outcome.is_err().then_some(now);
        let fetched = Arc::new(outcome?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fetched));
        Ok(fetched)
    }

    async fn fetch_documents(&self, now: Timestamp) -> Result<Fetched, ConnectorError> {
        let metadata = discover(&self.client, self.config.issuer()).await?;
        let answer = get(&self.client, &metadata.jwks_uri).await?;
        if answer.status != 200 {
            return Err(bad_answer(&metadata.jwks_uri, format!("status {}", answer.status)));
        }
        let jwks = Jwks::parse(&answer.body);
        let jwks = jwks.map_err(|reason| bad_answer(&metadata.jwks_uri, reason.to_string()))?;
        Ok(Fetched { jwks, metadata, at: now, fresh_for: fresh_for(&answer.cache_control) })
    }
}

/// Returns how long an answer with this `Cache-Control` counts as fresh (RFC 9111 §5.2.2).
fn fresh_for(cache_control: &str) -> SignedDuration {
    let seconds = cache_control.split(',').find_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        if name.eq_ignore_ascii_case("max-age") { value.trim_matches('"').parse::<u32>().ok() } else { None }
    });
    let has =
        |name: &str| cache_control.split(',').any(|directive| directive.trim().eq_ignore_ascii_case(name));
    let seconds = if has("no-store") || has("no-cache") { 0 } else { seconds.unwrap_or_default() };
    SignedDuration::from_secs(i64::from(seconds)).clamp(MIN_FRESH, MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_what_the_provider_says_within_five_minutes_and_a_day() {
        for (header, minutes) in [
            ("", 5),
            ("max-age=60", 5),
            ("public, max-age=3600", 60),
            ("Max-Age=\"3600\"", 60),
            ("max-age=99999999", 24 * 60),
            ("max-age=99999999999999", 5),
            ("max-age=3600, no-store", 5),
            ("no-cache, max-age=3600", 5),
            ("max-age=-1", 5),
            ("s-maxage=3600", 5),
        ] {
            assert_eq!(fresh_for(header), SignedDuration::from_mins(minutes), "`{header}`");
        }
    }
}
