//! Which runs a command means: by name, by selectors, by how and when they ended. Source: Argo `cmd/argo/commands/
//! {list,delete,stop}.go`. Not here: which of them the caller may see (the server).

use std::{str::FromStr, time::Duration};

use clap::Args;
use jiff::Timestamp;
use model::argo::{Workflow, WorkflowPhase};

use crate::{
    args::Global,
    client::{Client, ListQuery},
    error::CliError,
};

/// The label of a run that another one was made of.
const RESUBMITTED: &str = "workflows.argoproj.io/resubmitted-from-workflow";

/// Runs by name or by selectors.
#[derive(Debug, Clone, Default, Args)]
pub struct Selected {
    /// The runs; `@latest` is the newest
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// The runs whose labels fit
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// The runs whose fields fit: metadata.name, metadata.namespace, metadata.uid, status.phase
    #[arg(long, value_name = "SELECTOR")]
    pub field_selector: Option<String>,
}

impl Selected {
    /// Returns the names of the runs that are meant.
    ///
    /// # Errors
    /// [`CliError::Usage`] if nothing says which; [`CliError`] of listing them.
    pub(super) async fn names(&self, client: &Client, global: &Global) -> Result<Vec<String>, CliError> {
        let mut names = self.names.clone();
        if self.selector.is_some() || self.field_selector.is_some() {
            let query = ListQuery::of(self.selector.as_deref(), self.field_selector.as_deref());
            let found = client.list(&global.namespace, &query).await?;
            names.extend(found.into_iter().map(|run| run.metadata.name));
        } else if names.is_empty() {
            return Err(CliError::Usage("name a run, or say which with -l or --field-selector".to_owned()));
        }
        Ok(names)
    }
}

/// Runs by how and when they went.
#[derive(Debug, Clone, Default, Args)]
pub struct Filter {
    /// Only runs whose labels fit
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// Only runs whose fields fit: metadata.name, metadata.namespace, metadata.uid, status.phase
    #[arg(long, value_name = "SELECTOR")]
    pub field_selector: Option<String>,
    /// Only runs whose names begin so
    #[arg(long)]
    pub prefix: Option<String>,
    /// Only runs that ended longer ago: 90s, 10m, 3h, 7d
    #[arg(long, value_name = "SPAN")]
    pub older: Option<Span>,
    /// Only runs that have ended
    #[arg(long, conflicts_with = "running")]
    pub completed: bool,
    /// Only runs that have not ended
    #[arg(long)]
    pub running: bool,
    /// Only runs in these phases, separated by commas
    #[arg(long, value_name = "PHASE,…", value_delimiter = ',')]
    pub status: Vec<String>,
    /// Only runs that were made of others
    #[arg(long)]
    pub resubmitted: bool,
    /// Of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
}

impl Filter {
    /// Whether it leaves anything out.
    pub(super) fn is_empty(&self) -> bool {
        let texts = [&self.selector, &self.field_selector, &self.prefix];
        texts.iter().all(|text| text.is_none())
            && self.older.is_none()
            && self.status.is_empty()
            && !(self.completed || self.running || self.resubmitted)
    }
    /// Returns the runs that are meant, the newest first.
    ///
    /// # Errors
    /// [`CliError`].
    pub(super) async fn runs(
        &self,
        client: &Client,
        global: &Global,
        now: Timestamp,
    ) -> Result<Vec<Workflow>, CliError> {
        let namespace = if self.all_namespaces { "" } else { global.namespace.as_str() };
        let query = ListQuery::of(self.selector.as_deref(), self.field_selector.as_deref());
        let mut runs = client.list(namespace, &query).await?;
        runs.retain(|run| self.means(run, now));
        Ok(runs)
    }
    fn means(&self, run: &Workflow, now: Timestamp) -> bool {
        let phase = run.status.as_ref().map_or(WorkflowPhase::Unknown, |status| status.phase);
        let ended = run.status.as_ref().and_then(|status| status.finished_at);
        let is_old = |span: Span| ended.is_some_and(|at| now.duration_since(at).unsigned_abs() >= span.0);
        self.prefix.as_ref().is_none_or(|prefix| run.metadata.name.starts_with(prefix.as_str()))
            && self.older.is_none_or(is_old)
            && (!self.completed || phase.is_completed())
            && (!self.running || !phase.is_completed())
            && (self.status.is_empty()
                || self.status.iter().any(|status| status.eq_ignore_ascii_case(phase.as_str())))
            && (!self.resubmitted || run.metadata.labels.contains_key(RESUBMITTED))
    }
}

/// A span of time as people write it: a number and `s`, `m`, `h` or `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a span is a number and s, m, h or d: 90s, 10m, 3h, 7d".to_owned();
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
        Ok(Self(Duration::from_secs(number.checked_mul(seconds).ok_or_else(wrong)?)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Filter, Span};

    #[test]
    fn spans_are_read_and_nonsense_is_refused() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("10m", 600), ("3h", 10_800), ("7d", 604_800)] {
            assert_eq!(text.parse(), Ok(Span(Duration::from_secs(seconds))), "{text}");
        }
        for text in
            ["", "s", "7", "-1d", "1.5h", "1w", "1dd", "99999999999999999999d", "18446744073709551615d"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn runs_are_meant_by_name_phase_age_and_origin() {
        let run = serde_json::json!({
            "metadata": {"name": "build-1", "labels": {"workflows.argoproj.io/resubmitted-from-workflow": "build-0"}},
            "spec": {}, "status": {"phase": "Failed", "finishedAt": "2026-03-01T00:00:00Z"},
        });
        let run = serde_json::from_value(run).unwrap();
        let now = "2026-03-02T00:00:00Z".parse().unwrap();
        let span = |text: &str| Some(text.parse().unwrap());
        let meant = [
            Filter::default(),
            Filter { prefix: Some("build".to_owned()), ..Filter::default() },
            Filter { older: span("24h"), ..Filter::default() },
            Filter { completed: true, resubmitted: true, ..Filter::default() },
            Filter { status: vec!["Running".to_owned(), "failed".to_owned()], ..Filter::default() },
        ];
        for filter in meant {
            assert!(filter.means(&run, now), "{filter:?}");
        }
        let not = [
            Filter { prefix: Some("other".to_owned()), ..Filter::default() },
            Filter { older: span("2d"), ..Filter::default() },
            Filter { running: true, ..Filter::default() },
            Filter { status: vec!["Succeeded".to_owned()], ..Filter::default() },
        ];
        for filter in not {
            assert!(!filter.means(&run, now), "{filter:?}");
        }
    }
}
