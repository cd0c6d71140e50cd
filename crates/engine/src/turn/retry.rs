//! Retries: a node of its own above its attempts. Source: Argo `operator.go` processNodeRetries,
//! `docs/retries.md`. A wait applies only if `limit` is set.

use std::collections::BTreeMap;

use expr::{Unresolved, substitute};
use jiff::{SignedDuration, Timestamp};
use model::argo::{IntOrString, NodePhase, NodeType, RetryStrategy, Template};

use super::{Turn, inputs::Ready};
use crate::{
    Command, TimerId, duration,
    live::{Attempt, Body, Parent, Retry, Start, Strategy},
};

impl Turn {
    /// Returns the strategy of a template, or of the workflow.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub(super) fn strategy_of(&self, template: &Template) -> Result<Option<Strategy>, String> {
        if let Some(own) = &template.retry_strategy {
            return read(own, &|text| Ok(text.to_owned())).map(Some);
        }
        let Some(shared) = &self.run.workflow.spec.retry_strategy else { return Ok(None) };
        let replaced = |text: &str| {
            substitute(text, &mut |name| self.global(name, false), Unresolved::Keep)
                .map_err(|error| error.to_string())
        };
        read(shared, &replaced).map(Some)
    }

    pub(super) fn start_retry(&mut self, start: Start, ready: &Ready, strategy: Strategy) -> usize {
        let at = self.make(self.new_node(&start, NodeType::Retry, NodePhase::Running), Body::Ended);
        if let Some(node) = self.node_mut(at) {
            node.inputs = ready.inputs();
        }
        let first = Start {
            parent: Parent::Attempt(at),
            counted: true,
            hooks: None,
            been: crate::live::Been::default(),
            ..start
        };
        let attempts = self.first_known_attempt(&first.name);
        let retry = Retry { start: first, strategy, attempts, first_at: self.now, waits_until: None };
        if let Some(slot) = self.run.live.slots.get_mut(at) {
            slot.body = Body::Retry(Box::new(retry));
        }
        let fresh = [("exitCode", "0"), ("status", ""), ("duration", "0"), ("message", "")];
        self.attempt(at, fresh.into_iter().map(|(name, value)| (name, value.to_owned())).collect());
        at
    }

    fn attempt(&mut self, at: usize, last: BTreeMap<&'static str, String>) {
        let Some(retry) = self.run.live.retry_mut(at) else { return };
        let number = retry.attempts;
        retry.attempts = number.saturating_add(1);
        let until = retry.strategy.max_seconds.and_then(|seconds| after(retry.first_at, seconds));
        let mut start = retry.start.clone();
        start.name = format!("{}({number})", start.name);
        start.attempt = Some(Attempt { number, last, until });
        self.then_start(start);
    }

    /// An attempt of the retry node at `at` has ended.
    pub(super) fn attempt_ended(&mut self, at: usize, attempt: usize) {
        let Some(node) = self.node(attempt) else { return };
        let (mut phase, message, outputs) = (node.phase, node.message.clone(), node.outputs.clone());
        let daemoned = node.daemoned;
        let last = variables_of(node);
        let hooked = self.run.live.slots.get(at).is_some_and(|slot| slot.hooked);
        let doom = self.run.doom(hooked);
        let now = self.now;
        let Some(retry) = self.run.live.retry_mut(at) else { return };
        if !phase.is_failed_or_error() {
            if let Some(node) = self.node_mut(at) {
                node.outputs = outputs;
                node.daemoned = daemoned;
            }
            if daemoned == Some(true) && self.lasts(at) {
                return;
            }
            return self.end(at, NodePhase::Succeeded, String::new());
        }
        let next = format!("{}({})", retry.start.name, retry.attempts);
        if self.is_known(&next) {
            return self.attempt(at, last);
        }
        let Some(retry) = self.run.live.retry_mut(at) else { return };
        let decided = match doom {
            Some(doom) => Err(doom),
            None => next_wait(retry, now, phase, message),
        };
        let expression = retry.strategy.expression.clone();
        let decided = decided.and_then(|wait| match expression.as_str() {
            "" => Ok(wait),
            expression => match self.holds_for_retry(expression, &last, hooked) {
                Ok(true) => Ok(wait),
                Ok(false) => Err("retryStrategy.expression evaluated to false".to_owned()),
                Err(reason) => return_error(&mut phase, reason),
            },
        });
        match decided {
            Err(message) => {
                if let Some(node) = self.node_mut(at) {
                    node.outputs = outputs;
                }
                if self.run.live.lasting.remove(&at).is_some() {
                    return self.daemon_lost(at, phase, message);
                }
                self.end(at, phase, message);
            }
            Ok(None) => self.attempt(at, last),
            Ok(Some((until, message))) => {
                let Some(retry) = self.run.live.retry_mut(at) else { return };
                retry.waits_until = Some(until);
                self.run.live.active.insert(at);
                let Some(node) = self.node_mut(at) else { return };
                node.message = message;
                let timer = TimerId::Backoff(node.id.clone());
                self.commands.push(Command::SetTimer { timer, at: until });
            }
        }
    }

    /// The wait before the next attempt is over.
    pub(super) fn backoff_over(&mut self, at: usize) {
        let Some(retry) = self.run.live.retry_mut(at) else { return };
        retry.waits_until = None;
        self.run.live.active.remove(&at);
        if let Some(node) = self.node_mut(at) {
            node.message = String::new();
        }
        let latest = self.run.live.slots.get(at).and_then(|slot| slot.latest);
        let last = latest.and_then(|latest| self.node(latest)).map(variables_of).unwrap_or_default();
        self.attempt(at, last);
    }

    /// Ends a retry node that waits for its next attempt.
    pub(super) fn end_backoff(&mut self, at: usize, message: String) {
        let Some(id) = self.node(at).map(|node| node.id.clone()) else { return };
        let latest = self.run.live.slots.get(at).and_then(|slot| slot.latest);
        let phase = latest.and_then(|latest| self.node(latest)).map_or(NodePhase::Failed, |node| node.phase);
        self.commands.push(Command::CancelTimer { timer: TimerId::Backoff(id) });
        self.end(at, phase, message);
    }
}

