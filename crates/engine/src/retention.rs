//! How long ended runs are kept. Source: Argo `workflow/gccontroller/gc_controller.go`, `heap.go`.
//! Not here: deleting them (see `runner`), the archive, which keeps what is deleted.

use jiff::{SignedDuration, Timestamp};
use model::argo::{TtlStrategy, WorkflowPhase};

/// How many ended runs are kept, by how they ended; as many as there are where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Those that Succeeded.
    pub completed: Option<usize>,
    /// Those that Failed.
    pub failed: Option<usize>,
    /// Those in phase Error.
    pub errored: Option<usize>,
}

impl RetentionPolicy {
    /// Returns how many runs that ended so are kept; none if there is no limit, or if it is no end.
    pub const fn limit(&self, phase: WorkflowPhase) -> Option<usize> {
        match phase {
            WorkflowPhase::Succeeded => self.completed,
            WorkflowPhase::Failed => self.failed,
            WorkflowPhase::Error => self.errored,
            _ => None,
        }
    }
}

/// Returns when a run that ended so is deleted; none if it is kept. What is said of failures is said of phase Failed
/// only, never of Error.
pub fn expires_at(
    strategy: Option<&TtlStrategy>,
    phase: WorkflowPhase,
    finished_at: Option<Timestamp>,
) -> Option<Timestamp> {
    let strategy = strategy.filter(|_| phase.is_completed())?;
    let special = match phase {
        WorkflowPhase::Failed => strategy.seconds_after_failure,
        WorkflowPhase::Succeeded => strategy.seconds_after_success,
        _ => None,
    };
    let seconds = special.or(strategy.seconds_after_completion)?;
    let finished_at = finished_at?;
    // beyond the end of time is for ever
    finished_at.checked_add(SignedDuration::from_secs(seconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strategy(text: &str) -> TtlStrategy {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_time_to_live_depends_on_how_a_run_ended() {
        use WorkflowPhase::{Error, Failed, Running, Succeeded};
        let all = r#"{"secondsAfterCompletion": 10, "secondsAfterSuccess": 5, "secondsAfterFailure": 7}"#;
        for (text, phase, expected) in [
            (all, Succeeded, Some(5)),
            (all, Failed, Some(7)),
            (all, Error, Some(10)),
            (all, Running, None),
            (r#"{"secondsAfterCompletion": 0}"#, Failed, Some(0)),
            (r#"{"secondsAfterFailure": 7}"#, Error, None),
            (r#"{"secondsAfterFailure": 7}"#, Succeeded, None),
            (r#"{"secondsAfterSuccess": 9223372036854775807}"#, Succeeded, None),
            ("{}", Succeeded, None),
        ] {
            let finished = Timestamp::from_second(1_000).unwrap();
            let expires = expires_at(Some(&strategy(text)), phase, Some(finished));
            assert_eq!(expires.map(|at| at.as_second() - 1_000), expected, "{text} {phase:?}");
            assert_eq!(expires_at(Some(&strategy(text)), phase, None), None);
        }
        assert_eq!(expires_at(None, Succeeded, Some(Timestamp::UNIX_EPOCH)), None);
    }

    #[test]
    fn each_way_to_end_has_its_own_limit() {
        let policy = RetentionPolicy { completed: Some(3), failed: Some(2), errored: None };
        assert_eq!(policy.limit(WorkflowPhase::Succeeded), Some(3));
        assert_eq!(policy.limit(WorkflowPhase::Failed), Some(2));
        assert_eq!(policy.limit(WorkflowPhase::Error), None);
        assert_eq!(policy.limit(WorkflowPhase::Running), None);
    }
}
