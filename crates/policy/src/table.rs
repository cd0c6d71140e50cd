//! Who may do what, as a table a non-programmer can read: a row for each person, a column for each question.

use std::fmt::Write as _;

use identity::Principal;
use jiff::Timestamp;

use crate::{Action, Context, Resource, Rules, Verdict, request::Asked};

/// A question without somebody who asks it.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    label: String,
    action: &'static str,
    resource: Resource,
    facts: Context,
}

impl Question {
    /// Returns the question whether somebody may do `action`; `label` heads its column.
    pub fn of<A: Action>(label: impl Into<String>, action: &A) -> Self {
        Self { label: label.into(), action: A::NAME, resource: action.resource(), facts: action.context() }
    }
}

impl Rules {
    /// Returns the table of `people` and `questions` in text: `yes`, `no`, or `404` for somebody who may not even
    /// know that the thing exists.
    pub fn explain_table(
        &self,
        people: &[(&str, &Principal)],
        questions: &[Question],
        now: Timestamp,
    ) -> String {
        let first = people.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
        let mut table = format!("{:first$}", "");
        for question in questions {
            let _ = write!(table, "  {}", question.label);
        }
        table.push('\n');
        for (label, principal) in people {
            let _ = write!(table, "{label:first$}");
            for question in questions {
                let width = question.label.chars().count();
                let _ = write!(table, "  {:width$}", self.cell(principal, question, now));
            }
            table.truncate(table.trim_end().len());
            table.push('\n');
        }
        table
    }

    fn cell(&self, principal: &Principal, question: &Question, now: Timestamp) -> &'static str {
        let Question { action, resource, facts, .. } = question;
        match self.court().decide(&Asked { principal, run: None, action, resource, facts, now }).verdict {
            Verdict::Allow => "yes",
            Verdict::Deny if self.may_know(principal, None, resource, now) => "no",
            Verdict::Deny => "404",
        }
    }
}