/// An expression that cannot be decided: the node ends in error.
fn return_error<T>(phase: &mut NodePhase, reason: String) -> Result<T, String> {
    *phase = NodePhase::Error;
    Err(reason)
}

/// Whether a failure may pass by itself. Source: Argo `util/errors/errors.go` IsTransientErr, as far as a message
/// tells.
fn is_transient(message: &str) -> bool {
    const SIGNS: &[&str] = &[
        "net/http: TLS handshake timeout",
        "i/o timeout",
        "connection timed out",
        "connection reset by peer",
        "connection refused",
        "Connection closed by foreign host",
        "http2: client connection lost",
        "http2: server sent GOAWAY",
        "etcdserver: leader changed",
        "exceeded quota",
        "the server has received too many requests",
    ];
    SIGNS.iter().any(|sign| message.contains(sign))
}

fn variables_of(node: &model::argo::NodeStatus) -> BTreeMap<&'static str, String> {
    let exit_code = node.outputs.as_ref().and_then(|outputs| outputs.exit_code.clone());
    let seconds =
        node.started_at.zip(node.finished_at).map_or(0, |(from, to)| to.duration_since(from).as_secs());
    BTreeMap::from([
        ("exitCode", exit_code.unwrap_or_else(|| "-1".to_owned())),
        ("status", node.phase.as_str().to_owned()),
        ("duration", seconds.to_string()),
        ("message", node.message.clone()),
    ])
}

fn after(at: Timestamp, seconds: f64) -> Option<Timestamp> {
    at.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
}

