//! Subjects as they are written: `group:NAME`, `user:ISSUER#SUBJECT`, `workload:NAME`.
//!
//! Invariant: a subject's text reads back as the same subject, if its parts hold no control characters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

/// Names people or machines: `group:NAME`, `user:ISSUER#SUBJECT`, `workload:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Everyone in the group.
    Group(String),
    /// One person, by configured issuer name and subject.
    User {
        /// The configured issuer's name.
        issuer: String,
        /// The subject.
        subject: String,
    },
    /// One machine identity.
    Workload(String),
}

/// The longest text of a subject, in bytes.
const MAX_SUBJECT_BYTES: usize = 1024;

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group:{name}"),
            Self::User { issuer, subject } => write!(f, "user:{issuer}#{subject}"),
            Self::Workload(name) => write!(f, "workload:{name}"),
        }
    }
}

/// A text that is no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a subject: write `group:NAME`, `user:ISSUER#SUBJECT` or `workload:NAME`")]
pub struct SubjectError(String);

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let error = || SubjectError(text.chars().take(64).collect::<String>().escape_debug().to_string());
        // an asterisk would look like everybody, and is not
        if text.len() > MAX_SUBJECT_BYTES || text.contains('*') || text.chars().any(char::is_control) {
            return Err(error());
        }
        let named = |name: &str| !name.is_empty() && name.trim() == name;
        match text.split_once(':') {
            Some(("group", name)) if named(name) => Ok(Self::Group(name.to_owned())),
            Some(("workload", name)) if named(name) => Ok(Self::Workload(name.to_owned())),
            Some(("user", user)) => match user.split_once('#') {
                Some((issuer, subject)) if named(issuer) && named(subject) => {
                    Ok(Self::User { issuer: issuer.to_owned(), subject: subject.to_owned() })
                }
                _ => Err(error()),
            },
            _ => Err(error()),
        }
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn subjects_are_read_as_they_are_written() {
        for (text, subject) in [
            ("group:finance", Subject::Group("finance".into())),
            ("group:a:b", Subject::Group("a:b".into())),
            ("workload:spiffe://corp/erp", Subject::Workload("spiffe://corp/erp".into())),
            ("user:corp#alice#1", Subject::User { issuer: "corp".into(), subject: "alice#1".into() }),
        ] {
            assert_eq!(text.parse(), Ok(subject));
        }
    }

    #[test]
    fn what_names_nobody_or_everybody_is_no_subject() {
        for text in [
            "",
            "finance",
            "group:",
            "group: ",
            "group: a",
            "group:*",
            "user:alice",
            "user:#alice",
            "user:corp#",
            "Group:a",
            "team:a",
            "group:a\nb",
            "*",
            "user:*#*",
        ] {
            assert!(text.parse::<Subject>().is_err(), "{text:?}");
        }
        assert!(format!("group:{}", "a".repeat(2000)).parse::<Subject>().is_err());
    }

    proptest! {
        #[test]
        fn text_of_a_subject_reads_back(text in "(group|workload|user):[a-z#:/ @.]{1,12}") {
            if let Ok(subject) = text.parse::<Subject>() {
                prop_assert_eq!(subject.to_string().parse(), Ok(subject));
            }
        }
    }
}
