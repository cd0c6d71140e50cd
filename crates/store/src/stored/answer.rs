//! What a run asked and was told, and how its tasks and containers ended, as they are kept; version 1.

use engine::{Answer, ContainerEnd, Question, TaskOutcome};
use jiff::Timestamp;
use model::argo::{NodeOutputs, NodePhase, Template};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum StoredQuestion {
    ConfigMapKey {
        name: String,
        key: String,
    },
    Templates {
        name: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cluster_scope: bool,
    },
    Memo {
        cache: String,
        key: String,
    },
}

impl From<Question> for StoredQuestion {
    fn from(question: Question) -> Self {
        match question {
            Question::ConfigMapKey { name, key } => Self::ConfigMapKey { name, key },
            Question::Templates { name, cluster_scope } => Self::Templates { name, cluster_scope },
            Question::Memo { cache, key } => Self::Memo { cache, key },
        }
    }
}

impl From<StoredQuestion> for Question {
    fn from(stored: StoredQuestion) -> Self {
        match stored {
            StoredQuestion::ConfigMapKey { name, key } => Self::ConfigMapKey { name, key },
            StoredQuestion::Templates { name, cluster_scope } => Self::Templates { name, cluster_scope },
            StoredQuestion::Memo { cache, key } => Self::Memo { cache, key },
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum StoredAnswer {
    Text(String),
    Templates(Vec<Template>),
    Memo { node: String, created_at: Timestamp, outputs: NodeOutputs },
    NotFound(String),
    Refused(String),
}

impl From<Answer> for StoredAnswer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Text(text) => Self::Text(text),
            Answer::Templates(templates) => Self::Templates(templates),
            Answer::Memo { node, created_at, outputs } => Self::Memo { node, created_at, outputs },
            Answer::NotFound(message) => Self::NotFound(message),
            Answer::Refused(message) => Self::Refused(message),
        }
    }
}

impl From<StoredAnswer> for Answer {
    fn from(stored: StoredAnswer) -> Self {
        match stored {
            StoredAnswer::Text(text) => Self::Text(text),
            StoredAnswer::Templates(templates) => Self::Templates(templates),
            StoredAnswer::Memo { node, created_at, outputs } => Self::Memo { node, created_at, outputs },
            StoredAnswer::NotFound(message) => Self::NotFound(message),
            StoredAnswer::Refused(message) => Self::Refused(message),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StoredTaskEnd {
    phase: NodePhase,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    outputs: NodeOutputs,
}

impl From<TaskOutcome> for StoredTaskEnd {
    fn from(TaskOutcome { phase, message, outputs }: TaskOutcome) -> Self {
        Self { phase, message, outputs }
    }
}

impl From<StoredTaskEnd> for TaskOutcome {
    fn from(StoredTaskEnd { phase, message, outputs }: StoredTaskEnd) -> Self {
        Self { phase, message, outputs }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StoredContainerEnd {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    finished_at: Timestamp,
}

impl From<ContainerEnd> for StoredContainerEnd {
    fn from(ContainerEnd { exit_code, message, started_at, finished_at }: ContainerEnd) -> Self {
        Self { exit_code, message, started_at, finished_at }
    }
}

impl From<StoredContainerEnd> for ContainerEnd {
    fn from(StoredContainerEnd { exit_code, message, started_at, finished_at }: StoredContainerEnd) -> Self {
        Self { exit_code, message, started_at, finished_at }
    }
}