/// Decides after a failed attempt: no wait, a wait and its message, or the message to end with.
fn next_wait(
    retry: &Retry,
    now: Timestamp,
    phase: NodePhase,
    message: String,
) -> Result<Option<(Timestamp, String)>, String> {
    let strategy = &retry.strategy;
    let until = strategy.max_seconds.and_then(|seconds| after(retry.first_at, seconds));
    if until.is_some_and(|until| now > until) {
        return Err("Max duration limit exceeded".to_owned());
    }
    let exhausted =
        strategy.limit.is_some_and(|limit| u64::try_from(retry.attempts).unwrap_or(u64::MAX) > limit);
    let wait = match (strategy.wait_seconds, strategy.limit) {
        (Some(first), Some(_)) if !exhausted => {
            let power = i32::try_from(retry.attempts.saturating_sub(1)).unwrap_or(i32::MAX);
            let seconds = first * strategy.factor.powi(power);
            let seconds = strategy.cap_seconds.map_or(seconds, |cap| seconds.min(cap));
            let at = after(now, seconds).unwrap_or(Timestamp::MAX);
            if until.is_some_and(|until| at > until) {
                return Err("Backoff would exceed max duration limit".to_owned());
            }
            (at > now).then(|| (at, format!("Backoff for {}", duration::human(at.duration_since(now)))))
        }
        _ => None,
    };
    let repeats = if phase == NodePhase::Failed { strategy.on_failed } else { strategy.on_error };
    let repeats = repeats && (!strategy.transient_only || is_transient(&message));
    match (repeats, exhausted) {
        (false, _) => Err(message),
        (true, true) => Err("No more retries left".to_owned()),
        (true, false) => Ok(wait),
    }
}

fn read(
    written: &RetryStrategy,
    replaced: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Strategy, String> {
    let limit = match &written.limit {
        None => None,
        Some(text) => {
            let text = replaced(&text.0)?;
            Some(text.trim().parse().map_err(|_| format!("retryStrategy.limit `{text}` is not a number"))?)
        }
    };
    let (on_failed, on_error) = match written.retry_policy.as_str() {
        "" if !written.expression.is_empty() => (true, true),
        "OnTransientError" => (true, true),
        "" | "OnFailure" => (true, false),
        "Always" => (true, true),
        "OnError" => (false, true),
        other => return Err(format!("{other} is not a valid RetryPolicy")),
    };
    let backoff = written.backoff.clone().unwrap_or_default();
    let field = |value: &Option<IntOrString>| match value {
        None => Ok(None),
        Some(text) => replaced(&text.0).map(|text| Some(text).filter(|text| !text.is_empty())),
    };
    let seconds = |name: &str, value: &Option<IntOrString>| -> Result<Option<f64>, String> {
        let Some(text) = field(value)? else { return Ok(None) };
        let parsed = duration::parse(&text)
            .ok_or_else(|| format!("retryStrategy.backoff.{name} `{text}` is not a duration"))?;
        Ok(Some(parsed.as_secs_f64()))
    };
    let wait_seconds = seconds("duration", &backoff.duration)?;
    if written.backoff.is_some() && wait_seconds.is_none() {
        return Err("no base duration specified for retryStrategy".to_owned());
    }
    let factor = match field(&backoff.factor)? {
        None => 1.0,
        Some(text) => text
            .parse::<u32>()
            .map(f64::from)
            .map_err(|_| format!("retryStrategy.backoff.factor `{text}` is not a number"))?,
    };
    let factor = if factor > 0.0 { factor } else { 1.0 };
    let (cap_seconds, max_seconds) =
        (seconds("cap", &backoff.cap)?, seconds("maxDuration", &backoff.max_duration)?);
    Ok(Strategy {
        limit,
        on_failed,
        on_error,
        transient_only: written.retry_policy == "OnTransientError",
        expression: replaced(&written.expression)?,
        wait_seconds,
        factor,
        cap_seconds,
        max_seconds,
    })
}
